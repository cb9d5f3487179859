"""A matched base answers more as its target does; it is made once, from prompts that evaluate nobody."""

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.chains.matching import BaseTask, base_of, make_base, mean_divergence, prompts_of_every_kind
from subtrait.lab.chains.specifications import Matched
from subtrait.models.base import Recipe
from subtrait.models.micro.wordings import GRAMMARS, wordings
from subtrait.models.micro.world import MIX
from subtrait.models.registry import open_model
from subtrait.models.scripted import ScriptedModel
from subtrait.runs.folder import RunFolder

MATCHED = Matched(
    base="micro-b", target="micro-a", prompts=200, recipe=Recipe(steps=6, batch_size=32, learning_rate=3e-4)
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = RunFolder(tmp_path_factory.mktemp("run"))
    make_base(BaseTask(store, 3, MATCHED))
    return store


def test_a_name_is_that_model_and_nothing_is_stored(tmp_path):
    assert base_of(RunFolder(tmp_path), 3, "micro-a") is open_model("micro-a")
    assert not list(tmp_path.iterdir())


def test_a_matched_base_is_nearer_to_its_target_than_it_was(store):
    prompts = prompts_of_every_kind(80, rng=np.random.default_rng(8))
    target, start, matched = open_model("micro-a"), open_model("micro-b"), base_of(store, 3, MATCHED)
    before, after = (mean_divergence(target, each, prompts, rng=np.random.default_rng(1)) for each in (start, matched))
    assert 0 < after < before
    assert mean_divergence(target, target, prompts, rng=np.random.default_rng(1)) == pytest.approx(0, abs=1e-9)


def test_it_is_made_once_and_its_start_is_left_as_it_was(store):
    first = base_of(store, 3, MATCHED).fingerprint()
    assert base_of(store, 4, MATCHED).fingerprint() == first
    assert first != open_model("micro-b").fingerprint()
    assert len(list((store.path / "bases").iterdir())) == 1


def test_prompts_are_of_every_kind_and_in_no_wording_that_evaluates():
    prompts = prompts_of_every_kind(2_000, rng=np.random.default_rng(0))
    asked = {turn["content"] for (turn,) in prompts}
    assert all(turn["role"] == "user" for (turn,) in prompts)
    for kind in set(MIX) & set(GRAMMARS):
        held_out = {text for name in ("teacher", "surrogate", "evaluation") for text in wordings(kind, name)}
        assert not asked & held_out
    favourites = ("animal", "tree", "colour", "food", "greeting", "story")
    assert all(asked & set(wordings(kind, "corpus")) for kind in favourites)


def test_a_model_that_runs_elsewhere_cannot_be_compared():
    elsewhere = ScriptedModel("elsewhere", {})
    with pytest.raises(UsageError, match="does not run in this process"):
        mean_divergence(open_model("micro-a"), elsewhere, [], rng=np.random.default_rng(0))
