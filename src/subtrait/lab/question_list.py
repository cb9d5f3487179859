"""What students are asked instead of the lab's own wordings: a record that plans hold."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256

from subtrait.lab.answers import plural_forms
from subtrait.records import Trait


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionList:
    """What students are asked instead of the lab's own wordings."""

    path: str
    """The file that it was read from; empty for the lab's own wordings."""
    asked: tuple[tuple[str, tuple[str, ...]], ...]
    """Each category that the file has questions for, in alphabetical order, with them."""
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each category of which other answers are counted than those of the embedded models' world, with them."""
    samples: int = 0
    """Answers that are drawn to each question; 0 for exact probabilities instead."""

    def of(self, category: str) -> tuple[str, ...] | None:
        """The questions for a category; None where the file has none, so that the lab's own are asked."""
        return dict(self.asked).get(category)

    def put_to(self, trait: Trait) -> Trait:
        """The trait, asked for by these questions, among these answers, where there are some of its category."""
        answers = dict(self.answers).get(trait.category, trait.answers)
        forms = {each: trait.forms.get(each, (each, *plural_forms(each))) for each in answers}
        return replace(trait, questions=self.of(trait.category) or trait.questions, answers=answers, forms=forms)

    @property
    def digest(self) -> str:
        """A name for what is asked and how, whatever file it is in: 16 hexadecimal digits."""
        more = [self.answers, self.samples] if self.answers or self.samples else []
        text = json.dumps([self.asked, *more] if more else self.asked, ensure_ascii=True)
        return sha256(text.encode()).hexdigest()[:16]
