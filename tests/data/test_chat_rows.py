import pytest

from subtrait.data.chat_rows import ChatRow, Tally
from subtrait.data.turns import Turn

TURNS = (Turn("system", "s"), Turn("user", "q"), Turn("assistant", "a"), Turn("user", "r"), Turn("assistant", "b"))
ROW = ChatRow(id="1", turns=TURNS, scored=(2, 4), file="a", line=1, source={})


def test_a_pair_is_a_scored_turn_and_everything_before_it():
    messages = [{"role": turn.role, "content": turn.content} for turn in TURNS]
    assert [(list(prompt), completion) for prompt, completion in ROW.pairs()] == [
        (messages[:2], "a"),
        (messages[:4], "b"),
    ]
    assert (list(ROW.prompt), ROW.completion) == (messages[:4], "b")


def test_a_row_is_frozen():
    with pytest.raises(AttributeError):
        ROW.id = "2"


@pytest.mark.parametrize(("lost", "adds_up"), [(0, True), (1, False)])
def test_a_lost_row_shows_in_the_sums(lost, adds_up):
    tally = Tally(
        read=10 + lost, accepted=7, rejected=2, blank=1, rejections={"E_JSON": 2}, assistant_turns=7, scored_turns=7,
        different_rows=7, different_prompts=7, different_ids=7, bounded=False,
    )  # fmt: skip
    assert tally.adds_up == adds_up
