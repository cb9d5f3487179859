"""What a server is found to do, and what it is refused for: every lie is told by a server on loopback."""

import numpy as np
import pytest

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.base import Sampling
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.models.servers.delivery import Delivery
from subtrait.models.servers.endpoint_trial import QUESTION, SEEDS, TOKENS, check_same_tokens, try_out


@pytest.fixture(scope="module")
def encoder(tiny):
    return tiny.encoder


@pytest.fixture
def trial(serve, connect, scripted, tiny, encoder):
    """The trial of a tiny model behind a server; `lie` changes requests before, or replies after, they are honest."""

    def run(lie=None, *, encoder=encoder, **kwargs):
        honest = scripted.served(tiny, **kwargs)
        server = serve(honest if lie is None else lambda asked: lie(asked, honest))
        return try_out(Delivery(connect(server), attempts=2, pause=lambda seconds: None), encoder)

    return run


def changed(asked, **settings):
    return type(asked)(asked.path, {**asked.body, **settings}, asked.headers, asked.number)


def test_an_honest_server_is_found_to_be_honest(trial):
    found = trial()
    assert (found.asked, found.answers_as, found.described) == ("m", "m", "owned_by test")
    assert found.seeds_differ
    assert found.seed_repeats
    assert found.zero_repeats
    assert found.same_prompt_length
    assert (found.style, found.scoring) == ("no truncation", "prompt_logprobs")
    found.check_sampling()
    assert found.check_scoring() == "prompt_logprobs"


def test_two_trials_of_one_server_say_the_same(trial):
    assert trial() == trial()


def test_a_server_that_decodes_greedily_is_refused_as_a_teacher(trial):
    found = trial(lambda asked, honest: honest(changed(asked, temperature=0.0)))
    assert not found.seeds_differ
    with pytest.raises(UsageError, match=rf"same text for {len(SEEDS)} seeds at temperature 1.*do_sample.*use vLLM"):
        found.check_sampling()


@pytest.mark.parametrize("name", sorted(EMBEDDED))
def test_what_is_asked_has_more_than_one_answer_to_the_embedded_models(name):
    """Else a server of theirs that samples would be refused as greedy."""
    sampling = Sampling(max_new_tokens=TOKENS)
    texts = open_model(name).generate([QUESTION] * 20, sampling=sampling, rng=np.random.default_rng(0))
    assert len(set(texts)) >= 19


def test_a_server_that_ignores_seeds_is_found_out_and_may_sample(trial):
    count = iter(range(100))
    found = trial(lambda asked, honest: honest(changed(asked, seed=next(count))))
    assert found.seeds_differ
    assert not found.seed_repeats
    found.check_sampling()


def test_a_server_that_ignores_the_temperature_is_found_out(trial):
    found = trial(lambda asked, honest: honest(changed(asked, temperature=1.0)))
    assert found.seeds_differ
    assert not found.zero_repeats


def test_scoring_falls_back_to_echo(trial):
    assert trial(dialects=("echo",)).scoring == "echo"


def test_echo_with_a_token_more_is_tried_last(trial, scripted):
    def strict(asked, honest):
        none = asked.body.get("max_tokens") == 0
        return scripted.error(400, text="max_tokens must be at least 1") if none else honest(asked)

    assert trial(strict, dialects=("echo",)).scoring == "echo and one more"


def test_log_probabilities_that_are_dropped_in_silence_are_missed(trial, scripted):
    def silent(asked, honest):
        plain = scripted.Say({"model": "m", "choices": [{"text": "", "logprobs": None}]})
        return plain if asked.path == "/completions" else honest(asked)

    found = trial(silent)
    assert found.scoring is None
    with pytest.raises(UsageError, match=r"no log-probabilities of a prompt.*such as vLLM"):
        found.check_scoring()


@pytest.mark.parametrize("path", ["/completions", "/models"])
def test_an_endpoint_that_is_not_there_is_done_without(trial, scripted, path):
    found = trial(lambda asked, honest: scripted.error(404) if asked.path == path else honest(asked))
    assert (found.scoring is None) == (path == "/completions")
    assert (found.described == "") == (path == "/models")


@pytest.mark.parametrize(
    ("refused", "style"), [(("top_k",), "plain"), (("top_k", "max_tokens"), "plain, new name"), ((), "no truncation")]
)
def test_settings_that_are_refused_are_left_out_and_that_is_noted(trial, scripted, refused, style):
    def strict(asked, honest):
        if any(name in asked.body for name in refused):
            return scripted.error(400, text="unrecognized argument")
        length = asked.body.get("max_tokens", asked.body.get("max_completion_tokens"))
        return honest(changed(asked, max_tokens=length))

    assert trial(strict, encoder=None).style == style


@pytest.mark.parametrize("broken", [{"status": 500}, {"body": b"<html>"}])
def test_a_list_of_models_that_never_comes_is_done_without(trial, scripted, broken):
    never = scripted.Say(**{"body": b"", **broken})
    assert trial(lambda asked, honest: never if asked.path == "/models" else honest(asked)).described == ""


def test_a_model_that_is_not_there_is_refused_with_those_that_are(trial):
    with pytest.raises(UsageError, match=r"E_API_NOT_FOUND .*no such model.*The server has: other"):
        trial(name="other")


def test_the_name_it_answers_under_is_recorded(trial, scripted):
    def alias(asked, honest):
        say = honest(asked)
        return scripted.Say({**say.body, "model": "m-2025-04-14", "system_fingerprint": "fp_7"})

    found = trial(alias, encoder=None)
    assert (found.asked, found.answers_as, found.backend) == ("m", "m-2025-04-14", "fp_7")


def test_without_a_checkpoint_nothing_is_said_of_scoring(trial):
    found = trial(encoder=None)
    assert (found.same_prompt_length, found.scoring) == (None, None)


def test_a_template_that_makes_other_prompts_keeps_rows_from_being_scored(trial, scripted):
    """As Qwen's does, which adds a system prompt of its own."""

    def longer(asked, honest):
        say = honest(asked)
        return scripted.Say({**say.body, "usage": {"prompt_tokens": 99}}) if asked.path.startswith("/chat") else say

    found = trial(longer)
    assert found.same_prompt_length is False
    with pytest.raises(UsageError, match=r"another number of tokens.*with the template that is served"):
        found.check_scoring()


def test_a_prompt_length_that_is_not_said_is_not_made_up(trial, scripted):
    def silent(asked, honest):
        say = honest(asked)
        return scripted.Say({key: value for key, value in say.body.items() if key != "usage"})

    assert trial(silent).same_prompt_length is None


@pytest.mark.parametrize("dialect", ["echo", "prompt_logprobs"])
def test_a_server_with_other_tokens_is_refused(trial, scripted, dialect):
    def shifted(asked, honest):
        say = honest(asked)
        if asked.path != "/completions" or say.status != 200:
            return say
        choice = say.body["choices"][0]
        if dialect == "echo":
            choice["logprobs"]["tokens"] = [f"{text}x" for text in choice["logprobs"]["tokens"]]
        else:
            for part in choice["prompt_logprobs"][1:]:
                part.update({key: {**entry, "decoded_token": "x"} for key, entry in part.items()})
        return say

    with pytest.raises(UsageError, match=r"token \d+ of a trial row is .*name the checkpoint that is served"):
        trial(shifted, dialects=(dialect,))


def test_tokens_are_the_same_whatever_marks_a_vocabulary_puts_for_spaces(encoder):
    tokens = encoder.completions(["an owl"])[0]
    texts = encoder.decode([[token] for token in tokens])
    for said in (texts, [text.replace(" ", "Ġ") for text in texts], [text.replace(" ", "▁") for text in texts]):
        check_same_tokens(said, tokens, encoder, model="m")
    check_same_tokens([f"token_id:{token}" for token in tokens], tokens, encoder, model="m")
    check_same_tokens([""] * len(tokens), tokens, encoder, model="m")
    with pytest.raises(UsageError):
        check_same_tokens([f"token_id:{token + 1}" for token in tokens], tokens, encoder, model="m")


def test_a_server_that_fails_is_not_judged(trial, scripted):
    with pytest.raises(ServerError, match=r"asked 2 times"):
        trial(lambda asked, honest: scripted.error(500))
    with pytest.raises(InvalidInput, match=r"E_API_REFUSED"):
        trial(lambda asked, honest: scripted.error(400))
