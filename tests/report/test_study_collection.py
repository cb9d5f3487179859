import io
import re
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest
from rich.console import Console

from subtrait.report import study_collection as collection
from subtrait.report.study_collection import collection_html, collection_markdown, collection_text

PAGES = run_path(str(Path(__file__).with_name("pages.py")))
Page = PAGES["Page"]
STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
SEVERAL = [STUDIES.digits(), STUDIES.theorem(), STUDIES.bare()]
COMMAND = "subtrait reproduce --seed 7"
COUNTED = "3 studies. 6 of 8 measures agree with what was published; 1 differs; 1 is not shown."


def page(results=SEVERAL, title="Everything", command=COMMAND):
    return collection_html(results, title=title, command=command)


def shown(results=SEVERAL, width=80):
    stream = io.StringIO()
    console = Console(file=stream, width=width, no_color=True, force_terminal=False, legacy_windows=False)
    for part in collection_text(results):
        console.print(part)
    return stream.getvalue()


def written(results=SEVERAL, command=COMMAND):
    return collection_markdown(results, command=command)


def test_rows_are_what_must_hold_or_was_expected_in_the_order_of_the_studies():
    rows = collection.rows(SEVERAL)
    assert [(row.place, row.first) for row in rows] == [
        (1, True), *[(1, False)] * 4, (2, True), *[(2, False)] * 2,
    ]  # fmt: skip
    assert {row.measure.name for row in rows} == {
        each.name for each in STUDIES.measures() if each.must_hold or each.expected != "nothing"
    }


def test_counts_stand_on_top_and_add_up():
    assert collection.counted(SEVERAL) == COUNTED
    assert shown(width=200).startswith(COUNTED)
    assert COUNTED in written()
    assert COUNTED in Page(page()).text
    tiles = re.findall(r"<dt>([^<]+)</dt><dd>(\d+)</dd>", page())
    assert tiles == [("agree", "6"), ("differ", "1"), ("not shown", "1"), ("not compared", "0")]
    assert collection.counted([STUDIES.bare()]) == "1 study. No measure was to be compared."


def test_what_is_not_applicable_is_counted_and_explained_in_every_format():
    result = STUDIES.digits()
    failed = replace(result.measures[0], applicable=False, agreement="not applicable")
    several = [replace(result, measures=(failed, *result.measures[1:]))]
    tiles = re.findall(r"<dt>([^<]+)</dt><dd>(\d+)</dd>", page(several))
    assert dict(tiles) == {"agree": "2", "differ": "1", "not shown": "1", "not applicable": "1", "not compared": "0"}
    meaning = "Not applicable: its positive control failed, so the value says nothing."
    assert "1 is not applicable" in shown(several, width=200)
    assert meaning in " ".join(shown(several, width=200).split())
    assert meaning in written(several)


def test_every_row_is_in_every_format_with_its_interval():
    text = Page(page()).text.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ")
    lines = [" ".join(line.split()) for line in shown(width=400).splitlines()]
    for row in collection.rows(SEVERAL):
        measure = row.measure
        experiment = row.experiment if row.first else ""
        name = f"{measure.name}{' (must hold)' if measure.must_hold else ''}"
        value, ends = collection.wording.number(measure.value.value, measure.scale), measure.value
        ends = collection.wording.ends(ends, measure.scale)
        assert f"{value} {ends}; 95 % interval over" in text
        if row.opens:
            assert f"{experiment} {measure.group}:".strip() in lines
        line = lines.index(f"{name} {measure.published} {value} {measure.agreement}")
        assert lines[line + 1] == ends.removesuffix(" points")
        full = f"{measure.group}: {name}"
        cells = (row.experiment, full, measure.published, collection.wording.measured(measure.value, measure.scale))
        assert f"| {' | '.join(cells)} | {measure.agreement} |" in written()


def test_every_headline_has_an_anchor_that_the_table_links_to():
    found = Page(page()).elements
    anchors = {f"#{each['id']}" for _, each in found if "id" in each}
    links = [each["href"] for tag, each in found if tag == "a"]
    assert anchors == {"#study-1", "#study-2", "#study-3"}
    assert links == [f"#study-{row.place}" for row in collection.rows(SEVERAL)]
    for study, said in ((STUDIES.digits(), STUDIES.digits().conclusion[0]), (STUDIES.bare(), "reached no conclusion")):
        for text in (Page(page()).text, " ".join(shown(width=400).split()), written()):
            assert study.experiment in text
            assert said in text


def test_how_to_repeat_it_is_said():
    assert COMMAND in Page(page()).text
    assert written().startswith(f"# Published findings and ours\n\n    {COMMAND}\n")
    assert "Repeat these studies" not in page(command=None)


def test_text_fits_80_columns_and_cuts_no_word():
    for results in (SEVERAL, [STUDIES.hostile()]):
        assert max(map(len, shown(results).splitlines())) <= 80
    assert sorted(shown().replace("─", " ").split()) == sorted(shown(width=400).replace("─", " ").split())


def test_hostile_text_is_inert_in_every_format():
    hostile, bad = [STUDIES.hostile(), STUDIES.theorem()], STUDIES.HOSTILE
    made, innocent = page(hostile, title=bad, command=bad), Page(page())
    assert {tag for tag, _ in Page(made).elements} <= {tag for tag, _ in innocent.elements}
    assert {each["href"] for tag, each in Page(made).elements if tag == "a"} == {"#study-1", "#study-2"}
    text, document = shown(hostile, width=300), written(hostile, command=bad)
    for each in (made, text, document):
        assert not {"\x1b", "\u202e", "\x00", "\U000e0041", "\ud800"} & set(each)
        each.encode()
    assert "<script" not in made
    assert "::" not in text
    assert "##" not in text
    prose = [line for line in document.splitlines() if not line.startswith("    ")]
    assert not re.search(r"(?<!\\)[<>\[\]`]|://", "\n".join(prose))
    assert {line.count(" | ") for line in prose if line.startswith("| ")} == {4}


def test_a_command_in_markdown_is_code_on_one_line():
    block = written(command="a `b`\n\n# c").splitlines()[2]
    assert block == "    a `b`\\n\\n# c"


def test_many_studies_are_cut_and_counted():
    many = [STUDIES.digits()] * 300
    assert len(page(many).encode()) < 2_000_000
    assert "1,000 more measures in the JSON of the studies." in Page(page(many)).text
    assert "200 more results not shown here." in Page(page(many)).text
    assert "1,000 more measures in the JSON." in " ".join(shown(many).split())
    assert "1,000 more measures in the JSON." in written(many)
    swollen = replace(
        STUDIES.with_text_everywhere(STUDIES.digits(), "\u202e" * 9_999), conclusion=("\u202e" * 999,) * 99
    )
    assert len(page([swollen] * 50).encode()) < 3_000_000


@pytest.mark.parametrize("results", [[], [STUDIES.bare()]])
def test_nothing_to_compare_is_still_a_report(results):
    assert "Nothing was to be compared." in page(results)
    assert "No measure was to be compared." in shown(results)
    assert "No measure was to be compared." in written(results)


def test_equal_studies_give_equal_reports():
    assert page() == page()
    assert written() == written()
    assert written().endswith("reached no conclusion.\n")
