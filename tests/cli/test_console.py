"""What is shared by all commands that print: full disks are named, bars move on."""

import pytest

from subtrait.cli.console import Bars, bars_shown, printing, reader_may_leave
from subtrait.errors import StorageError


class Drawn:
    def __init__(self):
        self.calls = []

    def start(self):
        self.calls.append("start")

    def add_task(self, name, total):
        self.calls.append((name, total))
        return 7

    def advance(self, task, steps):
        self.calls.append((task, steps))


def test_a_bar_appears_with_its_stage_and_not_before():
    drawn = Drawn()
    bars = Bars(drawn)
    assert drawn.calls == []
    bars.start("references", 3)
    bars.advance()
    bars.advance(2)
    assert drawn.calls == ["start", ("references", 3), (7, 1), (7, 2)]


def test_without_a_stage_nothing_is_drawn(capsys):
    with bars_shown():
        pass
    assert capsys.readouterr().err == ""


def test_a_reader_that_has_gone_is_no_error_of_the_disk():
    with pytest.raises(BrokenPipeError), printing():
        raise BrokenPipeError


def test_other_failures_of_standard_output_name_themselves(monkeypatch):
    monkeypatch.setattr("os.dup2", lambda *_: None)
    with pytest.raises(StorageError, match="cannot write to standard output: No space left"), printing():
        raise OSError(28, "No space left on device")


def test_a_reader_that_leaves_does_not_change_how_a_command_ends(monkeypatch):
    replaced = []
    monkeypatch.setattr("os.dup2", lambda *to: replaced.append(to))
    monkeypatch.setattr("sys.stdout", type("Closed", (), {"fileno": lambda self: 1})())
    with reader_may_leave():
        raise BrokenPipeError
    assert len(replaced) == 1
