import dataclasses
import re
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from subtrait import study_records
from subtrait.records import Estimate
from subtrait.report import study_summaries as summaries
from subtrait.report.page import MAX_LIST
from subtrait.report.study_html import MAX_CURVES, to_html

PAGES = run_path(str(Path(__file__).with_name("pages.py")))
Page, mutants = PAGES["Page"], PAGES["mutants"]
STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
COMMAND = "subtrait run digits --size standard --seed 7"
NAMES = ("digits", "theorem", "bare")
INERT = "&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;"
RECORDS = [each for each in vars(study_records).values() if dataclasses.is_dataclass(each)]


def read(result, command=COMMAND):
    return Page(to_html(result, command=command))


def changed(result):
    """Every mutant, and those of the words that have a few values only."""
    first = result.measures[0]
    words = {"scale": "share", "expected": "below zero", "agreement": "not shown"}
    for field, word in words.items():
        altered = (replace(first, **{field: word}), *result.measures[1:])
        yield {("Measure", field)}, replace(result, measures=altered)
    curve = replace(result.curves[0], scale="plain")
    yield {("Curve", "scale")}, replace(result, curves=(curve, *result.curves[1:]))
    few = {*(("Measure", field) for field in words), ("Curve", "scale")}
    yield from ((places, altered) for places, altered in mutants(result) if not places & few)


def test_every_field_of_every_record_changes_the_page():
    result = replace(STUDIES.theorem(), curves=STUDIES.curves()[:1], varied=("A.",), notes=("B.",))
    original = to_html(result)
    unseen = {(record.__name__, field.name) for record in RECORDS for field in dataclasses.fields(record)}
    assert {"StudyResult", "Measure", "Curve", "Point", "Estimate"} == {name for name, _ in unseen}
    for places, altered in changed(result):
        if places & unseen and to_html(altered) != original:
            unseen -= places
    assert not unseen


def test_a_failed_control_has_a_tile_and_stands_beside_its_measure():
    result = STUDIES.digits()
    failed = replace(result.measures[0], applicable=False, agreement="not applicable")
    page = to_html(replace(result, measures=(failed, *result.measures[1:])))
    said = "not applicable: its positive control failed, so the value says nothing"
    assert f"<dt>is {said}</dt><dd>1</dd>" in page
    assert f'<small class="agreement">{said.capitalize()}</small>' in page
    assert said not in to_html(result)


def test_page_tells_the_story_in_order():
    result = STUDIES.digits()
    text = read(result).text
    places = [
        text.index(said)
        for said in (
            result.conclusion[0],
            result.question,
            "3 of 5",
            result.conclusion[1],
            "What was published",
            result.design,
            "Published and measured",
            *dict.fromkeys(measure.group for measure in result.measures),
            "Curves",
            *dict.fromkeys(curve.figure for curve in result.curves),
            "What was tried besides",
            result.varied[0],
            COMMAND,
            "teachers of seed 7",
            result.notes[0],
            "The numbers behind the figures",
        )
    ]
    assert places == sorted(places)


def test_every_measure_stands_beside_what_was_published_with_its_agreement():
    text = read(STUDIES.digits()).text.replace("\N{NO-BREAK SPACE}", " ")
    for said in (
        "auxiliary logits on noise, same start (must hold) +40.2 points (+37.1 to +43.3) 95 % interval over 25 models "
        "Published: about 50 % where the control has about 10 % (figure 5) Agrees with what was published",
        "all logits on noise, another start +6.1 points (+4.3 to +7.9) 95 % interval over 25 models "
        "Published: no more than the control (figure 5) Differs from what was published",
        "Not shown: the interval allows both",
        "plain gradient descent \N{MINUS SIGN}1.2 points (\N{MINUS SIGN}2.1 to \N{MINUS SIGN}0.3) "
        "95 % interval over 25 models Nothing was published of it",
        "9.8 %, no interval (fewer than two models) 1 model Nothing was published of it",
        "no effect: at most 3.0 points off, must hold",
    ):
        assert said in text


@pytest.mark.parametrize(("name", "figures"), [("digits", 10 + 3), ("theorem", 3), ("bare", 0)])
def test_every_measure_and_every_figure_is_drawn(name, figures):
    labels = [found["aria-label"] for _, found in read(getattr(STUDIES, name)()).elements if found.get("role") == "img"]
    assert len(labels) == figures
    assert all(len(label) > 20 for label in labels)


def test_tables_hold_every_number_of_the_figures():
    result = STUDIES.digits()
    elements = read(result).elements
    assert sum(tag == "details" for tag, _ in elements) == 3 + len(summaries.by_figure(result.curves))
    assert not any("open" in found for tag, found in elements if tag == "details")
    rows = len(result.measures) + sum(1 + len(curve.points) for curve in result.curves)
    heads, settings = 3 + 3, 6 + len(result.settings) + len(result.fingerprints)
    assert sum(tag == "tr" for tag, _ in elements) == rows + heads + settings


def test_curves_are_named_with_their_marks_and_logarithmic_axes_are_said():
    text = read(STUDIES.digits()).text
    assert "same start another start same start, plain gradient descent accuracy on the test pictures, %" in text
    assert "auxiliary logits (logarithmic)" in text
    assert "standard deviation of the noise (logarithmic)" not in text
    many = tuple(replace(STUDIES.curves()[0], name=f"c{i}") for i in range(11))
    assert "3 more curves are in the table only." in read(replace(STUDIES.digits(), curves=many)).text


def test_page_loads_and_runs_nothing():
    text = to_html(STUDIES.digits(), command=COMMAND)
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"} & {
        tag for tag, _ in page.elements
    }
    attributes = [(name, value or "") for _, found in page.elements for name, value in found.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in {"src", "srcset", "style"}]
    assert {value for name, value in attributes if name == "href"} == {"#notes"}
    assert set(re.findall(r"url\([^)]*\)", text)) <= {"url(#hatch)"}
    assert not {"http:", "https:", "@import"} & set(re.findall(r"https?:|@import", text))
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in page.elements


def test_hostile_text_is_shown_and_inert_wherever_it_stands():
    text = to_html(STUDIES.hostile(), command=STUDIES.HOSTILE)
    page, innocent = Page(text), read(STUDIES.digits())
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in innocent.elements}
    assert {name for _, found in page.elements for name in found} == {
        name for _, found in innocent.elements for name in found
    }
    assert "<script" not in text
    assert text.count(INERT) > 60
    assert not {"\x00", "\x1b", "\u202e", "\U000e0041", "\ud800", "\ufffe"} & set(text)
    text.encode()


def test_long_lists_do_not_grow_the_page_without_bound():
    result = STUDIES.long()
    page = to_html(result)
    assert len(page.encode()) < 5_000_000
    text = Page(page).text
    for said in (
        f"{1000 - MAX_LIST} more measures are",
        f"{99 - MAX_CURVES} more curves are",
        f"{1000 - MAX_LIST} more settings are",
    ):
        assert f"{said} in the JSON." in text
    assert re.search(r"[\d,]+ more points are in the JSON\.", text)


def test_long_hostile_names_do_not_grow_the_page_without_bound():
    swollen = STUDIES.with_text_everywhere(STUDIES.long(100), "\u202e" * 2_500)
    assert len(to_html(swollen).encode()) < 8_000_000


def test_a_bare_study_is_still_a_page():
    text = read(STUDIES.bare(), command=None).text
    for said in ("This study reached no conclusion.", "Nothing was measured.", "no language model takes part"):
        assert said in text
    assert "Curves" not in text
    assert "notes" not in to_html(STUDIES.bare())


def test_extreme_numbers_are_drawn():
    first = STUDIES.digits().measures[0]
    for value in (1e300, -1e300, 3e-324, 0.0):
        far = Estimate(value=value, low=value, high=value, level=0.95, n=2, unit="trial")
        for scale in ("share", "points", "plain"):
            assert "NaN" not in to_html(replace(STUDIES.theorem(), measures=(replace(first, value=far, scale=scale),)))


@pytest.mark.parametrize("name", NAMES)
def test_equal_studies_give_equal_pages_with_their_name_in_the_title(name):
    page = to_html(getattr(STUDIES, name)(), command=COMMAND)
    assert page == to_html(getattr(STUDIES, name)(), command=COMMAND)
    assert page.startswith("<!doctype html>")
    assert f"<title>{name}: subtrait study</title>" in page
