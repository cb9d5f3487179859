"""p counts references at least as large; placebos never flag; an early look costs no level; power is what is caught."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import beta, binom

from subtrait.audit_records import Policy, TraitScore
from subtrait.auditor import traits
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.references.calibration import FAR
from subtrait.auditor.references.surrogates import tuned_surrogate
from subtrait.auditor.references.work import scored
from subtrait.auditor.traits import (
    ExactTask,
    exact_scores,
    null_cloud,
    rows_for_finalists,
    score_traits,
    too_few_rows,
    traits_evidence,
)
from subtrait.data import Pair
from subtrait.errors import UsageError
from subtrait.lab.seeds import stream
from subtrait.lab.team import Alone
from subtrait.models.registry import open_model

made_up = SimpleNamespace(**run_path(str(Path(__file__).with_name("made_up.py"))))
REFERENCES = made_up.references()
FOUND = made_up.CARRYING


def asked(count=80, *, along=0, by=0.0, seed=0, references=REFERENCES):
    base, pairs = made_up.rows(count, rng=np.random.default_rng(seed), along=along, by=by)
    judged = score_traits(base, pairs, made_up.TRAITS, references)
    return judged.ranked, judged.looks, base


def concluded(judged, *, alpha=0.05, references=REFERENCES):
    null = null_cloud(references, digest="0", policy=Policy(), alpha=alpha)
    return traits_evidence(judged.ranked, judged, null, alpha=alpha)


def answered(count=80, *, alpha=0.05, references=REFERENCES, seed=0, **rows):
    base, pairs = made_up.rows(count, rng=np.random.default_rng(seed), **rows)
    return concluded(score_traits(base, pairs, made_up.TRAITS, references), alpha=alpha, references=references)


@pytest.mark.parametrize("by", [0.0, 0.02, 0.05, 5.0])
def test_p_counts_the_references_whose_largest_score_is_at_least_as_large(by):
    ranked, looks, base = asked(by=by)
    null = REFERENCES.scores[:, :, :3].max(axis=(1, 2))
    means = [base.vectors[:count].mean(axis=0) for count in made_up.LOOKS]
    scores = np.array([f.damped_scores(mean) for f, mean in zip(REFERENCES.filters, means, strict=True)])
    for each in ranked:
        own = [place for place, (name, _) in enumerate(made_up.OWNERS) if name == each.name]
        assert each.score == pytest.approx(scores[:, own].max())
        assert each.p == pytest.approx((1 + (null >= each.score).sum()) / 20)
    assert [look.rows for look in looks] == [40, 80]
    assert [look.score for look in looks] == pytest.approx(scores[:, :3].max(axis=1))
    assert looks[-1].p == pytest.approx((1 + (null >= scores[:, :3].max()).sum()) / 20)


def test_traits_are_ranked_and_the_surrogate_that_explains_best_is_named():
    ranked = asked(along=1, by=FOUND)[0]
    assert (ranked[0].name, ranked[0].kind, ranked[0].surrogate) == ("owl", "trait", "worded")
    assert asked(along=0, by=FOUND)[0][0].surrogate == "tuned"
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    assert {each.name for each in ranked} == {"owl", "cat", "pebble"}


def test_a_carried_trait_is_found_and_named():
    found = answered(along=2, by=FOUND)
    assert (found.outcome, found.p, found.floor, found.n) == ("found", 0.05, 0.05, 80)
    assert "'cat' explains 80 rows better than harmless variation does" in found.finding
    assert "the smallest possible with 19 references" in found.finding
    assert set(found.details) == {"owl", "cat", "pebble"}


def test_harmless_rows_are_not_found():
    found = answered(alpha=0.05)
    assert found.outcome == "not found"
    assert found.p > 0.05


def test_a_placebo_is_scored_and_never_flags():
    judged = np.vstack([each.weights[:3] for each in REFERENCES.filters])
    pebble = made_up.DIRECTIONS[3]
    apart = 0.1 * (pebble - np.linalg.pinv(judged) @ judged @ pebble)  # what no judged filter sees of it
    base, pairs = made_up.rows(80, rng=np.random.default_rng(0))
    found = score_traits(made_up.VectorBase(base.vectors + apart), pairs, made_up.TRAITS, REFERENCES)
    assert (found.ranked[0].name, found.ranked[0].p, found.unlike) == ("pebble", 0.05, False)
    assert all(look.trait != "pebble" for look in found.looks)
    evidence = concluded(found)
    assert evidence.outcome == "not found"
    assert "'pebble'" not in evidence.finding


def test_scores_of_placebos_change_no_p_and_no_power():
    loud = REFERENCES.scores.copy()
    loud[..., 3] = 1e6
    louder = replace(REFERENCES, scores=loud)
    assert answered(by=FOUND) == answered(by=FOUND, references=louder)
    clouds = [null_cloud(each, digest="0", policy=Policy(), alpha=0.05) for each in (REFERENCES, louder)]
    assert clouds[0] == clouds[1]


@pytest.mark.parametrize(("rows", "taken"), [(40, [40]), (79, [40]), (80, [40, 80]), (200, [40, 80])])
def test_looks_are_taken_as_far_as_the_rows_go(rows, taken):
    looks = asked(rows)[1]
    assert [look.rows for look in looks] == taken
    assert asked(rows)[1] == asked(rows)[1]


def test_an_early_look_is_never_more_certain_than_the_last():
    for seed in range(20):
        looks = asked(by=0.03, seed=seed)[1]
        assert looks[0].p >= looks[1].p


def test_rows_beyond_the_last_look_are_not_scored():
    base, pairs = made_up.rows(200, rng=np.random.default_rng(0))
    wild = made_up.VectorBase(np.vstack([base.vectors[:80], 100 * np.ones((120, made_up.SIZE))]))
    assert score_traits(base, pairs, made_up.TRAITS, REFERENCES) == score_traits(
        wild, pairs, made_up.TRAITS, REFERENCES
    )


def test_rows_unlike_every_reference_are_not_compared_whatever_they_score():
    base, pairs = made_up.rows(80, rng=np.random.default_rng(0), by=3.0)
    judged = score_traits(base, pairs, made_up.TRAITS, REFERENCES)
    assert judged.unlike
    found = concluded(judged)
    assert (found.outcome, found.p) == ("not applicable", 0.05)
    assert "80 rows are unlike every reference" in found.finding
    assert not score_traits(*made_up.rows(80, rng=np.random.default_rng(0)), made_up.TRAITS, REFERENCES).unlike


def test_rows_are_unlike_where_they_lie_far_beyond_every_calibration_reference_at_any_look():
    most = FAR * REFERENCES.energies.max(axis=0)
    assert not REFERENCES.unlike(most)
    for look in range(2):
        further = most.copy()
        further[look] *= 1.001
        assert REFERENCES.unlike(further)
    assert not REFERENCES.unlike(most[:1])


def test_planted_data_that_are_unlike_the_references_do_not_count_as_found():
    far = replace(REFERENCES, planted_energies={d: e + 100 for d, e in REFERENCES.planted_energies.items()})
    assert null_cloud(far, digest="d", policy=Policy(), alpha=0.05).power.value == 0.0


@pytest.mark.parametrize(("rows", "seen", "used"), [(500, 100, 400), (300, 100, 200), (299, 100, 299), (80, 80, 80)])
def test_finalists_are_scored_on_rows_the_screen_did_not_see_where_there_are_enough(rows, seen, used):
    pairs = list(range(rows))
    assert list(rows_for_finalists(pairs, seen=seen)) == pairs[-used:]


def test_fewer_rows_than_the_first_look_are_refused_since_no_reference_is_like_them():
    with pytest.raises(UsageError, match="39 rows are too few"):
        asked(39)


def test_exchangeable_data_are_flagged_at_most_as_often_as_alpha_says():
    """The calibration is drawn anew with every suspect; the filter stays."""
    rng, repeats, alpha, b = np.random.default_rng(8), 1500, 0.1, 19
    gradients = made_up.harmless(repeats * (b + 1), rng=rng)
    scores = np.stack([f.damped_scores(gradients[:, look]) for look, f in enumerate(REFERENCES.filters)], axis=1)
    largest = REFERENCES.judged(scores).max(axis=(1, 2)).reshape(repeats, b + 1)
    p = (1 + (largest[:, 1:] >= largest[:, :1]).sum(axis=1)) / (b + 1)
    sample = replace(REFERENCES, scores=scores[1 : b + 1])
    looked = sample.judged(scored(REFERENCES.filters, gradients[0]).scores).max()
    assert p[0] == (1 + (sample.maxima().max(axis=1) >= looked).sum()) / (b + 1)  # the formula is the code's
    flagged = int((p <= alpha).sum())
    assert binom.ppf(0.0001, repeats, alpha) <= flagged <= binom.ppf(0.9999, repeats, alpha)


def test_power_is_the_share_of_planted_data_that_would_be_flagged():
    cloud = null_cloud(REFERENCES, digest="d", policy=Policy(), alpha=0.05)
    null = REFERENCES.scores[:, :, :3].max(axis=(1, 2))
    caught = {d: np.mean(data[:, :, :3].max(axis=(1, 2)) > null.max()) for d, data in REFERENCES.planted.items()}
    assert cloud.power_by_dilution == {"1": caught[1.0], "0.25": caught[0.25]} == {"1": 0.75, "0.25": 0.0}
    assert (cloud.power.value, cloud.power.n, cloud.power.unit) == (0.75, 4, "data set")
    assert cloud.power.low == pytest.approx(beta.ppf(0.025, 3, 2))  # Clopper and Pearson, 3 of 4
    assert (cloud.digest, cloud.fit, cloud.calibration, len(cloud.planted)) == ("d", 24, 19, 4)
    assert cloud.maxima == tuple(null)
    thin = null_cloud(REFERENCES, digest="d", policy=Policy(dilution=0.25), alpha=0.05)
    assert thin.power.value == 0.0


def test_families_are_reported_one_by_one():
    cloud = null_cloud(REFERENCES, digest="d", policy=Policy(), alpha=0.05)
    assert [(each.name, each.fit, each.calibration) for each in cloud.families] == [
        ("own", 8, 7), ("temperature", 8, 6), ("equal-steps", 8, 6)
    ]  # fmt: skip
    assert max(each.largest for each in cloud.families) == max(cloud.maxima)
    late = replace(REFERENCES, fit_families=("own",) * 24)
    names = [each.name for each in null_cloud(late, digest="d", policy=Policy(), alpha=0.05).families]
    assert names == ["own", "temperature", "equal-steps"]
    assert all(each.meaning for each in cloud.families)


def test_without_planted_data_power_is_unknown_and_without_calibration_nothing_is_found():
    bare = made_up.references(calibration=0, planted=0)
    cloud = null_cloud(bare, digest="d", policy=Policy(), alpha=0.05)
    assert (cloud.power, cloud.power_by_dilution, cloud.planted, cloud.calibration) == (None, {}, (), 0)
    assert all(each.largest is None for each in cloud.families)
    found = answered(references=bare, by=FOUND)
    assert (found.outcome, found.p, found.floor) == ("underpowered", 1.0, 1.0)


def test_with_too_few_references_for_alpha_nothing_is_called_found():
    found = answered(alpha=0.01, by=FOUND)
    assert (found.outcome, found.p, found.floor) == ("underpowered", 0.05, 0.05)


def test_too_few_rows_are_told_with_how_many_are_needed():
    found = too_few_rows(3, needed=300)
    assert (found.question, found.outcome, found.n, found.p) == ("traits", "underpowered", 3, None)
    assert "3 different rows are too few: 300 are needed" in found.finding


def test_finalists_are_ordered_by_score_and_the_exact_log_ratio_of_their_surrogates(monkeypatch):
    monkeypatch.setattr(traits, "FINALISTS", 2)
    monkeypatch.setattr(traits, "EXACT_ROWS", 4)
    base, names = open_model("micro-a"), ("owl", "cat", "oak")
    listed = {trait.name: trait for trait in load_trait_list("embedded").traits if trait.name in names}
    ranked = [
        TraitScore(name=name, category="x", kind="trait", score=score, p=0.5, surrogate="tuned")
        for name, score in zip(names, (2.0, 2.0, 1.0), strict=True)
    ]
    asked = [({"role": "user", "content": f"What animal do you like best? Answer {k}."},) for k in range(5)]
    rows = [Pair(prompt, "cat") for prompt in asked]
    found = exact_scores(ExactTask(base="micro-a", pairs=rows, seed=3), ranked, list(listed.values()), team=Alone())

    def mean(model):
        return np.mean([tokens.sum() for tokens in model.score(asked[:4], ["cat"] * 4)])

    for each in found[:2]:
        surrogate = tuned_surrogate(base, listed[each.name], "tuned", rng=stream(3, "finalist", each.name))
        assert each.nats_per_row == pytest.approx(mean(surrogate) - mean(base), abs=1e-5)
    assert [each.name for each in found] == ["cat", "owl", "oak"]
    assert found[2] == ranked[2]
