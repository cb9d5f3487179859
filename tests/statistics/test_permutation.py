from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtrait.statistics.permutation import paired_permutation

# Darwin's maize: crossed minus self-fertilised, eighths of an inch, 15 pairs (Fisher 1935, The Design of Experiments).
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]

# The largest number of 2,000 tests that may reject at 5 %: the 99.9 % quantile of Bin(2000, 0.05).
GATE = 131

sizes = st.lists(st.integers(-20, 20), min_size=1, max_size=7)


def outcome(differences, alternative="two-sided", max_permutations=9_999, seed=0):
    rng = np.random.default_rng(seed)
    return paired_permutation(differences, rng=rng, max_permutations=max_permutations, alternative=alternative)


class Untouchable:
    """Stands where a generator goes and fails on any use."""

    def __getattr__(self, name):
        raise AssertionError(f"rng.{name} was used")


@pytest.mark.parametrize(
    ("differences", "greater", "two_sided"),
    [
        # Three students: the eight sums of +-1 +-2 +-3 are 6 4 2 0 0 -2 -4 -6.
        ([1, 2, 3], 1 / 8, 2 / 8),
        ([1, -2, 3], 3 / 8, 6 / 8),
        ([-1, -2, -3], 8 / 8, 2 / 8),
        # Five: a sum of +-1 .. +-5 is 15 - 2 (what is flipped). At least 5 means at most 5 flipped: the subsets
        # of {1..5} with sum at most 5 are {} 1 2 3 4 5 12 13 14 23, ten of 32.
        ([1, 2, 3, 4, -5], 10 / 32, 20 / 32),
        ([1, 2, 3, 4, 5], 1 / 32, 2 / 32),
        # A zero doubles every count; equal sizes tie.
        ([0, 1, 1], 2 / 8, 4 / 8),
        ([0, 0, 0], 8 / 8, 8 / 8),
        ([1], 1 / 2, 2 / 2),
    ],
)
@pytest.mark.parametrize("scale", [1, 0.1, 1 / 3, 1e-4])
def test_p_is_the_share_of_sign_patterns_counted_by_hand(differences, greater, two_sided, scale):
    scaled = [difference * scale for difference in differences]
    assert outcome(scaled, "greater").p == greater
    assert outcome(scaled).p == two_sided


def test_fishers_maize_gives_fishers_count():
    # Fisher counts 863 of the 32,768 totals at or above the observed 314, hence 5.267 % on both sides.
    one = outcome(MAIZE, "greater", 32_767)
    both = outcome(MAIZE, "two-sided", 32_767)
    assert (one.p, both.p) == (863 / 32_768, 1_726 / 32_768)
    assert (one.exact, one.permutations, one.statistic) == (True, 32_768, 314 / 15)


def test_drawn_patterns_agree_with_the_full_count():
    # 9,999 draws have a standard error of 0.0022 about 0.0527.
    drawn = outcome(MAIZE)
    assert (drawn.exact, drawn.permutations, drawn.floor) == (False, 10_000, 1e-4)
    assert drawn.p == pytest.approx(1_726 / 32_768, abs=4 * 0.0022)
    assert outcome(MAIZE, "greater").p == pytest.approx(863 / 32_768, abs=4 * 0.0016)


def test_draws_go_beyond_one_block():
    # 30,000 draws are three blocks; the standard error is 0.0013.
    drawn = outcome(MAIZE, max_permutations=30_000)
    assert drawn.permutations == 30_001
    assert drawn.p == pytest.approx(1_726 / 32_768, abs=4 * 0.0013)


@pytest.mark.parametrize(
    ("students", "two_sided", "greater"), [(1, 1, 0.5), (5, 0.0625, 0.03125), (8, 2 / 256, 1 / 256)]
)
def test_the_floor_is_what_perfect_agreement_reaches(students, two_sided, greater):
    agreement = [0.01 * (student + 1) for student in range(students)]
    for alternative, floor in (("two-sided", two_sided), ("greater", greater)):
        test = outcome(agreement, alternative)
        assert test.p == test.floor == floor
        assert (test.exact, test.permutations) == (True, 2**students)


def test_counting_is_exact_up_to_the_limit_and_drawn_beyond_it():
    assert outcome([1.0] * 5, max_permutations=31).exact
    assert not outcome([1.0] * 5, max_permutations=30).exact
    assert outcome([1.0] * 13).exact
    assert not outcome([1.0] * 14).exact


def test_exact_counting_needs_no_randomness():
    assert paired_permutation([1.0, 2.0, -0.5], rng=Untouchable()).exact


@pytest.mark.parametrize("max_permutations", [1, 19, 99, 999])
@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
def test_drawn_p_is_never_zero(max_permutations, alternative):
    # With 40 students a drawn pattern ties with full agreement once in 5e11 times, so no draw is as extreme.
    test = outcome([0.1] * 40, alternative, max_permutations)
    assert test.p == test.floor == 1 / (max_permutations + 1)


def test_the_same_seed_gives_the_same_p():
    noisy = np.random.default_rng(5).normal(0.2, 1, size=30)
    assert outcome(noisy, seed=3) == outcome(noisy, seed=3)
    assert len({outcome(noisy, seed=seed).p for seed in range(5)}) > 1


def test_equal_arms_with_rounding_noise_are_no_evidence():
    noise = [0.1 + 0.2 - 0.3, 0.7 - 0.1 - 0.6, 1e-17, 2e-17]
    assert outcome(noise).p == 1
    assert outcome(noise, "greater").p == 1


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@given(magnitudes=st.lists(st.integers(0, 9), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_over_all_sign_patterns_p_keeps_its_size_exactly(alternative, magnitudes):
    signs = product((-1, 1), repeat=len(magnitudes))
    ps = np.array([outcome(np.multiply(sign, magnitudes) * 0.1, alternative).p for sign in signs])
    for alpha in np.unique(ps):
        # Equality: the exact test spends all of every level that it can reach.
        assert np.mean(ps <= alpha) == alpha


@given(sizes, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_students_changes_nothing(differences, random):
    shuffled = random.sample(differences, len(differences))
    for alternative in ("two-sided", "greater"):
        assert outcome(np.multiply(shuffled, 0.1), alternative) == outcome(np.multiply(differences, 0.1), alternative)


@given(sizes)
@settings(deadline=None)
def test_swapping_the_arms_leaves_the_two_sided_p(differences):
    there, back = outcome(differences), outcome(np.negative(differences))
    assert back.p == there.p
    assert back.statistic == -there.statistic


@given(sizes)
@settings(deadline=None)
def test_the_two_directions_cover_every_pattern(differences):
    there, back = outcome(differences, "greater"), outcome(np.negative(differences), "greater")
    assert there.p + back.p >= 1
    assert min(there.p, back.p) * 2 >= outcome(differences).p - 1e-12


def test_equal_arms_are_told_apart_in_at_most_five_per_cent(simulate):
    # The two-sided floor of five students is 0.0625, so this needs eight.
    null = simulate(2_000, students=8, seed=1)
    rejections = sum(outcome(differences).p <= 0.05 for differences in null.differences)
    assert 50 <= rejections <= GATE


@pytest.mark.parametrize("max_permutations", [99, 999])
def test_drawing_patterns_keeps_the_size(simulate, max_permutations):
    null = simulate(2_000, students=20, seed=4)
    rng = np.random.default_rng(6)
    tests = [paired_permutation(row, rng=rng, max_permutations=max_permutations) for row in null.differences]
    assert not any(test.exact for test in tests)
    assert 50 <= sum(test.p <= 0.05 for test in tests) <= GATE


def test_a_true_effect_is_found(simulate):
    found = simulate(500, students=8, seed=2, effect=True)
    assert sum(outcome(differences).p <= 0.05 for differences in found.differences) >= 250


@pytest.mark.parametrize(
    ("differences", "options", "message"),
    [
        ([], {}, r"shape \(0,\)"),
        ([[0.1, 0.2]], {}, r"shape \(1, 2\); needed is \(students,\)"),
        ([0.1, float("nan")], {}, r"differences\[1\] is nan"),
        ([float("-inf"), 0.1], {}, r"differences\[0\] is -inf"),
        (["owl"], {}, "must be numbers"),
        ([0.1], {"max_permutations": 0}, "max_permutations is 0"),
        ([0.1], {"alternative": "less"}, "allowed are 'two-sided' and 'greater'"),
    ],
)
def test_what_cannot_be_tested_is_refused(differences, options, message):
    with pytest.raises(ValueError, match=message):
        paired_permutation(differences, rng=np.random.default_rng(0), **options)
