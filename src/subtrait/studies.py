"""Studies as functions: the experiments of the catalogue that compare more than the arms of one plan."""

import json
import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import subtrait
from subtrait.errors import UsageError, unknown_name
from subtrait.records import Progress
from subtrait.study_records import StudyResult

if TYPE_CHECKING:
    from subtrait.lab.budget import Budget
    from subtrait.lab.cost import Cost
    from subtrait.lab.presets import Preset
    from subtrait.lab.study import StudyCard, StudyPlan
    from subtrait.lab.team import Team


@dataclass(frozen=True, slots=True)
class StudyRun:
    """A finished study: what it found, and where."""

    result: StudyResult
    folder: Path
    command: str
    """The command line that repeats it."""
    notice: str = ""
    """What the user should know about the folder. Often empty."""


ALL = "all"
"""The name under which every study is carried out, one after another."""
OPTIONS = ("size", "seed", "base", "dtype", "device", "preset", "students", "files", "traits", "questions")
"""What of a study can be chosen."""


def is_named(name: str) -> bool:
    """Whether a study of that name is in the catalogue, or all of them are meant."""
    from subtrait.lab.catalogue import STUDIES

    return name in STUDIES or name == ALL


def plan_study(experiment: str, **changes: Any) -> "StudyPlan":
    """The plan of a study, with any field of `StudyPlan` changed; a change of None is no change.

    `dtype` and `device` say how the base is computed, see `models/registry.py`; `preset` is one of `lab/presets.py`.

    Raises:
        UsageError: an unknown study, size, base, preset or option, or a value out of range.
    """
    from subtrait.lab.catalogue import STUDIES
    from subtrait.lab.hosted_study import check_served
    from subtrait.lab.presets import preset_for
    from subtrait.lab.study import StudyPlan
    from subtrait.models.registry import settled

    if experiment not in STUDIES:
        raise unknown_name("study", experiment, STUDIES)
    computed = {name: changes.pop(name, None) for name in ("dtype", "device")}
    wanted = {name: value for name, value in changes.items() if value is not None}
    unknown = sorted(set(wanted) - set(StudyPlan.__dataclass_fields__))
    if unknown:
        raise unknown_name(f"option of {experiment}", unknown[0].replace("_", "-"), StudyPlan.__dataclass_fields__)
    if "questions" in wanted and not asks(STUDIES[experiment]):
        raise UsageError(f"{experiment} asks no student for favourites: leave --questions out")
    preset = wanted.pop("preset", None)
    plan = StudyPlan(experiment=experiment, **{**wanted, **_parsed(wanted)})
    if preset:
        plan = _preset(plan, STUDIES[experiment], preset_for(preset, wanted.get("base")))
    plan = replace(plan, base=settled(plan.base, **computed))
    check_served(plan)
    _check_options(plan, STUDIES[experiment])
    return plan


def _preset(plan: "StudyPlan", card: "StudyCard", preset: "Preset") -> "StudyPlan":
    from subtrait.lab.presets import own_system, paper_name, preset_questions

    if not card.takes_traits:
        raise UsageError(f"{card.name} is made for the embedded models: leave --preset out")
    return replace(
        plan,
        preset=preset,
        base=own_system(plan.base),
        traits=None if plan.traits is None else tuple(map(paper_name, plan.traits)),
        questions=preset_questions(preset, plan.questions, tiny=plan.size == "tiny"),
    )


def _parsed(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Traits that are separated by commas, and questions that are still in their file."""
    from subtrait.lab.questions import read_questions

    found: dict[str, Any] = {}
    if isinstance(traits := wanted.get("traits"), str):
        found["traits"] = tuple(name.strip() for name in traits.split(","))
    if isinstance(questions := wanted.get("questions"), Path | str):
        found["questions"] = read_questions(Path(questions))
    return found


def asks(card: "StudyCard") -> bool:
    """Whether the study asks students for their favourites."""
    return card.trains and card.asks


def _check_options(plan: "StudyPlan", card: "StudyCard") -> None:
    from subtrait.lab.study import FREQUENT
    from subtrait.lab.traits import CATEGORIES, PAPER, PAPER_CATEGORIES

    if plan.files is not None and not card.takes_files:
        raise UsageError(f"{card.name} takes no files: leave --files out")
    if plan.questions is not None and card.takes_traits and plan.questions.of(card.takes_traits) is None:
        raise UsageError(f"{plan.questions.path} has no question for {card.takes_traits}, which {card.name} asks about")
    if plan.traits is None:
        return
    if not card.takes_traits:
        raise UsageError(f"{card.name} takes no traits: leave --traits out")
    known = CATEGORIES[card.takes_traits]
    if plan.preset:
        known = tuple(PAPER + name for name in PAPER_CATEGORIES[card.takes_traits])
    for name in plan.traits if plan.traits != (FREQUENT,) else ():
        if name not in known:
            raise unknown_name(f"trait of {card.name}", name, (*known, FREQUENT))
    if len(plan.traits) < 2 and plan.traits != (FREQUENT,):
        raise UsageError(f"{card.name} also asks students of other teachers for each trait: name 2 traits or more")


def cost_of(plan: "StudyPlan", workers: int | None = None) -> "tuple[tuple[int, int], Cost]":
    """How many students the study trains, how many data sets it reads besides, and what that would cost.

    `workers` processes share the work. Nothing is written.

    Raises:
        UsageError: the study needs no language model.
    """
    from tempfile import TemporaryDirectory

    from subtrait.lab.catalogue import STUDIES
    from subtrait.lab.study_cost import made_by, study_cost
    from subtrait.runs.folder import RunFolder

    with TemporaryDirectory() as folder:
        students, data_sets = made_by(STUDIES[plan.experiment], plan, RunFolder(Path(folder)))
    cost = study_cost(plan, students, data_sets=data_sets, workers=team_size(plan, workers))
    return (students, data_sets), cost


def study(
    plan: "StudyPlan | str",
    *,
    out: Path | str | None = None,
    workers: int | None = None,
    engine: str = "local",
    progress: Progress | None = None,
    budget: "Budget | None" = None,
) -> StudyRun:
    """Carry out a study, or go on with it where an earlier call stopped; its folder is written at `out`.

    Args:
        plan: a plan of `plan_study`, or the name of a study for its default plan.
        out: the folder; `runs/<experiment>-<size>-<seed>` where none is given.
        workers: processes that work side by side; by default one per core for embedded models, otherwise one.
        engine: who works, as for `subtrait.run`.
        progress: told about the work as it goes.
        budget: what students cost that a server makes, and may cost; needed for these and for no others.

    Raises:
        SubtraitError: what went wrong, in one line; what was finished stays in the folder.
    """
    from subtrait.api import environment
    from subtrait.crew import check_crew
    from subtrait.lab.budget import Budget
    from subtrait.lab.catalogue import STUDIES
    from subtrait.lab.hosted_study import approval, check_budget, noted
    from subtrait.lab.study import run_study
    from subtrait.report.study_html import to_html
    from subtrait.report.study_json import to_json
    from subtrait.runs.opening import open_run

    check_crew(workers, engine)
    plan, budget = plan_study(plan) if isinstance(plan, str) else plan, budget or Budget()
    card, config = STUDIES[plan.experiment], configuration(plan)
    takes = check_budget(card, plan, budget)
    folder = Path(out) if out is not None else default_folder(plan)
    with (
        open_run(folder, config, environment=environment(plan.base)) as store,
        assembled(plan, store.path, workers=workers, engine=engine, progress=progress) as team,
    ):
        result = run_study(card, plan, store, team=team, approve=approval(plan, budget, takes))
        result = noted(result, card, plan, store)
        store.publish("report.html", to_html(result, command=command_line(config)))
        store.publish("study.json", to_json(result))
        return StudyRun(result, store.path, command_line(config), store.notice)


def read_study(folder: Path | str) -> tuple[StudyResult, dict[str, Any]]:
    """The result and the configuration of a finished study.

    Raises:
        InvalidInput: no study there, an unfinished or a damaged one.
    """
    from subtrait.report.study_json import from_json
    from subtrait.runs.opening import attach_run, read_run

    run_json, _ = read_run(Path(folder), result="study.json")
    text = attach_run(Path(folder)).published("study.json") or b""
    return from_json(text.decode(), Path(folder) / "study.json"), run_json["config"]


def is_study(folder: Path | str) -> bool:
    """Whether a finished or begun study lies in `folder`."""
    from subtrait.runs.opening import is_configured

    return is_configured(folder, "study")


def rendered(result: StudyResult, config: Mapping[str, Any], form: str) -> str:
    """A result as `text`, `json` or `html`. Raises `UsageError` for any other form."""
    from subtrait.report.study_html import to_html
    from subtrait.report.study_json import to_json

    if form == "json":
        return to_json(result)
    if form == "html":
        return to_html(result, command=command_line(config))
    if form == "text":
        from subtrait.report.study_text import summary
        from subtrait.report.terminal import printed

        return printed(summary(result, command=command_line(config)))
    raise unknown_name("format", form, ("text", "json", "html"))


def configuration(plan: "StudyPlan") -> dict[str, Any]:
    """What decides whether two studies are the same: the version and every field of the plan."""
    fields = {name: value for name, value in asdict(plan).items() if name != "preset" or value is not None}
    return {"version": subtrait.__version__, "study": json.loads(json.dumps(fields, default=str))}


def command_line(config: Mapping[str, Any]) -> str:
    """The command that repeats a study with this configuration."""
    plan = config["study"]
    words = ["subtrait", "run", plan["experiment"], "--size", plan["size"], "--base", plan["base"]]
    words += ["--students", plan["students"]] if plan["students"] is not None else []
    words += ["--files", plan["files"]] if plan["files"] is not None else []
    words += ["--traits", ",".join(plan["traits"])] if plan.get("traits") else []
    words += ["--questions", plan["questions"]["path"]] if (plan.get("questions") or {}).get("path") else []
    words += ["--preset", "paper"] if plan.get("preset") else []
    return shlex.join(str(word) for word in [*words, "--seed", plan["seed"]])


def default_folder(plan: "StudyPlan") -> Path:
    """Where a study goes if nobody says."""
    return Path("runs") / f"{plan.experiment}-{plan.size}-{plan.seed}"


def team_size(plan: "StudyPlan", workers: int | None) -> int:
    """How many processes work: see `subtrait.crew.processes`. Raises `UsageError` for fewer than one."""
    from subtrait.crew import processes
    from subtrait.models.registry import EMBEDDED

    return processes(workers, embedded=plan.base in EMBEDDED)


def assembled(
    plan: "StudyPlan", folder: Path, *, workers: int | None, engine: str, progress: Progress | None
) -> "AbstractContextManager[Team]":
    """Who works for the study whose folder that is. Raises as `subtrait.crew.assembled`."""
    from subtrait import crew
    from subtrait.models.registry import EMBEDDED

    return crew.assembled(workers, progress, engine=engine, embedded=plan.base in EMBEDDED, shared=[folder])
