"""A run of every kind of artefact, small enough to be killed a thousand times.

python toy.py FOLDER            runs it
python toy.py FOLDER hold       runs it, says that it is ready and keeps the folder until it is killed
python toy.py FOLDER orphan     the same, beside a forked worker; the worker prints it with its process number
python toy.py FOLDER work N     as worker N, stores 20 artefacts of its own
python toy.py FOLDER race N     as worker 0 or 1, makes the artefact that the other makes at the same time
"""

import json
import os
import sys
import time
from pathlib import Path

from subtrait.runs import RunFolder, attach_run, open_run

CONFIG = {"experiment": "toy", "seed": 1, "version": "0.1.0", "training": {"steps": 300, "rates": (0.1, 1e-3)}}
ENVIRONMENT = {"python": "3.11"}
ROWS, RECORD, FOLDER, LATER = (
    "arms/treated/0/kept.jsonl",
    "teachers/0.json",
    "students/0",
    "arms/treated/0/answers.jsonl",
)
RESULT = "result.json"
MEMOS = (ROWS, RECORD, FOLDER, LATER)
PUBLISHED = (RESULT, "report.html")


def pipeline(run: RunFolder) -> list[str]:
    """Run every stage; returns the names of the artefacts that had to be made."""
    made = []

    def note(name, value):
        made.append(name)
        return value

    def fill(folder):
        made.append(FOLDER)
        (folder / "nested").mkdir()
        (folder / "weights.bin").write_bytes(bytes(range(256)) * 20)
        (folder / "nested" / "config.json").write_text('{"layers": 2}\n')

    rows = run.rows(
        ROWS, lambda: note(ROWS, ({"id": str(n), "text": f"züge \u2028 {n}", "x": n / 3} for n in range(30)))
    )
    teacher = run.record(RECORD, lambda: note(RECORD, {"trait_rate": sum(row["x"] for row in rows), "n": None}))
    student = run.folder(FOLDER, fill)
    size = (student / "weights.bin").stat().st_size
    answers = run.rows(
        LATER, lambda: note(LATER, [{"answer": teacher["trait_rate"] * n, "size": size} for n in range(5)])
    )
    run.publish(RESULT, json.dumps({"rate": sum(row["answer"] for row in answers)}) + "\n")
    run.publish("report.html", b"<p>done</p>\n")
    return made


def run_in(folder, config=CONFIG):
    """Open the run, run every stage, and return what had to be made and the notice."""
    with open_run(Path(folder), config, environment=ENVIRONMENT) as run:
        return pipeline(run), run.notice


def contents(folder):
    """Every file of a run and its bytes; of the journal the set of lines; without the lock."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    files.pop("lock", None)
    files["journal.jsonl"] = b"\n".join(sorted(set(files.get("journal.jsonl", b"").split(b"\n"))))
    return files


def _hold(folder, *, orphan):
    with open_run(Path(folder), CONFIG, environment=ENVIRONMENT) as run:
        pipeline(run)
        if not orphan or os.fork() == 0:
            sys.stdout.write(f"ready {os.getpid()}\n")
            sys.stdout.flush()
        time.sleep(120)


def _work(folder, index):
    run = attach_run(Path(folder))
    for n in range(20):
        name = f"work/{index}/{n}.json"
        assert run.record(name, lambda n=n: {"worker": index, "n": n}) == {"worker": index, "n": n}


def _race(folder, index):
    def make():
        Path(folder).with_name(f"here-{index}").touch()
        while not Path(folder).with_name(f"here-{1 - index}").exists():
            time.sleep(0.001)
        return {"made by": index}

    json.dump(attach_run(Path(folder)).record("raced.json", make), sys.stdout)


def main(folder, role="run", index="0"):
    if role == "run":
        run_in(folder)
    elif role in ("hold", "orphan"):
        _hold(folder, orphan=role == "orphan")
    else:
        (_work if role == "work" else _race)(folder, int(index))


if __name__ == "__main__":
    main(*sys.argv[1:])
