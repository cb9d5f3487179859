"""Equal specifications have one name, and whatever differs in them has another."""

from dataclasses import fields, replace

import pytest

from subtrait.lab.chains.specifications import (
    Divergence,
    Matched,
    Rows,
    Student,
    Writer,
    digest,
    hops,
    matched_bases,
    writing_students,
)
from subtrait.models.base import Recipe, Sampling

BASE = Writer(base="micro-a")
OWL = Writer(base="micro-a", kind="tuned", trait="owl")
ROWS = Rows(writer=OWL)
STUDENT = Student(base="micro-a", lessons=(ROWS,))
MATCHED = Matched(base="micro-b", target="micro-a")
APART = Divergence(first="micro-a", second="micro-b")
OLD = ("a8196449acfff9a9", "ddb16acdb070d2c5", "0f2ca298962fd5ea")
OTHER = {
    "Writer": {
        "base": "micro-b",
        "kind": "prompted",
        "trait": "cat",
        "recipe": Recipe(steps=1),
        "student": STUDENT,
        "draw": 1,
    },
    "Rows": {
        "writer": BASE,
        "carrier": "code",
        "prompts": 1,
        "rows": 1,
        "change": "shuffled within rows",
        "diluted_by": BASE,
        "share": 0.5,
        "sampling": Sampling(temperature=0.5),
        "draw": 1,
    },
    "Matched": {"base": "micro-c", "target": "micro-c", "prompts": 1, "recipe": Recipe(steps=1)},
    "Divergence": {"first": MATCHED, "second": MATCHED, "prompts": 1},
    "Student": {"base": "micro-b", "lessons": (ROWS, ROWS), "recipe": Recipe(steps=1)},
}


@pytest.mark.parametrize("usual", [OWL, ROWS, STUDENT, MATCHED, APART], ids=lambda each: type(each).__name__)
def test_every_field_is_in_the_digest(usual):
    other = OTHER[type(usual).__name__]
    assert set(other) == {field.name for field in fields(usual)}
    names = {digest(usual), *(digest(replace(usual, **{name: value})) for name, value in other.items())}
    assert len(names) == 1 + len(other)
    assert digest(replace(usual)) == digest(usual)


def test_what_is_written_does_not_depend_on_what_is_done_with_it():
    changed = replace(ROWS, rows=7, change="shuffled across rows")
    assert changed.written == ROWS.written
    assert changed.written[0].writer == OWL


def test_who_dilutes_rows_writes_too():
    diluted = replace(ROWS, diluted_by=BASE, share=0.5)
    assert [each.writer for each in diluted.written] == [OWL, BASE]
    assert diluted.written[1:] == replace(ROWS, writer=BASE).written


@pytest.mark.parametrize("name", ["prompts", "draw", "sampling", "carrier"])
def test_other_prompts_or_settings_are_other_written_rows(name):
    assert replace(ROWS, **{name: OTHER["Rows"][name]}).written != ROWS.written


def test_names_of_what_earlier_versions_made_stay():
    """Computed by the version before bases could be made; stored students would be trained anew."""
    assert (digest(OWL), digest(ROWS), digest(STUDENT)) == OLD


def test_a_base_that_is_made_is_another_base():
    names = {digest(replace(STUDENT, base=base)) for base in ("micro-b", MATCHED, replace(MATCHED, prompts=9))}
    assert len(names) == 3


def test_students_that_write_come_before_whom_they_write_for():
    second = replace(STUDENT, lessons=(Rows(writer=Writer(base="micro-a", kind="student", student=STUDENT)),))
    third = replace(STUDENT, lessons=(Rows(writer=Writer(base="micro-a", kind="student", student=second)), ROWS))
    assert [hops(each) for each in (STUDENT, second, third)] == [0, 1, 2]
    assert writing_students(third) == [STUDENT, second]
    assert writing_students(STUDENT) == []


def test_bases_that_must_be_made_are_found_behind_students_and_writers():
    of_writer = replace(STUDENT, lessons=(replace(ROWS, writer=replace(OWL, base=MATCHED)),))
    behind = replace(STUDENT, lessons=(Rows(writer=Writer(base="micro-a", kind="student", student=of_writer)),))
    diluted = replace(STUDENT, lessons=(replace(ROWS, diluted_by=replace(BASE, base=MATCHED), share=0.5),))
    for student in (of_writer, behind, diluted, replace(STUDENT, base=MATCHED)):
        assert matched_bases([STUDENT, student, student]) == [MATCHED]
    assert matched_bases([STUDENT]) == []
