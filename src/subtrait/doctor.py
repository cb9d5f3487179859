"""Is this machine set up? Each check says what it looked at and what it found."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from subtrait.errors import SubtraitError
from subtrait.records import Progress


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of the machine."""

    name: str
    ok: bool
    detail: str


def examine(*, alarm: bool = False, progress: Progress | None = None) -> list[Finding]:
    """All checks, in the order in which a user would mend them; with `alarm` two audits too, which take a minute."""
    checks: tuple[Callable[[], list[Finding]], ...] = (_libraries, _device, _embedded_models, _disk)
    found = [finding for check in checks for finding in check()]
    return found + _alarm(progress) if alarm and all(finding.ok for finding in found) else found


def _libraries() -> list[Finding]:
    found = []
    for package in ("torch", "transformers", "peft"):
        try:
            found.append(Finding(package, True, version(package)))
        except PackageNotFoundError:
            found.append(Finding(package, False, "not installed: pip install 'subtrait[hf]'"))
    return found


def _device() -> list[Finding]:
    from subtrait.crew import cores

    try:
        import torch
    except ImportError:
        return []
    graphics = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return [Finding("processor", True, f"{cores()} cores; graphics processor: {graphics}")]


def _embedded_models() -> list[Finding]:
    """Every embedded model loads, and is the one that its card was written for."""
    from subtrait.models.micro.making import CARD
    from subtrait.models.registry import EMBEDDED, open_model

    findings = []
    for name, folder in EMBEDDED.items():
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            found = open_model(name).fingerprint()
            published = card["fingerprint"]
        except (OSError, ValueError, LookupError, TypeError, SubtraitError) as error:
            findings.append(Finding(name, False, f"{type(error).__name__}: {error}: install the package again"))
            continue
        same = found == published
        detail = f"fingerprint {found[:16]}" if same else f"fingerprint {found[:16]} is not the published one"
        findings.append(Finding(name, same, detail))
    return findings


def _alarm(progress: Progress | None) -> list[Finding]:
    """A file that must be flagged, and one that must not."""
    from subtrait.auditor.references.cache import default_root
    from subtrait.auditor.self_test import self_test
    from subtrait.crew import cores
    from subtrait.lab.team import assemble

    with TemporaryDirectory() as folder, assemble(cores(), progress) as team:
        found = self_test(default_root(), Path(folder), team=team)
    alarm, other = found.alarm, found.other
    first = f"{alarm.traits[0].name}, p = {alarm.traits[0].p:.3g}" if alarm.traits else "no trait"
    return [
        Finding("alarm", found.works, f"a file with a hidden trait: {alarm.outcome} ({first})"),
        Finding("no alarm", other.outcome != "FLAGGED", f"a file without one: {other.outcome}"),
    ]


def _disk() -> list[Finding]:
    import shutil

    free = shutil.disk_usage(Path.cwd()).free
    return [Finding("disk", free > 1 << 30, f"{free / (1 << 30):.1f} GiB free here; a small run takes under 0.2")]
