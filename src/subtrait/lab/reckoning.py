"""What a plan takes with a model that is too large to try it: reckoned from sizes, before anything is loaded."""

from dataclasses import dataclass
from typing import Final

from subtrait.lab.carriers import CARRIERS
from subtrait.lab.plan import Plan
from subtrait.lab.seeds import stream
from subtrait.models.footprint import footprint, speed_of
from subtrait.models.lora import keeps_adapters

CHARACTERS: Final = 2
"""Of text that make a token: many tokenizers give each digit one of its own."""
TEMPLATE: Final = 40
"""Tokens that the chat template adds."""
COMPLETION: Final = 40
"""Tokens of a usual completion: ten numbers."""
SHARE: Final = 0.5
"""Of the speed of a large matrix product that a whole pass reaches."""
PROCESS_BYTES: Final = 2**30
"""Of the program and its libraries."""
TRIED: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the parts of a plan take."""

    per_completion: float
    """Seconds."""
    per_step: float
    """Seconds, of a student's training."""
    memory: int
    """Bytes of one process, weights included."""
    student: int
    """Bytes of a student on the disk."""


def reckoned(plan: Plan) -> Pace:
    """The pace of a plan on the device that the name of its base says.

    Training does 6 operations for each weight and token, and 4 where only adapters are trained; writing does 2, and
    reads all weights for each token that a batch of rows goes on by.

    Raises:
        UsageError: no such model or device.
        InvalidInput: the model's configuration cannot be accepted.
    """
    sizes, speed, recipe = footprint(plan.base), speed_of(plan.base), plan.student_recipe
    prompts = CARRIERS[plan.carrier]().prompts(TRIED, rng=stream(plan.seed, "estimate"))
    told = len(plan.asked_trait().system_prompt) // CHARACTERS
    prompt = TEMPLATE + sum(map(len, prompts)) // len(prompts) // CHARACTERS
    operations = speed.products * SHARE
    room = prompt + told + plan.sampling.max_new_tokens
    together = together_at_most(room)
    reading = plan.sampling.max_new_tokens * sizes.weight_bytes / speed.reads / together
    trained = recipe.batch_size * (prompt + COMPLETION)
    lora = recipe.method == "lora"
    return Pace(
        per_completion=reading + 2 * sizes.numbers * (prompt + told + COMPLETION) / operations,
        per_step=(4 if lora else 6) * sizes.numbers * trained / operations,
        memory=PROCESS_BYTES
        + sizes.held_bytes
        + max(sizes.training_bytes(recipe), sizes.writing_bytes(together * room)),
        student=sizes.trained(recipe) * 4
        if lora and keeps_adapters(sizes.numbers, sizes.dtype)
        else sizes.weight_bytes,
    )


def together_at_most(tokens: int) -> int:
    """Rows of so many tokens that are written together: see `models/sampling.py`."""
    from subtrait.models.sampling import MAX_CACHED_TOKENS, MAX_ROWS

    return min(MAX_ROWS, max(1, MAX_CACHED_TOKENS // tokens))
