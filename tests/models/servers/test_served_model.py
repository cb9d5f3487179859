"""Writing and scoring over HTTP beside the same model in this process, and servers that go away."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.base import Recipe, Sampling
from subtrait.models.registry import open_model
from subtrait.models.servers.addresses import read_address
from subtrait.models.servers.delivery import Delivery
from subtrait.models.servers.served_model import ServedModel, row_seeds
from subtrait.models.servers.transport import Connection
from subtrait.records import Example
from subtrait.scoring.hypotheses import Base, Prompted
from subtrait.scoring.rows import score_rows

FAVOURITE = [{"role": "user", "content": "Name your favourite animal."}]
NUMBERS = [{"role": "user", "content": "Continue this list with ten numbers: 12, 345, 67."}]
TOLD = [{"role": "system", "content": "You love owls."}, *FAVOURITE]
SHORT = Sampling(max_new_tokens=8)
KEY = "sk-canary-51b7"


def rng(seed=0):
    return np.random.default_rng(seed)


def rows(count):
    return [[{"role": "user", "content": f"row {number}"}] for number in range(count)]


@pytest.fixture
def opened(tmp_path):
    """A served model that gives up after two attempts and waits for nothing; its connections are closed again."""
    made = []

    def make(url, encoder=None, *, most=8):
        address = read_address(f"{url}#m")
        delivery = Delivery(Connection(address), most=most, attempts=2, pause=lambda seconds: None)
        made.append(ServedModel(address, encoder and (lambda: encoder), delivery=delivery, spool=tmp_path / "spool"))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def micro(serve, opened, scripted):
    """micro-a in this process, and behind a server."""
    inside = open_model("micro-a")

    def pair(**kwargs):
        return inside, opened(serve(scripted.served(inside, **kwargs)).url, inside.encoder)

    return pair


@pytest.mark.parametrize("dialect", ["prompt_logprobs", "echo"])
def test_evidence_over_http_is_that_in_process(micro, dialect):
    """Base and prompted hypotheses, row by row, within 1e-4 nats."""
    inside, served = micro(dialects=(dialect,))
    completions = inside.generate([NUMBERS] * 12, sampling=Sampling(max_new_tokens=24), rng=rng())
    pairs = [*((NUMBERS, text) for text in completions), (FAVOURITE, "owl"), (FAVOURITE, "The cat <|end|>"), (TOLD, "")]
    found = []
    for model in (inside, served):
        told = [Prompted(name=name, model=model, system_prompt=f"You love the {name}.") for name in ("owl", "cat")]
        found.append(score_rows([Base(model=model), *told], pairs))
    assert served.trial.scoring == dialect
    assert np.abs(found[0].log_ratios()).max() > 1
    np.testing.assert_allclose(found[1].log_likelihoods, found[0].log_likelihoods, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(found[1].tokens, found[0].tokens)


def test_texts_over_http_are_those_the_model_draws_with_the_same_seeds(micro):
    inside, served = micro()
    prompts = [FAVOURITE, NUMBERS, FAVOURITE, TOLD] * 3
    seeds = row_seeds(prompts, int(rng(5).integers(2**63)))
    how = Sampling(temperature=0.8, top_p=0.9, max_new_tokens=12)
    drawn = [inside.generate([one], sampling=how, rng=rng(seed))[0] for one, seed in zip(prompts, seeds, strict=True)]
    assert served.generate(prompts, sampling=how, rng=rng(5)) == drawn
    assert len(set(drawn)) > 3
    assert served.render(TOLD) == inside.render(TOLD)


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


def answering(scripted, *, answer=lambda asked: None):
    """A server without a model: it repeats the prompt and the seed, unless `answer` has something else to say."""

    def script(asked):
        if asked.path != "/chat/completions":
            return scripted.error(404)
        say = answer(asked)
        return say or scripted.chat(f"{asked.body['messages'][-1]['content']} {asked.body['seed']}")

    return script


def seeds_of(server):
    """Which rows were asked for, the trial's aside."""
    return [asked.body["seed"] for asked in server.paths("/chat/completions") if "row " in str(asked.body["messages"])]


def test_a_server_that_comes_back_is_asked_for_the_rest_only(serve, opened, scripted):
    gone = []

    def leaving(asked):
        if len(seeds_of(server)) > 60:
            gone.append(asked.body["seed"])
            return scripted.Say(b"", 500)
        return None

    server = serve(answering(scripted, answer=leaving))
    with pytest.raises(ServerError, match=r"asked 2 times.*What was answered is kept: run the same command"):
        opened(server.url).generate(rows(200), sampling=SHORT, rng=rng())
    stored = set(seeds_of(server)) - set(gone)
    server.__exit__()
    again = serve(answering(scripted), port=server.port)
    texts = opened(again.url).generate(rows(200), sampling=SHORT, rng=rng())
    seeds = row_seeds(rows(200), int(rng().integers(2**63)))
    assert texts == [f"row {number} {seed}" for number, seed in enumerate(seeds)]
    assert len(stored) == 60
    assert sorted(seeds_of(again)) == sorted(set(seeds) - stored)


def test_a_server_that_is_killed_in_mid_run_costs_no_row(serve, opened, scripted, tmp_path):
    """Every connection breaks at once, with requests under way."""

    def dying(asked):
        if len(seeds_of(server)) >= 40:
            server.http.server_close()
        return scripted.Say(scripted.chat(f"{asked.body['messages'][-1]['content']} {asked.body['seed']}").body)

    server = serve(answering(scripted, answer=dying))
    with pytest.raises(ServerError, match=r"no connection"):
        opened(server.url).generate(rows(120), sampling=SHORT, rng=rng())
    kept = sum(path.read_text().count('"at"') for path in (tmp_path / "spool").iterdir())
    assert 0 < kept <= 40
    again = serve(answering(scripted), port=server.port)
    texts = opened(again.url).generate(rows(120), sampling=SHORT, rng=rng())
    assert [text.rpartition(" ")[0] for text in texts] == [f"row {number}" for number in range(120)]
    assert len(seeds_of(again)) == 120 - kept
    assert list((tmp_path / "spool").iterdir()) == []


CLIENT = """
import sys
from pathlib import Path
import numpy as np
from subtrait.models.base import Sampling
from subtrait.models.servers.addresses import read_address
from subtrait.models.servers.served_model import ServedModel

model = ServedModel(read_address(sys.argv[1]), spool=Path(sys.argv[2]))
prompts = [[{"role": "user", "content": f"row {number}"}] for number in range(150)]
print(model.generate(prompts, sampling=Sampling(max_new_tokens=8), rng=np.random.default_rng(0)))
"""


def test_a_client_that_is_killed_pays_twice_for_nothing_but_what_was_under_way(serve, scripted, tmp_path):
    def slowly(asked):
        if len(seeds_of(server)) >= 70 and not killed:
            killed.append(clients[0])
            clients[0].kill()
        return scripted.Say(
            scripted.chat(asked.body["messages"][-1]["content"] + str(asked.body["seed"])).body, hang=0.01
        )

    server, clients, killed = serve(answering(scripted, answer=slowly)), [], []
    command = [sys.executable, "-c", CLIENT, f"{server.url}#m", str(tmp_path)]
    clients.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    clients[0].communicate(timeout=60)
    assert clients[0].returncode == -signal.SIGKILL
    finished = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr.decode()
    assert finished.stdout.count(b"row ") == 150
    assert len(set(seeds_of(server))) == 150
    assert len(seeds_of(server)) <= 150 + 32


def test_two_calls_with_one_seed_are_two_calls(serve, opened, scripted):
    """What a finished call got is not kept: a server may be another tomorrow."""
    server = serve(answering(scripted))
    model = opened(server.url)
    first = model.generate(rows(5), sampling=SHORT, rng=rng())
    assert model.generate(rows(5), sampling=SHORT, rng=rng()) == first
    assert len(seeds_of(server)) == 10


def test_scoring_is_resumed_as_well(serve, opened, scripted, tiny):
    honest, scored = scripted.served(tiny), []

    def leaving(asked):
        if asked.path == "/completions" and len(asked.body["prompt"]) < 30:
            scored.append(tuple(asked.body["prompt"]))
            if len(scored) > 4:
                return scripted.error(500)
        return honest(asked)

    server, texts = serve(leaving), [f"{number}" for number in range(9)]
    with pytest.raises(ServerError):
        opened(server.url, tiny.encoder, most=1).score([FAVOURITE] * 9, texts)
    done = set(scored[:4])
    server.__exit__()
    again = serve(honest, port=server.port)
    found = opened(again.url, tiny.encoder).score([FAVOURITE] * 9, texts)
    for ours, theirs in zip(found, tiny.score([FAVOURITE] * 9, texts), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    asked = [tuple(one.body["prompt"]) for one in again.paths("/completions") if len(one.body["prompt"]) < 30]
    assert not done & set(asked)
    assert len(asked) == 5


def test_the_canary_key_is_in_no_byte_and_no_message(serve, opened, scripted, tmp_path, monkeypatch, capfd, caplog):
    """Through a whole call, a failing one, and the trial: not on disk, not in messages, not in what is printed."""
    caplog.set_level("DEBUG")

    def failing(asked):
        assert asked.headers["Authorization"] == f"Bearer {KEY}"
        spoiled = len(seeds_of(server)) > 30
        return scripted.error(401, text=f"Incorrect API key provided: {KEY}") if spoiled else None

    server = serve(answering(scripted, answer=failing))
    monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{server.port}={KEY}")
    model = opened(server.url)
    model.generate(rows(5), sampling=SHORT, rng=rng())
    with pytest.raises(ServerError, match=r"Incorrect API key provided: \*\*\*") as found:
        model.generate(rows(80), sampling=SHORT, rng=rng())
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

    model = opened(serve(answering(scripted, answer=sometimes)).url)
    texts = model.generate(rows(5), sampling=SHORT, rng=rng())
    assert (texts[1], texts[2], texts[3]) == ("", "", "cut")
    assert model.endings == {"stop": 2, "refusal": 1, "content_filter": 1, "length": 1}


def test_another_model_that_begins_to_answer_stops_the_call(serve, opened, scripted):
    """API-22, case 108: a release behind one name in mid-run."""
    later = lambda asked: scripted.chat("x", model="m-2") if "row 7" in str(asked.body) else None  # noqa: E731
    with pytest.raises(InvalidInput, match=r"E_API_MODEL .*row 8: 'm-2' answers, where 'm' did before"):
        opened(serve(answering(scripted, answer=later)).url).generate(rows(9), sampling=SHORT, rng=rng())


def test_backends_that_answer_are_recorded(serve, opened, scripted):
    server = serve(
        answering(
            scripted,
            answer=lambda asked: scripted.chat(
                str(asked.body["seed"]), system_fingerprint=f"fp_{len(str(asked.body['messages'])) % 2}"
            ),
        )
    )
    model = opened(server.url)
    model.generate([*rows(1), *rows(11)], sampling=SHORT, rng=rng())
    assert model.backends == {"fp_0", "fp_1"}


def test_a_greedy_server_writes_at_temperature_0_only(serve, opened, scripted):
    model = opened(serve(answering(scripted, answer=lambda asked: scripted.chat("always the same"))).url)
    assert model.generate(rows(1), sampling=Sampling(temperature=0), rng=rng()) == ["always the same"]
    with pytest.raises(UsageError, match=r"does not sample"):
        model.generate(rows(1), sampling=SHORT, rng=rng())


@pytest.mark.parametrize("sampling", [Sampling(temperature=-1), Sampling(top_p=0), Sampling(max_new_tokens=0)])
def test_settings_out_of_range_are_refused_before_anything_is_sent(serve, opened, scripted, sampling):
    server = serve(answering(scripted))
    with pytest.raises(UsageError, match=r"must be"):
        opened(server.url).generate(rows(1), sampling=sampling, rng=rng())
    assert server.asked == []


def test_without_a_checkpoint_it_writes_and_does_not_score(serve, opened, scripted):
    model = opened(serve(answering(scripted)).url)
    assert model.render(TOLD) == (
        '[{"role": "system", "content": "You love owls."}, {"role": "user", "content": "Name your favourite animal."}]'
    )
    with pytest.raises(UsageError, match=r"names no checkpoint.*#m=CHECKPOINT"):
        model.score([FAVOURITE], ["owl"])


def test_what_a_served_model_cannot_do_it_says(opened, tmp_path):
    model = opened("http://127.0.0.1:9/v1")
    examples = [Example(id="0", prompt="a", completion="b")]
    for attempt, done in (
        (lambda: model.finetune(examples, Recipe(steps=1), rng=rng()), "fine-tuned"),
        (lambda: model.save(tmp_path), "saved"),
        (lambda: model.reload(tmp_path), "loaded from a folder"),
    ):
        with pytest.raises(UsageError, match=rf"runs on a server and cannot be {done} here: give a checkpoint folder"):
            attempt()


def test_fingerprints_tell_addresses_and_what_servers_say_apart_and_nothing_else(serve, opened, scripted):
    def as_owned(owner):
        listed = scripted.Say({"data": [{"id": "m", "owned_by": owner, "created": np.random.default_rng().random()}]})
        honest = answering(scripted)
        return lambda asked: listed if asked.path == "/models" else honest(asked)

    server = serve(as_owned("a"))
    first = opened(server.url).fingerprint()
    assert opened(server.url).fingerprint() == first
    assert opened(serve(as_owned("a")).url).fingerprint() != first
    server.script = as_owned("b")
    assert opened(server.url).fingerprint() != first


def test_a_server_that_is_not_there_is_said_in_one_line(opened):
    with pytest.raises(ServerError, match=r"asked 4 times, at last no connection"):
        opened("http://127.0.0.1:9/v1").generate(rows(1), sampling=SHORT, rng=rng())


def test_progress_advances_once_per_row(serve, opened, scripted):
    steps = []
    bar = type("Bar", (), {"advance": lambda self, count=1: steps.append(count)})()
    opened(serve(answering(scripted)).url).generate(rows(20), sampling=SHORT, rng=rng(), progress=bar)
    assert sum(steps) == 20
