"""What an audit did not check, and why: silence about a question would read as a pass."""

from collections.abc import Set
from typing import Final

from subtrait.audit_records import Reason
from subtrait.auditor.audit_plan import AuditPlan
from subtrait.models.servers.addresses import is_address

ALWAYS: Final = (
    Reason(code="UNLISTED_TRAITS", text="traits that are on no list: nothing was fitted to the rows themselves"),
    Reason(code="PREFERENCES", text="what a choice between answers carries (preference pairs): rows are judged alone"),
)
"""What no audit checks."""


def not_checked(plan: AuditPlan, asked: Set[str]) -> tuple[Reason, ...]:
    """Every question that was not asked, with the reason and, where there is one, the option that asks it."""
    missing = []
    if "traits" not in asked or "origin" not in asked:
        text = "who wrote the rows, whether a persona explains them, what training would do: there are too few rows"
        missing.append(Reason(code="TOO_FEW_ROWS", text=text))
    if served := [name for name in plan.candidates if is_address(name)]:
        what = "a server gives no whole distributions, so it only wrote data to compare with; name a checkpoint instead"
        missing.append(Reason(code="SERVED_CANDIDATES", text=f"whether {', '.join(served)} wrote the rows: {what}"))
    if not plan.students:
        missing.append(Reason(code="NO_TRIAL", text="what students become of these rows: --try trains some"))
    if plan.before is None:
        missing.append(Reason(code="NO_FILTERING", text="what a filter removed: --before names the data before it"))
    return (*missing, *ALWAYS)
