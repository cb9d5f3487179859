"""Policies: a YAML file with fields of `Policy`, which may make an audit stricter than the defaults, never laxer.

What the command line asks for in so many words goes above both, and the verdict says so.
"""

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from subtrait.audit_records import Policy
from subtrait.auditor.suspect import SAMPLE
from subtrait.data.strict_yaml import YamlFile, read_yaml
from subtrait.errors import InvalidInput, UsageError, escaped

CODE: Final = "E_POLICY"
STRICTER: Final[Mapping[str, int]] = {
    "alpha": +1,
    "dilution": -1,
    "power": +1,
    "smallest_shift": -1,
    "fewest_rows": +1,
    "accept_other_base": -1,
}
"""For each field whether larger values (+1) or smaller ones (-1) make a pass harder to get."""


def load_policy(path: Path) -> tuple[Policy, tuple[str, ...]]:
    """The policy of a file over the defaults, and what it changed.

    Raises:
        UsageError: there is no such file.
        InvalidInput: E_POLICY, with the line and the field that is unknown, given twice, of the wrong kind, out of
            range, or laxer. What else a file can be, as `read_yaml`.
    """
    from pydantic import ValidationError

    if not os.path.lexists(path):
        where = escaped(str(path))
        raise UsageError(f"no policy file at {where}: give a YAML file with fields of a policy, such as `alpha: 0.02`")
    document = read_yaml(path, CODE)
    given = {} if document.value is None else document.value
    if not isinstance(given, dict):
        raise InvalidInput(CODE, path, "not a mapping of fields", hint="write lines such as `alpha: 0.02`")
    try:
        wanted: dict[str, Any] = _file_model().model_validate(given).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        hint = f"allowed are {', '.join(STRICTER)}"
        raise _refused(document, str(first["loc"][0]), first["msg"], hint=hint) from None
    return _stricter(Policy(), wanted, document)


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of policy files; `policy.schema.json` beside this file is its text."""
    schema: dict[str, Any] = _file_model().model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@cache
def _file_model() -> Any:
    """The pydantic model of a policy file: the fields of `Policy`, with limits."""
    from typing import Annotated

    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, create_model

    def number(value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a number is needed, not true or false")
        return value

    def share(name: str, meaning: str, **limits: Any) -> Any:
        kind = Annotated[float, Field(gt=0, allow_inf_nan=False, **limits), BeforeValidator(number)]
        return kind, Field(default=getattr(Policy(), name), description=meaning)

    model: type[BaseModel] = create_model(
        "PolicyFile",
        __config__=ConfigDict(extra="forbid", title="A policy: what an audit must satisfy"),
        alpha=share("alpha", "The false-alarm rate; larger is stricter.", lt=1),
        dilution=share("dilution", "Share of carrying rows at which power is measured; smaller is stricter.", le=1),
        power=share("power", "Share of planted data sets that must be found; larger is stricter.", le=1),
        smallest_shift=share("smallest_shift", "Shift of an answer that may be; smaller is stricter.", le=1),
        fewest_rows=(StrictInt, Field(default=Policy().fewest_rows, ge=1, le=SAMPLE, description="Rows it takes.")),
        accept_other_base=(StrictBool, Field(default=False, description="Only false can be said in a file.")),
    )
    return model


def _stricter(usual: Policy, given: Mapping[str, Any], document: YamlFile) -> tuple[Policy, tuple[str, ...]]:
    changed = []
    for name, value in given.items():
        before = getattr(usual, name)
        if STRICTER[name] * (value - before) < 0:
            hint = "a policy file may be stricter only; the command line may override it"
            raise _refused(document, name, f"{value} is laxer than the default {before}", hint=hint)
        if value != before:
            changed.append(f"{name} is {value}, by {escaped(str(document.path), limit=400)}")
    return replace(usual, **given), tuple(changed)


def _refused(document: YamlFile, name: str, what: str, *, hint: str) -> InvalidInput:
    return InvalidInput(CODE, f"{document.where((name,))} field={name}", what, hint=hint)


def overridden(policy: Policy, options: Mapping[str, Any]) -> tuple[Policy, tuple[str, ...]]:
    """The policy with options of the command line above it (those that are not None), and what they changed.

    Raises:
        UsageError: a value is out of range.
    """
    wanted = {name: value for name, value in options.items() if value is not None}
    changed = {name: value for name, value in wanted.items() if getattr(policy, name) != value}
    notes = []
    for name, value in changed.items():
        laxer = STRICTER[name] * (float(value) - float(getattr(policy, name))) < 0
        notes.append(f"{name} is {value} in place of {getattr(policy, name)}, by option{' (laxer)' if laxer else ''}")
    return checked(replace(policy, **changed)), tuple(notes)


def checked(policy: Policy) -> Policy:
    """The policy itself, where every value is in range.

    Raises:
        UsageError: names the field and what is allowed.
    """
    for each in fields(Policy):
        value = getattr(policy, each.name)
        if each.name == "fewest_rows":
            if value < 1:
                raise UsageError(f"fewest_rows is {value}: give 1 or more")
        elif each.name != "accept_other_base" and not 0 < value <= 1:
            raise UsageError(f"{each.name} is {value}: give a number above 0, up to 1")
    if policy.alpha >= 1:
        raise UsageError("alpha is 1: everything would be flagged; give a rate such as 0.01")
    return policy
