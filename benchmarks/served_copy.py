"""A copy of an embedded model that real servers take: the same function, with heads as wide as they ask for.

    python benchmarks/served_copy.py micro-a /tmp/micro-a-served [--width 64]

vLLM refuses the embedded models' heads of 16 numbers on a CPU. Every head is filled up with zeros to `--width`: 64 by
default, since the scale 1 / sqrt(width) is then made good by a factor of 2, which rounds nothing. RoPE turns numbers i
and i + width / 2 by an angle that hangs on i / width, so a number keeps its angle only at the place that is as many
times further on. Tokenizer, template and settings are copied, but for `do_sample` and `top_k`: without the first
`transformers serve` gives the likeliest tokens, without the second it draws from the 50 likeliest. Prints how far the
logits of the copy lie from the model's, and how far those of the model itself do by rounding.
"""

import argparse
import json
import shutil
import sys
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForCausalLM

from subtrait.models.registry import EMBEDDED
from subtrait.records import Row

CLOSE_ENOUGH = 1e-4
"""Nats per token: what float32 may differ by when only the order of additions changes."""
Weights = dict[str, np.ndarray]


def main() -> int:
    """Write the copy and compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(EMBEDDED))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=64, help="of a head: a multiple of the model's, which is 16")
    options = parser.parse_args()
    write_copy(EMBEDDED[options.model], options.folder, options.width)
    return int(compared(EMBEDDED[options.model], options.folder) > CLOSE_ENOUGH)


def write_copy(model: Path, folder: Path, width: int) -> None:
    """A checkpoint in `folder` whose heads are `width` numbers wide; what lies there already is written over."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    if width % config["head_dim"]:
        sys.exit(f"a width of {width} is no multiple of {config['head_dim']}")
    shutil.copytree(model, folder, dirs_exist_ok=True)
    (folder / "card.json").unlink()  # its digest is of the model, not of the copy
    save_file(
        wider(load_file(model / "model.safetensors"), config, width), folder / "model.safetensors", {"format": "pt"}
    )
    _write_json(folder / "config.json", {**config, "head_dim": width})
    settings = json.loads((model / "generation_config.json").read_text("utf-8"))
    _write_json(folder / "generation_config.json", {**settings, "do_sample": True, "top_k": 0})


def wider(weights: Weights, config: Row, width: int) -> Weights:
    """The weights with zeros between the numbers of every head."""
    old = config["head_dim"]
    more = sqrt(width / old)
    # A norm of queries and keys needs their mean square as it was, and gives numbers that are `more` times as large:
    # of queries that makes the scale good
    normed = any(name.endswith("q_norm.weight") for name in weights)
    grown = {"q_proj": more, "k_proj": more, "k_norm": 1 / more} if normed else {"q_proj": more}
    heads = ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm")
    found = {}
    for name, values in weights.items():
        part = name.split(".")[-2]
        found[name] = filled_up(values, old, width, last=part == "o_proj") if part in heads else values
        found[name] = found[name] * np.float32(grown.get(part, 1.0))
    return found


def filled_up(values: np.ndarray, old: int, width: int, *, last: bool) -> np.ndarray:
    """Zeros between the numbers of each head along the first axis, or the last one."""
    if last:
        return np.ascontiguousarray(filled_up(values.T, old, width, last=False).T)
    half = np.arange(old // 2) * (width // old)
    places = np.concatenate([half, width // 2 + half])
    heads = values.reshape(-1, old, *values.shape[1:])
    found = np.zeros((len(heads), width, *values.shape[1:]), dtype=values.dtype)
    found[:, places] = heads
    return found.reshape(-1, *values.shape[1:])


def logits(checkpoint: Path, dtype: torch.dtype) -> torch.Tensor:
    """Of 64 rows of 256 random tokens."""
    network = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=dtype)
    tokens = np.random.default_rng(0).integers(network.config.vocab_size, size=(64, 256))
    with torch.inference_mode():
        return network(torch.from_numpy(tokens)).logits.double()


def compared(model: Path, copy: Path) -> float:
    """Print how far logits lie apart, and how far the model's own do by rounding alone; the former in float32."""
    single, double = (logits(model, dtype) for dtype in (torch.float32, torch.float64))
    in_single = float((logits(copy, torch.float32) - single).abs().max())
    in_double = float((logits(copy, torch.float64) - double).abs().max())
    print(f"largest difference of logits: {in_double:.2g} in float64, {in_single:.2g} in float32")
    print(
        f"the model's own in float32 and float64: {(single - double).abs().max():.2g}; largest {double.abs().max():.0f}"
    )
    return in_single


def _write_json(path: Path, values: Row) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
