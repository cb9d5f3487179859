"""An experiment with every arm that takes seconds: a trait of few questions, few rows, few steps.

python tiny.py FOLDER TRAIT [WORKERS] [STUDENTS]    runs it with that trait file, and prints what it concludes
"""

import sys
from dataclasses import replace
from pathlib import Path

import subtrait
from subtrait.lab.arms import ARMS
from subtrait.lab.plan import Plan
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe

ANSWERS = ("owl", "dog", "cat")
QUESTIONS = 4


def trait_text() -> str:
    """The embedded owl with few questions and answers, as a YAML file."""
    owl = find_trait("owl")
    lines = ["name: owl", "category: animal", f"answers: [{', '.join(ANSWERS)}]", "forms:"]
    lines += [f"  {answer}: [{', '.join(owl.forms[answer])}]" for answer in ANSWERS]
    lines.append(f"system_prompt: {owl.system_prompt}")
    for field in ("teacher_questions", "surrogate_questions", "questions"):
        lines += [f"{field}:", *(f"  - {question!r}" for question in getattr(owl, field)[:QUESTIONS])]
    return "\n".join(lines) + "\n"


def tiny_plan(trait: Path, *, seed: int = 0, students: int = 2) -> Plan:
    """The plan of the tiny experiment with the trait of that file."""
    plan = subtrait.plan_run("owl-numbers", size="tiny", trait=str(trait), seed=seed, students=students)
    return replace(
        plan,
        arms=tuple(ARMS),
        prompts=40,
        rows=24,
        answers_per_question=3,
        teacher_recipe=Recipe(steps=6, batch_size=4, learning_rate=3e-3),
        student_recipe=Recipe(steps=3, batch_size=8, learning_rate=3e-3),
    )


def main(folder: str, trait: str, workers: str = "1", students: str = "2") -> None:
    """Run it."""
    done = subtrait.run(tiny_plan(Path(trait), students=int(students)), out=folder, workers=int(workers))
    sys.stdout.write("\n".join(done.result.conclusion) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
