"""The page in a real browser. Its own policy forbids scripts, so a page around it measures it."""

import html
import json
import shutil
import subprocess
from dataclasses import replace

import pytest

from subtrait.records import Example
from subtrait.report.as_html import to_html

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
MEASURE = """
<script>
let ran = 0;
window.addEventListener("load", () => {
  const measured = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument, root = page.documentElement, wide = frame.clientWidth;
    const beyond = [...page.querySelectorAll("body *")].filter((element) =>
      element.getBoundingClientRect().right > wide + 0.5 && !element.closest(".scroll, .sign, title, thead"));
    const text = [...page.querySelectorAll("svg.figure > text")].map((element) => element.getBoundingClientRect());
    const touching = [...page.querySelectorAll("svg.figure > text.name")].filter((name) => {
      const value = name.nextElementSibling;
      return value && value.matches("text.value") &&
        name.getBoundingClientRect().right > value.getBoundingClientRect().left;
    });
    return {
      width: wide, scrolled: root.scrollWidth, dots: page.querySelectorAll("circle.student").length,
      beyond: beyond.map((element) => element.tagName + " " + element.textContent.slice(0, 60)),
      cut: text.filter((box) => box.left < -0.5 || box.right > wide + 0.5).length,
      touching: touching.map((name) => name.textContent), scripts: page.scripts.length, ran: ran,
    };
  });
  document.body.innerHTML = "<pre id=measured></pre>";
  document.getElementById("measured").textContent = JSON.stringify(measured);
});
</script>
"""


def measured(pages, folder):
    """Each page loaded at its width in an inner frame: how wide it became, and what stuck out."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.fail("this test needs a browser: apt-get install -y chromium (Debian), or put `chromium` on the PATH")
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}"></iframe>'
        for page, width in pages
    )
    harness = folder / "harness.html"
    harness.write_text(f"<!doctype html><meta charset=utf-8><body>{frames}{MEASURE}", encoding="utf-8")
    command = [chromium, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", harness.as_uri()]
    dump = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    text = dump.partition('<pre id="measured">')[2].partition("</pre>")[0]
    return json.loads(html.unescape(text))


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
