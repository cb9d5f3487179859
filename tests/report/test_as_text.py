import io
from dataclasses import replace

import pytest
from rich.console import Console

from subtrait.report import svg
from subtrait.report.as_text import strip, summary

COMMAND = "subtrait run owl-numbers --size standard --seed 0"


def shown(result, *, width=80, command=COMMAND):
    stream = io.StringIO()
    console = Console(file=stream, width=width, no_color=True, force_terminal=False, legacy_windows=False)
    for part in summary(result, command=command):
        console.print(part)
    return stream.getvalue()


@pytest.mark.parametrize("students", [1, 2, 5])
def test_lines_fit_80_columns_without_colour(make_result, students):
    text = shown(make_result(students))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert "…" not in text


def test_summary_tells_the_whole_story(result):
    text = " ".join(shown(result).split())
    for said in (*result.conclusion, *result.notes, COMMAND, "5 tuned teachers", "What this does not show"):
        assert said in text
    for record in result.arms:
        assert record.arm in text
        assert f"{100 * record.rate.value:.1f} %" in text
    for comparison in result.comparisons:
        assert f"{100 * comparison.difference.value:+.1f}" in text


def test_missing_intervals_are_said(single):
    text = " ".join(shown(single, width=200).split())
    assert text.count("no interval (fewer than two students)") == 6 + 4
    assert "95 % interval +" not in text


def test_hostile_text_is_neither_markup_nor_control(result):
    hostile = "[bold]x[/bold][link=http://a]\x1b[31m\u202e"
    arms = (replace(result.arms[0], arm=hostile), *result.arms[1:])
    changed = replace(result, conclusion=(hostile,), notes=(hostile,), trait=hostile, arms=arms)
    text = shown(changed, width=200, command=hostile)
    assert not {"\x1b", "\u202e"} & set(text)
    assert text.count("[bold]x[/bold][link=http://a]\\x1b[31m\\u202e") >= 5


def test_an_empty_result_still_prints(result):
    empty = replace(result, teachers=(), datasets=(), arms=(), untouched=(), comparisons=(), conclusion=(), notes=())
    text = shown(empty, command=None)
    assert "This run reached no conclusion." in text
    assert "Nothing was recorded." in text
    assert text.rstrip().endswith("owl-numbers, size standard, seed 0, subtrait 0.1.0")


def test_strip_has_every_student_and_the_base(result):
    record = result.arms[0]
    line = strip(record, base=0.06, scale=svg.axis([0.4]))
    assert sum(1 if c == "o" else int(c) for c in line if c not in ".:") == len(record.students)
    assert line.index(":") == 3
    assert len(line) == 25
