"""A real server beside its checkpoint in this process: does it write and score the same, and how fast?

    python benchmarks/served_copy.py micro-a /tmp/student
    python -m vllm.entrypoints.openai.api_server --model /tmp/student --served-model-name student --dtype float32
    python benchmarks/served.py vllm:student=micro-a [--rows 1000] [--seed 0] [--json OUT]

or, for a server that writes and does not score:

    transformers serve --device cpu --dtype float32 --port 8001
    python benchmarks/served.py "http://127.0.0.1:8001/v1#/tmp/student=micro-a"

The server is started by hand, from an environment of its own: `docs/results/servers.md` says how. *Writing*: number
prompts are answered in process and over HTTP, by the base and by the base told a persona. Answers to one prompt are
paired, and a sign-flip test asks whether the two ways differ in tokens, in likelihood or in the evidence for the
persona; `origin` asks the checkpoint whether it wrote what came over HTTP. The same at a planted temperature of .9
shows what these tests can see. *Scoring*: the texts are scored under the base and under the persona both ways; the
largest differences stand beside the noise floors: what the order and the shape of batches change in process, and on the
server, which is asked once more row by row; and beside what float32 rounds at all, which scores in float64 tell.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from subtrait.auditor.origin.declared import written_as_declared
from subtrait.errors import SubtraitError
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.seeds import stream
from subtrait.lab.traits import find_trait
from subtrait.models.base import Model, Sampling
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import local_name, open_model
from subtrait.models.servers.served_model import ServedModel
from subtrait.records import Messages, Row
from subtrait.scoring.hypotheses import as_asked
from subtrait.scoring.noise_floor import noise_floor
from subtrait.statistics.intervals import t_interval
from subtrait.statistics.permutation import paired_permutation

PERSONA = find_trait("owl").system_prompt
PLANTED = 0.9
"""A temperature at which texts differ from those at 1."""
Pairs = list[tuple[Messages, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """One checkpoint, and how it is reached."""

    inside: HuggingFaceModel
    served: ServedModel
    prompts: list[Messages]
    seed: int


def main() -> None:
    """Print what was found, or why something is refused; write the JSON file if one is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the served model, with =CHECKPOINT")
    parser.add_argument("--rows", type=int, default=1000, help="prompts (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of everything (0)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # or rows of an earlier call would be taken, and nothing asked
        found = measured(ways(options))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def ways(options: argparse.Namespace) -> Ways:
    """Both models, opened, and the prompts."""
    inside, served = open_model(local_name(options.name)), open_model(options.name)
    assert isinstance(inside, HuggingFaceModel)
    assert isinstance(served, ServedModel)
    prompts = CARRIERS["numbers"]().prompts(options.rows, rng=stream(options.seed, "served", "prompts"))
    asked: list[Messages] = [[{"role": "user", "content": prompt}] for prompt in prompts]
    return Ways(inside=inside, served=served, prompts=asked, seed=options.seed)


def measured(ways: Ways) -> Row:
    """The trial, writing and scoring; of what the server cannot do, why."""
    found: Row = {"trial": asdict(ways.served.trial)}
    print("\n".join(f"{field:<20}{value}" for field, value in found["trial"].items()))
    steps: dict[str, Callable[[Ways], Row]] = {"writing": compare_writing, "scoring": compare_scoring}
    for name, step in steps.items():
        try:
            found[name] = step(ways)
        except SubtraitError as problem:
            found[name] = {"refused": str(problem)}
            print(f"\n{name} is refused: {problem}")
    return found


def compare_writing(ways: Ways) -> Row:
    """Texts over HTTP, and of the planted temperature, beside texts in process: for the base and for the persona."""
    found: Row = {}
    for who, told in (("base", None), ("persona", PERSONA)):
        print(f"\nwriting, {who}")
        here = written(ways, ways.inside, told, "in process")
        for where, model in (("over HTTP", ways.served), ("planted", ways.inside)):
            texts = written(ways, model, told, where)
            found[f"{who}, {where}"] = judged(ways, told, here, texts)
    tests = [test["p"] for name, each in found.items() if "HTTP" in name for test in each.values()]
    print(
        f"\nover HTTP: smallest p {min(tests):.3f} of {len(tests)}, {min(1, min(tests) * len(tests)):.2f} by Bonferroni"
    )
    return found


def written(ways: Ways, model: Model, told: str | None, where: str) -> Pairs:
    """What a model answers; prints how fast it did. Every way has seeds of its own."""
    sampling = Sampling(temperature=PLANTED if where == "planted" else 1.0, max_new_tokens=64)
    asked = [as_asked(prompt, told) for prompt in ways.prompts]
    started = perf_counter()
    texts = model.generate(asked, sampling=sampling, rng=stream(ways.seed, "served", where, str(told)))
    rate = len(asked) / (perf_counter() - started)
    print(f"  {where:<12}{rate:8.1f} rows/s, {len(set(texts))} different, {np.mean([*map(len, texts)]):.1f} characters")
    return list(zip(asked, texts, strict=True))


def judged(ways: Ways, told: str | None, here: Pairs, there: Pairs) -> Row:
    """Whether texts differ from those in process, and whether the checkpoint takes them for its own."""
    ours, theirs = traits_of(ways, told, here), traits_of(ways, told, there)
    found: Row = {name: tested(theirs[name] - ours[name], name) for name in ours}
    origin = written_as_declared(ways.inside, there)
    print(f"    {'origin':<20}{origin.finding}, p = {origin.p:.3f}")
    return {**found, "origin": {"z": origin.statistic, "p": origin.p}}


def traits_of(ways: Ways, told: str | None, pairs: Pairs) -> dict[str, np.ndarray]:
    """Three numbers of every text, all taken in process."""
    texts = [text for _, text in pairs]
    asked = [[as_asked(prompt, each) for prompt in ways.prompts] for each in (None, PERSONA)]
    base, persona = (ways.inside.score(each, texts) for each in asked)
    sums = np.array([[one.sum(), other.sum()] for one, other in zip(base, persona, strict=True)])
    own = sums[:, 1 if told else 0]
    return {"tokens": np.array([*map(len, base)], float), "log-likelihood": own, "evidence": sums[:, 1] - sums[:, 0]}


def tested(differences: np.ndarray, name: str) -> Row:
    """Whether the two texts of a prompt could as well change places."""
    test = paired_permutation(differences, rng=np.random.default_rng(0))
    mean = t_interval(differences.tolist(), unit="prompt")
    print(f"    {name:<20}{mean.value:+.3f} ({mean.low:+.3f} to {mean.high:+.3f}), p = {test.p:.4f}")
    return {"difference": mean.value, "low": mean.low, "high": mean.high, "p": test.p}


def compare_scoring(ways: Ways) -> Row:
    """Scores of the same texts in process and over HTTP, beside what batches alone change in process."""
    print("\nscoring")
    texts = [text for told in (None, PERSONA) for _, text in written(ways, ways.inside, told, "in process")]
    found, gaps = dict[str, Row](), list[list[np.ndarray]]()
    for who, told in (("base", None), ("persona", PERSONA)):
        asked = [as_asked(prompt, told) for prompt in (*ways.prompts, *ways.prompts)]
        ours, theirs = (timed(model, asked, texts) for model in (ways.inside, ways.served))
        wide = exactly(ways, asked, texts)
        gaps.append([apart(theirs, ours), apart(ours, wide), apart(theirs, wide)])
        found[who] = {**largest_of(gaps[-1]), **floors(ways, list(zip(asked, texts, strict=True)))}
    # Evidence is a difference of two scores, each of which has a floor
    both = {name: found["base"][name] + found["persona"][name] for name in found["base"] if name.startswith("floor")}
    found["evidence"] = {**largest_of([apart(told, base) for base, told in zip(*gaps, strict=True)]), **both}
    for who, row in found.items():
        print(f"    {who:<12}" + ", ".join(f"{name} {value:.2g}" for name, value in row.items()) + " nats")
    return dict(found)


def apart(some: list[np.ndarray], others: list[np.ndarray]) -> list[np.ndarray]:
    """Some less the others, row by row."""
    return [one - other for one, other in zip(some, others, strict=True)]


def exactly(ways: Ways, asked: list[Messages], texts: list[str]) -> list[np.ndarray]:
    """The same log-probabilities in float64, row by row: what float32 rounds, here and on the server, is told by them.

    The library norms states in float32 whatever is asked for, so these layers are torch's own. Angles of positions stay
    as the library has them.
    """
    module = deepcopy(ways.inside.network.module).double()
    for name, part in list(module.named_modules()):
        if hasattr(part, "variance_epsilon"):
            norm = torch.nn.RMSNorm(part.weight.shape, eps=part.variance_epsilon, dtype=torch.float64)
            norm.weight = part.weight
            module.set_submodule(name, norm)
    encoder, found = ways.inside.encoder, []
    for prompt, completion in zip(encoder.prompts(asked), encoder.completions(texts), strict=True):
        with torch.no_grad():
            logits = module(input_ids=torch.tensor([[*prompt, *completion]]), use_cache=False).logits[0]
        chosen = logits.log_softmax(-1)[len(prompt) - 1 : -1].gather(-1, torch.tensor(completion)[:, None])
        found.append(chosen[:, 0].numpy())
    return found


def floors(ways: Ways, pairs: Pairs) -> Row:
    """What the order and the shape of batches change in process, and on the server: nats per token."""
    where = {"floor in process": ways.inside, "floor of the server": ways.served}
    return {name: noise_floor(model, pairs).largest for name, model in where.items()}


def timed(model: Model, asked: list[Messages], texts: list[str]) -> list[np.ndarray]:
    """Log-probabilities of the tokens of each text; prints how fast that was."""
    started = perf_counter()
    found = model.score(asked, texts)
    print(f"  {model.name:<40}{len(texts) / (perf_counter() - started):8.1f} rows/s")
    return found


def largest_of(gaps: list[list[np.ndarray]]) -> Row:
    """The largest difference of a token, for each of three pairs of ways; and of a row, over HTTP and in process."""
    names = ("server and process", "process and float64", "server and float64")
    found = {name: float(np.abs(np.concatenate(each)).max()) for name, each in zip(names, gaps, strict=True)}
    return {**found, "server and process, per row": float(np.abs([row.sum() for row in gaps[0]]).max())}


if __name__ == "__main__":
    main()
