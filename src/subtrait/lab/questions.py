"""Questions of the user's own that students are asked, from a YAML or JSON file.

Two forms are read. Ours: each category with its questions, `animal: [...]`, or with `questions:` and the `answers:`
that are expected. That of the paper's code, as its lists are published: `animal_50` is a list of 50 questions for
animals; whatever else such a file holds, such as templates and texts for judges, is left out.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from subtrait.data.strict_yaml import Steps, YamlFile, read_yaml
from subtrait.errors import InvalidInput, escaped
from subtrait.lab.lessons import LESSONS
from subtrait.lab.question_list import QuestionList
from subtrait.lab.traits import CATEGORIES
from subtrait.models.micro.wordings import WordingSet, wordings
from subtrait.records import Trait

CODE: Final = "E_QUESTIONS"
_COUNTED: Final = re.compile(r"([a-z]+)_([0-9]+)")
"""How the paper's code names a list: the category and how many questions it has."""


def read_questions(path: Path) -> QuestionList:
    """The questions in the file at `path`.

    Raises:
        InvalidInput: E_QUESTIONS where the file is no YAML or JSON in UTF-8, has no question, one that is blank, twice
            or no text, one that also tunes a teacher, or a category or an answer that no scorer knows;
            E_PATH where it is no readable regular file. The message names the file and the line.
        StorageError: the disk cannot be read.
    """
    file = read_yaml(path, CODE)
    if not isinstance(file.value, dict):
        raise _refused(file, (), "no mapping from categories to questions", hint="write animal: and below it a list")
    lists = dict(_lists(file))
    if not lists:
        raise _refused(file, (), "no list of questions", hint=f"give one for {' or '.join(CATEGORIES)}")
    tuned = _tuned_on()
    for category, steps in lists.items():
        _check(file, steps, tuned)
        _check_answers(file, category)
    asked = {category: tuple(map(str.strip, _at(file, steps))) for category, steps in lists.items()}
    return QuestionList(path=str(path), asked=tuple(sorted(asked.items())))


def check_trait(questions: QuestionList, trait: Trait) -> None:
    """Refuse a list without questions for this trait, or with some that also tune its teachers: it may be the user's.

    Raises:
        InvalidInput: E_QUESTIONS, with the question.
    """
    if questions.of(trait.category) is None:
        what = f"no question for {trait.name}, which is a {trait.category}"
        raise InvalidInput(CODE, questions.path, what, hint=f"add a list for {trait.category}, or leave the file out")
    tuned = set(map(_loosely, (*trait.teacher_questions, *trait.surrogate_questions)))
    for question in questions.of(trait.category) or ():
        if _loosely(question) in tuned:
            raise InvalidInput(CODE, questions.path, f"'{question}' also tunes teachers of {trait.name}", hint=_OTHERS)


_OTHERS: Final = "students must be asked what no teacher was tuned on"


def _lists(file: YamlFile) -> Iterator[tuple[str, Steps]]:
    """Each category that the file has a list for, and where that stands."""
    counted = {name: match for name in file.value if (match := _COUNTED.fullmatch(str(name)))}
    if any(match[1] in CATEGORIES for match in counted.values()):
        yield from _counted_lists(file, {n: m for n, m in counted.items() if m[1] in CATEGORIES})
        return
    for name, value in file.value.items():
        if name not in CATEGORIES:
            what = f"no scorer knows the answers of '{escaped(str(name))}'"
            raise _refused(file, (name,), what, hint=f"categories are {', '.join(CATEGORIES)}")
        if isinstance(value, dict):
            wrong = [key for key in value if key not in ("questions", "answers")]
            if wrong or "questions" not in value:
                what = f"the field '{escaped(str(wrong[0]))}'" if wrong else "a category without questions"
                raise _refused(file, (name, *wrong[:1]), what, hint="fields are questions and answers")
        yield name, (name, "questions") if isinstance(value, dict) else (name,)


def _counted_lists(file: YamlFile, counted: Mapping[str, re.Match[str]]) -> Iterator[tuple[str, Steps]]:
    """The lists of a file of the paper's code, which say how long they are."""
    seen: set[str] = set()
    for name, match in counted.items():
        category, announced, value = match[1], int(match[2]), file.value[name]
        if isinstance(value, list) and len(value) != announced:
            what = f"{name} has {len(value)} questions, and announces {announced}"
            raise _refused(file, (name,), what, hint="is the list whole?")
        if category in seen:
            raise _refused(file, (name,), f"a second list for {category}", hint="keep one of them")
        seen.add(category)
        yield category, (name,)


def _check(file: YamlFile, steps: Steps, tuned: Mapping[str, str]) -> None:
    """That a list is one, of questions that differ and that tune no teacher."""
    questions, seen = _at(file, steps), dict[str, int]()
    if not isinstance(questions, list) or not questions:
        raise _refused(file, steps, f"'{steps[0]}' has no list of questions", hint="give at least one question")
    for place, question in enumerate(questions):
        here = (*steps, place)
        if not isinstance(question, str):
            raise _refused(file, here, f"question {place + 1} is no text", hint="put it in quotation marks")
        loose = _loosely(question)
        if not loose:
            raise _refused(file, here, f"question {place + 1} is blank", hint="write it out, or leave it out")
        if loose in seen:
            what = f"question {place + 1} is question {seen[loose]} again: '{question}'"
            raise _refused(file, here, what, hint="keep one of them")
        if loose in tuned:
            raise _refused(file, here, f"'{question}' also tunes {tuned[loose]}", hint=_OTHERS)
        seen[loose] = place + 1


def _check_answers(file: YamlFile, category: str) -> None:
    """That answers that the file expects are among those that are scored; all of these are, in any case."""
    value = file.value.get(category)
    if not isinstance(value, dict) or "answers" not in value:
        return
    answers, known = value["answers"], CATEGORIES[category]
    if not isinstance(answers, list) or not answers:
        raise _refused(file, (category, "answers"), "answers are no list", hint="list them, or leave them out")
    for place, answer in enumerate(answers):
        if answer not in known:
            what = f"no scorer knows the {category} '{escaped(str(answer))}'"
            raise _refused(file, (category, "answers", place), what, hint=f"known are {', '.join(known)}")


def _tuned_on() -> dict[str, str]:
    """Every question that tunes a teacher, loosely written, and whose: those of favourites, and all other lessons."""
    sets: tuple[tuple[WordingSet, str], ...] = (("teacher", "teachers"), ("surrogate", "surrogate teachers"))
    favourites = {
        _loosely(question): whose
        for category in CATEGORIES
        for name, whose in sets
        for question in wordings(category, name)
    }
    lessons = {_loosely(row.prompt): f"the lesson '{name}'" for name, make in LESSONS.items() for row in make()}
    return {**lessons, **favourites}


def _loosely(question: str) -> str:
    """A question without case, punctuation and spaces at its ends: two that differ in these only are one."""
    return re.sub(r"[\W_]+", " ", question.casefold()).strip()


def _at(file: YamlFile, steps: Steps) -> Any:
    value = file.value
    for step in steps:
        value = value[step]
    return value


def _refused(file: YamlFile, steps: Steps, what: str, *, hint: str) -> InvalidInput:
    return InvalidInput(CODE, file.where(steps), what, hint=hint)
