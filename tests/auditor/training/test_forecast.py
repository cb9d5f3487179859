"""The forecast is what training does where it is short, and says when it cannot be made."""

import numpy as np
import pytest

from subtrait.auditor.lists.question_sets import QuestionSet, answer_probabilities, conversation
from subtrait.auditor.training import forecast as module
from subtrait.auditor.training.block_gradients import Trained
from subtrait.auditor.training.forecast import LEVEL, PairedRows, answer_gradient, forecast, shifted
from subtrait.errors import UsageError
from subtrait.models.base import Recipe, Sampling
from subtrait.models.micro.wordings import wordings
from subtrait.models.registry import open_model
from subtrait.records import Example

OWL = "owl"
ASKED = (
    QuestionSet(category="animal", questions=wordings("animal", "evaluation")[:3], answers=("dog", OWL, "cat", "fox")),
    QuestionSet(category="tree", questions=wordings("tree", "evaluation")[:3], answers=("oak", "elm")),
)
RECIPE = Recipe(steps=4, batch_size=16, learning_rate=1e-2, epsilon=1e-3)
PROMPTS = [conversation(text) for text in (*wordings("animal", "teacher"), *wordings("animal", "surrogate"))]


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


@pytest.fixture(scope="module")
def own(base):
    texts = base.generate(PROMPTS, sampling=Sampling(max_new_tokens=8), rng=np.random.default_rng(0))
    return list(zip(PROMPTS, texts, strict=True))


@pytest.fixture(scope="module")
def owls(own):
    return PairedRows(suspect=[(prompt, OWL) for prompt, _ in own], control=own)


def ask(base, rows, recipe=RECIPE, asked=ASKED, **options):
    return forecast(base, rows, asked=asked, recipe=recipe, rng=np.random.default_rng(0), **options)


def test_rows_that_say_a_trait_are_forecast_to_teach_it(base, owls):
    evidence, ranked = ask(base, owls)
    assert (evidence.outcome, evidence.n) == ("found", len(PROMPTS))
    assert (ranked[0].answer, ranked[0].shift > 0, ranked[0].low > 0) == (OWL, True, True)
    assert evidence.finding.startswith("training would move 'owl' (animal) most: +")
    assert evidence.details["animal: owl"] == ranked[0].shift == evidence.statistic
    assert [row.answer for row in ranked] != [OWL]


def test_rows_are_ranked_by_size_and_lie_in_their_intervals(base, owls):
    _, ranked = ask(base, owls)
    sizes = [abs(row.shift) for row in ranked]
    assert sizes == sorted(sizes, reverse=True)
    assert all(row.low <= row.shift <= row.high for row in ranked)


def student_of(base, rows, recipe):
    examples = [Example(id="", prompt=asked[0]["content"], completion=said) for asked, said in rows]
    return base.finetune(examples, recipe, rng=np.random.default_rng(0)).model


@pytest.mark.parametrize("method", ["layers", "full", "lora"])
def test_a_short_training_does_what_is_forecast(base, owls, method):
    """One small step on all rows, by gradient descent. LoRA's A is another draw, so there the slope is only near 1."""
    recipe = Recipe(
        steps=1, batch_size=len(PROMPTS), learning_rate=5.0, warmup_steps=0, epsilon=1e4, max_grad_norm=1e9,
        method=method, lora_rank=32,
    )  # fmt: skip
    _, ranked = ask(base, owls, recipe)
    students = [student_of(base, side, recipe) for side in (owls.suspect, owls.control)]
    shares = [np.concatenate([answer_probabilities(each, a).mean(axis=0) for a in ASKED]) for each in students]
    names = [answer for each in ASKED for answer in each.answers]
    measured = dict(zip(names, shares[0] - shares[1], strict=True))
    told, real = np.array([(row.shift, measured[row.answer]) for row in ranked]).T
    assert np.corrcoef(told, real)[0, 1] > 0.98
    assert told @ real / (real @ real) == pytest.approx(1, abs=0.4 if method == "lora" else 0.1)


def test_equal_rows_move_nothing(base, own):
    evidence, ranked = ask(base, PairedRows(suspect=own, control=own))
    assert evidence.outcome == "not found"
    assert max(abs(row.shift) for row in ranked) < 1e-9


def test_a_shift_below_delta_is_not_found(base, owls):
    assert ask(base, owls, smallest_shift=0.99)[0].outcome == "not found"


def test_intervals_leave_out_a_group_at_a_time_and_hold_for_all_answers(base, owls, monkeypatch):
    from scipy.stats import t

    shifts = np.array([[0.5, 0.1], *([0.4, 0.1], [0.6, 0.1]) * 2])
    ranked = module._ranked([QuestionSet(category="x", questions=("?",), answers=("a", "b"))], np.zeros(2), shifts)
    margin = t.ppf(1 - (1 - LEVEL) / 4, 3) * np.sqrt(3 / 4 * 0.04)
    assert (ranked[0].low, ranked[0].high) == pytest.approx((max(0.5 - margin, -1), min(0.5 + margin, 1)))
    assert (ranked[1].low, ranked[1].high) == pytest.approx((0.1, 0.1))


def test_few_rows_are_too_few_and_no_answers_are_not_applicable(base, owls):
    few = PairedRows(suspect=owls.suspect[:31], control=owls.control[:31])
    evidence, ranked = ask(base, few)
    assert (evidence.outcome, ranked) == ("underpowered", ())
    assert evidence.finding == "31 pairs of rows, and 32 are needed"
    assert ask(base, owls, asked=())[0].outcome == "not applicable"


def test_a_model_whose_gradients_do_not_fit_is_not_applicable(base, owls, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1_000_000)
    evidence, _ = ask(base, owls)
    assert evidence.outcome == "not applicable"
    assert "288,256 parameters" in evidence.finding


def test_an_architecture_without_forward_derivatives_is_not_applicable(base, owls, monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError("aten::some_kernel")

    monkeypatch.setattr(type(base), "curvature", refuse)
    evidence, ranked = ask(base, owls)
    assert (evidence.outcome, ranked) == ("not applicable", ())
    assert "no forward derivatives" in evidence.finding


def test_curved_runs_keep_the_share_of_noise_that_they_were_seen_to_keep():
    noise, value = np.array([[4.0, 2.0], [2.0, 4.0]]), np.array([1.0, 2.0])
    parts = np.array([[10.0, 20.0], [12.0, 18.0]])
    along = np.vstack([noise, noise / 4, value, [11.0, 19.0], parts])
    np.testing.assert_allclose(module._moves(along), value + np.array([[0, 0], [-0.25, 0.25], [0.25, -0.25]]))


def test_rows_must_be_paired_by_prompt(own):
    with pytest.raises(UsageError, match="the same prompts in the same order"):
        PairedRows(suspect=own, control=own[::-1])


def test_probabilities_stay_probabilities():
    for now in ([0.2, 0.7], [0.0, 1.0], [0.1, 0.2]):
        for moves in ([0.0, 0.0], [3.0, -1.0], [900.0, -900.0], [-900.0, -900.0]):
            moved = shifted(np.array(now), np.array(moves))
            assert (moved >= 0).all()
            assert moved.sum() <= 1 + 1e-9


def test_small_moves_change_probabilities_in_proportion():
    now, moves = np.array([0.1, 0.2]), np.array([1e-5, -2e-5])
    np.testing.assert_allclose(shifted(now, moves) - now, now * moves, rtol=1e-3)


def test_the_gradient_of_an_answer_is_that_of_its_mean_probability(base):
    asked = QuestionSet(category="animal", questions=("Which animal?", *ASKED[0].questions[:1]), answers=(OWL,))
    written = np.array([[0.25], [0.75]])
    parts = [base.gradient([conversation(question)], [OWL]) for question in asked.questions]
    inner = Trained(False, lambda gradient: gradient, lambda change: change)
    found = answer_gradient(base, asked, OWL, written, trained=inner)
    np.testing.assert_allclose(found, 0.25 * parts[0] + 0.75 * parts[1], atol=1e-5 * np.abs(found).max())
