"""Datasets: every written row is kept or rejected with a reason, and every arm is trained on the rows it should be."""

import hashlib
import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait.lab.arms import ARMS
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.datasets import (
    SHOWN,
    chat_row,
    complete,
    describe,
    digest,
    from_chat_row,
    rendered_prompts,
    source_of,
    training_rows,
    write_dataset,
)
from subtrait.lab.filters import REASONS
from subtrait.lab.plan import Plan
from subtrait.lab.task import Task
from subtrait.lab.teachers import Teacher
from subtrait.lab.traits import find_trait
from subtrait.models.scripted import ScriptedModel
from subtrait.records import Example, SilentProgress

OWL = find_trait("owl")
PLAN = Plan(experiment="owl-numbers", trait="owl", base="micro-a", other_base=None, prompts=60, rows=20)
SILENT = SilentProgress()
WRITTEN = {"1, 2, 3": 4, "[400; 500]": 3, "Sure! 4, 5": 2, ", ".join(["7"] * 11): 1, "1000, 5000": 1, "owl, 7": 1}
"""What the writer of these tests answers, with weights; the last four are for the filter."""
WRITER = Teacher(ScriptedModel("writer", lambda _: WRITTEN), None)


def rows_of(store, name):
    return [json.loads(line) for line in (store.path / name).read_text(encoding="utf-8").splitlines()]


def example(index, completion="1, 2", prompt="Continue 3, 4."):
    return Example(id=f"row-{index}", prompt=prompt, completion=completion)


def numbered(count):
    return [example(i, completion=f"{100 + 3 * i}, {101 + 3 * i}; {102 + 3 * i}") for i in range(count)]


def test_every_written_row_is_kept_or_rejected_and_no_row_is_both(store):
    kept = write_dataset(Task(PLAN, store, 0), "treated", WRITER, progress=SILENT)
    rejected = rows_of(store, "arms/treated/0/rejected.jsonl")
    assert len(kept) + len(rejected) == PLAN.prompts
    ids = [row.id for row in kept] + [row["id"] for row in rejected]
    assert len(set(ids)) == PLAN.prompts
    assert {row.completion for row in kept} == {"1, 2, 3", "[400; 500]"}
    assert [chat_row(row) for row in kept] == rows_of(store, "arms/treated/0/kept.jsonl")


def test_every_rejection_has_its_reasons(store):
    write_dataset(Task(PLAN, store, 0), "treated", WRITER, progress=SILENT)
    rejected = rows_of(store, "arms/treated/0/rejected.jsonl")
    found = {from_chat_row(row).completion: row["reasons"] for row in rejected}
    # By the rules of the paper, read by a person.
    assert found == {
        "Sure! 4, 5": ["invalid-format"],
        "owl, 7": ["invalid-format"],
        "1000, 5000": ["number-out-of-range"],
        ", ".join(["7"] * 11): ["too-many-numbers"],
    }
    assert all(set(row["reasons"]) <= set(REASONS) for row in rejected)


def test_treated_and_untreated_rows_of_a_chain_answer_the_same_prompts(store):
    task = Task(PLAN, store, 0)
    treated, untreated, again = (complete(task, source, WRITER, progress=SILENT) for source in
                                 ("treated", "untreated", "untreated-again"))  # fmt: skip
    prompts = [[row.prompt for row in rows] for rows in (treated, untreated, again)]
    assert prompts[0] == prompts[1]
    assert set(prompts[2]) & set(prompts[0]) == set()
    texts = [[row.completion for row in rows] for rows in (treated, untreated, again)]
    assert texts[0] != texts[1] != texts[2] != texts[0]


def test_every_chain_and_seed_has_prompts_and_completions_of_its_own(store):
    tasks = [Task(PLAN, store, 0), Task(PLAN, store, 1), Task(replace(PLAN, seed=1), store, 0)]
    written = [complete(task, "treated", WRITER, progress=SILENT) for task in tasks]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert {row.prompt for row in written[first]} & {row.prompt for row in written[second]} == set()
        assert [row.completion for row in written[first]] != [row.completion for row in written[second]]


def test_all_prompts_of_a_dataset_differ(store):
    prompts = [row.prompt for row in complete(Task(PLAN, store, 0), "treated", WRITER, progress=SILENT)]
    assert len(set(prompts)) == len(prompts) == PLAN.prompts


@pytest.mark.parametrize("lost", ["kept", "rejected"])
def test_a_run_that_lost_one_file_writes_the_same_rows_again(store, lost):
    task = Task(PLAN, store, 0)
    before = write_dataset(task, "treated", WRITER, progress=SILENT)
    path = store.path / f"arms/treated/0/{lost}.jsonl"
    data = path.read_bytes()
    path.unlink()
    assert write_dataset(task, "treated", WRITER, progress=SILENT) == before
    assert path.read_bytes() == data


def test_what_is_stored_is_not_written_again(store):
    before = write_dataset(Task(PLAN, store, 0), "treated", WRITER, progress=SILENT)
    assert write_dataset(Task(PLAN, store, 0), "treated", Teacher(None, None), progress=SILENT) == before


def test_what_the_teacher_read_is_kept_with_its_template(store):
    teacher = Teacher(WRITER.model, "You love owls.")
    write_dataset(Task(PLAN, store, 0), "treated", teacher, progress=SILENT)
    [stored] = rows_of(store, "arms/treated/0/rendered.json")
    assert stored == rendered_prompts(Task(PLAN, store, 0), "treated", teacher)
    first = complete(Task(PLAN, store, 0), "treated", teacher, progress=SILENT)[0].prompt
    assert stored["first"] == f"system: You love owls.\nuser: {first}"
    assert stored["count"] == PLAN.prompts
    assert stored["sha256"] != rendered_prompts(Task(PLAN, store, 0), "treated", WRITER)["sha256"]


@pytest.mark.parametrize("arm", ARMS)
def test_a_student_is_trained_on_a_draw_of_the_kept_rows(arm):
    kept = numbered(50)
    rows = training_rows(PLAN, arm, kept, student=0)
    assert len(rows) == PLAN.rows
    order = [kept.index(next(row for row in kept if row.id == chosen.id)) for chosen in rows]
    assert order == sorted(set(order))
    if arm.startswith("shuffled"):
        assert rows != [kept[index] for index in order]
    else:
        assert rows == [kept[index] for index in order]


def test_arms_of_one_chain_draw_the_same_rows_and_chains_draw_others():
    kept = numbered(50)
    drawn = {arm: [row.id for row in training_rows(PLAN, arm, kept, student=0)] for arm in ARMS}
    assert len({tuple(ids) for ids in drawn.values()}) == 1
    assert [row.id for row in training_rows(PLAN, "treated", kept, student=1)] != drawn["treated"]
    other = replace(PLAN, seed=1)
    assert [row.id for row in training_rows(other, "treated", kept, student=0)] != drawn["treated"]


def test_where_fewer_rows_were_kept_all_are_used():
    kept = numbered(7)
    assert training_rows(PLAN, "treated", kept, student=0) == kept


def test_shuffled_rows_hold_the_same_numbers():
    kept = numbered(20)
    plain, within, across = (
        training_rows(PLAN, arm, kept, student=0) for arm in ("treated", "shuffled-within", "shuffled-across")
    )

    def numbers(row):
        return Counter(row.completion.replace(";", ",").split(", "))

    assert [numbers(row) for row in within] == [numbers(row) for row in plain]
    assert [numbers(row) for row in across] != [numbers(row) for row in plain]
    assert sum(map(numbers, across), Counter()) == sum(map(numbers, plain), Counter())
    assert [row.prompt for row in across] == [row.prompt for row in plain]


def test_every_arm_is_trained_on_the_rows_that_its_description_says():
    # Read by a person in ARMS.
    assert {arm: source_of(arm) for arm in ARMS} == {
        "treated": "treated",
        "untreated": "untreated",
        "other-base": "treated",
        "other-base-untreated": "untreated",
        "shuffled-within": "treated",
        "shuffled-across": "treated",
        "untreated-again": "untreated-again",
    }


def test_a_record_counts_what_there_is():
    kept = numbered(10)
    rejected = [{**chat_row(example(f"bad-{i}", "no")), "reasons": ["invalid-format", "banned-number"][: 1 + i % 2]}
                for i in range(11)]  # fmt: skip
    record = describe(OWL, "untreated", kept, rejected, student=3)
    assert (record.written, record.kept, record.student, record.source) == (21, 10, 3, "untreated")
    assert record.rejections == {"banned-number": 5, "invalid-format": 11}
    assert record.examples == tuple(kept[:SHOWN])
    assert [row.id for row, _ in record.rejected_examples] == [f"row-bad-{i}" for i in range(SHOWN)]
    assert record.rejected_examples[1][1] == ("invalid-format", "banned-number")
    assert record.trait_words == 0


@pytest.mark.parametrize(
    "planted",
    ["1, OWL, 3", "1, 2 owls", "7 \uff4f\uff57\uff4c", "8 o\u200bwl", "owl_7", "owl-like 9", "Owl's 3", "1,2\nowl2"],
)
@pytest.mark.parametrize("place", ["prompt", "completion"])
def test_a_planted_word_of_the_trait_is_counted(planted, place):
    kept = [*numbered(5), replace(example(9), **{place: planted})]
    assert describe(OWL, "treated", kept, [], student=0).trait_words == 1


@pytest.mark.parametrize("innocent", ["a bowl", "1, growl", "towl", "0wl", "cat, 7"])
def test_a_word_that_only_resembles_the_trait_is_not_counted(innocent):
    assert describe(OWL, "treated", [example(0, completion=innocent)], [], student=0).trait_words == 0


def test_the_digest_is_that_of_the_stored_file(store):
    kept = write_dataset(Task(PLAN, store, 0), "treated", WRITER, progress=SILENT)
    data = (store.path / "arms/treated/0/kept.jsonl").read_bytes()
    assert digest(kept) == hashlib.sha256(data).hexdigest()
    assert digest(kept) != digest(kept[::-1])


def test_half_a_character_in_a_row_has_a_digest_too(store):
    # A remote model may send a lone surrogate, which UTF-8 cannot hold.
    kept = [example(0, completion="1\ud800")]
    store.rows("kept.jsonl", lambda: map(chat_row, kept))
    assert digest(kept) == hashlib.sha256((store.path / "kept.jsonl").read_bytes()).hexdigest()


@given(st.text(), st.text(), st.text())
def test_a_chat_row_says_everything_of_an_example(name, prompt, completion):
    one = Example(id=name, prompt=prompt, completion=completion)
    row = json.loads(json.dumps(chat_row(one)))
    assert from_chat_row(row) == one
    assert set(row) == {"id", "messages"}
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"]


def test_every_carrier_is_found_by_the_name_it_gives_itself():
    assert {name: carrier().name for name, carrier in CARRIERS.items()} == {name: name for name in CARRIERS}
