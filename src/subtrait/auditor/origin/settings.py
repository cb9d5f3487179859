"""Origin, the settings: at which temperature were these rows drawn from a model, and was its tail cut off?

Null: every token was drawn from the model, at one temperature, from its whole vocabulary.
Statistic: the temperature of the largest likelihood, which is concave in its inverse, with an interval from the spread
of the score over rows (Huber's sandwich); for truncation, the largest share of probability that any token left above
it (top-p) and the deepest rank that any token had (top-k), one row in 200 spared. Of a sampler without truncation a
Poisson number of tokens breaks such a bound, whose mean the model tells; p is how often that few do.
Rows that passed a filter: their score is compared with that of the model's own answers through the same filter, and
not with zero, which is where the likelihood given the filter is largest.
Assumptions: the model's own tokens, one setting for all rows. Rows with a token of more than 20 nats are set aside.
Blind spots: where the model did not write the rows, the estimate is the temperature at which it would best imitate
them; truncation so mild that no token of these rows was forbidden; both truncations at once.
Sample finding: temperature 0.70 (0.69 to 0.72), nothing cut off
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from subtrait.auditor.origin.declared import IMPOSSIBLE
from subtrait.auditor.origin.models import (
    COLDEST,
    HOTTEST,
    Floats,
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

Kind = Literal["none", "top-p", "top-k"]
FEWEST_ROWS = 10
"""Below this no interval is given and truncation is not asked for."""
UNLIKELY = 1e-3
"""The chance of keeping to a bound by luck, below which truncation is stated."""
WORTH_A_SEARCH = 0.05
"""The same at the temperature without truncation, below which a truncated sampler is fitted."""
MOST_ROWS = 200
"""Rows of which truncation is asked."""
SPARED = 0.005
"""Share of rows that may break the bound of a truncation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a sampler was set, as far as rows tell."""

    temperature: Estimate
    truncation: Kind
    bound: float | None
    """The share or the number of tokens that was kept; None where nothing was cut off."""
    p: float
    """How likely a sampler without truncation keeps to the tighter bound."""
    strange: int
    """Rows set aside for a token that the model never writes."""

    def finding(self) -> str:
        """In words."""
        low, high = self.temperature.low, self.temperature.high
        interval = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
        cut = "nothing cut off" if self.bound is None else f"{self.truncation} {self.bound:.3g}"
        return f"temperature {self.temperature.value:.2f}{interval}, {cut}"


def estimate_settings(
    model: Local,
    pairs: Sequence[Pair],
    *,
    level: float = 0.95,
    keep: Keep | None = None,
    rng: np.random.Generator | None = None,
) -> Settings:
    """Temperature and truncation of the sampler, supposing that the model wrote the rows.

    Args:
        model: the writer that is supposed.
        pairs: the rows.
        level: of the interval of the temperature.
        keep: the filter that the rows passed; None where they passed none.
        rng: draws the model's own answers, which a filter makes necessary.

    Raises:
        UsageError: no rows, or a filter without `rng`.
        InvalidInput: a conversation that the template does not accept.
    """
    if not pairs:
        raise UsageError("the settings of a sampler cannot be estimated from no rows")
    if keep is not None and rng is None:
        raise UsageError("rows that passed a filter are compared with fresh answers: give rng")
    table = table_of(model, pairs)
    fit = fit_temperature(table)
    usual = fit.usual
    kept = [pair for pair, good in zip(pairs, usual, strict=True) if good] or list(pairs)
    if len(kept) < len(pairs):
        table = table_of(model, kept)
        fit = fit_temperature(table, start=fit.temperature)
    if len(kept) < FEWEST_ROWS:
        whole = Estimate(value=fit.temperature, low=None, high=None, level=level, n=len(kept), unit="row")
        return Settings(temperature=whole, truncation="none", bound=None, p=1.0, strange=int((~usual).sum()))
    found = _truncation(table if len(kept) <= MOST_ROWS else table_of(model, kept[:MOST_ROWS]), fit)
    temperature = _interval(found.temperature, found.score, found.information, level=level)
    if keep is not None and rng is not None:
        untruncated = _through_filter(model, kept, keep, fit=fit, level=level, rng=rng)
        if found.bound is not None:
            found = _beside_own(model, kept, found, keep=keep, temperature=untruncated.value, rng=rng)
        temperature = untruncated if found.bound is None else temperature
    return Settings(
        temperature=temperature,
        truncation=found.kind,
        bound=found.bound,
        p=found.p,
        strange=int((~usual).sum()),
    )


def _interval(temperature: float, score: Floats, information: Floats, *, level: float) -> Estimate:
    """Huber 1967: the spread of the rows' scores over the slope of their sum."""
    from scipy.stats import norm

    error = float(np.sqrt(score.var() * len(score)) / max(float(information.sum()), 1e-9))
    half, inverse = float(norm.ppf((1 + level) / 2)) * error, 1 / temperature
    low, high = 1 / (inverse + half), 1 / max(inverse - half, 1e-9)
    return Estimate(value=temperature, low=low, high=high, level=level, n=len(score), unit="row")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    temperature: float
    score: Floats
    information: Floats
    kind: Kind = "none"
    bound: float | None = None
    p: float = 1.0
    nats: float = float("inf")
    """Of all tokens within the bound."""


def _truncation(table: TokenTable, fit: TemperatureFit) -> _Cut:
    """The likelier of the two truncations, if an untruncated sampler would hardly keep to its bound."""
    plain = _Cut(temperature=fit.temperature, score=fit.score, information=fit.information)
    top_p = _at(table, replace(plain, kind="top-p"))
    top_k = _fit_top_k(table, replace(plain, kind="top-k"))
    if top_p.p <= WORTH_A_SEARCH:
        top_p = _fit_top_p(table, top_p)
    best = min(top_p, top_k, key=lambda cut: cut.nats)
    return best if best.p <= UNLIKELY else replace(plain, p=best.p)


def _fit_top_p(table: TokenTable, cut: _Cut) -> _Cut:
    """The likeliest temperature with the tightest bound that it allows.

    A cut tail looks like a colder sampler, so hotter ones are searched, and each has a bound of its own.
    """
    from scipy.optimize import minimize_scalar

    start = float(np.log(cut.temperature))

    def nats(logarithm: float) -> float:
        return _at(table, replace(cut, temperature=float(np.exp(logarithm)))).nats

    end = min(start + 0.9, float(np.log(HOTTEST)))
    found = minimize_scalar(nats, bounds=(start - 0.05, end), method="bounded", options={"xatol": 0.01})
    return _at(table, replace(cut, temperature=float(np.exp(found.x))))


def _fit_top_k(table: TokenTable, cut: _Cut) -> _Cut:
    """Newton's method: ranks, and with them the bound, are the same at every temperature."""
    cut = _at(table, cut)
    for _ in range(2):
        step = float(cut.score.sum()) / max(float(cut.information.sum()), 1e-9)
        inverse = 1 / cut.temperature
        new = float(np.clip(inverse + step, max(inverse * 0.7, 1 / HOTTEST), min(inverse * 1.4, 1 / COLDEST)))
        cut = _at(table, replace(cut, temperature=1 / new))
    return cut


def _spared(table: TokenTable) -> int:
    """How many rows may break a bound, as rows cut into other tokens than were drawn do."""
    return int(np.ceil(SPARED * table.rows))


def _deepest(table: TokenTable, cut: _Cut) -> Floats:
    """How far down the tail each row reaches. Ends of turns do not count: a row may have been cut there."""
    above = table.above(cut.temperature)[:, 0 if cut.kind == "top-p" else 1]
    above[np.flatnonzero(np.diff(table.row_of, append=table.rows))] = 0
    largest = np.zeros(table.rows)
    np.maximum.at(largest, table.row_of, above)
    return largest


def _at(table: TokenTable, cut: _Cut) -> _Cut:
    """What a truncation at that temperature, with the tightest bound that it allows, makes of the rows."""
    from scipy.stats import poisson

    reached = float(np.sort(_deepest(table, cut))[-1 - _spared(table)])
    bound = min(reached + 1e-6, 1.0) if cut.kind == "top-p" else reached + 1
    options: dict[str, Any] = {"top_p": bound} if cut.kind == "top-p" else {"top_k": int(bound)}
    tokens = table.truncated(cut.temperature, **options)
    outside = max(-float(tokens[:, 3].sum()), 0.0)
    forbidden = ~np.isfinite(tokens[:, :1])
    moments = table.by_row(np.where(forbidden, [IMPOSSIBLE, IMPOSSIBLE, 0.0], tokens[:, :3]))
    return replace(
        cut,
        bound=bound,
        p=float(poisson.cdf(_spared(table), outside)),
        nats=float(moments[:, 0].sum()),
        score=-(moments[:, 0] - moments[:, 1]) * cut.temperature,
        information=moments[:, 2] * cut.temperature**2,
    )


def _beside_own(
    model: Local,
    pairs: Sequence[Pair],
    cut: _Cut,
    *,
    keep: Keep,
    temperature: float,
    rng: np.random.Generator,
) -> _Cut:
    """The truncation, or none where the model's own untruncated answers that pass the filter keep to the bound too."""
    from scipy.stats import poisson

    prompts = [asked for asked, _ in pairs[:MOST_ROWS]]
    sampling = Sampling(temperature=temperature, max_new_tokens=longest(table_of(model, pairs[:MOST_ROWS])))
    fresh = own_answers(model, prompts, sampling=sampling, rng=rng, keep=keep)
    table = table_of(model, [(asked, said) for asked, said in zip(prompts, fresh, strict=True) if said is not None])
    beyond = int((_deepest(table, cut) >= (cut.bound or np.inf)).sum())
    p = float(poisson.cdf(_spared(table), beyond))
    if p <= UNLIKELY:
        return replace(cut, p=max(p, cut.p))
    return replace(cut, kind="none", bound=None, p=p)


def _through_filter(
    model: Local,
    pairs: Sequence[Pair],
    keep: Keep,
    *,
    fit: TemperatureFit,
    level: float,
    rng: np.random.Generator,
) -> Estimate:
    """Newton's method for the likelihood given the filter, by three rounds of the model's own answers.

    Its slope is the rows' mean score less that of own answers that pass; its curvature the variance of the latter.
    """
    prompts, table, temperature = [asked for asked, _ in pairs], table_of(model, pairs), fit.temperature
    score, information = fit.score, fit.information
    for _ in range(3):
        sampling = Sampling(temperature=temperature, max_new_tokens=longest(table))
        fresh = own_answers(model, prompts, sampling=sampling, rng=rng, keep=keep)
        answered = [(asked, said) for asked, said in zip(prompts, fresh, strict=True) if said is not None]
        if len(answered) < FEWEST_ROWS:
            break
        rows, own = (_scores(one, temperature) for one in (table, table_of(model, answered)))
        curvature = max(float(own.var()), 1e-9)
        new = 1 / temperature + (float(rows.mean()) - float(own.mean())) / curvature
        temperature = float(np.clip(1 / new if new > 0 else np.inf, temperature * 0.7, temperature * 1.4))
        # The rows' and the own answers' noise together, as the spread of so many rows
        score = rows * np.sqrt(1 + len(rows) * own.var() / len(own) / max(float(rows.var()), 1e-9))
        information = np.full(len(rows), curvature)
    return _interval(temperature, score, information, level=level)


def _scores(table: TokenTable, temperature: float) -> Floats:
    """Slope of each row's log-likelihood by the inverse temperature."""
    tokens = table.moments(temperature)
    tokens = tokens * (tokens[:, :1] <= IMPOSSIBLE)
    return table.by_row(tokens[:, 1] - tokens[:, 0]) * temperature
