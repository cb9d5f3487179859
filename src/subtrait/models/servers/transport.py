"""One request and its reply, or the reason why there is none: whether asking again may help is decided here.

Redirects are not followed, bodies are bounded, and what a server sends is taken for JSON or refused.
"""

import importlib.util
import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from subtrait.errors import InvalidInput, MissingExtra, ServerError, UsageError, escaped
from subtrait.models.servers.addresses import Address, api_key

if TYPE_CHECKING:
    import httpx2

Reply = dict[str, Any]
"""A JSON object from a server."""
File = tuple[str, bytes, str]
"""A file to be uploaded: its name, its bytes, and their media type."""
MAX_WAIT: Final = 600.0
"""Seconds. A server that asks to wait longer is not waited for."""
BUSY: Final = frozenset({408, 409, 425, 429})
"""Refusals that pass. So do those of 500 and above, but for `LACKING`."""
LACKING: Final = frozenset({501, 505})
"""Refusals of 500 and above that do not pass: the server has no such thing."""
STOPS: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Error codes that come with a passing status and do not pass."""
EXCERPT: Final = 200
"""Characters of what a server said that a message repeats."""
RESUME: Final = "What was answered is kept: run the same command again after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one attempt may take."""

    seconds: float = 600.0
    """From the request to the last byte of the reply."""
    connect_seconds: float = 10.0
    body: int = 32 * 2**20
    """Bytes of a reply."""
    connections: int = 32


class Unanswered(ServerError):
    """An attempt without an answer, after which another may succeed.

    Attributes:
        wait: seconds that the server asked for, or None.
        busy: whether it has too much to do, so that fewer should ask at once.
    """

    def __init__(self, what: str, *, wait: float | None = None, busy: bool = False) -> None:
        super().__init__(what)
        self.wait, self.busy = wait, busy


class NotAllowed(ServerError):
    """The key is not accepted, or not for this."""


class Declined(ServerError):
    """The server will not do it today: the money is spent, or it asks for an absurd wait."""


class Refused(InvalidInput):
    """The server understood the request and will not carry it out, however often it is asked."""


class Connection:
    """A server, and the key for it. The key is in the headers of requests and nowhere else."""

    def __init__(self, address: Address, *, limits: Limits | None = None) -> None:
        """Nothing is sent yet.

        Raises:
            MissingExtra: httpx2 is not installed.
            UsageError: the key, the proxy or the certificates that the environment names cannot be used.
        """
        self.address, self._limits = address, limits or Limits()
        self._key = api_key(address)
        self._client = _client(address, self._key, self._limits)

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def ask(
        self, path: str, body: Mapping[str, Any] | None = None, *, where: str = "", file: File | None = None
    ) -> Reply:
        """The reply to one request: POST with a body, GET without. `where` says what was asked for, in messages.

        With a `file`, it and the fields of the body are sent as a form (multipart/form-data) in place of JSON.

        Raises:
            Unanswered: asking again may help.
            Refused: E_API_REFUSED, asking again does not help; E_API_NOT_FOUND, there is no such model or path.
            InvalidInput: E_API_SIZE, E_API_REDIRECT or E_API for replies that are not accepted.
            NotAllowed: the key is not accepted.
            ServerError: the money is spent, TLS fails, or the wait would be absurd.
            UsageError: the address is none that can be reached.
        """
        where = f"{self.address.name} {where}".strip()
        sent = {"json": body} if file is None else {"data": body, "files": {"file": file}}
        status, headers, content = self._exchange(path, sent if body is not None else {}, where)
        if 300 <= status < 400:
            what = "the server redirects, which is not followed since the key would go along"
            raise InvalidInput("E_API_REDIRECT", where, what, hint="give the address that it leads to, if you trust it")
        reply = _parsed(content)
        # A job that failed says so in a field `error`, and is no error of the request
        if status < 300 and reply is not None and (not reply.get("error") or "id" in reply):
            return reply
        raise self._failure(status, headers, reply, self._shown(content), where)

    def _exchange(self, path: str, sent: Mapping[str, Any], where: str) -> tuple[int, Mapping[str, str], bytes]:
        import httpx2

        try:
            with self._client.stream("POST" if sent else "GET", path, **sent) as response:
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise InvalidInput("E_API", where, "the server sends a compressed reply, which was not asked for")
                return response.status_code, response.headers, b"".join(self._chunks(response, where))
        except httpx2.TimeoutException:
            raise Unanswered(f"no answer within {self._limits.seconds:g} s") from None
        except (httpx2.InvalidURL, UnicodeError) as problem:
            raise UsageError(f"{where}: {self._shown(str(problem).encode())}. Look at the address") from None
        except httpx2.RequestError as problem:
            if _is_tls(problem):
                what = f"no safe connection to {where}: {self._shown(str(problem).encode())}"
                raise ServerError(f"{what}. Check http or https in the address, and the certificate") from None
            raise Unanswered(f"no connection: {self._shown(str(problem).encode())}") from None

    def _chunks(self, response: "httpx2.Response", where: str) -> Iterator[bytes]:
        """The body, bounded in bytes and in time as a whole: a byte a second would never run into a read timeout."""
        end, left = time.monotonic() + self._limits.seconds, self._limits.body
        for chunk in response.iter_raw():
            left -= len(chunk)
            if left < 0:
                raise InvalidInput("E_API_SIZE", where, f"the reply is longer than {self._limits.body:,} bytes")
            if time.monotonic() > end:
                raise Unanswered(f"the reply was not over within {self._limits.seconds:g} s")
            yield chunk

    def _failure(
        self, status: int, headers: Mapping[str, str], reply: Reply | None, said: str, where: str
    ) -> Exception:
        code = _code(reply)
        if code in STOPS:
            return Declined(f"{where}: no credit is left ({code}). {RESUME} there is some")
        if status in (401, 403):
            advice = f"Look at {self.address.key_variable}. {RESUME} that"
            return NotAllowed(f"{where}: the key is not accepted (status {status}: {said}). {advice}")
        if (status in BUSY or status >= 500 or status < 300) and status not in LACKING:
            return _passing(status, headers, said, where)
        kind = "E_API_NOT_FOUND" if status == 404 else "E_API_REFUSED"
        return Refused(kind, where, f"status {status}: {said}", hint="it will not help to ask again")

    def _shown(self, content: bytes) -> str:
        """What the server said, for a message: short, without control characters, and never with the key."""
        text = content[: 64 * EXCERPT].decode(errors="replace")
        if self._key:
            text = text.replace(self._key, "***")
        return escaped(" ".join(text.split()).rstrip("."), limit=EXCERPT) or "nothing"


def _client(address: Address, key: str | None, limits: Limits) -> "httpx2.Client":
    if importlib.util.find_spec("httpx2") is None:
        raise MissingExtra("a served model", "servers")
    import httpx2

    # Compressed bodies could be bombs; a proxy from the environment is of no use on this machine itself
    headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        return httpx2.Client(
            base_url=address.url,
            headers=headers,
            timeout=httpx2.Timeout(limits.seconds, connect=limits.connect_seconds),
            limits=httpx2.Limits(max_connections=limits.connections, max_keepalive_connections=limits.connections),
            follow_redirects=False,
            trust_env=urlsplit(address.url).hostname not in {"127.0.0.1", "localhost", "::1"},
        )
    except (OSError, ValueError, ImportError, httpx2.InvalidURL) as problem:
        # Its own words may repeat the password of a proxy
        what = f"{address.name}: no connection can be made ready ({type(problem).__name__})"
        advice = "Look at the address, and at the variables for proxies (socks needs httpx2[socks]) and SSL_CERT_FILE"
        raise UsageError(f"{what}. {advice}") from None


def _is_tls(problem: BaseException | None) -> bool:
    """Whether TLS is at the root of it: a certificate does not become valid by asking again."""
    while problem is not None and not isinstance(problem, ssl.SSLError):
        problem = problem.__cause__ or problem.__context__
    return problem is not None


def _parsed(content: bytes) -> Reply | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _code(reply: Reply | None) -> str | None:
    """The code of an error: `code` or `type` of its object, whichever says more."""
    error = (reply or {}).get("error")
    said = [error.get(field) for field in ("code", "type")] if isinstance(error, dict) else []
    named = [code for code in said if isinstance(code, str)]
    return next((code for code in named if code in STOPS), named[0] if named else None)


def _passing(status: int, headers: Mapping[str, str], said: str, where: str) -> ServerError:
    wait = retry_after(headers.get("retry-after"))
    if wait is not None and wait > MAX_WAIT:
        declined = Declined if status == 429 else ServerError  # what fails in another way may be done nevertheless
        return declined(f"{where}: the server asks to wait {wait:,.0f} s. {RESUME} that")
    busy = status in (429, 503, 529)
    return Unanswered(f"status {status}: {said}", wait=wait, busy=busy)


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Seconds from now that a Retry-After header asks to wait: a number, or an HTTP date; None for anything else.

    Source: RFC 9110, section 10.2.3.
    """
    text = (value or "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text, re.ASCII):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - (time.time() if now is None else now))
    except (ValueError, TypeError, OverflowError):
        return None
