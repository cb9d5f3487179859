import numpy as np
import pytest

from subtrait.statistics.panel import fit_panel, reference
from subtrait.statistics.panel_forms import FORMS
from subtrait.statistics.scored_rows import ScoredRows, column_means, row_centred

NAMES = ("owl", "cat", "oak")


def drawn(name, seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(50, 3)) + rng.normal(size=3)
    return ScoredRows(
        name=name, scores=scores, prompts=rng.permutation(60)[:50], carries=frozenset({name} & set(NAMES))
    )


DATA = [drawn(name, seed) for seed, name in enumerate(("owl", "plain", "other", "suspect"))]


def by_hand(name):
    """Shift of each hypothesis from the references that do not carry it, written out."""
    *references, suspect = [row_centred(each) for each in DATA] if name.startswith("row-centred") else DATA
    if name == "raw":
        return suspect.scores.mean(axis=0)
    shifts = []
    for column, hypothesis in enumerate(NAMES):
        free = [each for each in references if hypothesis not in each.carries]
        if "paired" not in name:
            shifts.append(suspect.scores[:, column].mean() - np.mean([each.scores[:, column].mean() for each in free]))
            continue
        differences = []
        for prompt, score in zip(suspect.prompts, suspect.scores[:, column], strict=True):
            same = [each.scores[each.prompts == prompt, column] for each in free]
            same = [values.mean() for values in same if values.size]
            differences += [score - np.mean(same)] if same else []
        shifts.append(np.mean(differences))
    return np.array(shifts)


@pytest.mark.parametrize("name", [name for name in FORMS if "whitened" not in name])
def test_each_form_is_what_its_name_says(name):
    form = FORMS[name]
    *references, suspect = [row_centred(each) for each in DATA] if form.centre_rows else DATA
    panel = fit_panel([reference(each) for each in references], NAMES)
    assert np.allclose(form.statistic(panel, suspect, column_means), by_hand(name))


def test_whitened_forms_whiten_what_the_others_centre_or_pair():
    *references, suspect = DATA
    panel = fit_panel([reference(each) for each in references], NAMES)
    for name, paired in (("whitened", False), ("paired, whitened", True)):
        expected = panel.whitened(suspect, column_means, paired=paired)
        assert np.array_equal(FORMS[name].statistic(panel, suspect, column_means), expected)
    assert not np.array_equal(*(FORMS[name].statistic(panel, suspect, column_means) for name in list(FORMS)[3:5]))


def test_flags_agree_with_names():
    assert {name: (form.centre_rows, form.pairs) for name, form in FORMS.items()} == {
        name: ("row-centred" in name, "paired" in name) for name in FORMS
    }
