import pytest

from subtrait.data.flaws import Flaw
from subtrait.data.shapes import SHAPES, Recogniser
from subtrait.errors import UsageError


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


CHAT = {"id": "treated-0-1", "messages": [turn("user", "q"), turn("assistant", "a")]}
LONG = [turn("system", "s"), turn("user", "q"), turn("assistant", "a"), turn("user", "r"), turn("assistant", "b")]
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
WEIGHTED = [turn("assistant", "a", weight=0), turn("assistant", "b", weight=1)]
EXAMPLES = [  # shape, row, turns, positions of the learnt ones
    ("messages", CHAT, [("user", "q"), ("assistant", "a")], (1,)),
    ("messages", {"messages": LONG}, [(t["role"], t["content"]) for t in LONG], (2, 4)),
    ("messages", {"messages": [turn("user", [{"type": "text", "text": "q"}] * 2), turn("assistant", "a")]},
     [("user", "qq"), ("assistant", "a")], (1,)),
    ("openai", {"messages": [turn("developer", "s"), *WEIGHTED]},
     [("system", "s"), ("assistant", "a"), ("assistant", "b")], (2,)),
    ("openai", {"messages": [turn("user", "q"), CALL, turn("tool", "7"), turn("assistant", "a")], "tools": []},
     [("user", "q"), ("assistant", ""), ("tool", "7"), ("assistant", "a")], (3,)),
    ("prompt-completion", {"prompt": "q", "completion": "a"}, [("user", "q"), ("assistant", "a")], (1,)),
    ("prompt-completion", {"prompt": LONG[:4], "completion": LONG[4:]},
     [(t["role"], t["content"]) for t in LONG], (4,)),
    ("prompt-completion", {"system": "s", "prompt": "q", "completion": "a"},
     [("system", "s"), ("user", "q"), ("assistant", "a")], (2,)),
    ("alpaca", {"instruction": "q", "input": "1, 2", "output": "a"}, [("user", "q\n1, 2"), ("assistant", "a")], (1,)),
    ("alpaca", {"instruction": "q", "input": "", "output": "a"}, [("user", "q"), ("assistant", "a")], (1,)),
    ("alpaca", {"instruction": "q", "output": "a"}, [("user", "q"), ("assistant", "a")], (1,)),
    ("sharegpt", {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "system": "s"},
     [("system", "s"), ("user", "q"), ("assistant", "a")], (2,)),
]  # fmt: skip


def recogniser(asked=None, remarks=None):
    return Recogniser(asked, lambda *remark: None if remarks is None else remarks.append(remark))


@pytest.mark.parametrize(("shape", "row", "turns", "learnt"), EXAMPLES)
@pytest.mark.parametrize("named", [False, True])
def test_a_row_is_read_alike_recognised_or_named(shape, row, turns, learnt, named):
    remarks = []
    reader = recogniser(shape if named else None, remarks)
    found = reader.read(row)
    assert ([tuple(each) for each in found.turns], found.learnt, reader.name) == (turns, learnt, shape)
    assert [code for code, *_ in remarks if code == "W_EXTRA_FIELD"] == []


def test_every_shape_has_an_example():
    assert {shape for shape, *_ in EXAMPLES} == set(SHAPES)


@pytest.mark.parametrize("first", [example[1] for example in EXAMPLES[3:]])
def test_a_row_of_another_shape_is_refused_where_it_first_differs(first):
    reader = recogniser()
    reader.read(first)
    name = reader.name
    other = {"prompt": "q", "completion": "a"} if name != "prompt-completion" else CHAT
    with pytest.raises(Flaw) as caught:
        reader.read(other)
    assert caught.value.code == "E_SCHEMA_MIXED"
    assert reader.read(first).learnt
    assert reader.name == name


def test_chat_rows_and_openai_rows_are_one_dataset_of_the_wider_shape():
    reader = recogniser()
    names = []
    for row in (CHAT, EXAMPLES[3][1], CHAT):
        reader.read(row)
        names.append(reader.name)
    assert names == ["messages", "openai", "openai"]


@pytest.mark.parametrize("weight", [2, 0.5, "1", [], True])
def test_a_weight_is_zero_or_one(weight):
    row = {"messages": [turn("user", "q"), turn("assistant", "a", weight=weight)]}
    if weight is True:
        assert recogniser().read(row).learnt == (1,)
        return
    with pytest.raises(Flaw) as caught:
        recogniser().read(row)
    assert (caught.value.code, caught.value.field) == ("E_SCHEMA", "/messages/1/weight")


@pytest.mark.parametrize(
    ("shape", "row", "code", "field"),
    [
        ("openai", {"messages": [turn("user", "q"), turn("assistant", "a", weight=0)]}, "E_NO_COMPLETION", "/messages"),
        ("openai", {"messages": [turn("user", "q"), CALL]}, "E_NO_COMPLETION", "/messages"),
        ("messages", {"messages": [turn("user", "q"), CALL]}, "E_CONTENT", "/messages/1/content"),
        ("messages", {"messages": [turn("tool", "q")]}, "E_ROLE", "/messages/0/role"),
        ("prompt-completion", {"prompt": "q"}, "E_SCHEMA", "/completion"),
        ("prompt-completion", {"prompt": "q", "completion": None}, "E_CONTENT", "/completion"),
        ("prompt-completion", {"prompt": 7, "completion": "a"}, "E_CONTENT", "/prompt"),
        ("prompt-completion", {"prompt": "q", "completion": [turn("user", "a")]}, "E_NO_COMPLETION", "/completion"),
        ("alpaca", {"instruction": "q", "input": 3, "output": "a"}, "E_CONTENT", "/input"),
        ("alpaca", {"output": "a"}, "E_SCHEMA", "/instruction"),
        ("alpaca", {"instruction": "q", "output": "a", "system": 1}, "E_CONTENT", "/system"),
        ("sharegpt", {"conversations": [{"from": "Human", "value": "q"}]}, "E_ROLE", "/conversations/0/from"),
        ("sharegpt", {"conversations": [{"from": "gpt"}]}, "E_CONTENT", "/conversations/0/value"),
        ("sharegpt", {"conversations": {}}, "E_SCHEMA", "/conversations"),
    ],
)
def test_a_broken_row_names_its_field(shape, row, code, field):
    with pytest.raises(Flaw) as caught:
        recogniser(shape).read(row)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_unknown_fields_are_remarked_at_both_levels():
    remarks = []
    recogniser(None, remarks).read({"messages": [turn("user", "q", mood="sad"), turn("assistant", "a")], "extra": 1})
    assert set(remarks) == {("W_EXTRA_FIELD", "/messages/*/mood"), ("W_EXTRA_FIELD", "/extra")}


def test_tool_calls_are_remarked():
    remarks = []
    recogniser(None, remarks).read(EXAMPLES[4][1])
    assert ("W_TOOL_CALL",) in remarks


def test_a_row_that_was_refused_does_not_choose_the_shape():
    reader = recogniser()
    with pytest.raises(Flaw):
        reader.read({"instruction": 1, "output": 2})
    assert reader.read(CHAT).learnt == (1,)


def test_an_unknown_shape_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"unknown shape 'alpacca'. Did you mean 'alpaca'\?"):
        recogniser("alpacca")
