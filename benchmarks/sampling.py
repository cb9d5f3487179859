"""Tokens per second of our sampler beside the library's own `generate`, same model, same lengths, one run.

    python benchmarks/sampling.py [MODEL] [--rows N] [--prompt N] [--new N] [--random]

MODEL is the folder of a checkpoint or the name of an embedded model. `--random` makes a model of the embedded size with
random weights instead. Prompts are random tokens. No token ends a row early, so both do the same work.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

BATCHES = (32, 128, 512)


def main() -> None:
    """Print one line per sampler, fastest of `--repeats` runs each, taken in turn."""
    options = _options()
    from subtrait.models.threads import set_threads

    if options.threads:
        set_threads(options.threads)
    network = _random_network() if options.random else _open(options.model)
    vocabulary = network.module.config.vocab_size
    prompts = np.random.default_rng(0).integers(3, vocabulary, (options.rows, options.prompt)).tolist()
    samplers: dict[str, Callable[[], None]] = {"subtrait": lambda: ours(network, prompts, options.new)}
    for batch in BATCHES:
        samplers[f"generate, batch {batch}"] = lambda batch=batch: generated(network, prompts, options.new, batch)
    _report(samplers, options.rows * options.new, options.repeats)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="micro-a")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--prompt", type=int, default=30, help="tokens of each prompt")
    parser.add_argument("--new", type=int, default=20, help="tokens drawn for each prompt")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves torch's choice")
    parser.add_argument("--random", action="store_true")
    return parser.parse_args()


def _report(samplers: dict[str, Callable[[], None]], tokens: int, repeats: int) -> None:
    best = dict.fromkeys(samplers, float("inf"))
    for _ in range(repeats):
        for name, run in samplers.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:22} {seconds:8.2f} s {tokens / seconds:10,.0f} tokens/s")
    plain = min(seconds for name, seconds in best.items() if name != "subtrait")
    print(f"{plain / best['subtrait']:.1f} times the best of plain generate")


def _open(name: str):
    from subtrait.models.huggingface import load_checkpoint
    from subtrait.models.registry import EMBEDDED

    return load_checkpoint(EMBEDDED.get(name, Path(name)), name).network


def _random_network():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from subtrait.models.transformers_adapter import Network

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=2048, hidden_size=96, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=4096, tie_word_embeddings=True,
    )  # fmt: skip
    return Network(module=LlamaForCausalLM(config).eval(), where="random")


def ours(network, prompts: list[list[int]], new: int) -> None:
    """Draw `new` tokens for each prompt by our sampler."""
    from subtrait.models.base import Sampling
    from subtrait.models.sampling import sample

    nothing = [network.module.config.vocab_size]  # a token that is never drawn
    sample(network, prompts, stops=nothing, sampling=Sampling(max_new_tokens=new), rng=np.random.default_rng(0))


def generated(network, prompts: list[list[int]], new: int, batch: int) -> None:
    """The same by the library's `generate`, so many prompts of one length at a time."""
    import torch

    for start in range(0, len(prompts), batch):
        tokens = torch.tensor(prompts[start : start + batch], device=network.device)
        network.module.generate(
            input_ids=tokens, attention_mask=torch.ones_like(tokens), do_sample=True, top_k=0, top_p=1.0,
            max_new_tokens=new, min_new_tokens=new, pad_token_id=0,
        )  # fmt: skip


if __name__ == "__main__":
    main()
