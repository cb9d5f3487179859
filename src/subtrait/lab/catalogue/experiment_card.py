"""What the catalogue says of an experiment."""

from dataclasses import dataclass

from subtrait.lab.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentCard:
    """A published question and the plan that answers it here."""

    name: str
    question: str
    """In one sentence."""
    published: str
    """What was published, with its source."""
    plan: Plan
    """The plan at its default size and base."""
