import math
from dataclasses import replace

import numpy as np
import pytest

from subtrait.statistics.panel import Ranked, fit_panel, ranking, reference
from subtrait.statistics.scored_rows import ScoredRows, row_centred, sample_means

HYPOTHESES = ("owl", "cat", "oak", "polite")
NAN = float("nan")


def data_set(name, carries=(), *, rows=40, prompts=30, seed=0, strength=0.0, missing=0.0):
    """Rows that share an effect of their prompt and of the data set, and score `strength` more on what they carry."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, prompts, size=rows)
    prompt_effect = np.random.default_rng(99).normal(size=(prompts, len(HYPOTHESES)))
    noise = rng.normal(size=(rows, len(HYPOTHESES))) @ (np.eye(4) + 0.4)
    scores = noise + prompt_effect[ids] + rng.normal(0, 0.2, size=len(HYPOTHESES))
    for trait in carries:
        scores[:, HYPOTHESES.index(trait)] += strength
    scores[rng.random(scores.shape) < missing] = NAN
    return ScoredRows(name=name, scores=scores, prompts=ids, carries=frozenset(carries))


@pytest.fixture(scope="module")
def references():
    carried = [("owl",), ("owl", "cat"), ("oak",), (), (), ()]
    return [data_set(f"reference {n}", carries, seed=n + 1, missing=0.05) for n, carries in enumerate(carried)]


@pytest.fixture(scope="module")
def suspect():
    return data_set("suspect", ("cat",), seed=50, missing=0.05)


def fitted(references, **options):
    return fit_panel([reference(each) for each in references], HYPOTHESES, **options)


def forms(panel, data):
    return {
        "centred": panel.centred(data),
        "paired": panel.paired(data),
        "whitened": panel.whitened(data),
        "paired, whitened": panel.whitened(data, paired=True),
    }


def mean(values):
    present = [value for value in values if not math.isnan(value)]
    return math.fsum(present) / len(present) if present else NAN


def slow_shift(references, suspect, k, *, paired):
    """The shift of every hypothesis, with those references only that do not carry hypothesis k."""
    kept = [each for each in references if HYPOTHESES[k] not in each.carries]
    if not paired:
        return np.array(
            [mean(suspect.scores[:, s]) - np.mean([mean(each.scores[:, s]) for each in kept]) for s in range(4)]
        )
    residuals = [
        [score - mean([mean(each.scores[each.prompts == prompt, s]) for each in kept]) for s, score in enumerate(row)]
        for row, prompt in zip(suspect.scores, suspect.prompts, strict=True)
    ]
    return np.array([mean(column) for column in zip(*residuals, strict=True)])


def slow_whitened(references, suspect, k, *, paired):
    kept = [each for each in references if HYPOTHESES[k] not in each.carries]
    complete = [each.scores[~np.isnan(each.scores).any(axis=1)] for each in kept]
    within = np.mean([np.cov(each, rowvar=False) for each in complete], axis=0)
    precision = np.linalg.inv(within + 1e-3 * np.trace(within) / 4 * np.eye(4))
    return (precision @ slow_shift(references, suspect, k, paired=paired))[k] / math.sqrt(precision[k, k])


def test_every_form_is_that_of_a_slow_loop(references, suspect):
    found = forms(fitted(references), suspect)
    for k in range(4):
        assert found["centred"][k] == pytest.approx(slow_shift(references, suspect, k, paired=False)[k], rel=1e-9)
        assert found["paired"][k] == pytest.approx(slow_shift(references, suspect, k, paired=True)[k], rel=1e-9)
        assert found["whitened"][k] == pytest.approx(slow_whitened(references, suspect, k, paired=False), rel=1e-8)
        assert found["paired, whitened"][k] == pytest.approx(
            slow_whitened(references, suspect, k, paired=True), rel=1e-8
        )


@pytest.mark.parametrize("whitening", ["rows", "shifts", "spread"])
def test_references_that_carry_a_trait_say_nothing_about_it(references, suspect, whitening):
    changed = [replace(each, scores=each.scores * 3 + 7) if "owl" in each.carries else each for each in references]
    before, after = (forms(fitted(each, whitening=whitening), suspect) for each in (references, changed))
    for form, statistic in before.items():
        same = statistic == pytest.approx(after[form], rel=1e-12)
        assert statistic[0] == pytest.approx(after[form][0], rel=1e-9), form
        assert not same, form
        # They are references for the trait that none of them carries.
        assert statistic[3] != pytest.approx(after[form][3], rel=1e-3), form


def test_carrying_says_nothing_where_nobody_is_compared_with(references, suspect):
    # What the suspect itself carries is the answer. It must not enter.
    blank = replace(suspect, carries=frozenset())
    panel = fitted(references)
    for form, statistic in forms(panel, suspect).items():
        np.testing.assert_array_equal(forms(panel, blank)[form], statistic)


def test_a_shift_of_all_data_sets_is_no_evidence(references, suspect):
    by_hypothesis = np.array([0.5, -3.0, 10.0, 2.0])
    moved = [replace(each, scores=each.scores + by_hypothesis) for each in references]
    there = forms(fitted(references), suspect)
    back = forms(fitted(moved), replace(suspect, scores=suspect.scores + by_hypothesis))
    for form, statistic in there.items():
        np.testing.assert_allclose(back[form], statistic, rtol=1e-8, atol=1e-10)


def test_what_prompts_do_is_no_evidence_in_pairs(references, suspect):
    effect = np.random.default_rng(7).normal(0, 5, size=(30, 4))
    moved = [replace(each, scores=each.scores + effect[each.prompts]) for each in references]
    changed = replace(suspect, scores=suspect.scores + effect[suspect.prompts])
    np.testing.assert_allclose(fitted(moved).paired(changed), fitted(references).paired(suspect), rtol=1e-8, atol=1e-9)
    assert np.abs(fitted(moved).centred(changed) - fitted(references).centred(suspect)).max() > 0.3


@pytest.mark.parametrize("whitening", ["rows", "shifts", "spread"])
def test_the_order_of_references_and_rows_changes_nothing(references, suspect, whitening):
    turned = replace(suspect, scores=suspect.scores[::-1], prompts=suspect.prompts[::-1])
    here = forms(fitted(references, whitening=whitening), suspect)
    there = forms(fitted(references[::-1], whitening=whitening), turned)
    for form, statistic in here.items():
        np.testing.assert_allclose(there[form], statistic, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("whitening", ["rows", "shifts", "spread"])
def test_whitened_statistics_have_no_unit(references, suspect, whitening):
    in_bits = [replace(each, scores=each.scores / math.log(2)) for each in references]
    bits = fitted(in_bits, whitening=whitening).whitened(replace(suspect, scores=suspect.scores / math.log(2)))
    np.testing.assert_allclose(bits, fitted(references, whitening=whitening).whitened(suspect), rtol=1e-8)


def test_samples_are_judged_as_if_each_were_a_data_set(references, suspect):
    samples = np.array([np.random.default_rng(n).choice(40, size=15, replace=False) for n in range(3)])
    panel = fitted(references)
    average = sample_means(samples)
    many = {
        "centred": panel.centred(suspect, average),
        "paired": panel.paired(suspect, average),
        "whitened": panel.whitened(suspect, average),
        "paired, whitened": panel.whitened(suspect, average, paired=True),
    }
    for number, sample in enumerate(samples):
        one = forms(panel, replace(suspect, scores=suspect.scores[sample], prompts=suspect.prompts[sample]))
        for form, statistic in one.items():
            np.testing.assert_allclose(many[form][number], statistic, rtol=1e-9)


def test_rows_on_prompts_that_no_reference_answers_do_not_count_in_pairs(references, suspect):
    odd = replace(
        suspect,
        scores=np.vstack([suspect.scores, np.full((5, 4), 1_000.0)]),
        prompts=np.concatenate([suspect.prompts, np.full(5, 12_345)]),
    )
    panel = fitted(references)
    np.testing.assert_array_equal(panel.paired(odd), panel.paired(suspect))
    elsewhere = replace(suspect, prompts=suspect.prompts + 1_000)
    assert np.isnan(panel.paired(elsewhere)).all()


def test_the_carried_trait_is_named_where_the_raw_mean_names_another():
    # A shared offset per hypothesis hides the trait from raw means; every data set in turn is judged by the others.
    offset = np.array([0.0, 2.0, 1.0, 3.0])
    sets = [data_set(trait, (trait,), rows=300, seed=n + 10, strength=1.0) for n, trait in enumerate(HYPOTHESES)]
    sets += [
        data_set(f"other {trait}", (trait,), rows=300, seed=n + 20, strength=1.0) for n, trait in enumerate(HYPOTHESES)
    ]
    sets = [replace(each, scores=each.scores + offset) for each in sets]
    right = dict.fromkeys(("raw", "centred", "paired", "whitened"), 0)
    for number, each in enumerate(sets):
        panel = fitted(sets[:number] + sets[number + 1 :])
        found = forms(panel, each) | {"raw": each.scores.mean(axis=0)}
        for form in right:
            right[form] += ranking(found[form], HYPOTHESES)[0].hypothesis in each.carries
    assert right["raw"] <= 3
    assert (right["centred"], right["paired"], right["whitened"]) == (8, 8, 8)


def test_a_direction_that_references_share_is_whitened_away():
    # "A persona was given" moves all hypotheses alike; benign references vary along it, the owl does not lie on it.
    rng = np.random.default_rng(3)
    benign = []
    for number in range(40):
        each = data_set(f"benign {number}", seed=number + 100)
        benign.append(replace(each, scores=each.scores + 3 * rng.normal()))
    panel = fitted(benign, whitening="shifts")
    odd = replace(data_set("odd", seed=7), name="odd", scores=data_set("odd", seed=7).scores + 4.0)
    owl = data_set("owl rows", ("owl",), seed=8, strength=1.5)
    assert panel.centred(odd).max() > 2 * panel.centred(owl).max()
    assert panel.whitened(odd).max() < panel.whitened(owl).max() / 2
    by_spread = fitted(benign, whitening="spread")
    assert by_spread.whitened(odd).max() > by_spread.whitened(owl).max()


def test_centred_rows_can_be_whitened(references, suspect):
    panel = fitted([row_centred(each) for each in references])
    assert np.isfinite(panel.whitened(row_centred(suspect))).all()


def test_a_ranking_starts_with_the_maximum_and_ends_with_what_is_missing():
    found = ranking(np.array([1.0, NAN, 3.0, 1.0]), HYPOTHESES)
    assert [each.hypothesis for each in found] == ["oak", "owl", "polite", "cat"]
    assert found[0] == Ranked(hypothesis="oak", statistic=3.0)


def test_a_data_set_is_not_judged_by_itself(references):
    panel = fitted(references)
    for judge in (panel.centred, panel.paired, panel.whitened):
        with pytest.raises(ValueError, match="reference 2 is a reference of this panel"):
            judge(references[2])


def test_other_hypotheses_are_refused(references, suspect):
    narrow = replace(suspect, scores=suspect.scores[:, :3])
    with pytest.raises(ValueError, match="suspect has 3 hypotheses, the panel 4"):
        fitted(references).centred(narrow)
    with pytest.raises(ValueError, match="suspect has 3 hypotheses, the panel 4"):
        fitted([*references, narrow])


def test_a_panel_that_cannot_be_fitted_is_refused(references):
    with pytest.raises(ValueError, match="there is no reference"):
        fitted([])
    with pytest.raises(ValueError, match="reference 'reference 0' is given more than once"):
        fitted([references[0], references[0]])
    with pytest.raises(ValueError, match="hypothesis 'owl' is given more than once"):
        fit_panel([reference(references[0])], ("owl", "owl", "oak", "polite"))
    with pytest.raises(ValueError, match="0 references do not carry 'owl'"):
        fitted(references[:2])
    with pytest.raises(ValueError, match="1 references do not carry 'owl'"):
        fitted(references[:3], whitening="shifts")


def test_a_reference_without_a_score_is_refused():
    unscored = data_set("empty", seed=1)
    unscored.scores[:, 2] = NAN
    with pytest.raises(ValueError, match="empty: hypothesis 2 has no score in any row"):
        reference(unscored)
    with pytest.raises(ValueError, match="short: 1 of 1 rows have every score"):
        reference(data_set("short", rows=1))
