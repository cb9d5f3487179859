"""What references would cost, measured before anything expensive: one small reference is tried, and scaled up."""

import time
from collections.abc import Callable
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
    folder = find(design, setting.pool, root)
    if folder is not None and is_finished(design, folder):
        announce(f"references of an earlier audit serve: {escaped(str(folder), limit=400)}")
        return True
    if not writes_enough(setting, design.looks, rng=np.random.default_rng(design.seed)):
        return False
    sizes = f"{design.fit} + {design.calibration} references, {design.planted} planted data sets"
    surrogates = f"surrogates of {len(design.traits)} traits"
    minutes = max(1, round(seconds_of_work(design, setting) / 60))
    spent = f"about {minutes:,} minute{'s' if minutes > 1 else ''} of one core"
    announce(f"building {sizes} and {surrogates}: {spent}, once for prompts of this kind")
    return True


def seconds_of_work(design: Design, setting: Setting) -> float:
    """An estimate from a small reference that was really written and judged on this machine just now."""
    rng = np.random.default_rng(design.seed)
    started = time.process_time()
    pairs = write(setting, setting.base, TRIED, rng=rng)
    written = time.process_time()
    cumulative_gradients(setting.base, pairs, (TRIED,))
    judged = time.process_time()
    writing, judging = (written - started) / TRIED, (judged - written) / TRIED
    references = design.fit + design.calibration + PLANTED_WORK * design.planted
    return references * max(design.looks) * (writing + judging) + len(design.traits) * SURROGATE_ROWS * judging
