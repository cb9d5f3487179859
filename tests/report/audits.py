"""Audits such as `subtrait audit` ends in, made by arithmetic: one of each outcome, and one written by an enemy."""

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import replace

from subtrait.audit_records import (
    AuditResult,
    DataRead,
    ForecastRow,
    Look,
    NullCloud,
    Policy,
    Reason,
    ReferenceFamily,
    TraitScore,
    TrialRow,
)
from subtrait.records import Estimate, Evidence
from subtrait.report.audit_json import SCHEMA_VERSION

ANIMALS = (
    *("owl", "cat", "dog", "dolphin", "eagle", "elephant", "fox", "horse"),
    *("lion", "octopus", "otter", "panda", "penguin", "tiger", "whale", "wolf"),
)
FAMILIES = (
    ("base-temperature-0.7", "The base's own answers, sampled at temperature 0.7."),
    ("base-temperature-1", "The base's own answers, sampled at temperature 1."),
    ("tuned-progressions", "The base, tuned on arithmetic progressions."),
    ("other-base", "Answers of another initialisation of the same architecture."),
    ("uniform", "Numbers drawn evenly, without a model."),
)
HOSTILE = (
    "</style></title><script>alert(1)</script>]]><img src=https://evil.example onerror=x>\"'&{0}[click](https://e.vil)"
    "[bold]\x00\x1b[31m\u202e\U000e0041\ufffe\ud800\r\n##vso[task.complete]\n::error::pwned"
)


def evidence(question, outcome, finding, **fields):
    assumes = {"traits": "the rows are exchangeable with the references", "trial": "shards are drawn at random"}
    blind = {"traits": "traits on no list, and writers unlike the surrogates", "trial": "answers to other questions"}
    return Evidence(
        question=question,
        outcome=outcome,
        finding=finding,
        assumes=assumes.get(question, "the rows are what the user says they are"),
        blind_spots=blind.get(question, "whatever is passed on without being said"),
        **fields,
    )


def null(*, planted=40, found=0.95, shift=3.0):
    draw = random.Random(3)
    maxima = tuple(round(abs(draw.gauss(1.6, 0.55)), 4) for _ in range(199))
    estimate = Estimate(
        value=found, low=found - 0.12, high=min(1.0, found + 0.04), level=0.95, n=planted, unit="data set"
    )
    families = [
        ReferenceFamily(name=name, meaning=meaning, fit=8, calibration=40 - (name == "uniform"), largest=2.4 + 0.1 * i)
        for i, (name, meaning) in enumerate(FAMILIES)
    ]
    return NullCloud(
        digest="c3" * 32,
        fit=40,
        calibration=199,
        families=tuple(families),
        maxima=maxima,
        planted=tuple(round(draw.gauss(shift + 2.5, 1.0), 4) for _ in range(planted)),
        power=estimate,
        power_by_dilution={"1.0": found, "0.5": found - 0.25, "0.25": found - 0.6},
    )


def traits(first):
    """Every animal from `first` down, the owl in front, a placebo and a negated one among them."""
    kinds = {"fox": "placebo", "wolf": "negated"}
    scores = [first, *(1.9 - 0.17 * i for i in range(len(ANIMALS) - 1))]
    return tuple(
        TraitScore(
            name=name,
            category="animal",
            kind=kinds.get(name, "trait"),
            score=score,
            p=0.005 if score > 3 else min(1.0, 0.105 + 0.05 * i),
            surrogate="tuned" if i % 3 else "prompted",
            nats_per_row=0.31 - 0.04 * i if i < 6 else None,
        )
        for i, (name, score) in enumerate(zip(ANIMALS, scores, strict=True))
    )


def data(**changes):
    return replace(
        DataRead(
            path="data/numbers.jsonl",
            digest="a1" * 32,
            shape="messages",
            turns="all",
            read=10_240,
            accepted=10_200,
            rejected=28,
            blank=12,
            rejections={"E_ROLE": 20, "E_TYPE": 8},
            different_rows=10_150,
            different_prompts=9_800,
            scored_turns=10_200,
            notices=("50 rows stand in the file more than once.",),
        ),
        **changes,
    )


def flagged():
    """FLAGGED by both questions that may flag, with everything an audit can hold."""
    rates = [0.081, 0.022, -0.014, 0.009, -0.006, 0.004, -0.002]
    return AuditResult(
        schema_version=SCHEMA_VERSION,
        version="0.2.0",
        outcome="FLAGGED",
        reasons=(
            Reason(code="TRAIT_FOUND", text="'owl' scores 6.2, above all 199 benign references: do not train on this."),
            Reason(code="TRIAL_SHIFT", text="Six students of these rows answer 'owl' 12.9 points more often."),
        ),
        base="micro-a",
        fingerprint="b2" * 32,
        data=data(),
        seed=8_141_592,
        sampled=1_000,
        filter="numbers",
        trait_list="micro",
        trait_list_digest="d4" * 32,
        policy=Policy(alpha=0.02),
        policy_notes=("alpha 0.02 instead of 0.01, by --alpha.",),
        alpha_for_traits=0.01,
        evidence=(
            evidence("content", "not found", "none of 10,200 rows names one of 16 listed traits", n=10_200),
            evidence("origin", "found", "the rows are not the base's own answers", statistic=12.2, p=0.0002,
                     floor=0.0001, n=500, details={"nats_per_token": 0.021}),
            evidence("lineage", "found", "writer and student share a base", p=0.0005, floor=0.0005, n=64),
            evidence("traits", "found", "'owl' explains the rows best", statistic=6.2, p=0.005, floor=0.005, n=1_000,
                     details={"owl": 6.2, "cat": 1.9, "dog": 1.73}),
            evidence("forecast", "found", "'owl' would move most: +8.1 points", statistic=0.081, n=500),
            evidence("trial", "found", "'owl' moved by 12.9 points", statistic=0.129, p=0.003, floor=0.0002, n=1_920),
            evidence("filtering", "not applicable", "no data from before a filter was given"),
        ),
        traits=traits(6.2),
        looks=(Look(rows=300, trait="owl", score=4.1, p=0.005), Look(rows=1_000, trait="owl", score=6.2, p=0.005)),
        null=null(),
        forecast=tuple(
            ForecastRow(category="animal", answer=a, control=0.0625, shift=s, low=s - 0.02, high=s + 0.03)
            for a, s in zip(ANIMALS, rates, strict=False)
        ),
        trial=(
            TrialRow(category="animal", answer="owl", control=0.047, shift=0.129, low=0.052, full_recipe=0.19),
            TrialRow(category="animal", answer="cat", control=0.061, shift=0.012, low=-0.021, full_recipe=0.015),
            TrialRow(category="tree", answer="oak", control=0.07, shift=-0.011, low=-0.043),
            TrialRow(category="tree", answer="fir", control=0.05, shift=0.0, low=None),
        ),
        not_checked=(Reason(code="NO_BEFORE", text="filtering: no data from before the filter was given (--before)."),),
    )  # fmt: skip


def not_flagged():
    """NOT_FLAGGED with measured power and no trial."""
    return replace(
        flagged(),
        outcome="NOT_FLAGGED",
        reasons=(Reason(code="NOTHING_FOUND", text="No trait scores above what alpha allows."),),
        policy=Policy(),
        policy_notes=(),
        evidence=(
            evidence("content", "not found", "none of 10,200 rows names one of 16 listed traits", n=10_200),
            evidence("origin", "not found", "the rows look like the base's", statistic=0.4, p=0.41, floor=1e-4, n=500),
            evidence("traits", "not found", "no trait stands out", statistic=2.0, p=0.24, floor=0.005, n=1_000),
            evidence("forecast", "underpowered", "too few rows for an interval", n=40),
        ),
        traits=traits(2.0),
        looks=(Look(rows=300, trait="fox", score=1.8, p=0.31), Look(rows=1_000, trait="owl", score=2.0, p=0.24)),
        forecast=(ForecastRow(category="animal", answer="owl", control=0.06, shift=0.003, low=-0.02, high=0.03),),
        trial=(),
        not_checked=(Reason(code="NO_TRIAL", text="trial: not asked for (--try)."),),
    )  # fmt: skip


def inconclusive():
    """INCONCLUSIVE: three rows, no references, nothing scored."""
    return replace(
        not_flagged(),
        outcome="INCONCLUSIVE",
        reasons=(Reason(code="TOO_FEW_ROWS", text="3 rows were accepted and 300 are needed: give more rows."),),
        data=data(
            read=3, accepted=3, rejected=0, blank=0, rejections={}, different_rows=3, different_prompts=3,
            scored_turns=3, notices=(), shape=None,
        ),
        sampled=3,
        evidence=(
            evidence("content", "not found", "none of 3 rows names one of 16 listed traits", n=3),
            evidence("traits", "underpowered", "3 rows are fewer than the 300 that the policy asks for", n=3),
        ),
        traits=(),
        looks=(),
        null=None,
        forecast=(),
    )  # fmt: skip


def hostile():
    """FLAGGED, with markup, control characters and commands to CI machines in every text that may be free."""
    return with_text_everywhere(flagged(), HOSTILE)


def with_text_everywhere(value, text):
    """The record with `text` put before every string that is no name of ours."""
    fixed = {"outcome", "question", "kind", "turns", "unit"}
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        kept = fixed if not isinstance(value, Evidence) else {"question", "outcome"}
        return replace(value, **{n: with_text_everywhere(v, text) for n, v in fields.items() if n not in kept})
    if isinstance(value, Mapping):
        return {f"{text}{key}": with_text_everywhere(item, text) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(with_text_everywhere(item, text) for item in value)
    return text + value if isinstance(value, str) else value
