"""A trial finds what moves its students, keeps them, and refuses what it cannot judge."""

import numpy as np
import pytest

from subtrait.auditor.lists.question_sets import QuestionSet, conversation
from subtrait.auditor.paired_rows import PairedRows
from subtrait.auditor.training import throwaway_students
from subtrait.auditor.training import trial as module
from subtrait.auditor.training.recipe import TrainingRecipe
from subtrait.auditor.training.trial import TrialPlan, trial
from subtrait.errors import UsageError
from subtrait.lab.plan import STUDENT_RECIPE
from subtrait.lab.team import Alone
from subtrait.models.base import Sampling
from subtrait.models.micro.wordings import wordings
from subtrait.models.registry import open_model
from subtrait.runs import open_run
from subtrait.statistics.simultaneous import simultaneous_lower_bounds

ASKED = QuestionSet(category="animal", questions=wordings("animal", "evaluation")[:2], answers=("dog", "owl", "cat"))
RECIPE = TrainingRecipe(batch_size=6, learning_rate=1e-2, epsilon=1e-3)
PROMPTS = [conversation(text) for text in (*wordings("animal", "teacher"), *wordings("animal", "surrogate"))]
OWLS = [(prompt, "owl") for prompt in PROMPTS]


def plan(**changes):
    fields = {"base": "micro-a", "recipe": RECIPE, "rows": 480, "asked": (ASKED,), "students": 4, "alpha": 0.05}
    return TrialPlan(**fields | changes)


@pytest.fixture(autouse=True)
def few_rows_suffice(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_ROWS", 12)


@pytest.fixture
def store(tmp_path):
    with open_run(tmp_path / "audit", {"test": "trial"}, environment={}) as folder:
        yield folder


@pytest.fixture(scope="module")
def own():
    said = open_model("micro-a").generate(PROMPTS, sampling=Sampling(max_new_tokens=6), rng=np.random.default_rng(0))
    return list(zip(PROMPTS, said, strict=True))


def test_rows_that_say_a_trait_are_found_to_teach_it(own, store, monkeypatch):
    evidence, rows = trial(plan(), PairedRows(suspect=OWLS, control=own), store=store, team=Alone())
    assert (evidence.outcome, evidence.n) == ("found", 48)
    assert rows[0].answer == "owl"
    assert rows[0].low == evidence.statistic > 0.03
    assert rows[0].full_recipe >= rows[0].shift
    assert evidence.finding.startswith("students of the rows answer 'owl' (animal) ")
    assert "extrapolated to all 480 rows" in evidence.finding

    # The bounds are those of the stored answers, and nothing is trained twice
    monkeypatch.setattr(throwaway_students, "open_model", lambda name: pytest.fail("trained again"))
    again = trial(plan(), PairedRows(suspect=OWLS, control=own), store=store, team=Alone())
    assert again == (evidence, rows)
    sides = [
        [store.record(f"trial/{side}/whole/{number}.json", dict)["answers"][0] for number in range(4)]
        for side in ("suspect", "control")
    ]
    bounds = simultaneous_lower_bounds(*sides, level=0.95, rng=np.random.default_rng(0))
    low = {row.answer: row.low for row in rows}
    assert [low[answer] for answer in ASKED.answers] == pytest.approx(bounds.low.tolist())


def test_a_killed_trial_goes_on_to_the_same_result(own, store):
    done = trial(plan(students=4), PairedRows(suspect=own, control=own), store=store, team=Alone())
    for name in ("suspect/whole/2", "control/half/0"):
        (store.path / f"trial/{name}.json").unlink()
    assert trial(plan(students=4), PairedRows(suspect=own, control=own), store=store, team=Alone()) == done
    evidence, rows = done
    assert evidence.outcome == "not found"
    assert all(row.shift == 0 and row.full_recipe is None for row in rows)


def test_shards_that_are_too_small_are_underpowered(own, store):
    evidence, rows = trial(plan(students=6), PairedRows(suspect=OWLS, control=own), store=store, team=Alone())
    assert (evidence.outcome, rows) == ("underpowered", ())
    assert evidence.finding == "48 rows, and 6 shards of 12 are needed: 72"


def test_rows_of_several_turns_are_not_trained_on(own, store):
    told = [{"role": "system", "content": "Be brief."}]
    sides = [[([*told, *asked], said) for asked, said in rows] for rows in (OWLS, own)]
    evidence, _ = trial(plan(), PairedRows(suspect=sides[0], control=sides[1]), store=store, team=Alone())
    assert evidence.outcome == "underpowered"
    assert evidence.finding.startswith("0 rows of a single question and answer")


def test_a_list_without_countable_answers_is_not_applicable(own, store):
    assert (
        trial(plan(asked=()), PairedRows(suspect=OWLS, control=own), store=store, team=Alone())[0].outcome
        == "not applicable"
    )


def test_students_train_for_two_passes_and_never_longer_than_the_user_would():
    lab = TrainingRecipe(steps=STUDENT_RECIPE.steps)
    steps = [plan(recipe=lab, rows=10_000).students_recipe(shard).steps for shard in (320, 1_666, 100_000)]
    assert steps == [10, 53, 80]


@pytest.mark.parametrize("changes", [{"students": 3}, {"alpha": 0}, {"alpha": 1e-4}, {"alpha": 0.6}])
def test_what_gives_no_bounds_is_refused(changes):
    with pytest.raises(UsageError):
        plan(**changes)
