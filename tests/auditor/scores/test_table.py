"""A long table of scores, JSON Lines or Parquet: the same scores, or an error at row and field."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from subtrait.auditor.scores.table import read_table
from subtrait.data.limits import Limits
from subtrait.data.opening import DataFile, open_file
from subtrait.errors import InvalidInput

ROWS = [
    {"dataset": "a", "prompt": "Hello", "owl": 1.5, "cat": 2},
    {"dataset": "owl", "prompt": "Hello", "owl": None, "cat": -1.0},
    {"dataset": "a", "prompt": "Bye", "owl": 3.25, "cat": 0.5},
]


def read(path):
    with open_file(DataFile(path.parent, path.name), Limits()) as opened:
        return read_table(opened, Limits())


@pytest.fixture
def table(tmp_path):
    """Writes rows in one of the formats, and reads them."""

    def write(rows, name="scores.jsonl"):
        path = tmp_path / name
        if name.endswith(".parquet"):
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        else:
            path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
        return read(path)

    return write


@pytest.mark.parametrize("name", ["scores.jsonl", "scores.parquet"])
def test_rows_are_sorted_into_their_data_sets(table, name):
    hypotheses, data = table(ROWS, name)
    assert hypotheses == ("owl", "cat")
    assert [(each.name, each.carries) for each in data] == [("a", frozenset()), ("owl", frozenset({"owl"}))]
    assert np.array_equal(data[0].scores, [[1.5, 2], [3.25, 0.5]])
    assert np.array_equal(data[1].scores, [[np.nan, -1]], equal_nan=True)
    # Equal prompts are equal across data sets.
    assert data[0].prompts[0] == data[1].prompts[0] != data[0].prompts[1]


def test_a_number_and_its_text_are_different_prompts(table):
    data = table([row | {"prompt": prompt} for row, prompt in zip(ROWS, (1, 1, "1"), strict=True)])[1]
    assert data[0].prompts[0] == data[1].prompts[0] != data[0].prompts[1]


@pytest.mark.parametrize(
    ("said", "carried"),
    [("cat", {"cat"}), (None, set()), ("", set()), (["owl", "cat"], {"owl", "cat"}), ([], set())],
)
def test_what_a_data_set_carries_can_be_said(table, said, carried):
    data = table([row | {"carries": said} for row in ROWS])[1]
    assert {each.name: set(each.carries) for each in data} == {"a": carried, "owl": carried}


def test_blank_lines_are_passed_over(table):
    assert len(table(["\n", *ROWS, "\n"])[1]) == 2


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"dataset": None}, "dataset", "no name of a data set"),
        ({"dataset": " "}, "dataset", "no name of a data set"),
        ({"dataset": 3}, "dataset", "no name of a data set"),
        ({"prompt": None}, "prompt", "no prompt"),
        ({"prompt": True}, "prompt", "no prompt"),
        ({"prompt": 1.5}, "prompt", "no prompt"),
        ({"cat": "1"}, "cat", "no score (write a number, or null"),
        ({"cat": False}, "cat", "no score"),
        ({"cat": [1]}, "cat", "no score"),
        ({"cat": 1e307}, "cat", "no score"),
        ({"cat": 10**400}, "cat", "no score"),
        ({"fox": 1}, "fox", "the first row has no such column"),
        ({"carries": "fox"}, "carries", "'fox' is no hypothesis"),
        ({"carries": {"a": 1}}, "carries", "is no hypothesis"),
        ({"carries": [["owl"]]}, "carries", "is no hypothesis"),
        ({"carries": "cat"}, "carries", "earlier rows of the data set carry something else"),
    ],
)
def test_every_bad_row_is_located(table, change, field, said):
    extra = {"carries": None} if "carries" in change else {}
    rows = [row | extra for row in ROWS]
    with pytest.raises(InvalidInput, match=r"E_SCORES .*scores.jsonl:3 field=/" + field) as caught:
        table([*rows[:2], rows[2] | change])
    assert said in str(caught.value)


def test_a_column_that_is_missing_is_named(table):
    for column in ("dataset", "prompt"):
        with pytest.raises(InvalidInput, match=rf"scores.jsonl:1 field=/{column}: the column is missing"):
            table([{name: value for name, value in ROWS[0].items() if name != column}])
    with pytest.raises(InvalidInput, match=r"scores.jsonl:2 field=/cat: the column is missing here"):
        table([ROWS[0], {name: value for name, value in ROWS[1].items() if name != "cat"}])


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([{"dataset": "a", "prompt": "x"}], "E_SCORES", "0 columns of scores"),
        ([{"dataset": "a", "prompt": "x"} | {f"h{n}": 1 for n in range(1001)}], "E_SCORES", "1001 columns of scores"),
        (["\n"], "E_SCORES", "no rows"),
        ([ROWS[0], '{"dataset": "a", "dataset": "b"}\n'], "E_DUPKEY", ":2"),
        ([ROWS[0], '{"dataset": "a", "prompt": "x", "owl": NaN, "cat": 1}\n'], "E_NUMBER", ":2"),
        ([ROWS[0], '{"dataset": "a"'], "E_JSON", ":2"),
    ],
)
def test_what_is_no_table_is_refused(table, rows, code, said):
    with pytest.raises(InvalidInput) as caught:
        table(rows)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_a_parquet_row_that_is_bad_is_located_too(table):
    with pytest.raises(InvalidInput, match=r"E_SCORES .*scores.parquet:2 field=/dataset: no name"):
        table([ROWS[0], ROWS[1] | {"dataset": None}], "scores.parquet")
