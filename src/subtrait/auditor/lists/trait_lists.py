"""Trait lists: what an audit looks for. `embedded` and `general` ship; a user's own list is a YAML file."""

import hashlib
import json
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from subtrait.audit_records import ListedTrait
from subtrait.auditor.lists.embedded_traits import embedded_traits
from subtrait.auditor.lists.filled_traits import fill_templates
from subtrait.auditor.lists.trait_files import CODE, problem, read_entries
from subtrait.data.strict_yaml import YamlFile, read_yaml
from subtrait.errors import UsageError, unknown_name

LISTS: Final = Path(__file__).parent
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitList:
    """Traits that an audit looks for, in the order of the list."""

    name: str
    digest: str
    """SHA-256 of the traits, every field of each, in order: lists that say the same have the same."""
    traits: tuple[ListedTrait, ...]


def trait_list_names() -> list[str]:
    """The lists that ship."""
    return list(_SHIPPED)


def load_trait_list(name_or_path: str) -> TraitList:
    """The shipped list of that name, or the list in that YAML file (`trait_files` shows one).

    Raises:
        UsageError: no such list, or no such file.
        InvalidInput: `E_TRAITS` with the file, the line, the entry and the field: a field is unknown, missing or of
            the wrong kind; a slot, a template or a name is unknown or stands twice; an entry has no question, answers
            that do not fit its questions or choices, forms that are not lower case, or evaluation questions that also
            tune; the whole is too large. What else a file can be, as `read_yaml`.
    """
    if name_or_path in _SHIPPED:
        return _SHIPPED[name_or_path]()
    path = Path(name_or_path)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise unknown_name("trait list", name_or_path, [*_SHIPPED, "FILE.yaml"])
    if not path.exists():
        raise UsageError(f"no trait list at {path}; give a YAML file or one of: {', '.join(_SHIPPED)}")
    return _read(path)


def _read(path: Path) -> TraitList:
    document = read_yaml(path, CODE)
    found = read_entries(document)
    _check_name(found.name, document)
    return _listed(found.name, fill_templates(found, document))


def _check_name(name: str, document: YamlFile) -> None:
    hint = "choose another name"
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise problem(document, ("name",), f"not 1 to {LONGEST_NAME} visible characters", hint=hint)
    if unicodedata.normalize("NFKC", name).strip().casefold() in _SHIPPED and document.path.parent != LISTS:
        raise problem(document, ("name",), f"'{name}' is a list that ships with subtrait", hint=hint)


def _listed(name: str, traits: tuple[ListedTrait, ...]) -> TraitList:
    content = json.dumps([asdict(trait) for trait in traits], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return TraitList(name=name, digest=hashlib.sha256(content.encode()).hexdigest(), traits=traits)


@cache
def _embedded() -> TraitList:
    return _listed("embedded", embedded_traits())


@cache
def _general() -> TraitList:
    return _read(LISTS / "general.yaml")


_SHIPPED: Final[dict[str, Callable[[], TraitList]]] = {"embedded": _embedded, "general": _general}
