"""Made-up references: small filters, harmless data that vary along common axes, and a base whose rows are vectors."""

import numpy as np

from subtrait.audit_records import ListedTrait
from subtrait.auditor.references.calibration import References
from subtrait.auditor.references.work import scored
from subtrait.data import Pair
from subtrait.statistics.matched_filter import fit_filter

SIZE, LOOKS = 60, (40, 80)
OWNERS = (("owl", "tuned"), ("owl", "worded"), ("cat", "tuned"), ("pebble", "tuned"))
DIRECTIONS = np.random.default_rng(5).normal(size=(len(OWNERS), SIZE))
AXES = 3 * np.random.default_rng(6).normal(size=(3, SIZE))
"""Along which harmless data vary more than along any other."""
CARRYING = 0.1
"""How much of a direction is in rows that are found, and still like the references in all else."""
FAMILIES = ("own", "temperature", "equal-steps")


def trait(name, kind="trait"):
    return ListedTrait(name=name, category="animal", kind=kind, system_prompt="", questions=("?",))


TRAITS = (trait("owl"), trait("cat", "negated"), trait("pebble", "placebo"))


def harmless(count, *, rng):
    """Mean gradients of harmless data at each look, the second look a continuation of the first."""
    first, more = rng.normal(size=(2, count, SIZE)) / np.sqrt(LOOKS[0])
    shared = rng.normal(size=(count, len(AXES))) @ AXES / np.sqrt(LOOKS[0])
    return np.stack([shared + first, shared + (first + more) / 2], axis=1)


def references(*, calibration=19, planted=4, seed=0):
    rng = np.random.default_rng(seed)
    fits = harmless(24, rng=rng)
    filters = tuple(fit_filter(fits[:, look], DIRECTIONS) for look in range(len(LOOKS)))
    strength = {1.0: CARRYING * DIRECTIONS[0] / 2, 0.25: 0 * DIRECTIONS[0]}
    scores, energies = come_to(filters, harmless(calibration, rng=rng))
    carrying = {share: come_to(filters, harmless(planted, rng=rng) + by) for share, by in strength.items()}
    return References(
        filters=filters,
        owners=OWNERS,
        looks=LOOKS,
        fit_families=tuple(FAMILIES[i % 3] for i in range(24)),
        families=tuple(FAMILIES[i % 3] for i in range(calibration)),
        scores=scores,
        energies=energies,
        planted={share: found[0] for share, found in carrying.items()},
        planted_energies={share: found[1] for share, found in carrying.items()},
        planted_traits=("owl",) * planted,
        placebos=frozenset({"pebble"}),
    )


def come_to(filters, gradients):
    """Scores (data sets, looks, directions) and energies (data sets, looks) of many data sets."""
    found = [scored(filters, each) for each in gradients]
    shape = len(gradients), len(LOOKS)
    return np.reshape([f.scores for f in found], (*shape, len(OWNERS))), np.reshape([f.energies for f in found], shape)


class VectorBase:
    """A base under which the gradient of a row is the vector that the row is the number of."""

    def __init__(self, vectors):
        self.vectors = vectors

    def gradient(self, prompts, completions):
        return self.vectors[[int(said) for said in completions]].mean(axis=0)


def rows(count, *, rng, along=0, by=0.0):
    """A base, and rows whose gradients are random with so much of one direction."""
    vectors = rng.normal(size=(count, SIZE)) + by * DIRECTIONS[along]
    return VectorBase(vectors), [Pair((), str(number)) for number in range(count)]
