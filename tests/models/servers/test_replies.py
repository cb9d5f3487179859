"""What is taken from a reply, and what is not accepted in it."""

import pytest

from subtrait.errors import InvalidInput
from subtrait.models.servers.replies import chat_text, echoed, prompt_logprobs
from subtrait.models.servers.transport import Unanswered


def reply(content, ending="stop", **message):
    return {"model": "m", "choices": [{"message": {"content": content, **message}, "finish_reason": ending}]}


def text_of(found):
    return chat_text(found, tokens=8, where="row 1")


@pytest.mark.parametrize(
    ("found", "text", "ending"),
    [
        (reply("1, 2"), "1, 2", "stop"),
        (reply("1, 2", "length"), "1, 2", "length"),
        (reply("half a", "content_filter"), "", "content_filter"),
        (reply(None, refusal="I cannot"), "", "refusal"),
        (reply(None), "", "refusal"),
        (reply(None, "length"), "", "length"),
        (reply("x", None), "x", "not said"),
        (reply("nul \0"), "nul \0", "stop"),
        (reply("alone \ud83e, paired \ud83e\udd89"), "alone \ufffd, paired \U0001f989", "stop"),
    ],
)
def test_endings_are_said_and_refusals_are_no_text(found, text, ending):
    """API-20, API-21, API-23, case 107."""
    row = text_of(found)
    assert (row["text"], row["ending"]) == (text, ending)
    row["text"].encode()


def test_what_the_server_says_of_itself_is_kept():
    """API-22, case 108."""
    row = text_of({**reply("x"), "model": "other", "system_fingerprint": "fp_1"})
    assert (row["model"], row["backend"]) == ("other", "fp_1")


def test_what_is_kept_with_every_row_is_no_longer_than_it_need_be():
    row = text_of({**reply("x", "e" * 10_000), "system_fingerprint": "\ud83e" + "f" * 10_000})
    assert (row["ending"], row["backend"]) == ("e" * 200, "\ufffd" + "f" * 199)
    assert text_of(reply("x", ""))["ending"] == text_of(reply("x", ["stop"]))["ending"] == "not said"


@pytest.mark.parametrize("found", [{}, {"choices": []}, {"choices": None}, {"choices": ["x"]}, {"choices": {"a": 1}}])
def test_a_reply_without_a_choice_may_be_a_hiccup(found):
    """API-19."""
    for read in (text_of, lambda r: echoed(r, [1, 2], where="w"), lambda r: prompt_logprobs(r, [1, 2], where="w")):
        with pytest.raises(Unanswered, match="no choice"):
            read(found)


@pytest.mark.parametrize("content", [["part"], 7, {"text": "x"}, "x" * 10_000_000])
def test_a_content_that_is_no_bounded_text_is_refused(content):
    """API-23: ten megabytes for eight tokens are no completion."""
    with pytest.raises(InvalidInput, match="E_API_FIELD row 1"):
        text_of(reply(content))


def echo(values, tokens=("a", "b", "c")):
    return {"choices": [{"logprobs": {"tokens": list(tokens), "token_logprobs": values}}]}


def numbered(*entries):
    return {"choices": [{"prompt_logprobs": list(entries)}]}


def test_log_probabilities_are_those_of_the_tokens_that_were_sent():
    assert echoed(echo([None, -1, -2.5]), [7, 8, 9], where="w") == (["a", "b", "c"], [0.0, -1.0, -2.5])
    assert echoed(echo([None, -1, -2.5]), [7, 8], where="w") == (["a", "b"], [0.0, -1.0])
    eight = {"3": {"logprob": -0.1, "rank": 1}, "8": {"logprob": -3, "rank": 7, "decoded_token": " owl"}}
    assert prompt_logprobs(numbered(None, eight), [7, 8], where="w") == (["", " owl"], [0.0, -3.0])
    assert prompt_logprobs(numbered(None, {"8": {"logprob": 1e-6}}), [7, 8], where="w")[1] == [0.0, 0.0]


@pytest.mark.parametrize("bad", [float("nan"), float("-inf"), float("inf"), None, "-1", True, 0.5, [-1], -(10**400)])
def test_a_log_probability_that_cannot_be_is_refused(bad):
    """Case 109."""
    for read, found in ((echoed, echo([None, -1, bad])), (prompt_logprobs, numbered(None, {"8": {"logprob": bad}}))):
        with pytest.raises(InvalidInput, match=r"E_API_FIELD w: token . has the log-probability"):
            read(found, [7, 8, 9] if read is echoed else [7, 8], where="w")


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (echoed, echo([None, -1])),
        (echoed, echo([None, -1, -1], tokens="ab")),
        (echoed, {"choices": [{"logprobs": None}]}),
        (echoed, {"choices": [{"text": "logprobs were dropped in silence"}]}),
        (prompt_logprobs, numbered(None, {"8": {"logprob": -1}})),
        (prompt_logprobs, numbered(None, {"8": {"logprob": -1}}, {"3": {"logprob": -1}})),
        (prompt_logprobs, numbered(None, None, None)),
        (prompt_logprobs, {"choices": [{}]}),
    ],
)
def test_missing_tokens_are_refused(read, found):
    """Case 109."""
    with pytest.raises(InvalidInput, match="E_API_FIELD w: "):
        read(found, [7, 8, 9], where="w")
