import math
from itertools import product

import numpy as np
import pytest

from subtrait.statistics.eprocess import EProcess, betting, enlarged_null, likelihood_ratio, smallest

GATE = 131
"""The largest number of 2,000 tests that may reject at 5 %: the 99.9 % quantile of Bin(2000, 0.05)."""

NULL = np.array([0.5, 0.3, 0.2])
ALTERNATIVES = np.array([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]])
"""Laws of one row over three completions."""


def ratio_of(outcomes, null=NULL, **options):
    outcomes = np.array(outcomes)
    with np.errstate(divide="ignore"):
        return likelihood_ratio(np.log(ALTERNATIVES[:, outcomes].T), np.log(null[outcomes]), **options)


def expectation(law, length, value):
    """The exact mean of `value` over all sequences of completions from `law`."""
    return math.fsum(
        math.prod(law[k] for k in outcomes) * value(outcomes) for outcomes in product(range(3), repeat=length)
    )


def stopping_rules(log_e):
    """e where each of several gamblers stops: p-hackers, impatient ones, and one who knows the future."""
    e = np.exp(log_e)
    crossed = np.flatnonzero(e >= 20)
    doubled = np.flatnonzero(e >= 2)
    fallen = np.flatnonzero(e <= 0.5)
    return {
        "first crossing": e[crossed[0]] if crossed.size else e[-1],
        "fixed number of rows": e[-1],
        "early": e[9],
        "when it doubled, then ten more": e[min(doubled[0] + 10, e.size - 1)] if doubled.size else e[-1],
        "when it fell": e[fallen[0]] if fallen.size else e[-1],
        "the best of all rows": e.max(),
    }


def rejections(processes):
    counts = {}
    for each in processes:
        for rule, e in stopping_rules(each.log_e).items():
            counts[rule] = counts.get(rule, 0) + (e >= 20)
    return counts


def test_the_ratio_is_that_of_a_slow_product():
    outcomes, weights, stake = [2, 0, 1, 2, 2], [0.3, 0.7], 0.9
    slow = [
        sum(
            weight * math.prod(1 - stake + stake * law[k] / NULL[k] for k in outcomes[:rows])
            for weight, law in zip(weights, ALTERNATIVES, strict=True)
        )
        for rows in range(1, 6)
    ]
    found = ratio_of(outcomes, weights=weights, stake=stake)
    np.testing.assert_allclose(np.exp(found.log_e), slow, rtol=1e-12)
    assert found.p == pytest.approx(1 / max(*slow, 1))


@pytest.mark.parametrize("stake", [0.5, 0.99, 1.0])
def test_under_the_null_the_mean_of_e_is_exactly_one(stake):
    for rows in (1, 2, 5):
        mean = expectation(
            NULL, 5, lambda outcomes, rows=rows: math.exp(ratio_of(outcomes, stake=stake).log_e[rows - 1])
        )
        assert mean == pytest.approx(1, rel=1e-9)


def test_a_filter_is_paid_for_with_its_acceptance_rates():
    # Completion 0 never passes. Kept rows follow the null given that they pass; Z is the share that passes.
    kept = NULL * [0, 1, 1] / NULL[1:].sum()
    corrections = [math.log(NULL[1:].sum() / law[1:].sum()) for law in ALTERNATIVES]
    paid = expectation(kept, 4, lambda outcomes: math.exp(ratio_of(outcomes, log_acceptance=corrections).log_e[-1]))
    unpaid = expectation(kept, 4, lambda outcomes: math.exp(ratio_of(outcomes).log_e[-1]))
    assert paid == pytest.approx(1, rel=1e-9)
    assert unpaid > 2
    # A lower bound of the correction only loses evidence.
    lower = [each - 0.1 for each in corrections]
    assert expectation(kept, 4, lambda o: math.exp(ratio_of(o, log_acceptance=lower).log_e[-1])) < 1


def test_a_truncated_null_is_enlarged_and_never_gives_more_than_one():
    truncated = np.array([0.625, 0.375, 0.0])
    with np.errstate(divide="ignore"):
        enlarged = np.exp(enlarged_null(np.log(truncated), np.log(NULL), slack=0.01))
    np.testing.assert_allclose(enlarged, truncated + 0.01 / 0.99 * NULL, rtol=1e-12)
    # All on the second alternative, which stays within the null's set: nothing but the enlargement is lost.
    mean = expectation(truncated, 4, lambda o: math.exp(ratio_of(o, null=enlarged, weights=[0, 1]).log_e[-1]))
    assert 0.95 < mean < 1
    assert math.isfinite(ratio_of([2, 2, 2], null=enlarged).log_e[-1])


def test_one_impossible_row_does_not_end_the_bet():
    # The second alternative holds completion 2 impossible; with everything staked it is gone for good.
    all_in = ratio_of([2, 0, 0], weights=[0, 1], stake=1.0)
    assert all_in.log_e.tolist() == [-math.inf] * 3
    assert (all_in.log_maximum, all_in.p) == (0.0, 1.0)
    assert ratio_of([2, 0, 0], weights=[0, 1]).log_e[0] == pytest.approx(math.log(0.01))


def test_declared_rows_are_rejected_no_more_often_than_the_level_however_one_stops():
    rng = np.random.default_rng(1)
    shifts = np.array([0.15, 0.3, -0.3])

    def null_run():
        rows = rng.normal(size=200)
        return likelihood_ratio(-0.5 * (rows[:, None] - shifts) ** 2, -0.5 * rows**2)

    counts = rejections(null_run() for _ in range(2_000))
    assert len(counts) == 6
    assert max(counts.values()) <= GATE
    assert counts["the best of all rows"] > 20


def test_rows_from_an_alternative_are_found_and_the_rows_needed_are_said():
    rng = np.random.default_rng(2)
    rows = rng.normal(0.3, 1, size=1_000)
    found = likelihood_ratio(-0.5 * (rows[:, None] - [0.3, -0.3]) ** 2, -0.5 * rows**2)
    # It grows by half the squared shift a row: 45 nats, minus log 2 for the weight; standard deviation 0.3 √1000 = 9.5.
    assert found.log_e[-1] == pytest.approx(44, abs=4 * 9.5)
    needed = found.rows_to(0.01)
    assert found.log_e[needed - 1] >= math.log(100) > found.log_e[needed - 2]
    assert found.p < 1e-6


def test_the_rows_needed_are_unknown_where_the_level_is_never_reached():
    assert EProcess(log_e=np.array([0.5, -1.0])).rows_to(0.05) is None
    assert EProcess(log_e=np.array([0.0, math.log(20)])).rows_to(0.05) == 2


def slow_betting(differences, scale):
    wealth, total, squares, path = 1.0, 0.0, 1.0, []
    for number, difference in enumerate(differences, start=1):
        bet = min(max(total / number / (squares / number), 0.0), 0.5)
        gain = math.tanh(difference / scale)
        wealth *= 1 + bet * gain
        total, squares = total + gain, squares + gain**2
        path.append(wealth)
    return path


def test_bets_are_those_of_a_slow_gambler():
    differences = np.random.default_rng(3).normal(0.3, 1, size=60)
    np.testing.assert_allclose(np.exp(betting(differences, scale=0.7).log_e), slow_betting(differences, 0.7), rtol=1e-9)


def test_the_wealth_of_a_panel_is_the_mean_over_its_hypotheses():
    differences = np.random.default_rng(4).normal(0.2, 1, size=(30, 3))
    each = [np.exp(betting(column, scale=1.0).log_e) for column in differences.T]
    np.testing.assert_allclose(np.exp(betting(differences, scale=1.0).log_e), np.mean(each, axis=0), rtol=1e-9)


def test_over_all_signs_the_mean_wealth_is_exactly_one():
    # Exchangeable pairs: every difference could as well have had the other sign.
    sizes = np.array([0.1, 2.0, 0.0, 0.7, 5.0, 0.3, 1.0])
    for rows in (3, 7):
        ends = [math.exp(betting(np.array(s) * sizes, scale=0.5).log_e[rows - 1]) for s in product((-1, 1), repeat=7)]
        assert np.mean(ends) == pytest.approx(1, rel=1e-12)


def test_a_bet_does_not_know_the_rows_to_come():
    differences = np.random.default_rng(5).normal(0.3, 1, size=20)
    changed = differences.copy()
    changed[12:] = -9.0
    there, back = betting(differences, scale=1.0).log_e, betting(changed, scale=1.0).log_e
    assert there[:12].tolist() == back[:12].tolist()
    assert there[12] != back[12]


def test_a_missing_pair_is_no_bet():
    differences = np.array([1.0, 1.0, np.nan, 1.0])
    found = betting(differences, scale=1.0).log_e
    assert found[2] == found[1] < found[3]


@pytest.mark.parametrize("columns", [1, 4])
def test_exchangeable_pairs_are_rejected_no_more_often_than_the_level_however_one_stops(columns):
    # Heavy tails, spreads that differ from pair to pair, and hypotheses that go together.
    rng = np.random.default_rng(6 + columns)
    spreads = rng.uniform(0.1, 3, size=(200, 1))

    def null_run():
        shared = rng.standard_t(2, size=(200, 1))
        return betting(spreads * (shared + 0.5 * rng.standard_t(2, size=(200, columns))), scale=1.0)

    counts = rejections(null_run() for _ in range(2_000))
    assert max(counts.values()) <= GATE
    assert counts["the best of all rows"] > 20


def test_a_shift_in_one_hypothesis_of_twenty_is_found():
    rng = np.random.default_rng(8)
    differences = rng.normal(size=(1_000, 20))
    differences[:, 3] += 0.4
    assert betting(differences, scale=1.0).p < 0.001
    assert betting(-differences[:, 3], scale=1.0).p > 0.2


def test_against_one_of_several_references_the_weakest_evidence_counts():
    strong, weak = EProcess(log_e=np.array([1.0, 3.0])), EProcess(log_e=np.array([2.0, 0.5]))
    assert smallest([strong, weak]).log_e.tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: likelihood_ratio(np.zeros(3), np.zeros(3)), r"shape \(3,\)"),
        (lambda: likelihood_ratio(np.zeros((3, 1)), np.zeros(2)), "log_null"),
        (lambda: likelihood_ratio(np.full((1, 1), np.nan), np.zeros(1)), "log_alternative holds NaN"),
        (lambda: likelihood_ratio(np.zeros((2, 1)), np.array([0.0, -np.inf])), r"log_null\[1\] is -inf"),
        (lambda: likelihood_ratio(np.zeros((2, 2)), np.zeros(2), weights=[0.5, 0.6]), "weights sum to 1.1"),
        (lambda: likelihood_ratio(np.zeros((2, 2)), np.zeros(2), weights=[1.0]), "each of 2 alternatives"),
        (lambda: likelihood_ratio(np.zeros((2, 1)), np.zeros(2), stake=0.0), "stake is 0.0"),
        (lambda: enlarged_null(np.zeros(1), np.zeros(1), slack=0.0), "slack is 0.0"),
        (lambda: betting(np.zeros(0), scale=1.0), r"shape \(0,\)"),
        (lambda: betting(np.array([np.inf]), scale=1.0), "finite"),
        (lambda: betting(np.zeros(3), scale=0.0), "scale is 0.0"),
        (lambda: smallest([]), "at least one"),
        (lambda: smallest([EProcess(log_e=np.zeros(1)), EProcess(log_e=np.zeros(2))]), r"\[1, 2\] rows"),
    ],
)
def test_what_cannot_be_bet_on_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
