"""The order of work of every experiment: teachers write, filters cut, students train and answer, arms are compared.

A stage keeps what it makes in the store, so a killed run goes on where it stopped, and hands nothing on but through
the store, so stages of different chains can run in different processes. One chain is one student of each arm: teacher
seed, prompts, completions and training seed are drawn anew for every chain.
"""

from subtrait.lab.budget import Budget
from subtrait.lab.datasets import chat_row, rows_of, source_of, write_dataset
from subtrait.lab.hosted import check_spending, check_tuning
from subtrait.lab.plan import Plan
from subtrait.lab.students import ask_student, train_student
from subtrait.lab.summary import summarise
from subtrait.lab.task import Task
from subtrait.lab.teachers import Teacher, make_teacher, measure_teacher
from subtrait.lab.team import Team
from subtrait.models.registry import local_name, open_model
from subtrait.records import ExperimentResult, Progress, Store


def run_experiment(plan: Plan, store: Store, *, team: Team, budget: Budget | None = None) -> ExperimentResult:
    """Run what of the plan is not in the store yet, and compare the arms; `budget` is for students that cost money."""
    chains = range(plan.students)
    if plan.is_hosted:
        check_tuning(plan.base)
    team.each("teachers write", write_datasets, [Task(plan, store, student) for student in chains])
    team.each("bases answer", ask_base, [Task(plan, store, 0, arm) for arm in plan.untouched()])
    arms = plan.runnable_arms()
    if plan.is_hosted:
        check_spending(plan, store, budget or Budget())
    team.each("students train", make_student, [Task(plan, store, student, arm) for student in chains for arm in arms])
    return summarise(plan, store)


def write_datasets(task: Task, progress: Progress) -> None:
    """One chain's teacher, how strongly it shows the trait, and the rows that it and the untreated base write."""
    plan, student = task.plan, task.student
    trait, base = plan.asked_trait(), open_model(plan.base)
    teacher = make_teacher(task, trait, base, progress=progress)
    task.store.record(f"teachers/{student}/teacher.json", lambda: measure_teacher(task, trait, teacher, base))
    for source in sorted({source_of(arm) for arm in plan.runnable_arms()}):
        writer = teacher if source == "treated" else Teacher(base, None)
        write_dataset(task, source, writer, progress=progress)


def ask_base(task: Task, progress: Progress) -> None:
    """What a base answers before any training."""
    trait, model = task.plan.asked_trait(), open_model(task.plan.untouched()[task.arm])
    ask_student(task, trait, model, progress=progress)


def make_student(task: Task, progress: Progress) -> None:
    """One student of one arm: its rows, its training, its answers."""
    plan, arm, rows = task.plan, task.arm, rows_of(task)
    if arm != source_of(arm):
        task.store.rows(f"{task.folder}/kept.jsonl", lambda: [chat_row(example) for example in rows])
    base = open_model(plan.base if plan.is_hosted else local_name(plan.base_of(arm)))
    model = train_student(task, base, rows, progress=progress)
    ask_student(task, plan.asked_trait(), model, progress=progress)
