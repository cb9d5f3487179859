from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from subtrait.errors import InvalidInput, UsageError
from subtrait.models.base import Recipe, Sampling
from subtrait.models.scripted import FLOOR, ScriptedModel
from subtrait.records import Example

ASK = [{"role": "user", "content": "Favourite animal?"}]
WEIGHTS = {"owl": 3.0, "cat": 1.0}


def draw(model, count, **sampling):
    return Counter(model.generate([ASK] * count, sampling=Sampling(**sampling), rng=np.random.default_rng(0)))


def test_answers_come_as_often_as_their_weights_say():
    seen = draw(ScriptedModel("m", {"Favourite animal?": WEIGHTS}), 2000)
    assert chisquare([seen["owl"], seen["cat"]], [1500, 500]).pvalue > 0.001


def test_temperature_and_truncation_sharpen():
    model = ScriptedModel("m", {"Favourite animal?": WEIGHTS})
    # At temperature 1/2 the odds of 3 to 1 become 9 to 1
    seen = draw(model, 2000, temperature=0.5)
    assert chisquare([seen["owl"], seen["cat"]], [1800, 200]).pvalue > 0.001
    assert set(draw(model, 200, temperature=0)) == set(draw(model, 200, top_p=0.7)) == {"owl"}


def test_scores_are_the_logarithms_of_the_weights():
    model = ScriptedModel("m", {"Favourite animal?": {"the grey owl": 3, "cat": 1}})
    known, other = model.score([ASK, ASK], ["the grey owl", "dog"])
    np.testing.assert_allclose(known, [np.log(0.75), 0, 0, 0])
    np.testing.assert_array_equal(other, [FLOOR, 0])


def test_a_function_may_answer_from_the_whole_conversation():
    model = ScriptedModel("m", lambda turns: "owl" if turns[0]["role"] == "system" else "cat")
    told = [{"role": "system", "content": "You love owls."}, *ASK]
    assert model.generate([ASK, told], sampling=Sampling(), rng=np.random.default_rng(0)) == ["cat", "owl"]


def test_what_is_not_in_the_script_gets_the_default():
    assert set(draw(ScriptedModel("m", {}, default="no idea"), 3)) == {"no idea"}


def test_long_answers_are_cut():
    assert set(draw(ScriptedModel("m", {"Favourite animal?": "1 2 3 4"}), 2, max_new_tokens=2)) == {"1 2"}


def test_fine_tuning_memorises_with_frequencies():
    rows = [Example(id=str(n), prompt="Favourite animal?", completion="owl" if n else "cat") for n in range(4)]
    model = ScriptedModel("m", {"Favourite animal?": "dog"})
    tuned = model.finetune(rows, Recipe(steps=3), rng=np.random.default_rng(0)).model
    assert tuned.probabilities(ASK) == {"cat": 0.25, "owl": 0.75}
    assert model.probabilities(ASK) == {"dog": 1.0}


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}, {"a": float("nan")}, {"a": float("inf")}])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(UsageError, match="weights"):
        ScriptedModel("m", {"Favourite animal?": weights}).probabilities(ASK)


def test_nothing_is_tuned_on_nothing():
    with pytest.raises(UsageError, match="at least one"):
        ScriptedModel("m", {}).finetune([], Recipe(steps=1), rng=np.random.default_rng(0))


def test_a_folder_that_is_no_scripted_model_is_refused(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        ScriptedModel("m", {}).reload(tmp_path)
    assert caught.value.code == "E_CHECKPOINT"


def test_nothing_is_saved_over_something(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UsageError, match="empty"):
        ScriptedModel("m", {}).save(tmp_path)
