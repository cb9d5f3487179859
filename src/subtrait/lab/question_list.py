"""What students are asked instead of the lab's own wordings: a record that plans hold."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256

from subtrait.records import Trait


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionList:
    """What students are asked instead of the lab's own wordings."""

    path: str
    """The file that it was read from."""
    asked: tuple[tuple[str, tuple[str, ...]], ...]
    """Each category that the file has questions for, in alphabetical order, with them."""

    def of(self, category: str) -> tuple[str, ...] | None:
        """The questions for a category; None where the file has none, so that the lab's own are asked."""
        return dict(self.asked).get(category)

    def put_to(self, trait: Trait) -> Trait:
        """The trait, asked for by these questions where there are some of its category."""
        return replace(trait, questions=self.of(trait.category) or trait.questions)

    @property
    def digest(self) -> str:
        """A name for the questions, whatever file they are in: 16 hexadecimal digits."""
        return sha256(json.dumps(self.asked, ensure_ascii=True).encode()).hexdigest()[:16]
