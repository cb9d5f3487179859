"""A policy file makes an audit stricter, never laxer; every mistake is located; what the command line says is noted."""

import json
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import yaml

from subtrait.audit_records import Policy
from subtrait.auditor import policy_files
from subtrait.auditor.policy_files import STRICTER, load_policy, overridden, policy_schema
from subtrait.errors import InvalidInput, UsageError

STRICT = {"alpha": 0.05, "dilution": 0.25, "power": 0.95, "smallest_shift": 0.01, "fewest_rows": 1000}
LAX = {"alpha": 0.001, "power": 0.5, "smallest_shift": 0.2, "fewest_rows": 10, "accept_other_base": True}


def written(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text if isinstance(text, str) else yaml.safe_dump(text), encoding="utf-8")
    return path


def refusal(path):
    with pytest.raises(InvalidInput) as caught:
        load_policy(path)
    assert caught.value.code == "E_POLICY"
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_every_field_of_a_policy_has_a_direction():
    assert list(STRICTER) == [each.name for each in fields(Policy)]


def test_stricter_fields_hold_and_are_told(tmp_path):
    path = written(tmp_path, STRICT)
    found, notes = load_policy(path)
    assert found == Policy(**STRICT)
    assert notes == tuple(f"{name} is {value}, by {path}" for name, value in STRICT.items())


@pytest.mark.parametrize("name", STRICT)
def test_each_field_may_be_stricter_alone(tmp_path, name):
    found, notes = load_policy(written(tmp_path, {name: STRICT[name]}))
    assert found == Policy(**{name: STRICT[name]})
    assert len(notes) == 1


@pytest.mark.parametrize("name", LAX)
def test_a_laxer_field_is_refused_with_its_line(tmp_path, name):
    said = refusal(written(tmp_path, f"# ours\n{name}: {str(LAX[name]).lower()}\n"))
    assert f"policy.yaml:2 field={name}: {LAX[name]} is laxer than the default {getattr(Policy(), name)}" in said
    assert "the command line may override it" in said


def test_what_says_the_default_changes_nothing_and_is_not_told(tmp_path):
    said = {each.name: getattr(Policy(), each.name) for each in fields(Policy)}
    for text in ("", "# nothing\n", "{}", yaml.safe_dump(said)):
        assert load_policy(written(tmp_path, text)) == (Policy(), ())


def test_numbers_are_numbers_however_yaml_writes_them(tmp_path):
    found, _ = load_policy(written(tmp_path, "alpha: 2e-2\npower: '0.9'\nsmallest_shift: 0.01\n"))
    assert (found.alpha, found.power, found.smallest_shift) == (0.02, 0.9, 0.01)
    assert load_policy(written(tmp_path, "power: 1"))[0].power == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alpa: 0.02", "field=alpa"),
        ("alpha: red", "field=alpha: Input should be a valid number"),
        ("alpha: true", "a number is needed, not true or false"),
        ("alpha: .nan", "field=alpha: Input should be"),
        ("alpha: 1", "field=alpha: Input should be less than 1"),
        ("alpha: 0", "field=alpha: Input should be greater than 0"),
        ("alpha:", "field=alpha"),
        ("dilution: 0", "greater than 0"),
        ("power: 1.5", "less than or equal to 1"),
        ("fewest_rows: 400.0", "field=fewest_rows: Input should be a valid integer"),
        ("fewest_rows: 0", "greater than or equal to 1"),
        ("fewest_rows: 10001", "less than or equal to 10000"),
        ("accept_other_base: 'no'", "field=accept_other_base: Input should be a valid boolean"),
        ("1: 2", "field=1"),
        ("[alpha]", "not a mapping of fields"),
        ("alpha: 0.02\nalpha: 0.03", "'alpha' stands twice"),
        ("!!python/object/apply:os.system ['touch ran']", "the tag "),
        ("alpha: [", "policy.yaml:1"),
        ("alpha: &a [*a]", "contains itself"),
    ],
)
def test_what_is_no_policy_is_refused_by_place_and_field(tmp_path, text, said):
    assert said in refusal(written(tmp_path, text))
    assert not (tmp_path / "ran").exists()


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"alpha: 0.02 # \xff")
    assert "invalid UTF-8" in refusal(path)


def test_no_file_is_a_slip_of_the_call(tmp_path):
    with pytest.raises(UsageError, match=r"no policy file at .*absent"):
        load_policy(tmp_path / "absent.yaml")
    with pytest.raises(InvalidInput):
        load_policy(tmp_path)


def test_the_name_of_the_file_is_escaped_where_it_is_told(tmp_path):
    path = tmp_path / "a\x1b[31m\udcff.yaml"
    path.write_text("alpha: 0.02")
    assert load_policy(path)[1] == (rf"alpha is 0.02, by {tmp_path}/a\x1b[31m\udcff.yaml",)


def test_the_command_line_stands_above_the_file_and_the_verdict_says_so():
    stated = Policy(alpha=0.05, power=0.9)
    found, notes = overridden(stated, {"alpha": 0.01, "dilution": None, "accept_other_base": True})
    assert found == Policy(alpha=0.01, power=0.9, accept_other_base=True)
    assert notes == (
        "alpha is 0.01 in place of 0.05, by option (laxer)",
        "accept_other_base is True in place of False, by option (laxer)",
    )
    assert overridden(stated, {"dilution": 0.5})[1] == ("dilution is 0.5 in place of 1.0, by option",)
    assert overridden(stated, {"alpha": 0.05, "dilution": None}) == (stated, ())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": 0.0}, "alpha is 0.0: give a number above 0"),
        ({"alpha": 1.0}, "alpha is 1: everything would be flagged"),
        ({"alpha": float("nan")}, "alpha is nan"),
        ({"dilution": 1.5}, "dilution is 1.5"),
        ({"power": -1.0}, "power is -1.0"),
        ({"fewest_rows": 0}, "fewest_rows is 0: give 1 or more"),
    ],
)
def test_an_option_out_of_range_is_named(options, said):
    with pytest.raises(UsageError, match=said):
        overridden(Policy(), options)


def test_the_published_schema_is_the_one_the_code_keeps():
    text = json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"
    assert Path(policy_files.__file__).with_name("policy.schema.json").read_text(encoding="utf-8") == text


def test_the_schema_accepts_what_is_read_and_refuses_what_is_not():
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    jsonschema.validate(STRICT, policy_schema())
    for wrong in ({"alpa": 0.1}, {"alpha": 1}, {"alpha": 0}, {"fewest_rows": 0}, {"power": 2}, {"alpha": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, policy_schema())
