"""An experiment with every arm that takes seconds: a trait of few questions, few rows, few steps.

python tiny.py FOLDER [WORKERS] [SEED] [STUDENTS]    runs it and prints what it concludes
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


def main(folder: str, workers: str = "1", seed: str = "0", students: str = "2") -> None:
    """Run it, with its trait file beside the folder."""
    trait = Path(folder).with_name("owl.yaml")
    if not trait.exists():
        trait.write_text(trait_text(), encoding="utf-8")
    plan = tiny_plan(trait, seed=int(seed), students=int(students))
    done = subtrait.run(plan, out=folder, workers=int(workers))
    sys.stdout.write("\n".join(done.result.conclusion) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
