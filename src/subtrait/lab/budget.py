"""What the user says of money, and what it costs at most to have a server write and answer.

Prices are the user's: they change, and nothing here knows them. What a server makes of a text is not known before it is
asked, so tokens are bounds: a token of any tokenizer over bytes stands for one byte or more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from subtrait.lab.datasets import draw_prompts, source_of
from subtrait.lab.evaluation import question_prompts
from subtrait.lab.plan import Plan
from subtrait.lab.teachers import STRENGTH_ANSWERS
from subtrait.records import Messages
from subtrait.scoring.hypotheses import as_asked

TURN: Final = 8
"""Tokens of a turn besides its text, at most: role, marks and line breaks. No format known to us spends more."""
MILLION: Final = 1_000_000
Call = tuple[Sequence[Messages], int]
"""Conversations, and the tokens that a reply may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """All that the models of a plan are asked for on their server."""

    replies: int
    read: int
    """Tokens of all prompts, at most."""
    written: int
    """Tokens of all replies, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the user says of money, in a currency of theirs; prices are of a million tokens."""

    price: float | None = None
    """Of those trained; 0 where nothing is to be paid. None for not said: then no job is begun."""
    reading: float | None = None
    """Of those that models read, the dearest of them; None for not said: then no bound holds for asking."""
    writing: float | None = None
    """Of those that models write, likewise; said together with `reading`."""
    most: float | None = None
    """What may be spent on a run in all, as far as prices are said; None for no bound."""

    def of_asking(self, asking: Asking) -> float | None:
        """What that costs at most; None where its prices are not said."""
        if self.reading is None or self.writing is None:
            return None
        return (asking.read * self.reading + asking.written * self.writing) / MILLION


def asking(plan: Plan) -> Asking:
    """What writing and answering take: known before anything is asked, from prompts and the longest replies allowed."""
    return all_calls((prompts, plan.sampling.max_new_tokens) for prompts in _conversations(plan))


def all_calls(calls: Iterable[Call]) -> Asking:
    """What these calls take together."""
    sizes = [(len(prompts), read_at_most(prompts), longest + TURN) for prompts, longest in calls]
    return Asking(
        replies=sum(count for count, _, _ in sizes),
        read=sum(tokens for _, tokens, _ in sizes),
        written=sum(count * longest for count, _, longest in sizes),
    )


def read_at_most(conversations: Iterable[Messages]) -> int:
    """Tokens of these prompts, with the opening of a reply, at most."""
    return sum(TURN + sum(turn_at_most(turn["content"]) for turn in turns) for turns in conversations)


def turn_at_most(text: str) -> int:
    """Tokens of a turn that says this, at most."""
    return len(text.encode("utf-8", "replace")) + TURN


def _conversations(plan: Plan) -> Iterator[list[Messages]]:
    """What is asked in each call: of teachers for rows and for their strength, of students, and of the base."""
    trait = plan.asked_trait()
    for student in range(plan.students):
        for source in sorted({source_of(arm) for arm in plan.runnable_arms()}):
            told = trait.system_prompt if source == "treated" else None
            yield [as_asked([{"role": "user", "content": p}], told) for p in draw_prompts(plan, source, student)]
        for told in (trait.system_prompt, None):
            yield question_prompts(trait, STRENGTH_ANSWERS, system_prompt=told)
    for _ in range(1 + plan.students * len(plan.runnable_arms())):
        yield question_prompts(trait, plan.answers_per_question)
