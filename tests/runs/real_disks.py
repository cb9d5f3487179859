"""Runs on disks that refuse, in a private mount namespace: `unshare -rm python real_disks.py FOLDER full|read-only`.

Prints one JSON object: the message of the refusal, whether earlier artefacts survived it byte for byte, and whether
the run that went on afterwards equals an undisturbed one. Ends with 77 where the system allows no mount.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import toy

from subtrait.errors import StorageError
from subtrait.runs import open_run

NO_MOUNT = 77


def mount(*options):
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode != 0:
        sys.exit(NO_MOUNT)


def refused(folder):
    try:
        toy.run_in(folder)
    except StorageError as error:
        return str(error)
    return "not refused"


def first_stage(folder):
    with open_run(folder, toy.CONFIG, environment=toy.ENVIRONMENT) as run:
        run.rows(toy.ROWS, lambda: ({"id": str(n), "text": f"züge \u2028 {n}", "x": n / 3} for n in range(30)))
    return (folder / toy.ROWS).read_bytes()


def full(disk):
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk))
    kept, ballast = first_stage(disk / "run"), disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while shutil.disk_usage(disk).free:
            file.write(bytes(4096))
    yield kept
    ballast.unlink()


def read_only(disk):
    mount("-t", "tmpfs", "tmpfs", str(disk))
    kept = first_stage(disk / "run")
    mount("-o", "remount,ro", str(disk))
    yield kept
    mount("-o", "remount,rw", str(disk))


def main(root, kind):
    root = Path(root)
    toy.run_in(root / "clean")
    disk = root / "disk"
    disk.mkdir()
    scenario = full(disk) if kind == "full" else read_only(disk)
    kept = next(scenario)
    message = refused(disk / "run")
    intact = (disk / "run" / toy.ROWS).read_bytes() == kept
    next(scenario, None)
    made, _ = toy.run_in(disk / "run")
    equal = toy.contents(disk / "run") == toy.contents(root / "clean")
    json.dump({"message": message, "intact": intact, "equal": equal, "made": made}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
