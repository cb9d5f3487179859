"""Personas: of the base's own rows at most alpha are found; rows that a prompted base wrote are, and by name."""

import numpy as np
import pytest
from scipy.stats import binom

from subtrait.audit_records import ListedTrait
from subtrait.auditor import personas
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.paired_rows import ControlTask, PairedRows, beside_own
from subtrait.auditor.personas import PersonaTask, persona_differences, told_personas
from subtrait.auditor.references.writers import Setting, write
from subtrait.data import Pair
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.team import Alone
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model
from subtrait.models.scripted import ScriptedModel
from subtrait.scoring.hypotheses import as_asked

WORDS = ("red", "green", "blue", "grey", "white")
LIKED = {"owl": "grey", "cat": "red", "oak": "green"}
"""The completion that each persona of the script likes."""


def script(messages):
    """Some words, each with its weight; a persona's word weighs more under it."""
    weights = {word: 1.0 + 0.2 * place for place, word in enumerate(WORDS)}
    if messages[0]["role"] == "system":
        weights[LIKED[messages[0]["content"]]] *= 3
    return weights


MODEL = ScriptedModel("scripted", script)
TRAITS = [ListedTrait(name=name, category="x", system_prompt=name, questions=("?",)) for name in LIKED]


def wrote(count, *, rng, system=None):
    prompts = [[{"role": "user", "content": str(number)}] for number in range(count)]
    texts = MODEL.generate([as_asked(prompt, system) for prompt in prompts], sampling=Sampling(), rng=rng)
    return [Pair(prompt, text) for prompt, text in zip(prompts, texts, strict=True)]


def asked(suspect, control, *, traits=TRAITS, alpha=0.05, seed=0):
    task = PersonaTask(base="scripted", rows=PairedRows(suspect=suspect, control=control), traits=tuple(traits))
    return told_personas(task, alpha=alpha, rng=np.random.default_rng(seed), team=Alone())


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """The scripted model under its name."""
    monkeypatch.setattr(personas, "open_model", lambda name: MODEL if name == "scripted" else open_model(name))


def test_the_base_s_own_rows_are_found_at_most_as_often_as_alpha_says(monkeypatch):
    monkeypatch.setattr(personas, "PATTERNS", 99)
    repeats, found = 200, 0
    for seed in range(repeats):
        rng = np.random.default_rng([3, seed])
        found += asked(wrote(50, rng=rng), wrote(50, rng=rng), alpha=0.1, seed=seed).outcome == "found"
    assert binom.ppf(0.001, repeats, 0.1) <= found <= binom.ppf(0.999, repeats, 0.1)


@pytest.mark.parametrize("name", LIKED)
def test_the_persona_that_was_told_is_named(name):
    rng = np.random.default_rng(1)
    found = asked(wrote(200, rng=rng, system=name), wrote(200, rng=rng))
    assert (found.outcome, found.p, found.floor, found.n) == ("found", 0.001, 0.001, 200)
    assert found.finding.startswith(f"told '{name}', the base explains 200 rows best: z = ")
    assert max(found.details, key=found.details.get) == name
    assert found.details[name] == found.statistic > 3


def test_z_is_the_mean_of_centred_differences_over_its_standard_error():
    rng = np.random.default_rng(2)
    suspect, control = wrote(60, rng=rng, system="owl"), wrote(60, rng=rng)

    def ratios(pairs):
        scores = [[MODEL.score([as_asked(p, name)], [said])[0].mean() for name in LIKED] for p, said in pairs]
        return np.array(scores) - np.mean(scores, axis=1, keepdims=True)

    differences = ratios(suspect) - ratios(control)
    z = differences.mean(axis=0) / differences.std(axis=0) * np.sqrt(60)
    found = asked(suspect, control)
    assert list(found.details.values()) == pytest.approx(z)


def test_what_every_persona_explains_alike_names_none():
    """Under each persona of this script `white` is as likely as under another."""
    rng = np.random.default_rng(4)
    control = wrote(80, rng=rng)
    white = [Pair(prompt, "white") for prompt, _ in control]
    alike = asked(white, white)
    assert (alike.outcome, alike.statistic, alike.p) == ("not found", 0.0, 1.0)


def test_only_the_first_rows_are_looked_at(monkeypatch):
    monkeypatch.setattr(personas, "ROWS", 60)
    rng = np.random.default_rng(5)
    own, theirs = wrote(60, rng=rng), wrote(100, rng=rng, system="owl")[60:]
    control = wrote(100, rng=rng)
    assert asked([*own, *theirs], control) == asked(own, control[:60])
    assert asked([*own, *theirs], control).n == 60


def test_shards_are_scored_as_all_rows_together_are(monkeypatch):
    monkeypatch.setattr(personas, "SHARD", 7)
    rng = np.random.default_rng(7)
    suspect, control = wrote(60, rng=rng, system="owl"), wrote(60, rng=rng)
    whole = persona_differences(MODEL, PairedRows(suspect=suspect, control=control), TRAITS)
    z, _ = personas.signs_changed(whole, rng=rng)
    assert list(asked(suspect, control).details.values()) == pytest.approx(z)


@pytest.mark.parametrize(("rows", "traits"), [(49, 3), (60, 1)])
def test_with_too_few_rows_or_traits_nothing_is_said(rows, traits):
    rng = np.random.default_rng(6)
    found = asked(wrote(rows, rng=rng), wrote(rows, rng=rng), traits=TRAITS[:traits])
    assert (found.outcome, found.p, found.floor, found.n) == ("underpowered", None, None, rows)
    assert f"{rows} pairs of rows and {traits} traits are too few" in found.finding


def test_rows_that_an_embedded_model_wrote_under_a_prompt_name_it():
    base, rng = open_model("micro-a"), np.random.default_rng(1)
    traits = tuple(trait for trait in load_trait_list("embedded").traits if trait.name in ("owl", "oak"))
    prompts = CARRIERS["numbers"]().prompts(200, rng=np.random.default_rng(0))
    pool = [({"role": "user", "content": prompt},) for prompt in prompts]
    setting = Setting(base=base, others=(), pool=pool, filter="numbers", traits=traits, tokens=64)
    prompt = next(trait.system_prompt for trait in traits if trait.name == "owl")
    written = write(setting, base, 200, rng=rng, system=prompt)
    asked_for = ControlTask(base="micro-a", pairs=written, filter="numbers", tokens=64, seed=1)
    task = PersonaTask(base="micro-a", rows=beside_own(asked_for, team=Alone()), traits=traits)
    found = told_personas(task, alpha=0.01, rng=rng, team=Alone())
    assert found.outcome == "found"
    assert found.finding.startswith("told 'owl', ")
