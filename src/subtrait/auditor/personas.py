"""Personas: would the base explain the rows better if a system prompt told it a listed trait?

Null (narrow): the rows are the declared base's own answers, with the declared settings, through the same filter.
Statistic: for every listed trait the log-ratio of each row under the base with the trait's system prompt and without,
in nats per token; less its mean over traits, which takes out that any persona was given; less the same for the base's
own answer to the same prompt. The mean of these differences over their standard error, the largest over traits; p from
changing the signs of all differences of a row together (Westfall and Young 1993), exact under the null.
Assumptions: a row and the base's answer to its prompt are exchangeable under the null.
Blind spots: teachers that were tuned, not told; anything that changes the rows at all rejects, whatever the trait.
So it never flags: it explains, and names.
Sample finding: told 'owl', the base explains 300 rows best: z = 6.1, p = 0.001 beside the base's own answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from subtrait.audit_records import ListedTrait
from subtrait.auditor.paired_rows import PairedRows, Pairs
from subtrait.lab.team import Team
from subtrait.models.base import Model
from subtrait.models.registry import open_model
from subtrait.records import Evidence, Progress
from subtrait.scoring.hypotheses import as_asked

ROWS: Final = 300
SHARD: Final = 75
"""Rows of either side that a process scores at a time."""
FEWEST: Final = 50
PATTERNS: Final = 999
ASSUMES: Final = "under the null a row and the base's own answer to its prompt are exchangeable"
BLIND_SPOTS: Final = "teachers that were tuned and not told; other changes of the rows reject as well"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaTask:
    """Some of the rows, and all that any process needs to score them."""

    base: str
    rows: PairedRows
    traits: tuple[ListedTrait, ...]


def told_personas(task: PersonaTask, *, alpha: float, rng: np.random.Generator, team: Team) -> Evidence:
    """Which persona explains the rows; the first `ROWS` pairs are looked at.

    `details` has the z of each trait. `found` says that the rows are not the base's own, and which persona fits best.
    """
    count, traits = len(task.rows.suspect), task.traits
    if count < FEWEST or len(traits) < 2:
        return _evidence("underpowered", f"{count} pairs of rows and {len(traits)} traits are too few", rows=count)
    shards = [replace(task, rows=part) for part in task.rows.first(ROWS).parts(SHARD)]
    differences = np.concatenate(team.each("personas", _differences, shards))
    z, p = signs_changed(differences, rng=rng)
    first = traits[int(z.argmax())].name
    finding = f"told '{first}', the base explains {len(differences)} rows best: z = {z.max():.1f}, p = {p:.3g}"
    return _evidence(
        "found" if p <= alpha else "not found",
        f"{finding} beside the base's own answers",
        rows=len(differences),
        statistic=float(z.max()),
        p=p,
        details={trait.name: float(value) for trait, value in zip(traits, z, strict=True)},
    )


def _differences(task: PersonaTask, _progress: Progress) -> np.ndarray:
    return persona_differences(open_model(task.base), task.rows, task.traits)


def persona_differences(base: Model, rows: PairedRows, traits: Sequence[ListedTrait]) -> np.ndarray:
    """Log-ratio of each row less that of the base's own answer, centred: (rows, traits)."""
    suspect, control = (_centred(base, side, traits) for side in (rows.suspect, rows.control))
    differences: np.ndarray = suspect - control
    return differences


def signs_changed(differences: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The z of each trait, and the p of the largest, from changing the signs of whole rows (rows, traits)."""
    z = _standardised(differences, np.ones((1, len(differences))))[0]
    signs = rng.choice([-1.0, 1.0], size=(PATTERNS, len(differences)))
    largest = _standardised(differences, signs).max(axis=1)
    return z, (1 + int((largest >= z.max()).sum())) / (1 + PATTERNS)


def _centred(base: Model, pairs: Pairs, traits: Sequence[ListedTrait]) -> np.ndarray:
    """Log-ratios in nats per token, less their mean over traits: (rows, traits)."""
    ratios = np.array([_per_token(base, pairs, trait.system_prompt) for trait in traits]).T
    centred: np.ndarray = ratios - ratios.mean(axis=1, keepdims=True)
    return centred


def _per_token(base: Model, pairs: Pairs, system: str) -> list[float]:
    scores = base.score([as_asked(prompt, system) for prompt, _ in pairs], [said for _, said in pairs])
    return [float(row.mean()) for row in scores]


def _standardised(differences: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The mean over its standard error, for each sign pattern and trait: (patterns, traits)."""
    means = signs @ differences / len(differences)
    squares = (differences**2).mean(axis=0)
    error = np.sqrt(np.maximum(squares - means**2, 1e-300) / len(differences))
    found: np.ndarray = means / error
    return found


def _evidence(
    outcome: str,
    finding: str,
    *,
    rows: int,
    statistic: float | None = None,
    p: float | None = None,
    details: dict[str, float] | None = None,
) -> Evidence:
    return Evidence(
        question="personas",
        outcome=outcome,  # type: ignore[arg-type]
        finding=finding,
        statistic=statistic,
        p=p,
        floor=None if p is None else 1 / (1 + PATTERNS),
        n=rows,
        details=details or {},
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )
