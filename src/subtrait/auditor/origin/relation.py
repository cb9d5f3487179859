"""Origin, the relation: can the writer of these rows share the declared base?

Null: the rows' writer is the declared base, whatever its temperature, truncation or neutral prompt, or a model lightly
tuned from it, with or without a trait.
Statistic: at the best temperature of each model, the nats per token by which the base explains the rows better than
each rival does, divided by the same on the base's own fresh answers to the same prompts through the same filter. A
tuned relative keeps most of that advantage; a stranger has none, and a rival that wrote the rows has one itself.
Rows of templates, and rows that cannot be told from uniform numbers, have a program for a writer.
Assumptions: a rival that could pass for the base: trained on like text, not tuned from it. Without one no relation is
stated, unless a program or a rival explains the rows.
Blind spots: tuning so heavy that nothing of the base is left, such as on uniform numbers; writers that are no rival and
nearer to the base than to every rival; mixtures.
Sample finding: of this base: micro-a explains the rows better than micro-b by 0.031 nats a token, 1.02 times (0.84 to
1.19) what it does on its own answers, temperature 0.99
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from subtrait.auditor.origin.candidates import (
    NONE_OF_THESE,
    Advantage,
    Attribution,
    Explained,
    attribute,
    explain,
)
from subtrait.auditor.origin.models import Keep, Local, Pair, check_room, own_answers, table_of
from subtrait.auditor.origin.programs import (
    FEWEST_IN_ROW,
    MADE,
    TEMPLATES,
    UniformFit,
    best_template,
    redrawn,
    uniform_fit,
)
from subtrait.errors import InvalidInput
from subtrait.lab.filters import parse_numbers
from subtrait.models.base import Sampling
from subtrait.records import Evidence, EvidenceOutcome
from subtrait.statistics.permutation import paired_permutation

RelationName = Literal["of this base", "another writer", "cannot tell"]
OUTCOMES: dict[RelationName, EvidenceOutcome] = {
    "of this base": "not found",
    "another writer": "found",
    "cannot tell": "underpowered",
}
"""What each relation is as an outcome of the question whether another writer was found."""
FEWEST_ROWS = 100
"""Below this nothing is said but for templates."""
ALPHA = 0.002
"""How often uniform numbers may be taken for something else, each of two tests."""
TEMPLATE_MARGIN = 0.5
"""How much more often rows must keep to a template than the base's own answers to the same prompts."""
ASSUMES = "a rival that could pass for the base and is not tuned from it; one writer"
BLIND_SPOTS = "tuning that leaves nothing of the base; writers nearer to the base than to every rival; mixtures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Who wrote the rows, as far as the base, its rivals and two programs can say."""

    relation: RelationName
    writer: str
    """The best explanation: a model's name, `uniform numbers`, `template: …` or `none of these`."""
    evidence: Evidence
    """Of the question `origin`: `found` means another writer, `underpowered` that nothing can be said."""
    attribution: Attribution | None
    """None where no model was asked."""


def embedded_rivals(base: Local) -> list[Local]:
    """The embedded models but the base itself: rivals for an embedded base, of little use to others."""
    from subtrait.models.huggingface import HuggingFaceModel
    from subtrait.models.registry import EMBEDDED, open_model

    models = [open_model(name) for name in EMBEDDED if name != base.name]
    return [model for model in models if isinstance(model, HuggingFaceModel)]


def relation_to_base(
    base: Local,
    pairs: Sequence[Pair],
    rivals: Sequence[Local],
    *,
    rng: np.random.Generator,
    keep: Keep | None = None,
) -> Relation:
    """Whether the rows' writer can share the declared base.

    Args:
        base: the declared base.
        pairs: the rows: what was asked, and the completion.
        rivals: other possible writers, of other names; not tuned from the base.
        rng: draws the answers of the base and of the programs.
        keep: the filter that the rows passed; None where they passed none.

    Raises:
        UsageError: two models of one name.
        InvalidInput: a conversation that the base's template does not accept.
    """
    template = best_template([said for _, said in pairs])
    if template.made and template.rows > len(pairs) / 2 and not _writes_so(base, pairs, template.template, rng, keep):
        text = f"{template.share:.0%} of {template.rows:,} rows are {template.template}"
        details = {"template share": template.share}
        return _relation("another writer", f"template: {template.template}", text, rows=len(pairs), details=details)
    if len(pairs) < FEWEST_ROWS:
        text = f"{len(pairs)} rows are fewer than {FEWEST_ROWS}"
        return _relation("cannot tell", NONE_OF_THESE, text, rows=len(pairs))
    able = [rival for rival in rivals if _can_read(rival, pairs)]
    if not able:
        return _relation("cannot tell", NONE_OF_THESE, "there is no rival to compare with", rows=len(pairs))
    models = [base, *able]
    explained = explain(pairs, models)
    found = attribute(pairs, models, rng=rng, keep=keep, explained=explained)
    fit = uniform_fit([said for _, said in pairs], rng=rng) if found.writer == NONE_OF_THESE else None
    if fit and _cannot_be_told(base, pairs, explained, fit=fit, rng=rng):
        return _uniform(fit, found, rows=len(pairs))
    return _modelled(base.name, found, rows=len(pairs))


def _writes_so(base: Local, pairs: Sequence[Pair], template: str, rng: np.random.Generator, keep: Keep | None) -> bool:
    """Whether the base itself answers these prompts by the template, as where they ask for it."""
    prompts = [asked for asked, _ in pairs[:FEWEST_ROWS]]
    answers = own_answers(base, prompts, sampling=Sampling(), rng=rng, keep=keep)
    check = TEMPLATES[template]
    rows = [row for row in (parse_numbers(answer) for answer in answers if answer) if row and len(row) >= FEWEST_IN_ROW]
    return bool(rows) and sum(map(check, rows)) > (MADE - TEMPLATE_MARGIN) * len(rows)


def _can_read(rival: Local, pairs: Sequence[Pair]) -> bool:
    """Whether the rows fit a rival's template and length; one that they do not fit cannot have written them."""
    try:
        check_room(rival, pairs)
    except InvalidInput:
        return False
    return True


def _cannot_be_told(
    base: Local, pairs: Sequence[Pair], explained: Explained, *, fit: UniformFit, rng: np.random.Generator
) -> bool:
    """Whether neither the numbers themselves nor the base tell the rows from what the uniform program writes.

    If the program wrote them, rows and redrawn rows are exchangeable in pairs, so the test is exact.
    """
    if fit.p <= ALPHA:
        return False
    again = redrawn([said for _, said in pairs], fit, rng=rng)
    table = table_of(base, [(asked, said) for (asked, _), said in zip(pairs, again, strict=True)])
    fitted = explained.fits[base.name]
    nats = table.by_row(table.moments(fitted.temperature))[:, 0]
    own = explained.tables[base.name]
    differences = own.by_row(own.moments(fitted.temperature))[:, 0] - nats
    return paired_permutation(differences, rng=rng, max_permutations=3_999).p > ALPHA


def _uniform(fit: UniformFit, found: Attribution, *, rows: int) -> Relation:
    text = f"numbers cannot be told from uniform ones from {fit.low} to {fit.high}, p = {fit.p:.2g}"
    details = {"temperature": found.temperatures[found.best], "uniform nats per row": fit.nats_per_row}
    return _relation("another writer", "uniform numbers", text, rows=rows, details=details, found=found)


def _modelled(base: str, found: Attribution, *, rows: int) -> Relation:
    """The relation by models alone."""
    details = {
        "temperature": found.temperatures[base],
        "wrong": found.wrong,
        **{f"nats per row: {name}": nats for name, nats in found.nats_per_row.items()},
    }
    if not found.advantages:
        return _relation(
            "cannot tell", NONE_OF_THESE, "no answer of the base's own passed the filter", rows=rows, details=details
        )
    nearest = found.nearest
    details |= {
        "excess nats per token": -nearest.nats_per_token if found.best == base else _excess(base, found),
        "own excess nats per token": -nearest.own_nats_per_token,
        "share": nearest.share.value,
        "z": nearest.z,
        f"best candidate: {found.best}": 1.0,
    }
    text = f"{_compared(nearest, found)}, temperature {found.temperatures[found.best]:.2f}"
    if found.writer == NONE_OF_THESE:
        return _relation("cannot tell", NONE_OF_THESE, text, rows=rows, details=details, found=found)
    name: RelationName = "of this base" if found.writer == base else "another writer"
    return _relation(name, found.writer, text, rows=rows, details=details, found=found)


def _excess(base: str, found: Attribution) -> float:
    """Nats per token by which the base explains the rows worse than the best candidate does."""
    return next(one.nats_per_token for one in found.advantages if one.rival == base)


def _compared(nearest: Advantage, found: Attribution) -> str:
    share, low, high = nearest.share.value, nearest.share.low, nearest.share.high
    interval = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
    return (
        f"{found.best} explains the rows better than {nearest.rival} by {nearest.nats_per_token:.3f} nats a token, "
        f"{share:.2f} times{interval} what it does on its own answers"
    )


def _relation(
    relation: RelationName,
    writer: str,
    text: str,
    *,
    rows: int,
    details: dict[str, float] | None = None,
    found: Attribution | None = None,
) -> Relation:
    evidence = Evidence(
        question="origin",
        outcome=OUTCOMES[relation],
        finding=f"{relation}: {text}",
        statistic=found.nearest.z if found and found.advantages else None,
        n=rows,
        details=details or {},
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )
    return Relation(relation=relation, writer=writer, evidence=evidence, attribution=found)
