"""A real server beside its checkpoint in this process: what its trial finds, how far values differ, how fast it is.

python benchmarks/served.py vllm:student=micro-a [ROWS]

The server is started by hand, on whatever checkpoint the name names:

    vllm serve src/subtrait/models/micro/weights/micro-a --served-model-name student --dtype float32
    transformers serve src/subtrait/models/micro/weights/micro-a
"""

import sys
from dataclasses import asdict
from time import perf_counter

import numpy as np

from subtrait.errors import SubtraitError
from subtrait.lab.carriers import CARRIERS
from subtrait.models.base import Model, Sampling
from subtrait.models.registry import local_name, open_model
from subtrait.records import Messages
from subtrait.scoring.hypotheses import Base, Prompted
from subtrait.scoring.rows import RowScores, score_rows

PERSONA = "You love the owl."


def main(name: str, rows: int = 200) -> None:
    """Print the trial, then writing, then scoring; where the server cannot do one of these, why."""
    served, inside = open_model(name), open_model(local_name(name))
    for field, value in asdict(served.trial).items():  # type: ignore[attr-defined]
        print(f"{field:<20}{value}")
    prompts = CARRIERS["numbers"]().prompts(rows, rng=np.random.default_rng(0))
    asked: list[Messages] = [[{"role": "user", "content": prompt}] for prompt in prompts]
    texts = written("in process", inside, asked)
    try:
        written("over HTTP", served, asked)
        ours, theirs = (
            scored(where, model, asked, texts) for where, model in (("in process", inside), ("over HTTP", served))
        )
    except SubtraitError as problem:
        print(f"refused: {problem}")
        return
    gap = np.abs(ours.log_likelihoods - theirs.log_likelihoods)
    print(f"largest difference  {gap.max():.2g} nats per row, {(gap / ours.tokens).max():.2g} per token")
    print(f"of the evidence     {np.abs(ours.log_ratios() - theirs.log_ratios()).max():.2g} nats per row")


def written(where: str, model: Model, asked: list[Messages]) -> list[str]:
    """The rows that a model writes; prints how fast it did and what it is like."""
    started = perf_counter()
    texts = model.generate(asked, sampling=Sampling(max_new_tokens=64), rng=np.random.default_rng(0))
    rate = len(asked) / (perf_counter() - started)
    kept = np.mean([any(letter.isdigit() for letter in text) for text in texts])
    mean = np.mean([len(text) for text in texts])
    like = f"{len(set(texts))} different, {mean:.1f} characters, {kept:.0%} with digits"
    print(f"writing, {where:<11}{rate:8.1f} rows/s   {like}")
    return texts


def scored(where: str, model: Model, asked: list[Messages], texts: list[str]) -> RowScores:
    """How likely the rows are to the model, and to the model under a persona; prints how fast that was."""
    hypotheses = (Base(model=model), Prompted(name="owl", model=model, system_prompt=PERSONA))
    started = perf_counter()
    found = score_rows(hypotheses, list(zip(asked, texts, strict=True)))
    rate = len(asked) * len(hypotheses) / (perf_counter() - started)
    print(f"scoring, {where:<11}{rate:8.1f} rows/s   mean {found.log_likelihoods[:, 0].mean():.4f} nats")
    return found


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
