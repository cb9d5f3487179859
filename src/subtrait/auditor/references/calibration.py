"""References: what benign data score, so that a suspect's score can be judged. The order of work of a calibration.

Surrogates are made for every trait; *fit* references, some of each benign family, give the filter its idea of harmless
variation; *calibration* references, drawn at random from the families, show what harmless data score; *planted* data,
written by held-out surrogate teachers among the base's own rows, show what would be found. Each piece of work is kept
in the store, so that a killed calibration goes on where it stopped. Gradients are deleted once they have served.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from subtrait.auditor.references.surrogates import KINDS
from subtrait.auditor.references.work import (
    Design,
    Scored,
    Work,
    calibrate,
    fit_reference,
    make_surrogates,
    plant,
    read_filters,
    scored,
    write_own,
)
from subtrait.lab.team import Team
from subtrait.records import Messages
from subtrait.runs.folder import RunFolder
from subtrait.statistics.matched_filter import MatchedFilter, fit_filter

FAR: Final = 10.0
"""How many times as far off as the furthest calibration reference data must lie to be unlike all of them: a few hundred
references say little of how far off harmless data may lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What a calibration left: the filters, and what harmless and planted data scored."""

    filters: tuple[MatchedFilter, ...]
    """One for each look."""
    owners: tuple[tuple[str, str], ...]
    """Trait and kind of surrogate of each direction of the filters."""
    looks: tuple[int, ...]
    fit_families: tuple[str, ...]
    families: tuple[str, ...]
    """Of each calibration reference."""
    scores: np.ndarray
    """Of the calibration references: (references, looks, directions)."""
    energies: np.ndarray
    """How far each calibration reference lies from the fit references: (references, looks)."""
    planted: Mapping[float, np.ndarray]
    """For each dilution the scores of the planted data: (data sets, looks, directions)."""
    planted_energies: Mapping[float, np.ndarray]
    """For each dilution how far the planted data lie from the fit references: (data sets, looks)."""
    planted_traits: tuple[str, ...]

    placebos: frozenset[str] = frozenset()
    """Listed personas that cannot flag: their directions are scored, and left out of every maximum."""

    @property
    def judged_owners(self) -> tuple[str, ...]:
        """The trait of each direction that counts for the maximum."""
        return tuple(trait for trait, _ in self.owners if trait not in self.placebos)

    def judged(self, scores: np.ndarray) -> np.ndarray:
        """The scores (..., directions) without those of placebos."""
        kept = [trait not in self.placebos for trait, _ in self.owners]
        return scores[..., kept]

    def maxima(self) -> np.ndarray:
        """The largest score of each calibration reference at each look: (references, looks)."""
        largest: np.ndarray = self.judged(self.scores).max(axis=-1)
        return largest

    def unlike(self, energies: np.ndarray) -> bool:
        """Whether data with these energies (looks so far,) lie `FAR` times as far off as every calibration reference.

        Then they are no draw from the reference families, and the comparison with them does not hold. Without any
        reference nothing can be said, and nothing is.
        """
        return bool(len(self.energies)) and is_unlike(energies, self.energies)

    def judge(self, gradients: np.ndarray) -> Scored:
        """What data with these cumulative gradients (looks, weights) come to."""
        return scored(self.filters, gradients)


def is_unlike(energies: np.ndarray, null: np.ndarray) -> bool:
    """Whether energies (looks so far,) are beyond `FAR` times the largest of the references, (references, looks)."""
    return bool((energies > FAR * null.max(axis=0)[: len(energies)]).any())


def build(design: Design, pool: Sequence[Messages], store: RunFolder, *, team: Team) -> References:
    """The references of `design` that answer prompts of `pool`: what is in the store is read back."""
    store.rows("prompts.jsonl", lambda: [{"messages": [dict(turn) for turn in prompt]} for prompt in pool])

    def work(count: int) -> list[Work]:
        return [Work(design=design, store=store, folder=store.path, index=index) for index in range(count)]

    if not (store.path / "filter").exists():
        team.each("surrogates", make_surrogates, work(len(design.traits)))
        team.each("fit references", fit_reference, work(design.fit))
    store.folder("filter", lambda path: _fit(design, store, path))
    _delete(store, "surrogates", "fit")
    team.each("calibration", calibrate, work(design.calibration))
    team.each("the base's own rows", write_own, work(1))
    team.each("planted data", plant, work(design.planted))
    _delete(store, "own")
    return read(design, store)


def _delete(store: RunFolder, *spent: str) -> None:
    for folder in spent:
        shutil.rmtree(store.path / folder, ignore_errors=True)


def read(design: Design, store: RunFolder) -> References:
    """A finished calibration from its store."""
    folder = store.folder("filter", _missing)
    rows = [store.record(f"calibration/{index}.json", _missing) for index in range(design.calibration)]
    planted = [store.record(f"planted/{index}.json", _missing) for index in range(design.planted)]
    owners = store.record("owners.json", _missing)
    looks, shape = len(design.looks), (len(design.looks), len(owners["directions"]))

    def planted_at(dilution: float, what: str, *size: int) -> np.ndarray:
        return np.reshape([row[str(dilution)][what] for row in planted], (len(planted), *size))

    return References(
        filters=read_filters(folder, len(design.looks)),
        owners=tuple((trait, kind) for trait, kind in owners["directions"]),
        looks=design.looks,
        fit_families=tuple(owners["fit"]),
        families=tuple(row["family"] for row in rows),
        scores=np.reshape([row["scores"] for row in rows], (len(rows), *shape)),
        energies=np.reshape([row["energies"] for row in rows], (len(rows), looks)),
        planted={dilution: planted_at(dilution, "scores", *shape) for dilution in design.dilutions},
        planted_energies={dilution: planted_at(dilution, "energies", looks) for dilution in design.dilutions},
        planted_traits=tuple(row["trait"] for row in planted),
        placebos=frozenset(trait.name for trait in design.traits if trait.kind == "placebo"),
    )


def _fit(design: Design, store: RunFolder, path: Path) -> None:
    fits = [store.folder(f"fit/{index}", _missing) for index in range(design.fit)]
    gradients = np.array([np.load(fit / "gradients.npy", allow_pickle=False) for fit in fits], dtype=np.float64)
    owners, directions = _directions(design, store)
    for look in range(len(design.looks)):
        fitted = fit_filter(gradients[:, look], directions)
        np.savez(path / f"look-{look}.npz", allow_pickle=False, **fitted.as_arrays())
    families = [(fit / "family").read_text(encoding="utf-8") for fit in fits]
    store.record("owners.json", lambda: {"directions": owners, "fit": families})


def _directions(design: Design, store: RunFolder) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Trait and kind of every direction, and the directions."""
    owners, found = [], []
    for index, trait in enumerate(design.traits):
        folder = store.folder(f"surrogates/{index}", _missing)
        for kind in KINDS:
            if (folder / f"{kind}.npy").exists():
                owners.append((trait.name, kind))
                found.append(np.load(folder / f"{kind}.npy", allow_pickle=False).astype(np.float64))
    return owners, np.array(found)


def _missing(*_: object) -> Any:
    raise AssertionError("references are read before they were built")
