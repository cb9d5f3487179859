"""Pages in a real browser. Their own policy forbids scripts, so a page around them measures them."""

import html
import json
import shutil
import subprocess

import pytest

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
      circles: page.querySelectorAll("circle").length,
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
