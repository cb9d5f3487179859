import pytest

from subtrait.data.flaws import Flaw
from subtrait.data.turns import OPENAI_ROLES, ROLES, SHAREGPT_ROLES, Turn, conversation, read_turns, system_of


def test_every_role_is_read_under_one_of_four_names():
    assert {*ROLES.values(), *OPENAI_ROLES.values(), *SHAREGPT_ROLES.values()} == {
        "system",
        "user",
        "assistant",
        "tool",
    }


@pytest.mark.parametrize("roles", [ROLES, OPENAI_ROLES, SHAREGPT_ROLES])
def test_a_refused_role_lists_the_accepted_ones(roles):
    with pytest.raises(Flaw) as caught:
        read_turns({"t": [{"role": "owl", "content": "x"}]}, "t", roles=roles, remark=print)
    assert caught.value.hint == f"write one of: {', '.join(roles)}"


def test_only_what_the_assistant_says_is_learnt():
    turns = [Turn("assistant", "a"), Turn("user", "q"), Turn("assistant", "b")]
    assert conversation(turns, field="/x").learnt == (0, 2)
    assert conversation(turns, [1, 2], field="/x").learnt == (2,)
    with pytest.raises(Flaw, match="no assistant turn"):
        conversation(turns, [1], field="/x")


@pytest.mark.parametrize(("row", "turns"), [({}, 0), ({"system": None}, 0), ({"system": ""}, 0), ({"system": "s"}, 1)])
def test_an_empty_system_prompt_is_none(row, turns):
    assert len(system_of(row)) == turns
