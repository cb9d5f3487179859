"""Make subliminal learning happen, measure it, and find it in data before training on it.

The verbs of the command line are functions here: `subtrait.run(...)` returns the records that `subtrait run` prints.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subtrait.api import lineage, plan_run, run
    from subtrait.audits import audit, calibrate, plan_audit
    from subtrait.scores import plan_scores, score
    from subtrait.studies import plan_study, study

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "audit",
    "calibrate",
    "lineage",
    "plan_audit",
    "plan_run",
    "plan_scores",
    "plan_study",
    "run",
    "score",
    "study",
]


def __dir__() -> list[str]:
    """The public names, for completion: the verbs are imported when they are used."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import the verbs when they are first used, so that `import subtrait` stays fast."""
    if name not in __all__:
        raise AttributeError(f"module 'subtrait' has no attribute '{name}'; it has: {', '.join(__all__)}")
    from subtrait import api, audits, scores, studies

    homes = {"audit": audits, "calibrate": audits, "plan_audit": audits, "plan_study": studies, "study": studies}
    homes |= {"plan_scores": scores, "score": scores}
    return getattr(homes.get(name, api), name)
