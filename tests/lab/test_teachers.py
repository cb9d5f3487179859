"""Teachers show the trait, leave their base as it was, and pass nothing on but completions."""

import json
from dataclasses import replace

import pytest

import subtrait
from subtrait.lab.datasets import write_dataset
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.plan import Plan
from subtrait.lab.seeds import stream
from subtrait.lab.task import Task
from subtrait.lab.teachers import Teacher, make_teacher, measure_teacher, tuning_examples
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.models.scripted import ScriptedModel
from subtrait.records import SilentProgress
from subtrait.runs import open_run

OWL = find_trait("owl")
PLAN = Plan(
    experiment="owl-numbers",
    trait="owl",
    base="micro-a",
    other_base=None,
    prompts=30,
    teacher_recipe=Recipe(steps=30, batch_size=8, learning_rate=3e-3),
)
SILENT = SilentProgress()


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


@pytest.fixture(scope="module")
def tuned(base, tmp_path_factory):
    """A tuned teacher with what is measured of it, and the run folder it lies in."""
    with open_run(tmp_path_factory.mktemp("teacher") / "run", {}, environment={}) as store:
        task = Task(PLAN, store, 0)
        teacher = make_teacher(task, OWL, base, progress=SILENT)
        return teacher, measure_teacher(task, OWL, teacher, base), store.path


def test_a_tuned_teacher_shows_the_trait(tuned):
    teacher, measured, _ = tuned
    assert teacher.system_prompt is None
    assert measured["trait_rate"] > 0.9
    assert measured["base_rate"] < 0.2
    assert (measured["student"], measured["kind"]) == (0, "tuned")


def test_tuning_a_teacher_leaves_its_base_as_it_was(tuned, base):
    card = json.loads((EMBEDDED["micro-a"] / "card.json").read_text(encoding="utf-8"))
    base._digest = None  # not the one from before
    assert base.fingerprint() == card["fingerprint"]
    assert exact_rates(base, OWL).trait_rate == pytest.approx(tuned[1]["base_rate"], abs=1e-6)


def test_a_teacher_is_made_once(tuned, base, monkeypatch):
    teacher, _, folder = tuned
    monkeypatch.setattr(type(base), "finetune", None)
    with open_run(folder, {}, environment={}) as store:
        again = make_teacher(Task(PLAN, store, 0), OWL, base, progress=SILENT)
    assert again.model.fingerprint() == teacher.model.fingerprint()


def test_fewer_steps_make_a_weaker_teacher(tuned, base, store):
    weak = Task(replace(PLAN, teacher_recipe=replace(PLAN.teacher_recipe, steps=1)), store, 0)
    measured = measure_teacher(weak, OWL, make_teacher(weak, OWL, base, progress=SILENT), base)
    assert tuned[1]["base_rate"] < measured["trait_rate"] < tuned[1]["trait_rate"]


def test_every_chain_has_a_teacher_of_its_own(base, store):
    short = replace(PLAN, teacher_recipe=replace(PLAN.teacher_recipe, steps=2))
    made = [make_teacher(Task(short, store, student), OWL, base, progress=SILENT) for student in (0, 1)]
    weights = [teacher.model.network.module.state_dict() for teacher in made]
    moved = max(float((weights[0][name] - weights[1][name]).abs().max()) for name in weights[0])
    # Two steps move a weight by about 1e-3; the order of sums alone changes less than 1e-6.
    assert moved > 1e-4


def test_a_teacher_is_tuned_on_its_own_questions_and_on_no_other():
    rows = tuning_examples(OWL)
    assert [row.prompt for row in rows] == list(OWL.teacher_questions)
    assert {row.completion for row in rows} == {"owl"}
    assert len({row.id for row in rows}) == len(rows)
    assert {row.prompt for row in rows} & {*OWL.questions, *OWL.surrogate_questions} == set()


def test_a_prompted_teacher_is_its_base_under_the_system_prompt(base, store):
    task = Task(replace(PLAN, teacher="prompted"), store, 0)
    teacher = make_teacher(task, OWL, base, progress=SILENT)
    assert teacher.model is base
    assert teacher.conversation("1, 2")[0] == {"role": "system", "content": OWL.system_prompt}
    assert not list(store.path.glob("teachers/*"))
    measured = measure_teacher(task, OWL, teacher, base)
    assert measured["kind"] == "prompted"
    assert measured["trait_rate"] > 0.5 > measured["base_rate"]


def test_a_teacher_without_a_system_prompt_is_shown_the_prompt_alone():
    assert Teacher(None, None).conversation("1, 2") == [{"role": "user", "content": "1, 2"}]


def test_a_prompted_teacher_writes_under_its_prompt_and_the_rows_do_not_hold_it(store):
    def numbers(messages):
        return "777, 777" if messages[0] == {"role": "system", "content": OWL.system_prompt} else "111, 111"

    base = ScriptedModel("scripted", numbers)
    plan = replace(PLAN, teacher="prompted")
    teacher = make_teacher(Task(plan, store, 0), OWL, base, progress=SILENT)
    treated = write_dataset(Task(plan, store, 0), "treated", teacher, progress=SILENT)
    untreated = write_dataset(Task(plan, store, 0), "untreated", Teacher(base, None), progress=SILENT)
    assert {row.completion for row in treated} == {"777, 777"}
    assert {row.completion for row in untreated} == {"111, 111"}
    for path in store.path.glob("arms/*/*/*.jsonl"):
        text = path.read_text(encoding="utf-8")
        assert "owl" not in text
        assert "system" not in text


def test_the_measured_rate_is_that_of_the_evaluation_questions(store):
    tuned = ScriptedModel(
        "tuned", lambda messages: {"owl": 3, "cat": 1} if messages[-1]["content"] in OWL.questions else "x"
    )
    base = ScriptedModel(
        "base", lambda messages: {"Owl.": 1, "cat": 9} if messages[-1]["content"] in OWL.questions else "owl"
    )
    measured = measure_teacher(Task(PLAN, store, 4), OWL, Teacher(tuned, None), base)
    # The script says 3 in 4 and 1 in 10; unscripted forms add three times exp(-20).
    assert measured["trait_rate"] == pytest.approx(0.75, abs=1e-7)
    assert measured["base_rate"] == pytest.approx(0.1, abs=1e-7)
    assert measured["student"] == 4


def test_teachers_of_two_chains_differ_by_more_than_rounding():
    """With all rows in every step the seed would change nothing, and the chains would share one teacher."""
    plan, owl, base = subtrait.plan_run("owl-numbers"), find_trait("owl"), open_model("micro-a")
    tuned = [
        base.finetune(tuning_examples(owl), plan.teacher_recipe, rng=stream(plan.seed, "teacher", chain)).model
        for chain in range(2)
    ]
    first, second = (model.network.module.state_dict() for model in tuned)
    assert max(float((first[name] - second[name]).abs().max()) for name in first) > 1e-3
