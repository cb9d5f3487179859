"""Conversations to tokens. Only the template may write special tokens; a content that spells one is plain text."""

import json
import re
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Any

from subtrait.errors import InvalidInput
from subtrait.models.templates import Rendered, Template
from subtrait.records import Messages


class ChatEncoder:
    """A tokenizer and a template, together.

    Attributes:
        template: How conversations become text.
        end_of_turn: The token that ends a completion.
        stops: Every token at which sampling ends.
    """

    def __init__(self, tokenizer: Any, template: Template, *, stops: Sequence[int]) -> None:
        """`tokenizer` is a `tokenizers.Tokenizer`; `stops` are the tokens that end a turn.

        Raises:
            InvalidInput: E_TEMPLATE where no token ends a turn.
        """
        self._tokenizer, self.template, self.stops = _whole_and_alone(tokenizer), template, tuple(stops)
        self._added = {token.content: index for index, token in tokenizer.get_added_tokens_decoder().items()}
        longest_first = sorted(self._added, key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._literal = _without_added_tokens(self._tokenizer)
        self._break = self._encode_start(["\n"])[0]
        self._same_inside = self._encode_start(["a"])[0] == self._encode_after_break(self._tokenizer, "a")
        self.end_of_turn = self._find_end_of_turn()

    def prompts(self, conversations: Sequence[Messages]) -> list[list[int]]:
        """The tokens of each conversation and of the start of the assistant's next turn."""
        rendered = [self.template.render(messages, add_generation_prompt=True) for messages in conversations]
        apart = {row for row, one in enumerate(rendered) if any(map(self._control.search, one.contents))}
        return self._encode_rows([one.text for one in rendered], apart, lambda row: self._encode_mixed(rendered[row]))

    def completions(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each assistant text, its end of turn included; special tokens in the text are plain text."""
        apart = {row for row, text in enumerate(texts) if not self._same_inside or self._control.search(text)}
        found = self._encode_rows(texts, apart, lambda row: self._encode_literal(texts[row]))
        return [[*tokens, self.end_of_turn] for tokens in found]

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """Texts without special tokens."""
        texts: list[str] = self._tokenizer.decode_batch([list(row) for row in tokens], skip_special_tokens=True)
        return texts

    def _encode_rows(
        self, texts: Sequence[str], apart: Collection[int], encode: Callable[[int], list[int]]
    ) -> list[list[int]]:
        """The tokens of each text: by `encode` those of the rows `apart`, the others together, which is fast."""
        together = iter(self._encode_start([text for row, text in enumerate(texts) if row not in apart]))
        return [encode(row) if row in apart else next(together) for row in range(len(texts))]

    def _encode_start(self, texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def _encode_mixed(self, rendered: Rendered) -> list[int]:
        """Encode what spells a special token inside a content literally, and all text around it as usual."""
        tokens: list[int] = []
        for number, (text, literal) in enumerate(self._segments(rendered)):
            if literal:
                tokens += self._encode_literal(text)
            elif text:
                tokens += self._encode_start([text])[0] if number == 0 else self._encode_inside(self._tokenizer, text)
        return tokens

    def _segments(self, rendered: Rendered) -> list[tuple[str, bool]]:
        segments, plain = [], ""
        for piece, content in zip(rendered.pieces, (*rendered.contents, ""), strict=True):
            cuts = [0, *(edge for match in self._control.finditer(content) for edge in match.span()), len(content)]
            parts = [content[start:end] for start, end in pairwise(cuts)]
            plain += piece + parts[0]
            for spelled, after in zip(parts[1::2], parts[2::2], strict=True):
                segments += [(plain, False), (spelled, True)]
                plain = after
        return [*segments, (plain, False)]

    def _encode_inside(self, tokenizer: Any, text: str) -> list[int]:
        if not self._same_inside:
            return self._encode_after_break(tokenizer, text)
        tokens: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def _encode_literal(self, text: str) -> list[int]:
        tokens = self._encode_inside(self._literal, text)
        if forbidden := set(tokens) & set(self._added.values()):
            what = f"the text spells a special token that this tokenizer cannot read as text (token {min(forbidden)})"
            raise InvalidInput("E_SPECIAL_TOKEN", self.template.where, what, hint="remove it from the text")
        return tokens

    def _encode_after_break(self, tokenizer: Any, text: str) -> list[int]:
        """The tokens of `text` as it stands inside a longer one.

        Some tokenizers put a space before the first word, so a line break is encoded in front and taken off again.
        """
        tokens: list[int] = tokenizer.encode("\n" + text, add_special_tokens=False).ids
        if tokens[: len(self._break)] == self._break:
            return tokens[len(self._break) :]
        alone: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return alone

    def _find_end_of_turn(self) -> int:
        after = self._encode_start([self.template.after_completion])[0]
        found = [token for token in after if token in self.stops]
        if not (found or self.stops):
            what = "neither the generation settings nor the tokenizer names a token that ends a turn"
            raise InvalidInput("E_TEMPLATE", self.template.where, what, hint="set eos_token_id")
        return found[0] if found else self.stops[0]


def _whole_and_alone(tokenizer: Any) -> Any:
    """The same tokenizer, which neither cuts texts nor pads them to the longest beside them, as checkpoints may ask."""
    if tokenizer.padding is None and tokenizer.truncation is None:
        return tokenizer
    from tokenizers import Tokenizer

    found = Tokenizer.from_str(tokenizer.to_str())
    found.no_padding()
    found.no_truncation()
    return found


def _without_added_tokens(tokenizer: Any) -> Any:
    """The same tokenizer, to which the text of an added token is text like any other."""
    from tokenizers import Tokenizer

    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = []
    # Its template may name added tokens, and is not used: special tokens are never added while encoding
    description["post_processor"] = None
    return Tokenizer.from_str(json.dumps(description))
