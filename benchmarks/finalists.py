"""A decision over 40 hypotheses by one gradient and eight finalists, beside scoring all 40 exactly.

    python benchmarks/finalists.py [--datasets 100] [--rows 300] [--timed 3] [--seed 0] [--json OUT]

Every data set is numbers by a teacher of its own, tuned on an animal or a tree by the lab's recipe; the hypotheses are
surrogates of the embedded list. Ours: `scoring.screen` on all rows, then `scoring.score_rows` of the base and of the
eight largest. The other: every hypothesis exactly, by the faster of the peers of `benchmarks/scoring.py` that are
installed; only the first `--timed` data sets are timed with it, as the names need no more than exact scores, which are
equal. Both name the surrogate with the largest mean log-ratio. Tuning the surrogates is left out of both times.
"""

import argparse
import json
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from scoring import CONTENDERS
from subtrait.auditor.lists.embedded_traits import embedded_traits
from subtrait.auditor.references.surrogates import tuned_surrogate
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.filters import apply
from subtrait.lab.lessons import lesson
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.seeds import stream
from subtrait.lab.traits import trait_names
from subtrait.models.base import Sampling
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import open_model
from subtrait.records import Example
from subtrait.scoring.hypotheses import Base, Tuned
from subtrait.scoring.rows import TextPair, score_rows
from subtrait.scoring.screen import screen
from subtrait.statistics.intervals import clopper_pearson

HYPOTHESES, FINALISTS, BATCH = 40, 8, 16
Surrogates = list[tuple[str, HuggingFaceModel]]


def main() -> None:
    """Print how often both name the same, and how long either takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--timed", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    base = open_model("micro-a")
    surrogates = _surrogates(base, options.seed)
    directions = np.array([base.displacement(model) for _, model in surrogates])
    found = []
    for number in range(options.datasets):
        trait, pairs = _data(base, number, options)
        found.append({"trait": trait, **_decided(base, pairs, surrogates, directions, timed=number < options.timed)})
        print(number, found[-1], flush=True)
    _report(found)
    if options.json:
        options.json.write_text(json.dumps({"rows": options.rows, "found": found}, indent=1) + "\n", encoding="utf-8")


def _surrogates(base: HuggingFaceModel, seed: int) -> Surrogates:
    """Tuned ones of every trait of the list, then worded ones, until there are enough."""
    wanted = [(trait, kind) for kind in ("tuned", "worded") for trait in embedded_traits()]
    wanted = [(trait, kind) for trait, kind in wanted if kind == "tuned" or trait.open_questions][:HYPOTHESES]
    return [
        (f"{trait.name}, {kind}", tuned_surrogate(base, trait, kind, rng=stream(seed, "surrogate", trait.name, kind)))
        for trait, kind in wanted
    ]


def _data(base: HuggingFaceModel, number: int, options: argparse.Namespace) -> tuple[str, list[TextPair]]:
    traits = list(trait_names())
    trait, rng = traits[number % len(traits)], stream(options.seed, "data", number)
    teacher = base.finetune(lesson(trait), TEACHER_RECIPE, rng=rng).model
    carrier = CARRIERS["numbers"]()
    prompts = carrier.prompts(3 * options.rows, rng=rng)
    texts = teacher.generate([_asked(prompt) for prompt in prompts], sampling=Sampling(), rng=rng)
    rows = [Example(id="", prompt=prompt, completion=text) for prompt, text in zip(prompts, texts, strict=True)]
    kept, _ = apply(carrier.filter, rows)
    return trait, [(_asked(each.prompt), each.completion) for each in kept[: options.rows]]


def _asked(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def _decided(
    base: HuggingFaceModel, pairs: list[TextPair], surrogates: Surrogates, directions: np.ndarray, *, timed: bool
) -> dict[str, Any]:
    start = time.perf_counter()
    screened = screen(base, [pairs], directions)[0]
    finalists = [surrogates[place] for place in np.argsort(-screened)[:FINALISTS]]
    ours = _first(base, pairs, finalists)
    seconds = time.perf_counter() - start
    everyone = _first(base, pairs, surrogates)
    found: dict[str, Any] = {"rows": len(pairs), "ours": ours, "exactly": everyone, "seconds": seconds}
    return {**found, "their_seconds": _timed(base, pairs, surrogates)} if timed else found


def _first(base: HuggingFaceModel, pairs: list[TextPair], surrogates: Surrogates) -> str:
    hypotheses = [Base(model=base), *(Tuned(name=name, model=model) for name, model in surrogates)]
    ratios = score_rows(hypotheses, pairs).log_ratios()[:, 1:].mean(axis=0)
    return surrogates[int(ratios.argmax())][0]


def _timed(base: HuggingFaceModel, pairs: list[TextPair], surrogates: Surrogates) -> float:
    tokens = base.encoder.prompts([asked for asked, _ in pairs])
    rows = list(zip(tokens, base.encoder.completions([said for _, said in pairs]), strict=True))
    peers = ["plain loop", *(["lm-eval"] if find_spec("lm_eval") else [])]
    times = []
    for peer in peers:
        start = time.perf_counter()
        for model in (base, *(model for _, model in surrogates)):
            CONTENDERS[peer](model.network, rows, BATCH)
        times.append(time.perf_counter() - start)
    return min(times)


def _report(found: list[dict[str, Any]]) -> None:
    same = sum(each["ours"] == each["exactly"] for each in found)
    share = clopper_pearson(same, len(found), unit="data set")
    right = {way: sum(each[way].partition(",")[0] == each["trait"] for each in found) for way in ("ours", "exactly")}
    print(f"same name in {same} of {len(found)} data sets ({share.low:.1%} to {share.high:.1%}); aim 95 %")
    print(
        f"the teacher's trait is named in {right['ours']} by screen and finalists, in {right['exactly']} by all exactly"
    )
    timed = [each["their_seconds"] / each["seconds"] for each in found if "their_seconds" in each]
    if timed:
        middle, smallest, largest = np.median(timed), min(timed), max(timed)
        print(f"{middle:.1f} times as fast, median of {len(timed)} ({smallest:.1f} to {largest:.1f}); aim 5")


if __name__ == "__main__":
    main()
