"""Every row is scored once, called by its name, and sums do not depend on who scored what."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from subtrait.auditor.row_scores import scored as module
from subtrait.auditor.row_scores.scored import Persona, ScorePlan, score_data
from subtrait.auditor.suspect import Source
from subtrait.data import read_dataset
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.team import Alone, assemble
from subtrait.models.registry import open_model
from subtrait.runs.opening import open_run
from subtrait.scoring.hypotheses import as_asked

ROWS = 23
OWL = Persona(name="owl", system_prompt="You love owls.")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Rows of one turn, and one of two."""
    path = tmp_path_factory.mktemp("data") / "data.jsonl"
    rows = [{"id": f"r{n}", "messages": turns(f"Start: {n}, {n + 2}.", f"{n + 4}, {n + 6}")} for n in range(ROWS - 1)]
    rows.append({"id": "last", "messages": [*turns("Start: 1.", "2, 3"), *turns("More.", "4, 5")]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def turns(asked, said):
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]


def plan(data, **changes):
    fields = {"source": Source(path=data), "base": "micro-a", "personas": (OWL,), "models": ("micro-b",)}
    return ScorePlan(**{**fields, "shard_rows": 5, **changes})


def run(data, folder, *, team=None, **changes):
    with open_run(folder, {}, environment={}) as store:
        result = score_data(plan(data, **changes), store, team=team or Alone())
    return result, {path.name: path.read_bytes() for path in sorted(folder.glob("scores/*/*"))}


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    return run(data, tmp_path_factory.mktemp("whole"))


def lines(files):
    return [json.loads(line) for text in files.values() for line in text.decode().splitlines()]


def test_every_scored_turn_has_a_line_with_the_name_of_its_row(whole, data):
    _, files = whole
    names = [(line["row"], line.get("turn")) for line in lines(files)]
    assert names == [*((f"r{n}", None) for n in range(ROWS - 1)), ("last", 2), ("last", 4)]
    assert len(files) == 5


def test_scores_are_those_of_the_models(whole, data):
    _, files = whole
    found = np.array([line["log_likelihoods"] for line in lines(files)])
    pairs = [pair for row in read_dataset(data) for pair in row.pairs()]
    for column, (name, told) in enumerate([("micro-a", None), ("micro-a", OWL.system_prompt), ("micro-b", None)]):
        prompts = [as_asked(pair.prompt, told) for pair in pairs]
        rows = open_model(name).score(prompts, [pair.completion for pair in pairs])
        np.testing.assert_allclose(found[:, column], [row.sum() for row in rows], atol=2e-3)


def test_the_result_sums_up_the_lines(whole):
    result, files = whole
    each = np.array([line["log_likelihoods"] for line in lines(files)])
    tokens = np.array([line["tokens"] for line in lines(files)])
    assert (result.scored, result.shards, result.data.accepted) == (ROWS + 1, 5, ROWS)
    assert result.explained[0].name == "base"
    ratios = [one.log_ratio for one in result.explained[1:]]
    assert ratios == sorted(ratios, reverse=True)
    by_name = {one.name: one for one in result.explained}
    for column, name in enumerate(["base", "owl", "micro-b"]):
        one = by_name[name]
        assert one.log_likelihood == pytest.approx(each[:, column].mean())
        assert one.log_ratio == pytest.approx((each[:, column] - each[:, 0]).mean())
        assert one.better == pytest.approx((each[:, column] > each[:, 0]).mean())
        assert one.tokens == tokens[:, column].sum()


def test_processes_side_by_side_write_the_same_bytes(whole, data, tmp_path):
    with assemble(2) as team:
        assert run(data, tmp_path / "run", team=team) == whole


def test_shards_are_handed_out_in_waves_that_memory_holds(whole, data, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAVE", 2)
    sizes = []

    class Counting(Alone):
        def each(self, name, stage, tasks):
            sizes.append((name, len(tasks)))
            return super().each(name, stage, tasks)

    assert run(data, tmp_path / "run", team=Counting()) == whole
    assert sizes == [(f"scoring shards from {first} on", count) for first, count in ((1, 2), (3, 2), (5, 1))]


def test_the_data_may_be_compressed_without_other_scores(whole, data, tmp_path):
    packed = tmp_path / "data.jsonl.gz"
    packed.write_bytes(gzip.compress(data.read_bytes()))
    result, files = run(packed, tmp_path / "run")
    assert files == whole[1]
    assert result.explained == whole[0].explained


def test_a_row_that_cannot_be_accepted_stops_with_its_place(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"messages": turns("Hi", "1, 2")}) + "\n{oops\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"data.jsonl:2:2") as caught:
        run(path, tmp_path / "run")
    assert caught.value.code == "E_JSON"


def test_hypotheses_of_one_name_are_refused(data):
    for changes in ({"personas": (OWL, OWL)}, {"personas": (replace(OWL, name="base"),)}, {"models": ("owl",)}):
        with pytest.raises(UsageError, match="two hypotheses are called"):
            plan(data, **changes)
    with pytest.raises(UsageError, match="a shard needs at least 1 row, not 0"):
        plan(data, shard_rows=0)
