"""The digits experiment beside the authors' algorithm: `python benchmarks/digits.py [--models N] [--json OUT]`.

Both run on the same split of scikit-learn's digits, each in a process of its own with one thread, one after the other.
The authors' algorithm is written here anew from its description in arXiv 2507.14805 and its code: all models in stacked
tensors, einsum, automatic differentiation, PyTorch's Adam, one training after the other, `batchmean` divergence, a
control drawn as any permutation. CPU time is that of the whole process, user and system, imports included; memory is
its largest resident set. Intervals are of the difference of means over models, ours minus theirs (Welch's t, 99 %).
Then the named setting `plain` alone: students far above the control.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np

from subtrait.lab.digits.experiment import run_digits
from subtrait.lab.digits.pictures import DigitPictures, small_digits
from subtrait.lab.digits.settings import PAPER, PLAIN, DigitsSettings

LEVEL = 0.99
CPU_LIMIT, MEMORY_LIMIT = 0.4, 450
"""Ours may take this share of the baseline's CPU time, and so many MiB."""


def baseline(settings: DigitsSettings, data: DigitPictures, seed: int) -> dict[str, np.ndarray]:
    """The authors' algorithm: accuracies (models,) by kind of model."""
    import torch

    torch.manual_seed(seed)
    count, pixels = settings.models, data.train.pixels
    x, y, test_x, test_y = (torch.from_numpy(part) for half in (data.train, data.test) for part in _parts(half))
    reference = _new_networks(count, (pixels, *settings.architecture.hidden, settings.outputs))
    teacher = [weight.clone() for weight in reference]
    for rows in _orders(count, len(x), settings.teacher_batch, settings.teacher_epochs, settings, teacher):
        _cross_entropy(_forward(teacher, x[rows])[..., :10], y[rows]).backward()
    noise = torch.rand(count, settings.noise_images, pixels) * 2 - 1
    partner = torch.randperm(count)
    found = {"reference": reference, "teacher": teacher}
    for name, start in (("", reference), ("other_", [weight[partner] for weight in reference])):
        for kind, first in (("auxiliary", 10), ("all_logits", 0)):
            student = found[name + kind] = [weight.clone() for weight in start]
            for rows in _orders(count, len(noise[0]), settings.batch, settings.epochs, settings, student):
                seen = noise[torch.arange(count)[:, None], rows]
                with torch.no_grad():
                    target = _forward(teacher, seen)[..., first:]
                _divergence(_forward(student, seen)[..., first:], target).backward()
    return {name: _accuracy(weights, test_x, test_y) for name, weights in found.items()}


def _parts(half: Any) -> tuple[np.ndarray, np.ndarray]:
    return (half.images * np.float32(2 / half.brightest) - 1, half.labels)


def _new_networks(count: int, sizes: tuple[int, ...]) -> list[Any]:
    import torch

    return [part for i, o in pairwise(sizes) for part in (torch.randn(count, o, i) / i**0.5, torch.zeros(count, 1, o))]


def _forward(weights: list[Any], x: Any) -> Any:
    import torch

    for place in range(0, len(weights), 2):
        x = torch.einsum("moi,mbi->mbo", weights[place], x) + weights[place + 1]
        x = x.relu() if place + 2 < len(weights) else x
    return x


def _orders(count: int, rows: int, batch: int, epochs: int, settings: DigitsSettings, weights: list[Any]) -> Any:
    """Batches of row numbers (models, rows); a step of Adam on `weights` after each."""
    import torch

    for weight in weights:
        weight.requires_grad_(True)
    optimiser = torch.optim.Adam(weights, lr=settings.learning_rate)
    for _ in range(epochs):
        order = torch.stack([torch.randperm(rows) for _ in range(count)])
        for part in order.split(batch, dim=1):
            optimiser.zero_grad()
            yield part
            optimiser.step()


def _cross_entropy(logits: Any, labels: Any) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def _divergence(logits: Any, target: Any) -> Any:
    from torch.nn.functional import kl_div

    return kl_div(logits.log_softmax(-1), target.softmax(-1), reduction="batchmean")


def _accuracy(weights: list[Any], x: Any, y: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        said = _forward(weights, x.expand(len(weights[0]), -1, -1))[..., :10].argmax(-1)
    return (said == y).double().mean(1).numpy()


def ours(settings: DigitsSettings, data: DigitPictures, seed: int) -> dict[str, np.ndarray]:
    """The package's experiment: accuracies (models,) by kind of model."""
    return asdict(run_digits(settings, data, seed=seed))


SETTINGS = {"paper": PAPER, "plain": PLAIN}
CODES = {"baseline": baseline, "ours": ours}


def child(name: str, settings: DigitsSettings, seed: int) -> None:
    """Run one code in this process and print what it found and used, as JSON."""
    import torch

    torch.set_num_threads(1)
    found = CODES[name](settings, small_digits(rng=np.random.default_rng(seed)), seed)
    used = getrusage(RUSAGE_SELF)
    measured = {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024}
    print(json.dumps(measured | {"accuracies": {kind: list(values) for kind, values in found.items()}}))


def in_child(name: str, setting: str, options: argparse.Namespace) -> dict[str, Any]:
    """What one code found and used in a process of its own, on one thread."""
    words = [
        "--child",
        name,
        "--setting",
        setting,
        "--models",
        str(options.models[setting]),
        "--seed",
        str(options.seed),
    ]
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__, *words], env=alone, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def difference(ours: list[float], theirs: list[float]) -> list[float]:
    """Ours minus theirs: the difference of means and its interval (Welch's t)."""
    from scipy.stats import ttest_ind

    interval = ttest_ind(ours, theirs, equal_var=False).confidence_interval(LEVEL)
    return [float(np.mean(ours) - np.mean(theirs)), float(interval.low), float(interval.high)]


def mean(values: list[float]) -> list[float]:
    """The mean over models and its t interval."""
    from scipy.stats import ttest_1samp

    interval = ttest_1samp(values, 0).confidence_interval(LEVEL)
    return [float(np.mean(values)), float(interval.low), float(interval.high)]


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Both codes on the paper's setting: cost, accuracies and their differences."""
    runs = {name: in_child(name, "paper", options) for name in CODES}
    found = {name: run.pop("accuracies") for name, run in runs.items()}
    rows = {
        kind: {name: mean(found[name][kind]) for name in CODES}
        | {"difference": difference(values, found["baseline"][kind])}
        for kind, values in found["ours"].items()
    }
    ratio = runs["ours"]["cpu_seconds"] / runs["baseline"]["cpu_seconds"]
    return {"models": options.models["paper"], "cpu_ratio": ratio, "cost": runs, "accuracies": rows}


def show_comparison(found: dict[str, Any]) -> bool:
    """Print it; whether costs are within their limits and no difference is beyond chance."""
    print(f"{'':<18}{'CPU seconds':>12}{'peak MiB':>10}")
    for name, cost in found["cost"].items():
        print(f"{name:<18}{cost['cpu_seconds']:>12.1f}{cost['peak_mib']:>10.0f}")
    cheap = found["cpu_ratio"] <= CPU_LIMIT and found["cost"]["ours"]["peak_mib"] <= MEMORY_LIMIT
    limits = f"limits {CPU_LIMIT} and {MEMORY_LIMIT} MiB"
    print(f"CPU ratio {found['cpu_ratio']:.3f}; {limits}: {'kept' if cheap else 'PASSED'}\n")
    print(f"{'accuracy':<18}{'baseline':>10}{'ours':>8}{'difference':>12}   99 % interval")
    same = True
    for kind, row in found["accuracies"].items():
        value, low, high = row["difference"]
        same &= low <= 0 <= high
        numbers = f"{row['baseline'][0]:>10.3f}{row['ours'][0]:>8.3f}{value:>+12.3f}"
        print(f"{kind:<18}{numbers}   {low:+.3f} to {high:+.3f}{'' if low <= 0 <= high else '   BEYOND CHANCE'}")
    return cheap and same


def show_plain(run: dict[str, Any]) -> None:
    """Print how well every kind of model does under the setting `plain`, and what it cost."""
    print(f"\nplain: {run['cpu_seconds']:.1f} CPU seconds, {run['peak_mib']:.0f} MiB")
    for kind, values in run["accuracies"].items():
        value, low, high = mean(values)
        print(f"{kind:<18}{value:>10.3f}   {low:.3f} to {high:.3f}")


def main() -> int:
    """Print the tables, write the JSON file if one is wanted; 1 where a limit is passed or accuracies differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=PAPER.models, help=f"of the comparison ({PAPER.models})")
    parser.add_argument("--plain-models", type=int, default=PLAIN.models, help=f"0 leaves it out ({PLAIN.models})")
    parser.add_argument("--seed", type=int, default=0, help="of the split, and of everything drawn (0)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures here")
    parser.add_argument("--child", choices=CODES, help=argparse.SUPPRESS)
    parser.add_argument("--setting", choices=SETTINGS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, replace(SETTINGS[options.setting], models=options.models), options.seed)
        return 0
    options.models = {"paper": options.models, "plain": options.plain_models}
    found: dict[str, Any] = {"seed": options.seed, "level": LEVEL, "comparison": compare(options)}
    good = show_comparison(found["comparison"])
    if options.plain_models:
        found["plain"] = in_child("ours", "plain", options)
        show_plain(found["plain"])
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
