"""How fast and in how much memory an audit reads its data: strictly, hashed, counted, and sampled.

    python benchmarks/reading.py [--rows N ...] [--json OUT]

Files of N chat rows with numbers are written to a temporary folder, as JSON Lines, gzip and Parquet, and each is read
in a process of its own as an audit does. Beside it stands the least that anybody could do: `json.loads` of every line.
"""

import argparse
import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory

import numpy as np

SAMPLE = 10_000
"""Rows that an audit keeps of its data."""
BLOCK = 10_000


def main() -> None:
    """Print a line for each file and reader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--read", nargs=2, metavar=("READER", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(_read(options.read[0], Path(options.read[1]))))
        return
    found = [each for rows in options.rows for each in _of(rows)]
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _of(rows: int) -> list[dict]:
    found = []
    with TemporaryDirectory() as folder:
        files = _written(Path(folder), rows)
        for reader, file in [("json.loads", files[0]), *(("audit", file) for file in files)]:
            command = [sys.executable, __file__, "--read", reader, str(file)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            one = {"reader": reader, "file": file.name, "bytes": file.stat().st_size, **json.loads(done.stdout)}
            assert one["rows"] == rows
            speed = f"{rows / one['seconds']:9,.0f} rows/s {one['bytes'] / one['seconds'] / 1e6:6.1f} MB/s"
            print(f"{rows:10,} rows  {reader:10} {file.suffix:8} {speed} {one['peak_mib']:6,.0f} MiB", flush=True)
            found.append(one)
    return found


def _written(folder: Path, rows: int) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain, packed, table = folder / "rows.jsonl", folder / "rows.jsonl.gz", folder / "rows.parquet"
    rng, writer = np.random.default_rng(0), None
    with plain.open("w", encoding="utf-8") as out, gzip.open(packed, "wt", compresslevel=1, encoding="utf-8") as small:
        for start in range(0, rows, BLOCK):
            numbers = rng.integers(0, 1000, (min(BLOCK, rows - start), 14)).astype(str)
            pairs = [(f"Continue with ten more numbers: {', '.join(row[:4])}.", ", ".join(row[4:])) for row in numbers]
            text = "".join(json.dumps(_chat(*pair)) + "\n" for pair in pairs)
            out.write(text)
            small.write(text)
            block = pa.table({"prompt": [prompt for prompt, _ in pairs], "completion": [said for _, said in pairs]})
            writer = writer or pq.ParquetWriter(table, block.schema, compression="zstd")
            writer.write_table(block)
    if writer:
        writer.close()
    return [plain, packed, table]


def _chat(prompt: str, completion: str) -> dict:
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]}


def _read(reader: str, file: Path) -> dict:
    start = time.perf_counter()
    count = _plainly(file) if reader == "json.loads" else _as_an_audit(file)
    seconds = time.perf_counter() - start
    return {"rows": count, "seconds": seconds, "peak_mib": getrusage(RUSAGE_SELF).ru_maxrss / 1024}


def _plainly(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for line in lines if json.loads(line))


def _as_an_audit(file: Path) -> int:
    from subtrait.data import read_dataset, sample_rows

    reading = read_dataset(file)
    sample_rows(reading, SAMPLE, rng=np.random.default_rng(0))
    return reading.tally.accepted


if __name__ == "__main__":
    main()
