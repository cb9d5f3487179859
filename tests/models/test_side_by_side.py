import time
from threading import Lock, get_ident

import numpy as np
import pytest
import torch

from subtrait.models.likelihood import score_tokens, surprise_tokens
from subtrait.models.side_by_side import MOST_LANES, lanes

RNG = np.random.default_rng(0)


def numbers(network):
    return [weight.data_ptr() for weight in network.module.parameters()]


@pytest.mark.parametrize("count", [1, 2, 3, MOST_LANES])
def test_results_come_in_the_order_of_their_items(network, threads, count):
    threads(count)

    def work(_network, item):
        time.sleep(0.02 * (item % 3))
        return 10 * item

    with lanes(network, items=9) as abreast:
        assert abreast.count == count
        assert list(abreast.each(work, range(9))) == list(range(0, 90, 10))
        assert list(abreast.each(work, [])) == []


def test_every_thread_has_modules_of_its_own_around_the_same_weights(network, threads):
    threads(3)
    busy, used, lock = set(), {}, Lock()

    def work(mine, _item):
        with lock:
            assert id(mine.module) not in busy
            busy.add(id(mine.module))
            used[id(mine.module)] = mine
        time.sleep(0.01)
        assert torch.get_num_threads() == 1
        assert not torch.is_grad_enabled()
        with lock:
            busy.remove(id(mine.module))
        return get_ident()

    with lanes(network, items=30) as abreast:
        assert len(set(abreast.each(work, range(30)))) == 3
    assert len(used) == 3
    assert all(numbers(one) == numbers(network) for one in used.values())
    parts = [id(part) for one in used.values() for part in one.module.modules()]
    assert len(set(parts)) == len(parts)


@pytest.mark.parametrize(("count", "items", "expected"), [(1, 9, 1), (2, 1, 1), (8, 3, 3), (8, 9, MOST_LANES)])
def test_there_are_as_many_lanes_as_threads_and_items_have_use_for(network, threads, count, items, expected):
    threads(count)
    with lanes(network, items=items) as abreast:
        shares = list(abreast.each(lambda *_: torch.get_num_threads(), range(items)))
        assert abreast.count == expected
    assert shares == [count // expected] * items
    assert torch.get_num_threads() == count


def test_a_failure_is_raised_and_leaves_the_threads_of_torch_as_they_were(network, threads):
    threads(2)

    def work(_network, item):
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"), lanes(network, items=9) as abreast:
        list(abreast.each(work, range(9)))
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("shared", [0, 20])
def test_scores_are_the_same_to_the_bit_however_many_passes_go_side_by_side(network, threads, shared):
    context = RNG.integers(3, 300, shared).tolist()
    pairs = [
        ([*context, *RNG.integers(3, 300, RNG.integers(2, 20))], RNG.integers(3, 300, RNG.integers(1, 12)).tolist())
        for _ in range(60)
    ]
    scored = {}
    for count in (1, 2, MOST_LANES):
        threads(count)
        tokens = score_tokens(network, pairs, token_budget=150)
        scored[count] = [*tokens, *surprise_tokens(network, pairs * 5, temperature=0.7)]
    for one, two, four in zip(*scored.values(), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)
