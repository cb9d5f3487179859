"""`run.json`: what a run is. Written once, before anything else, and never changed."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from subtrait.errors import InvalidInput, escaped
from subtrait.records import Row
from subtrait.runs.atomic import place, stage_file
from subtrait.runs.crash import crash_point
from subtrait.runs.disk import storage
from subtrait.runs.sealed import canonical, encoded, sealed, sha256, unsealed

RUN_JSON = "run.json"
SCHEMA_VERSION = 1

_ABSENT = "absent"


def write_run_json(folder: Path, config: Row, environment: Mapping[str, object]) -> None:
    """Describe the run of `config` in `folder`, which is created if need be.

    Raises:
        StorageError: it cannot be written.
    """
    record = {
        "schema_version": SCHEMA_VERSION,
        "config": config,
        "config_sha256": sha256(canonical(config)),
        "environment": dict(environment),
    }
    crash_point(RUN_JSON, "before")
    staged = stage_file(folder / RUN_JSON, encoded(sealed(as_json(record)), indent=2))
    crash_point(RUN_JSON, "written")
    place(staged, folder / RUN_JSON)
    crash_point(RUN_JSON, "renamed")


def read_run_json(folder: Path) -> Row:
    """The description of the run in `folder`: schema_version, config, config_sha256, environment.

    Raises:
        InvalidInput: there is none (E_PATH), it is no JSON object (E_JSON), it was written by a newer subtrait
            (E_VERSION) or changed since it was written (E_DIGEST).
        StorageError: it cannot be read.
    """
    path = folder / RUN_JSON
    if not os.path.isfile(path):
        hint = "give the folder of a run, as it was given to --out"
        raise InvalidInput("E_PATH", folder, "not a run folder: it holds no run.json", hint=hint)
    with storage(path, verb="read"):
        data = path.read_bytes()
    _check_version(path, data)
    try:
        record = unsealed(data)
        if not isinstance(record.get("config"), dict):
            raise ValueError("it has no 'config'")
    except ValueError as error:
        hint = "restore the file or choose another --out; a run keeps the settings it began with"
        raise InvalidInput("E_DIGEST", path, str(error), hint=hint) from error
    return record


def _check_version(path: Path, data: bytes) -> None:
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        hint = "restore the file or choose another --out"
        raise InvalidInput("E_JSON", path, f"not valid JSON: {error}", hint=hint) from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        what = f"written by a newer subtrait: schema version {version}, this one reads up to {SCHEMA_VERSION}"
        raise InvalidInput("E_VERSION", path, what, hint="upgrade subtrait, or choose another --out")


def as_json(config: Mapping[str, object]) -> Row:
    """`config` as it reads back from JSON: tuples are lists, keys are text.

    Raises:
        TypeError: a value is not JSON.
        ValueError: a number is not finite.
    """
    value: Row = json.loads(json.dumps(dict(config), allow_nan=False))
    return value


def differences(old: Row, new: Row) -> list[str]:
    """What differs between two configurations, key by key, such as `training.steps: 300 -> 600`."""
    before, after = _flat(old), _flat(new)
    keys = list(dict.fromkeys((*before, *after)))
    pairs = [(key, before.get(key, _ABSENT), after.get(key, _ABSENT)) for key in keys]
    return [f"{escaped(key)}: {escaped(a)} -> {escaped(b)}" for key, a, b in pairs if a != b]


def _flat(config: Row, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            # As JSON text, because 1, 1.0 and True are equal in Python and different settings.
            found[f"{prefix}{key}"] = canonical(value).decode()
    return found
