"""Marks are shares of pairs in the right order, counted one by one here."""

import numpy as np
import pytest

from subtrait.lab.reading_text.marks import apart, auroc, bag_auroc, right_pairs

RNG = np.random.default_rng(0)


def test_auroc_is_the_share_of_pairs_in_the_right_order_ties_counting_half():
    first, second = RNG.integers(0, 6, 40).astype(float), RNG.integers(0, 5, 30).astype(float)
    order = [(one > other) + (one == other) / 2 for one in first for other in second]
    assert auroc(first, second) == pytest.approx(np.mean(order), abs=1e-12)
    assert auroc(second, first) == pytest.approx(1 - np.mean(order), abs=1e-12)


def test_auroc_agrees_with_scikit_learn():
    from sklearn.metrics import roc_auc_score

    first, second = RNG.normal(0.4, 1, 50), RNG.normal(0, 1, 70)
    known = roc_auc_score(np.repeat([1, 0], [50, 70]), np.concatenate([first, second]))
    assert auroc(first, second) == pytest.approx(known, abs=1e-12)


def test_bags_tell_more_than_single_texts_where_texts_are_independent():
    # A shift of .3 standard deviations: sums of 25 are 25 x .3 / 5 = 1.5 of theirs apart, so Phi(1.5 / sqrt 2) = .856.
    first, second = RNG.normal(0.3, 1, 40_000), RNG.normal(0, 1, 40_000)
    assert auroc(first, second) == pytest.approx(0.584, abs=0.01)
    assert bag_auroc(first, second, 25, rng=RNG) == pytest.approx(0.856, abs=0.02)


def test_texts_that_do_not_fill_two_bags_have_no_mark():
    assert bag_auroc(np.zeros(20), np.zeros(19), 10, rng=RNG) is None
    assert bag_auroc(np.zeros(20), np.zeros(20), 10, rng=RNG) == 0.5


@pytest.mark.parametrize(("texts", "size", "bags"), [(20, 10, 2), (29, 10, 2), (9, 10, 0)])
def test_no_text_is_in_two_bags(texts, size, bags):
    places = apart(texts, size, rng=RNG)
    assert places.shape == (bags, size)
    assert len(set(places.ravel())) == bags * size
    assert set(places.ravel()) <= set(range(texts))


def test_only_prompts_that_both_answered_are_pairs():
    assert right_pairs({"a": 1.0, "b": 0.0, "c": 9.0}, {"a": 0.0, "b": 0.0, "d": 9.0}) == 0.75


def test_without_anything_to_compare_there_is_no_mark():
    with pytest.raises(ValueError, match="at least one score"):
        auroc(np.array([]), np.array([1.0]))
    with pytest.raises(ValueError, match="share no prompt"):
        right_pairs({"a": 1.0}, {"b": 1.0})
