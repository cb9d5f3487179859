"""Where memory runs out the same work is done in smaller parts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.backing_off import attempt, in_halves, is_out_of_memory

TOO_MUCH = 2**50
"""Numbers for which no machine has addresses."""


def sums_of_at_most(most, tried):
    def work(rows):
        tried.append(len(rows))
        if len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")
        return sum(rows)

    return work


@pytest.mark.parametrize("most", [1, 2, 3, 7, 10])
def test_every_row_is_done_once_and_in_order(most):
    parts = list(in_halves(range(10), sums_of_at_most(most, [])))
    assert [row for rows, _ in parts for row in rows] == list(range(10))
    assert all(sum(rows) == made and len(rows) <= most for rows, made in parts)


def test_what_fits_is_done_in_one_piece():
    tried = []
    assert list(in_halves([4, 5], sums_of_at_most(2, tried))) == [([4, 5], 9)]
    assert tried == [2]


def test_a_row_that_is_too_much_by_itself_is_one_clear_line():
    with pytest.raises(UsageError, match=r"one row alone takes more memory than there is .*lower --dtype") as caught:
        list(in_halves([1, 2, 3], sums_of_at_most(0, [])))
    assert "\n" not in str(caught.value)


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0, smaller=True)


def test_what_made_nothing_of_itself_can_be_told_from_what_failed():
    assert list(in_halves([1], lambda _: None)) == [([1], None)]


@pytest.mark.parametrize("take", [torch.empty, np.empty, lambda _: bytearray(2**60)], ids=["torch", "numpy", "python"])
def test_memory_of_this_machine_that_really_runs_out_is_known(take):
    tried = []

    def work(rows):
        tried.append(len(rows))
        return take(TOO_MUCH) if len(rows) > 1 else sum(rows)

    assert list(in_halves([4, 5], work)) == [([4], 4), ([5], 5)]
    assert tried == [2, 1, 1]
    with pytest.raises(UsageError, match="one row alone takes more memory than there is"):
        list(in_halves([1], lambda _: take(TOO_MUCH)))


def failure_of(work):
    try:
        work()
    except Exception as problem:
        return problem
    raise AssertionError("it did not fail")


@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.empty(2**62),
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
        lambda: torch.empty(-1),
        lambda: os.stat("/nowhere/DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_no_other_failure_counts_as_memory_that_ran_out(work):
    problem = failure_of(work)
    assert not is_out_of_memory(problem)
    with pytest.raises(type(problem)):
        attempt(work, smaller=True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to a limit of addresses")
def test_where_the_system_grants_little_memory_all_work_goes_on_in_smaller_parts():
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("little_memory.py"))],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"scored", "slope", "trained", "written"}
    assert all({"RuntimeError", "MemoryError"} & set(each["said"]) for each in found.values()), found
    assert all(each["apart"] < 1e-4 for each in found.values()), found
