"""Who works: processes of this machine, as many as there is room for, or a cluster; what nobody can do is refused."""

from pathlib import Path

import pytest

import subtrait
from subtrait.crew import assembled, check_crew, cores, processes
from subtrait.errors import UsageError
from subtrait.lab.team import Alone, Workers


def test_embedded_models_work_on_every_core_and_larger_ones_alone_unless_asked_otherwise():
    assert processes(None, embedded=True) == cores()
    assert processes(None, embedded=False) == 1
    assert processes(3, embedded=False) == processes(3, embedded=True) == 3


@pytest.mark.parametrize(("workers", "kind"), [(1, Alone), (2, Workers)])
def test_a_local_crew_is_a_team_of_that_many_processes(workers, kind):
    with assembled(workers, None, engine="local", embedded=True, shared=[]) as team:
        assert isinstance(team, kind)


@pytest.mark.parametrize(
    ("asked", "message"),
    [((0, "local"), "0 workers cannot do anything: give 1 or more"), ((None, "spark"), "spark.*local, ray")],
)
def test_what_cannot_work_is_refused_before_anything_is_written(asked, message, tmp_path, monkeypatch):
    workers, engine = asked
    with pytest.raises(UsageError, match=message):
        check_crew(workers, engine)
    monkeypatch.chdir(tmp_path)
    data = Path(__file__).parents[1] / "src/subtrait/auditor/alarm_files"
    verbs = (
        lambda: subtrait.run("owl-numbers", workers=workers, engine=engine),
        lambda: subtrait.study("shuffled", workers=workers, engine=engine),
        lambda: subtrait.audit(data, "micro-a", workers=workers, engine=engine),
    )
    for verb in verbs:
        with pytest.raises(UsageError, match=message):
            verb()
    assert list(tmp_path.iterdir()) == []
