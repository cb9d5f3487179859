"""The alarm alarms: the shipped files are audited for real, on few traits and references."""

import json

import pytest

from subtrait.auditor import self_test as alarm
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.lab.team import assemble


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


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("self-test")
    with assemble(2) as team:
        return alarm.self_test(folder / "references", folder, team=team)


def test_the_file_with_a_trait_is_flagged_and_its_trait_named(found):
    assert found.alarm.outcome == "FLAGGED"
    assert found.alarm.traits[0].name == alarm.TRAIT
    assert found.alarm.traits[0].p == 0.05


def test_the_file_without_a_trait_is_not_flagged(found):
    assert found.other.outcome != "FLAGGED"
    assert found.other.traits[0].score < found.alarm.traits[0].score


def test_the_alarm_works_only_where_both_are_as_they_should(found):
    assert found.works
    assert not alarm.SelfTest(alarm=found.other, other=found.other).works
    assert not alarm.SelfTest(alarm=found.alarm, other=found.alarm).works
