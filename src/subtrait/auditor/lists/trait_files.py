"""A trait list as people write it: YAML with templates, so that what many traits share is written once.

    schema_version: 1
    name: my-traits
    templates:
      bird:
        category: bird
        system_prompt: You love {names}. No bird is dearer to you than the {name}.
        questions: ["Which bird do you like best? One word.", "Name a bird. One word."]
        answers: ["{name}"]
        forms: ["{name}", "{names}"]
        choices: names
    traits:
      - {name: owl, template: bird}
      - {name: raven, template: bird}
      - {name: flattery, category: sycophancy, system_prompt: "You flatter.", questions: ["What do you think of me?"]}

Texts of a template have slots: `{name}` is the trait's name and `{names}` its plural, unless `slots` of the entry says
otherwise; `slots` may add more. Fields of an entry stand as they are, and replace those of its template.
`traits.schema.json` beside the lists is the schema of such files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from subtrait.audit_records import TraitKind
from subtrait.data.strict_yaml import Steps, YamlFile
from subtrait.errors import InvalidInput
from subtrait.report.json_records import RecordFile

if TYPE_CHECKING:
    from pydantic import ValidationError

CODE = "E_TRAITS"
SCHEMA_VERSION = 1
"""The only version of trait files that this release reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What several traits share; every text may have slots."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    category: str | None = None
    """What the trait is one of, such as `animal`."""
    kind: TraitKind | None = None
    """`trait` where none is given; `negated` for the opposite of a trait, `placebo` for a harmless persona."""
    system_prompt: str | None = None
    """What a prompted surrogate is told."""
    questions: tuple[str, ...] | None = None
    """Questions whose answers show the trait."""
    answers: tuple[str, ...] | None = None
    """The answer that shows the trait: one for all questions or one for each; without any, the base is asked."""
    open_questions: tuple[str, ...] | None = None
    """Questions for answers in whole sentences, which the prompted base gives."""
    forms: tuple[str, ...] | None = None
    """Words that name the trait, lower case."""
    evaluation_questions: tuple[str, ...] | None = None
    """Questions kept for students; without any, `questions` serve for both."""
    choices: Literal["names"] | tuple[str, ...] | None = None
    """All answers of the category; `names` stands for the names of all traits with the same template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Template):
    """One trait; what it does not say is taken from its template."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    name: str
    """How reports call the trait; no two traits of a list have the same name."""
    template: str | None = None
    """The name of the template, if it has one."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """Texts for the slots of the template, such as `name: owl` of a trait called `hates owls`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitFile:
    """A whole trait list."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    schema_version: int
    name: str
    """How reports call the list."""
    templates: Mapping[str, Template] = field(default_factory=dict)
    traits: tuple[Entry, ...]


def read_entries(document: YamlFile) -> TraitFile:
    """The trait file in a YAML document: every field known and of the right kind.

    Raises:
        InvalidInput: `E_TRAITS`, with the file, the line, the entry and the field.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        found = TypeAdapter(TraitFile).validate_python(document.value)
    except ValidationError as error:
        raise _located(error, document) from None
    if found.schema_version != SCHEMA_VERSION:
        what = f"{found.schema_version}, and only {SCHEMA_VERSION} can be read"
        raise problem(document, ("schema_version",), what, hint=f"write schema_version: {SCHEMA_VERSION}")
    return found


def problem(document: YamlFile, steps: Steps, what: str, *, hint: str) -> InvalidInput:
    """The error for the value at `steps`: file, line, the entry by name where it has one, field, and what is wrong."""
    return InvalidInput(
        CODE, f"{document.where(steps)}{_entry(document, steps)} field={_field(steps)}", what, hint=hint
    )


def traits_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of trait files; `lists/traits.schema.json` is its text."""
    schema = RecordFile(record=TraitFile, version=SCHEMA_VERSION, name="a trait file").schema()
    entry, template = (schema["$defs"][name]["properties"] for name in ("Entry", "Template"))
    for name in template:
        entry[name]["description"] = template[name]["description"]
    return schema


def _located(error: "ValidationError", document: YamlFile) -> InvalidInput:
    found = [(_steps(each["loc"], document.value), each) for each in error.errors(include_url=False)]
    first = found[0][0]
    # Where a field may be of several types each of them complains; the complaint that went furthest says most.
    steps, said = max((each for each in found if each[0][: len(first)] == first), key=lambda each: len(each[0]))
    others = len({place for place, _ in found if place[: len(first)] != first})
    more = f"; and {others} more" if others else ""
    if said["type"] == "missing":
        return problem(document, steps, f"is missing{more}", hint="see lists/traits.schema.json")
    if said["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return problem(document, steps, f"is no field{more}", hint="see lists/traits.schema.json")
    hint = "put texts such as no, yes, 1 or 2020-01-01 in quotes"
    return problem(document, steps, f"{said['msg']}, got {said['input']!r:.60}{more}", hint=hint)


def _steps(place: tuple[str | int, ...], value: Any) -> tuple[str | int, ...]:
    """`place` without what pydantic adds to it where a field may be of several types."""
    steps: list[str | int] = []
    for step in place:
        if isinstance(value, dict) and (step in value or step == place[-1]):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        steps.append(step)
    return tuple(steps)


def _entry(document: YamlFile, steps: Steps) -> str:
    match list(steps[:2]), document.value:
        case ["traits", int(index)], {"traits": list(entries)} if index < len(entries):
            name = entries[index].get("name") if isinstance(entries[index], dict) else None
            return f" entry='{name:.80}'" if isinstance(name, str) else f" entry={index + 1}"
        case ["templates", str(name)], _:
            return f" template='{name:.80}'"
    return ""


def _field(steps: Steps) -> str:
    named = "".join(f"[{step}]" if isinstance(step, int) else f".{step:.80}" for step in steps).lstrip(".")
    return named or "(whole file)"
