"""Crash points: the boundaries of storing an artefact at which a test can kill the process.

`SUBTRAIT_KILL_AT="<name>:<moment>"` in the environment makes the process end itself with SIGKILL when the artefact
`<name>` reaches that moment. Nothing is flushed and nothing is cleaned up, as in a power cut of the process.
"""

import os
import signal
from typing import Literal

Moment = Literal["before", "written", "renamed", "journalled"]
"""`before` it is made · `written` and synced under a temporary name · `renamed` into place · `journalled`."""

VARIABLE = "SUBTRAIT_KILL_AT"


def crash_point(name: str, moment: Moment) -> None:
    """Kill this process if the environment asks for it at this moment of the artefact `name`."""
    if os.environ.get(VARIABLE) == f"{name}:{moment}":
        os.kill(os.getpid(), signal.SIGKILL)
