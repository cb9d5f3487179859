"""The benchmark of the panel statistics on a small file of the form that it reads."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "panel.py"
TRAITS = ("owl", "cat", "oak")


def archive(path, **changes):
    """Three carriers and one unlabelled data set; `polite` is a hypothesis that nobody carries."""
    rng = np.random.default_rng(1)
    arrays = {"system_prompts": np.array([*TRAITS, "polite"]), "datasets": np.array([*TRAITS, "plain"])}
    for name in arrays["datasets"]:
        scores = rng.normal(size=(400, 4)) + 2.0 * np.arange(4)
        if name in TRAITS:
            scores[:, TRAITS.index(name)] += 1.0
        scores[:3, 1] = np.nan
        arrays[f"lls__{name}"] = scores.astype(np.float16)
        arrays[f"prompt_id__{name}"] = rng.permutation(500)[:400].astype(np.int32)
    np.savez(path, **(arrays | changes))
    return path


def outcome(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_the_table_and_the_json_say_the_same(tmp_path):
    done = outcome(archive(tmp_path / "panel.npz"), "--samples", "4", "--json", tmp_path / "figures.json")
    assert (done.returncode, done.stderr) == (0, "")
    entries = json.loads((tmp_path / "figures.json").read_text())["figures"]
    found = {(each["form"], each["rows"]): each for each in entries}
    lines = [line for line in done.stdout.splitlines()[2:] if line]
    assert len(lines) == len(entries) == 7 * 5
    for line, each in zip(lines, entries, strict=True):
        assert line.split()[-4:] == [
            str(each["rows"]), *(f"{each[figure]:.3f}" for figure in ("naming", "auroc", "detection"))
        ]  # fmt: skip
    # One standard deviation of the scores apart: sure at 300 rows, if hypotheses' own levels are taken off.
    for form in ("centred", "paired", "whitened", "row-centred, paired"):
        assert (found[form, 300]["naming"], found[form, 300]["auroc"], found[form, 300]["detection"]) == (1, 1, 1)
    assert found["raw", 300]["naming"] < 0.5
    assert (found["raw", 3_000]["smallest_sample"], found["raw", 300]["smallest_sample"]) == (400, 300)
    assert set(found["paired", 30]["auroc_by_candidate"]) == set(TRAITS)


def test_the_seed_decides(tmp_path):
    path = archive(tmp_path / "panel.npz")
    there, back, other = (outcome(path, "--samples", "2", "--seed", seed).stdout for seed in ("1", "1", "2"))
    assert there == back
    assert there.splitlines()[2:] != other.splitlines()[2:]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lls__cat": np.zeros((400, 3))}, "lls__cat has shape (400, 3); needed is (rows, 4)"),
        ({"prompt_id__cat": np.zeros(7, dtype=np.int32)}, "7 prompt ids for 400 rows"),
        ({"datasets": np.array(["owl", "fox"])}, "lls__fox"),
        ({"datasets": np.array(["owl", "cat"], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_a_file_of_another_form_is_named_with_what_is_wrong(tmp_path, changes, message):
    done = outcome(archive(tmp_path / "panel.npz", **changes))
    assert done.returncode == 1
    assert "panel.npz is not an archive of scores" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
