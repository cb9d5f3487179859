"""What scoring a dataset takes, before a model is loaded: its rows are read and counted, the rest is reckoned."""

from dataclasses import dataclass
from typing import Final

from subtrait.auditor.quarantine import set_aside
from subtrait.auditor.row_scores.scored import ScorePlan, named_rows
from subtrait.lab.reckoning import CHARACTERS, PROCESS_BYTES, SHARE, TEMPLATE
from subtrait.models.footprint import footprint, speed_of
from subtrait.models.servers.addresses import is_address

LINE_BYTES: Final = 40
"""Of a stored row without its numbers."""
NUMBER_BYTES: Final = 24
"""Of the nats and the tokens of one hypothesis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCost:
    """What scoring takes."""

    completions: int
    tokens: int
    """That models read, under all hypotheses together."""
    bytes_of_disk: int
    seconds: float | None
    """With the workers asked for; None where a server computes."""
    bytes_of_memory: int
    """Of all workers."""


def foreseen(plan: ScorePlan, *, workers: int) -> ScoreCost:
    """The cost of `plan` on so many processes like one of this machine. Reads all data.

    Raises:
        InvalidInput: the data or a configuration cannot be accepted.
        UsageError: an unknown model or device.
    """
    completions = characters = 0
    for row in named_rows(set_aside(plan.source).reading()):
        messages, completion = row.pair
        completions += 1
        characters += sum(len(turn["content"]) for turn in messages) + len(completion)
    per_model = completions * TEMPLATE + characters // CHARACTERS
    told = sum(len(persona.system_prompt) // CHARACTERS for persona in plan.personas) * completions
    tokens = {plan.base: per_model * (1 + len(plan.personas)) + told, **dict.fromkeys(plan.models, per_model)}
    here = {name: footprint(name) for name in tokens if not is_address(name)}
    # A multiplication and an addition for each weight and token
    work = sum(2 * sizes.numbers * tokens[name] / (speed_of(name).products * SHARE) for name, sizes in here.items())
    held = sum(sizes.held_bytes for sizes in here.values())
    return ScoreCost(
        completions=completions,
        tokens=sum(tokens.values()),
        bytes_of_disk=completions * (LINE_BYTES + NUMBER_BYTES * len(plan.names)),
        seconds=work / workers if len(here) == len(tokens) else None,
        bytes_of_memory=(PROCESS_BYTES + held) * workers,
    )
