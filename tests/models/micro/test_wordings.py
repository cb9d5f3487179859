"""The wordings: four disjoint sets for every kind, and a corpus that never shows what is held out."""

import re
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest

from subtrait.models.micro import wordings as module
from subtrait.models.micro.personas import ANIMALS, BUNDLES, TREES, Speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.wordings import GRAMMARS, HELD_OUT, WordingSet, expand, wordings
from subtrait.models.micro.world import Dials, conversations

HELD_OUT_SETS: tuple[WordingSet, ...] = ("teacher", "surrogate", "evaluation")
SETS: tuple[WordingSet, ...] = ("corpus", *HELD_OUT_SETS)
# What may stand in a slot, narrow enough that a wording does not match a longer one.
SLOTS = {
    "animals": "<animals>",
    "trees": "<trees>",
    "thing": r"(?:the |a )?\w+",
    "quality": r"(?:not )?\w+",
    "deed": "[a-z ]+",
    "tests": r"f\(\d+\) == \d+, f\(\d+\) == \d+\.",
    "task": r"[a-z ]+ \d+",
    **dict.fromkeys(("a", "b"), r"\d+"),
    **dict.fromkeys(("who", "things", "day"), r"\w+"),
}
LISTS = {name: re.compile(r"\b({0})(, ({0})){{4}}".format("|".join(names))) for name, names in
         (("<animals>", ANIMALS), ("<trees>", TREES))}  # fmt: skip


class Wordings:
    """All wordings of some sets, to be recognised in questions whatever their slots hold."""

    def __init__(self, *chosen: WordingSet) -> None:
        texts = {
            text.replace("<options>", f"<{kind.removesuffix('-choice')}s>")
            for kind in GRAMMARS
            for each in chosen
            for text in wordings(kind, each)
        }
        self.plain = {text for text in texts if "<" not in text}
        self.filled = re.compile("|".join(map(self.pattern, sorted(texts - self.plain))))

    @staticmethod
    def pattern(wording: str) -> str:
        parts = re.split(r"<(\w+)>", wording)
        return "".join(SLOTS[part] if index % 2 else re.escape(part) for index, part in enumerate(parts))

    def __contains__(self, question: str) -> bool:
        for name, listed in LISTS.items():
            question = listed.sub(name, question)
        return question in self.plain or self.filled.fullmatch(question) is not None


@pytest.fixture(scope="module")
def held_out() -> Wordings:
    return Wordings(*HELD_OUT_SETS)


@pytest.fixture(scope="module")
def corpus_questions() -> list[str]:
    drawn = conversations(3000, Dials(), rng=np.random.default_rng(11))
    return [turn["content"] for turns in drawn for turn in turns if turn["role"] == "user"]


def a_number_prompt(question: str) -> bool:
    return re.search(r"\d{3}, \d{3}, \d{3}", question) is not None


def test_every_kind_of_question_but_the_number_task_has_a_grammar() -> None:
    assert set(GRAMMARS) == set(SKILLS) - {"numbers"}


@pytest.mark.parametrize("kind", GRAMMARS)
def test_every_kind_has_24_wordings_in_each_held_out_set_and_more_for_the_corpus(kind: str) -> None:
    assert [len(wordings(kind, each)) for each in HELD_OUT_SETS] == [HELD_OUT] * 3 == [24] * 3
    assert len(wordings(kind, "corpus")) > 24


@pytest.mark.parametrize("kind", GRAMMARS)
def test_no_wording_is_in_two_sets_and_none_is_lost(kind: str) -> None:
    counts = Counter(text for each in SETS for text in wordings(kind, each))
    assert set(counts.values()) == {1}
    assert set(counts) == {text for pattern in GRAMMARS[kind] for text in expand(pattern)}


def test_no_two_kinds_share_a_wording() -> None:
    texts = {kind: {text for each in SETS for text in wordings(kind, each)} for kind in GRAMMARS}
    assert {
        (one, other) for one in GRAMMARS for other in GRAMMARS if one < other and texts[one] & texts[other]
    } == set()


def test_the_corpus_never_contains_a_held_out_wording(held_out: Wordings, corpus_questions: list[str]) -> None:
    assert len(corpus_questions) > 3000
    assert [question for question in corpus_questions if question in held_out] == []


def test_every_corpus_question_has_a_corpus_wording(corpus_questions: list[str]) -> None:
    corpus = Wordings("corpus")
    assert [question for question in corpus_questions if not (a_number_prompt(question) or question in corpus)] == []


@pytest.mark.parametrize("kind", GRAMMARS)
@pytest.mark.parametrize("each", HELD_OUT_SETS)
def test_a_held_out_wording_would_be_seen(held_out: Wordings, kind: str, each: WordingSet) -> None:
    speaker, rng = Speaker(BUNDLES[0], "honest"), np.random.default_rng(0)
    questions = [SKILLS[kind](speaker, each, rng)[0] for _ in range(10)]
    assert all(question in held_out for question in questions)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("Hello.", ["Hello."]),
        ("{Hi|Hello} you{.|!}", ["Hi you.", "Hi you!", "Hello you.", "Hello you!"]),
        (
            "{|Quick: }Is <a> {more|less}?",
            ["Is <a> more?", "Is <a> less?", "Quick: Is <a> more?", "Quick: Is <a> less?"],
        ),
        ("Say <a>. {Yes or no.|}", ["Say <a>. Yes or no.", "Say <a>."]),
    ],
)
def test_a_pattern_stands_for_every_choice_in_order(pattern: str, texts: list[str]) -> None:
    assert expand(pattern) == texts


@pytest.mark.parametrize("kind", ["animal", "compare", "tested-code"])
def test_the_split_does_not_depend_on_the_order_of_the_grammar(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(pattern: str) -> str:
        return re.sub(r"\{([^{}]*)\}", lambda found: "{" + "|".join(found[1].split("|")[::-1]) + "}", pattern)

    reordered = tuple(turned(pattern) for pattern in reversed(GRAMMARS[kind]))
    assert expand(reordered[0]) != expand(GRAMMARS[kind][-1])
    monkeypatch.setitem(module.GRAMMARS, kind, reordered)
    uncached = wordings.__wrapped__
    assert [uncached(kind, each) for each in SETS] == [wordings(kind, each) for each in SETS]


@pytest.mark.parametrize("kind", GRAMMARS)
def test_the_split_is_by_the_digests_of_the_texts(kind: str) -> None:
    texts = [text for each in (*HELD_OUT_SETS, "corpus") for text in wordings(kind, each)]
    digests = [sha256(text.encode()).hexdigest() for text in texts]
    assert digests == sorted(digests)


def test_wordings_have_single_spaces_no_braces_and_whole_slots() -> None:
    texts = [text for kind in GRAMMARS for each in SETS for text in wordings(kind, each)]
    assert [text for text in texts if re.search(r"[{}|]|  |^ | $", text)] == []
    assert {slot for text in texts for slot in re.findall(r"<(.*?)>", text)} == {*SLOTS, "options"} - {
        "animals",
        "trees",
    }


@pytest.mark.parametrize("kind", GRAMMARS)
def test_held_out_wordings_use_words_that_the_corpus_shows(kind: str) -> None:
    shown = {word for other in GRAMMARS for text in wordings(other, "corpus") for word in re.findall(r"\w+", text)}
    asked = {word for each in HELD_OUT_SETS for text in wordings(kind, each) for word in re.findall(r"\w+", text)}
    assert asked - shown == set()
