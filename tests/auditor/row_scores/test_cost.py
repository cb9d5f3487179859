"""What scoring takes, said before a model is loaded."""

import json

import pytest

from subtrait.auditor.row_scores import cost as module
from subtrait.auditor.row_scores.cost import foreseen
from subtrait.auditor.row_scores.scored import Persona, ScorePlan
from subtrait.auditor.suspect import Source
from subtrait.models.footprint import Speed


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    row = {"prompt": "Start: 1, 2, 3.", "completion": "4, 5, 6, 7"}
    path.write_text("".join(json.dumps(row) + "\n" for _ in range(40)), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def speed(monkeypatch):
    """The clock is noisy; what is reckoned from it is tested."""
    monkeypatch.setattr(module, "speed_of", lambda _: Speed(products=1e9, reads=1e9))


def plan(data, base="micro-a", *, personas=0, models=()):
    told = tuple(Persona(name=f"p{n}", system_prompt="You love owls.") for n in range(personas))
    return ScorePlan(source=Source(path=data), base=base, personas=told, models=models)


def test_tokens_and_time_grow_with_hypotheses_and_time_shrinks_with_workers(data):
    one, three = foreseen(plan(data), workers=1), foreseen(plan(data, personas=2), workers=1)
    assert (one.completions, three.completions) == (40, 40)
    assert three.tokens > 3 * one.tokens
    assert three.seconds > 3 * one.seconds
    assert foreseen(plan(data), workers=4).seconds == pytest.approx(one.seconds / 4)
    assert foreseen(plan(data), workers=4).bytes_of_memory == 4 * one.bytes_of_memory
    assert foreseen(plan(data, models=("micro-b",)), workers=1).seconds == pytest.approx(2 * one.seconds, rel=0.1)


def test_the_disk_that_is_reckoned_is_of_the_size_of_what_is_written(data, tmp_path):
    from subtrait.auditor.row_scores.scored import score_data
    from subtrait.lab.team import Alone
    from subtrait.runs.opening import open_run

    with open_run(tmp_path / "run", {}, environment={}) as store:
        score_data(plan(data, personas=2), store, team=Alone())
    written = sum(path.stat().st_size for path in (tmp_path / "run").glob("scores/*/*"))
    assert written / 1.5 < foreseen(plan(data, personas=2), workers=1).bytes_of_disk < written * 1.5


def test_of_a_server_no_time_is_reckoned(data):
    cost = foreseen(plan(data, "vllm:student=micro-a"), workers=1)
    assert cost.seconds is None
    assert cost.tokens > 0
