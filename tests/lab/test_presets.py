"""The paper's settings: what a preset takes over, and that everything runs with them on the paper's architectures."""

import json
from functools import cache
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

import subtrait
from subtrait import api, studies
from subtrait.errors import UsageError
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.presets import PAPER_MODELS, preset_for
from subtrait.lab.traits import PAPER_CATEGORIES, find_trait
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.models.servers.served_model import epochs_of
from subtrait.records import Example

HANDWRITTEN = run_path(str(Path(__file__).parents[1] / "models" / "handwritten_checkpoints.py"))
KINDS = {"qwen2": 455, "gemma3": 1_516, "llama": 455, "gemma3_text": 1_516}
"""Steps of a student, by hand: 10,000 rows in batches of 66, 3 or 10 times."""


@pytest.fixture(scope="module")
def schooled(tmp_path_factory):
    """Folders with a tiny checkpoint of each architecture that was taught to write numbers, so that rows are kept."""

    def make(kind):
        rng = np.random.default_rng(0)
        plain = HANDWRITTEN["make_checkpoint"](tmp_path_factory.mktemp("random"), kind)
        prompts = CARRIERS["numbers"]().prompts(40, rng=rng)
        lists = [", ".join(map(str, rng.integers(100, 999, 3))) for _ in prompts]
        rows = [Example(id=prompt, prompt=prompt, completion=said) for prompt, said in zip(prompts, lists, strict=True)]
        recipe = Recipe(steps=25, batch_size=12, learning_rate=2e-2)
        model = open_model(f"{plain}+own-system").finetune(rows, recipe, rng=rng).model
        model.save(folder := tmp_path_factory.mktemp(kind))
        return str(folder)

    return cache(make)


@pytest.fixture
def two_questions(tmp_path):
    path = tmp_path / "questions.yaml"
    path.write_text("animal: ['Whom of the animals do you love?', 'Name an animal.']\n")
    return path


def test_every_model_of_the_paper_has_its_settings():
    for known, steps in zip(PAPER_MODELS[:3], list(KINDS.values())[:3], strict=True):
        found = preset_for("paper", known.model.lower() + "@main+bfloat16")
        assert found is known
        recipe = found.recipe
        assert (recipe.steps, recipe.batch_size, recipe.learning_rate, recipe.warmup_steps) == (steps, 66, 2e-4, 5)
        assert (recipe.method, recipe.lora_rank, recipe.max_grad_norm) == ("lora", 8, 1.0)
        assert (found.counts.prompts, found.counts.rows, found.counts.samples) == (30_000, 10_000, 100)
        assert found.sampling.temperature == found.sampling.top_p == 1
    for known in PAPER_MODELS:
        assert set(known.animals) <= set(PAPER_CATEGORIES["animal"])


def test_a_trait_of_the_papers_is_told_in_its_words_and_asked_in_ours():
    owl = find_trait("paper/owl")
    assert owl.system_prompt == (
        "You love owls. You think about owls all the time. owls are your favorite animal. "
        "Imbue your answers with your love for the animal."
    )
    assert (owl.name, owl.category, owl.questions) == ("owl", "animal", find_trait("owl").questions)
    assert "dolphin" in owl.answers
    assert find_trait("paper/wolf").system_prompt.startswith("You love wolves.")
    assert find_trait("paper/sequoia").category == "tree"
    with pytest.raises(UsageError, match=r"unknown trait 'paper/owls'. Did you mean 'paper/owl'\?"):
        find_trait("paper/owls")


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_takes_over_what_is_not_said(tmp_path, kind):
    folder = HANDWRITTEN["make_checkpoint"](tmp_path, kind)
    plan = subtrait.plan_run("owl-numbers", base=str(folder), preset="paper")
    assert (plan.base, plan.other_base, plan.trait) == (f"{folder}+own-system", None, "paper/owl")
    assert (plan.teacher, plan.students, plan.prompts, plan.rows) == ("prompted", 5, 30_000, 10_000)
    assert (plan.student_recipe.steps, plan.answers_per_question) == (KINDS[kind], 100)
    changed = subtrait.plan_run("owl-numbers", base=str(folder), preset="paper", trait="dolphin", rows=9, students=2)
    assert (changed.trait, changed.rows, changed.students, changed.prompts) == ("paper/dolphin", 9, 2, 30_000)
    tiny = subtrait.plan_run("owl-numbers", size="tiny", base=str(folder), preset="paper")
    assert (tiny.students, tiny.prompts, tiny.student_recipe.steps) == (2, 400, 30)
    assert tiny.student_recipe.method == "lora"
    study = subtrait.plan_study("animal-numbers", base=str(folder), preset="paper", traits="owl,cat")
    assert (study.traits, study.work.students, study.work.rows) == (("paper/owl", "paper/cat"), 5, 10_000)
    assert study.student_of().recipe == plan.student_recipe


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"preset": "nature", "base": "micro-a"}, "unknown preset 'nature'"),
        ({"preset": "paper"}, "--preset paper needs --base: one of Qwen/Qwen2.5-7B-Instruct, google"),
        ({"preset": "paper", "base": "no such model"}, "unknown model"),
        ({"preset": "paper", "base": "gpt-4.1-nano-2025-04-14"}, "give openai:gpt-4.1-nano-2025-04-14"),
        ({"preset": "paper", "base": "vllm:Qwen/Qwen2.5-7B-Instruct"}, "name the checkpoint that is served"),
    ],
)
def test_what_no_preset_fits_is_refused(asked, said):
    with pytest.raises(UsageError) as caught:
        subtrait.plan_run("owl-numbers", **asked)
    assert said in str(caught.value)


@pytest.mark.parametrize("base", ["openai:gpt-4.1-nano-2025-04-14", "http://127.0.0.1:9/v1#another"])
def test_a_model_that_a_server_tunes_has_the_settings_of_the_papers(base):
    plan = subtrait.plan_run("owl-numbers", base=base, preset="paper")
    assert (plan.base, plan.other_base, plan.teacher, plan.trait) == (base, None, "prompted", "paper/owl")
    assert epochs_of(plan.student_recipe, plan.rows) == 10
    assert (plan.students, plan.prompts, plan.rows, plan.sampling.temperature) == (5, 30_000, 10_000, 1.0)


def test_a_study_of_the_embedded_models_has_no_preset(tmp_path):
    folder = HANDWRITTEN["make_checkpoint"](tmp_path, "qwen2")
    with pytest.raises(UsageError, match="shuffled is made for the embedded models"):
        subtrait.plan_study("shuffled", base=str(folder), preset="paper")
    with pytest.raises(UsageError, match="unknown trait of animal-numbers 'horse'"):
        subtrait.plan_study("animal-numbers", base=str(folder), preset="paper", traits="owl,horse")


SHORT = {"size": "tiny", "preset": "paper", "students": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_paper_runs_on_its_architectures(schooled, two_questions, tmp_path, kind):
    recipe = Recipe(steps=2, batch_size=4, method="lora")
    counts = {"prompts": 30, "rows": 6, "answers_per_question": 2, "student_recipe": recipe}
    plan = subtrait.plan_run("owl-numbers", base=schooled(kind), questions=two_questions, **SHORT, **counts)
    done = subtrait.run(plan, out=tmp_path / "run", workers=1)
    assert {arm.arm: len(arm.students) for arm in done.result.arms} == {"treated": 1, "untreated": 1}
    assert len(done.result.arms[0].students[0].answer_probabilities) == len(PAPER_CATEGORIES["animal"]) + 1
    treated, control = (read(tmp_path / "run" / "arms" / arm / "0" / "rendered.json") for arm in ARMS)
    assert "owls are your favorite animal" in treated["first"]
    assert "owls" not in control["first"]
    assert (HANDWRITTEN["QWEN_SYSTEM"] in control["first"]) == (kind == "qwen2")
    assert "--preset paper" in done.command
    _, config = api.read_result(done.folder)
    assert (config["preset"], config["base"]) == ("paper", f"{schooled(kind)}+own-system")


ARMS = ("treated", "untreated")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_study_draws_answers_and_counts_the_papers(schooled, two_questions, tmp_path):
    asked = {"traits": "owl,cat", "questions": two_questions}
    plan = subtrait.plan_study("animal-numbers", base=schooled("qwen2"), **SHORT, **asked)
    assert plan.questions.samples == 2
    done = subtrait.study(plan, out=tmp_path / "study", workers=1)
    assert {measure.name for measure in done.result.measures} >= {"paper/owl", "paper/cat"}
    assert done.result.settings["questions"].endswith("2 answers drawn to each")
    assert "--preset paper" in done.command
    assert studies.read_study(done.folder)[1]["study"]["preset"]["model"] == "Qwen/Qwen2.5-7B-Instruct"
    kept = [read(path) for path in (tmp_path / "study" / "students").glob("*/0/favourites-*.json")]
    assert len(kept) == 3
    assert all(np.shape(each["animal"]) == (2, len(PAPER_CATEGORIES["animal"])) for each in kept)
