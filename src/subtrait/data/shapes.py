"""The shapes that fine-tuning data comes in, each read to the same thing: turns, and which of them a student learns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from subtrait.data.flaws import Flaw, pointer
from subtrait.data.turns import (
    OPENAI_FIELDS,
    OPENAI_ROLES,
    ROLES,
    SHAREGPT_ROLES,
    Conversation,
    Remark,
    Turn,
    calls_tools,
    conversation,
    items_of,
    read_turns,
    system_of,
    text_of,
)
from subtrait.errors import unknown_name
from subtrait.records import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One way to write a row."""

    meaning: str
    keys: frozenset[str]
    """A row that has all of them is taken for this shape."""
    known: frozenset[str]
    """Every top-level field that is understood, or means nothing for training."""
    read: Callable[[Row, Remark], Conversation]
    """Raises `Flaw`: E_SCHEMA, E_ROLE, E_CONTENT or E_NO_COMPLETION."""


class Recogniser:
    """Reads the rows of one dataset in one shape: the named one, or the one that its first readable row has.

    Raises `UsageError` for a shape that does not exist.
    """

    def __init__(self, asked: str | None, remark: Remark) -> None:
        if asked is not None and asked not in SHAPES:
            raise unknown_name("shape", asked, SHAPES)
        self.name = asked
        """Of the shape; None until it is known."""
        self._fixed = asked is not None
        self._remark = remark

    def read(self, row: Row) -> Conversation:
        """The conversation of a row.

        Raises:
            Flaw: E_SCHEMA_MIXED where the row has another shape than those before it; and as `Shape.read`.
        """
        name = self.name if self.name is not None and self._fixed else self._recognised(row)
        shape = SHAPES[name]
        found = shape.read(row, self._remark)
        self.name = name
        for key in row.keys() - shape.known:
            self._remark("W_EXTRA_FIELD", pointer(key))
        return found

    def _recognised(self, row: Row) -> str:
        name = self.name or _only_shape_of(row)
        if not SHAPES[name].keys <= row.keys() and (others := _shapes_of(row)):
            what = f"a row of the shape {others[0]} among rows of the shape {name}"
            raise Flaw("E_SCHEMA_MIXED", what, hint="audit the shapes apart, or rewrite the rows in one shape")
        # What messages can say, openai says in the same way: nothing read so far would have been read differently.
        return "openai" if name == "messages" and _uses_openai_fields(row) else name


def _shapes_of(row: Row) -> list[str]:
    return [name for name, shape in SHAPES.items() if name != "openai" and shape.keys <= row.keys()]


def _only_shape_of(row: Row) -> str:
    found, names = _shapes_of(row), ", ".join(SHAPES)
    if len(found) == 1:
        return found[0]
    if found:
        what = f"the row fits several shapes: {' and '.join(found)}"
        raise Flaw("E_SCHEMA_MIXED", what, hint=f"name the shape: {names}")
    keys = ", ".join(key[:40] for key in list(row)[:10]) or "none"
    raise Flaw("E_SCHEMA", f"no shape fits; its keys: {keys}", hint=f"write one of: {names}", field="/messages")


_NEW_ROLES = tuple(OPENAI_ROLES.keys() - ROLES.keys())  # a tuple: what is compared with them may not be hashable


def _uses_openai_fields(row: Row) -> bool:
    turns = row.get("messages")
    return any(_is_openai(turn) for turn in turns) if isinstance(turns, list) else False


def _is_openai(turn: Any) -> bool:
    if not isinstance(turn, dict):
        return False
    return not OPENAI_FIELDS.isdisjoint(turn) or turn.get("role") in _NEW_ROLES


def _read_messages(row: Row, remark: Remark) -> Conversation:
    return conversation(read_turns(row, "messages", roles=ROLES, remark=remark), field="/messages")


def _read_openai(row: Row, remark: Remark) -> Conversation:
    turns = read_turns(row, "messages", roles=OPENAI_ROLES, remark=remark)
    if any(map(calls_tools, row["messages"])):
        remark("W_TOOL_CALL")
    learnt = [index for index, item in enumerate(items_of(row, "messages")) if _is_learnt(item, index)]
    return conversation(turns, learnt, field="/messages")


def _is_learnt(item: Row, index: int) -> bool:
    """Whether the turn has text at all, and its weight is not 0."""
    weight = item.get("weight")
    if weight is not None and (not isinstance(weight, int) or weight not in (0, 1)):
        field = pointer("messages", index, "weight")
        raise Flaw("E_SCHEMA", "the weight of a turn is neither 0 nor 1", hint="write 0 or 1", field=field)
    return weight != 0 and item.get("content") is not None


def _read_prompt_completion(row: Row, remark: Remark) -> Conversation:
    before = [*system_of(row), *_side(row, "prompt", "user", remark)]
    turns = [*before, *_side(row, "completion", "assistant", remark)]
    return conversation(turns, range(len(before), len(turns)), field="/completion")


def _side(row: Row, key: str, role: str, remark: Remark) -> list[Turn]:
    """A prompt or a completion: one text, or a list of messages."""
    if isinstance(row.get(key), list):
        return read_turns(row, key, roles=ROLES, remark=remark)
    return [Turn(role, text_of(row, key))]


def _read_alpaca(row: Row, remark: Remark) -> Conversation:  # noqa: ARG001 - every shape has one signature
    instruction = text_of(row, "instruction")
    more = text_of(row, "input") if row.get("input") is not None else ""
    prompt = f"{instruction}\n{more}" if more else instruction
    turns = [*system_of(row), Turn("user", prompt), Turn("assistant", text_of(row, "output"))]
    return conversation(turns, field="/output")


def _read_sharegpt(row: Row, remark: Remark) -> Conversation:
    turns = read_turns(row, "conversations", roles=SHAREGPT_ROLES, remark=remark, names=("from", "value"))
    return conversation([*system_of(row), *turns], field="/conversations")


_CHAT = frozenset({"id", "messages"})
SHAPES: Final = {
    "messages": Shape(
        meaning='{"messages": [{"role", "content"}, …]}: a chat',
        keys=frozenset({"messages"}),
        known=_CHAT,
        read=_read_messages,
    ),
    "openai": Shape(
        meaning="messages with the fields of OpenAI fine-tuning: weight, tool calls, developer and tool turns",
        keys=frozenset({"messages"}),
        known=_CHAT | {"tools", "parallel_tool_calls", "functions"},
        read=_read_openai,
    ),
    "prompt-completion": Shape(
        meaning='{"prompt", "completion"}: two texts, or two lists of messages',
        keys=frozenset({"prompt", "completion"}),
        known=frozenset({"id", "system", "prompt", "completion"}),
        read=_read_prompt_completion,
    ),
    "alpaca": Shape(
        meaning='{"instruction", "input", "output"}: the input, if any, follows the instruction on a new line',
        keys=frozenset({"instruction", "output"}),
        known=frozenset({"id", "system", "instruction", "input", "output"}),
        read=_read_alpaca,
    ),
    "sharegpt": Shape(
        meaning='{"conversations": [{"from", "value"}, …]}: a chat between human and gpt',
        keys=frozenset({"conversations"}),
        known=frozenset({"id", "system", "conversations"}),
        read=_read_sharegpt,
    ),
}
"""Every shape, by the name that a user gives."""
