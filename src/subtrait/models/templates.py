"""Chat templates: the untrusted programs that turn a conversation into the text a model reads.

A template is accepted only as far as it is plain: every turn appears in its output, whole and in order, and nothing
stands there as a system prompt that the conversation did not ask for. No clock is offered to it, so the same
conversation gives the same text on any day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from subtrait.errors import InvalidInput
from subtrait.records import Messages

NO_TEMPLATE = "put the model's own template into chat_template.jinja, or use an instruction-tuned checkpoint"
MARKS = "\ue000turn{}\ue001"
"""Stand-in for the content of a turn: private-use characters, so that no template text contains it."""


@dataclass(frozen=True)
class Rendered:
    """A conversation as text, cut where the template's text and the contents meet."""

    pieces: tuple[str, ...]
    """Template text before, between and after the contents: one more than there are turns."""
    contents: tuple[str, ...]

    @property
    def text(self) -> str:
        """What the model reads."""
        return "".join(piece + content for piece, content in zip(self.pieces, (*self.contents, ""), strict=True))


class Template:
    """A chat template of one checkpoint.

    Attributes:
        source: The Jinja text.
        where: The checkpoint, for messages.
        own_system: Whether the template's own system prompt is wanted.
    """

    def __init__(
        self,
        source: str | None,
        where: object,
        *,
        variables: Mapping[str, Any] | None = None,
        own_system: bool = False,
    ) -> None:
        """`variables` are the special tokens that templates may name, such as `bos_token`.

        With `own_system`, the template's own system prompt is passed explicitly where a conversation has none.

        Raises:
            InvalidInput: E_TEMPLATE where there is no template, or it is not valid Jinja.
        """
        if not source or not source.strip():
            raise InvalidInput("E_TEMPLATE", where, "the model has no chat template", hint=NO_TEMPLATE)
        self.source, self.where, self.own_system = source, where, own_system
        self._variables = dict(variables or {})
        self._program = self._compile(source)
        self._pieces = lru_cache(maxsize=1024)(self._find_pieces)

    def render(self, messages: Messages, *, add_generation_prompt: bool) -> Rendered:
        """The conversation as the model reads it.

        Raises:
            InvalidInput: E_TEMPLATE where the template fails, or drops, moves or rewrites a turn; E_TEMPLATE_SYSTEM
                where it adds a system prompt of its own.
        """
        if self.explicit_system is not None and all(turn["role"] != "system" for turn in messages):
            messages = [{"role": "system", "content": self.explicit_system}, *messages]
        roles = tuple(turn["role"] for turn in messages)
        if "system" not in roles and self.default_system:
            what = "the template adds a system prompt of its own to a conversation without one"
            hint = "pass a system turn explicitly, or its own for all: add +own-system to the model's name"
            raise InvalidInput("E_TEMPLATE_SYSTEM", self.where, what, hint=hint)
        pieces = self._pieces(roles, add_generation_prompt)
        text = self.run(messages, add_generation_prompt=add_generation_prompt)
        whole = Rendered(pieces, tuple(turn["content"] for turn in messages))
        # Templates that trim are common, and trimming is then what the model was trained on
        for rendered in (whole, Rendered(pieces, tuple(content.strip() for content in whole.contents))):
            if rendered.text == text:
                return rendered
        raise InvalidInput("E_TEMPLATE", self.where, "the template rewrites the content of a turn")

    @cached_property
    def default_system(self) -> bool:
        """Whether a conversation without a system turn is given a system prompt.

        The text before the first user turn must be how a later user turn begins; a system prompt would stand in
        between. Templates that begin the first turn differently, yet not as a system turn begins, are let through.
        """
        opening = self._without_begin(self._pieces(("user",), False)[0])
        if self._pieces(("user", "assistant", "user"), False)[2].endswith(opening):
            return False
        try:
            system = self._without_begin(self._pieces(("system", "user"), False)[0])
        except InvalidInput:
            return True
        return opening.startswith(system)

    @cached_property
    def explicit_system(self) -> str | None:
        """The system prompt that conversations without one are given: the template's own, where that is wanted.

        None where it is not, or the template has none. Rendered, it gives what the template would have made by itself.

        Raises:
            InvalidInput: E_TEMPLATE_SYSTEM where the template does something else in its place.
        """
        if not (self.own_system and self.default_system):
            return None
        opening, (before, after, _) = self._pieces(("user",), False)[0], self._pieces(("system", "user"), False)
        if not (opening.startswith(before) and opening.endswith(after) and len(opening) >= len(before + after)):
            what = "what the template puts in place of a system turn cannot be written as one"
            raise InvalidInput("E_TEMPLATE_SYSTEM", self.where, what, hint="pass a system turn explicitly")
        return opening[len(before) : len(opening) - len(after)]

    @cached_property
    def after_completion(self) -> str:
        """Template text that follows the assistant's last word, such as `<|im_end|>` and a line break."""
        return self._pieces(("user", "assistant"), False)[2]

    def _without_begin(self, text: str) -> str:
        return text.removeprefix(str(self._variables.get("bos_token") or ""))

    def _find_pieces(self, roles: tuple[str, ...], add_generation_prompt: bool) -> tuple[str, ...]:
        marks = [MARKS.format(index) for index in range(len(roles))]
        messages = [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)]
        rest = self.run(messages, add_generation_prompt=add_generation_prompt)
        pieces = []
        for role, mark in zip(roles, marks, strict=True):
            if rest.count(mark) != 1:
                times = "drops" if mark not in rest else "moves or repeats"
                raise InvalidInput("E_TEMPLATE", self.where, f"the template {times} the content of a {role} turn")
            piece, rest = rest.split(mark)
            pieces.append(piece)
        return (*pieces, rest)

    def _compile(self, source: str) -> Any:
        from jinja2 import TemplateError

        try:
            return _environment().from_string(source)
        except (TemplateError, RecursionError) as problem:
            raise InvalidInput("E_TEMPLATE", self.where, f"the template is not valid: {problem}") from problem

    def run(self, messages: Messages, *, add_generation_prompt: bool) -> str:
        """What the template makes of `messages`, unchecked.

        Raises:
            InvalidInput: E_TEMPLATE where it fails.
        """
        turns = [dict(turn) for turn in messages]
        try:
            text: str = self._program.render(
                messages=turns, add_generation_prompt=add_generation_prompt, tools=None, documents=None,
                **self._variables,
            )  # fmt: skip
        except Exception as problem:  # template code may raise anything that Python can
            what = f"the template fails: {type(problem).__name__}: {problem}"
            raise InvalidInput("E_TEMPLATE", self.where, what) from problem
        return text


def _raise_exception(message: object) -> None:
    from jinja2 import TemplateError

    raise TemplateError(str(message))


def _to_json(value: Any, **options: Any) -> str:
    """JSON as templates of the ecosystem expect it: not escaped for HTML."""
    import json

    allowed = {name: options[name] for name in ("indent", "separators", "sort_keys") if name in options}
    return json.dumps(value, ensure_ascii=False, **allowed)


@lru_cache(maxsize=1)
def _environment() -> Any:
    """The sandbox that transformers renders in: no attribute starting with an underscore, nothing can be modified."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _generation_tag()]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    return environment


def _generation_tag() -> Any:
    """`{% generation %}`, with which some templates mark what the assistant wrote: here it only passes its body on."""
    from jinja2.ext import Extension

    class GenerationTag(Extension):
        tags = {"generation"}  # noqa: RUF012, the way jinja2 declares it

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return GenerationTag
