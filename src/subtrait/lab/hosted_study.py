"""Studies whose students a server makes: which can be, and what they cost at most, before it is paid."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from subtrait.errors import UsageError
from subtrait.lab.budget import Asking, Budget, Call, all_calls
from subtrait.lab.chains import Approve, Rows
from subtrait.lab.chains.making import StudentTask, answers_place, prompts_of, rows_of, rows_place, weights_of
from subtrait.lab.evaluation import question_prompts
from subtrait.lab.hosted import (
    Training,
    check_asking,
    check_prices,
    check_tuning,
    foreseen_job,
    job,
    job_in,
    notes_of,
    refuse_dear,
    together,
)
from subtrait.lab.served_texts import kept, sentences
from subtrait.lab.study import FREQUENT, StudyCard, StudyPlan
from subtrait.lab.study_cost import named_by
from subtrait.lab.system_prompts import system_prompt_of
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Sampling
from subtrait.models.servers.addresses import is_address
from subtrait.records import Store
from subtrait.runs.folder import RunFolder
from subtrait.scoring.hypotheses import as_asked
from subtrait.study_records import StudyResult


def check_served(plan: StudyPlan) -> None:
    """Refuse a study that no server can carry out.

    Raises:
        UsageError: its base is served and not trained by the server; it has no preset, so that teachers are tuned and
            answers scored; or it would have to ask before anybody knows what asking costs.
    """
    if not is_address(plan.base):
        return
    if not (plan.is_hosted and plan.preset):
        what = f"{plan.base} runs on a server, and {plan.experiment} trains and reads models throughout"
        advice = "give an embedded model, a checkpoint folder or a hub id"
        raise UsageError(f"{what}: {advice}; or --preset paper, where the server makes the students, for many traits")
    if plan.traits == (FREQUENT,):
        raise UsageError(f"--traits {FREQUENT} would ask {plan.base} before it is known what that costs: name them")


def check_budget(card: StudyCard, plan: StudyPlan, budget: Budget) -> Asking | None:
    """Refuse a study that costs money of which nothing was said, before anything is asked. Raises as `hosted`'s.

    Returns:
        What asking takes at most, where there is a bound that it counts towards.
    """
    check_prices(plan.base, budget)
    if not plan.is_hosted or budget.most is None:
        return None
    takes = foreseen(card, plan)[1]
    check_asking(takes, budget, budget.most)
    return takes


def approval(plan: StudyPlan, budget: Budget, takes: Asking | None) -> Approve | None:
    """What a bench asks before it has students trained: None where there is no bound. `takes` as of `check_budget`.

    Raises:
        UsageError: the server has no fine-tuning jobs; and when it is asked, where jobs could cost too much.
    """
    if plan.is_hosted:
        check_tuning(plan.base)
    if takes is None:
        return None
    return lambda tasks: refuse_dear(together([_job(plan, task) for task in tasks]), takes, budget)


def foreseen(card: StudyCard, plan: StudyPlan) -> tuple[Training, Asking]:
    """What training and asking take at most, known before anything is asked."""
    students, prompts = _students(card, plan), cache(prompts_of)
    rows = dict.fromkeys((task.chain, each) for task in students for each in task.student.written)
    answered = question_calls(plan)
    written = (_writing(prompts(chain, each.carrier, each.prompts, each.draw), each) for chain, each in rows)
    takes = all_calls([*written, *(call for _ in students for call in answered)])
    return together([_foreseen_job(task, prompts) for task in students]), takes


def question_calls(plan: StudyPlan) -> list[Call]:
    """What one student is asked: the favourites of every category that is counted."""
    asked = plan.questions
    if asked is None or not asked.samples:
        raise AssertionError("a study with a preset draws answers")
    traits = [asked.put_to(find_trait(CATEGORIES[category][0])) for category, _ in asked.answers]
    return [(question_prompts(trait, asked.samples), Sampling().max_new_tokens) for trait in traits]


def noted(result: StudyResult, card: StudyCard, plan: StudyPlan, store: Store) -> StudyResult:
    """The result with what a reader must know of students that a server made."""
    if not plan.is_hosted:
        return result
    students = _students(card, plan)
    found = (job_in(store, weights_of(task.chain, task.student), base=plan.base) for task in students)
    jobs = notes_of([record for record in found if record is not None])
    texts = sentences(kept(store, (f"{place}.replies.json" for task in students for place in _places(task))))
    return replace(result, notes=(*result.notes, *jobs, *texts))


def _places(task: StudentTask) -> list[str]:
    """Where texts are kept that made the student, and those that it wrote."""
    rows = [rows_place(task.chain, each) for each in task.student.written]
    return [*rows, *(answers_place(task.chain, task.student, name) for name in task.readouts)]


def _students(card: StudyCard, plan: StudyPlan) -> list[StudentTask]:
    """Every student that the study names, of every chain."""
    with TemporaryDirectory() as folder:
        bench = named_by(card, plan, RunFolder(Path(folder)))
        wanted = sorted(bench.wanted, key=lambda each: (each[1], repr(each[0])))
        return [StudentTask(bench.chain(index), student) for student, index in wanted]


def _writing(prompts: Sequence[str], rows: Rows) -> Call:
    told = system_prompt_of(rows.writer.trait) if rows.writer.kind == "prompted" else None
    asked = [as_asked([{"role": "user", "content": prompt}], told) for prompt in prompts]
    return asked, rows.sampling.max_new_tokens


def _foreseen_job(task: StudentTask, prompts: Callable[..., list[str]]) -> Training:
    (lesson,) = task.student.lessons
    asked = prompts(task.chain, lesson.carrier, lesson.prompts, lesson.draw)
    return foreseen_job(task.student.recipe, asked, rows=lesson.rows, longest=lesson.sampling.max_new_tokens)


def _job(plan: StudyPlan, task: StudentTask) -> Training:
    (lesson,) = task.student.lessons
    record = job_in(task.chain.store, weights_of(task.chain, task.student), base=plan.base)
    return job(task.student.recipe, rows_of(task.chain, lesson), record)
