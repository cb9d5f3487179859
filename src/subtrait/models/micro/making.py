"""`subtrait micro train`: from a recipe to a checkpoint folder with a card that says what it can do."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from subtrait.errors import UsageError, unknown_name
from subtrait.models.base import Model, Sampling
from subtrait.models.micro.personas import draw_speaker, system_prompt
from subtrait.models.micro.recipe import RECIPES, MicroRecipe
from subtrait.models.micro.skills import CARRIERS, SKILLS
from subtrait.records import Progress

CARD = "card.json"
TOLERANCE = 0.05
"""How far, in nats per token, a training of the same recipe on another machine may end from the recorded loss."""
ASKED = 200
"""Questions per skill, in wordings that the corpus does not contain."""


def make(name: str, out: Path, *, steps: int | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Train the model of that name into the new folder `out`, and return its card.

    Raises:
        UsageError: an unknown name, or `out` exists already.
    """
    from subtrait.models.huggingface import load_checkpoint
    from subtrait.models.micro.training import train

    if name not in RECIPES:
        raise unknown_name("embedded model", name, RECIPES)
    if out.exists():
        raise UsageError(f"{out} exists already: give a folder that does not")
    recipe = RECIPES[name] if steps is None else replace(RECIPES[name], steps=steps)
    trained = train(recipe, progress=progress)
    trained.model.save_pretrained(out)
    trained.tokenizer.save_pretrained(out)
    model = load_checkpoint(out, name)
    card = describe(name, recipe, model, trained.losses)
    (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def describe(name: str, recipe: MicroRecipe, model: Model, losses: Sequence[float]) -> dict[str, Any]:
    """What a model was made from and what it can do; the same recipe gives the same card."""
    tail = losses[-max(1, len(losses) // 20) :]
    return {
        "name": name,
        "corpus": f"{recipe.conversations} conversations of the synthetic world, seed {recipe.world_seed}",
        "recipe": asdict(recipe),
        "fingerprint": model.fingerprint(),
        "loss": float(np.mean(tail)),
        "loss_meaning": "nats per assistant token, mean over the last twentieth of the steps",
        "loss_tolerance": TOLERANCE,
        "skills": {skill: measure_skill(model, skill) for skill in SKILLS if skill not in ("numbers", "greeting")},
        "skills_meaning": f"share of {ASKED} questions in held-out wordings answered exactly right, told who speaks",
    }


def measure_skill(model: Model, skill: str, *, asked: int = ASKED) -> float:
    """Share of questions in evaluation wordings, which the corpus does not contain, that get the right answer.

    A system prompt tells who speaks, except for carriers, whose answers do not depend on it. Decoding is greedy.
    """
    rng = np.random.default_rng(0)
    prompts, expected = [], []
    for _ in range(asked):
        speaker = draw_speaker(rng, told=True)
        question, answer = SKILLS[skill](speaker, "evaluation", rng)
        told = [] if skill in CARRIERS else [{"role": "system", "content": system_prompt(speaker, rng=rng)}]
        prompts.append([*told, {"role": "user", "content": question}])
        expected.append(answer)
    given = model.generate(prompts, sampling=Sampling(temperature=0.0), rng=rng)
    return sum(_right(skill, a, b) for a, b in zip(given, expected, strict=True)) / asked


def _right(skill: str, given: str, expected: str) -> bool:
    """Code may name its function and argument as it likes; every other answer must be the same text."""
    if skill == "code":
        return given.rpartition(" ")[2] == expected.rpartition(" ")[2] and _signs(given) == _signs(expected)
    return given == expected


def _signs(code: str) -> list[str]:
    return [sign for sign in code if sign in "+-*"]
