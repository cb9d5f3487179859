"""Score files of every format say the same, and none is read that cannot be judged."""

import hashlib
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from subtrait.auditor.scores import files as score_files
from subtrait.auditor.scores.files import read_scores
from subtrait.errors import InvalidInput

NAMES = ("owl", "cat")


def written(tmp_path, kind, change=lambda scores: None):
    """Two data sets of four rows in a file of a kind, the first changed."""
    rng = np.random.default_rng(2)
    sets = {name: rng.normal(size=(4, 2)) for name in ("owl", "plain")}
    change(sets["owl"])
    path = tmp_path / f"scores.{kind}"
    rows = [
        {
            "dataset": name,
            "prompt": str(number),
            **{h: None if np.isnan(s) else s for h, s in zip(NAMES, row, strict=True)},
        }
        for name, scores in sets.items()
        for number, row in enumerate(scores.tolist())
    ]
    if kind == "npz":
        named = {f"lls__{name}": scores for name, scores in sets.items()}
        prompts = {f"prompt_id__{name}": np.arange(4) for name in sets}
        np.savez(path, system_prompts=np.array(NAMES), datasets=np.array(list(sets)), **named, **prompts)
    elif kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


KINDS = ("npz", "parquet", "jsonl")


def test_all_formats_say_the_same(tmp_path):
    found = [read_scores(written(tmp_path, kind)) for kind in KINDS]
    for kind, each in zip(KINDS, found, strict=True):
        assert each.path == str(tmp_path / f"scores.{kind}")
        assert each.digest == hashlib.sha256((tmp_path / f"scores.{kind}").read_bytes()).hexdigest()
        assert each.hypotheses == NAMES
        for one, other in zip(each.data, found[0].data, strict=True):
            assert (one.name, one.carries) == (other.name, other.carries)
            assert np.array_equal(one.scores, other.scores)
            assert np.array_equal(one.prompts, other.prompts)


def missing(rows, columns):
    def change(scores):
        scores[rows, columns] = np.nan

    return change


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (missing(slice(None), 1), "dataset=owl hypothesis=cat: no row has a score"),
        (missing([0, 1, 2], [0, 1, 1]), "dataset=owl: 1 of 4 rows have every score; at least 2 are needed"),
    ],
)
def test_scores_that_cannot_be_judged_are_located(tmp_path, kind, change, said):
    with pytest.raises(InvalidInput, match="E_SCORES") as caught:
        read_scores(written(tmp_path, kind, change))
    assert f"scores.{kind} {said}" in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    for name, code in (("scores.csv", "E_FORMAT"), ("scores.npy", "E_FORMAT"), ("missing.npz", "E_PATH")):
        with pytest.raises(InvalidInput, match=code):
            read_scores(tmp_path / name)


def test_an_archive_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(score_files, "MOST_BYTES", 10)
    with pytest.raises(InvalidInput, match=r"E_LIMIT .*at most 10 are read"):
        read_scores(written(tmp_path, "npz"))
