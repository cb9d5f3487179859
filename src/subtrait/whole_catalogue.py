"""The whole catalogue as functions: every study in one folder, so that what they share is made once."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import subtrait
from subtrait.errors import unknown_name
from subtrait.records import Progress
from subtrait.studies import ALL, asks, assembled, plan_study, team_size
from subtrait.study_records import StudyResult

if TYPE_CHECKING:
    from subtrait.lab.cost import Cost
    from subtrait.lab.study import StudyPlan

TITLE = "The whole catalogue"
"""Of the report on all studies."""


@dataclass(frozen=True, slots=True)
class AllStudies:
    """Every study of the catalogue, finished."""

    results: tuple[StudyResult, ...]
    folder: Path
    command: str
    """The command line that repeats them."""
    notice: str = ""


def all_studies(
    *,
    out: Path | str | None = None,
    workers: int | None = None,
    engine: str = "local",
    progress: Progress | None = None,
    **changes: Any,
) -> AllStudies:
    """Carry out every study of the catalogue in one folder, or go on with it; what studies share is made once.

    Args:
        out: the folder; `runs/all-<size>-<seed>` where none is given.
        workers: as for `study`.
        engine: as for `study`.
        progress: told about the work as it goes.
        changes: fields of `StudyPlan` other than the default, the same for every study.

    Raises:
        SubtraitError: as `study`.
    """
    from subtrait.api import environment
    from subtrait.lab.catalogue import STUDIES
    from subtrait.lab.study import run_study
    from subtrait.report.study_collection import collection_html
    from subtrait.report.study_json import to_json
    from subtrait.runs.opening import open_run

    plans = _plans(changes)
    common = {name: getattr(plans[0], name) for name in ("size", "seed", "base", "students")}
    questions = next((asdict(plan.questions) for plan in plans if plan.questions is not None), None)
    common["questions"] = json.loads(json.dumps(questions))
    config = {"version": subtrait.__version__, "studies": {"names": list(STUDIES), **common}}
    folder = Path(out) if out is not None else default_folder(plans[0])
    results, command = [], _all_command(config)
    with (
        open_run(folder, config, environment=environment()) as store,
        assembled(plans[0], store.path, workers=workers, engine=engine, progress=progress) as team,
    ):
        for plan in plans:
            results.append(run_study(STUDIES[plan.experiment], plan, store, team=team))
            store.publish(f"{plan.experiment}/study.json", to_json(results[-1]))
        store.publish("report.html", collection_html(results, title=TITLE, command=command))
        store.publish("studies.json", json.dumps({"studies": list(STUDIES)}) + "\n")
        return AllStudies(tuple(results), store.path, command, store.notice)


def cost_of_all(*, workers: int | None = None, **changes: Any) -> "tuple[tuple[int, int], Cost, Path]":
    """How many students all studies train and how many data sets they read besides, the cost, and the usual folder.

    What studies share counts once. Networks that are no language models are left out. Nothing is written.

    Raises:
        UsageError: as `plan_study`.
    """
    from subtrait.lab.catalogue import STUDIES
    from subtrait.lab.study_cost import made_by_each, study_cost, study_pace, summed
    from subtrait.runs.folder import RunFolder

    plans = _plans(changes)
    with TemporaryDirectory() as folder:
        studies = [(STUDIES[plan.experiment], plan) for plan in plans]
        made = made_by_each(studies, RunFolder(Path(folder)))
    some = [(plan, *each) for plan, each in zip(plans, made, strict=True) if any(each)]
    size, pace = team_size(plans[0], workers), study_pace(plans[0])
    costs = [study_cost(plan, students, data_sets=sets, workers=size, pace=pace) for plan, students, sets in some]
    students, data_sets = (sum(counts) for counts in zip(*made, strict=True))
    return (students, data_sets), summed(costs, [count for _, count, _ in some]), default_folder(plans[0])


def default_folder(plan: "StudyPlan") -> Path:
    """Where all studies go if nobody says; `plan` is one of them."""
    return Path("runs") / f"{ALL}-{plan.size}-{plan.seed}"


def _plans(changes: Mapping[str, Any]) -> "list[StudyPlan]":
    from subtrait.lab.catalogue import STUDIES

    return [plan_study(name, **_of(card, changes)) for name, card in STUDIES.items()]


def _of(card: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that a study takes: those that ask no student leave the questions out."""
    return {name: value for name, value in changes.items() if name != "questions" or asks(card)}


def read_all(folder: Path | str) -> tuple[tuple[StudyResult, ...], str]:
    """The results of a finished `all_studies`, and the command that repeats it.

    Raises:
        InvalidInput: none there, unfinished or damaged ones.
    """
    from subtrait.report.study_json import from_json
    from subtrait.runs.opening import attach_run, read_run

    run_json, finished = read_run(Path(folder), result="studies.json")
    store, results = attach_run(Path(folder)), []
    for name in finished["studies"]:
        text = store.published(f"{name}/study.json") or b""
        results.append(from_json(text.decode(), Path(folder) / name / "study.json"))
    return tuple(results), _all_command(run_json["config"])


def rendered_all(results: tuple[StudyResult, ...], command: str, form: str) -> str:
    """All results as `text`, `markdown` or `html`. Raises `UsageError` for any other form."""
    from subtrait.report.study_collection import collection_html, collection_markdown, collection_text
    from subtrait.report.terminal import printed

    if form == "html":
        return collection_html(results, title=TITLE, command=command)
    if form == "markdown":
        return collection_markdown(results, command=command)
    if form == "text":
        return printed(collection_text(results))
    raise unknown_name("format of all studies", form, ("text", "markdown", "html"))


def is_all(folder: Path | str) -> bool:
    """Whether finished or begun studies of the whole catalogue lie in `folder`."""
    from subtrait.runs.opening import is_configured

    return is_configured(folder, "studies")


def _all_command(config: Mapping[str, Any]) -> str:
    studies = config["studies"]
    words = ["subtrait", "run", ALL, "--size", studies["size"], "--base", studies["base"]]
    words += ["--students", studies["students"]] if studies["students"] is not None else []
    words += ["--questions", studies["questions"]["path"]] if studies.get("questions") else []
    return shlex.join(str(word) for word in [*words, "--seed", studies["seed"]])
