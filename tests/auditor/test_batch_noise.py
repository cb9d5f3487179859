"""An audit says what rounding does to its scores, up to its report."""

import json

import numpy as np
import pytest

from subtrait import audits
from subtrait.auditor.batch_noise import FEW, ROWS, SMALLEST, batch_noise
from subtrait.lab.carriers import CARRIERS
from subtrait.models.registry import open_model
from subtrait.report.wording import capitalised
from subtrait.scoring.noise_floor import noise_floor

PROMPTS = CARRIERS["numbers"]().prompts(ROWS + 5, rng=np.random.default_rng(0))
PAIRS = [([{"role": "user", "content": prompt}], "1, 22, 333" * (1 + row % 3)) for row, prompt in enumerate(PROMPTS)]


@pytest.mark.parametrize(("dtype", "rows", "outcome"), [("float32", FEW, "not found"), ("bfloat16", ROWS, "found")])
def test_rounding_is_measured_on_a_few_rows_of_any_base(dtype, rows, outcome):
    model = open_model(f"micro-a+{dtype}" if dtype != "float32" else "micro-a")
    (found,) = batch_noise(model, PAIRS)
    floor = noise_floor(model, PAIRS[:rows])
    assert (found.question, found.outcome, found.n) == ("noise", outcome, rows)
    assert found.statistic == floor.largest
    assert (floor.largest > SMALLEST) == (outcome == "found")
    assert found.details == {"largest": floor.largest, "mean": floor.mean}
    assert found.finding.startswith(f"in {dtype}, scores of the same rows in other batches differ by ")
    assert f"{floor.mean:.2g} nats per token in the mean and {floor.largest:.2g} at most" in found.finding


def test_without_rows_nothing_is_measured():
    assert batch_noise(open_model("micro-a"), []) == []


def test_the_report_of_an_audit_in_bfloat16_says_how_far_scores_lie_apart(tiny_audit, audited, tmp_path):
    """The whole audit, references included, is computed in that format."""
    plan = tiny_audit.plan(
        audited.folder / "own.jsonl", audited.folder, **tiny_audit.FEW, dtype="bfloat16", references=tmp_path / "refs"
    )
    with tiny_audit.small_recipes():
        done = audits.audit(plan, out=tmp_path / "audit", workers=1)
    (noise,) = [each for each in done.result.evidence if each.question == "noise"]
    assert done.result.base == "micro-a+bfloat16"
    assert (noise.outcome, noise.n) == ("found", ROWS)
    assert noise.statistic > SMALLEST
    assert done.result.null is not None
    assert capitalised(noise.finding) in (done.folder / "report.html").read_text(encoding="utf-8")
    lines = (done.folder / "evidence.jsonl").read_text(encoding="utf-8").splitlines()
    assert noise.details in [json.loads(line)["details"] for line in lines]


def test_the_report_of_an_audit_in_float32_does_so_too_and_the_verdict_hangs_on_other_questions(audited):
    (noise,) = [each for each in audited.own.result.evidence if each.question == "noise"]
    assert (noise.outcome, noise.n) == ("not found", FEW)
    assert capitalised(noise.finding) in (audited.own.folder / "report.html").read_text(encoding="utf-8")
    assert noise.finding not in str(audited.own.result.reasons)
