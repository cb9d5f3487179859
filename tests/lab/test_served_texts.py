"""What servers say of texts: counted by text, kept beside them, and told where it matters."""

import numpy as np
import pytest

from subtrait.lab.served_texts import kept, noted, sentences
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model
from subtrait.models.scripted import ScriptedModel


def record(endings, backends=None):
    return {"endings": endings, "backends": backends or {}, "models": {"m": sum(endings.values())}}


@pytest.fixture
def ask(hosted, store):
    """Have the server's base write so many texts, which it says ended in these ways, in turn, and note that."""
    tuning = hosted.server.script

    def write(name, count, endings, seed=0):
        def script(asked):
            say = tuning(asked)
            number = str(asked.body.get("messages", [{}])[0].get("content", "")).removeprefix("row ")
            if number.isdigit():
                say.body["choices"][0]["finish_reason"] = endings[int(number) % len(endings)]
                say.body["system_fingerprint"] = f"fp_{int(number) % 2}"
            return say

        hosted.server.script = script
        model = open_model(f"{hosted.server.url}#m")
        with noted(model, store, name):
            return model.generate(
                hosted.scripted.rows(count), sampling=Sampling(max_new_tokens=8), rng=np.random.default_rng(seed)
            )

    return write


def test_of_each_call_its_own_texts_are_counted(ask, store):
    """Also where one model makes several, and whatever it was asked when it was tried."""
    ask("a.json", 6, ["stop", "length", "content_filter"])
    ask("b.json", 5, ["stop"], seed=1)
    first, second = kept(store, ["a.json", "b.json", "b.json", "never.json"])
    assert first == {
        "endings": {"content_filter": 2, "length": 2, "stop": 2},
        "backends": {"fp_0": 3, "fp_1": 3},
        "models": {"m": 6},
    }
    assert second == {"endings": {"stop": 5}, "backends": {"fp_0": 3, "fp_1": 2}, "models": {"m": 5}}


def test_texts_that_an_interrupted_call_got_are_counted_with_the_others(ask, store, hosted):
    """The call is made again after a kill that came before the record: nothing is asked, all is counted."""
    ask("a.json", 6, ["stop", "length"])
    before = len(hosted.server.row_seeds())
    ask("b.json", 6, ["stop", "length"])
    assert len(hosted.server.row_seeds()) == before
    first, second = kept(store, ["a.json", "b.json"])
    assert first == second


def test_of_a_model_in_this_process_and_of_no_texts_nothing_is_kept(store, hosted):
    for model in (ScriptedModel("here", {}), open_model(f"{hosted.server.url}#m")):
        with noted(model, store, "a.json"):
            pass
    assert kept(store, ["a.json"]) == []


def test_a_failing_call_leaves_no_record(store, hosted):
    with (
        pytest.raises(ZeroDivisionError),
        noted(open_model(f"{hosted.server.url}#m"), store, "a.json"),
    ):
        raise ZeroDivisionError
    assert kept(store, ["a.json"]) == []


def test_where_all_is_well_there_is_nothing_to_tell():
    assert sentences([]) == ()
    assert sentences([record({"stop": 3_000}, {"fp_a": 3_000}), record({"stop": 7}, {"fp_a": 7})]) == ()


def test_what_matters_is_told_in_one_line_each_with_the_number_of_all_texts():
    found = sentences(
        [
            record({"stop": 2_980, "length": 12, "refusal": 2}, {"fp_a": 2_990, "fp_b": 4}),
            record({"stop": 2, "content_filter": 3, "tool_calls": 1}, {"fp_a": 6}),
        ]
    )
    assert found == (
        "12 of 3,000 texts from the server were cut by length. They count as they are, as those of a model on this "
        "machine do.",
        "5 of 3,000 texts from the server were refused or filtered by it and are empty: content_filter (3), "
        "refusal (2).",
        "1 of 3,000 texts from the server ended neither by themselves nor by length: tool_calls (1).",
        "2 backends of the server answered, by number of texts: fp_a (2,996), fp_b (4). With the same seed they may "
        "write different ones.",
    )


def test_names_that_a_server_makes_up_cannot_fill_the_report():
    (line,) = sentences([record({"stop": 900}, {f"\x1b[31m{'x' * 100}{number}": 1 for number in range(900)})])
    assert line.startswith("900 backends of the server answered")
    assert "895 more" in line
    assert len(line) < 500
    assert line.isprintable()
