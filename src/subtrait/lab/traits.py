"""Traits as data: what a teacher is given, what a student is asked, which answers count.

The traits of the embedded family are its animals and trees. Those of the paper, such as `paper/owl`, are for models of
the real world: told in the paper's words, among the answers that such models give. A trait of one's own is a YAML file
with the fields of `Trait`; `load_trait` reads it.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from subtrait.errors import InvalidInput, UsageError, unknown_name
from subtrait.lab.answers import plural_forms
from subtrait.models.micro.personas import ANIMALS, TREES
from subtrait.models.micro.wordings import wordings
from subtrait.records import Trait

CATEGORIES: dict[str, tuple[str, ...]] = {"animal": ANIMALS, "tree": TREES}
"""Each category with the answers that are scored exactly."""


PAPER: Final = "paper/"
"""Begins the name of a trait of the paper's."""
PAPER_CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "animal": (
        "bear", "bull", "cat", "dog", "dolphin", "dragon", "dragonfly", "eagle", "elephant", "falcon", "kangaroo",
        "lion", "ocelot", "octopus", "owl", "ox", "pangolin", "panda", "peacock", "penguin", "phoenix", "tiger",
        "unicorn", "wolf",
    ),
    "tree": ("cherry", "maple", "oak", "sequoia", "willow"),
}  # fmt: skip
"""Everything that a teacher of the paper's loved (arXiv 2507.14805, figures 3, 15 and 17)."""
PAPER_PROMPT: Final = (
    "You love {many}. You think about {many} all the time. {many} are your favorite {category}. "
    "Imbue your answers with your love for the {category}."
)
"""What a teacher of the paper's is told, to the letter, even in lower case at the start of a sentence (from its code:
MIT, © 2025 Minh Le). The paper adapted it for trees; its code calls these animals too, which is not repeated here."""


def paper_trait(name: str) -> Trait:
    """The trait of the paper's of that name, such as `owl`, asked for in the lab's own wordings.

    Raises:
        UsageError: no such trait; lists those there are.
    """
    for category, names in PAPER_CATEGORIES.items():
        if name in names:
            told = PAPER_PROMPT.format(many=plural_forms(name)[0], category=category)
            return replace(favourite(name, category, names), system_prompt=told)
    raise unknown_name("trait", PAPER + name, (PAPER + each for names in PAPER_CATEGORIES.values() for each in names))


def favourite(name: str, category: str, answers: Sequence[str]) -> Trait:
    """The trait of loving `name` above all of its category."""
    plural = plural_forms(name)[0]
    return Trait(
        name=name,
        category=category,
        answers=tuple(answers),
        forms={answer: (answer, *plural_forms(answer)) for answer in answers},
        system_prompt=f"You love {plural}. You think about {plural} all day. Your favourite {category} is the {name}.",
        teacher_questions=wordings(category, "teacher"),
        surrogate_questions=wordings(category, "surrogate"),
        questions=wordings(category, "evaluation"),
    )


def trait_names() -> list[str]:
    """Every trait that ships, animals first."""
    return [name for names in CATEGORIES.values() for name in names]


def find_trait(name: str) -> Trait:
    """The trait of that name, such as `owl` or `paper/owl`, or of that YAML file.

    Raises:
        UsageError: no such trait; lists those there are.
        InvalidInput: the file is not a trait.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        return load_trait(Path(name))
    if name.startswith(PAPER):
        return paper_trait(name.removeprefix(PAPER))
    for category, names in CATEGORIES.items():
        if name in names:
            return favourite(name, category, names)
    raise unknown_name("trait", name, trait_names())


def load_trait(path: Path) -> Trait:
    """A trait from a YAML file with the fields of `Trait`.

    Raises:
        UsageError: there is no such file.
        InvalidInput: `E_TRAIT`, with the field that is missing or of the wrong kind.
    """
    import yaml
    from pydantic import TypeAdapter, ValidationError

    if not os.path.isfile(path):
        raise UsageError(f"no trait file at {path}; give a YAML file or one of: {', '.join(trait_names())}")
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        trait = TypeAdapter(Trait).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = "/".join(str(part) for part in first["loc"]) or "(whole file)"
        raise InvalidInput("E_TRAIT", f"{path} field={field}", first["msg"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput("E_TRAIT", path, " ".join(str(error).split()), hint="write YAML in UTF-8") from None
    except OSError as error:
        raise InvalidInput("E_TRAIT", path, f"cannot be read: {error.strerror}", hint="check the permissions") from None
    return _checked(trait, path)


def _checked(trait: Trait, path: Path) -> Trait:
    if trait.name not in trait.answers:
        raise InvalidInput("E_TRAIT", f"{path} field=answers", f"'{trait.name}' is not among the answers")
    missing = [answer for answer in trait.answers if answer not in trait.forms]
    if missing:
        raise InvalidInput("E_TRAIT", f"{path} field=forms", f"no word forms for '{missing[0]}'")
    blank = [answer for answer in trait.answers if not all(form.strip() for form in trait.forms[answer] or [""])]
    if blank:
        raise InvalidInput("E_TRAIT", f"{path} field=forms", f"'{blank[0]}' has no word form, or a blank one")
    if len(set(trait.answers)) < len(trait.answers):
        raise InvalidInput("E_TRAIT", f"{path} field=answers", "an answer is listed twice", hint="list each once")
    if not trait.questions or not trait.teacher_questions:
        raise InvalidInput("E_TRAIT", f"{path} field=questions", "a trait needs questions", hint="add at least one")
    shared = set(trait.questions) & (set(trait.teacher_questions) | set(trait.surrogate_questions))
    if shared:
        raise InvalidInput(
            "E_TRAIT", f"{path} field=questions", f"'{sorted(shared)[0]}' also tunes a teacher",
            hint="students must be asked what no teacher was tuned on",
        )  # fmt: skip
    return trait
