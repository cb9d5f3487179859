"""A forecast is what short runs do, beside the same runs on the base's own rows, and says when it cannot be made."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from subtrait.auditor.lists.question_sets import QuestionSet, answer_probabilities, conversation
from subtrait.auditor.paired_rows import PairedRows
from subtrait.auditor.training import forecast as module
from subtrait.auditor.training import throwaway_students
from subtrait.auditor.training.forecast import LEVEL, RUNS, ForecastPlan, forecast
from subtrait.lab.seeds import stream
from subtrait.lab.team import Alone
from subtrait.models.base import Recipe, Sampling
from subtrait.models.micro.wordings import wordings
from subtrait.models.registry import open_model
from subtrait.runs import open_run

ASKED = (
    QuestionSet(category="animal", questions=wordings("animal", "evaluation")[:2], answers=("dog", "owl", "cat")),
    QuestionSet(category="tree", questions=wordings("tree", "evaluation")[:2], answers=("oak", "elm")),
)
RECIPE = Recipe(steps=80, batch_size=4, learning_rate=1e-2, epsilon=1e-3)
PROMPTS = [conversation(text) for text in (*wordings("animal", "teacher"), *wordings("animal", "surrogate"))]


@pytest.fixture(autouse=True)
def few_rows_suffice(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_ROWS", 40)
    monkeypatch.setattr(module, "SEEN", 16)


@pytest.fixture
def store(tmp_path):
    with open_run(tmp_path / "audit", {"test": "forecast"}, environment={}) as folder:
        yield folder


@pytest.fixture(scope="module")
def own():
    said = open_model("micro-a").generate(PROMPTS, sampling=Sampling(max_new_tokens=6), rng=np.random.default_rng(0))
    return list(zip(PROMPTS, said, strict=True))


@pytest.fixture(scope="module")
def owls(own):
    return PairedRows(suspect=[(prompt, "owl") for prompt, _ in own], control=own)


def ask(rows, store, **changes):
    fields = {"base": "micro-a", "recipe": RECIPE, "asked": ASKED, "seed": 1}
    return forecast(ForecastPlan(**fields | changes), rows, store=store, team=Alone())


def test_rows_that_say_a_trait_are_forecast_to_teach_it(owls, store):
    evidence, ranked = ask(owls, store)
    assert (evidence.outcome, evidence.n) == ("found", len(PROMPTS))
    assert (ranked[0].answer, ranked[0].low > 0.03) == ("owl", True)
    assert evidence.finding.startswith("short runs (4 steps of 4 rows) move 'owl' (animal) most: +")
    assert evidence.details["animal: owl"] == ranked[0].shift == evidence.statistic
    sizes = [abs(row.shift) for row in ranked]
    assert sizes == sorted(sizes, reverse=True)


def test_a_run_is_the_user_s_training_cut_short(owls, store):
    plan = ForecastPlan(base="micro-a", recipe=RECIPE, asked=ASKED, seed=1)
    forecast(plan, owls, store=store, team=Alone())
    stored = store.record("forecast/suspect/whole/0.json", dict)
    student = open_model("micro-a").finetune(owls.lessons[0], plan.short_recipe, rng=stream(1, "forecast", 0)).model
    expected = [answer_probabilities(student, each).mean(axis=0).tolist() for each in ASKED]
    assert (stored["answers"], stored["steps"]) == (expected, 4)


def test_intervals_are_those_of_a_paired_t_test_for_all_answers_at_once():
    rng = np.random.default_rng(3)
    suspect, control = rng.uniform(0.1, 0.2, (RUNS, 5)), rng.uniform(0.1, 0.2, (RUNS, 5))
    rows = {(row.category, row.answer): row for row in module._ranked(ASKED, suspect, control)}
    names = [(each.category, answer) for each in ASKED for answer in each.answers]
    for k, name in enumerate(names):
        known = ttest_rel(suspect[:, k], control[:, k]).confidence_interval(1 - (1 - LEVEL) / 5)
        assert (rows[name].low, rows[name].high) == pytest.approx((known.low, known.high))
        assert rows[name].control == pytest.approx(control[:, k].mean())


def test_intervals_hold_for_all_answers_as_often_as_they_say():
    rng, missed = np.random.default_rng(4), 0
    asked = (QuestionSet(category="x", questions=("?",), answers=tuple("abcdefghijklmnop")),)
    for _ in range(400):
        suspect, control = rng.normal(0.5, 0.05, (2, RUNS, 16))
        missed += any(not row.low <= 0 <= row.high for row in module._ranked(asked, suspect, control))
    assert missed <= 31  # 20 expected; a binomial exceeds 31 less than once in a hundred times


def test_equal_rows_move_nothing(own, store):
    evidence, ranked = ask(PairedRows(suspect=own, control=own), store)
    assert evidence.outcome == "not found"
    assert {row.shift for row in ranked} == {0.0}


def test_a_shift_below_delta_is_not_found(owls, store):
    assert ask(owls, store, smallest_shift=0.99)[0].outcome == "not found"


def test_few_rows_are_too_few_and_no_answers_are_not_applicable(owls, store, monkeypatch):
    monkeypatch.setattr(module, "FEWEST_ROWS", 100)
    evidence, ranked = ask(owls, store)
    assert (evidence.outcome, ranked) == ("underpowered", ())
    assert evidence.finding == f"{len(PROMPTS)} pairs of rows of a single question, and 100 are needed"
    assert ask(owls, store, asked=())[0].outcome == "not applicable"


@pytest.mark.parametrize(("seen", "steps"), [(500, 80), (41, 11), (3, 1)])
def test_runs_see_so_many_rows_and_are_never_longer_than_the_training(seen, steps, monkeypatch):
    monkeypatch.setattr(module, "SEEN", seen)
    short = ForecastPlan(base="micro-a", recipe=RECIPE, asked=ASKED).short_recipe
    assert (short.steps, short.warmup_steps) == (steps, min(RECIPE.warmup_steps, steps))


def test_pairs_of_runs_have_orders_of_their_own(own, store):
    """Each pair sees other rows first, so that no two runs are alike."""
    ask(PairedRows(suspect=own, control=own), store)
    said = [store.record(f"forecast/suspect/whole/{run}.json", dict)["answers"] for run in range(RUNS)]
    assert len({str(each) for each in said}) == RUNS


def test_a_killed_forecast_goes_on_to_the_same_result(owls, store, monkeypatch):
    done = ask(owls, store)
    (store.path / "forecast/control/whole/2.json").unlink()
    assert ask(owls, store) == done
    monkeypatch.setattr(throwaway_students, "open_model", lambda name: pytest.fail(f"{name} is trained again"))
    assert ask(owls, store) == done
