"""Where memory runs out the same work is done in smaller parts."""

import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.backing_off import attempt, in_halves


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
