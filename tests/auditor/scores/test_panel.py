"""Data sets judged by each other: as conformal p wants it, and without looking at the suspect's label."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from subtrait.auditor.scores.panel import Judged, bench, complete_rows, judge_all, prompts_shared
from subtrait.statistics.panel import fit_panel, reference
from subtrait.statistics.panel_forms import FORMS
from subtrait.statistics.scored_rows import ScoredRows, row_centred

NAMES = ("owl", "cat", "oak")


def data_set(name, rng, *, carries=(), rows=40, names=NAMES, shift=0.0):
    """Rows about a centre of the data set's own, so that benign data sets differ by more than samples of one do."""
    scores = rng.normal(size=(rows, len(names))) + rng.normal(size=len(names))
    scores[:, [names.index(each) for each in carries]] += shift
    return ScoredRows(name=name, scores=scores, prompts=rng.permutation(60)[:rows], carries=frozenset(carries))


def family(seed, *, count=8, shift=0.0, rows=40):
    rng = np.random.default_rng(seed)
    made = [data_set(f"{number}", rng, rows=rows + number) for number in range(count)]
    return [*made, *(data_set(name, rng, carries=(name,), shift=shift, rows=rows) for name in NAMES)]


def seated(data):
    return bench(data, NAMES, rng=np.random.default_rng(5))


def test_every_data_set_is_judged_on_equally_many_complete_rows():
    data = family(1)
    data[0].scores[:5, 1] = np.nan
    short = replace(data[1], scores=data[1].scores[:29], prompts=data[1].prompts[:29])
    table = seated([data[0], short, *data[2:]])
    assert [each.name for each in table.data] == ["0", *(each.name for each in data[2:])]
    assert table.rows == 35
    for each, average in zip(table.data, table.averages, strict=True):
        drawn = average(np.eye(len(each.scores)))[0] * table.rows
        assert set(np.flatnonzero(drawn)) <= set(complete_rows(each))
        assert np.allclose(drawn[drawn > 0], 1)
        assert drawn.sum() == pytest.approx(table.rows)


def test_prompts_are_shared_where_most_rows_have_a_partner():
    data = family(2)
    assert prompts_shared(data)
    assert not prompts_shared([*data, replace(data[0], name="apart", prompts=data[0].prompts + 1000)])


@pytest.mark.parametrize("form", list(FORMS))
def test_the_statistics_are_those_of_panels_fitted_by_hand(form):
    data = family(3, count=5, shift=0.5)
    table = seated(data)
    found = list(judge_all(table, form=form, named_by="centred"))

    def statistic(number, labels, kind):
        kept = [replace(each, carries=frozenset(label)) for each, label in zip(data, labels, strict=True)]
        kept = [row_centred(each) for each in kept] if FORMS[kind].centre_rows else kept
        panel = fit_panel([reference(each) for place, each in enumerate(kept) if place != number], NAMES)
        return FORMS[kind].statistic(panel, kept[number], table.averages[number])[0]

    for number, judged in enumerate(found):
        blind = [() if place == number else each.carries for place, each in enumerate(data)]
        column = int(statistic(number, blind, "centred").argmax())
        assert judged.hypothesis == NAMES[column]
        free = [place for place, each in enumerate(data) if place != number and NAMES[column] not in each.carries]
        others = [statistic(place, blind, form) for place in free]
        masked = [[s for s, name in zip(each, NAMES, strict=True) if name not in data[place].carries]
                  for place, each in zip(free, others, strict=True)]  # fmt: skip
        assert judged.statistic == pytest.approx(statistic(number, blind, form)[column])
        assert judged.null == pytest.approx([max(each) for each in masked])
        assert judged.null_alone == pytest.approx([each[column] for each in others])
        assert judged.left_out == (len(data) - 1) / len(free)


def test_the_suspects_own_label_makes_no_difference():
    data = family(4, shift=0.5)
    for number in range(len(data)):
        relabelled = [*data[:number], replace(data[number], carries=frozenset({"oak"})), *data[number + 1 :]]
        usual, other = (list(judge_all(seated(each), form="whitened", named_by="paired"))[number]
                        for each in (data, relabelled))  # fmt: skip
        assert (usual.hypothesis, usual.statistic) == (other.hypothesis, other.statistic)
        assert usual.null == pytest.approx(other.null)


def test_a_hypothesis_that_all_others_carry_cannot_be_judged():
    rng = np.random.default_rng(6)
    table = seated([data_set("a", rng), *(data_set(str(n), rng, carries=("owl",)) for n in range(3))])
    assert [table.unanswerable(number) for number in range(4)] == ["owl", None, None, None]
    found = list(judge_all(table, form="whitened", named_by="centred"))
    assert [judged is None for judged in found] == [True, False, False, False]


def test_p_is_raised_by_what_the_references_leave_out():
    judged = Judged(hypothesis="owl", statistic=2.0, null=(1.0, 1.5, 3.0), null_alone=(0.0, 0.0, 0.0), left_out=2.0)
    assert (judged.test().p, judged.test().floor, judged.test().references) == (1.0, 0.5, 3)
    judged = replace(judged, null=(1.0, 1.5, 1.9), left_out=4 / 3)
    assert judged.test().p == judged.test().floor == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "carried", [lambda _: (), lambda n: ("owl",) if n % 2 else ("cat",), lambda n: NAMES[n % 3 : n % 3 + 1]]
)
def test_a_data_set_that_carries_nothing_is_seldom_called_a_carrier(carried):
    """The level holds though the first hypothesis is chosen after looking, and though references carry things."""
    rng = np.random.default_rng(7)
    names = NAMES[:2] if carried(0) == ("cat",) else NAMES
    alpha, files, alarms = 0.3, 150, 0
    for _ in range(files):
        references = [data_set(str(n), rng, carries=carried(n), names=names, rows=30, shift=1.0) for n in range(14)]
        table = bench([data_set("suspect", rng, names=names, rows=30), *references], names, rng=rng)
        judged = next(judge_all(table, form="whitened", named_by="centred"))
        alarms += judged.test().p <= alpha
    assert 0 < alarms <= binom.ppf(0.999, files, alpha)
