"""The verbs of the auditor as functions: plan an audit, carry it out, build references beforehand, read one again."""

import json
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import subtrait
from subtrait.audit_records import AuditResult, Policy
from subtrait.crew import Crew, assembled, check_crew, processes
from subtrait.errors import UsageError
from subtrait.records import Progress

if TYPE_CHECKING:
    from subtrait.auditor.audit_plan import AuditPlan
    from subtrait.auditor.foreseen import Foreseen
    from subtrait.lab.team import Team

TRIAL_STUDENTS = 6
"""Throwaway students a side, where a trial is asked for."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A finished audit: what it found, and where."""

    result: AuditResult
    folder: Path
    command: str
    """The command line that repeats the audit."""


def plan_audit(
    data: Path | str,
    base: str,
    *,
    reading: dict[str, Any] | None = None,
    policy: Policy | None = None,
    seed: int | None = None,
    **options: Any,
) -> "AuditPlan":
    """The plan of an audit of the rows in `data`, which a student made from `base` is to be trained on.

    Args:
        data: a file or folder, see `subtrait.data`.
        base: the student's base: an embedded model, a checkpoint folder or a hub id.
        reading: `shape`, `turns` and `on_bad_row` of `subtrait.data.read_dataset`.
        policy: what must hold for data to pass; the defaults where none is given.
        seed: of the sample; unpredictable where none is given, and recorded.
        options: other fields of `AuditPlan`, such as `traits`, `candidates`, `students`, `before`; None is no change.
            `dtype` and `device` say how models are computed, see `models/registry.py`.

    Raises:
        UsageError: an unknown model, device, list or option.
    """
    from subtrait.auditor.audit_plan import AuditPlan
    from subtrait.auditor.references.cache import default_root
    from subtrait.auditor.suspect import Source
    from subtrait.auditor.training.recipe import default_recipe
    from subtrait.errors import unknown_name
    from subtrait.models.registry import EMBEDDED, check_name, settled

    computed = {name: options.pop(name, None) for name in ("dtype", "device")}
    wanted = {name: value for name, value in options.items() if value is not None}
    unknown = sorted(set(wanted) - set(AuditPlan.__dataclass_fields__))
    if unknown:
        raise unknown_name("option", unknown[0], AuditPlan.__dataclass_fields__)
    if "writer" in wanted:
        check_name(wanted["writer"])
    base = settled(base, **computed)
    wanted["candidates"] = tuple(settled(name, **computed) for name in wanted.get("candidates", ()))
    usual = {
        "traits": "embedded" if base in EMBEDDED else "general",
        "references": default_root(),
        "recipe": default_recipe(base),
        "policy": policy or Policy(),
    }
    chosen = secrets.randbits(62) if seed is None else seed
    return AuditPlan(source=Source(path=Path(data), **(reading or {})), base=base, seed=chosen, **{**usual, **wanted})


def audit(
    plan: "AuditPlan | Path | str",
    base: str | None = None,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] = lambda _: None,
    **crew: Unpack[Crew],
) -> Audit:
    """Audit data before training on them, and write the folder of the audit.

    Args:
        plan: a plan of `plan_audit`, or the data, together with `base`, for the default plan.
        base: the student's base, where `plan` is the data.
        out: the folder to write; `audits/<name of the data>` where none is given.
        progress: told about the work as it goes.
        announce: told, in one line each, what comes next and what it costs.
        crew: `workers` and `engine`, as for `subtrait.run`.

    Raises:
        SubtraitError: what went wrong, in one line; for data that cannot be accepted, `InvalidInput`.
    """
    from subtrait.api import environment
    from subtrait.runs.opening import open_run

    if isinstance(plan, str | Path):
        if base is None:
            raise UsageError("an audit needs the student's base: subtrait.audit('data.jsonl', 'micro-a')")
        plan = plan_audit(plan, base)
    check_crew(crew.get("workers"), crew.get("engine", "local"))
    folder = Path(out) if out is not None else default_folder(plan)
    agreed = _with_seed_of_unfinished(plan, folder)
    with open_run(folder, configuration(agreed), environment=environment(agreed.base, *agreed.candidates)) as store:
        with _team(agreed, progress, [store.path], **crew) as team:
            result = _carried_out(agreed, store, team=team, announce=announce)
        _publish(store, result, agreed)
        return Audit(result, store.path, command_line(configuration(agreed)))


def calibrate(
    plan: "AuditPlan",
    *,
    progress: Progress | None = None,
    announce: Callable[[str], None] = lambda _: None,
    **crew: Unpack[Crew],
) -> Path:
    """Build the references that the audit of `plan` needs, and nothing else; the folder in which they are.

    The arguments are those of `audit`.

    Raises:
        SubtraitError: as `audit`; also where there are too few rows to take prompts from.
    """
    from subtrait.auditor.audit import build_references
    from subtrait.auditor.quarantine import set_aside

    with _team(plan, progress, **crew) as team:
        return build_references(replace(plan, source=set_aside(plan.source)), team=team, announce=announce)


def foresee(
    plan: "AuditPlan", *, references_only: bool = False, announce: Callable[[str], None] = lambda _: None
) -> "Foreseen":
    """What `audit` would do with the plan, or `calibrate` with `references_only`, and what that takes.

    All data are read; nothing is written. `announce` is told what was read.

    Raises:
        SubtraitError: as `audit`.
    """
    from subtrait.auditor.foreseen import foresee as look_ahead
    from subtrait.auditor.quarantine import set_aside

    return look_ahead(replace(plan, source=set_aside(plan.source)), announce=announce, references_only=references_only)


def team_size(plan: "AuditPlan", workers: int | None, engine: str = "local") -> int:
    """How many processes audit, or tasks of a cluster if it has so many. Raises `UsageError` as `audit`."""
    check_crew(workers, engine)
    return processes(workers, embedded=_is_embedded(plan))


def read_audit(folder: Path | str) -> tuple[AuditResult, dict[str, Any]]:
    """The verdict and the configuration of a finished audit.

    Raises:
        InvalidInput: no audit there, an unfinished or a damaged one.
    """
    from subtrait.report.audit_json import from_json
    from subtrait.runs.opening import attach_run, read_run

    run_json, _ = read_run(Path(folder), result="verdict.json")
    text = attach_run(Path(folder)).published("verdict.json") or b""
    return from_json(text.decode(), Path(folder) / "verdict.json"), run_json["config"]


def is_audit(folder: Path | str) -> bool:
    """Whether a finished or begun audit, and no experiment, lies in `folder`."""
    from subtrait.runs.opening import is_configured

    return is_configured(folder, "audit")


def configuration(plan: "AuditPlan") -> dict[str, Any]:
    """What decides whether two audits are the same: the version and every field of the plan."""
    fields = asdict(replace(plan, source=replace(plan.source, rejects=None)))
    plain = json.loads(json.dumps(fields, default=str))
    return {"version": subtrait.__version__, "audit": plain}


def command_line(config: Mapping[str, Any]) -> str:
    """The command that repeats an audit of this `configuration`, as far as options can say it."""
    plan = config["audit"]
    source, policy, usual = plan["source"], plan["policy"], Policy()
    words = ["subtrait", "audit", source["path"], "--base", plan["base"], "--traits", plan["traits"]]
    words += [word for name in plan["candidates"] for word in ("--candidates", name)]
    words += ["--writer", plan["writer"]] if plan["writer"] else []
    words += ["--shape", source["shape"]] if source["shape"] else []
    words += ["--turns", source["turns"]] if source["turns"] != "all" else []
    words += ["--on-bad-row", source["on_bad_row"]] if source["on_bad_row"] != "stop" else []
    words += ["--try", "--students", str(plan["students"])] if plan["students"] else []
    words += ["--before", plan["before"]] if plan["before"] else []
    words += ["--rows", str(plan["looks"][-1])] if plan["looks"][-1] > 1_000 else []
    words += ["--dilution", f"{policy['dilution']:g}"] if policy["dilution"] != usual.dilution else []
    words += ["--accept", "other-base"] if policy["accept_other_base"] else []
    return shlex.join([*words, "--alpha", f"{policy['alpha']:g}", "--seed", str(plan["seed"])])


def default_folder(plan: "AuditPlan") -> Path:
    """Where an audit goes if nobody says."""
    return Path("audits") / (plan.source.path.name.split(".")[0] or "data")


def _with_seed_of_unfinished(plan: "AuditPlan", folder: Path) -> "AuditPlan":
    """The plan with the seed of an unfinished audit of the same plan in `folder`, so that it goes on."""
    try:
        before = json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]
        seed = int(before["audit"]["seed"])
    except (OSError, ValueError, LookupError, TypeError):
        return plan
    resumed = replace(plan, seed=seed)
    return resumed if configuration(resumed) == before and not (folder / "verdict.json").exists() else plan


def _carried_out(
    plan: "AuditPlan",
    store: Any,
    *,
    team: "Team",
    announce: Callable[[str], None],
) -> AuditResult:
    from subtrait.auditor.audit import run_audit
    from subtrait.auditor.quarantine import quarantined

    with quarantined(plan.source, store) as source:
        return run_audit(replace(plan, source=source), store, team=team, announce=announce)


def _publish(store: Any, result: AuditResult, plan: "AuditPlan") -> None:
    """The files of a finished audit; the verdict last, so that it is there only where all else is."""
    from subtrait.report.audit_formats import rendered

    store.publish("evidence.jsonl", "".join(json.dumps(asdict(each)) + "\n" for each in result.evidence))
    store.publish("report.html", rendered(result, "html", command=command_line(configuration(plan))))
    store.publish("verdict.json", rendered(result, "json"))


def _team(
    plan: "AuditPlan", progress: Progress | None, shared: Sequence[Path] = (), **crew: Unpack[Crew]
) -> "AbstractContextManager[Team]":
    """Who works; the folder of references must be seen by all of them too."""
    workers, engine = crew.get("workers"), crew.get("engine", "local")
    folders = [*shared, plan.references]
    return assembled(workers, progress, engine=engine, embedded=_is_embedded(plan), shared=folders)


def _is_embedded(plan: "AuditPlan") -> bool:
    from subtrait.models.registry import EMBEDDED

    named: Sequence[str] = (plan.base, *plan.candidates)
    return set(named) <= set(EMBEDDED)
