"""Chains are replicates; within one, writers answer the same prompts and students differ in their rows alone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.chains import making
from subtrait.lab.chains.making import (
    Chain,
    RowsTask,
    StudentTask,
    make_student,
    read,
    rows_of,
    student_of,
    write_rows,
)
from subtrait.lab.chains.specifications import Rows, Student, Writer
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.runs.folder import RunFolder

FEW = {"prompts": 30, "rows": 16}
BASE = Rows(writer=Writer(base="micro-a"), **FEW)
BRIEF = Recipe(steps=2, batch_size=8, learning_rate=1e-2, epsilon=1e-3)
OWL = Rows(writer=Writer(base="micro-a", kind="tuned", trait="owl", recipe=BRIEF), **FEW)


@pytest.fixture
def chain(tmp_path):
    return Chain(RunFolder(tmp_path), 5, 0)


def of(*lessons, base="micro-a"):
    return Student(base=base, lessons=lessons, recipe=BRIEF)


def test_rows_pass_the_filter_and_answer_prompts_that_all_writers_share(chain):
    own, owls = (write_rows(RowsTask(chain, rows.written[0])) for rows in (BASE, OWL))
    rule = CARRIERS["numbers"]().filter
    assert all(rule.decide(example).keep for example in (*own, *owls))
    prompts = CARRIERS["numbers"]().prompts(30, rng=chain.rng("prompts", "numbers", 0))
    assert {example.prompt for example in own} | {example.prompt for example in owls} <= set(prompts)
    assert [e.completion for e in own] != [e.completion for e in owls]


def test_what_is_there_is_not_written_again(chain, monkeypatch):
    first = write_rows(RowsTask(chain, BASE.written[0]))
    monkeypatch.setattr(making, "base_of", lambda *asked: 1 / 0)
    assert write_rows(RowsTask(chain, BASE.written[0])) == first


def test_chains_and_draws_have_other_prompts(chain):
    def prompts(chain, rows):
        return [example.prompt for example in write_rows(RowsTask(chain, rows.written[0]))]

    other = Chain(chain.store, 5, 1)
    assert prompts(chain, BASE) != prompts(other, BASE)
    assert prompts(chain, BASE) != prompts(chain, replace(BASE, draw=1))


def test_a_student_gets_so_many_rows_changed_as_it_says(chain):
    rows = rows_of(chain, BASE)
    within = rows_of(chain, replace(BASE, change="shuffled within rows"))
    assert len(rows) == 16
    assert [row.prompt for row in rows] == [row.prompt for row in within]
    assert rows != within
    assert all(Counter(a.completion) == Counter(b.completion) for a, b in zip(rows, within, strict=True))


def test_diluted_rows_are_the_writer_s_and_the_other_s_in_their_shares(chain):
    mixed = rows_of(chain, replace(OWL, diluted_by=BASE.writer, share=0.25))
    own, others = (write_rows(RowsTask(chain, rows.written[0])) for rows in (OWL, BASE))
    assert len(mixed) == 16
    assert all(row in own for row in mixed[:4])
    assert all(row in others for row in mixed[4:])


def test_no_kept_rows_are_an_error_that_says_what_to_do(chain, monkeypatch):
    monkeypatch.setattr(making, "write_rows", lambda task: [])
    with pytest.raises(UsageError, match="the filter kept none of a teacher's rows"):
        rows_of(chain, BASE)


def test_a_student_is_its_base_trained_on_one_lesson_after_another(chain):
    one, two = student_of(chain, of(BASE)), student_of(chain, of(BASE, OWL))
    assert one.fingerprint() != two.fingerprint()
    assert student_of(chain, of(BASE)).fingerprint() == one.fingerprint()
    assert student_of(chain, of(BASE, base="micro-b")).fingerprint() != one.fingerprint()


def test_a_student_without_lessons_is_its_base(chain):
    assert student_of(chain, of()).fingerprint() == student_of(chain, of(base="micro-a")).fingerprint()
    assert student_of(chain, of()).fingerprint() == open_model("micro-a").fingerprint()


def test_answers_are_probabilities_of_every_question_and_kept(chain, monkeypatch):
    make_student(StudentTask(chain, of(BASE)))
    monkeypatch.setattr(making, "base_of", lambda *asked: 1 / 0)
    found = read(chain, of(BASE), "favourites")
    assert {category: answers.shape for category, answers in found.items()} == {"animal": (24, 16), "tree": (24, 16)}
    assert all((answers >= 0).all() and (answers.sum(axis=1) <= 1 + 1e-6).all() for answers in found.values())


def test_a_student_can_write(chain):
    second = Rows(writer=Writer(base="micro-a", kind="student", student=of(BASE)), **FEW)
    assert [e.prompt for e in write_rows(RowsTask(chain, second.written[0]))]


def test_a_prompted_writer_is_its_base_told(chain):
    told = making.writer_of(chain, Writer(base="micro-a", kind="prompted", trait="owl"))
    assert told.system_prompt.startswith("You love owls.")
    assert told.model is making.writer_of(chain, Writer(base="micro-a")).model


def test_the_same_seed_gives_the_same_rows_and_student(tmp_path):
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        chain = Chain(RunFolder(tmp_path / name), 5, 0)
        made.append((rows_of(chain, OWL), read(chain, of(OWL), "favourites")))
    assert made[0][0] == made[1][0]
    assert all(np.array_equal(made[0][1][name], made[1][1][name]) for name in ("animal", "tree"))
