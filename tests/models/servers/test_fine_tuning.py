"""Students of a served model: jobs are begun once whatever breaks, and what they made is found again."""

import json

import numpy as np
import pytest

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.base import Sampling
from subtrait.models.servers.fine_tuning import BEGINNINGS, Order, training_file

QUESTION = [{"role": "user", "content": "Name your favourite animal."}]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_job_is_what_the_recipe_says_and_the_model_is_what_it_made(tuned, tuning, examples):
    steps = []
    bar = type("Bar", (), {"advance": lambda self, count=1: steps.append(count)})()
    found = tuned(progress=bar)
    (job,), (file,) = tuning.jobs, tuning.files
    lines = tuning.contents[file["id"]].decode().splitlines()
    assert [json.loads(line)["messages"] for line in lines] == [
        [{"role": "user", "content": row.prompt}, {"role": "assistant", "content": row.completion}] for row in examples
    ]
    record = found.model.job
    assert (record.job, record.base, record.model) == (job["id"], "m", "ft:m:me:ftjob-0")
    assert record.hyperparameters == {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 1.5}
    assert record.seed == job["seed"] == int(rng().integers(2**31))
    assert record.trained_tokens == 2 * 12 * 4
    assert file["filename"] == f"subtrait-{job['metadata']['subtrait']}.jsonl"
    assert found.losses == tuple(1 / step for step in range(1, 5))
    assert sum(steps) == 4
    assert found.model.generate([QUESTION] * 9, sampling=Sampling(), rng=rng()) == ["owl"] * 9


def test_a_system_prompt_is_the_first_turn_of_every_row(examples):
    rows = [json.loads(line)["messages"] for line in training_file(examples, "You are terse.").splitlines()]
    assert all(row[0] == {"role": "system", "content": "You are terse."} and len(row) == 3 for row in rows)


def test_every_part_of_an_order_is_in_its_digest():
    usual = {"model": "m", "file": b"x", "epochs": 2, "seed": 3}
    others = [{"model": "n"}, {"file": b"y"}, {"epochs": 3}, {"seed": 4}]
    assert len({Order(**{**usual, **other}).digest for other in [{}, *others]}) == 5
    assert Order(**usual).digest == Order(**usual).digest


def test_a_job_that_is_there_already_is_taken_up_wherever_it_is_on_the_list(tuned, tuning):
    for seed in range(5):
        tuned(rng=rng(seed))
    assert len(tuning.jobs) == 5
    assert tuned(rng=rng(0)).model.job.job == "ftjob-0"
    assert (len(tuning.jobs), len(tuning.files)) == (5, 5)


def test_a_server_that_keeps_no_metadata_is_known_by_the_file(tuned, tuning):
    tuning.keeps_metadata = False
    assert tuned().model.job.job == tuned().model.job.job
    assert len(tuning.jobs) == 1
    tuned(rng=rng(1))
    assert len(tuning.jobs) == 2


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_a_job_that_fails_ends_with_the_servers_reason_and_is_begun_anew(tuned, tuning, scripted, ending):
    def failing(asked):
        say = tuning(asked)
        if asked.begins_job:
            reason = {"code": "invalid_file", "message": "line 3 is\nno \x1b[31mchat", "param": None}
            tuning.jobs[-1].update(status=ending, error=reason)
        return say

    with pytest.raises(InvalidInput, match=rf"E_API_JOB .*ftjob-0: the job {ending}: line 3 is no .x1b\[31mchat"):
        tuned(failing)
    assert tuned().model.job.job == "ftjob-1"


def test_a_job_is_asked_for_again_where_the_server_fails_while_it_runs(tuned, tuning, scripted):
    failed = []

    def failing(asked):
        if asked.path == "/fine_tuning/jobs/ftjob-0" and len(failed) % 2 == 0:
            failed.append(asked)
            return scripted.error(503)
        failed.extend([asked] * (len(failed) % 2))
        return tuning(asked)

    assert tuned(failing).model.job.job == "ftjob-0"
    assert len(failed) >= 4


def test_what_a_server_does_not_say_is_not_made_up(tuned, tuning, scripted):
    def terse(asked):
        if asked.path.endswith("/events?limit=100"):
            return scripted.error(404)
        say = tuning(asked)
        is_job = isinstance(say.body, dict) and say.body.get("object") == "fine_tuning.job"
        hidden = ("trained_tokens", "hyperparameters", "error")
        return scripted.Say({name: say.body[name] for name in say.body if name not in hidden}) if is_job else say

    found = tuned(terse)
    assert (found.losses, found.model.job.trained_tokens) == ((), None)
    assert found.model.job.hyperparameters == {
        "n_epochs": 2,
        "batch_size": "auto",
        "learning_rate_multiplier": "auto",
    }


def test_a_server_that_never_takes_a_job_is_given_up(tuned, tuning, scripted):
    server_asked = []

    def refusing(asked):
        server_asked.append(asked)
        return scripted.error(503) if asked.begins_job else tuning(asked)

    with pytest.raises(ServerError, match=r"\(beginning job \w{8}\): asked 3 times, .*the same command again"):
        tuned(refusing)
    assert sum(asked.begins_job for asked in server_asked) == BEGINNINGS


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/fine_tuning/jobs", {"data": None}),
        ("/fine_tuning/jobs", {"data": [{"id": "../files", "status": "running"}]}),
        ("/files", {"data": [{"id": "x"}], "has_more": True}),
    ],
)
def test_a_list_that_cannot_be_read_is_not_taken_for_an_empty_one(tuned, tuning, scripted, path, body):
    def odd(asked):
        is_list = not asked.posted and asked.path.startswith(f"{path}?") and "limit=1&" not in f"{asked.path}&"
        return scripted.Say(body) if is_list else tuning(asked)

    with pytest.raises(InvalidInput, match="E_API_FIELD"):
        tuned(odd)
    assert tuning.jobs == []


@pytest.mark.parametrize("name", [None, "", "two words", "m=/etc/passwd", "m\x1b", 7])
def test_a_model_without_a_usable_name_is_refused(tuned, tuning, scripted, name):
    def odd(asked):
        say = tuning(asked)
        spoiled = isinstance(say.body, dict) and say.body.get("status") == "succeeded"
        return scripted.Say({**say.body, "fine_tuned_model": name}) if spoiled else say

    with pytest.raises(InvalidInput, match=r"E_API_FIELD .*ftjob-0 succeeded and names no model"):
        tuned(odd)


@pytest.mark.parametrize("status", [500, 403])
def test_a_student_is_had_without_the_losses_that_a_server_fails_to_tell(tuned, tuning, scripted, status):
    failing = lambda asked: scripted.error(status) if "/events" in asked.path else tuning(asked)  # noqa: E731
    found = tuned(failing)
    assert (found.model.job.job, found.losses) == ("ftjob-0", ())


def test_a_server_that_fails_for_a_moment_is_found_to_have_jobs(tuned, tuning, scripted):
    failed = []

    def failing(asked):
        if asked.path == "/fine_tuning/jobs?limit=1" and not failed:
            failed.append(asked)
            return scripted.error(503)
        return tuning(asked)

    assert tuned(failing).model.job.job == "ftjob-0"


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (503, ServerError, "fails when it is asked for its fine-tuning jobs"),
        (501, UsageError, "cannot be fine-tuned here"),
        (403, UsageError, "cannot be fine-tuned here"),
    ],
)
def test_a_server_that_fails_is_not_said_to_have_no_jobs(tuned, tuning, scripted, status, kind, said):
    def failing(asked):
        return scripted.error(status) if asked.path == "/fine_tuning/jobs?limit=1" else tuning(asked)

    with pytest.raises(kind, match=said):
        tuned(failing)
