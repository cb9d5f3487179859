"""What references would cost, measured before anything expensive: one small reference is tried, and scaled up."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.auditor.references.cache import find, is_finished
from subtrait.auditor.references.gradients import cumulative_gradients
from subtrait.auditor.references.work import Design
from subtrait.auditor.references.writers import TRIED, Setting, write, writes_enough
from subtrait.errors import escaped

SURROGATE_ROWS: Final = 1_900
"""Rows trained on for the surrogates of one trait, all tunings together; a row costs what its gradient does."""
PLANTED_WORK: Final = 1.4
"""What one planted data set costs, in references: a teacher is tuned first."""


def announce_references(design: Design, setting: Setting, root: Path, announce: Callable[[str], None]) -> bool:
    """Say whether references are at hand, and what building them costs where they are not.

    False, and nothing said, where they are not and the base cannot write any.
    """
    if (folder := at_hand(design, setting, root)) is not None:
        announce(served_by(folder))
        return True
    if not writes_enough(setting, design.looks, rng=np.random.default_rng(design.seed)):
        return False
    announce(building(design, seconds_of_work(design, setting)))
    return True


def at_hand(design: Design, setting: Setting, root: Path) -> Path | None:
    """Where finished references are that serve; None where there are none."""
    folder = find(design, setting.pool, root)
    return folder if folder is not None and is_finished(design, folder) else None


def served_by(folder: Path) -> str:
    """What is said of references that are at hand."""
    return f"references of an earlier audit serve: {escaped(str(folder), limit=400)}"


def building(design: Design, seconds: float) -> str:
    """What is said of references that must be built."""
    sizes = f"{design.fit} + {design.calibration} references, {design.planted} planted data sets"
    surrogates = f"surrogates of {len(design.traits)} traits"
    minutes = max(1, round(seconds / 60))
    spent = f"about {minutes:,} minute{'s' if minutes > 1 else ''} of one core"
    return f"building {sizes} and {surrogates}: {spent}, once for prompts of this kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Seconds that a row takes on one core, or on the device."""

    writing: float
    judging: float
    """Of its gradient, which is what a row of training takes, too."""

    def references(self, design: Design) -> float:
        """Seconds that all references of `design` take."""
        references = design.fit + design.calibration + PLANTED_WORK * design.planted
        surrogates = len(design.traits) * SURROGATE_ROWS * self.judging
        return references * max(design.looks) * (self.writing + self.judging) + surrogates


def seconds_of_work(design: Design, setting: Setting) -> float:
    """An estimate from a small reference that was really written and judged on this machine just now."""
    return tried(design, setting).references(design)


def tried(design: Design, setting: Setting) -> Rates:
    """What a row of a small reference took that was really written and judged on this machine just now."""
    rng = np.random.default_rng(design.seed)
    started = time.process_time()
    pairs = write(setting, setting.base, TRIED, rng=rng)
    written = time.process_time()
    cumulative_gradients(setting.base, pairs, (TRIED,))
    judged = time.process_time()
    return Rates(writing=(written - started) / TRIED, judging=(judged - written) / TRIED)
