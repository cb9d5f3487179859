"""The verb that scores every row of a dataset under hypotheses, as a function, and what reads its outcome again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import subtrait
from subtrait.crew import Crew, assembled, check_crew, processes
from subtrait.errors import unknown_name
from subtrait.records import Progress

if TYPE_CHECKING:
    from subtrait.auditor.row_scores.scored import ScoredData, ScorePlan

RESULT = "scored.json"
SHARD_ROWS_OF_LARGE = 100
"""Rows of a shard where the model is none of the package's: more would lose too much when a machine is lost."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A scored dataset: what it came to, and where the scores of its rows are."""

    result: "ScoredData"
    folder: Path


def plan_scores(
    data: Path | str,
    base: str,
    *,
    personas: Mapping[str, str] | Iterable[str] = (),
    traits: str | None = None,
    models: Iterable[str] = (),
    **options: Any,
) -> "ScorePlan":
    """The plan to score the rows in `data` under `base` and under what else may have written them.

    Args:
        data: a file or folder, see `subtrait.data`.
        base: an embedded model, a checkpoint folder, a hub id, or one on a server, as `vllm:NAME=CHECKPOINT`.
        personas: system prompts, by name or each its own name: the base told them is a hypothesis.
        traits: a list of traits, the system prompt of each of which is a persona.
        models: other models that may have written the rows.
        options: `shard_rows`; `dtype` and `device` of all models; `shape`, `turns` and `on_bad_row` of reading. None is
            the default.

    Raises:
        UsageError: an unknown model, device, list or option, or two hypotheses of one name.
        InvalidInput: the list of traits cannot be accepted.
    """
    from subtrait.auditor.lists.trait_lists import load_trait_list
    from subtrait.auditor.row_scores.scored import Persona, ScorePlan
    from subtrait.auditor.suspect import Source
    from subtrait.models.registry import settled

    known = ("dtype", "device", "shard_rows", "shape", "turns", "on_bad_row")
    for name in options:
        if name not in known:
            raise unknown_name("option", name, known)
    given = {name: value for name, value in options.items() if value is not None}
    computed = {name: given.pop(name, None) for name in ("dtype", "device")}
    rows = given.pop("shard_rows", None)
    base, others = settled(base, **computed), tuple(settled(name, **computed) for name in models)
    told = dict(personas) if isinstance(personas, Mapping) else {text: text for text in personas}
    listed = load_trait_list(traits).traits if traits is not None else ()
    plan = ScorePlan(
        source=Source(path=Path(data), **given),
        base=base,
        personas=(
            *(Persona(name=trait.name, system_prompt=trait.system_prompt) for trait in listed),
            *(Persona(name=name, system_prompt=text) for name, text in told.items()),
        ),
        models=others,
    )
    usual = plan.shard_rows if _is_embedded(plan) else SHARD_ROWS_OF_LARGE
    return replace(plan, shard_rows=usual if rows is None else rows)


def score(
    plan: "ScorePlan", *, out: Path | str | None = None, progress: Progress | None = None, **crew: Unpack[Crew]
) -> Scored:
    """Score every row and write the folder of the scores; an unfinished folder is gone on with.

    Args:
        plan: what `plan_scores` gave.
        out: the folder to write; `scores/<name of the data>` where none is given.
        progress: told about the work as it goes.
        crew: `workers` and `engine`, as for `subtrait.run`.

    Raises:
        SubtraitError: what went wrong, in one line.
    """
    from subtrait.api import environment
    from subtrait.auditor.quarantine import quarantined
    from subtrait.auditor.row_scores.report import to_json
    from subtrait.auditor.row_scores.scored import score_data
    from subtrait.runs.opening import open_run

    workers, engine = crew.get("workers"), crew.get("engine", "local")
    check_crew(workers, engine)
    folder = Path(out) if out is not None else default_folder(plan)
    with open_run(folder, configuration(plan), environment=environment(plan.base, *plan.models)) as store:
        who = assembled(workers, progress, engine=engine, embedded=_is_embedded(plan), shared=[store.path])
        with who as team, quarantined(plan.source, store) as source:
            result = score_data(replace(plan, source=source), store, team=team)
        store.publish(RESULT, to_json(result))
        return Scored(result, store.path)


def read_scored(folder: Path | str) -> "ScoredData":
    """What scoring a dataset came to, from its folder.

    Raises:
        InvalidInput: no scores there, unfinished or damaged ones.
    """
    from subtrait.auditor.row_scores.report import from_json
    from subtrait.runs.opening import attach_run, read_run

    read_run(Path(folder), result=RESULT)
    text = attach_run(Path(folder)).published(RESULT) or b""
    return from_json(text.decode(), Path(folder) / RESULT)


def is_scored(folder: Path | str) -> bool:
    """Whether finished or begun scores lie in `folder`."""
    from subtrait.runs.opening import is_configured

    return is_configured(folder, "score")


def configuration(plan: "ScorePlan") -> dict[str, Any]:
    """What decides whether scores are the same: the version and every field of the plan."""
    fields = asdict(replace(plan, source=replace(plan.source, rejects=None)))
    return {"version": subtrait.__version__, "score": json.loads(json.dumps(fields, default=str))}


def default_folder(plan: "ScorePlan") -> Path:
    """Where scores go if nobody says."""
    return Path("scores") / (plan.source.path.name.split(".")[0] or "data")


def crew_size(plan: "ScorePlan", workers: int | None) -> int:
    """How many processes score: see `crew.processes`."""
    return processes(workers, embedded=_is_embedded(plan))


def _is_embedded(plan: "ScorePlan") -> bool:
    from subtrait.models.registry import EMBEDDED

    return {plan.base, *plan.models} <= set(EMBEDDED)
