"""Break a toy run at each of its changing system calls in turn, go on, and compare with an undisturbed run.

python every_call.py FOLDER FAULT

FAULT is `before` (killed before the call), `torn` (killed when a write is half done), or the name of an error number
that the call fails with: `ENOSPC`, `EIO` (syncs only). Prints one JSON object: the outcomes, counted, and the numbers
of the calls after which the resumed run was not the undisturbed one.
"""

import errno
import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import toy

from subtrait.errors import StorageError

CALLS = ("open", "write", "pwrite", "replace", "mkdir", "unlink", "rmdir", "ftruncate")
ONLY = {"torn": ("write", "pwrite"), "EIO": ("fsync",)}
OPEN = os.open
STORAGE_ERROR, DEFECT = 5, 70


def watch(names, before):
    """From now on call `before(call, args)` before each call of these functions of `os`."""

    def watched(call):
        def wrapped(*args, **kwargs):
            if call is not OPEN or args[1] & os.O_CREAT:  # to open for reading or syncing changes nothing
                before(call, args)
            return call(*args, **kwargs)

        return wrapped

    for name in names:
        setattr(os, name, watched(getattr(os, name)))


def break_call(number, fault):
    """From now on count the calls, and break the one with this number."""
    seen = 0

    def count(call, args):
        nonlocal seen
        seen += 1
        if seen == number:
            _break(call, args, fault)

    watch(ONLY.get(fault, CALLS), count)


def _break(call, args, fault):
    if fault == "torn":
        call(args[0], args[1][: len(args[1]) // 2], *args[2:])
    if fault in ("before", "torn"):
        os.kill(os.getpid(), signal.SIGKILL)
    number = getattr(errno, fault)
    raise OSError(number, os.strerror(number))


def broken_run(folder, number, fault):
    """How a run ends whose call `number` is broken: -9, 0, or an exit code."""
    child = os.fork()
    if child == 0:
        code = DEFECT
        try:
            break_call(number, fault)
            toy.run_in(folder)
            code = 0
        except StorageError as error:
            code = STORAGE_ERROR if "\n" not in str(error) and "run the same command again" in str(error) else DEFECT
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def number_of_calls(folder, fault):
    """How many calls that can be broken an undisturbed run makes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        seen = []
        watch(ONLY.get(fault, CALLS), lambda *call: seen.append(call))
        toy.run_in(folder)
        total = len(seen)
        os.write(writing, str(total).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(reading, 20))


def main(root, fault):
    root = Path(root)
    os.fsync = lambda descriptor: None  # a killed process loses nothing that it has written: only slower
    toy.run_in(root / "clean")
    clean, outcomes, deviations = toy.contents(root / "clean"), Counter(), []
    total = number_of_calls(root / "counted", fault)
    for number in range(1, total + 1):
        folder = root / "broken"
        outcomes[broken_run(folder, number, fault)] += 1
        toy.run_in(folder)
        if toy.contents(folder) != clean:
            deviations.append(number)
        shutil.rmtree(folder)
    json.dump({"calls": total, "outcomes": outcomes, "deviations": deviations}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
