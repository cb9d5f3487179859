"""The bytes of a run: JSON that is the same for the same values, and records that notice a flipped bit."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from subtrait.records import Row

SEAL = "check"
"""Field that holds the checksum of all other fields of a sealed record."""


def encoded(value: object, *, indent: int | None = None) -> bytes:
    """`value` as JSON and a newline: keys in the order given, floats so that they read back exactly.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot say.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=False, allow_nan=False, indent=indent)
    return as_bytes(text + "\n")


def as_bytes(text: str) -> bytes:
    r"""`text` in UTF-8. A lone surrogate, which a remote model may send, becomes its JSON escape `\udXXX`."""
    return text.encode("utf-8", errors="backslashreplace")


def canonical(value: object) -> bytes:
    """`value` as compact JSON with sorted keys: equal for equal content."""
    return as_bytes(json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":")))


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sealed(record: Mapping[str, Any]) -> Row:
    """`record` with the checksum of its content as the last field."""
    return {**record, SEAL: sha256(canonical(dict(record)))[:16]}


def unsealed(data: bytes) -> Row:
    """The record in `data`, without its checksum.

    Raises:
        ValueError: not one JSON object, or changed since it was sealed.
    """
    try:
        record = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    content = {key: value for key, value in record.items() if key != SEAL}
    if sealed(content) != record:
        raise ValueError("the checksum does not match the content")
    return content
