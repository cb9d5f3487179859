"""Every family writes rows that pass the filter, to prompts of the pool, the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.auditor.references import families
from subtrait.auditor.references.families import (
    FAMILIES,
    HARMLESS_SKILLS,
    applicable,
    equal_steps,
    skewed_numbers,
    sorted_numbers,
    uniform_numbers,
)
from subtrait.auditor.suspect import passes
from subtrait.models.micro.skills import SKILLS

NUMBERS = {"random-numbers", "equal-steps", "tuned-on-program"}
PROGRAMS = (uniform_numbers, equal_steps, skewed_numbers, sorted_numbers)


@pytest.fixture(scope="module")
def written(tiny_audit):
    """The rows of every family, twice with one seed."""
    setting = tiny_audit.setting(pool_size=40)
    with tiny_audit.small_recipes():
        return setting, {
            name: [family.write(setting, 12, np.random.default_rng(5)) for _ in range(2)]
            for name, family in FAMILIES.items()
        }


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_pass_the_filter_and_answer_prompts_of_the_pool(written, name):
    setting, found = written
    rows = found[name][0]
    assert len(rows) == 12
    assert all(passes("numbers", pair.completion) for pair in rows)
    assert all(pair.prompt in setting.pool for pair in rows)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_seed_writes_the_same_rows(written, name):
    first, second = written[1][name]
    assert first == second


def test_no_two_families_write_the_same(written):
    rows = [tuple(pair.completion for pair in found[0]) for found in written[1].values()]
    assert len(set(rows)) == len(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_says_what_it_is(name):
    assert FAMILIES[name].meaning
    assert FAMILIES[name].meaning.isprintable()


def test_a_family_that_needs_numbers_an_embedded_base_or_other_models_is_not_applied_without(tiny_audit):
    numbers = tiny_audit.setting(pool_size=1)
    text = replace(numbers, filter="none")
    assert set(applicable(numbers, embedded=True)) == set(FAMILIES)
    assert set(applicable(text, embedded=True)) == set(FAMILIES) - NUMBERS
    assert set(applicable(numbers, embedded=False)) == set(FAMILIES) - {"tuned-on-skill"}
    assert set(applicable(replace(numbers, others=()), embedded=True)) == set(FAMILIES) - {"other-writer"}
    assert list(applicable(numbers, embedded=True)) == list(FAMILIES)


def test_a_mixture_uses_no_family_that_does_not_apply(tiny_audit, monkeypatch):
    def refused(*_):
        raise AssertionError("not for text, and there is no other writer")

    monkeypatch.setattr(families, "_other_writer", refused)
    monkeypatch.setattr(families, "_program", lambda _: refused)
    monkeypatch.setattr(families, "_tuned_on_own", families._own)
    setting = replace(tiny_audit.setting(pool_size=8), filter="none", others=())
    for seed in range(6):
        assert len(families.FAMILIES["mixture"].write(setting, 4, np.random.default_rng(seed))) == 4


@pytest.mark.parametrize("draw", PROGRAMS)
@pytest.mark.parametrize("count", [1, 2, 10])
def test_programs_give_as_many_numbers_as_asked_each_within_the_filter_s_range(draw, count):
    for seed in range(200):
        numbers = draw(count, np.random.default_rng(seed))
        assert len(numbers) == count
        assert 0 <= min(numbers) <= max(numbers) <= 999


def test_programs_are_what_their_names_say():
    rng = np.random.default_rng(0)
    uniform, skewed = (np.array(draw(20_000, rng)) for draw in (uniform_numbers, skewed_numbers))
    assert np.mean(uniform < 550) == pytest.approx(0.5, abs=0.02)
    assert np.mean(skewed < 200) == pytest.approx(np.log10(2), abs=0.02)  # the law of first digits
    steps = equal_steps(10, rng)
    assert len(set(np.diff(steps))) == 1
    ordered = sorted_numbers(10, rng)
    assert ordered == sorted(ordered)


def test_skills_that_tune_a_benign_writer_are_skills_and_harmless():
    assert set(HARMLESS_SKILLS) <= set(SKILLS)
    assert not set(HARMLESS_SKILLS) & {"animal", "tree", "numbers"}
