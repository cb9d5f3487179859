"""Lineage: do two models share a base?

Null: the two were initialised and trained independently of each other.
Statistics: bit-equal inner matrices; the alignment of hidden units and of residual coordinates in their order, beside
random orders (`statistics.lineage`: exact, p = (1 + larger) / (1 + drawn)); shapes, tokenizers and declared parents;
where only answers are at hand, the share of neutral prompts with the same first token, beside unrelated references.
Assumptions: training treats units and coordinates alike; tuning, LoRA and merging keep the shapes; nobody wanted to
hide the relation. Two tests share α half and half.
Blind spots: who rotates the residual stream, or reorders units and coordinates together, hides it: `different base`
says that nothing is shared *in place*. What was distilled only, or pruned in width, is not found. A copied embedding
shares coordinates without a common start; so coordinates alone must be strongly aligned.
Sample finding: same base: hidden units in the same place: alignment 0.945, -0.000 ± 0.005 reordered, p = 0.0005.

Sources: Zhu et al. 2025, arXiv 2502.12292 (weights); Nikolic et al. 2025, arXiv 2502.00706 (answers).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from subtrait.auditor.lineage.folders import declared_parents, shape_differences, shared_tokens
from subtrait.auditor.lineage.weights import (
    Stored,
    equal_matrices,
    layers_by_coordinate,
    layers_in_order,
    stored_tensors,
)
from subtrait.errors import UsageError, escaped
from subtrait.models.base import Model, Sampling
from subtrait.models.checkpoints import validate_checkpoint
from subtrait.statistics.conformal import conformal_test
from subtrait.statistics.lineage import Alignment, coordinate_alignment, unit_alignment

Outcome = Literal["same base", "different base", "cannot tell"]
Says = Literal["same", "different", "nothing"]
TESTS = 2
"""Permutation tests that share alpha."""
NOTHING_SHARED = 0.1
"""An alignment that is certainly below this counts as none: independent models give 0, equal ones 1."""
STRONG = 0.5
"""A significant alignment of coordinates below this may stem from a copied embedding."""
PROMPTS = (
    "Continue: 3, 6, 9,", "Name a colour.", "What comes after Monday?", "Write one word.", "Say hello.",
    "Pick a number from 1 to 100.", "Finish the sentence: The sky is", "What is 17 plus 5?", "Name a city.",
    "Translate 'house' into French.", "Is water wet?", "List two fruits.", "What rhymes with light?",
    "Give a synonym of big.", "Complete: once upon a", "What is the capital of Italy?", "Name a tool.",
    "Spell the word cat.", "Which is heavier, iron or wood?", "Write a line of Python.", "What is half of 90?",
    "Name a month.", "Describe rain in one word.", "Continue: a, b, c,", "Who wrote Hamlet?", "Name a metal.",
    "What do bees make?", "Say something polite.", "Name a musical instrument.", "How many legs has a spider?",
)  # fmt: skip
"""Questions without a trait in them; what counts is only whether two models begin their answers alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEvidence:
    """What one look at the two models found."""

    name: str
    """`weights`, `units`, `coordinates`, `shape`, `tokenizer`, `declared` or `answers`."""
    says: Says
    finding: str
    """In one sentence; where nothing could be compared, why."""
    statistic: float | None = None
    p: float | None = None
    """Before alpha is shared; None where the finding is no test."""
    floor: float | None = None
    """The smallest p that was possible."""
    n: int = 0
    """How many things were compared: matrices, units, coordinates, tokens, prompts."""
    assumes: str
    blind_spots: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Whether two models share a base, and all that speaks for or against it."""

    first: str
    second: str
    outcome: Outcome
    reason: str
    alpha: float
    evidence: tuple[LineageEvidence, ...]


def compare_checkpoints(
    first: Path, second: Path, *, rng: np.random.Generator, alpha: float = 0.01, permutations: int = 1_999
) -> Lineage:
    """Compare two folders in Hugging Face format, without running anything in them.

    For independent models `same base` has a probability of at most `alpha`. `different base` rests on bounds, not on
    tests that failed to reject: what is shared in place is certainly little, or the widths differ.

    Raises:
        UsageError: `alpha` is not between 0 and 1, or too small for that many permutations.
        InvalidInput: a folder cannot be accepted, see `validate_checkpoint`.
    """
    if not 0 < alpha < 1 or TESTS / (1 + permutations) > alpha:
        what = f"alpha {alpha:g} with {permutations} permutations cannot reject"
        raise UsageError(f"{what}: give an alpha between 0 and 1, and at least {TESTS} / alpha - 1 permutations")
    for folder in (first, second):
        validate_checkpoint(folder)
    left, right = stored_tensors(first), stored_tensors(second)
    seed = int(rng.integers(2**32))
    in_order, by_coordinate = layers_in_order(left, right, seed), layers_by_coordinate(left, right, seed)
    units = None if in_order is None else unit_alignment(in_order, rng=rng, permutations=permutations)
    coordinates = None
    if by_coordinate is not None:
        coordinates = coordinate_alignment(by_coordinate, rng=rng, permutations=permutations)
    evidence = (
        _weights(left, right),
        _units(units, alpha / TESTS),
        _coordinates(coordinates, alpha / TESTS),
        _shape(first, second),
        _tokenizer(first, second),
        _declared(first, second),
    )
    outcome, reason = decide(evidence, alpha=alpha)
    return Lineage(first=str(first), second=str(second), outcome=outcome, reason=reason, alpha=alpha, evidence=evidence)


def compare_answers(
    first: Model, second: Model, references: Sequence[Model], *, rng: np.random.Generator, alpha: float = 0.01
) -> Lineage:
    """Compare two models by their greedy first tokens, beside references that are unrelated to both.

    Answers alone never show that bases differ: the outcome is `same base` or `cannot tell`. At least 1 / alpha - 1
    references are needed to reject, close relatives of the first model's makers among them.

    Raises:
        UsageError: `alpha` is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not be {alpha:g}")
    asked = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    sampling = Sampling(temperature=0.0, max_new_tokens=1)
    said, other, *rest = (
        model.generate(asked, sampling=sampling, rng=rng) for model in (first, second, *references)
    )  # fmt: skip
    agreed = [float(np.mean([a == b for a, b in zip(said, each, strict=True)])) for each in (other, *rest)]
    test = conformal_test(agreed[0], agreed[1:])
    found = test.p <= alpha
    evidence = LineageEvidence(
        name="answers",
        says="same" if found else "nothing",
        finding=f"the same first token on {agreed[0]:.0%} of neutral prompts; {len(rest)} unrelated references: "
        + (f"{min(agreed[1:]):.0%} to {max(agreed[1:]):.0%}" if rest else "none"),
        statistic=agreed[0],
        p=test.p,
        floor=test.floor,
        n=len(PROMPTS),
        assumes="were the two unrelated, the second would be exchangeable with the references",
        blind_spots="imitation and common training data look like a common base where no reference has them",
    )
    needed = "" if test.floor <= alpha else f"; at least {int(np.ceil(1 / alpha)) - 1} references are needed"
    reason = evidence.finding if found else f"the answers do not show it{needed}"
    outcome: Outcome = "same base" if found else "cannot tell"
    return Lineage(
        first=first.name, second=second.name, outcome=outcome, reason=reason, alpha=alpha, evidence=(evidence,)
    )


def decide(evidence: Sequence[LineageEvidence], *, alpha: float) -> tuple[Outcome, str]:
    """The outcome and the one finding that decided it."""
    by_name = {each.name: each for each in evidence}
    for name in ("weights", "units", "coordinates"):
        if by_name[name].says == "same":
            return "same base", by_name[name].finding
    units, coordinates, shape = (by_name[name] for name in ("units", "coordinates", "shape"))
    if coordinates.p is not None and coordinates.p <= alpha / TESTS:
        return "cannot tell", f"{coordinates.finding}, but units are not: a copied embedding, or units in another order"
    if shape.says == "different":
        return "different base", shape.finding
    if units.says == coordinates.says == "different":
        return "different base", f"{units.finding}; {coordinates.finding}"
    return "cannot tell", "the weights at hand are too few to tell"


def _weights(first: Mapping[str, Stored], second: Mapping[str, Stored]) -> LineageEvidence:
    equal, compared = equal_matrices(first, second)
    return LineageEvidence(
        name="weights",
        says="same" if equal else "nothing",
        finding=f"{equal} of {compared} inner matrices are equal bit by bit",
        statistic=equal / compared if compared else None,
        n=compared,
        assumes="no two trainings arrive at one matrix; embeddings and norms, which are copied alone, do not count",
        blind_spots="any tuning of all weights, and storing them in another type, changes every matrix",
    )


def _units(found: Alignment | None, level: float) -> LineageEvidence:
    where = "hidden units in the same place"
    return _aligned("units", found, level, where=where, enough=-1.0, blind_spots="units stored in another order")


def _coordinates(found: Alignment | None, level: float) -> LineageEvidence:
    where, blind = "residual coordinates in the same place", "a residual stream that was reordered or rotated"
    return _aligned("coordinates", found, level, where=where, enough=STRONG, blind_spots=blind)


def _aligned(
    name: str, found: Alignment | None, level: float, *, where: str, enough: float, blind_spots: str
) -> LineageEvidence:
    """`same` where the test rejects and the alignment is `enough`, `different` where it is certainly next to none."""
    assumes = "training treats them alike, whatever their place"
    if found is None:
        what = "not applicable: the two have no feed-forward matrices of equal width and of a type that can be read"
        return LineageEvidence(name=name, says="nothing", finding=what, assumes=assumes, blind_spots=blind_spots)
    says: Says = "nothing"
    if found.p <= level:
        says = "same" if found.statistic >= enough else "nothing"
    elif found.at_most < NOTHING_SHARED:
        says = "different"
    value = f"alignment {found.statistic:.3f}, {found.reordered_mean:.3f} ± {found.reordered_deviation:.3f} reordered"
    return LineageEvidence(
        name=name,
        says=says,
        finding=f"{where}: {value}, p = {found.p:.2g}",
        statistic=found.statistic,
        p=found.p,
        floor=found.floor,
        n=found.n,
        assumes=assumes,
        blind_spots=blind_spots,
    )


def _shape(first: Path, second: Path) -> LineageEvidence:
    differences, widths = shape_differences(first, second)
    return LineageEvidence(
        name="shape",
        says="different" if widths else "nothing",
        finding=f"config.json: {'; '.join(differences)}" if differences else "equal shapes",
        n=len(differences),
        assumes="tuning and merging keep the widths",
        blind_spots="a network pruned or grown in width; equal shapes are common among unrelated models",
    )


def _tokenizer(first: Path, second: Path) -> LineageEvidence:
    shared, tokens = shared_tokens(first, second)
    return LineageEvidence(
        name="tokenizer",
        says="nothing",
        finding=f"{shared} of {tokens} tokens have the same number in both",
        statistic=shared / tokens if tokens else None,
        n=tokens,
        assumes="nothing: it never decides",
        blind_spots="tokenizers are shared between unrelated models, and extended in tuning",
    )


def _declared(first: Path, second: Path) -> LineageEvidence:
    parents = [declared_parents(folder) for folder in (first, second)]
    common = sorted(set(parents[0]) & set(parents[1]))
    said = "; ".join(
        f"the {which} declares {', '.join(map(escaped, names))}"
        for which, names in zip(("first", "second"), parents, strict=True)
        if names
    )
    return LineageEvidence(
        name="declared",
        says="nothing",
        finding=(f"{said}{'; a common parent is declared' if common else ''}") or "no parent is declared",
        n=len(parents[0]) + len(parents[1]),
        assumes="nothing: declared is not proven, and never decides",
        blind_spots="anyone can write anything there",
    )
