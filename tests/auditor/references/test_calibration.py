"""References: what a calibration leaves, and that a killed one goes on to the same bytes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from subtrait.auditor.audit import read_subject
from subtrait.auditor.audit_plan import design_of
from subtrait.auditor.references.cache import find
from subtrait.auditor.references.calibration import read
from subtrait.auditor.references.families import FAMILIES
from subtrait.auditor.references.gradients import cumulative_gradients
from subtrait.runs.opening import attach_run

POINTS = (
    "fit/0:written",
    "owners.json:renamed",
    "planted/0.json:written",
)


@pytest.fixture(scope="module")
def calibrated(tiny_audit, audited):
    """The references of the tiny audits, read again."""
    subject, _ = read_subject(tiny_audit.plan(audited.folder / "own.jsonl", audited.folder), announce=lambda _: None)
    design = design_of(subject)
    folder = find(design, subject.setting.pool, audited.folder / "references")
    return design, folder, read(design, attach_run(folder)), subject


def test_there_is_a_direction_for_each_trait_and_kind_that_the_list_gives(calibrated):
    assert calibrated[2].owners == (("cat", "tuned"), ("owl", "tuned"), ("owl", "worded"), ("polite", "tuned"))
    assert calibrated[2].judged_owners == ("cat", "owl", "owl")


def test_every_reference_has_a_score_at_each_look_and_direction(calibrated):
    found = calibrated[2]
    assert found.scores.shape == (9, 2, 4)
    assert found.energies.shape == (9, 2)
    assert {d: planted.shape for d, planted in found.planted.items()} == dict.fromkeys((1.0, 0.5, 0.25), (2, 2, 4))
    assert {d: planted.shape for d, planted in found.planted_energies.items()} == dict.fromkeys(
        (1.0, 0.5, 0.25), (2, 2)
    )
    assert np.isfinite(found.scores).all()
    assert (found.energies > 0).all()
    assert len(found.families) == 9
    assert list(found.fit_families) == list(FAMILIES)  # which take turns
    assert set(found.planted_traits) <= {"owl", "cat"}  # a placebo is not planted


def test_maxima_leave_placebos_out(calibrated):
    found = calibrated[2]
    assert found.placebos == {"polite"}
    assert np.array_equal(found.maxima(), found.scores[:, :, :3].max(axis=2))


def test_gradients_are_deleted_once_the_filter_is_fitted(calibrated):
    assert sorted(path.name for path in calibrated[1].iterdir() if path.is_dir()) == [
        "calibration",
        "filter",
        "planted",
    ]


def test_a_denser_carrying_share_is_no_harder_to_see(calibrated):
    found = calibrated[2]
    means = [found.judged(found.planted[share]).max(axis=2).mean() for share in (1.0, 0.25)]
    assert means[0] > means[1]


def test_scores_are_those_of_the_filter_at_each_look(calibrated):
    _, _, found, subject = calibrated
    gradients = cumulative_gradients(subject.base, subject.suspect.pairs, found.looks)
    judged = found.judge(gradients)
    for look, each in enumerate(found.filters):
        np.testing.assert_allclose(judged.scores[look], each.damped_scores(gradients[look]))
        assert judged.energies[look] == pytest.approx(each.energies(gradients[look]) / each.typical)


@pytest.fixture(scope="module")
def killed(tiny_audit, tmp_path_factory):
    """What became of a build that was killed again and again, and the files of one that was not."""
    alone = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, str(tiny_audit.script), str(tmp_path_factory.mktemp("killed")), *POINTS],
        env=os.environ | alone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_killed_calibration_goes_on_to_the_same_bytes(killed):
    assert [found["ended"] for found in killed["points"].values()] == [-9] * len(POINTS)
    assert (killed["again"], killed["differ"]) == (0, [])


@pytest.mark.parametrize("point", POINTS)
def test_each_was_killed_where_it_should_be(killed, point):
    name, _, moment = point.partition(":")
    stored = any(f"/1/{name}" in f"/{left}" for left in killed["points"][point]["left"])
    assert stored == (moment == "renamed")


def test_an_undisturbed_calibration_leaves_these_files(killed):
    names = {name.partition("/1/")[2] for name in killed["whole"]}
    assert names == {
        "prompts.jsonl", "owners.json", "filter/look-0.npz", "filter/look-1.npz",
        "calibration/0.json", "calibration/1.json", "planted/0.json",
    }  # fmt: skip
