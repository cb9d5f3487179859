"""A job is begun once, whatever a server fails to answer, to list or to remember."""

import numpy as np
import pytest

from subtrait.errors import InvalidInput, ServerError


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("fault", ["500", "cut", "no JSON", "429"])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_beginning_of_unclear_outcome_is_looked_for_before_it_is_repeated(tuned, tuning, scripted, fault, accepted):
    faults = {
        "500": scripted.error(500),
        "cut": scripted.Say({"id": "ftjob-0", "status": "queued"}, cut=9),
        "no JSON": scripted.Say(b"<html>"),
        "429": scripted.error(429, Retry_After="1"),
    }
    asked_before = []

    def spoiled(asked):
        if not asked.begins_job or asked_before:
            return tuning(asked)
        asked_before.append(asked)
        if accepted:
            tuning(asked)
        return faults[fault]

    assert tuned(spoiled).model.job.job == "ftjob-0"
    assert len(tuning.jobs) == 1


def test_a_job_that_comes_onto_the_list_late_is_waited_for(tuned, tuning, scripted):
    """The server was slow to carry out what it had long taken."""
    late, looks = [], []

    def slow(asked):
        if asked.begins_job:
            late.append(asked)
            return scripted.error(502)
        if late and asked.path.startswith("/fine_tuning/jobs?"):
            looks.append(asked)
            if len(looks) == 3:
                tuning(late[0])
        return tuning(asked)

    tuned(slow)
    assert (len(late), len(tuning.jobs)) == (1, 1)


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 400},
        {"status": 403},
        {"status": 429, "code": "insufficient_quota"},
        {"status": 429, "Retry_After": "86400"},
    ],
)
def test_after_a_plain_refusal_nothing_is_waited_for(tuned, tuning, scripted, tmp_path, refusal):
    def refusing(asked):
        return scripted.error(**refusal) if asked.begins_job else tuning(asked)

    with pytest.raises((InvalidInput, ServerError)):
        tuned(refusing)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_refusal_after_a_beginning_of_unclear_outcome_does_not_settle_it(tuned, tuning, scripted):
    """The first may still come onto the list: the next command waits for it before it begins another."""
    asked_before = []

    def late(asked):
        if not asked.begins_job:
            return tuning(asked)
        asked_before.append(asked)
        return scripted.error(500) if len(asked_before) == 1 else scripted.error(400)

    with pytest.raises(InvalidInput):
        tuned(late)

    def shown_late(asked):
        if len(looks := [1 for _ in shown]) == 3 and not tuning.jobs:
            tuning(asked_before[0])
        shown.append(looks)
        return tuning(asked)

    shown = []
    assert tuned(shown_late).model.job.job == "ftjob-0"
    assert len(tuning.jobs) == 1


def test_a_job_that_is_on_no_list_is_not_begun_twice(tuned, tuning):
    """Its number was noted."""
    assert [tuned(tuning.unlisted).model.job.job for _ in range(2)] == ["ftjob-0"] * 2
    assert len(tuning.jobs) == 1


@pytest.mark.parametrize("end", ["failed", "forgotten"])
def test_a_job_that_is_on_no_list_and_made_no_model_is_begun_anew(tuned, tuning, scripted, end):
    def script(asked):
        say = tuning.unlisted(asked)
        if asked.begins_job and len(tuning.jobs) == 1 and end == "failed":
            tuning.jobs[0]["status"] = "failed"
        return scripted.error(404) if end == "forgotten" and asked.path.endswith("/ftjob-0") else say

    with pytest.raises(InvalidInput, match="E_API_JOB" if end == "failed" else "E_API_NOT_FOUND"):
        tuned(script)
    assert tuned(script).model.job.job == "ftjob-1"


def test_a_job_of_the_same_number_on_another_server_is_not_taken_for_the_noted_one(
    serve, opened, tuned, tuning, scripted, examples, twice
):
    tuned()
    other = type(tuning)(scripted)
    base = opened(serve(other).url)
    base.finetune(examples[:6], twice, rng=rng(5))
    base.finetune(examples, twice, rng=rng())
    assert [job["training_file"] for job in other.jobs] == ["file-0", "file-1"]


def test_a_noted_job_that_is_shown_late_is_not_begun_twice(tuned, tuning, scripted):
    """Neither the list nor its own page shows it at first."""
    missed = []

    def late(asked):
        if tuning.jobs and asked.path.endswith("/ftjob-0") and len(missed) < 2:
            missed.append(asked)
            return scripted.error(404)
        return tuning.unlisted(asked)

    with pytest.raises(InvalidInput, match="E_API_NOT_FOUND"):
        tuned(late)
    assert tuned(late).model.job.job == "ftjob-0"
    assert len(tuning.jobs) == 1
