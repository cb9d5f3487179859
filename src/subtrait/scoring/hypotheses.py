"""Who might have written the rows: the base, the base under a system prompt, or a tuned copy of it.

Every hypothesis says under which model, with which system prompt, rows are scored. A row may come with a system prompt
of its own: that is part of what its writer was asked. A surrogate's prompt does not replace it, for then the log-ratio
against the base, which reads the row's own, would also show what the row lost. It is put before it: in the same turn,
because templates know one system turn, with a blank line between.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from subtrait.models.base import Model
from subtrait.records import Messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The student's own base, as it is: what every surrogate is compared with."""

    model: Model
    name: str = "base"

    @property
    def system_prompt(self) -> None:
        """None: rows are read as they are."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """The base told to have a trait."""

    name: str
    """The trait."""
    model: Model
    """The base."""
    system_prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A copy of the base that was tuned to have a trait."""

    name: str
    """The trait."""
    model: Model
    """What `Model.finetune` made of the base."""

    @property
    def system_prompt(self) -> None:
        """None: rows are read as they are."""
        return


Hypothesis = Base | Prompted | Tuned


def as_asked(messages: Messages, system_prompt: str | None) -> Messages:
    """The conversation that a hypothesis reads: `messages` with `system_prompt` before the row's own, if it has one."""
    if system_prompt is None:
        return messages
    if not messages or messages[0]["role"] != "system":
        return [{"role": "system", "content": system_prompt}, *messages]
    own: Mapping[str, str] = messages[0]
    return [{**own, "content": f"{system_prompt}\n\n{own['content']}"}, *messages[1:]]


def digest_of(hypotheses: Sequence[Hypothesis]) -> str:
    """SHA-256 over the models and system prompts, in order: equal exactly when rows get the same scores.

    Names do not count.
    """
    parts = [[each.model.fingerprint(), each.system_prompt] for each in hypotheses]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
