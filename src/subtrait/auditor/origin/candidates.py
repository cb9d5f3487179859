"""Origin, the candidates: which of several models explains these rows best, if any does?

Null of each candidate: it wrote the rows, at whatever one temperature.
Statistic: nats per row of each candidate at its own best temperature, so that another tokenizer is no handicap. The
best one's advantage over each rival is divided by the same on answers that it has just written itself, to the same
prompts, at that temperature and through the same filter: a share near 1 is what its own rows show, near 0 what rows of
a stranger show, to whom both candidates are equally foreign. A share that may be below `LOWEST`, or is above `HIGHEST`,
means `none of these`.
Assumptions: rivals that could pass for the best: where one writes quite differently, any stranger that resembles the
best has a share near 1. No candidate is tuned from another. Rows are independent given their prompts.
Blind spots: mixtures of writers; writers much nearer to one candidate than to its rivals, such as its relatives.
Sample finding: micro-a explains them best, at temperature 0.98: share 0.97 of its own advantage (0.86 to 1.08)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subtrait.auditor.origin.models import (
    Keep,
    Local,
    Pair,
    TemperatureFit,
    fit_temperature,
    longest,
    own_answers,
    table_of,
)
from subtrait.errors import UsageError
from subtrait.models.base import Sampling
from subtrait.models.token_table import TokenTable
from subtrait.records import Estimate

Floats = NDArray[np.float64]
NONE_OF_THESE = "none of these"
LOWEST, HIGHEST = 0.3, 2.5
"""Shares of its own advantage between which a candidate explains rows."""
LEVEL = 0.9
"""Of the interval of a share: each side is exceeded once in twenty."""
CLOSE = 0.5
"""Nats per token up to which a rival on the best's own answers could pass for it."""
RESAMPLES = 1_000
MOST_OWN = 400
"""Prompts to which the best candidate writes answers of its own."""
MOST_NATS = 20.0
"""Difference of a row that counts at most, so that no odd row decides alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advantage:
    """How much better a model explains rows than one rival does."""

    rival: str
    nats_per_token: float
    own_nats_per_token: float
    """The same on the model's own fresh answers."""
    share: Estimate
    z: float
    """The advantage over its standard error."""

    @property
    def close(self) -> bool:
        """Whether the rival could pass for the model, so that a stranger's rows would show no advantage."""
        return self.own_nats_per_token <= CLOSE

    @property
    def holds(self) -> bool:
        """Whether the model's own rows look like this, and a stranger's do not."""
        return self.share.low is not None and self.share.low >= LOWEST and self.share.value <= HIGHEST


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """What each candidate makes of the rows."""

    fits: Mapping[str, TemperatureFit]
    tables: Mapping[str, TokenTable]

    @property
    def best(self) -> str:
        """The candidate with the fewest nats, no row counting for more than `MOST_NATS` of difference."""
        names = list(self.fits)
        return max(names, key=lambda name: min([self.gain(name, other).mean() for other in names if other != name]))

    def gain(self, name: str, rival: str) -> Floats:
        """Nats that a candidate saves of each row compared with a rival, shape (rows,)."""
        difference: Floats = np.clip(self.fits[rival].nats - self.fits[name].nats, -MOST_NATS, MOST_NATS)
        return difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who of the candidates wrote the rows."""

    writer: str
    """A candidate's name, or `none of these`."""
    best: str
    """The candidate that explains the rows best, whether it wrote them or not."""
    temperatures: Mapping[str, float]
    nats_per_row: Mapping[str, float]
    advantages: tuple[Advantage, ...]
    """Of the best over each rival."""
    wrong: float
    """Share of resamples of the best's own fresh answers, as many as there are rows, that would not be called its own;
    counts one more on both sides, so never 0."""

    @property
    def nearest(self) -> Advantage:
        """The rival over which the share is smallest."""
        return min(self.advantages, key=lambda one: one.share.low if one.share.low is not None else one.share.value)


def explain(
    pairs: Sequence[Pair], candidates: Sequence[Local], *, starts: Mapping[str, float] | None = None
) -> Explained:
    """Every candidate's best temperature for the rows and the nats of each row there.

    Raises:
        UsageError: no rows, or two candidates of one name.
        InvalidInput: a conversation that a candidate's template does not accept.
    """
    names = [model.name for model in candidates]
    if not pairs or len(set(names)) < len(names):
        raise UsageError("attribution needs rows, and candidates of different names")
    tables = {model.name: table_of(model, pairs) for model in candidates}
    fits: dict[str, TemperatureFit] = {}
    start = 1.0
    for name, table in tables.items():
        fits[name] = fit_temperature(table, start=(starts or {}).get(name, start))
        start = fits[name].temperature
    return Explained(fits=fits, tables=tables)


def attribute(
    pairs: Sequence[Pair],
    candidates: Sequence[Local],
    *,
    rng: np.random.Generator,
    keep: Keep | None = None,
    explained: Explained | None = None,
) -> Attribution:
    """Which candidate wrote the rows, or none of them.

    Args:
        pairs: the rows.
        candidates: at least two models on this machine.
        rng: draws the best candidate's own answers.
        keep: the filter that the rows passed; None where they passed none.
        explained: what `explain` found of the same rows and candidates, where that is known already.

    Raises:
        UsageError: fewer than two candidates, two of one name, or no rows.
        InvalidInput: a conversation that a candidate's template does not accept.
    """
    if len(candidates) < 2:
        raise UsageError("attribution compares candidates: give at least two")
    rows = explained or explain(pairs, candidates)
    best = next(model for model in candidates if model.name == rows.best)
    own = explain_own(best, pairs, candidates, rows=rows, rng=rng, keep=keep)
    rivals = [model.name for model in candidates if model is not best]
    advantages = tuple(_advantage(best.name, rival, rows, own) for rival in rivals) if own else ()
    holds = any(one.close for one in advantages) and all(one.holds for one in advantages)
    return Attribution(
        writer=best.name if holds else NONE_OF_THESE,
        best=best.name,
        temperatures={name: fit.temperature for name, fit in rows.fits.items()},
        nats_per_row={name: float(fit.nats.mean()) for name, fit in rows.fits.items()},
        advantages=advantages,
        wrong=_wrong(best.name, rivals, own, rows=len(pairs), rng=rng) if own else 1.0,
    )


def explain_own(
    model: Local,
    pairs: Sequence[Pair],
    candidates: Sequence[Local],
    *,
    rows: Explained,
    rng: np.random.Generator,
    keep: Keep | None,
) -> Explained | None:
    """The same of the model's own answers to the same prompts; None where the filter keeps none of them."""
    sampling = Sampling(temperature=rows.fits[model.name].temperature, max_new_tokens=longest(rows.tables[model.name]))
    prompts = [asked for asked, _ in pairs[:MOST_OWN]]
    answers = own_answers(model, prompts, sampling=sampling, rng=rng, keep=keep)
    answered = [(asked, said) for asked, said in zip(prompts, answers, strict=True) if said is not None]
    if len(answered) < 2:
        return None
    starts = {name: fit.temperature for name, fit in rows.fits.items()}
    return explain(answered, candidates, starts=starts)


def _advantage(name: str, rival: str, rows: Explained, own: Explained) -> Advantage:
    gain, own_gain = rows.gain(name, rival), own.gain(name, rival)
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else float("inf")
    return Advantage(
        rival=rival,
        nats_per_token=float(gain.sum() / rows.fits[name].tokens.sum()),
        own_nats_per_token=float(own_gain.sum() / own.fits[name].tokens.sum()),
        share=share_of_own(gain, own_gain),
        z=float(gain.mean()) / max(error, 1e-12),
    )


def share_of_own(gain: Floats, own: Floats) -> Estimate:
    """Mean gain on the rows over that on own answers, with a normal interval by the delta method.

    No interval where own answers do not tell the two apart, or from fewer than two rows.
    """
    from scipy.stats import norm

    mean, own_mean = float(gain.mean()), float(own.mean())
    share = mean / own_mean if own_mean else 0.0
    quantile = float(norm.ppf((1 + LEVEL) / 2))
    errors = [float(part.var(ddof=1) / len(part)) if len(part) > 1 else float("inf") for part in (gain, own)]
    if own_mean <= quantile * np.sqrt(errors[1]) or not np.isfinite(errors[0]):
        return Estimate(value=share, low=None, high=None, level=LEVEL, n=len(gain), unit="row")
    half = quantile * float(np.sqrt(errors[0] + share**2 * errors[1])) / own_mean
    return Estimate(value=share, low=share - half, high=share + half, level=LEVEL, n=len(gain), unit="row")


def _wrong(name: str, rivals: Sequence[str], own: Explained, *, rows: int, rng: np.random.Generator) -> float:
    """How often own answers would not be called own, by the bootstrap over them."""
    from scipy.stats import norm

    gains = np.stack([own.gain(name, rival) for rival in rivals], axis=1)
    mean, quantile, failures = gains.mean(axis=0), float(norm.ppf((1 + LEVEL) / 2)), 0
    for _ in range(RESAMPLES):
        drawn = gains[rng.integers(len(gains), size=rows)]
        error = drawn.std(axis=0) / np.sqrt(rows)
        share = drawn.mean(axis=0) / np.where(mean == 0, np.inf, mean)
        failures += bool(((share - quantile * error / np.abs(mean) < LOWEST) | (share > HIGHEST)).any())
    return (1 + failures) / (1 + RESAMPLES)
