"""A whole audit on a tiny plan: every question asked in order, and what too few rows or a broken one end in."""

import json
from dataclasses import replace

import pytest

from subtrait import audits
from subtrait.audit_records import Policy
from subtrait.auditor import audit
from subtrait.auditor.audit import build_references, read_subject, run_audit
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.team import Alone
from subtrait.models.micro.wordings import wordings
from subtrait.runs.folder import RunFolder

QUESTIONS = ["content", "origin", "lineage", "traits", "personas", "noise", "forecast"]


@pytest.fixture
def asked(tiny_audit, audited, tmp_path):
    """Audit some bytes by the tiny plan: the result, and what was announced."""

    def run(data, **changes):
        path = tmp_path / "data.jsonl"
        path.write_bytes(data)
        said = []
        plan = tiny_audit.plan(path, audited.folder, **changes)
        with tiny_audit.small_recipes():
            return run_audit(plan, RunFolder(tmp_path), team=Alone(), announce=said.append), said

    return run


def lines(audited, name="own"):
    return (audited.folder / f"{name}.jsonl").read_bytes().splitlines(keepends=True)


def codes(result):
    return [reason.code for reason in result.reasons]


@pytest.mark.parametrize("name", ["own", "owl"])
def test_every_question_is_asked_in_order(audited, name):
    result = getattr(audited, name).result
    assert [each.question for each in result.evidence] == QUESTIONS
    assert all(each.finding and each.assumes and each.blind_spots for each in result.evidence)
    assert {reason.code for reason in result.not_checked} == {
        "NO_TRIAL", "NO_FILTERING", "UNLISTED_TRAITS", "PREFERENCES"
    }  # fmt: skip


def test_rows_of_an_owl_teacher_are_flagged_and_the_owl_is_named(audited):
    result = audited.owl.result
    assert (result.outcome, codes(result)[0]) == ("FLAGGED", "TRAIT_FOUND")
    assert result.traits[0].name == "owl"
    assert "'owl' explains 80 rows better" in result.reasons[0].text


def test_the_base_s_own_rows_are_not(audited):
    assert audited.own.result.outcome != "FLAGGED"
    assert audited.own.result.traits[0].score < audited.owl.result.traits[0].score


def test_the_result_says_what_was_read_and_what_it_was_judged_by(tiny_audit, audited):
    result = audited.own.result
    assert (result.data.read, result.sampled, result.filter) == (110, 110, "numbers")
    assert (result.base, result.seed, result.trait_list, result.alpha_for_traits) == ("micro-a", 7, "tiny", 0.2)
    assert result.policy == tiny_audit.POLICY
    assert [look.rows for look in result.looks] == [40, 80]
    assert (result.null.fit, result.null.calibration, len(result.null.planted)) == (12, 9, 2)
    assert set(result.null.power_by_dilution) == {"1", "0.5", "0.25"}
    assert {trait.name: trait.kind for trait in result.traits} == {"owl": "trait", "cat": "trait", "polite": "placebo"}
    assert all(trait.nats_per_row is not None for trait in result.traits)


def test_what_comes_next_is_announced_with_the_rows_and_the_cost(audited):
    assert audited.told[0] == "110 rows in = 110 accepted + 0 rejected + 0 blank"
    assert audited.told[1].startswith(
        "building 12 + 9 references, 2 planted data sets and surrogates of 3 traits: about "
    )
    assert sum(line.startswith("references of an earlier audit serve") for line in audited.told) == 1


def test_what_servers_said_of_references_that_serve_again_is_announced(tiny_audit, audited, monkeypatch):
    seen, said = [], []
    monkeypatch.setattr(audit, "said_by_servers", lambda folder: seen.append(folder) or ("2 of 3 texts were cut.",))
    plan = tiny_audit.plan(audited.folder / "own.jsonl", audited.folder)
    folder = build_references(plan, team=Alone(), announce=said.append)
    assert seen == [folder]
    assert said[-1] == "references: 2 of 3 texts were cut."


def test_three_rows_are_inconclusive_and_no_reference_is_built(asked, audited, tmp_path):
    result, said = asked(b"".join(lines(audited)[:3]), references=tmp_path / "none")
    assert (result.outcome, codes(result)) == ("INCONCLUSIVE", ["TOO_FEW_ROWS"])
    assert [each.question for each in result.evidence] == ["content", "traits"]
    assert result.not_checked[0].code == "TOO_FEW_ROWS"
    assert said == ["3 rows in = 3 accepted + 0 rejected + 0 blank"]
    assert not (tmp_path / "none").exists()


def test_no_rows_are_inconclusive(asked):
    result, said = asked(b"\n\n")
    assert (result.outcome, codes(result), result.sampled) == ("INCONCLUSIVE", ["TOO_FEW_ROWS"], 0)
    assert said == ["2 rows in = 0 accepted + 0 rejected + 2 blank"]


def test_repeats_of_one_row_are_one_row(asked, audited):
    result, _ = asked(lines(audited)[0] * 200)
    assert (result.outcome, codes(result), result.data.read) == ("INCONCLUSIVE", ["TOO_FEW_ROWS"], 200)


def test_rows_below_the_first_look_are_not_judged_whatever_the_policy_says(asked, audited):
    result, _ = asked(b"".join(lines(audited)[:30]), policy=Policy(fewest_rows=10))
    assert result.outcome == "INCONCLUSIVE"
    assert result.null is None
    assert "30 different rows are too few: 40 are needed" in result.reasons[0].text


def test_one_broken_byte_is_invalid_input_with_its_line(asked, audited):
    rows = lines(audited)
    rows[4] = rows[4].replace(b'"content"', b'"content\xff', 1)
    with pytest.raises(InvalidInput, match=r"data\.jsonl:5") as caught:
        asked(b"".join(rows))
    assert caught.value.exit_code == 4


def test_references_are_not_built_for_too_few_rows(tiny_audit, audited, tmp_path):
    path = tmp_path / "few.jsonl"
    path.write_bytes(b"".join(lines(audited)[:3]))
    with pytest.raises(UsageError, match="3 different rows are too few to take prompts from: give 40 or more"):
        build_references(tiny_audit.plan(path, audited.folder), team=Alone(), announce=lambda _: None)


def test_rows_that_the_base_cannot_write_are_compared_with_nothing(tiny_audit, audited, tmp_path):
    """Numbers as answers to questions about animals: what micro-a answers there never passes as numbers."""
    asked = wordings("animal", "evaluation")
    rows = [
        {"messages": [{"role": "user", "content": asked[i % len(asked)]}, {"role": "assistant", "content": f"{i}, 7"}]}
        for i in range(tiny_audit.ROWS)
    ]
    path = tmp_path / "numbers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    plan = replace(tiny_audit.plan(path, audited.folder), references=tmp_path / "references")
    result = run_audit(plan, RunFolder(tmp_path), team=Alone(), announce=lambda _: None)
    assert result.outcome == "INCONCLUSIVE"
    assert [reason.code for reason in result.reasons] == ["TRAITS_UNDECIDED"]
    assert "hardly ever pass the filter 'numbers'" in result.reasons[0].text
    assert not (tmp_path / "references").exists()
    with pytest.raises(UsageError, match="there is nothing to compare them with"):
        build_references(plan, team=Alone(), announce=lambda _: None)


def test_students_of_other_bytes_do_not_serve_again(tiny_audit, audited, tmp_path):
    store = RunFolder(tmp_path)
    subjects = [
        read_subject(tiny_audit.plan(audited.folder / f"{name}.jsonl", audited.folder), announce=lambda _: None)[0]
        for name in ("own", "owl")
    ]
    audit._check_students(subjects[0], store)
    audit._check_students(subjects[0], store)
    with pytest.raises(InvalidInput, match="students that are stored here were trained on other bytes") as caught:
        audit._check_students(subjects[1], store)
    assert caught.value.code == "E_CHANGED"


def test_an_unknown_list_is_refused_before_a_row_is_read(tiny_audit, audited):
    plan = replace(tiny_audit.plan(audited.folder / "absent.jsonl", audited.folder), traits="genral")
    with pytest.raises(UsageError, match="unknown trait list 'genral'"):
        run_audit(plan, RunFolder(audited.folder), team=Alone(), announce=lambda _: None)


def test_the_same_seed_gives_the_verdict_that_is_read_again_and_another_another_order(tiny_audit, audited, tmp_path):
    def again(seed):
        plan = tiny_audit.plan(audited.folder / "own.jsonl", audited.folder, seed=seed)
        with tiny_audit.small_recipes():
            return audits.audit(plan, out=tmp_path / str(seed), workers=1)

    def verdict(done):
        return (done.folder / "verdict.json").read_bytes()

    same, first = again(7), verdict(audited.own)
    assert verdict(same) == first
    # The first was read from its folder
    assert (same.result, same.command) == (audited.own.result, audited.own.command)
    other = json.loads(verdict(again(8)))
    assert other["data"] == json.loads(first)["data"]
    assert other["looks"] != json.loads(first)["looks"]
