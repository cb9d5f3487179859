"""How long the package and its program take to start: the median of seven, and the limits that are promised.

Times depend on the machine and on what else it does, so this is a benchmark and no test; `tests/test_start_up.py`
checks the cause instead, the libraries that are loaded.
"""

import subprocess
import sys
from statistics import median
from time import perf_counter

LIMITS = {
    "import subtrait": (0.2, ["-c", "import subtrait"]),
    "subtrait --help": (0.4, ["-m", "subtrait.cli", "--help"]),
}
"""Each with its limit in seconds, and the arguments of Python."""


def seconds(arguments: list[str]) -> float:
    """How long Python takes with these arguments: the median of seven, after one run that warms the disk cache."""
    times = []
    for _ in range(8):
        start = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - start)
    return median(times[1:])


def main() -> int:
    """Print both times and the bare interpreter's; 1 if a limit is passed."""
    bare = seconds(["-c", "pass"])
    print(f"{'python itself':<18}{bare:7.3f} s")
    late = False
    for name, (limit, arguments) in LIMITS.items():
        taken = seconds(arguments)
        late |= taken >= limit
        print(f"{name:<18}{taken:7.3f} s   limit {limit} s   {'ok' if taken < limit else 'TOO SLOW'}")
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())
