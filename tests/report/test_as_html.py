import dataclasses
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest

from subtrait import records
from subtrait.records import Example
from subtrait.report.as_html import MAX_ROWS, to_html
from subtrait.report.page import MAX_CHARACTERS

PAGES = run_path(str(Path(__file__).with_name("pages.py")))
Page, mutants = PAGES["Page"], PAGES["mutants"]
COMMAND = "subtrait run owl-numbers --size standard --seed 0"
HOSTILE = (
    "</style></title><script>alert(1)</script>]]><img src=https://evil.example onerror=x>\"'&\x1b[31m\u202e\U000e0041"
)
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;"


def with_text_everywhere(value, text):
    """The record with every string that may be free replaced by `text`."""
    if dataclasses.is_dataclass(value):
        kept = {"arm", "base", "source", "kind", "teacher"}
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return replace(value, **{n: with_text_everywhere(v, text) for n, v in fields.items() if n not in kept})
    if isinstance(value, Mapping):
        return {f"{text}{key}": with_text_everywhere(item, text) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(with_text_everywhere(item, text) for item in value)
    return text if isinstance(value, str) else value


def test_every_field_of_every_record_changes_the_page(make_result):
    result = make_result(2)
    original = to_html(result)
    unseen = {
        (record.__name__, field.name)
        for record in vars(records).values()
        if dataclasses.is_dataclass(record)
        and record.__name__ not in {"Decision", "Evidence", "Trait"}  # no part of a result
        for field in dataclasses.fields(record)
    }
    for places, altered in mutants(result):
        if places & unseen and to_html(altered) != original:
            unseen -= places
    assert not unseen


def test_page_tells_the_story_in_order(result):
    text = Page(to_html(result, command=COMMAND)).text
    places = [
        text.index(said)
        for said in (
            result.conclusion[0],
            "What this does not show",
            "preference",
            "What the students were trained on",
            "What the filter removed",
            "Students by arm",
            "Comparisons",
            "All answers, before and after",
            "Question by question",
            COMMAND,
            result.notes[0],
        )
    ]
    assert places == sorted(places)


def test_every_student_has_a_dot(result, single, make_result):
    for record in (result, single, make_result(3)):
        students = sum(len(arm.students) for arm in record.arms)
        assert sum(tag == "circle" for tag, _ in Page(to_html(record)).elements) == students


def test_page_loads_and_runs_nothing(result):
    text = to_html(result, command=COMMAND)
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"} & {
        tag for tag, _ in page.elements
    }
    attributes = [(name, value or "") for _, found in page.elements for name, value in found.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in {"src", "srcset", "style"}]
    assert {value for name, value in attributes if name == "href"} == {"#notes"}
    assert set(re.findall(r"url\([^)]*\)", text)) == {"url(#hatch)"}
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in page.elements


@pytest.mark.parametrize("students", [1, 2])
def test_hostile_text_is_shown_and_inert_wherever_it_stands(make_result, students):
    hostile = with_text_everywhere(make_result(students), HOSTILE)
    text = to_html(hostile, command=HOSTILE)
    page, innocent = Page(text), Page(to_html(make_result(students), command=COMMAND))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in innocent.elements}
    assert {name for _, found in page.elements for name in found} == {
        name for _, found in innocent.elements for name in found
    }
    assert "<script" not in text
    assert text.count(SHOWN) > 30
    assert not {"\x1b", "\u202e", "\U000e0041"} & set(text)
    assert "\\x1b[31m\\u202e\\U000e0041" in text


def test_a_link_in_the_data_is_no_link(result):
    changed = with_text_everywhere(result, "javascript:alert(1)")
    links = [found["href"] for tag, found in Page(to_html(changed)).elements if "href" in found]
    assert links == ["#notes"]


def test_line_breaks_of_exhibits_stay_line_breaks(result):
    dataset = replace(result.datasets[0], examples=(Example(id="1", prompt="p", completion="12\n34\t5"),))
    text = to_html(replace(result, datasets=(dataset,)))
    assert ">12\n34\\t5</p>" in text


def test_missing_intervals_are_said_and_no_test_is_invented(single):
    text = Page(to_html(single)).text
    assert text.count("no interval (fewer than two students)") >= 2 * (6 + 4)
    assert "95 % interval" not in text.replace("\N{NO-BREAK SPACE}", " ")
    assert text.count("no test (fewer than two students)") == 4


def test_trait_words_in_kept_rows_are_a_warning(result):
    said = "No kept row contains a word of the trait."
    leaky = replace(result, datasets=(replace(result.datasets[0], trait_words=3), *result.datasets[1:]))
    assert said in Page(to_html(result)).text
    assert said not in Page(to_html(leaky)).text
    assert "3 kept rows contain a word of the trait" in Page(to_html(leaky)).text


def test_an_empty_result_is_still_a_page(result):
    nothing = {field.name: () for field in dataclasses.fields(result) if isinstance(getattr(result, field.name), tuple)}
    text = Page(to_html(replace(result, **nothing, fingerprints={}, other_base=None))).text
    for said in ("reached no conclusion", "No teacher", "No dataset", "No student was trained", "No two arms"):
        assert said in text


def test_equal_results_give_equal_bytes(make_result):
    assert to_html(make_result(), command=COMMAND).encode() == to_html(make_result(), command=COMMAND).encode()


def test_exhibits_are_capped(result):
    rows = tuple(Example(id=str(i), prompt=f"prompt {i}", completion=f"{i}:" + "x" * 9999) for i in range(50))
    dataset = replace(result.datasets[0], examples=rows, rejected_examples=tuple((row, ("long",)) for row in rows))
    text = to_html(replace(result, datasets=(dataset,)))
    assert text.count("x" * (MAX_CHARACTERS - 4)) == 2 * MAX_ROWS
    assert "x" * (MAX_CHARACTERS + 1) not in text


def test_page_stays_below_five_megabytes_whatever_the_result_holds(result):
    long = "\u202e" * 10_000
    names = {f"{i} {long}": 1 for i in range(300)}
    swollen = replace(
        result,
        notes=(long,) * 300,
        conclusion=(long,) * 300,
        questions=(long,) * 8,
        fingerprints=dict.fromkeys(names, long),
        datasets=tuple(replace(d, rejections=names) for d in result.datasets[:2]),
    )
    assert len(to_html(swollen, command=long).encode()) < 5_000_000
