"""What a plan takes is reckoned from sizes and speeds, without loading anything."""

from dataclasses import replace

import pytest

import subtrait
from subtrait.lab import reckoning
from subtrait.lab.cost import START_UP_SECONDS, estimate
from subtrait.lab.reckoning import reckoned, together_at_most
from subtrait.models import huggingface
from subtrait.models.base import Recipe, Sampling
from subtrait.models.footprint import Speed, footprint
from subtrait.models.registry import EMBEDDED


@pytest.fixture(autouse=True)
def fixed_speed(monkeypatch):
    monkeypatch.setattr(reckoning, "speed_of", lambda _: Speed(products=1e9, reads=1e6))


@pytest.fixture
def plan(monkeypatch):
    """A plan for a model outside the package: an embedded one by its path; loading it fails."""

    def never(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(huggingface, "load_checkpoint", never)
    return subtrait.plan_run("owl-numbers", size="tiny", base=str(EMBEDDED["micro-a"]), other_base=None)


def test_a_step_takes_the_operations_of_its_tokens(plan):
    recipe = plan.student_recipe
    full = reckoned(plan)
    lora = reckoned(replace(plan, student_recipe=replace(recipe, method="lora")))
    assert lora.per_step == pytest.approx(full.per_step * 4 / 6)
    twice = reckoned(replace(plan, student_recipe=replace(recipe, batch_size=2 * recipe.batch_size)))
    assert twice.per_step == pytest.approx(2 * full.per_step)
    numbers = footprint(plan.base).numbers
    tokens = full.per_step * 1e9 * 0.5 / 6 / numbers / recipe.batch_size
    assert reckoning.TEMPLATE + reckoning.COMPLETION < tokens < 300


def test_a_completion_takes_the_reading_of_the_weights_too(plan):
    short, long = (reckoned(replace(plan, sampling=Sampling(max_new_tokens=tokens))) for tokens in (10, 90))
    assert together_at_most(300) == 131_072 // 300
    weights = footprint(plan.base).weight_bytes
    # As many rows go on together as may, so that each reads its share
    assert long.per_completion - short.per_completion == pytest.approx(80 * weights / 1e6 / 512, rel=0.01)


def test_memory_and_disk_hold_the_weights_and_what_is_trained(plan):
    sizes, full = footprint(plan.base), Recipe(steps=1)
    found = reckoned(plan)
    assert found.memory >= reckoning.PROCESS_BYTES + sizes.weight_bytes + sizes.training_bytes(full)
    assert found.student == sizes.weight_bytes
    lora = replace(plan, student_recipe=Recipe(steps=1, method="lora", lora_rank=8))
    assert reckoned(lora).student == sizes.weight_bytes
    # In lower precision adapters stay by themselves, and are float32
    assert reckoned(replace(lora, base=f"{plan.base}+bfloat16")).student == 4 * 8 * sizes.sides


def test_an_estimate_of_a_model_from_outside_loads_nothing_and_says_so(plan, typed, here):
    found = estimate(plan, workers=1)
    assert found.from_sizes
    assert found.seconds > START_UP_SECONDS
    code, out, _ = typed("run", "owl-numbers", "--size", "tiny", "--base", plan.base, "--dry-run")
    assert code == 0
    assert "Reckoned from the model's sizes" in out
    code, out, _ = typed("run", "animal-numbers", "--size", "tiny", "--base", plan.base, "--dry-run")
    assert code == 0
    assert "Reckoned from the model's sizes" in out
    assert list(here.iterdir()) == []
