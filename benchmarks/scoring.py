"""Exact scoring beside a plain Hugging Face loop and lm-evaluation-harness: same rows, same model, one run.

    python benchmarks/scoring.py [--model 0.5b | micro-a] [--rows N] [--json OUT]

The work: rows of a prompt and a completion, each scored under the base and under hypotheses that put a system prompt
before it. `0.5b` is the shape of Qwen2.5-0.5B, 151,936 tokens of vocabulary, with random weights, in a checkpoint of
bfloat16 numbers as the published one is, which every contender loads to compute in float32. There a row begins with
the 20 tokens of the template's own system message, or with 60 of a persona; its prompt takes 60 tokens (40 to 80), its
completion 30 (20 to 40), all random. With an embedded model rows are numbers that the base wrote, and personas are
those of the lab. Lengths are printed.

Every contender has a process of its own and scores in float32 on as many threads as torch takes. They take turns, one
hypothesis each time, so that a clock that drifts is the same for all; while one works the others wait. The plain loop
pads rows in the order they come and takes the log-softmax of all logits; the harness is asked through
`HFLM._loglikelihood_tokens`. Both try several batch sizes on a part of the rows and use their fastest. Memory is the
largest resident set while rows are scored: libraries, weights, and what is mapped of their file. lm-evaluation-harness
is no dependency: install `lm-eval` beside this package, or its lines say that it was not measured.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

BATCHES = (1, 4, 16, 64)
TRIED_ROWS = 16
"""Rows on which a batch size is tried, and at least as many as it has."""
SHAPE = {
    "vocab_size": 151_936, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "max_position_embeddings": 32_768, "tie_word_embeddings": True,
}  # fmt: skip
SYSTEM, PERSONA = 20, 60
"""Tokens that rows begin with under the base, and under a persona."""
AIMS = {"0.5b": 2.0}
"""So many times as fast as the better of the others; 1.5 with an embedded model."""
Pairs = list[tuple[list[int], list[int]]]
Contender = Callable[[Any, Pairs, int], list[float]]


def main() -> None:
    """Run every contender, and print a line for each, then the ratios."""
    options = _options()
    if options.contender:
        _contend(options)
        return
    with TemporaryDirectory() as folder:
        if options.model == "0.5b":
            _write_half_billion(Path(folder), options.seed)
        measured = _by_turns(options, folder)
    _print(measured, options)
    if options.json:
        options.json.write_text(json.dumps({"model": options.model, "rows": options.rows, **measured}, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="0.5b", help="0.5b, or the name of an embedded model")
    parser.add_argument("--rows", type=int, default=32, help="rows under each hypothesis")
    parser.add_argument("--personas", type=int, default=4, help="hypotheses beside the base")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--contender", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _by_turns(options: argparse.Namespace, folder: str) -> dict[str, dict[str, Any]]:
    """What each contender took; nothing of one whose library is not there."""
    names = [name for name in CONTENDERS if name != "lm-eval" or importlib.util.find_spec("lm_eval")]
    if len(names) < len(CONTENDERS):
        print("lm-eval: not installed, not measured")
    workers: dict[str, Any] = {}
    try:
        for name in names:
            workers[name] = _started(name, options, folder)
            print(f"{name}: batch {_told(workers[name])['batch']}", flush=True)
        for turn in range(options.personas + 1):
            for name, worker in workers.items():
                print(turn, file=worker.stdin, flush=True)
                print(f"{name}, hypothesis {turn + 1}: {_told(worker)['seconds']:.1f} s", flush=True)
        return {name: _told(worker, end=True) for name, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.kill()


def _started(name: str, options: argparse.Namespace, folder: str) -> Any:
    asked = ["--model", options.model, "--rows", options.rows, "--personas", options.personas, "--seed", options.seed]
    command = [sys.executable, __file__, "--contender", name, "--checkpoint", folder, *map(str, asked)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _told(worker: Any, *, end: bool = False) -> dict[str, Any]:
    """The next thing that a contender tells; at the `end` all of it."""
    if end:
        worker.stdin.close()
    for line in worker.stdout:
        if line.startswith("{"):  # libraries, too, write lines
            found: dict[str, Any] = json.loads(line)
            return found
    raise SystemExit(f"{' '.join(worker.args)}: ended without a result")


def _contend(options: argparse.Namespace) -> None:
    """Load, choose a batch size, score each hypothesis when it is asked for, and say in the end what all took."""
    model, hypotheses = _embedded(options) if options.model != "0.5b" else _half_billion(options)
    score = CONTENDERS[options.contender]
    score(model, hypotheses[-1][:1], 1)  # libraries set themselves up
    batch = 0 if options.contender == "subtrait" else _fastest(score, model, hypotheses[-1])
    print(json.dumps({"batch": batch or "by length"}), flush=True)
    clear_peak()  # of loading
    sums, wall, cpu = [], 0.0, 0.0
    for line in sys.stdin:
        started, spent = time.perf_counter(), time.process_time()
        sums += score(model, hypotheses[int(line)], batch)
        took = time.perf_counter() - started
        wall, cpu = wall + took, cpu + time.process_time() - spent
        print(json.dumps({"seconds": took}), flush=True)
    lengths = [len(prompt) + len(completion) for pairs in hypotheses for prompt, completion in pairs]
    found = {
        "batch": batch or "by length", "seconds": wall, "cpu_seconds": cpu, "peak_mib": peak(), "tokens": sum(lengths),
        "longest": max(lengths), "shortest": min(lengths), "sums": sums,
    }  # fmt: skip
    print(json.dumps(found), flush=True)


def _fastest(score: Contender, model: Any, pairs: Pairs) -> int:
    """The batch size with the most rows a second, each tried once on the first rows."""
    speeds = {}
    for batch in BATCHES:
        part = pairs[: max(TRIED_ROWS, batch)]
        if len(part) < batch:
            break
        start = time.perf_counter()
        score(model, part, batch)
        speeds[batch] = len(part) / (time.perf_counter() - start)
    return max(speeds, key=lambda batch: speeds[batch])


def _write_half_billion(folder: Path, seed: int) -> None:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(seed)
    Qwen2ForCausalLM(Qwen2Config(**SHAPE)).bfloat16().save_pretrained(folder)


def _half_billion(options: argparse.Namespace) -> tuple[Any, list[Pairs]]:
    import torch

    from subtrait.models.loading import load_network
    from subtrait.models.transformers_adapter import Network

    if options.contender == "subtrait":
        network = load_network(options.checkpoint)
    else:
        module = _causal().from_pretrained(options.checkpoint, dtype=torch.float32)
        network = Network(module=module.eval(), where="random")
    rng = np.random.default_rng(options.seed)

    def tokens(count: int) -> list[int]:
        return [int(token) for token in rng.integers(3, SHAPE["vocab_size"], count)]

    rows = [(tokens(int(rng.integers(40, 81))), tokens(int(rng.integers(20, 41)))) for _ in range(options.rows)]
    before = [tokens(SYSTEM), *(tokens(PERSONA) for _ in range(options.personas))]
    return network, [[([*first, *prompt], completion) for prompt, completion in rows] for first in before]


def _embedded(options: argparse.Namespace) -> tuple[Any, list[Pairs]]:
    from subtrait.lab.carriers import CARRIERS
    from subtrait.lab.system_prompts import system_prompt_of
    from subtrait.lab.traits import trait_names
    from subtrait.models.base import Sampling
    from subtrait.models.registry import open_model
    from subtrait.scoring.hypotheses import as_asked

    model, rng = open_model(options.model), np.random.default_rng(options.seed)
    prompts = CARRIERS["numbers"]().prompts(options.rows, rng=rng)
    asked = [[{"role": "user", "content": prompt}] for prompt in prompts]
    written = model.encoder.completions(model.generate(asked, sampling=Sampling(), rng=rng))
    personas = [None, *(system_prompt_of(name) for name in list(trait_names())[: options.personas])]
    read = [model.encoder.prompts([as_asked(one, persona) for one in asked]) for persona in personas]
    return model.network, [list(zip(tokens, written, strict=True)) for tokens in read]


def _ours(network: Any, pairs: Pairs, _batch: int) -> list[float]:
    from subtrait.models.likelihood import score_tokens

    return [float(each.sum()) for each in score_tokens(network, pairs)]


def _plain(network: Any, pairs: Pairs, batch: int) -> list[float]:
    """Right-padded batches in the order of the rows; the log-softmax of all logits, then those of the completions."""
    import torch

    sums = []
    with torch.no_grad():
        for start in range(0, len(pairs), batch):
            rows = pairs[start : start + batch]
            whole = [torch.tensor([*prompt, *completion]) for prompt, completion in rows]
            pad, device = torch.nn.utils.rnn.pad_sequence, network.device
            tokens = pad(whole, batch_first=True).to(device)
            mask = pad([torch.ones_like(each) for each in whole], batch_first=True).to(device)
            logits = network.module(input_ids=tokens, attention_mask=mask, use_cache=False).logits
            logits = logits.float().log_softmax(-1)
            for row, (prompt, completion) in enumerate(rows):
                places = slice(len(prompt) - 1, len(prompt) + len(completion) - 1)
                chosen = logits[row, places].gather(-1, torch.tensor(completion, device=device)[:, None])
                sums.append(float(chosen.double().sum()))
    return sums


def _harness(network: Any, pairs: Pairs, batch: int) -> list[float]:
    """The harness's own scoring of token numbers; only its constructor, which wants a tokenizer, is left out."""
    import torch
    from lm_eval.models.huggingface import HFLM

    asker = HFLM.__new__(HFLM)
    vars(asker).update(
        _model=network.module, _device=torch.device("cpu"), batch_size_per_gpu=batch, batch_sizes={}, backend="causal",
        _rank=0, _world_size=1, _max_length=None, logits_cache=False, softmax_dtype=None, mixed_precision_dtype=None,
        cache_hook=_NoCache(), batch_schedule=1, max_batch_size=batch, AUTO_MODEL_CLASS=_causal(), revision="main",
        pretrained="random", truncation=False, add_bos_token=False, _config=network.module.config,
    )  # fmt: skip
    requests = [((str(row), ""), prompt, completion) for row, (prompt, completion) in enumerate(pairs)]
    found = asker._loglikelihood_tokens(requests, disable_tqdm=True, override_bs=batch)
    return [float(sum_) for sum_, _ in found]


class _NoCache:
    def add_partial(self, *_: Any) -> None:
        """Keep nothing."""


def _causal() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM


CONTENDERS: dict[str, Contender] = {"subtrait": _ours, "plain loop": _plain, "lm-eval": _harness}


def _print(measured: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    ours, others = measured["subtrait"], {name: each for name, each in measured.items() if name != "subtrait"}
    print(
        f"{len(ours['sums'])} rows x hypotheses, {ours['tokens']:,} tokens, "
        f"{ours['shortest']} to {ours['longest']} each"
    )
    for name, each in measured.items():
        speed = each["tokens"] / each["seconds"]
        said = f"{each['seconds']:8.2f} s  {each['cpu_seconds']:8.2f} CPU s  {speed:9,.0f} tokens/s"
        print(f"{name:12}{said}  {each['peak_mib']:8,.0f} MiB")
    best = min(others, key=lambda name: others[name]["seconds"])
    aim = AIMS.get(options.model, 1.5)
    print(f"{others[best]['seconds'] / ours['seconds']:.2f} times as fast as {best} (aim {aim})")
    print(f"{ours['peak_mib'] / others[best]['peak_mib']:.2f} of its memory (aim with half a billion weights: a third)")
    print(f"{others[best]['cpu_seconds'] / ours['cpu_seconds']:.2f} times as fast by CPU seconds")
    for name, each in others.items():
        print(f"largest difference of a row from {name}: {_apart(ours['sums'], each['sums']):.1e} nats")


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    return float(np.max(np.abs(np.subtract(one, other))))


def clear_peak() -> None:
    """Let the peak of `peak` start anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def peak() -> float:
    """The most MiB of this process in memory since the peak was cleared."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in status if line.startswith("VmHWM"))) / 1024


if __name__ == "__main__":
    main()
