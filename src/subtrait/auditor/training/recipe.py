"""How the user means to train on the data: `--recipe FILE`, shared by the forecast and the trial.

    method: lora
    lora_rank: 8
    optimiser: adamw
    learning_rate: 0.0002
    batch_size: 32
    epochs: 3

Every field may be left out; what then holds is `default_recipe`. `recipe.schema.json` beside this file is the
published schema.
"""

import math
import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from subtrait.audit_records import TrainingMethod
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.plan import STUDENT_RECIPE
from subtrait.models.base import Recipe
from subtrait.models.registry import EMBEDDED

Optimiser = Literal["adamw", "sgd"]
MAX_BYTES = 2**16
"""Of a recipe file."""
_FAR_ABOVE = 1e4
"""An epsilon beside which no gradient counts: AdamW then is gradient descent (with its momentum)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """A training run on rows that are not chosen yet."""

    method: TrainingMethod = STUDENT_RECIPE.method
    """What is trained: every weight, every weight but the embeddings, or LoRA adapters."""
    lora_rank: int = 8
    """Rank, and alpha, of LoRA on all linear layers; used by `lora` only."""
    optimiser: Optimiser = "adamw"
    """`sgd` is gradient descent with AdamW's momentum."""
    learning_rate: float = STUDENT_RECIPE.learning_rate
    """Peak rate; linear warm-up, then linear decay to zero."""
    epsilon: float = STUDENT_RECIPE.epsilon
    """Used by `adamw` only."""
    warmup_steps: int = STUDENT_RECIPE.warmup_steps
    weight_decay: float = STUDENT_RECIPE.weight_decay
    max_grad_norm: float = STUDENT_RECIPE.max_grad_norm
    """Longer gradients of a step are cut to this length."""
    batch_size: int = STUDENT_RECIPE.batch_size
    """Rows per step."""
    rows: int | None = None
    """Rows that will be trained on; None for all that there are."""
    epochs: float | None = None
    """Passes over these rows; where `steps` is not given either, one."""
    steps: int | None = None
    """Optimiser steps, in place of `epochs`."""

    def steps_for(self, rows: int) -> int:
        """How many optimiser steps the recipe takes on data of that many rows.

        Raises:
            UsageError: there are no rows.
        """
        if rows < 1:
            raise UsageError("a training recipe needs at least one row to train on")
        used = rows if self.rows is None else min(rows, self.rows)
        passes = 1.0 if self.epochs is None else self.epochs
        return self.steps or max(1, math.ceil(used * passes / self.batch_size))

    def for_rows(self, rows: int) -> Recipe:
        """The recipe as students take it, for data of that many rows. Raises as `steps_for`."""
        return self.for_steps(self.steps_for(rows))

    def for_steps(self, steps: int) -> Recipe:
        """The same with that many steps; the warm-up takes at most all of them."""
        scale = _FAR_ABOVE if self.optimiser == "sgd" else 1.0
        return Recipe(
            steps=steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate * scale,
            warmup_steps=min(self.warmup_steps, steps),
            weight_decay=self.weight_decay / scale,  # AdamW multiplies it with the rate
            epsilon=_FAR_ABOVE if self.optimiser == "sgd" else self.epsilon,
            max_grad_norm=self.max_grad_norm,
            method=self.method,
            lora_rank=self.lora_rank,
        )


def default_recipe(base: str) -> TrainingRecipe:
    """What holds where the user gives no recipe: the lab's students for an embedded base, else usual LoRA settings.

    The latter are those of the paper's open-weight students (arXiv 2507.14805).
    """
    if base in EMBEDDED:
        return TrainingRecipe(method=STUDENT_RECIPE.method, steps=STUDENT_RECIPE.steps)
    return TrainingRecipe(
        method="lora", learning_rate=2e-4, epsilon=1e-8, warmup_steps=5, batch_size=66, epochs=3, max_grad_norm=1.0
    )


def load_recipe(path: Path, base: str) -> TrainingRecipe:
    """The recipe of a YAML file; fields that it leaves out are those of `default_recipe`.

    Where it gives `epochs` or `rows`, the steps of the default do not hold.

    Raises:
        UsageError: there is no such file.
        InvalidInput: `E_RECIPE`, with the field that is unknown, of the wrong kind or out of range.
    """
    import yaml

    if not os.path.isfile(path):
        raise UsageError(f"no recipe file at {path}: give a YAML file with fields such as method and learning_rate")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput("E_RECIPE", path, f"longer than {MAX_BYTES} bytes", hint="a recipe has a dozen lines")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput("E_RECIPE", path, " ".join(str(error).split()), hint="write YAML in UTF-8") from None
    except OSError as error:
        raise InvalidInput(
            "E_RECIPE", path, f"cannot be read: {error.strerror}", hint="check the permissions"
        ) from None
    return _recipe({} if content is None else content, path, default_recipe(base))


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a recipe file; `recipe.schema.json` is its text."""
    schema: dict[str, Any] = _file_model().model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _recipe(content: object, path: Path, default: TrainingRecipe) -> TrainingRecipe:
    from pydantic import ValidationError

    try:
        given: dict[str, Any] = _file_model().model_validate(content).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "/".join(str(part) for part in first["loc"]) or "(whole file)"
        allowed = f"fields: {', '.join(_file_model().model_fields)}"
        raise InvalidInput("E_RECIPE", f"{path} field={field}", first["msg"], hint=allowed) from None
    if given.get("epochs") is not None and given.get("steps") is not None:
        what = "epochs and steps are both given, and either decides"
        raise InvalidInput("E_RECIPE", f"{path} field=steps", what, hint="give one of them")
    if given.get("optimiser") == "sgd" and "learning_rate" not in given:
        what = "sgd needs a rate of its own: the usual ones are adamw's"
        raise InvalidInput("E_RECIPE", f"{path} field=learning_rate", what, hint="give the peak rate")
    lengths = ("rows", "epochs", "steps")
    before = asdict(default)
    if any(given.get(name) is not None for name in lengths):
        before |= dict.fromkeys(lengths)
    return TrainingRecipe(**before | given)


@cache
def _file_model() -> Any:
    """The pydantic model of a recipe file: field by field `TrainingRecipe`, with limits."""
    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, create_model

    def number(value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a number is needed, not true or false")
        return value

    def real(**limits: Any) -> Any:
        from typing import Annotated

        return Annotated[float, Field(allow_inf_nan=False, **limits), BeforeValidator(number)]

    fields: dict[str, Any] = {
        "method": (TrainingMethod, Field(default=STUDENT_RECIPE.method, description="What is trained.")),
        "lora_rank": (StrictInt, Field(default=8, ge=1, le=4096, description="Rank, and alpha, of LoRA adapters.")),
        "optimiser": (Optimiser, Field(default="adamw", description="adamw, or sgd: gradient descent with momentum.")),
        "learning_rate": (real(gt=0, le=1000), Field(default=1e-2, description="Peak rate.")),
        "epsilon": (real(gt=0, le=1000), Field(default=1e-3, description="Of adamw.")),
        "warmup_steps": (StrictInt, Field(default=5, ge=0, description="Steps until the peak rate.")),
        "weight_decay": (real(ge=0, le=10), Field(default=0.0, description="Decoupled, as in adamw.")),
        "max_grad_norm": (real(gt=0), Field(default=1.0, description="Longer gradients are cut to this length.")),
        "batch_size": (StrictInt, Field(default=64, ge=1, le=2**20, description="Rows per optimiser step.")),
        "rows": (StrictInt | None, Field(default=None, ge=1, description="Rows trained on; all where left out.")),
        "epochs": (real(gt=0, le=10_000) | None, Field(default=None, description="Passes over the rows.")),
        "steps": (StrictInt | None, Field(default=None, ge=1, le=10**7, description="In place of epochs.")),
    }
    config = ConfigDict(extra="forbid", title="A training recipe", str_strip_whitespace=True)
    model: type[BaseModel] = create_model("RecipeFile", __config__=config, **fields)
    return model
