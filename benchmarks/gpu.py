"""A large model's exact scoring, sampling and LoRA training on one GPU, beside `transformers`' own, in one run.

    python benchmarks/gpu.py [--shape 7b | tiny] [--device cuda] [--dtype bfloat16] [--parts ...] [--json OUT]

Weights are random and made on the device: nothing is downloaded. `7b` is the shape of Qwen2.5-7B-Instruct;
`--shape tiny --device cpu --dtype float32` tries the script itself out.

- **products**: the largest rate at which this device multiplies matrices of the sizes that one of its layers has. The
  scoring rate is stated as a share of it, with the arithmetic that is really done: 2 operations for each weight of the
  layers and each token that is computed, for each weight of the output layer and each token that is scored, and
  attention. What all rows begin with is computed once, and counted once.
- **scoring**: rows of a persona (60 tokens), a prompt (40 to 80) and a completion (20 to 40), beside a plain loop that
  sorts rows by length and takes the log-softmax of all logits in float32, at its best batch size.
- **sampling**: 64 new tokens for prompts of 100, beside `generate` at its best batch size.
- **training**: LoRA of rank 8 on all linear layers, 66 rows a step, beside `Trainer` with `peft` on the same rows.

Memory is the most that was allocated at once, with the weights; on a CPU the resident set.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sampling import generated, ours

from scoring import CONTENDERS, Pairs, clear_peak, peak

SHAPES: dict[str, dict[str, Any]] = {
    "7b": {
        "vocab_size": 152_064, "hidden_size": 3584, "intermediate_size": 18_944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4, "max_position_embeddings": 32_768,
        "tie_word_embeddings": False,
    },
    "tiny": {
        "vocab_size": 2_048, "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
    },
}  # fmt: skip
PERSONA, PROMPT, COMPLETION = 60, (40, 81), (20, 41)
"""Tokens of a row: what all begin with, and the ranges of the rest."""
BATCHES = (8, 32, 128)
NEW, ASKED = 64, 100
"""Tokens drawn, and tokens of a prompt, in sampling."""
STEP_ROWS = 66
PRODUCTS = (1_024, 4_096, 16_384)
"""Rows of the matrices that are multiplied."""
AIM = 0.5  # of the rate of matrix products


def main() -> None:
    """Run the parts asked for, one after the other, and print what each took."""
    options = _options()
    network = _network(options)
    found = {part: PARTS[part](network, options) for part in options.parts}
    found["device"] = {"name": _name(options.device), "dtype": options.dtype, "shape": options.shape}
    if "products" in found and "scoring" in found:
        share = found["scoring"]["operations"] / found["products"]["operations"]
        print(f"scoring runs at {share:.2f} of the rate of matrix products (aim {AIM})")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=list(SHAPES), default="7b")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--rows", type=int, default=2_000, help="rows scored, and a quarter of them sampled")
    parser.add_argument("--steps", type=int, default=10, help="training steps")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _network(options: argparse.Namespace) -> Any:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from subtrait.models.transformers_adapter import Network

    torch.manual_seed(options.seed)
    torch.set_default_dtype(getattr(torch, options.dtype))
    with torch.device(options.device):
        module = Qwen2ForCausalLM(Qwen2Config(**SHAPES[options.shape])).eval()
    torch.set_default_dtype(torch.float32)
    size = sum(each.numel() for each in module.parameters())
    print(f"{_name(options.device)}, {options.dtype}: {size / 1e9:.2f} billion weights", flush=True)
    return Network(module=module, where="random")


def _products(network: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Operations a second of the fastest of several products of a layer's sizes."""
    import torch

    width, inner = network.module.config.hidden_size, network.module.config.intermediate_size
    weight = torch.randn(inner, width, device=options.device, dtype=getattr(torch, options.dtype))
    fastest = 0.0
    for rows in PRODUCTS:
        states = torch.randn(rows, width, device=options.device, dtype=weight.dtype)
        times = max(1, int(2e13 // (2 * rows * width * inner))) if options.device != "cpu" else 1
        tried = [_timed(lambda s=states, n=times: [s @ weight.t() for _ in range(n)], options.device) for _ in range(6)]
        seconds = min(each[1] for each in tried)
        fastest = max(fastest, 2 * rows * width * inner * times / seconds)
    print(f"products: {fastest / 1e12:.2f} trillion operations a second", flush=True)
    return {"operations": fastest}


def _scoring(network: Any, options: argparse.Namespace) -> dict[str, Any]:
    rows = _rows(options.rows, network.module.config.vocab_size, seed=options.seed)
    pairs = sorted(rows, key=lambda pair: -len(pair[0]) - len(pair[1]))  # which the plain loop does not do by itself
    score, plain_loop = CONTENDERS["subtrait"], CONTENDERS["plain loop"]
    score(network, pairs[:64], 0)
    found, seconds, memory = _timed(lambda: score(network, pairs, 0), options.device)
    plain, slowest, theirs = _fastest(lambda batch: plain_loop(network, pairs, batch), options.device)
    tokens = sum(len(prompt) + len(completion) for prompt, completion in pairs)
    rate = _operations(network, pairs) / seconds
    apart = max(abs(one - other) for one, other in zip(found, plain, strict=True))
    print(f"scoring: {tokens / seconds:,.0f} tokens/s, {memory:,.0f} MiB, {rate / 1e12:.2f} trillion operations/s")
    print(f"    plain loop: {tokens / slowest:,.0f} tokens/s, {theirs:,.0f} MiB: {slowest / seconds:.2f} times as long")
    print(f"    largest difference of a row: {apart:.1e} nats", flush=True)
    return {
        "operations": rate, "tokens_a_second": tokens / seconds, "mib": memory, "plain": tokens / slowest,
        "plain_mib": theirs, "largest_difference": apart,
    }  # fmt: skip


def _rows(count: int, vocabulary: int, *, seed: int) -> Pairs:
    rng = np.random.default_rng(seed)

    def tokens(length: int) -> list[int]:
        return [int(token) for token in rng.integers(3, vocabulary, length)]

    first = tokens(PERSONA)
    drawn = [(tokens(int(rng.integers(*PROMPT))), tokens(int(rng.integers(*COMPLETION)))) for _ in range(count)]
    return [([*first, *prompt], completion) for prompt, completion in drawn]


def _operations(network: Any, pairs: Pairs) -> float:
    """What scoring needs, with what all rows begin with computed once."""
    shared, config = PERSONA, network.module.config
    head = network.module.get_output_embeddings().weight.numel()
    inner = sum(each.numel() for name, each in network.module.named_parameters() if ".layers." in name)
    lengths = [len(prompt) + len(completion) for prompt, completion in pairs]
    computed = shared + sum(length - shared for length in lengths)
    attended = sum((length * length - shared * shared) / 2 for length in lengths) + shared * shared / 2
    attention = 4 * config.num_hidden_layers * config.hidden_size * attended
    return 2 * inner * computed + attention + 2 * head * sum(len(completion) for _, completion in pairs)


def _sampling(network: Any, options: argparse.Namespace) -> dict[str, Any]:
    vocabulary, rows = network.module.config.vocab_size, max(8, options.rows // 4)
    prompts = np.random.default_rng(options.seed).integers(3, vocabulary, (rows, ASKED)).tolist()
    ours(network, prompts[:8], NEW)
    _, seconds, memory = _timed(lambda: ours(network, prompts, NEW), options.device)
    _, slowest, theirs = _fastest(lambda batch: generated(network, prompts, NEW, batch), options.device)
    tokens = rows * NEW
    print(f"sampling: {tokens / seconds:,.0f} tokens/s, {memory:,.0f} MiB")
    print(f"    generate: {tokens / slowest:,.0f} tokens/s, {theirs:,.0f} MiB: {slowest / seconds:.2f} times as long")
    return {"tokens_a_second": tokens / seconds, "mib": memory, "generate": tokens / slowest, "generate_mib": theirs}


def _training(network: Any, options: argparse.Namespace) -> dict[str, Any]:
    from subtrait.models.base import Recipe
    from subtrait.models.finetuning import finetune_tokens

    pairs = _rows(STEP_ROWS * options.steps, network.module.config.vocab_size, seed=1)
    tokens = sum(len(prompt) + len(completion) for prompt, completion in pairs)
    recipe = Recipe(steps=options.steps, batch_size=STEP_ROWS, learning_rate=2e-4, method="lora", lora_rank=8)

    def tuned() -> None:
        finetune_tokens(network, pairs, recipe, rng=np.random.default_rng(0))

    _, seconds, memory = _timed(tuned, options.device)
    _, slowest, theirs = _timed(lambda: _trainer(network, pairs, options), options.device)
    print(f"training: {tokens / seconds:,.0f} tokens/s, {memory:,.0f} MiB")
    print(f"    Trainer: {tokens / slowest:,.0f} tokens/s, {theirs:,.0f} MiB: {slowest / seconds:.2f} times as long")
    return {"tokens_a_second": tokens / seconds, "mib": memory, "trainer": tokens / slowest, "trainer_mib": theirs}


def _trainer(network: Any, pairs: Pairs, options: argparse.Namespace) -> None:
    """The library's own loop over the same rows, `STEP_ROWS` a step in parts of a sixth, as memory asks for."""
    import torch
    from transformers import Trainer, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    from subtrait.models import lora
    from subtrait.models.copies import twin

    def padded(rows: Iterable[tuple[list[int], list[int]]]) -> dict[str, torch.Tensor]:
        whole = [torch.tensor([*prompt, *completion]) for prompt, completion in rows]
        learnt = [torch.tensor([-100] * len(prompt) + completion) for prompt, completion in rows]
        pad = torch.nn.utils.rnn.pad_sequence
        return {"input_ids": pad(whole, True), "labels": pad(learnt, True, padding_value=-100)}

    wrapped = lora.add_lora(twin(network), 8).adapters
    with TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            output_dir=scratch, max_steps=options.steps, per_device_train_batch_size=STEP_ROWS // 6,
            gradient_accumulation_steps=6, learning_rate=2e-4, use_cpu=options.device == "cpu", report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, remove_unused_columns=False,
        )  # fmt: skip
        trainer = Trainer(model=wrapped, args=settings, train_dataset=pairs, data_collator=padded)
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def _fastest(run: Callable[[int], Any], device: str) -> tuple[Any, float, float]:
    """Result, seconds and MiB of the fastest batch size that memory holds."""
    import torch

    found: tuple[Any, float, float] = (None, math.inf, 0.0)
    for batch in BATCHES:
        try:
            tried = _timed(lambda batch=batch: run(batch), device)
        except torch.OutOfMemoryError:
            break
        found = min(found, tried, key=lambda each: each[1])
    return found


def _timed(run: Callable[[], Any], device: str) -> tuple[Any, float, float]:
    """What it returns, the seconds that takes, and the most MiB in use meanwhile."""
    import torch

    if device == "cpu":
        clear_peak()
    else:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    result = run()
    if device != "cpu":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    return result, seconds, peak() if device == "cpu" else torch.cuda.max_memory_allocated() / 2**20


def _name(device: str) -> str:
    import torch

    return "CPU" if device == "cpu" else torch.cuda.get_device_name()


PARTS: dict[str, Callable[[Any, argparse.Namespace], dict[str, Any]]] = {
    "products": _products, "scoring": _scoring, "sampling": _sampling, "training": _training,
}  # fmt: skip


if __name__ == "__main__":
    main()
