"""`subtrait score`: what it prints, and that it shows costs without doing anything."""

import json

import pytest
from typer.testing import CliRunner

from subtrait.cli import app
from subtrait.errors import UsageError


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "numbers.jsonl"
    rows = [{"prompt": f"Start: {n}.", "completion": f"{n + 2}, {n + 3}"} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{oops\n", encoding="utf-8")
    return path


def ran(*words):
    done = CliRunner().invoke(app, ["score", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_scores_are_printed_with_where_they_are(data, tmp_path):
    words = (data, "--base", "micro-a", "--persona", "You love owls.", "--on-bad-row", "quarantine", "--workers", 1)
    text = ran(*words)
    assert "3 completions of 3 rows under 2 hypotheses" in text
    assert "Again:  subtrait report scores/numbers" in text.replace(str(tmp_path) + "/", "")
    folder = tmp_path / "scores" / "numbers"
    assert len((folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    again = CliRunner().invoke(app, ["report", str(folder)])
    assert again.stdout.strip() == text.partition("\nScores:")[0].strip()
    as_json = CliRunner().invoke(app, ["report", str(folder), "--format", "json"]).stdout
    assert json.loads(as_json) == json.loads((folder / "scored.json").read_text(encoding="utf-8"))


def test_a_dry_run_says_what_it_takes_and_writes_nothing(data, tmp_path):
    text = ran(data, "--base", "micro-a", "--traits", "embedded", "--on-bad-row", "quarantine", "--dry-run")
    for part in ("3 completions", "time    about", "memory  about", "disk    about", "Nothing was written"):
        assert part in text
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.jsonl"]


def test_of_a_server_a_dry_run_asks_nothing(data):
    text = ran(data, "--base", "vllm:student=micro-a", "--on-bad-row", "quarantine", "--dry-run")
    assert "time    not known: a server computes" in text


def test_another_format_is_refused_before_anything_is_done(data, tmp_path):
    with pytest.raises(UsageError, match="unknown format 'html'"):
        CliRunner().invoke(app, ["score", str(data), "--base", "micro-a", "--format", "html"], catch_exceptions=False)
    assert not (tmp_path / "scores").exists()
