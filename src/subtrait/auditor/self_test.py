"""Does the alarm alarm? Two files that ship with the package are audited: one must be flagged, the other must not.

`alarms.jsonl` was written by an owl teacher of the lab, `passes.jsonl` by the same base without a trait, both through
the number filter. The audit is the real one, on few traits and references, so that it takes a minute or two and not
ten: its rate of false alarms is 5 %, and what it says of other files would be worth little.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from subtrait.audit_records import AuditResult, Policy
from subtrait.auditor.audit import run_audit
from subtrait.auditor.audit_plan import AuditPlan
from subtrait.auditor.suspect import Source
from subtrait.auditor.training.recipe import default_recipe
from subtrait.lab.team import Team
from subtrait.runs.folder import RunFolder

FILES: Final = Path(__file__).parent / "alarm_files"
TRAITS: Final = FILES / "traits.yaml"
MUST_ALARM, MUST_PASS = FILES / "alarms.jsonl", FILES / "passes.jsonl"
TRAIT: Final = "owl"
BASE: Final = "micro-a"
STEPS: Final = 2
"""Of training, so that the forecast, which has no part in this test, takes seconds."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What the audit said of the two files."""

    alarm: AuditResult
    other: AuditResult

    @property
    def works(self) -> bool:
        """Whether one was flagged for its trait, and the other was not flagged."""
        named = self.alarm.traits[0].name if self.alarm.traits else None
        return self.alarm.outcome == "FLAGGED" and named == TRAIT and self.other.outcome != "FLAGGED"


def self_test(references: Path, folder: Path, *, team: Team) -> SelfTest:
    """Audit both files, each in a folder of its own below `folder`; references are found, or built, in `references`."""

    def audited(path: Path) -> AuditResult:
        (folder / path.stem).mkdir()
        store = RunFolder(folder / path.stem)
        return run_audit(small_plan(path, references), store, team=team, announce=lambda _: None)

    return SelfTest(alarm=audited(MUST_ALARM), other=audited(MUST_PASS))


def small_plan(path: Path, references: Path) -> AuditPlan:
    """An audit with few traits and references, on one look."""
    return AuditPlan(
        source=Source(path=path),
        base=BASE,
        traits=str(TRAITS),
        seed=1,
        references=references,
        policy=Policy(alpha=0.05, fewest_rows=300),
        recipe=replace(default_recipe(BASE), steps=STEPS),
        looks=(300,),
        fit=16,
        calibration=19,
        planted=4,
    )
