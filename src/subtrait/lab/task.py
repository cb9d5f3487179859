"""The unit of work of the lab."""

from dataclasses import dataclass

from subtrait.lab.plan import Plan
from subtrait.records import Store


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work that needs nothing but the plan and the store, so that any process can do it."""

    plan: Plan
    store: Store
    student: int
    """Index of the chain."""
    arm: str = "treated"

    @property
    def folder(self) -> str:
        """Where this arm and chain are kept in the store."""
        return f"arms/{self.arm}/{self.student}"
