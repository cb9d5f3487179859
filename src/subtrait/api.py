"""The verbs of the command line as functions."""

import json
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import subtrait
from subtrait.crew import assembled, check_crew, cores, processes
from subtrait.errors import UsageError, unknown_name
from subtrait.lab.plan import Plan, sized
from subtrait.records import ExperimentResult, Progress

if TYPE_CHECKING:
    from subtrait.auditor.lineage.shared_base import Lineage
    from subtrait.lab.budget import Budget

RECORDED = ("numpy", "scipy", "torch", "transformers", "tokenizers", "peft", "safetensors", "accelerate", "trl", "ray")
"""Packages whose versions a run notes: what it computes with, and what spreads, trains and distributes."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: what it found, and where."""

    result: ExperimentResult
    folder: Path
    command: str
    """The command line that repeats the run."""
    notice: str = ""
    """What the user should know about the folder: a changed setting, a mended journal. Often empty."""


def plan_run(experiment: str, *, size: str = "small", **changes: Any) -> Plan:
    """The plan of `experiment` at that size, with any field of `Plan` changed; a change of None is no change.

    `dtype` and `device` say how models are computed, see `models/registry.py`; `preset` is one of `lab/presets.py`.

    Raises:
        UsageError: an unknown experiment, size, trait, model, device or preset, or a value out of range.
    """
    from subtrait.lab.hosted import without_weights
    from subtrait.lab.presets import preset_run
    from subtrait.lab.questions import check_trait, read_questions
    from subtrait.lab.traits import find_trait
    from subtrait.models.registry import local_name, settled

    usual = _sized(experiment, size)
    how = {name: changes.pop(name, None) for name in ("dtype", "device")}
    wanted = {name: value for name, value in changes.items() if value is not None}
    unknown = sorted(set(wanted) - set(Plan.__dataclass_fields__))
    if unknown:
        raise unknown_name("option", unknown[0], Plan.__dataclass_fields__)
    if isinstance(questions := wanted.get("questions"), Path | str):
        wanted["questions"] = read_questions(Path(questions))
    if preset := wanted.pop("preset", None):
        usual, wanted = preset_run(usual, wanted, preset)
    plan = replace(usual, **wanted)
    if "base" in wanted and "other_base" not in wanted and plan.base == plan.other_base:
        plan = replace(plan, other_base=usual.base)
    if plan.questions is not None:
        check_trait(plan.questions, find_trait(plan.trait))
    plan.asked_trait()
    plan = replace(plan, base=settled(plan.base, **how), other_base=plan.other_base and settled(plan.other_base, **how))
    plan = without_weights(plan, other_base=wanted.get("other_base")) if plan.is_hosted else plan
    for name in filter(None, (None if plan.is_hosted else plan.base, plan.other_base)):
        local_name(name)  # students are trained from it
    if plan.base == plan.other_base:
        raise UsageError(f"base and other base are both '{plan.base}': the cross-base arms need two")
    return plan


def _sized(experiment: str, size: str) -> Plan:
    from subtrait.lab.catalogue import EXPERIMENTS, STUDIES

    if experiment in STUDIES:
        raise UsageError(
            f"{experiment} compares more than the arms of one plan: subtrait.study('{experiment}') runs it"
        )
    if experiment not in EXPERIMENTS:
        raise unknown_name("experiment", experiment, [*EXPERIMENTS, *STUDIES])
    return sized(EXPERIMENTS[experiment].plan, size)


def run(
    plan: Plan | str,
    *,
    out: Path | str | None = None,
    workers: int | None = None,
    engine: str = "local",
    progress: Progress | None = None,
    budget: "Budget | None" = None,
) -> Run:
    """Carry out a plan, or go on with it where an earlier call stopped; the folder of the run is written at `out`.

    Args:
        plan: a plan of `plan_run`, or the name of an experiment for its default plan.
        out: the run folder; `runs/<experiment>-<trait>-<teacher>-<size>-<seed>` where none is given.
        workers: processes that work side by side; by default one per core for embedded models, otherwise one.
        engine: who works: `local` processes, or the machines of a `ray` cluster.
        progress: told about the work as it goes.
        budget: what students cost that a server makes, and may cost; needed for these and for no others.

    Raises:
        SubtraitError: what went wrong, in one line; what was finished stays in the folder.
    """
    from subtrait.lab.budget import Budget
    from subtrait.lab.cost import disk_bytes
    from subtrait.lab.experiment import run_experiment
    from subtrait.lab.hosted import check_budget
    from subtrait.report.as_json import to_json
    from subtrait.runs import check_space
    from subtrait.runs.opening import open_run

    check_crew(workers, engine)
    plan, budget = plan_run(plan) if isinstance(plan, str) else plan, budget or Budget()
    check_budget(plan, budget)
    folder = Path(out) if out is not None else default_folder(plan)
    config = configuration(plan)
    if not folder.exists():
        check_space(folder, disk_bytes(plan))
    with (
        open_run(folder, config, environment=environment(plan.base, plan.other_base)) as store,
        assembled(workers, progress, engine=engine, embedded=is_embedded(plan), shared=[folder]) as team,
    ):
        result = run_experiment(plan, store, team=team, budget=budget)
        store.publish("result.json", to_json(result))
        store.publish("report.html", render_html(result, config))
        return Run(result, store.path, command_line(config), store.notice)


def lineage(first: str, second: str, *, alpha: float = 0.01, seed: int = 0) -> "Lineage":
    """Whether two models share a base, from their files alone; see `subtrait.auditor.lineage.shared_base`.

    Args:
        first: an embedded model, a checkpoint folder or a hub id.
        second: the same.
        alpha: how often two models without a common base may be called related.
        seed: of the random orders that the alignment is compared with.

    Raises:
        UsageError: an unknown model, or an `alpha` out of range.
        InvalidInput: a checkpoint cannot be accepted.
    """
    from subtrait.auditor.lineage.shared_base import compare_checkpoints
    from subtrait.lab.seeds import stream
    from subtrait.models.registry import folder_of

    found = compare_checkpoints(folder_of(first), folder_of(second), rng=stream(seed, "lineage"), alpha=alpha)
    return replace(found, first=first, second=second)


def render_html(result: ExperimentResult, config: Mapping[str, Any]) -> str:
    """The report of a run as one HTML page."""
    from subtrait.report.as_html import to_html

    return to_html(result, command=command_line(config))


def command_line(config: Mapping[str, Any]) -> str:
    """The command that repeats a run with this configuration, as far as options can say it."""
    words = ["subtrait", "run", config["experiment"], "--size", config["size"], "--trait", config["trait"]]
    words += ["--teacher", config["teacher"], "--base", config["base"], "--students", config["students"]]
    words += ["--preset", config["preset"]] if config.get("preset") else []
    usual = _options(asdict(_sized(config["experiment"], config["size"])))
    unusual = {name: value for name, value in _options(config).items() if value != usual.get(name)}
    words += [word for pair in unusual.items() for word in pair]
    return shlex.join(str(word) for word in [*words, "--seed", config["seed"]])


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options that are named only where they differ from those of the experiment at its size."""
    strength, arms = config["teacher_recipe"]["steps"], ",".join(config["arms"])
    other_base = {"--other-base": config["other_base"]} if config["other_base"] else {}
    questions = {"--questions": config["questions"]["path"]} if config.get("questions") else {}
    return {"--strength": strength, **other_base, "--arms": arms, **questions}


def default_folder(plan: Plan) -> Path:
    """Where a run goes if nobody says."""
    name = f"{plan.experiment}-{Path(plan.trait).stem}-{plan.teacher}-{plan.size}-{plan.seed}"
    return Path("runs") / name


def configuration(plan: Plan) -> dict[str, Any]:
    """What decides whether two runs are the same: the version, every field of the plan, what it names outside."""
    fields = {name: value for name, value in asdict(plan).items() if name != "preset" or value}
    return {"version": subtrait.__version__, **fields, "digests": digests(plan)}


def team_size(plan: Plan, workers: int | None) -> int:
    """How many processes work: as many as asked for, else one per core for embedded models and one for larger ones,
    which fill the machine alone. Raises `UsageError` for fewer than one.
    """
    return processes(workers, embedded=is_embedded(plan))


def is_embedded(plan: Plan) -> bool:
    """Whether the plan needs no model but those of the package."""
    from subtrait.models.registry import EMBEDDED

    return {plan.base, plan.other_base} <= {*EMBEDDED, None}


def digests(plan: Plan) -> dict[str, str]:
    """SHA-256 of what the plan names and the package does not contain, so that a change of it starts a new run.

    Raises:
        InvalidInput: a trait file or a checkpoint cannot be accepted.
    """
    from subtrait.lab.traits import find_trait, trait_names
    from subtrait.models.registry import EMBEDDED, open_model

    outside = [name for name in (plan.base, plan.other_base) if name is not None and name not in EMBEDDED]
    found = {name: open_model(name).fingerprint() for name in outside}
    if plan.trait not in trait_names():
        text = json.dumps(asdict(find_trait(plan.trait)), sort_keys=True)
        found[plan.trait] = sha256(text.encode()).hexdigest()
    return found


def environment(*models: str | None) -> dict[str, Any]:
    """What a run was made with: interpreter, system, the versions of what the numbers depend on, and what was found
    when the served ones of its models were tried.
    """
    from importlib.metadata import PackageNotFoundError, version

    from subtrait.models.registry import trials

    versions = {}
    for package in RECORDED:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "absent"
    found = {"python": sys.version.split()[0], "system": platform.platform(), "cores": cores(), "versions": versions}
    return {**found, "servers": tried} if (tried := trials(models)) else found


def read_result(folder: Path | str) -> tuple[ExperimentResult, dict[str, Any]]:
    """The result and the configuration of a finished run.

    Raises:
        InvalidInput: no run there, an unfinished or a damaged one.
    """
    from subtrait.report.as_json import from_json
    from subtrait.runs.opening import attach_run, read_run

    run_json, _ = read_run(Path(folder))
    text = attach_run(Path(folder)).published("result.json") or b""
    return from_json(text.decode(), Path(folder) / "result.json"), run_json["config"]


def rendered(result: ExperimentResult, config: Mapping[str, Any], form: str) -> str:
    """A result as `text`, `json` or `html`. Raises `UsageError` for any other form."""
    if form == "json":
        from subtrait.report.as_json import to_json

        return to_json(result)
    if form == "html":
        return render_html(result, config)
    if form == "text":
        from subtrait.report.as_text import summary
        from subtrait.report.terminal import printed

        return printed(summary(result, command=command_line(config)))
    raise unknown_name("format", form, ("text", "json", "html"))


def write_text(path: Path, text: str) -> None:
    """Write a rendered report. Raises `StorageError` where that is not possible."""
    from subtrait.runs.disk import storage

    with storage(path):
        path.write_text(text, encoding="utf-8")
