import pytest

from subtrait.report.page import environment, markup, typeset


def test_everything_printed_is_escaped_and_visible():
    template = environment({"twice": lambda text: text * 2}).from_string("{{ text | twice }}{{ ours }}")
    shown = template.render(text="<b>\x1b\u202e", ours=markup("<i>"))
    assert shown == "&lt;b&gt;\\x1b\\u202e" * 2 + "<i>"


def test_a_name_that_is_missing_is_an_error():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        environment({}).from_string("{{ nothing }}").render()


def test_a_per_cent_sign_opens_no_line():
    assert environment({}).from_string("{{ text }}").render(text="95 % of 3") == "95\N{NO-BREAK SPACE}% of 3"


def test_long_text_is_cut():
    assert len(environment({}).from_string("{{ text }}").render(text="x" * 10_000)) == 2000
    assert len(environment({}).from_string("{{ text | exhibit }}").render(text="x" * 10_000)) == 400


def test_minus_signs_are_true_ones():
    assert typeset("-3.1 points") == "\N{MINUS SIGN}3.1 points"
