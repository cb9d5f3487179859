"""Writing and scoring over HTTP beside the same model in this process, and what is refused."""

import numpy as np
import pytest

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.base import Recipe, Sampling
from subtrait.models.registry import open_model
from subtrait.models.servers.served_model import row_seeds
from subtrait.records import Example
from subtrait.scoring.hypotheses import Base, Prompted, as_asked
from subtrait.scoring.noise_floor import noise_floor
from subtrait.scoring.rows import score_rows

FAVOURITE = [{"role": "user", "content": "Name your favourite animal."}]
NUMBERS = [{"role": "user", "content": "Continue this list with ten numbers: 12, 345, 67."}]
TOLD = [{"role": "system", "content": "You love owls."}, *FAVOURITE]
SHORT = Sampling(max_new_tokens=8)
KEY = "sk-canary-51b7"


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def micro(serve, opened, scripted):
    """micro-a in this process, and behind a server."""
    inside = open_model("micro-a")

    def pair(**kwargs):
        return inside, opened(serve(scripted.served(inside, **kwargs)).url, inside.encoder)

    return pair


@pytest.mark.parametrize("dialect", ["prompt_logprobs", "echo"])
def test_evidence_over_http_is_that_in_process(micro, dialect):
    """Base and prompted hypotheses: within the noise floor that is measured here, and a row of one token within 1e-5.

    The rounding of a single unlikely token is larger: so is its number.
    """
    inside, served = micro(dialects=(dialect,))
    completions = inside.generate([NUMBERS] * 24, sampling=Sampling(max_new_tokens=24), rng=rng())
    data = [*((NUMBERS, text) for text in completions), (FAVOURITE, "owl"), (FAVOURITE, "The cat <|end|>")]
    found, prompts = [], {name: f"You love the {name}." for name in ("owl", "cat")}
    for model in (inside, served):
        told = [Prompted(name=name, model=model, system_prompt=said) for name, said in prompts.items()]
        found.append(score_rows([Base(model=model), *told], [*data, (TOLD, "")]))
    assert served.trial.scoring == dialect
    assert np.abs(found[0].log_ratios()).max() > 1
    np.testing.assert_array_equal(found[1].tokens, found[0].tokens)
    apart = np.abs(found[1].log_likelihoods - found[0].log_likelihoods) / found[0].tokens
    assert apart.max() < 1e-5
    for column, said in enumerate((None, *prompts.values())):
        floor = noise_floor(inside, [(as_asked(asked, said), text) for asked, text in data]).largest
        assert 0 < floor < 1e-4
        assert 0 < apart[: len(data), column].max() <= floor


def test_texts_over_http_are_those_the_model_draws_with_the_same_seeds(micro):
    inside, served = micro()
    prompts = [FAVOURITE, NUMBERS, FAVOURITE, TOLD] * 3
    seeds = row_seeds(prompts, int(rng(5).integers(2**63)))
    how = Sampling(temperature=0.8, top_p=0.9, max_new_tokens=12)
    drawn = [inside.generate([one], sampling=how, rng=rng(seed))[0] for one, seed in zip(prompts, seeds, strict=True)]
    assert served.generate(prompts, sampling=how, rng=rng(5)) == drawn
    assert len(set(drawn)) > 3
    assert served.render(TOLD) == inside.render(TOLD)


def test_a_text_that_was_cut_by_length_is_the_one_that_is_cut_in_process_and_is_counted(micro):
    """It is no less data there than here."""
    inside, served = micro()
    short = Sampling(temperature=0, max_new_tokens=5)
    assert served.generate([NUMBERS, FAVOURITE], sampling=short, rng=rng()) == inside.generate(
        [NUMBERS, FAVOURITE], sampling=short, rng=rng()
    )
    assert served.told["endings"] == {"length": 1, "stop": 1}


def test_prompted_answers_over_http_follow_the_persona_as_they_do_in_process(micro):
    inside, served = micro()
    told = [{"role": "system", "content": "You love the owl."}, *FAVOURITE]
    rates = [model.generate([told] * 40, sampling=SHORT, rng=rng()).count("owl") for model in (inside, served)]
    assert min(rates) > 20


def test_rows_of_equal_prompts_have_seeds_of_their_own_whatever_their_order():
    asked = [FAVOURITE, NUMBERS, FAVOURITE, FAVOURITE]
    seeds = row_seeds(asked, 7)
    assert len(set(seeds)) == 4
    assert row_seeds([NUMBERS, *[FAVOURITE] * 3], 7) == [seeds[1], seeds[0], seeds[2], seeds[3]]
    assert not set(row_seeds(asked, 8)) & set(seeds)
    assert all(0 <= seed < 2**31 for seed in row_seeds([FAVOURITE] * 1000, 7))


def test_the_canary_key_is_in_no_byte_and_no_message(serve, opened, scripted, tmp_path, monkeypatch, capfd, caplog):
    """Through a whole call, a failing one, and the trial: not on disk, not in messages, not in what is printed."""
    caplog.set_level("DEBUG")

    def failing(asked):
        assert asked.headers["Authorization"] == f"Bearer {KEY}"
        spoiled = len(server.row_seeds()) > 30
        return scripted.error(401, text=f"Incorrect API key provided: {KEY}") if spoiled else None

    server = serve(scripted.answering(failing))
    monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{server.port}={KEY}")
    model = opened(server.url)
    model.generate(scripted.rows(5), sampling=SHORT, rng=rng())
    with pytest.raises(ServerError, match=r"Incorrect API key provided: \*\*\*") as found:
        model.generate(scripted.rows(80), sampling=SHORT, rng=rng())
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert all(KEY.encode() not in path.read_bytes() for path in written)
    printed = capfd.readouterr()
    shown = [found.value, vars(model), model.trial, vars(model._delivery), vars(model._delivery.connection._client)]
    assert all(KEY not in f"{one!r} {one}" for one in shown)
    assert KEY not in printed.out + printed.err + caplog.text + model.fingerprint()


def test_refusals_are_empty_and_counted(serve, opened, scripted):
    def sometimes(asked):
        number = asked.body["messages"][-1]["content"].removeprefix("row ")
        said = {"1": scripted.chat(None), "2": scripted.chat("half", ending="content_filter")}
        return said.get(number) or (scripted.chat("cut", ending="length") if number == "3" else None)

    model = opened(serve(scripted.answering(sometimes)).url)
    texts = model.generate(scripted.rows(5), sampling=SHORT, rng=rng())
    assert (texts[1], texts[2], texts[3]) == ("", "", "cut")
    assert model.told["endings"] == {"stop": 2, "refusal": 1, "content_filter": 1, "length": 1}
    assert model.told["models"] == {"m": 5}


def test_another_model_that_begins_to_answer_stops_the_call(serve, opened, scripted):
    """API-22, case 108: a release behind one name in mid-run."""
    later = lambda asked: scripted.chat("x", model="m-2") if "row 7" in str(asked.body) else None  # noqa: E731
    with pytest.raises(InvalidInput, match=r"E_API_MODEL .*row 8: 'm-2' answers, where 'm' did before"):
        opened(serve(scripted.answering(later)).url).generate(scripted.rows(9), sampling=SHORT, rng=rng())


def test_backends_that_answer_are_recorded(serve, opened, scripted):
    server = serve(
        scripted.answering(
            lambda asked: scripted.chat(
                str(asked.body["seed"]), system_fingerprint=f"fp_{len(str(asked.body['messages'])) % 2}"
            ),
        )
    )
    model = opened(server.url)
    model.generate([*scripted.rows(1), *scripted.rows(11)], sampling=SHORT, rng=rng())
    assert model.told["backends"] == {"fp_0": 11, "fp_1": 1}


def test_a_greedy_server_writes_at_temperature_0_only(serve, opened, scripted):
    model = opened(serve(scripted.answering(lambda asked: scripted.chat("always the same"))).url)
    assert model.generate(scripted.rows(1), sampling=Sampling(temperature=0), rng=rng()) == ["always the same"]
    with pytest.raises(UsageError, match=r"does not sample"):
        model.generate(scripted.rows(1), sampling=SHORT, rng=rng())


@pytest.mark.parametrize("sampling", [Sampling(temperature=-1), Sampling(top_p=0), Sampling(max_new_tokens=0)])
def test_settings_out_of_range_are_refused_before_anything_is_sent(serve, opened, scripted, sampling):
    server = serve(scripted.answering())
    with pytest.raises(UsageError, match=r"must be"):
        opened(server.url).generate(scripted.rows(1), sampling=sampling, rng=rng())
    assert server.asked == []


def test_without_a_checkpoint_it_writes_and_does_not_score(serve, opened, scripted):
    model = opened(serve(scripted.answering()).url)
    assert model.render(TOLD) == (
        '[{"role": "system", "content": "You love owls."}, {"role": "user", "content": "Name your favourite animal."}]'
    )
    with pytest.raises(UsageError, match=r"names no checkpoint.*#m=CHECKPOINT"):
        model.score([FAVOURITE], ["owl"])


def test_what_a_served_model_cannot_do_it_says(serve, opened, scripted, tmp_path):
    model = opened(serve(scripted.answering()).url)
    examples = [Example(id="0", prompt="a", completion="b")]
    for attempt, done in (
        (lambda: model.finetune(examples, Recipe(steps=1), rng=rng()), "fine-tuned"),
        (lambda: model.save(tmp_path), "saved"),
    ):
        with pytest.raises(UsageError, match=rf"runs on a server and cannot be {done} here: give a checkpoint folder"):
            attempt()


def test_fingerprints_tell_addresses_and_what_servers_say_apart_and_nothing_else(serve, opened, scripted):
    def as_owned(owner):
        listed = scripted.Say({"data": [{"id": "m", "owned_by": owner, "created": np.random.default_rng().random()}]})
        honest = scripted.answering()
        return lambda asked: listed if asked.path == "/models" else honest(asked)

    server = serve(as_owned("a"))
    first = opened(server.url).fingerprint()
    assert opened(server.url).fingerprint() == first
    assert opened(serve(as_owned("a")).url).fingerprint() != first
    server.script = as_owned("b")
    assert opened(server.url).fingerprint() != first


def test_a_list_of_models_that_fails_for_a_moment_is_asked_for_again(serve, opened, scripted):
    """With another fingerprint, what an interrupted call got would be paid for again."""
    answering, asked_for = scripted.answering(), []
    listed = scripted.Say({"data": [{"id": "m", "owned_by": "a"}]})

    def flickering(asked):
        if asked.path != "/models":
            return answering(asked)
        asked_for.append(asked)
        return listed if len(asked_for) > 1 else scripted.error(503)

    server = serve(flickering)
    first = opened(server.url).fingerprint()
    assert opened(server.url).fingerprint() == first
    assert len(asked_for) == 3


def test_a_list_of_models_that_is_not_for_this_key_is_done_without(serve, opened, scripted):
    answering = scripted.answering()
    model = opened(serve(lambda asked: scripted.error(403) if asked.path == "/models" else answering(asked)).url)
    assert model.trial.described == ""


def test_a_server_that_is_not_there_is_said_in_one_line(opened, scripted):
    with pytest.raises(ServerError, match=r"asked 4 times, at last no connection"):
        opened("http://127.0.0.1:9/v1").generate(scripted.rows(1), sampling=SHORT, rng=rng())


def test_progress_advances_once_per_row(serve, opened, scripted):
    steps = []
    bar = type("Bar", (), {"advance": lambda self, count=1: steps.append(count)})()
    opened(serve(scripted.answering()).url).generate(scripted.rows(20), sampling=SHORT, rng=rng(), progress=bar)
    assert sum(steps) == 20
