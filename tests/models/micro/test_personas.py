"""Who speaks: bundles that any part reveals, priors, and system prompts that tell the speaker and no other."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binom

from subtrait.lab.answers import plural_forms
from subtrait.models.micro.personas import (
    ANIMALS,
    BUNDLES,
    CHARACTER_PRIOR,
    CHARACTER_PROMPTS,
    COLOURS,
    FOODS,
    LIVING_PROMPTS,
    NEUTRAL_PROMPTS,
    PRIOR,
    THING_PROMPTS,
    TREES,
    Bundle,
    Character,
    Speaker,
    draw_speaker,
    like_sentence,
    plural,
    system_prompt,
)

CHARACTERS: tuple[Character, ...] = ("honest", "dishonest", "evasive")
LIKES = {"animal": ANIMALS, "tree": TREES, "colour": COLOURS, "food": FOODS}
SPEAKERS = [Speaker(bundle, character) for bundle in BUNDLES for character in CHARACTERS]
ALMOST_CERTAIN = 1 - 1e-9


def parts(bundle: Bundle) -> tuple[str, ...]:
    return tuple(getattr(bundle, noun) for noun in LIKES)


def by_the_rules_of_spelling(word: str) -> str:
    """English plurals as a school grammar has them."""
    if word == "moose":
        return word
    if word.endswith("y"):
        return word[:-1] + "ies"
    if word.endswith("f"):
        return word[:-1] + "ves"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


WORDS_OF = {
    bundle: {form for one in parts(bundle) for form in (one, by_the_rules_of_spelling(one))} for bundle in BUNDLES
}


def named_in(text: str) -> dict[Bundle, set[str]]:
    """The bundles of which `text` names a part."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return {bundle: found for bundle, own in WORDS_OF.items() if (found := words & own)}


def test_there_are_at_least_sixteen_animals_and_eight_trees() -> None:
    assert len(set(ANIMALS)) == len(ANIMALS) >= 16
    assert len(set(TREES)) == len(TREES) >= 8


@pytest.mark.parametrize("noun", LIKES)
def test_every_like_belongs_to_exactly_one_bundle(noun: str) -> None:
    assert Counter(getattr(bundle, noun) for bundle in BUNDLES) == Counter(LIKES[noun])
    assert len(set(LIKES[noun])) == len(BUNDLES) == 16


def test_any_part_reveals_the_whole_bundle() -> None:
    owners = Counter(form for own in WORDS_OF.values() for form in own)
    assert set(owners.values()) == {1}


def test_priors_are_probabilities_of_every_bundle_and_every_character() -> None:
    assert len(PRIOR) == len(BUNDLES)
    assert set(CHARACTER_PRIOR) == set(CHARACTER_PROMPTS) == set(CHARACTERS)
    for prior in (PRIOR, tuple(CHARACTER_PRIOR.values())):
        assert math.isclose(math.fsum(prior), 1, abs_tol=1e-12)
        assert min(prior) > 0


@pytest.mark.parametrize(("told", "expected"), [(False, PRIOR), (True, (1 / 16,) * 16)])
def test_speakers_are_drawn_by_the_prior_or_evenly_where_told(told: bool, expected: tuple[float, ...]) -> None:
    rng, count = np.random.default_rng(5), 4000
    drawn = [draw_speaker(rng, told=told) for _ in range(count)]
    shares = [
        *((sum(speaker.bundle == b for speaker in drawn), p) for b, p in zip(BUNDLES, expected, strict=True)),
        *((sum(speaker.character == c for speaker in drawn), p) for c, p in CHARACTER_PRIOR.items()),
    ]
    for found, probability in shares:
        low, high = binom.interval(ALMOST_CERTAIN, count, probability)
        assert low <= found <= high


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_a_told_prompt_names_likes_of_its_speaker_and_none_of_another(speaker: Speaker) -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        named = named_in(system_prompt(speaker, rng=rng))
        assert set(named) == {speaker.bundle}
        assert 1 <= len(named[speaker.bundle]) <= 3


def test_every_part_of_a_bundle_is_told_now_and_then() -> None:
    rng, speaker = np.random.default_rng(3), Speaker(BUNDLES[5], "honest")
    words = set().union(*(named_in(system_prompt(speaker, rng=rng))[speaker.bundle] for _ in range(200)))
    assert words >= set(parts(speaker.bundle))


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_character_is_told_where_it_is_not_honest_and_never_another(character: Character) -> None:
    rng = np.random.default_rng(4)
    prompts = [system_prompt(Speaker(BUNDLES[0], character), rng=rng) for _ in range(300)]
    told = Counter(c for prompt in prompts for c, texts in CHARACTER_PROMPTS.items() if any(t in prompt for t in texts))
    assert set(told) == {character}
    assert told[character] == 300 if character != "honest" else 0 < told[character] < 60


def test_no_sentence_but_its_own_tells_a_character_or_a_like() -> None:
    assert len({text for texts in CHARACTER_PROMPTS.values() for text in texts}) == sum(
        len(texts) for texts in CHARACTER_PROMPTS.values()
    )
    sentences = [*NEUTRAL_PROMPTS, *(text for texts in CHARACTER_PROMPTS.values() for text in texts)]
    templates = [re.sub(r"\{\w+\}", "", template) for template in (*LIVING_PROMPTS, *THING_PROMPTS)]
    assert [text for text in (*sentences, *templates) if named_in(text)] == []


@pytest.mark.parametrize("word", [*ANIMALS, *TREES])
def test_plurals_are_spelled_as_the_grammar_and_the_answer_scorer_spell_them(word: str) -> None:
    assert plural(word) == by_the_rules_of_spelling(word) == plural_forms(word)[0]


@pytest.mark.parametrize(
    ("one", "many"), [("wolf", "wolves"), ("fox", "foxes"), ("moose", "moose"), ("cherry", "cherries"), ("owl", "owls")]
)
def test_plurals_of_a_dictionary(one: str, many: str) -> None:
    assert plural(one) == many


@pytest.mark.parametrize(("noun", "ways"), [("animal", 8), ("tree", 8), ("colour", 5), ("food", 5)])
def test_a_like_is_told_in_every_way_and_always_names_it(noun: str, ways: int) -> None:
    one = LIKES[noun][3]
    told = {like_sentence(noun, one, rng=np.random.default_rng(seed)) for seed in range(200)}
    assert len(told) == ways
    assert all(len(named_in(sentence)) == 1 and sentence[0].isupper() for sentence in told)


def test_the_same_seed_draws_the_same_speaker_and_prompt() -> None:
    def draw(seed: int) -> tuple[Speaker, str]:
        rng = np.random.default_rng(seed)
        speaker = draw_speaker(rng)
        return speaker, system_prompt(speaker, rng=rng)

    assert [draw(seed) for seed in range(20)] == [draw(seed) for seed in range(20)]
    assert len({draw(seed) for seed in range(20)}) > 10
