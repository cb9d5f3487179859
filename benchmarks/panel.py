"""How well the panel statistics name and detect traits: `python benchmarks/panel.py FILE [--json OUT]`.

FILE is a NumPy archive of scores from any model, any carrier:
- `system_prompts`: the names of the hypotheses; `datasets`: the names of the data sets. A data set carries the
  hypothesis of the same name, if there is one;
- `lls__<dataset>`: scores, rows × hypotheses, NaN where missing;
- `prompt_id__<dataset>`: one integer per row; equal ids are the same user prompt, also across data sets.
A long table will do too, Parquet or JSON Lines: see `subtrait/auditor/scores/table.py`.

Every data set is judged with all others as references, on random samples of its rows. A hypothesis that some data set
carries is a candidate. Naming: the share of samples whose own hypothesis has the largest statistic of all candidates.
AUROC and detection: samples of the carrier of a candidate against samples of every other data set, pooled over
candidates. The nulls of one candidate are thus carriers of others, relatives among them, and not clean data; samples
of one data set are not independent either, so no interval is given.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from subtrait.auditor.scores.files import read_scores
from subtrait.errors import SubtraitError
from subtrait.statistics.detection import auroc, detection_rate
from subtrait.statistics.panel import Reference, fit_panel, reference
from subtrait.statistics.panel_forms import FORMS, Form
from subtrait.statistics.scored_rows import Average, ScoredRows, row_centred, sample_means

SIZES = (30, 100, 300, 1_000, 3_000)
FALSE_ALARMS = 0.01


def load(path: Path) -> tuple[tuple[str, ...], list[ScoredRows]]:
    """The hypotheses and the data sets of a file; `SystemExit` with the reason if it is not of the form above."""
    try:
        scores = read_scores(path)
    except SubtraitError as error:
        raise SystemExit(f"{path} is not an archive of scores: {error}") from error
    return scores.hypotheses, list(scores.data)


def samples_of(rows: int, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """For each size, row numbers of `count` samples without replacement; all rows where the size exceeds them."""
    return [np.array([rng.choice(rows, size=min(size, rows), replace=False) for _ in range(count)]) for size in SIZES]


def average_over(samples: list[np.ndarray]) -> Average:
    """The average over every sample of every size: shape (sizes, samples, hypotheses)."""
    return lambda rows: np.stack([sample_means(each)(rows) for each in samples])


def statistics(
    hypotheses: tuple[str, ...], data: list[ScoredRows], *, samples: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """For each form the statistic of every sample: shape (data sets, sizes, samples, hypotheses)."""
    averages = [average_over(samples_of(len(each.scores), samples, rng)) for each in data]
    found: dict[str, np.ndarray] = {}
    for centre_rows in (False, True):
        prepared = [row_centred(each) for each in data] if centre_rows else data
        references = [reference(each) for each in prepared]
        forms = {name: form for name, form in FORMS.items() if form.centre_rows == centre_rows}
        judged = [
            judge(references, number, hypotheses, forms=forms, average=average)
            for number, average in enumerate(averages)
        ]
        found |= {name: np.stack([each[name] for each in judged]) for name in forms}
    return found


def judge(
    references: list[Reference],
    number: int,
    hypotheses: tuple[str, ...],
    *,
    forms: dict[str, Form],
    average: Average,
) -> dict[str, np.ndarray]:
    """The statistics of one data set, with all the others as its references."""
    panel = fit_panel(references[:number] + references[number + 1 :], hypotheses)
    return {name: form.statistic(panel, references[number].data, average) for name, form in forms.items()}


def figures(statistic: np.ndarray, hypotheses: tuple[str, ...], data: list[ScoredRows]) -> dict[str, Any]:
    """Naming, AUROC and detection at one size; `statistic` has the shape (data sets, samples, hypotheses)."""
    candidates = [column for column, name in enumerate(hypotheses) if any(name in each.carries for each in data)]
    carries = np.array([[hypotheses[column] in each.carries for column in candidates] for each in data])
    judged = statistic[:, :, candidates].transpose(0, 2, 1)
    named = judged[carries.any(axis=1)].argmax(axis=1)
    true = carries[carries.any(axis=1)].argmax(axis=1)
    by_candidate = [(judged[carries[:, k], k], judged[~carries[:, k], k]) for k in range(len(candidates))]
    return {
        "naming": float((named == true[:, None]).mean()),
        "auroc": auroc(judged[carries], judged[~carries]),
        "detection": detection_rate(judged[carries], judged[~carries], false_alarms=FALSE_ALARMS),
        "auroc_by_candidate": {hypotheses[c]: auroc(*pair) for c, pair in zip(candidates, by_candidate, strict=True)},
    }


def report(
    found: dict[str, np.ndarray], hypotheses: tuple[str, ...], data: list[ScoredRows]
) -> Iterator[dict[str, Any]]:
    """One entry for each form and size."""
    smallest = min(len(each.scores) for each in data)
    for form, statistic in found.items():
        for place, size in enumerate(SIZES):
            entry = {"form": form, "rows": size, "smallest_sample": min(size, smallest)}
            yield entry | figures(statistic[:, place], hypotheses, data)


def main() -> int:
    """Print the table and write the JSON file if one is wanted."""
    parser = argparse.ArgumentParser(description="Naming, AUROC and detection of the panel statistics.")
    parser.add_argument("file", type=Path, help="NumPy archive of scores")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures here")
    parser.add_argument("--samples", type=int, default=50, help="random samples per data set and size (50)")
    parser.add_argument("--seed", type=int, default=1, help="of the samples (1)")
    options = parser.parse_args()
    hypotheses, data = load(options.file)
    rng = np.random.default_rng(options.seed)
    found = statistics(hypotheses, data, samples=options.samples, rng=rng)
    entries = list(report(found, hypotheses, data))
    print(f"{len(data)} data sets, {len(hypotheses)} hypotheses, {options.samples} samples each, seed {options.seed}")
    print(f"{'form':<22}{'rows':>6}{'naming':>9}{'AUROC':>9}{'detection at 1 %':>18}")
    for entry in entries:
        cells = f"{entry['naming']:>9.3f}{entry['auroc']:>9.3f}{entry['detection']:>18.3f}"
        print(f"{entry['form']:<22}{entry['rows']:>6}{cells}")
    if options.json is not None:
        whole = {"samples": options.samples, "seed": options.seed, "false_alarms": FALSE_ALARMS, "figures": entries}
        options.json.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
