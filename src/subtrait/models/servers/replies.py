"""What is taken from a server's replies, and what is not accepted in them.

A reply without the wanted part may be a hiccup, and is `Unanswered`; one that has it in a form that cannot be is
refused, since asking again would only hide what is wrong.
"""

from collections.abc import Sequence
from typing import Any, Final

from subtrait.errors import InvalidInput, escaped
from subtrait.models.servers.transport import Reply, Unanswered
from subtrait.records import Row

Scored = tuple[list[str], list[float]]
"""Of each token of a prompt its text, empty where it is not said, and its log-probability in nats, 0 for the first."""
LONGEST_TOKEN: Final = 1_024
"""Characters. No token of a known vocabulary is longer, so a text that is longer per token was not bounded as asked."""
LEAST_LIKELY: Final = 1e30
"""Nats. Servers put finite numbers as large as float32 has them in place of an infinite one."""
NOT_SAID: Final = "not said"
"""In place of an ending that the server leaves out."""
LONGEST_LABEL: Final = 200
"""Characters that are kept of how a text ended, and of a backend's name."""
NOT_WRITTEN: Final = frozenset({"content_filter", "refusal"})
"""Endings of texts that somebody other than the model cut or refused: they count, and their text is no data."""


def chat_text(reply: Reply, *, tokens: int, where: str) -> Row:
    """`text`, `ending`, `model` and `backend` of a chat completion of at most that many tokens.

    The text of a refusal is empty. Surrogates that stand alone, which no file can hold, become U+FFFD.

    Raises:
        Unanswered: there is no choice in it.
        InvalidInput: E_API_FIELD where the text is no text, or longer than was asked for.
    """
    choice = _choice(reply)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    text, ending = message.get("content"), choice.get("finish_reason")
    if text is None:
        text, ending = "", "refusal" if message.get("refusal") or ending == "stop" else ending
    ending = ending if isinstance(ending, str) else None
    if not isinstance(text, str):
        raise InvalidInput("E_API_FIELD", where, f"the content is of type {type(text).__name__}, not text")
    if len(text) > tokens * LONGEST_TOKEN:
        raise InvalidInput("E_API_FIELD", where, f"{len(text):,} characters for at most {tokens} tokens")
    return {
        "text": "" if ending in NOT_WRITTEN else _whole(text),
        "ending": _label(ending) or NOT_SAID,
        "model": _name(reply.get("model")),
        "backend": _label(reply.get("system_fingerprint")),
    }


def echoed(reply: Reply, tokens: Sequence[int], *, where: str) -> Scored:
    """What a completion endpoint echoes of a prompt of these tokens.

    Raises:
        Unanswered: there is no choice in it.
        InvalidInput: E_API_FIELD where tokens are missing, or one has no log-probability.
    """
    found = _choice(reply).get("logprobs")
    found = found if isinstance(found, dict) else {}
    texts, values = found.get("tokens"), found.get("token_logprobs")
    if not (isinstance(texts, list) and isinstance(values, list) and min(len(texts), len(values)) >= len(tokens)):
        raise _lacking(len(tokens), where)
    return list(map(str, texts[: len(tokens)])), _checked(values[: len(tokens)], where)


def prompt_logprobs(reply: Reply, tokens: Sequence[int], *, where: str) -> Scored:
    """What vLLM says of a prompt of these tokens, each by its number.

    Raises:
        Unanswered: there is no choice in it.
        InvalidInput: E_API_FIELD where there is no entry for a token, or one that is no log-probability.
    """
    found = _choice(reply).get("prompt_logprobs")
    if not isinstance(found, list) or len(found) < len(tokens):
        raise _lacking(len(tokens), where)
    parts = [part if isinstance(part, dict) else {} for part in found]
    entries = [part.get(str(token)) for part, token in zip(parts, tokens, strict=False)]
    known: list[dict[str, Any]] = [entry if isinstance(entry, dict) else {} for entry in entries]
    texts = [str(entry.get("decoded_token") or "") for entry in known]
    return texts, _checked([entry.get("logprob") for entry in known], where)


def _lacking(count: int, where: str) -> InvalidInput:
    return InvalidInput("E_API_FIELD", where, f"the reply has no log-probabilities of all {count} tokens")


def _checked(values: Sequence[Any], where: str) -> list[float]:
    for place, value in enumerate(values[1:], start=1):
        # Rounding puts certain tokens a little above 0; whole numbers may be too long to be a float
        if type(value) not in (int, float) or not -LEAST_LIKELY <= value <= 1e-3:
            said = escaped(str(value), limit=40)
            raise InvalidInput("E_API_FIELD", where, f"token {place} has the log-probability {said}")
    return [0.0, *(min(0.0, float(value)) for value in values[1:])]


def _choice(reply: Reply) -> dict[str, Any]:
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Unanswered("the reply has no choice")
    return choices[0]


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _label(value: Any) -> str | None:
    """A name that is counted and kept with every row, so that it may not be as long as a server likes."""
    return _whole(value[:LONGEST_LABEL]) if isinstance(value, str) else None
