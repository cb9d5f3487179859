"""`subtrait run` of a study as it is typed: what is printed where, and every slip in one line."""

import json
import re

import pytest

pytestmark = pytest.mark.usefixtures("here")
RUN = ("run", "theorem", "--size", "tiny", "--seed", "3", "--workers", "1")


@pytest.fixture
def run(typed, here):
    """The study, carried out in the working directory."""
    return typed(*RUN), here / "runs" / "theorem-tiny-3"


def test_a_study_prints_what_it_found_and_where_the_report_is(run):
    (code, output, _), folder = run
    assert code == 0
    result = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    assert output.splitlines()[0][:40] == result["conclusion"][0][:40]
    assert "Report: " in output
    assert "theorem-tiny-3/report.html" in output


def test_a_finished_study_is_shown_again_in_every_format(run, typed, here):
    _, folder = run
    code, output, _ = typed("report", folder)
    assert (code, "theorem" in output) == (0, True)
    assert typed("report", folder, "--format", "json")[1] == (folder / "study.json").read_text(encoding="utf-8")
    assert typed("report", folder, "--format", "html", "--output", "a.html")[1] == "Wrote a.html\n"
    assert (here / "a.html").read_text(encoding="utf-8") == (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "shuffled", "--trait", "owl"), "--trait is no option of shuffled, which has --size, --seed"),
        (("run", "shuffled", "--other-base", "micro-b"), "--other-base is no option of shuffled"),
        (("run", "shuffled", "--files", "."), "shuffled takes no files"),
        (("run", "owl-numbers", "--files", "."), "owl-numbers takes no files"),
        (("run", "owl-numbers", "--traits", "owl,cat"), "owl-numbers takes no traits"),
        (("run", "shuffled", "--traits", "owl,cat"), "shuffled takes no traits"),
        (("run", "theorem", "--questions", "x.yaml"), "theorem asks no student"),
        (("run", "shuffled", "--size", "huge"), "unknown size 'huge'"),
        (("run", "shufled"), "unknown experiment 'shufled'"),
        (("run", "theorem", "--dry-run"), "theorem trains no student of a language model"),
    ],
)
def test_slips_end_with_2_in_one_line(words, said, typed, here):
    code, output, errors = typed(*words)
    assert (code, output) == (2, "")
    assert said in errors
    assert len(errors.splitlines()) == 1
    assert not (here / "runs").exists()


def test_a_dry_run_says_what_it_takes_and_writes_nothing(typed, here):
    code, output, _ = typed("run", "tree-numbers", "--size", "tiny", "--dry-run", "--workers", "2")
    assert code == 0
    assert output.startswith("12 students, with their teachers and rows")
    assert "Nothing was written" in output
    assert not (here / "runs").exists()


def test_the_list_names_every_study(typed):
    from subtrait.lab.catalogue import STUDIES

    code, output, _ = typed("run", "--list")
    assert code == 0
    assert all(f"{card.name}\n  {card.question}" in output for card in STUDIES.values())


def test_bad_questions_end_with_4_in_one_line_before_anything_is_made(typed, here):
    (here / "mine.yaml").write_text("animal:\n  - A beast?\n  - a beast\n", encoding="utf-8")
    for name in ("shuffled", "owl-numbers", "all"):
        code, output, errors = typed("run", name, "--size", "tiny", "--questions", "mine.yaml")
        assert (code, output) == (4, "")
        assert errors.startswith("subtrait: E_QUESTIONS mine.yaml:3: question 2 is question 1 again")
        assert len(errors.splitlines()) == 1
    assert not (here / "runs").exists()


def test_a_dry_run_with_traits_counts_their_students(typed):
    code, output, _ = typed("run", "animal-numbers", "--size", "tiny", "--traits", "owl,cat,fox", "--dry-run")
    assert (code, output.splitlines()[0]) == (0, "8 students, with their teachers and rows")


def test_a_dry_run_of_all_counts_what_is_shared_once(typed, here):
    code, output, _ = typed("run", "all", "--size", "tiny", "--seed", "3", "--dry-run", "--workers", "1")
    assert code == 0
    assert re.search(r"^[0-9]+ students, .*; [0-9]+ data sets that are read, ", output, re.M)
    assert "MiB in runs/all-tiny-3\n" in output
    assert "Nothing was written" in output
    assert not (here / "runs").exists()


def test_a_dry_run_without_students_counts_data_sets(typed):
    code, output, _ = typed("run", "classifier", "--size", "tiny", "--dry-run", "--workers", "1")
    assert code == 0
    assert output.startswith("22 data sets that are read, with their teachers, and no student")
    assert "a student" not in output.replace("no student", "")
