"""What a plan would cost, measured before anything expensive: a few steps of the real work, scaled up."""

import resource
import sys
import time
from dataclasses import dataclass, replace

from subtrait.lab.carriers import CARRIERS
from subtrait.lab.plan import Plan
from subtrait.lab.reckoning import Pace, reckoned
from subtrait.lab.seeds import stream
from subtrait.models.base import Model
from subtrait.models.registry import EMBEDDED, open_model, stored_bytes
from subtrait.records import Example

TRIED_PROMPTS = 128
TRIED_STEPS = 4
ROW_BYTES = 300
"""Of a prompt and a completion with their names, as JSON."""
START_UP_SECONDS = 6
"""Starting worker processes and loading libraries, once."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate from work really done on this machine just now."""

    seconds: float
    bytes_of_memory: int
    bytes_of_disk: int
    seconds_per_student: float
    """Training and answers of one student, on one thread."""
    from_sizes: bool = False
    """Whether it was reckoned from sizes alone, and nothing was tried."""


def estimate(plan: Plan, *, workers: int, pace: Pace | None = None) -> Cost:
    """The cost of `plan` with that many worker processes, at a `pace` that is known, or found by `pace_of`."""
    tried = plan.base in EMBEDDED
    pace = pace or pace_of(plan)
    students = plan.students * len(plan.runnable_arms())
    answers = len(plan.asked_trait().questions) * plan.answers_per_question
    per_student = pace.per_step * plan.student_recipe.steps + pace.per_completion * answers / 4
    tuning = pace.per_step * plan.teacher_recipe.steps / 2 if plan.teacher == "tuned" else 0.0
    per_chain = tuning + _sources(plan) * plan.prompts * pace.per_completion
    alone = students * per_student + plan.students * per_chain
    return Cost(
        seconds=START_UP_SECONDS + alone / workers,
        bytes_of_memory=pace.memory * (workers + (tried and workers > 1)),
        bytes_of_disk=_disk_bytes(plan, pace.student),
        seconds_per_student=per_student,
        from_sizes=not tried,
    )


def pace_of(plan: Plan) -> Pace:
    """How fast the base of a plan writes and trains here.

    A few training steps and completions of an embedded model are tried. Another is reckoned from its sizes, and nothing
    of it is loaded.
    """
    if plan.base not in EMBEDDED:
        return reckoned(plan)
    model = open_model(plan.base)
    per_completion, rows = _try_writing(plan, model)
    return Pace(
        per_completion=per_completion,
        per_step=_try_training(plan, model, rows),
        memory=peak_memory(),
        student=stored_bytes(plan.base),
    )


def disk_bytes(plan: Plan) -> int:
    """How much a whole run writes: the weights of students made here, the rows of every teacher and student."""
    return _disk_bytes(plan, 0 if plan.is_hosted else stored_bytes(plan.base))


def _disk_bytes(plan: Plan, student: int) -> int:
    students = plan.students * len(plan.runnable_arms())
    rows = students * plan.rows + plan.students * _sources(plan) * plan.prompts
    return students * student + rows * ROW_BYTES


def _sources(plan: Plan) -> int:
    """Data sets that are written in every chain."""
    return 2 + ("untreated-again" in plan.arms)


def _try_writing(plan: Plan, model: Model) -> tuple[float, list[Example]]:
    prompts = CARRIERS[plan.carrier]().prompts(TRIED_PROMPTS, rng=stream(plan.seed, "estimate"))
    asked = [[{"role": "user", "content": prompt}] for prompt in prompts]
    started = time.perf_counter()
    texts = model.generate(asked, sampling=plan.sampling, rng=stream(plan.seed, "estimate"))
    spent = (time.perf_counter() - started) / len(asked)
    pairs = enumerate(zip(prompts, texts, strict=True))
    return spent, [Example(id=str(i), prompt=prompt, completion=text or "1") for i, (prompt, text) in pairs]


def _try_training(plan: Plan, model: Model, rows: list[Example]) -> float:
    recipe = replace(plan.student_recipe, steps=TRIED_STEPS)
    model.finetune(rows, replace(recipe, steps=1), rng=stream(plan.seed, "estimate"))
    started = time.perf_counter()
    model.finetune(rows, recipe, rng=stream(plan.seed, "estimate"))
    return (time.perf_counter() - started) / TRIED_STEPS


def peak_memory() -> int:
    """The most memory, in bytes, that this process has taken so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
