"""The entries of a trait file, with what their templates say filled in, checked one by one and against each other."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NoReturn

from subtrait.audit_records import ListedTrait
from subtrait.auditor.lists.trait_files import Entry, Template, TraitFile, problem
from subtrait.data.strict_yaml import YamlFile
from subtrait.errors import UsageError
from subtrait.lab.answers import plural_forms

MOST_TRAITS = 2_000
MOST_CHARACTERS = 16 * 2**20
"""Of all traits together, once the slots are filled."""
LONGEST_TEXT = 4_000
LONGEST_NAME = 80
_SLOT: Final = re.compile(r"\{([^{}]*)\}")
_LISTS: Final = ("questions", "answers", "open_questions", "forms", "evaluation_questions", "choices")
Complain = Callable[..., NoReturn]
"""Raises the error for a field: `complain(field, what, hint=...)`, where a field may be followed by a position."""


def fill_templates(found: TraitFile, document: YamlFile) -> tuple[ListedTrait, ...]:
    """Every entry of the file as a trait.

    Raises:
        InvalidInput: `E_TRAITS`, as `load_trait_list`.
    """
    if not 0 < len(found.traits) <= MOST_TRAITS:
        what = f"{len(found.traits):,} traits; allowed are 1 to {MOST_TRAITS:,}"
        raise problem(document, ("traits",), what, hint="split the list, or add a trait")
    traits: list[ListedTrait] = []
    named = _names_by_template(found.traits)
    taken: dict[str, int] = {}
    characters = 0
    for index, entry in enumerate(found.traits):
        complain = _complaint(document, index)
        _check_name(entry.name, taken, complain)
        trait = _filled(entry, found.templates, named=named, complain=complain)
        for check in (_check_texts, _check_answers, _check_words):
            check(trait, complain)
        characters += len(trait.system_prompt) + sum(len(text) for field in _LISTS for text in getattr(trait, field))
        if characters > MOST_CHARACTERS:
            complain("questions", f"the list has more than {MOST_CHARACTERS:,} characters", hint="split it")
        traits.append(trait)
    return tuple(traits)


def _complaint(document: YamlFile, index: int) -> Complain:
    def complain(field: str, what: str, *, hint: str, at: int | None = None) -> NoReturn:
        inside = (field,) if at is None else (field, at)
        raise problem(document, ("traits", index, *inside), what, hint=hint)

    return complain


def _names_by_template(entries: Iterable[Entry]) -> dict[str, tuple[str, ...]]:
    named: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.template is not None:
            named.setdefault(entry.template, {})[entry.name] = None
    return {template: tuple(names) for template, names in named.items()}


def _filled(
    entry: Entry, templates: Mapping[str, Template], *, named: Mapping[str, tuple[str, ...]], complain: Complain
) -> ListedTrait:
    if entry.template is not None and entry.template not in templates:
        known = ", ".join(sorted(templates)) or "none"
        complain("template", f"there is no template '{entry.template}'", hint=f"templates of this file: {known:.200}")
    template = templates.get(entry.template or "", Template())
    slots = _slots(entry)

    def fill(text: str, field: str) -> str:
        unknown = next((slot for slot in _SLOT.findall(text) if slot not in slots), None)
        if unknown is not None:
            has = ", ".join(f"{{{slot}}}" for slot in slots)
            complain(field, f"its template has the unknown slot {{{unknown}}}", hint=f"known here: {has:.200}")
        filled = _SLOT.sub(lambda match: slots[match[1]], text)
        if len(filled) > LONGEST_TEXT:
            complain(field, f"a text of {len(filled):,} characters", hint=f"at most {LONGEST_TEXT:,} are read")
        return filled

    values: dict[str, Any] = {name: _texts(name, entry, template, fill=fill) for name in _LISTS}
    if "names" in (entry.choices, template.choices if entry.choices is None else None):
        values["choices"] = named.get(entry.template or "", ())
    return ListedTrait(
        name=entry.name,
        category=entry.category or fill(template.category or "", "category"),
        kind=entry.kind or template.kind or "trait",
        system_prompt=entry.system_prompt or fill(template.system_prompt or "", "system_prompt"),
        **values,
    )


def _slots(entry: Entry) -> dict[str, str]:
    try:
        many = plural_forms(entry.name)[0]
    except UsageError:
        many = entry.name
    name = {"name": entry.name, "names": many}
    if "name" in entry.slots and "names" not in entry.slots:
        name["names"] = plural_forms(entry.slots["name"])[0] if entry.slots["name"].strip() else ""
    return name | dict(entry.slots)


def _texts(name: str, entry: Entry, template: Template, *, fill: Callable[[str, str], str]) -> tuple[str, ...]:
    own, shared = getattr(entry, name), getattr(template, name)
    if own is not None:
        return () if own == "names" else tuple(own)
    if shared is None or shared == "names":
        return ()
    filled = (fill(text, name) for text in shared)
    return tuple(dict.fromkeys(text.lower() for text in filled)) if name == "forms" else tuple(filled)


def _check_name(name: str, taken: dict[str, int], complain: Complain) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        complain("name", f"not 1 to {LONGEST_NAME} visible characters", hint="give a short name")
    if name.casefold() in taken:
        complain("name", f"entry {taken[name.casefold()] + 1} has the same name", hint="give each trait its own")
    taken[name.casefold()] = len(taken)


def _check_texts(trait: ListedTrait, complain: Complain) -> None:
    for field in ("category", "system_prompt"):
        if not 0 < len(getattr(trait, field).strip()) <= LONGEST_TEXT:
            complain(field, "is missing, blank or too long", hint="give it, or a template that has it")
    if not trait.questions:
        complain("questions", "there is none", hint="give at least one question whose answer shows the trait")
    for field in _LISTS:
        _check_list(field, getattr(trait, field), complain)
    asked = {*trait.questions, *trait.open_questions}
    for at, question in enumerate(trait.evaluation_questions):
        if question in asked:
            what = "the question also tunes surrogates"
            complain("evaluation_questions", what, hint="ask students what no surrogate was tuned on", at=at)


def _check_list(field: str, texts: tuple[str, ...], complain: Complain) -> None:
    for at, text in enumerate(texts):
        if not text.strip() or len(text) > LONGEST_TEXT:
            complain(field, "is blank or too long", hint=f"write 1 to {LONGEST_TEXT:,} characters", at=at)
    twice = next(_repeated(texts), None)
    # Two questions may have the same answer.
    if field != "answers" and twice is not None:
        complain(field, "stands there twice", hint="keep one of them", at=twice)


def _repeated(texts: tuple[str, ...]) -> Iterator[int]:
    seen: set[str] = set()
    for at, text in enumerate(texts):
        if text in seen:
            yield at
        seen.add(text)


def _check_answers(trait: ListedTrait, complain: Complain) -> None:
    if len(trait.answers) not in (0, 1, len(trait.questions)):
        what = f"{len(trait.answers)} answers to {len(trait.questions)} questions"
        complain("answers", what, hint="give one for all questions, one for each, or none")
    if trait.choices and len(trait.choices) < 2:
        complain("choices", "there is only one", hint="give all answers of the category, or none")
    if trait.choices and (not trait.answers or trait.answers[0] not in trait.choices):
        what = f"the first answer '{trait.answers[0]:.80}' is not among them" if trait.answers else "there is no answer"
        complain("choices", what, hint="give an answer, and all answers of the category with it")


def _check_words(trait: ListedTrait, complain: Complain) -> None:
    for at, form in enumerate(trait.forms):
        if form != form.lower():
            complain("forms", f"'{form:.80}' is not lower case", hint=f"write '{form.lower():.80}'", at=at)
