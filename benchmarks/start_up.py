"""How long the package and its program take to start: the median of seven, and the limits that are promised.

Times depend on the machine and on what else it does, so this is a benchmark and no test; `tests/test_start_up.py`
checks the cause instead, the libraries that are loaded.
"""

import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter

LIMITS = {
    "import subtrait": (0.2, ["-c", "import subtrait"]),
    "subtrait --help": (0.4, ["-m", "subtrait.cli", "--help"]),
}
"""Each with its limit in seconds, and the arguments of Python."""


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Median time of Python with these arguments, on the clock and on the processor, after one run to warm the disk."""
    clock, processor = [], []
    for _ in range(8):
        start, used = perf_counter(), processor_seconds()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        clock.append(perf_counter() - start)
        processor.append(processor_seconds() - used)
    return median(clock[1:]), median(processor[1:])


def processor_seconds() -> float:
    """What all child processes have used so far."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Print both times and the bare interpreter's; 1 if a limit is passed on the clock."""
    print(f"{'':<18}{'clock':>9}{'processor':>13}")
    bare = seconds(["-c", "pass"])
    print(f"{'python itself':<18}{bare[0]:7.3f} s{bare[1]:11.3f} s")
    late = False
    for name, (limit, arguments) in LIMITS.items():
        clock, processor = seconds(arguments)
        late |= clock >= limit
        word = "ok" if clock < limit else "TOO SLOW, or the machine is busy"
        print(f"{name:<18}{clock:7.3f} s{processor:11.3f} s   limit {limit} s   {word}")
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())
