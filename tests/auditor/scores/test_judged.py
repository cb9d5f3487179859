"""A whole audit of scores: what carries is named, what does not is left alone, and what cannot be said is said."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.auditor.scores.files import ScoreFile
from subtrait.auditor.scores.judged import audit_scores
from subtrait.errors import InvalidInput, UsageError
from subtrait.statistics.scored_rows import ScoredRows

NAMES = ("owl", "cat", "oak", "elm", "fox", "polite")


def data_set(name, rng, *, carries=None, rows=60, shift=3.0):
    """A data set of the name, whose rows really carry `carries`, and which the file says to carry its name."""
    scores = rng.normal(size=(rows, len(NAMES))) + 0.3 * rng.normal(size=len(NAMES)) + 2.0 * np.arange(len(NAMES))
    if carries:
        scores[:, NAMES.index(carries)] += shift
    prompts = rng.permutation(90)[:rows]
    return ScoredRows(name=name, scores=scores, prompts=prompts, carries=frozenset({name} & set(NAMES)))


def file_of(*data):
    return ScoreFile(path="scores.npz", digest="0" * 64, hypotheses=NAMES, data=tuple(data))


@pytest.fixture(scope="module")
def clean():
    """Thirty data sets that carry nothing and five that carry what their names say."""
    rng = np.random.default_rng(1)
    return [*(data_set(f"clean {n}", rng) for n in range(30)), *(data_set(n, rng, carries=n) for n in NAMES[:5])]


def with_suspect(clean, **kind):
    return file_of(data_set("suspect", np.random.default_rng(2), **kind), *clean)


def test_a_carrier_is_named_and_found_beside_clean_data(clean):
    result = audit_scores(with_suspect(clean, carries="oak"), suspect="suspect", alpha=0.05)
    (row,) = result.data_sets
    assert (result.outcome, row.outcome, row.hypothesis) == ("FLAGGED", "found", "oak")
    assert (row.references, row.rows, row.complete, row.read) == (34, 60, 60, 60)
    # 35 others, of which one carries the oak too.
    assert row.p == row.floor == pytest.approx(35 / 34 / 35)
    assert (row.p_alone, result.named_by) == (pytest.approx(1 / 35), "paired")
    assert row.finding.startswith("'oak' explains the rows best")
    assert row.finding.endswith("p = 0.0294, the smallest possible with 34 references")


def test_clean_data_pass_where_known_carriers_are_found(clean):
    result = audit_scores(with_suspect(clean), suspect="suspect", alpha=0.05)
    assert (result.outcome, result.found, result.carriers) == ("NOT_FLAGGED", 5, 5)
    assert result.reason == "nothing was found, and 5 of 5 known carriers are"
    assert result.data_sets[0].p > 0.05


def test_clean_data_do_not_pass_where_power_was_not_shown(clean):
    rng = np.random.default_rng(3)
    few = audit_scores(with_suspect(clean[:33]), suspect="suspect", alpha=0.05)
    assert (few.outcome, few.carriers) == ("INCONCLUSIVE", 3)
    assert few.reason.endswith("3 known carriers do not tell what would have been; 5 are needed")
    weak = [*clean[:30], *(data_set(name, rng, carries=name, shift=0.0) for name in NAMES[:5])]
    result = audit_scores(with_suspect(weak), suspect="suspect", alpha=0.05)
    assert result.outcome == "INCONCLUSIVE"
    assert f"only {result.found} of 5 known carriers" in result.reason


def test_too_few_references_are_said_plainly(clean):
    result = audit_scores(with_suspect(clean, carries="owl"), suspect="suspect", alpha=0.01)
    (row,) = result.data_sets
    assert (result.outcome, row.outcome, row.hypothesis) == ("INCONCLUSIVE", "underpowered", "owl")
    assert row.finding.endswith("with 34 references; alpha 0.01 needs about 102")
    assert result.reason == f"1 of 1 data sets could not be decided on: {row.finding}"


def test_each_in_turn_is_judged_as_if_it_were_the_only_suspect(clean):
    scores = with_suspect(clean[20:], carries="elm")
    together = audit_scores(scores, alpha=0.1)
    assert [row.data_set for row in together.data_sets] == [each.name for each in scores.data]
    for row in together.data_sets[:1] + together.data_sets[-5:]:
        (alone,) = audit_scores(scores, suspect=row.data_set, alpha=0.1).data_sets
        assert alone == row
        assert row.hypothesis == (row.data_set if row.data_set in NAMES else "elm")


def test_a_label_of_the_suspect_changes_nothing_but_itself(clean):
    scores = with_suspect(clean)
    labelled = file_of(replace(scores.data[0], carries=frozenset({"fox"})), *scores.data[1:])
    one, other = (audit_scores(each, suspect="suspect", alpha=0.05) for each in (scores, labelled))
    assert other.data_sets[0].carries == ("fox",)
    assert replace(other, data_sets=(replace(other.data_sets[0], carries=()),)) == one


def test_prompts_that_are_not_shared_leave_the_centred_form(clean):
    apart = [replace(each, prompts=each.prompts + 1000 * n) for n, each in enumerate(with_suspect(clean).data)]
    assert audit_scores(file_of(*apart), suspect="suspect", alpha=0.05).named_by == "centred"
    with pytest.raises(UsageError, match=r"few prompts of scores\.npz are shared"):
        audit_scores(file_of(*apart), form="paired, whitened")


@pytest.mark.parametrize("form", ["row-centred", "paired", "paired, whitened"])
def test_other_forms_can_decide(clean, form):
    result = audit_scores(with_suspect(clean, carries="fox"), suspect="suspect", alpha=0.05, form=form)
    assert (result.form, result.outcome, result.data_sets[0].hypothesis) == (form, "FLAGGED", "fox")


def test_data_sets_with_few_rows_are_neither_judged_nor_used(clean):
    scores = with_suspect(clean[20:], rows=29)
    result = audit_scores(scores, alpha=0.2)
    row = result.data_sets[0]
    assert (row.outcome, row.finding) == ("underpowered", "29 rows have every score; at least 30 are needed")
    assert (row.hypothesis, row.p, row.floor, row.complete) == (None, None, None, 29)
    without = audit_scores(file_of(*scores.data[1:]), alpha=0.2)
    assert result.data_sets[1:] == without.data_sets


def test_what_cannot_be_compared_is_not_applicable():
    rng = np.random.default_rng(4)
    owls = [replace(data_set(f"o{n}", rng), carries=frozenset({"owl"})) for n in range(3)]
    row = audit_scores(file_of(data_set("a", rng), *owls), alpha=0.2).data_sets[0]
    assert row.outcome == "not applicable"
    assert row.finding == "all other data sets carry 'owl', so there is nothing to compare with"
    lonely = audit_scores(file_of(data_set("a", rng), data_set("b", rng, rows=5)), suspect="a").data_sets[0]
    assert (lonely.outcome, lonely.finding) == ("underpowered", "no other data set has 30 rows with every score")


def test_the_seed_draws_the_rows(clean):
    scores = with_suspect(clean, rows=80)
    one, same, other = (audit_scores(scores, suspect="suspect", seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.data_sets[0].rows == 60
    assert one.data_sets[0].statistic != other.data_sets[0].statistic


def test_a_file_without_references_is_refused():
    with pytest.raises(InvalidInput, match=r"E_SCORES scores.npz: it holds one data set"):
        audit_scores(file_of(data_set("a", np.random.default_rng(5))))


def test_scores_without_any_variance_are_refused():
    flat = [ScoredRows(name=n, scores=np.ones((40, 6)), prompts=np.arange(40)) for n in "abc"]
    with pytest.raises(InvalidInput, match=r"E_SCORES scores.npz: .*without any variance"):
        audit_scores(file_of(*flat))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"suspect": "suspekt"}, "unknown data set 'suspekt'. Did you mean 'suspect'?"),
        ({"form": "whited"}, "unknown form of the statistic 'whited'. Did you mean 'whitened'?"),
        ({"alpha": 0}, "alpha must lie between 0 and 1, not be 0"),
        ({"alpha": 1.0}, "alpha must lie between 0 and 1, not be 1"),
        ({"alpha": float("nan")}, "alpha must lie between 0 and 1, not be nan"),
    ],
)
def test_a_call_that_cannot_be_carried_out_is_a_mistake_of_the_caller(clean, asked, said):
    with pytest.raises(UsageError) as caught:
        audit_scores(with_suspect(clean), **asked)
    assert said in str(caught.value)
