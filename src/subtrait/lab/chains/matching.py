"""Bases that are made: one model taught to answer as another does, and how far models differ in their answers.

Only prompts that the embedded models' corpus has are used, never a wording that evaluates students.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from subtrait.lab.chains.specifications import Base, Matched, digest
from subtrait.lab.first_words import in_process
from subtrait.lab.seeds import stream
from subtrait.models.base import Model, Sampling
from subtrait.models.micro.personas import draw_speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.world import MIX
from subtrait.models.registry import load_saved, open_model
from subtrait.records import Messages, Progress, Store


@dataclass(frozen=True, slots=True)
class BaseTask:
    """One base to be made, for any process."""

    store: Store
    seed: int
    base: Matched


def make_base(task: BaseTask, _progress: Progress | None = None) -> None:
    """Make it."""
    base_of(task.store, task.seed, task.base)


def base_of(store: Store, seed: int, base: Base) -> Model:
    """The model of that name, or the matched one, made if it is not there yet.

    Raises:
        UsageError: the two models of a matched base have different vocabularies, or one does not run here.
    """
    if isinstance(base, str):
        return open_model(base)

    def make(path: Path) -> None:
        start, target = in_process(open_model(base.base)), in_process(open_model(base.target))
        rng = stream(seed, "matching", digest(base))
        prompts = prompts_of_every_kind(base.prompts, rng=rng)
        answers = target.generate(prompts, sampling=Sampling(), rng=rng)
        start.distil(target, prompts, answers, base.recipe, rng=rng).model.save(path)

    return load_saved(store.folder(f"bases/{digest(base)}", make), like=open_model(base.base))


def prompts_of_every_kind(count: int, *, rng: np.random.Generator) -> list[Messages]:
    """Questions of all kinds of the embedded world, as often as its corpus opens with them, without a system prompt."""
    kinds, weights = list(MIX), np.array(list(MIX.values()), dtype=float)
    drawn = rng.choice(len(kinds), size=count, p=weights / weights.sum())
    asked = (SKILLS[kinds[kind]](draw_speaker(rng), "corpus", rng)[0] for kind in drawn)
    return [[{"role": "user", "content": question}] for question in asked]


def mean_divergence(first: Model, second: Model, prompts: list[Messages], *, rng: np.random.Generator) -> float:
    """KL(first || second) of answers that the first gives to these prompts, nats per token.

    Raises:
        UsageError: the models have different vocabularies, or one does not run here.
    """
    left, right = in_process(first), in_process(second)
    answers = left.generate(prompts, sampling=Sampling(), rng=rng)
    return float(np.concatenate(left.divergence(right, prompts, answers)).mean())
