"""From the fields of a row to turns: roles under one set of names, contents as text, anything else refused."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from subtrait.data.flaws import Flaw, pointer
from subtrait.records import Row

Remark = Callable[..., None]
"""Takes the code of a notice and, where there is one, a detail: `Notices.add`."""


class Turn(NamedTuple):
    """One message of a conversation."""

    role: str
    """`system`, `user`, `assistant` or `tool`."""
    content: str


class Conversation(NamedTuple):
    """What one row says."""

    turns: tuple[Turn, ...]
    learnt: tuple[int, ...]
    """Positions of the assistant turns that training would learn, in order; at least one."""


ROLES: Final = {"system": "system", "user": "user", "assistant": "assistant"}
OPENAI_ROLES: Final = ROLES | {"developer": "system", "tool": "tool", "function": "tool"}
SHAREGPT_ROLES: Final = ROLES | {"human": "user", "gpt": "assistant", "tool": "tool", "observation": "tool"}
"""For each shape, the accepted names of roles and what they are called from here on."""

TOOL_CALLS: Final = ("tool_calls", "function_call")
OPENAI_FIELDS: Final = frozenset({"weight", *TOOL_CALLS})
"""Fields of a turn that only the fine-tuning format of OpenAI has."""


def conversation(turns: list[Turn], learnable: Iterable[int] | None = None, *, field: str) -> Conversation:
    """The turns, of which those at the positions `learnable` are learnt where the assistant says them.

    Raises:
        Flaw: E_NO_COMPLETION where there is none; `field` is the pointer to say.
    """
    positions = range(len(turns)) if learnable is None else learnable
    learnt = tuple(index for index in positions if turns[index].role == "assistant")
    if not learnt:
        what = "no assistant turn that a student would learn"
        raise Flaw("E_NO_COMPLETION", what, hint="add the answer, or remove the row", field=field)
    return Conversation(tuple(turns), learnt)


def items_of(row: Row, key: str) -> list[Any]:
    """The list of turns under `key`.

    Raises:
        Flaw: E_SCHEMA where it is missing, empty or no list.
    """
    value = row.get(key)
    if isinstance(value, list) and value:
        return value
    state = "missing" if key not in row else "empty" if value == [] else "no list"
    raise Flaw("E_SCHEMA", f"the list of turns is {state}", hint="write a list of turns", field=pointer(key))


def read_turns(
    row: Row, key: str, *, roles: Mapping[str, str], remark: Remark, names: tuple[str, str] = ("role", "content")
) -> list[Turn]:
    """The turns in the list under `key`, whose role and content have the given `names`.

    Raises:
        Flaw: E_SCHEMA, E_ROLE or E_CONTENT.
    """
    known = {*names, "name", *(OPENAI_FIELDS if roles is OPENAI_ROLES else ())}
    turns = []
    for index, item in enumerate(items_of(row, key)):
        if not isinstance(item, dict):
            raise Flaw("E_SCHEMA", "a turn that is no object", hint="write an object", field=pointer(key, index))
        turns.append(_turn(item, (key, index), roles, names))
        for unknown in item.keys() - known:
            remark("W_EXTRA_FIELD", pointer(key, "*", unknown))
    return turns


def _turn(item: Row, at: tuple[str, int], roles: Mapping[str, str], names: tuple[str, str]) -> Turn:
    role = item.get(names[0])
    if not isinstance(role, str) or role not in roles:
        shown = f"the role '{role[:40]}' is not known" if isinstance(role, str) else "the role is missing or no text"
        raise Flaw("E_ROLE", shown, hint=f"write one of: {', '.join(roles)}", field=pointer(*at, names[0]))
    if "\0" in str(item.get("name", "")):
        raise Flaw("E_SCHEMA", "a NUL character in a name", hint="remove it", field=pointer(*at, "name"))
    content = item.get(names[1])
    if content is None and roles is OPENAI_ROLES and calls_tools(item):
        return Turn(roles[role], "")
    return Turn(roles[role], _content(content, (*at, names[1])))


def calls_tools(item: Mapping[str, Any]) -> bool:
    """Whether the turn calls a tool or function."""
    return any(item.get(name) for name in TOOL_CALLS)


def _content(content: Any, at: tuple[str | int, ...]) -> str:
    """A text, or a list of text parts, which are joined without anything between them."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise _no_text(pointer(*at))
    for index, part in enumerate(content):
        if not (isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)):
            raise _no_text(pointer(*at, index))
    return "".join(part["text"] for part in content)


def _no_text(field: str) -> Flaw:
    hint = 'write a text, or a list of parts {"type": "text", "text": ...}'
    return Flaw("E_CONTENT", "the content is missing or no text", hint=hint, field=field)


def text_of(row: Row, key: str) -> str:
    """The text under `key`.

    Raises:
        Flaw: E_SCHEMA where it is missing, E_CONTENT where it is no text.
    """
    value = row.get(key)
    if isinstance(value, str):
        return value
    if key in row:
        raise Flaw("E_CONTENT", "the field is no text", hint="write a text", field=pointer(key))
    raise Flaw("E_SCHEMA", "the field is missing", hint="add it, or name another shape", field=pointer(key))


def system_of(row: Row) -> list[Turn]:
    """The system prompt that some tools keep beside the other fields: one turn, or none."""
    return [Turn("system", text_of(row, "system"))] if row.get("system") not in (None, "") else []
