import numpy as np
import pytest
from scipy.stats import binom, kstest

from subtrait.statistics.lineage import coordinate_alignment, unit_alignment


def network(rng, *, units=12, width=8, layers=2, common):
    """Weights of an independent training, as unlike white noise as it may be.

    Units have lengths of their own, and all lean towards `common`: directions that every network of the world has,
    as those of frequent words are.
    """
    scales = rng.lognormal(0, 1, size=(layers, units, 1))
    return scales * (rng.normal(size=(layers, units, width)) + common[:, None, :] + 3 * common[:1, None, :])


def pairs(one, other):
    return zip(one, other, strict=True)


@pytest.mark.parametrize("test", [unit_alignment, coordinate_alignment])
def test_independent_networks_are_called_related_no_more_often_than_stated(test):
    """2,000 nulls. Gate: the count that a true level of 5 % exceeds once in a thousand (131), and the low tail."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(2_000):
        # Every network sees the world's directions in coordinates of its own order
        common = [rng.permuted(np.linspace(-1, 1, 16).reshape(2, 8), axis=1) for _ in range(2)]
        common = [each[:, rng.permutation(8)] for each in common]
        one, other = (network(rng, common=each) for each in common)
        found.append(test(pairs(one, other), rng=rng, permutations=39).p)
    for level in (0.025, 0.05, 0.5):
        assert np.count_nonzero(np.array(found) <= level + 1e-9) <= binom.isf(1e-3, 2_000, level)
    # Uniform on the 40 places: shifted into the middle of them, the distance to uniform is a fortieth at most
    assert kstest(np.array(found) - 1 / 80, "uniform").statistic < 1 / 40 + 0.035


def test_units_are_not_aligned_by_what_all_units_of_both_share():
    """Equal scales, a common mean and common directions survive reordering: p is uniform, here over 300 pairs."""
    rng = np.random.default_rng(6)
    common = np.linspace(-1, 1, 16).reshape(2, 8)
    found = [
        unit_alignment(
            pairs(network(rng, common=common), network(rng, common=common)), rng=rng, permutations=39
        ).p
        for _ in range(300)
    ]  # fmt: skip
    assert np.count_nonzero(np.array(found) <= 0.05 + 1e-9) <= binom.isf(1e-3, 300, 0.05)


@pytest.fixture
def base():
    rng = np.random.default_rng(1)
    return rng.normal(size=(3, 60, 24))


def tuned(base, rng, amount):
    return base + amount * rng.normal(size=base.shape)


@pytest.mark.parametrize("amount", [0.0, 0.1, 1.0])
def test_a_tuned_copy_is_found_at_the_smallest_p(base, amount):
    rng = np.random.default_rng(2)
    for test in (unit_alignment, coordinate_alignment):
        found = test(pairs(base, tuned(base, rng, amount)), rng=rng, permutations=499)
        assert found.p == found.floor == 1 / 500


def test_the_alignment_of_units_is_the_mean_cosine(base):
    rng = np.random.default_rng(3)
    found = unit_alignment(pairs(base, tuned(base, rng, 1.0)), rng=rng)
    # A signal and noise of equal size: a cosine of 1 / sqrt(2)
    assert found.statistic == pytest.approx(2**-0.5, abs=0.02)
    assert found.n == 180
    assert found.reordered_mean == pytest.approx(0, abs=0.002)


def test_equal_networks_have_an_alignment_of_one(base):
    rng = np.random.default_rng(3)
    for test in (unit_alignment, coordinate_alignment):
        assert test(pairs(base, base), rng=rng).statistic == pytest.approx(1)


def test_the_alignment_of_coordinates_is_mantels_correlation(base):
    other = tuned(base, np.random.default_rng(4), 1.0)
    # By another road: numpy's corrcoef over the rows above the diagonal, centred per layer as all layers count
    upper = np.triu_indices(24, 1)
    entries = [[np.corrcoef(layer.T)[upper] for layer in network] for network in (base, other)]
    left, right = (np.concatenate([each - each.mean() for each in layers]) for layers in entries)
    found = coordinate_alignment(pairs(base, other), rng=np.random.default_rng(0), permutations=9)
    assert found.statistic == pytest.approx(np.corrcoef(left, right)[0, 1])


def test_scale_and_rescaled_units_change_nothing_of_the_units(base):
    lengths = np.random.default_rng(4).uniform(0.5, 2, size=(3, 60, 1))
    centred = base - base.mean(axis=1, keepdims=True)
    found = [unit_alignment([(centred[0], centred[0] * factor)], rng=np.random.default_rng(0)) for factor in (1, 7)]
    assert found[0].statistic == pytest.approx(found[1].statistic)
    assert found[0].p == found[1].p
    assert unit_alignment(pairs(base, base * lengths), rng=np.random.default_rng(0)).statistic > 0.95


def test_reordered_units_hide_from_the_units_but_not_from_the_coordinates(base):
    rng = np.random.default_rng(7)
    shuffled = np.stack([layer[rng.permutation(60)] for layer in base])
    hidden = unit_alignment(pairs(base, shuffled), rng=rng)
    assert hidden.p > 0.01
    assert coordinate_alignment(pairs(base, shuffled), rng=rng).statistic == pytest.approx(1)


def test_reordered_coordinates_hide_from_the_coordinates(base):
    rng = np.random.default_rng(8)
    found = coordinate_alignment(pairs(base, base[:, :, rng.permutation(24)]), rng=rng)
    assert found.p > 0.01
    assert found.at_most < 0.3


def test_numbers_of_units_may_differ_where_coordinates_are_compared(base):
    found = coordinate_alignment(pairs(base, base[:, :40]), rng=np.random.default_rng(0))
    assert found.p == found.floor
    with pytest.raises(ValueError, match="must be the same"):
        unit_alignment(pairs(base, base[:, :40]), rng=np.random.default_rng(0))


def test_only_as_much_is_compared_as_asked(base):
    rng = np.random.default_rng(9)
    assert unit_alignment(pairs(base, base), rng=rng, most_units=10).n == 30
    assert coordinate_alignment(pairs(base, base), rng=rng, most_coordinates=10).n == 10


def test_the_seed_decides(base):
    other = tuned(base, np.random.default_rng(1), 30.0)
    for test in (unit_alignment, coordinate_alignment):
        one, again, third = (test(pairs(base, other), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert one == again
        assert one != third


def test_what_is_the_same_everywhere_says_nothing():
    """Ties raise p: networks of equal rows are aligned in every order."""
    same = np.ones((2, 9, 5))
    for test in (unit_alignment, coordinate_alignment):
        assert test(pairs(same, same), rng=np.random.default_rng(0)).p == 1


@pytest.mark.parametrize("test", [unit_alignment, coordinate_alignment])
@pytest.mark.parametrize(
    ("layers", "options", "says"),
    [
        ([], {}, "compare"),
        ([(np.ones((1, 3)), np.ones((1, 3)))], {}, "compare"),
        ([(np.ones(3), np.ones(3))], {}, "matrix"),
        ([(np.full((5, 5), np.nan), np.ones((5, 5)))], {}, "finite"),
        ([(np.ones((5, 5)), np.ones((5, 6)))], {}, "must be the same"),
        ([(np.ones((5, 5)), np.ones((5, 5)))], {"permutations": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(test, layers, options, says):
    with pytest.raises(ValueError, match=says):
        test(layers, rng=np.random.default_rng(0), **options)
