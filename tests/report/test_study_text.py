import io
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest
from rich.console import Console

from subtrait.report.study_text import MANY, summary

STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
COMMAND = "subtrait run digits --size standard --seed 7"
NAMES = ("digits", "theorem", "bare")


def shown(result, *, width=80, command=COMMAND):
    stream = io.StringIO()
    console = Console(file=stream, width=width, no_color=True, force_terminal=False, legacy_windows=False)
    for part in summary(result, command=command):
        console.print(part)
    return stream.getvalue()


@pytest.mark.parametrize("name", [*NAMES, "hostile"])
def test_lines_fit_80_columns_without_colour(name):
    text = shown(getattr(STUDIES, name)())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text


@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_cut_at_80_columns(name):
    narrow, wide = shown(getattr(STUDIES, name)()), shown(getattr(STUDIES, name)(), width=300)
    assert sorted(narrow.replace("─", " ").split()) == sorted(wide.replace("─", " ").split())
    assert "…" not in narrow


def test_headline_is_first_and_how_to_repeat_it_last():
    result = STUDIES.digits()
    text = shown(result, width=200)
    assert text.splitlines()[: len(result.conclusion)] == list(result.conclusion)
    places = [
        text.index(said)
        for said in (
            result.question,
            result.design,
            result.published,
            "3 of 5 measures agree",
            *dict.fromkeys(measure.group for measure in result.measures),
            *dict.fromkeys(curve.figure for curve in result.curves),
            *result.varied,
            *result.notes,
            COMMAND,
            "seed: 7",
            *(f"{name}: " for name in result.settings),
            *(f"fingerprint of {name}" for name in result.fingerprints),
        )
    ]
    assert places == sorted(places)


def test_every_measure_stands_with_its_interval_beside_what_was_published():
    lines = [" ".join(line.split()) for line in shown(STUDIES.digits(), width=300).splitlines()]
    for said in (
        "auxiliary logits on noise, same start * +40.2 +37.1 to +43.3 about 50 % where the control has about 10 % "
        "(figure 5) agrees",
        "all logits on noise, another start +6.1 +4.3 to +7.9 no more than the control (figure 5) differs",
        "plain gradient descent -1.2 -2.1 to -0.3 nothing not compared",
        "reference, untrained 9.8 % no interval (fewer than two models) nothing not compared",
        "power after a step of Adam 1.02 0.960 to 1.08 nothing not compared",
    ):
        assert said in lines
    text = " ".join(lines)
    assert "in percentage points" in text
    assert "95 % interval over 25 models. * must hold: the study fails without it." in text
    assert "Expected no effect: at most 3.0 points off. Not shown: the interval allows both." in text
    assert "Expected 2.00: at most 0.0500 off." in text


def test_a_measure_whose_control_failed_is_not_applicable_and_the_table_says_why():
    result = STUDIES.digits()
    failed = replace(result.measures[0], applicable=False, agreement="not applicable")
    text = " ".join(shown(replace(result, measures=(failed,)), width=200).split())
    assert "(figure 5) not applicable" in text
    narrow = shown(replace(result, measures=(failed,))).splitlines()
    assert any(line.rstrip().endswith(" not applicable") for line in narrow)
    assert "Not applicable: its positive control failed, so the value says nothing." in text
    assert "0 of 1 measure agree with what was published; 1 is not applicable." in text


def test_a_group_without_anything_published_has_no_column_for_it():
    result = STUDIES.digits()
    alone = replace(result, measures=(result.measures[4],), curves=())
    assert "published " not in shown(alone).partition(result.measures[4].group)[2]


def test_what_was_expected_stands_where_no_figure_was_published():
    result = STUDIES.digits()
    unnamed = replace(result.measures[0], published="")
    assert "above zero, without a figure" in shown(replace(result, measures=(unnamed,)), width=200)


def test_every_point_of_every_curve_stands_in_its_figures_table():
    result = STUDIES.digits()
    text = shown(result, width=200)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for said in (
        "auxiliary logits same start another start",
        "1 11.0 % (8.0 % to 14.0 %) 9.5 % (6.5 % to 12.5 %)",
        "100 38.7 % (35.7 % to 41.7 %)",
        "1e-6 3.00e-7 (2.80e-7 to 3.20e-7)",
        "0.25 +28.0 (+24.0 to +32.0) +5.5 (+1.5 to +9.5)",
        "Accuracy on the test pictures, %, by auxiliary logits. 95 % interval over 25 models.",
    ):
        assert said in lines
    numbers = text.partition(result.curves[0].figure)[2].partition("What was tried besides")[0]
    assert numbers.count(" (") == sum(len(curve.points) for curve in result.curves)


def test_curves_of_different_settings_leave_gaps():
    result = STUDIES.digits()
    first, second = result.curves[4:]
    gap = replace(second, points=second.points[1:3])
    lines = [" ".join(line.split()) for line in shown(replace(result, curves=(first, gap)), width=200).splitlines()]
    assert "0 +38.0 (+34.0 to +42.0)" in lines
    assert "0.5 +18.0 (+14.0 to +22.0) +3.0 (-1.0 to +7.0)" in lines


def test_hostile_text_is_neither_markup_nor_control_nor_command():
    text = shown(STUDIES.hostile(), width=300, command=STUDIES.HOSTILE)
    assert not {"\x1b", "\u202e", "\x00", "\U000e0041", "\ud800"} & set(text)
    assert "::" not in text
    assert "##" not in text
    assert text.count("[bold]\\x00\\x1b[31m") > 8
    text.encode()


def test_long_lists_are_cut_and_counted():
    text = shown(STUDIES.long(), command=None)
    assert f"and {3000 - 1 - MANY:,} more, in the JSON" in " ".join(text.split())
    assert f"{50 - MANY} more tables are in the JSON" in text
    assert "135,490 more points are in the JSON." in " ".join(text.split())
    assert len(text.splitlines()) < 6_000
    wide = replace(STUDIES.digits(), measures=tuple(replace(m, group="g") for m in STUDIES.long(50).measures))
    assert "more measures are in the JSON" not in " ".join(shown(wide).split())


def test_a_bare_study_still_prints():
    text = shown(STUDIES.bare(), command=None)
    assert text.startswith("This study reached no conclusion.")
    assert "No measure was to be compared." in text
