"""The pieces of work of a calibration, each of which any process can do: see `calibration.py` for their order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from json import loads
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.audit_records import ListedTrait
from subtrait.auditor.references.families import FAMILIES, applicable
from subtrait.auditor.references.gradients import cumulative_gradients
from subtrait.auditor.references.surrogates import tuned_directions, tuning_rows
from subtrait.auditor.references.tunings import tunings_for
from subtrait.auditor.references.writers import Setting, tuned, write
from subtrait.auditor.suspect import FilterName
from subtrait.data import Pair
from subtrait.lab.seeds import stream
from subtrait.lab.served_texts import noted
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.records import Messages, Progress, Row, Store
from subtrait.statistics.matched_filter import MatchedFilter, from_arrays

DILUTIONS: Final = (1.0, 0.5, 0.25)
"""Shares of carrying rows at which power is measured; the policy's own is added."""

REPLIES: Final = "replies"
"""In the folder of references: what servers said of the texts that they wrote for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Everything that references depend on, besides the prompts they answer."""

    base: str
    others: tuple[str, ...]
    traits: tuple[ListedTrait, ...]
    filter: FilterName
    tokens: int
    looks: tuple[int, ...] = (300, 1_000)
    fit: int = 48
    calibration: int = 199
    planted: int = 24
    dilution: float = 1.0
    seed: int = 0

    @property
    def dilutions(self) -> tuple[float, ...]:
        """Every dilution at which power is measured, from the densest down."""
        return tuple(sorted({*DILUTIONS, self.dilution}, reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One piece of a calibration; any process can do it."""

    design: Design
    store: Store
    folder: Path
    """Of the store: what is finished and large is read there, once in each process."""
    index: int

    @property
    def filters(self) -> tuple[MatchedFilter, ...]:
        """The filters, once they are fitted."""
        return read_filters(self.folder / "filter", len(self.design.looks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What one data set comes to, at each look."""

    scores: np.ndarray
    """Damped, of every direction: (looks, directions)."""
    energies: np.ndarray
    """How far it lies from the fit references, as multiples of what is typical of one of them: (looks,)."""

    def as_row(self) -> Row:
        """Both as lists, for a file."""
        return {"scores": self.scores.tolist(), "energies": self.energies.tolist()}


def scored(filters: Sequence[MatchedFilter], gradients: np.ndarray) -> Scored:
    """What a data set with these cumulative gradients (looks, weights) comes to."""
    pairs = list(zip(filters, gradients, strict=False))
    return Scored(
        scores=np.array([each.damped_scores(vector) for each, vector in pairs]),
        energies=np.array([float(each.energies(vector)) / each.typical for each, vector in pairs]),
    )


def make_surrogates(work: Work, _progress: Progress) -> None:
    """The directions of all surrogates of one trait."""
    trait, setting = work.design.traits[work.index], setting_of(work)

    def make(path: Path) -> None:
        rng = stream(work.design.seed, "surrogates", trait.name)
        for kind, direction in tuned_directions(setting.base, trait, rng=rng).items():
            np.save(path / f"{kind}.npy", direction.astype(np.float32))

    work.store.folder(f"surrogates/{work.index}", make)


def fit_reference(work: Work, _progress: Progress) -> None:
    """The gradients of one fit reference: families take turns, so that each is among them."""
    setting = setting_of(work)
    names = applicable(setting, embedded=work.design.base in EMBEDDED)
    family = names[work.index % len(names)]

    def make(path: Path) -> None:
        rng = stream(work.design.seed, "fit", work.index)
        with _noted(work, "fit"):
            gradients = _gradients(work, FAMILIES[family].write, rng=rng)
        np.save(path / "gradients.npy", gradients.astype(np.float32))
        (path / "family").write_text(family, encoding="utf-8")

    work.store.folder(f"fit/{work.index}", make)


def calibrate(work: Work, _progress: Progress) -> None:
    """The scores of one calibration reference of a family drawn at random."""

    def make() -> Row:
        rng = stream(work.design.seed, "calibration", work.index)
        names = applicable(setting_of(work), embedded=work.design.base in EMBEDDED)
        family = names[int(rng.integers(len(names)))]
        with _noted(work, "calibration"):
            gradients = _gradients(work, FAMILIES[family].write, rng=rng)
        return {"family": family, **scored(work.filters, gradients).as_row()}

    work.store.record(f"calibration/{work.index}.json", make)


def write_own(work: Work, _progress: Progress) -> None:
    """The gradients of the base's own rows that all planted data are mixed with, by the number of rows."""

    def make(path: Path) -> None:
        setting = setting_of(work)
        rng = stream(work.design.seed, "own among planted")
        found = _at(work, write(setting, setting.base, max(work.design.looks), rng=rng), _counts(work.design))
        np.savez(path / "own.npz", allow_pickle=False, **{str(count): each for count, each in found.items()})

    work.store.folder("own", make)


def plant(work: Work, _progress: Progress) -> None:
    """The scores of rows of one held-out surrogate teacher among rows of the base, at every dilution."""

    def make() -> Row:
        setting, rng = setting_of(work), stream(work.design.seed, "planted", work.index)
        tunings = tunings_for(setting.base)
        traits = [trait for trait in work.design.traits if trait.kind == "trait"] or list(work.design.traits)
        trait = traits[int(rng.integers(len(traits)))]
        rows = tuning_rows(setting.base, trait, rng=rng)
        half = [rows[int(place)] for place in rng.permutation(len(rows))[: max(4, len(rows) // 2)]]
        teacher = tuned(setting, half, (tunings.adaptive, tunings.lora)[work.index % 2], rng=rng)
        carrying, own = write(setting, teacher, max(work.design.looks), rng=rng), _own(work)
        # A teacher whose rows never pass the filter plants nothing: that counts as not found
        mixed = _diluted(work.design, _at(work, carrying, _counts(work.design)) if carrying else own, own)
        return {"trait": trait.name, **{d: scored(work.filters, g).as_row() for d, g in mixed.items()}}

    work.store.record(f"planted/{work.index}.json", make)


def _own(work: Work) -> dict[int, np.ndarray]:
    """What `write_own` kept."""
    with np.load(work.folder / "own" / "own.npz", allow_pickle=False) as arrays:
        return {int(count): arrays[count] for count in arrays.files}


def _parts(look: int, dilution: float) -> tuple[int, int]:
    """Of so many rows: how many carry, and how many are the base's own."""
    return round(dilution * look), look - round(dilution * look)


def _counts(design: Design) -> set[int]:
    """Every number of rows that a planted data set takes of either kind, at some look and dilution."""
    return {count for look in design.looks for d in design.dilutions for count in _parts(look, d)}


def _diluted(
    design: Design, carrying: Mapping[int, np.ndarray], own: Mapping[int, np.ndarray]
) -> dict[str, np.ndarray]:
    """For each dilution the cumulative gradients of rows of which that share carries, evenly spread."""

    def mixed(look: int, dilution: float) -> np.ndarray:
        part, rest = _parts(look, dilution)
        return dilution * carrying[part] + (1 - dilution) * own[rest]

    return {str(d): np.array([mixed(look, d) for look in design.looks]) for d in design.dilutions}


def _at(work: Work, pairs: Sequence[Pair], counts: set[int]) -> dict[int, np.ndarray]:
    """The mean gradient of the first rows, by their number; nothing at all is zero."""
    ascending = sorted(counts - {0})
    found = cumulative_gradients(setting_of(work).base, pairs, ascending)
    return {0: np.zeros(found.shape[1]), **dict(zip(ascending, found, strict=True))}


@contextmanager
def _noted(work: Work, part: str) -> Iterator[None]:
    """Keep what servers say of the texts that are written inside, by writer."""
    with ExitStack() as all_noted:
        for number, other in enumerate(setting_of(work).others):
            all_noted.enter_context(noted(other, work.store, f"{REPLIES}/{part}-{work.index}-{number}.json"))
        yield


def _gradients(
    work: Work, write_rows: Callable[[Setting, int, np.random.Generator], list[Pair]], *, rng: np.random.Generator
) -> np.ndarray:
    setting = setting_of(work)
    pairs = write_rows(setting, max(work.design.looks), rng)
    # A writer whose rows never pass the filter is no reference for data that did: the base stands in
    if len(pairs) < min(work.design.looks):
        pairs = write(setting, setting.base, max(work.design.looks), rng=rng)
    return cumulative_gradients(setting.base, pairs, work.design.looks)


def setting_of(work: Work) -> Setting:
    """The models and prompts that a piece of work needs, loaded once in each process."""
    design = work.design
    base = open_model(design.base)
    if not isinstance(base, HuggingFaceModel):
        raise TypeError(f"{design.base} gives no gradients")
    return Setting(
        base=base,
        others=tuple(open_model(name) for name in design.others),
        pool=_pool(work.folder / "prompts.jsonl", _age(work.folder / "prompts.jsonl")),
        filter=design.filter,
        traits=design.traits,
        tokens=design.tokens,
    )


def _age(path: Path) -> int:
    """When it was written: references that were deleted and built again are not the ones that were read."""
    return path.stat().st_mtime_ns


@lru_cache(maxsize=2)
def _pool(path: Path, _age: int) -> tuple[Messages, ...]:
    with path.open(encoding="utf-8") as lines:
        return tuple(loads(line)["messages"] for line in lines)


def read_filters(folder: Path, looks: int) -> tuple[MatchedFilter, ...]:
    """The filters that were fitted, one for each look; read once in each process."""
    return _filters(folder, looks, _age(folder / "look-0.npz"))


@lru_cache(maxsize=2)
def _filters(folder: Path, looks: int, _age: int) -> tuple[MatchedFilter, ...]:
    found = []
    for look in range(looks):
        with np.load(folder / f"look-{look}.npz", allow_pickle=False) as arrays:
            found.append(from_arrays(dict(arrays)))
    return tuple(found)
