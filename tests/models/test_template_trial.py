import json

import pytest

from subtrait.errors import InvalidInput
from subtrait.models import template_trial
from subtrait.models.template_trial import try_out

GOOD = "{% for m in messages %}{{ m.content }}{% endfor %}"


@pytest.fixture(scope="module")
def words(tokenizer):
    return tokenizer.backend_tokenizer.to_str()


def finding(template, words):
    with pytest.raises(InvalidInput) as caught:
        try_out(template, words, "model")
    return caught.value


def test_honest_ones_pass(tokenizer, words):
    try_out(tokenizer.chat_template, words, "model")
    try_out("{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + GOOD, words, "model")


@pytest.mark.parametrize(
    "waste",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{{ messages[0].content * 10**9 }}",
        "{{ range(10**9)|list }}",
        "{{ (10**(10**4))|string * 1000 }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_a_template_that_wastes_time_or_memory_is_stopped(waste, words):
    assert finding(waste + GOOD, words).code == "E_TEMPLATE_LIMIT"


def test_waste_reserved_for_a_system_turn_is_found(words):
    hidden = "{% if messages[0].role == 'system' %}{{ messages[0].content * 10**9 }}{% endif %}"
    assert finding(hidden + GOOD, words).code == "E_TEMPLATE_LIMIT"


def test_a_template_that_fails_is_reported_with_its_reason(words):
    error = finding("{{ ''.__class__.__mro__ }}", words)
    assert error.code == "E_TEMPLATE"
    assert "'__class__'" in str(error)


def test_a_tokenizer_that_is_none_is_refused():
    assert finding(GOOD, json.dumps({"version": "1.0"})).code == "E_CONFIG"


def test_what_the_process_last_said_decides():
    for said, code in (
        ([], "E_TEMPLATE_LIMIT"),
        (["template"], "E_TEMPLATE_LIMIT"),
        (["template", "tokenizer"], "E_LIMIT"),
    ):
        with pytest.raises(InvalidInput) as caught:
            template_trial._judge(said, "model")
        assert caught.value.code == code


def test_the_process_does_not_import_from_the_working_directory(tmp_path, monkeypatch, words):
    (tmp_path / "json.py").write_text("raise SystemExit('ran code of the checkpoint')")
    monkeypatch.chdir(tmp_path)
    try_out(GOOD + " ", words, "model")
