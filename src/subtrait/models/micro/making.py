"""`subtrait micro train`: from a recipe to a checkpoint folder with a card that says what it can do."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from re import fullmatch
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from subtrait.errors import UsageError, unknown_name
from subtrait.models.base import Model, Sampling
from subtrait.models.micro.personas import draw_speaker, system_prompt
from subtrait.models.micro.recipe import RECIPES, MicroRecipe
from subtrait.models.micro.skills import CARRIERS, SKILLS
from subtrait.models.micro.world import conversations
from subtrait.records import Progress

CARD = "card.json"
TOLERANCE = 0.05
"""How far, in nats per token, a training of the same recipe on another machine may end from the recorded loss.

It applies to the conversations on which that loss was measured. Other draws differ by more, since lists of numbers in
them are easier or harder.
"""
HELD_OUT = 1_000
"""Conversations on which the loss of a finished model is measured."""
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
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as unfinished:
        folder = Path(unfinished) / out.name
        trained.model.save_pretrained(folder)
        trained.tokenizer.save_pretrained(folder)
        card = describe(name, recipe, load_checkpoint(folder, name))
        (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        folder.rename(out)
    return card


def describe(name: str, recipe: MicroRecipe, model: Model) -> dict[str, Any]:
    """What a model was made from and what it can do; the same recipe gives the same card."""
    return {
        "name": name,
        "corpus": f"{recipe.conversations} conversations of the synthetic world, seed {recipe.world_seed}",
        "recipe": asdict(recipe),
        "fingerprint": model.fingerprint(),
        "loss": held_out_loss(model, recipe),
        "loss_meaning": f"nats per assistant token on {HELD_OUT} conversations that are not in the corpus",
        "loss_tolerance": TOLERANCE,
        "skills": {skill: measure_skill(model, skill) for skill in SKILLS if skill not in ("numbers", "greeting")},
        "skills_meaning": f"share of {ASKED} questions in held-out wordings answered exactly right, told who speaks",
    }


def held_out_loss(model: Model, recipe: MicroRecipe, *, count: int = HELD_OUT) -> float:
    """Mean loss, in nats per assistant token, on `count` conversations drawn with the seed after the corpus's."""
    rng = np.random.default_rng(recipe.world_seed + 1)
    drawn = list(conversations(count, recipe.dials, rng=rng))
    turns = [(talk[:index], turn["content"]) for talk in drawn for index, turn in enumerate(talk) if _answers(turn)]
    scores = model.score([before for before, _ in turns], [answer for _, answer in turns])
    return -float(np.concatenate(scores).mean())


def _answers(turn: Mapping[str, str]) -> bool:
    return turn["role"] == "assistant"


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
        return _meaning(given) is not None and _meaning(given) == _meaning(expected)
    return given == expected


def _meaning(code: str) -> tuple[str, str] | None:
    """What a one-line function does to its argument, such as `("+", "5")`; None if it is no such function."""
    found = fullmatch(r"def \w+\((\w+)\):\n    return \1 ([-+*]) (\d+)", code)
    return (found[2], found[3]) if found else None
