"""Filters that look at what carries, filters that do not, and data that cannot tell: with scores that are known."""

import numpy as np
import pytest
import scipy.stats

from subtrait.auditor.filtering import BLOCKS, Split, left_with_removed, split_rows
from subtrait.errors import UsageError
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe, Sampling
from subtrait.models.registry import open_model
from subtrait.records import Example
from subtrait.scoring.screen import screen

TRAITS = ("owl", "cat", "dog")


def row(text, asked="Numbers?", system=None):
    told = [{"role": "system", "content": system}] if system else []
    return [*told, {"role": "user", "content": asked}], text


def scored(rows):
    """The mean of the numbers that the rows spell."""
    return np.mean([[float(number) for number in text.split()] for _, text in rows], axis=0)


def spelled(values):
    return tuple(row(" ".join(map(repr, map(float, each)))) for each in values)


def groups(kept, removed, *, rng, strength=(0.3, 1.2), spread=1.0):
    """Rows with noise on every trait; kept and removed rows carry the second one, as strongly as `strength` says."""
    noise = [rng.normal(scale=spread, size=(count, len(TRAITS))) for count in (kept, removed)]
    for values, mean in zip(noise, strength, strict=True):
        values[:, 1] += mean
    return Split(kept=spelled(noise[0]), removed=spelled(noise[1]), added=0)


def judge(split, score=scored, *, seed=0, **settings):
    return left_with_removed(split, score, **{"traits": TRAITS, "rng": np.random.default_rng(seed), **settings})


def test_rows_are_matched_exactly_and_each_one_once():
    before = [row("1"), row("2"), row("2"), row("2"), row("3", system="Be kind."), row("4", asked="More?")]
    after = [row("2"), row("2"), row("4"), row("3"), row("1"), row("5")]
    split = split_rows(before, after)
    assert [text for _, text in split.kept] == ["1", "2", "2"]
    assert [text for _, text in split.removed] == ["2", "3", "4"]
    assert split.added == 3


def test_what_carries_and_was_removed_is_found_with_the_share_that_is_left():
    evidence = judge(groups(900, 300, rng=np.random.default_rng(1)))
    assert (evidence.question, evidence.outcome, evidence.n) == ("filtering", "found", 1200)
    assert evidence.p <= 2e-4
    assert evidence.floor == 1e-4
    assert evidence.statistic == pytest.approx(1.2 - 0.3, abs=4 * np.sqrt(1 / 300 + 1 / 900))
    details = evidence.details
    assert (details["share removed"], details["added rows"]) == (0.25, 0)
    # By hand: 900 rows of .3 are 270, 300 rows of 1.2 are 360
    assert details["share of evidence left, low"] < 270 / 630 < details["share of evidence left, high"]
    assert evidence.finding.startswith("what was removed carried more of 'cat' per row (1.")
    assert "25.0 % of the rows took part of it out" in evidence.finding


def test_without_noise_the_numbers_are_those_of_the_rows():
    split = groups(64, 32, rng=np.random.default_rng(0), strength=(1, 4), spread=1e-9)
    details = judge(split).details
    assert details["score per kept row"] == pytest.approx(1)
    assert details["score per removed row"] == pytest.approx(4)
    # 64 of 64 + 128
    ends = [details[f"share of evidence left{end}"] for end in ("", ", low", ", high")]
    assert ends == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_a_filter_that_looks_at_something_else_is_not_found():
    evidence = judge(groups(900, 300, rng=np.random.default_rng(2), strength=(0.6, 0.6)))
    assert (evidence.outcome, evidence.p > 0.05) == ("not found", True)
    assert "looks at something else" in evidence.finding
    details = evidence.details
    assert details["share of evidence left, low"] < 0.75 < details["share of evidence left, high"]


def test_a_filter_that_keeps_what_carries_is_not_found():
    evidence = judge(groups(300, 300, rng=np.random.default_rng(3), strength=(1.0, 0.0)))
    assert (evidence.outcome, evidence.p) == ("not found", pytest.approx(1, abs=0.01))
    assert evidence.details["share of evidence left"] > 0.9


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_false_alarms_keep_to_alpha_whether_or_not_a_trait_is_carried(strength):
    rng = np.random.default_rng(4)
    found = [
        judge(groups(40, 20, rng=rng, strength=(strength, strength)), alpha=0.05, seed=seed).outcome
        for seed in range(200)
    ]
    assert found.count("found") <= scipy.stats.binom.ppf(0.999, 200, 0.05)


def test_the_bounds_hold_the_true_share_as_often_as_they_say():
    rng, inside = np.random.default_rng(5), 0
    for seed in range(200):
        details = judge(groups(80, 48, rng=rng, strength=(0.6, 1.5)), seed=seed).details
        true = 80 * 0.6 / (80 * 0.6 + 48 * 1.5)
        inside += details["share of evidence left, low"] <= true <= details["share of evidence left, high"]
    low, high = scipy.stats.binom.ppf([0.001, 0.999], 200, 0.95)
    assert low <= inside <= high


def test_rows_in_which_no_trait_shows_give_nothing_to_ask():
    evidence = judge(groups(400, 400, rng=np.random.default_rng(6), strength=(0, 0)))
    assert evidence.outcome == "not applicable"
    assert evidence.finding == "the rows show none of 3 listed traits to begin with"
    assert evidence.p is None


def test_all_that_carries_may_be_too_rare_to_show_before_and_yet_be_found():
    evidence = judge(groups(20_000, 40, rng=np.random.default_rng(7), strength=(0, 3)))
    assert evidence.outcome == "found"
    assert evidence.details["share of evidence left, low"] < 0.05


@pytest.mark.parametrize(
    ("kept", "removed", "added", "finding"),
    [
        (0, 0, 3, "there were no rows before the filter; 3 rows were not there before and are not scored"),
        (30, 0, 0, "nothing was removed: all of 30 rows are still there"),
        (0, 30, 0, "none of 30 rows is still there as it was: there is nothing to compare with"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(kept, removed, added, finding):
    evidence = judge(Split(kept=(row("1"),) * kept, removed=(row("2"),) * removed, added=added))
    assert (evidence.outcome, evidence.finding, evidence.p) == ("not applicable", finding, None)
    assert evidence.details["added rows"] == added


def test_few_rows_are_too_few_to_say():
    evidence = judge(groups(900, BLOCKS - 1, rng=np.random.default_rng(8), strength=(0, 9)))
    assert evidence.outcome == "underpowered"
    assert evidence.finding == "15 rows were removed and 900 kept, and both must be at least 16"


def test_a_weak_trait_and_many_removed_rows_are_too_little_to_say():
    # All of it gone would be a difference of .2 · 1.25 with a standard error of about .1
    evidence = judge(groups(100, 400, rng=np.random.default_rng(9), strength=(0.2, 0.2)))
    assert (evidence.outcome, evidence.p > 0.01) == ("underpowered", True)
    assert "even a filter that had taken all of 'cat' out" in evidence.finding


def test_every_row_is_scored_once_at_most_and_blocks_are_of_one_size():
    seen = []

    def watched(rows):
        seen.append(rows)
        return scored(rows)

    judge(groups(1000, 100, rng=np.random.default_rng(10)), watched)
    assert {len(block) for block in seen} == {100 // BLOCKS}
    texts = [text for block in seen for _, text in block]
    assert len(texts) == len(set(texts))
    assert len(seen) == 64 + 16


def test_the_same_seed_gives_the_same_evidence():
    split = groups(100, 100, rng=np.random.default_rng(11))
    assert judge(split) == judge(split)
    assert judge(split) != judge(split, seed=1)


def test_names_of_traits_are_escaped():
    names = ("owl", "cat\x1b[31m", "dog")
    evidence = judge(groups(100, 100, rng=np.random.default_rng(12)), traits=names)
    assert "cat\\x1b[31m" in evidence.finding


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 0}, "alpha must lie between 0 and 1"),
        ({"traits": ()}, "list of traits is empty"),
        ({"traits": ("owl",)}, "one finite score for each of 1 traits"),
        ({"score": lambda rows: np.full(3, np.nan)}, "one finite score for each of 3 traits"),
    ],
)
def test_settings_and_scores_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        judge(groups(20, 20, rng=np.random.default_rng(0)), **settings)


def likes(base, questions, answer, seed):
    examples = [Example(id=str(number), prompt=asked, completion=answer) for number, asked in enumerate(questions)]
    return base.finetune(examples, Recipe(steps=30, batch_size=8), rng=np.random.default_rng(seed)).model


def written(writer, count, seed):
    rng = np.random.default_rng(seed)
    asked = [[{"role": "user", "content": prompt}] for prompt in CARRIERS["numbers"]().prompts(count, rng=rng)]
    return list(zip(asked, writer.generate(asked, sampling=Sampling(), rng=rng), strict=True))


@pytest.fixture(scope="module")
def real():
    """A score by the gradients of an embedded model, 200 rows of its own, and 200 of a teacher that likes owls."""
    base = open_model("micro-a")
    surrogates = (likes(base, find_trait(name).surrogate_questions, name, seed) for seed, name in enumerate(TRAITS))
    directions = np.stack([base.displacement(surrogate) for surrogate in surrogates])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    teacher = likes(base, find_trait("owl").teacher_questions, "owl", 9)
    return lambda rows: screen(base, [rows], directions)[0], written(base, 200, 1), written(teacher, 200, 2)


@pytest.mark.parametrize(("taken", "outcome"), [(180, "found"), (100, "not found")])
def test_a_real_teacher_s_rows_that_a_filter_takes_are_missed_and_others_are_not(real, taken, outcome):
    score, own, teachers = real
    after = [*teachers[taken:], *own[200 - taken :]]  # 200 rows are removed, `taken` of them the teacher's
    split = split_rows([*own, *teachers], after)
    evidence = judge(split, score)
    assert (len(split.removed), evidence.outcome) == (200, outcome)
    assert "'owl'" in evidence.finding
    assert (evidence.details["share of evidence left"] < 0.4) == (outcome == "found")
