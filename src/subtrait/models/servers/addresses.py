"""What the name of a served model means, and which key goes to which host.

openai:NAME · vllm:NAME · http://HOST:PORT/v1#NAME, each with or without =CHECKPOINT, the checkpoint that is served.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from subtrait.errors import UsageError, escaped

SHORT: Final = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "vllm": ("http://127.0.0.1:8000/v1", "VLLM_API_KEY"),
}
"""Prefixes that stand for an address, and the environment variable whose key goes to that address and no other."""
KEYS: Final = "SUBTRAIT_API_KEYS"
"""Environment variable with the keys of all other hosts: `https://one.example=KEY http://two.example:8000=KEY`."""
FORMS: Final = "openai:NAME, vllm:NAME or http://HOST:PORT/v1#NAME, each with =CHECKPOINT where rows are to be scored"
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a served model is asked for. Holds no key."""

    name: str
    """As the user wrote it."""
    url: str
    """Of the API, without a slash at the end, such as `http://127.0.0.1:8000/v1`."""
    model: str
    """What the server calls the model."""
    checkpoint: str | None
    """The checkpoint that is served: its tokenizer and template are used for scoring. None where it is not known."""

    @property
    def key_variable(self) -> str:
        """The environment variable from which the key for this host comes."""
        return next((variable for url, variable in SHORT.values() if url == self.url), KEYS)


def is_address(name: str) -> bool:
    """Whether the name is one of a served model, well formed or not."""
    return name.partition(":")[0] in {*SHORT, *_PORTS} and ":" in name


def is_hosted(name: str) -> bool:
    """Whether students of that model are made by its server, since the name says of no checkpoint to train here.

    Raises:
        UsageError: as `read_address`.
    """
    return is_address(name) and read_address(name).checkpoint is None


def read_address(name: str) -> Address:
    """What `name` means.

    Raises:
        UsageError: it is not well formed, or carries a user name, a password or a query.
    """
    prefix, _, rest = name.partition(":")
    if not name.isprintable():
        raise _malformed(name, "it has characters that cannot be printed")
    url, rest = (SHORT[prefix][0], rest) if prefix in SHORT else _split(name)
    model, known, checkpoint = rest.partition("=")
    if not model or " " in model:
        raise _malformed(name, "it does not say which model")
    return Address(name=name, url=url, model=model, checkpoint=(checkpoint or model) if known else None)


def api_key(address: Address, environment: Mapping[str, str] = os.environ) -> str | None:
    """The key for the address's host, from the environment only; None where there is none.

    Raises:
        UsageError: the variable cannot be read. Its content is not repeated.
    """
    variable = address.key_variable
    if variable == KEYS:
        key = _keys_by_origin(environment.get(KEYS, "")).get(origin_of(urlsplit(address.url)))
    else:
        key = environment.get(variable, "").strip() or None
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(f"the key in {variable} has characters that no key has: set it anew")
    return key


def origin_of(parts: SplitResult) -> str:
    """Scheme, host and port, to which a key is bound."""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{parts.port or _PORTS.get(parts.scheme)}"


def other_model(address: Address, model: str) -> Address:
    """Another model at the same address. Raises `UsageError` for a name that cannot be written."""
    prefix = next((f"{short}:" for short, (url, _) in SHORT.items() if url == address.url), f"{address.url}#")
    return read_address(prefix + model)


def _keys_by_origin(text: str) -> dict[str, str]:
    found = {}
    for number, entry in enumerate(text.split(), start=1):
        url, equals, key = entry.partition("=")
        try:
            parts = urlsplit(url)
            origin = origin_of(parts)
        except ValueError:
            parts, origin = urlsplit(""), ""
        if not equals or parts.scheme not in _PORTS or not parts.hostname:
            raise UsageError(f"entry {number} of {KEYS} is not of the form https://HOST=KEY")
        found[origin] = key
    return found


def _split(name: str) -> tuple[str, str]:
    """The URL of the API and what follows the #."""
    try:
        parts = urlsplit(name)
        origin_of(parts)
    except ValueError as problem:
        raise _malformed(name, str(problem)) from None
    if "@" in parts.netloc:
        # The name is not repeated: it holds a password
        raise UsageError(f"an address takes no user name or password; put the key into {KEYS}")
    if parts.query or not parts.hostname or " " in parts.netloc:
        raise _malformed(name, "it has a query or no host")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}", parts.fragment


def _malformed(name: str, what: str) -> UsageError:
    return UsageError(f"'{escaped(name)}' is no address of a served model: {what}; write {FORMS}")
