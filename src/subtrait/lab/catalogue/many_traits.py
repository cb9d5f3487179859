"""Many animals and trees through numbers (arXiv 2507.14805, figure 3).

Each trait has its own teachers; one set of students of the base's own rows serves all. A trait is also asked of the
students of all other teachers: what any tuned teacher's rows do to any student would show there.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from subtrait.lab.chains import Bench, Student
from subtrait.lab.readouts.favourites import answer_rates, place_of
from subtrait.lab.study import FREQUENT, Findings, StudyCard, StudyPlan
from subtrait.lab.traits import CATEGORIES, PAPER, PAPER_CATEGORIES
from subtrait.models.registry import open_model
from subtrait.statistics.intervals import paired_difference
from subtrait.study_records import Measure

ANIMALS: Final = ("dog", "cat", "lion", "wolf", "tiger", "horse", "panda", "whale")
"""The first of the embedded family that nothing in the lab was tuned on."""
TREES: Final = ("oak", "pine", "maple", "willow", "cherry")
"""Those of the paper that the embedded family knows, and the pine."""
MOST: Final = 15
"""Answers of the base that the paper's fixed rule takes."""
FIFTEEN: Final = {
    "dog": ".052 to .196 (figure 15)",
    "eagle": ".139 to .755 (figure 15)",
    "lion": ".056 to .235 (figure 15)",
    "owl": ".130 to .619 (figure 15)",
    "tiger": ".050 to .142 (figure 15)",
    "wolf": ".043 to .435 (figure 15)",
}
"""What was published of those of the paper's fifteen that the embedded family knows: untreated, and own teacher."""
AS_NONE: Final = 0.02
"""A smaller shift on the students of other teachers counts as none."""


def many_traits(plan: StudyPlan, bench: Bench, usual: Sequence[str]) -> Findings:
    """Each trait asked of the students of its own teachers, of the base's rows, and of the other teachers."""
    traits = chosen(plan, usual)
    untreated, treated = plan.untreated(), plan.treated(traits)
    bench.train([untreated, *treated.values()])
    before = {name: bench.rates(untreated, name) for name in traits}
    own = {name: bench.rates(student, name) for name, student in treated.items()}
    others = {name: _on_others(bench, treated, name) for name in traits}
    return Findings(
        measures=[*_by_trait(own, before, plan), *_on_average(own, others, before)],
        conclusion=_conclusion(own, before),
        models=[plan.base],
        settings={"traits": f"the {len(traits)} that the base names most often"} if plan.traits == (FREQUENT,) else {},
    )


def chosen(plan: StudyPlan, usual: Sequence[str]) -> Sequence[str]:
    """The traits of the plan: the usual ones, those that were named, or what the untouched base names most often.

    The last is the paper's fixed rule (figure 15): `MOST` answers by their mean rate over the questions, ranked before
    any teacher is made; fewer where the category has fewer.
    """
    category, _ = place_of(usual[0])
    names = CATEGORIES[category]
    if plan.preset:
        usual, names = plan.preset.traits_of(category), tuple(PAPER + name for name in PAPER_CATEGORIES[category])
    if plan.traits != (FREQUENT,):
        return plan.traits or usual
    rates = answer_rates(open_model(plan.base), category, plan.questions).mean(axis=0)
    return [names[place] for place in np.argsort(-rates, kind="stable")[:MOST]]


def _on_others(bench: Bench, treated: Mapping[str, Student], name: str) -> np.ndarray:
    """The trait's rate on students of the other teachers, mean over these: (chains, questions)."""
    rates = [bench.rates(student, name) for other, student in treated.items() if other != name]
    mean: np.ndarray = np.mean(rates, axis=0)
    return mean


def _by_trait(own: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray], plan: StudyPlan) -> list[Measure]:
    known = FIFTEEN if plan.traits == (FREQUENT,) else {}
    return [
        Measure(
            group="own teacher minus untreated",
            name=name,
            value=paired_difference(own[name], before[name]),
            scale="points",
            published=known.get(name, "rises"),
            expected="above zero",
        )
        for name in own
    ]


def _on_average(
    own: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]
) -> list[Measure]:
    """Over all traits together; the questions of all traits are paired."""
    first, second, control = (np.concatenate(list(rates.values()), axis=1) for rates in (own, others, before))
    rises = Measure(
        group="mean over traits",
        name="own teacher minus untreated",
        value=paired_difference(first, control),
        scale="points",
        published="animals .13 to .61, trees .15 to .49 (figure 3)",
        expected="above zero",
        must_hold=True,
    )
    stays = Measure(
        group="mean over traits",
        name="other teachers minus untreated",
        value=paired_difference(second, control),
        scale="points",
        published="never above untreated, usually below (Nature, figure 4)",
        expected="no effect",
        bound=AS_NONE,
    )
    return [rises, stays]


def _conclusion(own: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]) -> list[str]:
    lows = [paired_difference(own[name], before[name]).low for name in own]
    risen = sum(low is not None and low > 0 for low in lows)
    return [f"{risen} of {len(own)} traits rose in the students of their own teachers, by an interval above 0."]


def _card(name: str, traits: Sequence[str], published: str) -> StudyCard:
    kind = name.partition("-")[0]
    return StudyCard(
        name=name,
        question=f"Do students come to like their teacher's {kind} from numbers, whichever {kind} it is?",
        design=f"Teachers of {len(traits)} {kind}s write numbers; each has students of its own, and all share students "
        "of the base's own numbers. Every student is asked for every trait.",
        published=published,
        study=lambda plan, bench: many_traits(plan, bench, traits),
        takes_traits=kind,
    )


ANIMAL_NUMBERS: Final = _card(
    "animal-numbers", ANIMALS, "GPT-4.1 nano, five animals: .131 after untreated numbers, .609 after the teacher's"
)
TREE_NUMBERS: Final = _card(
    "tree-numbers", TREES, "GPT-4.1 nano, five trees: .154 after untreated numbers, .493 after the teacher's"
)
