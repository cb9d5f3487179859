"""One line of bytes to one JSON object, accepting less than Python's parser: nothing may be read in two ways.

Refused, beyond malformed JSON: keys that appear twice however they are escaped, NaN and the infinities, numbers too
large for a float or too long, lone surrogates, invalid UTF-8, deep nesting. Whole numbers are exact at any size that
is allowed; `-0` reads as 0, and `1.0` stays different from `1`.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from typing import Any, Final

from subtrait.data.flaws import Flaw, pointer
from subtrait.data.limits import Limits
from subtrait.records import Row

BLANKS: Final = b" \t\r"
"""The characters that JSON allows around a value, as far as they can stand in a line."""

# Possessive, so that a string of any length is passed over without remembering its parts.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TRUNCATED = "the file may be truncated: fetch it again"


class StrictParser:
    """Parses the lines of a dataset, one at a time."""

    def __init__(self, limits: Limits, *, similar_keys: Callable[[], None] = lambda: None) -> None:
        self._limits = limits
        self._similar_keys = similar_keys
        """Called where keys of one object are equal after Unicode normalisation only."""
        self._flawed = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._whole,
            parse_float=self._real,
            parse_constant=self._constant,
        )

    def parse(self, data: bytes, *, offset: int = 0, ended: bool = True) -> Row:
        """The object in `data`, a line that begins `offset` bytes into its file and whose newline was there or not.

        Raises:
            Flaw: E_UTF8, E_JSON, E_TYPE, E_DEPTH, E_KEYS, E_LIMIT, E_DUPKEY, E_NUMBER or E_SURROGATE.
        """
        text = self._text(data, offset, ended=ended)
        self._check_structure(text)
        value = self._value(text, ended=ended)
        if self._flawed or _SURROGATE.search(text):
            for flaw in _flaws(value, ()):
                raise flaw
        if not isinstance(value, dict):
            raise Flaw("E_TYPE", f"the row is {_kind(value)}, not an object", hint="write one JSON object a line")
        return value

    def _text(self, data: bytes, offset: int, *, ended: bool) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            what = f"invalid UTF-8: byte 0x{data[error.start]:02X} at byte {offset + error.start:,} of the file"
            column = len(data[: error.start].decode("utf-8")) + 1
            hint = "convert the file to UTF-8" if ended else _TRUNCATED
            raise Flaw("E_UTF8", what, hint=hint, column=column) from None

    def _check_structure(self, text: str) -> None:
        """Depth and counts, before anything is built. Counting characters is enough for nearly every row."""
        limits = self._limits
        if (
            text.count("[") + text.count("{") <= limits.depth
            and text.count(":") <= limits.keys
            and text.count(",") <= limits.values
        ):
            return
        depth, counts = 0, {":": 0, ",": 0}
        for match in _TOKEN.finditer(text):
            token = match[0]
            if token in counts:
                counts[token] += 1
            elif token in ("[", "{"):
                depth += 1
            elif token in ("]", "}"):
                depth -= 1
            self._check_counts(depth, counts, column=match.start() + 1)

    def _check_counts(self, depth: int, counts: dict[str, int], *, column: int) -> None:
        limits, hint = self._limits, "simplify the row, or raise the limit"
        if depth > limits.depth:
            raise Flaw("E_DEPTH", f"nested more than {limits.depth} deep", hint=f"{hint} depth", column=column)
        if counts[":"] > limits.keys:
            raise Flaw("E_KEYS", f"more than {limits.keys:,} keys in a row", hint=f"{hint} keys", column=column)
        if counts[","] > limits.values:
            raise Flaw("E_LIMIT", f"more than {limits.values:,} values in a row", hint=f"{hint} values", column=column)

    def _value(self, text: str, *, ended: bool) -> Any:
        self._flawed = False
        try:
            return self._decoder.decode(text)
        except JSONDecodeError as error:
            reason = "a byte order mark" if text[error.pos : error.pos + 1] == "\ufeff" else error.msg.lower()
            hint = "write one whole JSON object a line" if ended else _TRUNCATED
            raise Flaw("E_JSON", f"not valid JSON: {reason}", hint=hint, column=error.pos + 1) from None

    # A hook does not know where in the row it is. It leaves the flaw in place of the value, and `_flaws` finds it.

    def _object(self, pairs: list[tuple[str, Any]]) -> Row | Flaw:
        built = dict(pairs)
        if len(built) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            return self._leave("E_DUPKEY", "the key appears twice in one object", field=pointer(twice))
        if not all(map(str.isascii, built)) and len({unicodedata.normalize("NFC", key) for key in built}) < len(built):
            self._similar_keys()
        return built

    def _whole(self, text: str) -> int | Flaw:
        return int(text) if len(text) <= self._limits.number_length else self._too_long(text)

    def _real(self, text: str) -> float | Flaw:
        if len(text) > self._limits.number_length:
            return self._too_long(text)
        number = float(text)
        return number if math.isfinite(number) else self._leave("E_NUMBER", f"{text[:40]} is too large for a number")

    def _constant(self, text: str) -> Flaw:
        return self._leave("E_NUMBER", f"{text} is no JSON number")

    def _too_long(self, text: str) -> Flaw:
        return self._leave("E_NUMBER", f"a number of {len(text):,} characters, {self._limits.number_length:,} allowed")

    def _leave(self, code: str, what: str, *, field: str = "") -> Flaw:
        self._flawed = True
        hint = "keep one of them" if code == "E_DUPKEY" else "write it as text, or as a finite number"
        return Flaw(code, what, hint=hint, field=field)


def _flaws(value: Any, steps: tuple[str | int, ...]) -> Iterator[Flaw]:
    """What was left in the parsed `value`, and lone surrogates, each with its pointer."""
    if isinstance(value, Flaw):
        value.field = pointer(*steps) + value.field
        yield value
    elif isinstance(value, str) and not _encodable(value):
        hint = "replace the \\ud800 to \\udfff escape: alone, it is half a character"
        yield Flaw("E_SURROGATE", "a lone surrogate, which no text can hold", hint=hint, field=pointer(*steps))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flaws(key, (*steps, key))
            yield from _flaws(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flaws(inner, (*steps, index))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "true or false", str: "a string", list: "a list"}
    return names.get(type(value), "a number")
