"""The page of an audit in a real browser, at widths from a phone to a desk."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest

from subtrait.report.audit_html import to_html

measured = run_path(str(Path(__file__).with_name("browser.py")))["measured"]
WIDTHS = (320, 375, 1200)


@pytest.fixture(scope="module")
def loaded(audits, tmp_path_factory):
    flagged, command = audits.flagged(), "subtrait audit " + "w" * 200
    unbroken = audits.with_text_everywhere(flagged, "w" * 300)
    spread = replace(flagged, trial=(replace(flagged.trial[0], low=-0.9, shift=0.95, full_recipe=1.0),))
    pages = [(to_html(flagged, command=command), width) for width in WIDTHS]
    pages += [(to_html(each), 375) for each in (audits.not_flagged(), audits.inconclusive(), spread)]
    pages += [(to_html(each, command=audits.HOSTILE), 375) for each in (audits.hostile(), unbroken)]
    return measured(
        [(page.encode(errors="replace").decode(), width) for page, width in pages], tmp_path_factory.mktemp("browser")
    )


def test_nothing_sticks_out_at_any_width(loaded):
    assert [page["width"] for page in loaded] == [*WIDTHS, *[375] * 5]
    for page in loaded:
        assert page["scrolled"] == page["width"], page["beyond"]


def test_lettering_of_figures_is_whole_and_apart(loaded):
    for page in loaded[:6]:
        assert (page["cut"], page["touching"]) == (0, [])


def test_browser_draws_every_reference_and_every_planted_data_set(loaded):
    # Besides, the two circles of the key.
    assert [page["circles"] for page in loaded[:5]] == [*[199 + 40 + 2] * 4, 0]


def test_browser_runs_nothing_of_the_page(loaded):
    assert [(page["scripts"], page["ran"]) for page in loaded] == [(0, 0)] * 8
