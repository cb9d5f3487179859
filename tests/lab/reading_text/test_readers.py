"""Readers learn what differs, and nothing where nothing does."""

import builtins

import numpy as np
import pytest

from subtrait.errors import MissingExtra
from subtrait.lab.reading_text.marks import auroc
from subtrait.lab.reading_text.readers import counts, pooled, trained, trained_on_bags


def texts(count, *, seed, sevens=0.1):
    """Lists of eight numbers of one digit, of which a share is 7."""
    rng = np.random.default_rng(seed)
    drawn = np.where(rng.random((count, 8)) < sevens, 7, rng.integers(0, 7, (count, 8)))
    return [", ".join(map(str, row)) for row in drawn]


def test_every_run_is_counted_once_where_it_stands():
    counted = counts(["1, 1"], longest=2)
    # Marked, the text has 6 characters: 6 runs of one, of which "1" twice, and 5 of two.
    assert counted.sum() == 6 + 5
    assert sorted(counted.data) == [1.0] * 9 + [2.0]


def test_beginning_and_end_are_seen():
    a, b = (counts([text], longest=2).toarray() for text in ("12, 21", "21, 12"))
    assert not np.array_equal(a, b)
    assert np.array_equal(*(counts([text], longest=1).toarray() for text in ("12, 21", "21, 12")))


def test_a_reader_learns_a_difference_and_ranks_the_first_writer_higher():
    judge = trained(*(counts(texts(300, seed=seed, sevens=p), longest=2) for seed, p in ((1, 0.4), (2, 0.1))))
    first, second = (
        judge.scores(counts(texts(300, seed=seed, sevens=p), longest=2)) for seed, p in ((3, 0.4), (4, 0.1))
    )
    assert auroc(first, second) > 0.85
    assert first.mean() > 0 > second.mean()


def test_where_nothing_differs_a_reader_is_at_chance():
    judge = trained(*(counts(texts(600, seed=seed), longest=3) for seed in (1, 2)))
    first, second = (judge.scores(counts(texts(600, seed=seed), longest=3)) for seed in (3, 4))
    # The standard error of the area under chance is 1 / sqrt(6 x 600), so .017.
    assert auroc(first, second) == pytest.approx(0.5, abs=0.06)


def test_a_reader_of_bags_reads_bags_better_than_their_texts():
    known = [counts(texts(300, seed=seed, sevens=p), longest=2) for seed, p in ((1, 0.2), (2, 0.1))]
    asked = [counts(texts(400, seed=seed, sevens=p), longest=2) for seed, p in ((3, 0.2), (4, 0.1))]
    judge = trained_on_bags(*known, size=20, rng=np.random.default_rng(0))
    bags = np.arange(400).reshape(20, 20)
    assert auroc(*(judge.scores(pooled(each, bags)) for each in asked)) > 0.9
    assert auroc(*(trained(*known).scores(each) for each in asked)) < 0.85


def test_a_bag_counts_as_its_texts_together():
    counted = counts(["1, 2", "3", "2, 2"], longest=2)
    both = pooled(counted, np.array([[0, 2], [1, 0]])).toarray()
    assert np.array_equal(both, np.stack([counted[[0, 2]].toarray().sum(0), counted[[0, 1]].toarray().sum(0)]))


def test_equal_texts_make_equal_readers():
    known = [counts(texts(50, seed=seed, sevens=p), longest=2) for seed, p in ((1, 0.4), (2, 0.1))]
    scores = [trained_on_bags(*known, size=5, rng=np.random.default_rng(3)).scores(known[0]) for _ in range(2)]
    assert np.array_equal(*scores)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **options):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'subtrait\[digits\]'"):
        counts(["1"], longest=1)
