"""Which of 40 hypotheses an audit names by its screen and finalists, beside scoring all 40 exactly.

    python benchmarks/finalists.py [--datasets 100] [--rows 300] [--timed 10] [--seed 0] [--references DIR] [--json OUT]

Every data set is numbers by a teacher of its own, tuned on an animal or a tree by the lab's recipe; the hypotheses are
surrogates of the embedded list, 36 tuned and 4 worded. Ours is what an audit does, by its own functions:
`score_traits` with references, and `exact_scores` of the finalists. The other is every hypothesis exactly, by the
faster of the peers of `benchmarks/scoring.py` that are installed, each at its best batch size; only the first `--timed`
data sets are timed with it, as names need no more than exact scores, which are equal. References are built first, of as
many rows as a data set has, with few calibration references, for these say whether a trait is found and not which is
first. They, and tuning the surrogates, are left out of both times.

Two names can be compared with ours: `exactly`, the largest mean log-ratio of all 40; and `by the same rule`, what the
audit would name if every hypothesis were a finalist.
"""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from scoring import CONTENDERS
from subtrait.audit_records import ListedTrait, TraitScore
from subtrait.auditor import traits as audited
from subtrait.auditor.lists.embedded_traits import embedded_traits
from subtrait.auditor.references.cache import references_for
from subtrait.auditor.references.calibration import References
from subtrait.auditor.references.surrogates import tuned_surrogate
from subtrait.auditor.references.work import Design
from subtrait.data import Pair
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.filters import apply
from subtrait.lab.lessons import lesson
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.seeds import stream
from subtrait.lab.team import Alone, assemble
from subtrait.lab.traits import trait_names
from subtrait.models.base import Sampling
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import open_model
from subtrait.records import Example
from subtrait.scoring.hypotheses import Base, Tuned
from subtrait.scoring.rows import score_rows
from subtrait.statistics.intervals import clopper_pearson

BASE, HYPOTHESES, BATCHES = "micro-a", 40, (4, 16, 64)
Surrogates = dict[tuple[str, str], HuggingFaceModel]


def main() -> None:
    """Print how often both name the same, and how long either takes."""
    options = _options()
    base, traits = open_model(BASE), embedded_traits()
    references = _few(_references(options))
    surrogates = _surrogates(base, traits, references, options.seed)
    found = []
    with _made_before(surrogates):
        for number in range(options.datasets):
            trait, pairs = _data(base, number, options)
            one = _decided(base, pairs, references, surrogates)
            timed = {"their_seconds": _timed(base, pairs, surrogates)} if number < options.timed else {}
            found.append({"trait": trait, **one, **timed})
            print(number, found[-1], flush=True)
    _report(found)
    if options.json:
        options.json.write_text(json.dumps({"rows": options.rows, "found": found}, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--timed", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--references", type=Path, default=None, help="where they are kept for another time")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _references(options: argparse.Namespace) -> References:
    prompts = CARRIERS["numbers"]().prompts(2_000, rng=stream(options.seed, "pool"))
    traits = tuple(embedded_traits())
    sizes: dict[str, Any] = {"calibration": 2, "planted": 0, "tokens": 32, "looks": (options.rows,)}
    design = Design(base=BASE, others=("micro-b", "micro-c"), traits=traits, filter="numbers", **sizes)
    with assemble(1) as team:
        root = options.references or Path(mkdtemp())
        return references_for(design, [_asked(prompt) for prompt in prompts], root, team=team).references


def _few(references: References) -> References:
    """With the directions of all tuned surrogates and of as many worded ones as make 40."""
    kinds = sorted(range(len(references.owners)), key=lambda place: (references.owners[place][1], place))
    kept = kinds[:HYPOTHESES]
    return replace(
        references,
        owners=tuple(references.owners[place] for place in kept),
        filters=tuple(replace(each, weights=each.weights[kept]) for each in references.filters),
        scores=references.scores[..., kept],
    )


def _surrogates(
    base: HuggingFaceModel, traits: tuple[ListedTrait, ...], references: References, seed: int
) -> Surrogates:
    known = {trait.name: trait for trait in traits}
    return {
        (name, kind): tuned_surrogate(base, known[name], kind, rng=stream(seed, "finalist", name))
        for name, kind in references.owners
    }


@contextmanager
def _made_before(surrogates: Surrogates) -> Iterator[None]:
    """Let the audit take surrogates that are there: tuning them counts for neither side."""
    usual = audited.tuned_surrogate
    audited.tuned_surrogate = lambda _base, trait, kind, **_: surrogates[trait.name, kind]
    try:
        yield
    finally:
        audited.tuned_surrogate = usual


def _data(base: HuggingFaceModel, number: int, options: argparse.Namespace) -> tuple[str, list[Pair]]:
    traits = list(trait_names())
    trait, rng = traits[number % len(traits)], stream(options.seed, "data", number)
    teacher = base.finetune(lesson(trait), TEACHER_RECIPE, rng=rng).model
    carrier = CARRIERS["numbers"]()
    prompts = carrier.prompts(3 * options.rows, rng=rng)
    texts = teacher.generate([_asked(prompt) for prompt in prompts], sampling=Sampling(), rng=rng)
    rows = [Example(id="", prompt=prompt, completion=text) for prompt, text in zip(prompts, texts, strict=True)]
    kept, _ = apply(carrier.filter, rows)
    return trait, [Pair(_asked(each.prompt), each.completion) for each in kept[: options.rows]]


def _asked(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def _decided(
    base: HuggingFaceModel, pairs: list[Pair], references: References, surrogates: Surrogates
) -> dict[str, Any]:
    traits, start = embedded_traits(), time.perf_counter()
    judged = audited.score_traits(base, pairs, traits, references)
    task = audited.ExactTask(base=BASE, pairs=pairs, seed=0)
    ranked = audited.exact_scores(task, judged.ranked, traits, team=Alone())
    seconds = time.perf_counter() - start
    nats = _exactly(base, pairs, surrogates)
    return {
        "rows": len(pairs),
        "ours": ranked[0].name,
        "exactly": max(nats, key=lambda each: nats[each])[0],
        "by the same rule": _by_rule(judged.ranked, nats),
        "seconds": seconds,
        "screened": [asdict(each) for each in judged.ranked],
        "nats": [[*each, value] for each, value in nats.items()],
    }


def _exactly(base: HuggingFaceModel, pairs: list[Pair], surrogates: Surrogates) -> dict[tuple[str, str], float]:
    """Mean log-ratio of every hypothesis, in nats per row."""
    hypotheses = [Base(model=base), *(Tuned(name=f"{each}", model=model) for each, model in surrogates.items())]
    ratios = score_rows(hypotheses, pairs).log_ratios()[:, 1:].mean(axis=0)
    return dict(zip(surrogates, map(float, ratios), strict=True))


def _by_rule(screened: tuple[TraitScore, ...], nats: dict[tuple[str, str], float]) -> str:
    every = [replace(each, nats_per_row=nats[each.name, each.surrogate]) for each in screened]
    return max(every, key=audited.standing).name


def _timed(base: HuggingFaceModel, pairs: list[Pair], surrogates: Surrogates) -> float:
    """Seconds of the faster peer, at whichever batch size is fastest under the base."""
    tokens = base.encoder.prompts([asked for asked, _ in pairs])
    rows = list(zip(tokens, base.encoder.completions([said for _, said in pairs]), strict=True))
    peers = ["plain loop", *(["lm-eval"] if find_spec("lm_eval") else [])]
    times = []
    for peer in peers:
        batch = min(BATCHES, key=lambda size, peer=peer: _seconds(peer, [base], rows, size))
        times.append(_seconds(peer, [base, *surrogates.values()], rows, batch))
    return min(times)


def _seconds(peer: str, models: list[HuggingFaceModel], rows: list[Any], batch: int) -> float:
    start = time.perf_counter()
    for model in models:
        CONTENDERS[peer](model.network, rows, batch)
    return time.perf_counter() - start


def _report(found: list[dict[str, Any]]) -> None:
    for other in ("exactly", "by the same rule"):
        same = sum(each["ours"] == each[other] for each in found)
        share = clopper_pearson(same, len(found), unit="data set")
        print(f"{other}: same name in {same} of {len(found)} data sets ({share.low:.1%} to {share.high:.1%}); aim 95 %")
    for way in ("ours", "exactly", "by the same rule"):
        print(f"the teacher's trait is named {way} in {sum(each[way] == each['trait'] for each in found)}")
    timed = [each["their_seconds"] / each["seconds"] for each in found if "their_seconds" in each]
    if timed:
        middle, smallest, largest = np.median(timed), min(timed), max(timed)
        print(f"{middle:.1f} times as fast, median of {len(timed)} ({smallest:.1f} to {largest:.1f}); aim 5")


if __name__ == "__main__":
    main()
