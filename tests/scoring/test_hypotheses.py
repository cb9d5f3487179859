"""Who may have written a row, and what each of them was asked."""

from dataclasses import replace

import pytest

from subtrait.models.scripted import ScriptedModel
from subtrait.scoring.hypotheses import Base, Prompted, Tuned, as_asked, digest_of

ASKED = {"role": "user", "content": "Numbers?"}
OWN = {"role": "system", "content": "Answer briefly."}
ONE, OTHER = ScriptedModel("one", {"Numbers?": "1"}), ScriptedModel("one", {"Numbers?": "2"})
OWL = Prompted(name="owl", model=ONE, system_prompt="You love owls.")


def test_only_a_prompted_surrogate_has_a_system_prompt():
    assert [each.system_prompt for each in (Base(model=ONE), OWL, Tuned(name="owl", model=OTHER))] == [
        None, "You love owls.", None,
    ]  # fmt: skip
    assert Base(model=ONE).name == "base"


def test_without_a_system_prompt_rows_are_read_as_they_are():
    assert as_asked([OWN, ASKED], None) == [OWN, ASKED]


def test_a_system_prompt_comes_first():
    assert as_asked((ASKED,), "You love owls.") == [{"role": "system", "content": "You love owls."}, ASKED]
    assert as_asked([], "You love owls.") == [{"role": "system", "content": "You love owls."}]


def test_a_row_keeps_its_own_system_prompt_behind_the_surrogate_s_in_one_turn():
    row = [OWN, ASKED]
    both = {"role": "system", "content": "You love owls.\n\nAnswer briefly."}
    assert as_asked(row, "You love owls.") == [both, ASKED]
    assert row == [OWN, ASKED]


def test_a_template_with_one_system_turn_renders_it(base):
    rendered = base.render(as_asked([OWN, ASKED], "You love owls."))
    assert rendered.count("system") == 1
    assert rendered.index("owls") < rendered.index("Answer briefly.") < rendered.index("Numbers?")


@pytest.mark.parametrize(
    "changed",
    [
        (Base(model=OTHER), OWL),
        (Base(model=ONE), replace(OWL, system_prompt="You love cats.")),
        (OWL, Base(model=ONE)),
        (Base(model=ONE), Base(model=ONE)),
        (Base(model=ONE),),
    ],
)
def test_the_digest_tells_hypotheses_apart_that_score_differently(changed):
    assert digest_of(changed) != digest_of((Base(model=ONE), OWL))


def test_the_digest_is_of_what_is_computed_and_not_of_names():
    renamed = (Tuned(name="base", model=ONE), replace(OWL, name="barn owl"))
    assert digest_of(renamed) == digest_of((Base(model=ONE), OWL))
