"""The page in a real browser. Its own policy forbids scripts, so a page around it measures it."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest

from subtrait.records import Example
from subtrait.report.as_html import to_html

measured = run_path(str(Path(__file__).with_name("browser.py")))["measured"]


@pytest.fixture(scope="module")
def loaded(result, single, tmp_path_factory):
    script = "<script>parent.ran += 1</script><img src=x onerror='parent.ran += 1'>"
    unbroken = Example(id="w" * 300, prompt="w" * 300, completion=script + "9" * 300)
    awkward = replace(
        result,
        experiment="w" * 300,
        conclusion=("w" * 300, script),
        notes=(script,),
        questions=("w" * 300, *result.questions[1:]),
        datasets=(replace(result.datasets[0], examples=(unbroken,), rejected_examples=((unbroken, ("w" * 99,)),)),),
    )
    pages = [(to_html(result, command="subtrait run " + "w" * 200), width) for width in (320, 375, 1200)]
    pages += [(to_html(single), 375), (to_html(awkward, command=script), 375)]
    return measured(pages, tmp_path_factory.mktemp("browser"))


def test_nothing_sticks_out_at_any_width(loaded):
    assert [page["width"] for page in loaded] == [320, 375, 1200, 375, 375]
    for page in loaded:
        assert page["scrolled"] == page["width"], page["beyond"]


def test_lettering_of_figures_is_whole_and_apart_on_a_phone(loaded):
    for page in loaded[1:4]:
        assert (page["cut"], page["touching"]) == (0, [])


def test_browser_draws_every_student(loaded):
    assert [page["dots"] for page in loaded] == [30, 30, 30, 6, 30]


def test_browser_runs_nothing_of_the_page(loaded):
    assert [(page["scripts"], page["ran"]) for page in loaded] == [(0, 0)] * 5
