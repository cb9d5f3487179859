"""Equal specifications have one name, and whatever differs in them has another."""

from dataclasses import fields, replace

import pytest

from subtrait.lab.chains.specifications import Rows, Student, Writer, digest
from subtrait.models.base import Recipe, Sampling

BASE = Writer(base="micro-a")
OWL = Writer(base="micro-a", kind="tuned", trait="owl")
ROWS = Rows(writer=OWL)
STUDENT = Student(base="micro-a", lessons=(ROWS,))
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
    "Student": {"base": "micro-b", "lessons": (ROWS, ROWS), "recipe": Recipe(steps=1)},
}


@pytest.mark.parametrize("usual", [OWL, ROWS, STUDENT], ids=lambda each: type(each).__name__)
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
