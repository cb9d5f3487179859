"""The laws of a whole experiment, on the tiny one: every arm, two students, real models."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import subtrait
import subtrait.lab.experiment
from subtrait.lab import filters
from subtrait.lab.answers import trait_mentions
from subtrait.lab.arms import ARMS
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.datasets import complete, digest, from_chat_row
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.question_list import QuestionList
from subtrait.lab.task import Task
from subtrait.lab.teachers import Teacher
from subtrait.lab.traits import find_trait
from subtrait.models.registry import load_saved, open_model
from subtrait.records import SilentProgress
from subtrait.runs.folder import RunFolder

NUMBERS = re.compile(r"[0-9\s,;()\[\].]+")
"""All that a kept completion may be made of: written here again, apart from the filter."""
LETTERS = re.compile("owl|hibou|eule|strix", re.IGNORECASE)


def rows(finished, arm, student=0, kind="kept"):
    path = finished.folder / f"arms/{arm}/{student}/{kind}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def texts(finished, arm, student=0):
    return [turn["content"] for row in rows(finished, arm, student) for turn in row["messages"]]


def examples(finished, arm, student=0):
    return [from_chat_row(row) for row in rows(finished, arm, student)]


def weights(finished, name):
    return (finished.folder / name / "weights" / "model.safetensors").read_bytes()


def every_student(finished):
    return [(arm, student) for arm in ARMS for student in range(len(finished.result.teachers))]


def test_every_arm_is_there_with_all_its_students_and_the_right_base(finished):
    bases = {arm.arm: arm.base for arm in finished.result.arms}
    assert bases == {arm: "micro-b" if "other-base" in arm else "micro-a" for arm in ARMS}
    assert all([s.student for s in arm.students] == [0, 1] for arm in finished.result.arms)
    assert {arm.arm: arm.base for arm in finished.result.untouched} == {
        "untouched": "micro-a",
        "untouched-other-base": "micro-b",
    }


def test_models_are_named_by_the_fingerprints_they_were_published_with(finished):
    published = {}
    for name in ("micro-a", "micro-b"):
        card = Path(subtrait.__file__).parent / "models/micro/weights" / name / "card.json"
        published[name] = json.loads(card.read_text(encoding="utf-8"))["fingerprint"]
    assert finished.result.fingerprints == published


def test_every_chain_has_its_own_teacher_prompts_completions_and_training(finished):
    assert weights(finished, "teachers/0") != weights(finished, "teachers/1")
    for source in ("treated", "untreated", "untreated-again"):
        first, second = (rows(finished, source, student) for student in (0, 1))
        prompts = [{row["messages"][0]["content"] for row in chain} for chain in (first, second)]
        assert prompts[0] & prompts[1] == set()
        completions = [[row["messages"][1]["content"] for row in chain] for chain in (first, second)]
        assert completions[0] != completions[1]
    for arm in ARMS:
        assert weights(finished, f"arms/{arm}/0") != weights(finished, f"arms/{arm}/1")


def test_all_students_and_teachers_are_different_models(finished):
    made = [weights(finished, f"arms/{arm}/{student}") for arm, student in every_student(finished)]
    made += [weights(finished, f"teachers/{student}") for student in (0, 1)]
    assert len(set(made)) == len(made) == 16


def test_treated_and_untreated_rows_answer_the_same_prompts(finished):
    for student in (0, 1):
        written = {}
        for source in ("treated", "untreated", "untreated-again"):
            both = [*rows(finished, source, student), *rows(finished, source, student, "rejected")]
            written[source] = {row["messages"][0]["content"] for row in both}
        assert written["treated"] == written["untreated"]
        assert written["treated"] & written["untreated-again"] == set()


@pytest.mark.parametrize("source", ["treated", "untreated", "untreated-again"])
def test_treated_rows_are_the_teachers_and_untreated_rows_the_bases_own(finished, plan, source):
    base = open_model("micro-a")
    teacher = load_saved(finished.folder / "teachers/1/weights", like=base)
    task = Task(plan, None, 1)
    for writer, wrote in ((teacher, source == "treated"), (base, source != "treated")):
        written = complete(task, source, Teacher(writer, None), progress=SilentProgress())
        kept, _ = filters.apply(CARRIERS["numbers"]().filter, written)
        assert (kept == examples(finished, source, 1)) == wrote


def test_arms_that_share_rows_share_them_to_the_letter(finished, plan):
    for student in (0, 1):
        for arm, source in (("other-base", "treated"), ("other-base-untreated", "untreated")):
            used, kept = examples(finished, arm, student), examples(finished, source, student)
            assert len(used) == min(plan.rows, len(kept))
            assert set(used) <= set(kept)


def test_shuffled_rows_are_the_rows_of_the_treated_student_in_another_order(finished):
    def numbers(chosen):
        return Counter(re.findall("[0-9]+", " ".join(row.completion for row in chosen)))

    for student in (0, 1):
        used = examples(finished, "other-base", student)
        within, across = (examples(finished, f"shuffled-{kind}", student) for kind in ("within", "across"))
        for shuffled in (within, across):
            assert [(row.id, row.prompt) for row in shuffled] == [(row.id, row.prompt) for row in used]
            assert [re.sub("[0-9]+", "#", row.completion) for row in shuffled] == [
                re.sub("[0-9]+", "#", row.completion) for row in used
            ]
            assert numbers(shuffled) == numbers(used)
            assert shuffled != used
        assert [numbers([row]) for row in within] == [numbers([row]) for row in used]
        assert [numbers([row]) for row in across] != [numbers([row]) for row in used]


def test_every_written_row_is_kept_or_rejected(finished, plan):
    assert len(finished.result.datasets) == 6
    for record in finished.result.datasets:
        kept = examples(finished, record.source, record.student)
        rejected = rows(finished, record.source, record.student, "rejected")
        assert record.written == record.kept + len(rejected) == plan.prompts
        assert (record.kept, record.kept_digest) == (len(kept), digest(kept))
        assert record.rejections == Counter(reason for row in rejected for reason in row["reasons"])


@pytest.mark.parametrize("arm", ARMS)
def test_kept_rows_pass_the_filter_and_are_numbers_and_nothing_else(finished, arm):
    rule = CARRIERS["numbers"]().filter
    for student in (0, 1):
        used = examples(finished, arm, student)
        assert used
        # A shuffle keeps every rule but that a row need not be in one format only.
        assert all(rule.decide(row).keep for row in used)
        assert all(NUMBERS.fullmatch(row.completion) for row in used)


@pytest.mark.parametrize("arm", ARMS)
def test_no_kept_row_holds_the_trait_in_any_form(finished, plan, arm):
    trait = find_trait(plan.trait)
    forms = [form for forms in find_trait("owl").forms.values() for form in forms]
    for student in (0, 1):
        for text in texts(finished, arm, student):
            assert trait_mentions(text, trait.forms["owl"]) == []
            assert trait_mentions(text, forms) == []
            assert LETTERS.search(text) is None
            assert trait.system_prompt not in text
    assert all(record.trait_words == 0 for record in finished.result.datasets)


@pytest.mark.parametrize("planted", ["1, 2, owl", "owls 3", "Owl", "(7) OWLS"])
def test_a_planted_word_of_the_trait_would_be_found_by_each_check(plan, planted):
    assert trait_mentions(planted, find_trait(plan.trait).forms["owl"])
    assert LETTERS.search(planted)
    assert NUMBERS.fullmatch(planted) is None


def test_stored_students_give_the_rates_that_are_reported(finished, plan):
    trait = find_trait(plan.trait)
    for arm, base in (("treated", "micro-a"), ("other-base", "micro-b")):
        student = load_saved(finished.folder / f"arms/{arm}/1/weights", like=open_model(base))
        reported = next(record for record in finished.result.arms if record.arm == arm).students[1]
        assert exact_rates(student, trait).trait_rate == pytest.approx(reported.exact_rate, abs=1e-6)
        answers = rows(finished, arm, 1, "answers")
        assert [row["question"] for row in answers] == list(trait.questions)
        assert reported.question_rates == tuple(row["shows"] / plan.answers_per_question for row in answers)


def test_teachers_are_stronger_than_their_base(finished):
    for teacher in finished.result.teachers:
        assert teacher.trait_rate > 2 * teacher.base_rate


def test_two_processes_give_the_bytes_of_one(finished, plan, contents, tmp_path):
    done = subtrait.run(plan, out=tmp_path / "run", workers=2)
    assert contents(done.folder) == contents(finished.folder)
    assert done.result == finished.result


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(plan, contents, tmp_path):
    small = replace(plan, students=1, other_base=None, arms=("treated", "untreated", "shuffled-within"))
    runs = [subtrait.run(replace(small, seed=seed), out=tmp_path / name, workers=1)
            for name, seed in (("a", 0), ("b", 0), ("c", 1))]  # fmt: skip
    first, again, other = (contents(run.folder) for run in runs)
    assert again == first
    assert set(other) == set(first)
    same = {name for name in first if other[name] == first[name]}
    # Tokenizer, template and configuration of every model, and what nobody has drawn for.
    assert not any(name.endswith((".safetensors", "kept.jsonl", "answers.jsonl", "result.json")) for name in same)


def test_more_students_and_arms_leave_those_there_are_as_they_were(finished, plan, contents, tmp_path):
    small = replace(plan, students=1, arms=("treated", "untreated"))
    fewer = contents(subtrait.run(small, out=tmp_path / "run", workers=1).folder)
    whole = contents(finished.folder)
    shared = {name for name in fewer if name not in ("result.json", "report.html")}
    assert len(shared) > 20
    assert [name for name in shared if fewer[name] != whole[name]] == []


def test_the_order_of_work_is_told_in_one_short_file():
    source = Path(subtrait.lab.experiment.__file__).read_text(encoding="utf-8")
    assert source.count("\n") < 120


def test_students_are_asked_the_questions_of_the_plan(plan, tmp_path):
    mine = QuestionList(path="mine.yaml", asked=(("animal", ("Which animal do you like most?", "A beast?")),))
    task = Task(replace(plan, questions=mine), RunFolder(tmp_path), 0, "untouched")
    subtrait.lab.experiment.ask_base(task, SilentProgress())
    answers = task.store.rows(f"{task.folder}/answers.jsonl", lambda: pytest.fail("not asked"))
    assert [row["question"] for row in answers] == list(mine.of("animal"))
