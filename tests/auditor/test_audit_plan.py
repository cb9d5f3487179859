"""What an audit is about: its models and prompts, how long completions are, which references it needs."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.audit_records import DataRead, Policy
from subtrait.auditor.audit_plan import (
    REFERENCE_SEED,
    Subject,
    design_of,
    longest_completion,
    other_writers,
    setting_of,
)
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.suspect import Suspect
from subtrait.audits import plan_audit
from subtrait.data import Pair
from subtrait.errors import InvalidInput, UsageError
from subtrait.models.registry import open_model

PLAN = plan_audit("x.jsonl", "micro-a", seed=0)
LISTED = load_trait_list("embedded")
DATA = DataRead(
    path="x.jsonl", digest="0", shape="messages", turns="all", read=3, accepted=3, rejected=0, blank=0, rejections={},
    different_rows=3, different_prompts=1, scored_turns=3,
)  # fmt: skip
PAIRS = tuple(Pair(({"role": "user", "content": "Go on: 1"},), f"{i}, {i + 1}") for i in range(3))
SUSPECT = Suspect(data=DATA, pairs=PAIRS, filter="numbers")


def subject(plan=PLAN):
    return Subject(plan=plan, suspect=SUSPECT, setting=setting_of(plan, SUSPECT, LISTED), listed=LISTED)


def test_no_question_is_asked_of_fewer_rows_than_the_first_look_or_the_policy_take():
    assert PLAN.rows_needed == 300
    assert replace(PLAN, policy=Policy(fewest_rows=10)).rows_needed == 300
    assert replace(PLAN, policy=Policy(fewest_rows=500)).rows_needed == 500
    assert replace(PLAN, policy=Policy(fewest_rows=10), looks=(40, 80)).rows_needed == 40


def test_the_rest_of_the_family_writes_references_beside_an_embedded_base():
    assert other_writers(PLAN) == ("micro-b", "micro-c")
    assert other_writers(replace(PLAN, base="micro-b", candidates=("micro-c", "owner/model", "micro-b"))) == (
        "micro-c", "owner/model", "micro-a"
    )  # fmt: skip
    assert other_writers(replace(PLAN, base="owner/model")) == ()
    assert other_writers(replace(PLAN, base="owner/model", candidates=("micro-a",))) == ("micro-a",)


def test_the_setting_is_that_of_the_suspect_rows():
    found = subject().setting
    assert (found.base.name, [model.name for model in found.others]) == ("micro-a", ["micro-b", "micro-c"])
    assert (found.pool, found.filter, found.traits) == (SUSPECT.pool, "numbers", LISTED.traits)
    assert found.keeps((), "1, 2")
    assert not found.keeps((), "owls")


@pytest.mark.parametrize(("words", "length"), [(1, 16), (12, 32), (60, 128), (400, 512)])
def test_a_writer_may_give_as_many_tokens_as_99_of_100_completions_have_in_a_few_sizes(words, length):
    base = open_model("micro-a")
    completions = [", ".join(["12"] * words)] * 199 + [", ".join(["12"] * 400)]
    tokens = np.quantile([len(row) for row in base.encoder.completions(completions)], 0.99)
    assert longest_completion(base, completions) == length
    assert length / 2 < tokens <= length or length in (16, 512)


def test_without_completions_the_smallest_size_is_taken():
    assert longest_completion(open_model("micro-a"), []) == 16


def test_alpha_is_halved_where_a_trial_is_run():
    assert subject().alpha == 0.01
    assert subject(replace(PLAN, students=6)).alpha == 0.005


def test_the_design_says_all_that_references_depend_on():
    plan = replace(PLAN, policy=Policy(dilution=0.3), looks=(5, 9), fit=4, calibration=7, planted=2)
    found = design_of(subject(plan))
    assert (found.base, found.others, found.traits) == ("micro-a", ("micro-b", "micro-c"), LISTED.traits)
    assert (found.filter, found.tokens, found.looks, found.dilution) == ("numbers", 16, (5, 9), 0.3)
    assert (found.fit, found.calibration, found.planted, found.seed) == (4, 7, 2, REFERENCE_SEED)


def test_the_seed_of_the_sample_changes_no_reference():
    assert design_of(subject(PLAN)) == design_of(subject(replace(PLAN, seed=99)))


def test_a_list_of_placebos_alone_is_refused_since_it_looks_for_nothing():
    placebos = replace(LISTED, name="mine", traits=tuple(replace(t, kind="placebo") for t in LISTED.traits[:2]))
    with pytest.raises(UsageError, match="mine lists placebos only"):
        setting_of(PLAN, SUSPECT, placebos)


def test_a_base_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(InvalidInput):
        setting_of(replace(PLAN, base=str(tmp_path)), SUSPECT, LISTED)
