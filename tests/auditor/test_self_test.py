"""Two files are audited, each in a folder of its own; the alarm works where one is flagged for its trait.

The audits themselves, which take minutes, are run by `make gates` through `subtrait doctor`.
"""

import json
from types import SimpleNamespace

import pytest

from subtrait.auditor import self_test as alarm
from subtrait.auditor.lists.trait_lists import load_trait_list


def test_the_files_are_number_rows_that_do_not_name_the_trait():
    for path in (alarm.MUST_ALARM, alarm.MUST_PASS):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert len(rows) == 400
        assert not any(alarm.TRAIT in json.dumps(row).lower() for row in rows)


def test_the_traits_of_the_self_test_are_those_of_the_embedded_list():
    embedded = {trait.name: trait for trait in load_trait_list("embedded").traits}
    for trait in load_trait_list(str(alarm.TRAITS)).traits:
        same = embedded[trait.name]
        assert (trait.questions, trait.open_questions, trait.system_prompt) == (
            same.questions,
            same.open_questions,
            same.system_prompt,
        )


def said(outcome, *names):
    return SimpleNamespace(outcome=outcome, traits=[SimpleNamespace(name=name) for name in names])


@pytest.mark.parametrize(
    ("first", "second", "works"),
    [
        (said("FLAGGED", "owl", "cat"), said("NOT_FLAGGED", "cat"), True),
        (said("FLAGGED", "owl"), said("INCONCLUSIVE"), True),
        (said("FLAGGED", "cat", "owl"), said("NOT_FLAGGED"), False),
        (said("FLAGGED", "owl"), said("FLAGGED", "owl"), False),
        (said("NOT_FLAGGED", "owl"), said("NOT_FLAGGED", "owl"), False),
        (said("INCONCLUSIVE"), said("INCONCLUSIVE"), False),
    ],
)
def test_the_alarm_works_only_where_both_are_as_they_should(first, second, works):
    assert alarm.SelfTest(alarm=first, other=second).works is works


def test_each_file_is_audited_in_a_folder_of_its_own_on_the_same_references(monkeypatch, tmp_path):
    asked = []

    def run_audit(plan, store, *, team, announce):
        asked.append((plan.source.path, store.path, plan.references, team))
        return said("FLAGGED", "owl") if plan.source.path == alarm.MUST_ALARM else said("NOT_FLAGGED")

    monkeypatch.setattr(alarm, "run_audit", run_audit)
    assert alarm.self_test(tmp_path / "references", tmp_path, team="team").works
    assert [path for path, *_ in asked] == [alarm.MUST_ALARM, alarm.MUST_PASS]
    assert len({folder for _, folder, *_ in asked}) == 2
    assert {(references, team) for *_, references, team in asked} == {(tmp_path / "references", "team")}


def test_the_audit_is_as_long_as_its_false_alarm_rate_needs():
    plan = alarm.small_plan(alarm.MUST_ALARM, None)
    assert plan.calibration + 1 >= 1 / plan.policy.alpha
    assert len(alarm.MUST_ALARM.read_text(encoding="utf-8").splitlines()) >= plan.looks[-1]
