"""What scores said, for people and for programs: complete, and safe to show."""

import dataclasses
import io
import json
import math
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from subtrait.auditor.scores import report as scores_report
from subtrait.auditor.scores.judged import ScoredDataSet, ScoresResult
from subtrait.auditor.scores.report import from_json, json_schema, summary, to_json
from subtrait.errors import InvalidInput

SCHEMA = Path(scores_report.__file__).with_name("scores.schema.json")
HOSTILE = "[bold]\x1b[31m\u202e::error::\n<b>"


def row(name="owl", **changes):
    fields = {
        "data_set": name, "carries": ("owl",), "outcome": "found", "finding": "'owl' explains the rows best (3.2)",
        "hypothesis": "owl", "statistic": 3.25, "p": 0.0125, "p_alone": 0.01, "floor": 0.01, "references": 99,
        "rows": 1000, "complete": 1200, "read": 1300,
    }  # fmt: skip
    return ScoredDataSet(**(fields | changes))


UNJUDGED = {"hypothesis": None, "statistic": None, "p": None, "p_alone": None, "floor": None, "references": 0}
FEW = row("few", outcome="underpowered", finding="3 rows have every score", carries=(), **UNJUDGED)
RESULT = ScoresResult(
    schema_version=1, version="0.1.0", path="scores.npz", digest="d" * 64, hypotheses=("owl", "cat"), suspect=None,
    form="whitened", named_by="paired", alpha=0.0125, seed=7, outcome="FLAGGED",
    reason="1 of 2 judged data sets carry a hypothesis", found=1, carriers=1, data_sets=(row(), FEW),
    assumes="all were scored alike", blind_spots="what was not scored",
)  # fmt: skip


def shown(result):
    console = Console(file=io.StringIO(), width=80, color_system=None)
    for part in summary(result):
        console.print(part)
    return console.file.getvalue()


def test_the_text_says_what_was_found_and_how():
    text = shown(RESULT)
    assert text.splitlines()[0] == "FLAGGED: 1 of 2 judged data sets carry a hypothesis."
    assert ["owl", "3.25", "0.0125", "owl", "found"] in [line.split() for line in text.splitlines()]
    for said in (
        "few: 3 rows have every score.", "each data set in turn, by 2 hypotheses, at alpha 0.0125", "Seed 7",
        "Rows drawn of each data set: 1,000. Smallest possible p: 0.01.", "by their name: 1 of 1", "d" * 64,
        "Assumes: all were scored alike.", "Cannot see: what was not scored.", "Statistic: whitened",
    ):  # fmt: skip
        assert said in " ".join(text.split())


def test_a_suspect_is_told_in_words():
    text = " ".join(shown(dataclasses.replace(RESULT, suspect="owl", data_sets=(row(),))).split())
    assert "the data set 'owl', by 2 hypotheses" in text
    assert "owl: 'owl' explains the rows best (3.2)." in text


def test_a_long_table_is_cut_and_says_so():
    text = shown(dataclasses.replace(RESULT, data_sets=tuple(row(f"set{n}") for n in range(150))))
    assert ("set99" in text, "set100" in text) == (True, False)
    assert "50 more data sets are in the JSON only." in text


def test_hostile_text_is_shown_as_escapes():
    hostile = row(HOSTILE, hypothesis=HOSTILE, finding=HOSTILE)
    text = shown(dataclasses.replace(RESULT, path=HOSTILE, suspect=HOSTILE, data_sets=(hostile,), reason=HOSTILE))
    assert not set(text) & set("\x1b\u202e")
    assert "::error" not in text
    assert "[bold]" in text


def test_reading_returns_what_was_written():
    assert from_json(to_json(RESULT), "here") == RESULT
    hostile = dataclasses.replace(RESULT, path=HOSTILE)
    assert from_json(to_json(hostile), "here") == hostile


def test_published_schema_is_the_one_the_code_keeps():
    # On failure, after a deliberate change of the records: write this text to the file and raise SCHEMA_VERSION.
    assert SCHEMA.read_text(encoding="utf-8") == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(json.loads(to_json(RESULT)), json_schema())


def test_schema_says_what_fields_mean():
    properties = json_schema()["$defs"]["ScoredDataSet"]["properties"]
    assert properties["p"]["description"] == "Corrected for the choice among hypotheses."


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_json_cannot_hold_is_refused_by_name(value):
    with pytest.raises(InvalidInput, match=r"data_sets\[0\].statistic"):
        to_json(dataclasses.replace(RESULT, data_sets=(row(statistic=value),)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}'])
def test_text_that_is_no_result_is_refused(text):
    with pytest.raises(InvalidInput, match="E_RESULT here"):
        from_json(text, "here")
