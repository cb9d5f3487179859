"""What a report needs from the records and they do not hold themselves: means, totals and rows set side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from subtrait.records import ArmRecord, DatasetRecord, Example, ExperimentResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """All datasets of one source taken together."""

    source: str
    datasets: int
    written: int
    kept: int
    rejections: Counter[str]
    """How often each reason was given, over all datasets."""
    trait_words: int

    def share(self, reason: str) -> float:
        """Share of the written rows that were rejected for `reason`; a row may have several reasons."""
        return self.rejections[reason] / self.written if self.written else 0.0

    @property
    def kept_share(self) -> float:
        """Share of the written rows that the filter kept."""
        return self.kept / self.written if self.written else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPair:
    """The completions of both sources to one prompt; None where that row is not among the exhibits."""

    prompt: str
    treated: str | None
    untreated: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One answer or one question with a mean per arm, in the order of the arms given."""

    name: str
    values: tuple[float | None, ...]


def arm(records: Sequence[ArmRecord], name: str) -> ArmRecord | None:
    """The record of the arm called `name`, or None."""
    return next((record for record in records if record.arm == name), None)


def untouched(result: ExperimentResult, base: str) -> ArmRecord | None:
    """The record of `base` before any training, or None."""
    return next((record for record in result.untouched if record.base == base), None)


def compared(result: ExperimentResult) -> tuple[ArmRecord | None, ArmRecord | None, ArmRecord | None]:
    """The three conditions that tell the story: treated, untreated, and the untouched base."""
    return arm(result.arms, "treated"), arm(result.arms, "untreated"), untouched(result, result.base)


def by_base(result: ExperimentResult) -> list[tuple[str, list[ArmRecord]]]:
    """The arms, grouped by the model that their students start from; the order of first appearance is kept."""
    groups: dict[str, list[ArmRecord]] = {}
    for record in result.arms:
        groups.setdefault(record.base, []).append(record)
    return list(groups.items())


def answers(result: ExperimentResult) -> list[Group]:
    """Mean exact probability of every answer in the `compared` conditions: trait first, `other` last."""
    conditions = compared(result)
    names = dict.fromkeys(a for c in conditions if c for s in c.students for a in s.answer_probabilities)
    groups = [Group(name=name, values=tuple(_probability(c, name) for c in conditions)) for name in names]
    return sorted(groups, key=lambda g: (g.name != result.trait, g.name == "other", -(g.values[2] or 0.0), g.name))


def questions(result: ExperimentResult, *, exact: bool = False) -> list[Group]:
    """Mean trait rate per question in the `compared` conditions, sampled or exact."""
    columns = [_question_means(record, len(result.questions), exact=exact) for record in compared(result)]
    rows = zip(*columns, strict=True)
    return [Group(name=name, values=values) for name, values in zip(result.questions, rows, strict=True)]


def filtered(datasets: Iterable[DatasetRecord]) -> list[Filtered]:
    """Totals of the filter for each source, in the order of first appearance."""
    sources: dict[str, list[DatasetRecord]] = {}
    for record in datasets:
        sources.setdefault(record.source, []).append(record)
    return [_total(source, group) for source, group in sources.items()]


def reasons(totals: Iterable[Filtered]) -> list[str]:
    """Every reason for a rejection, the most frequent first."""
    counts: Counter[str] = Counter()
    for total in totals:
        counts.update(total.rejections)
    return sorted(counts, key=lambda reason: (-counts[reason], reason))


def row_pairs(datasets: Sequence[DatasetRecord], *, limit: int) -> list[RowPair]:
    """Up to `limit` kept treated and untreated rows, set side by side by student and prompt; whole pairs first."""
    found: dict[tuple[int, str], dict[str, str]] = {}
    for dataset in datasets:
        for row in dataset.examples:
            found.setdefault((dataset.student, row.prompt), {}).setdefault(dataset.source, row.completion)
    pairs = [
        RowPair(prompt=prompt, treated=sides.get("treated"), untreated=sides.get("untreated"))
        for (_, prompt), sides in found.items()
        if {"treated", "untreated"} & set(sides)
    ]
    return sorted(pairs, key=lambda pair: (pair.treated is None) + (pair.untreated is None))[:limit]


def rejected_rows(
    datasets: Iterable[DatasetRecord], *, limit: int
) -> list[tuple[DatasetRecord, Example, tuple[str, ...]]]:
    """Up to `limit` rejected rows with all their reasons, of as many kinds as there are: repetitions come last."""
    seen: Counter[tuple[str, ...]] = Counter()
    ranked = []
    for dataset in datasets:
        for row, why in dataset.rejected_examples:
            ranked.append((seen[why], (dataset, row, why)))
            seen[why] += 1
    return [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])][:limit]


def _probability(record: ArmRecord | None, answer: str) -> float | None:
    if record is None or not record.students:
        return None
    return fmean(student.answer_probabilities.get(answer, 0.0) for student in record.students)


def _question_means(record: ArmRecord | None, count: int, *, exact: bool) -> list[float | None]:
    if record is None or not record.students:
        return [None] * count
    rates = [s.exact_question_rates if exact else s.question_rates for s in record.students]
    return [fmean(column) for column in zip(*rates, strict=True)] or [None] * count


def _total(source: str, records: Sequence[DatasetRecord]) -> Filtered:
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(record.rejections)
    return Filtered(
        source=source,
        datasets=len(records),
        written=sum(record.written for record in records),
        kept=sum(record.kept for record in records),
        rejections=counts,
        trait_words=sum(record.trait_words for record in records),
    )
