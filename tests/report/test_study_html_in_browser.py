"""The pages of studies in a real browser, at widths from a phone to a desk."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from subtrait.report.study_collection import collection_html
from subtrait.report.study_html import to_html

measured = run_path(str(Path(__file__).with_name("browser.py")))["measured"]
STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
WIDTHS = (320, 375, 400, 1200)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    digits, command = STUDIES.digits(), "subtrait run digits " + "w" * 200
    unbroken = STUDIES.with_text_everywhere(digits, "w" * 300)
    eight = replace(digits, curves=tuple(replace(digits.curves[0], name=f"curve {i}") for i in range(9)))
    several = [digits, STUDIES.theorem(), STUDIES.bare()]
    pages = [(to_html(digits, command=command), width) for width in WIDTHS]
    pages += [(collection_html(several, title="All of it", command=command), width) for width in WIDTHS]
    pages += [(to_html(each), 320) for each in (STUDIES.theorem(), STUDIES.bare(), eight)]
    pages += [(to_html(each, command=STUDIES.HOSTILE), 375) for each in (STUDIES.hostile(), unbroken)]
    hostile = [STUDIES.hostile(), unbroken]
    pages += [(collection_html(hostile, title=STUDIES.HOSTILE + "w" * 300, command=STUDIES.HOSTILE), 375)]
    pages = [(page.encode(errors="replace").decode(), width) for page, width in pages]
    return measured(pages, tmp_path_factory.mktemp("browser"))


def test_nothing_sticks_out_at_any_width(loaded):
    assert [page["width"] for page in loaded] == [*WIDTHS, *WIDTHS, 320, 320, 320, 375, 375, 375]
    for page in loaded:
        assert page["scrolled"] == page["width"], page["beyond"]


def test_lettering_of_figures_is_whole_and_apart(loaded):
    for page in loaded[:11]:
        assert (page["cut"], page["touching"]) == (0, [])


def test_browser_runs_nothing_of_the_page(loaded):
    assert [(page["scripts"], page["ran"]) for page in loaded] == [(0, 0)] * 14
