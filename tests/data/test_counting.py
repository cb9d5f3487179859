from subtrait.data.chat_rows import ChatRow
from subtrait.data.counting import Counting
from subtrait.data.limits import Limits
from subtrait.data.notices import Notices
from subtrait.data.turns import Turn


def row(*contents, scored=(1,), name="1"):
    turns = tuple(Turn(("user", "assistant")[index % 2], text) for index, text in enumerate(contents))
    return ChatRow(id=name, turns=turns, scored=scored, file="a", line=1, source={})


def counted(*rows):
    notices = Notices(9)
    counting = Counting(Limits(remembered=8), notices)
    for each in rows:
        counting.read()
        counting.accepted(each)
    return counting.tally(), {notice.code for notice in notices.all()}


def test_the_same_turns_scored_otherwise_are_another_row():
    tally, codes = counted(row("q", "a", "r", "b", scored=(1, 3)), row("q", "a", "r", "b", scored=(3,), name="2"))
    assert (tally.different_rows, codes) == (2, set())
    assert (tally.scored_turns, tally.assistant_turns) == (3, 4)


def test_what_follows_the_last_scored_turn_makes_no_difference():
    tally, codes = counted(row("q", "a"), row("q", "a", "r", name="2"))
    assert (tally.different_rows, codes) == (1, {"W_REPEATED_ROW"})


def test_an_empty_completion_is_noted():
    assert counted(row("q", ""))[1] == {"W_EMPTY_COMPLETION"}


def test_rejections_are_counted_by_code():
    counting = Counting(Limits(), Notices(9))
    for code in ("E_JSON", "E_ROLE", "E_JSON"):
        counting.read()
        counting.rejected(code)
    counting.read()
    counting.blank()
    tally = counting.tally()
    assert tally.rejections == {"E_JSON": 2, "E_ROLE": 1}
    assert (tally.read, tally.rejected, tally.blank, tally.adds_up) == (4, 3, 1, True)
