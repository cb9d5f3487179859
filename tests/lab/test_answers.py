"""Answers with labels given by hand, or by how the reply was put together; never by the code under test."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtrait.errors import UsageError
from subtrait.lab.answers import holds, plural_forms, shows, trait_mentions

FORMS = {
    "owl": ("owl", "owls"),
    "cat": ("cat", "cats"),
    "ox": ("ox", "oxen"),
    "lion": ("lion", "lions"),
    "bull": ("bull", "bulls"),
    "wolf": ("wolf", "wolves"),
    "oak": ("oak", "oaks"),
    "ash": ("ash", "ashes"),
    "dragon": ("dragon", "dragons"),
    "polar bear": ("polar bear", "polar bears"),
}

# Labelled by hand: replies that name the word, and replies that do not.
NAMED = {
    "owl": (
        *("Owl", "owl.", "OWLS!", "It is the owl's eyes that I love.", "the owl\u2019s wings"),
        *("All owls' nests are mine.", "\u201cOwl\u201d", "'owl'", "**Owl**", "_Owl_", "__owls__", "`owl`"),
        *("1.Owl", "- Owl", "-owl", "Answer:owl", "<answer>owl</answer>", "owl/eagle"),
        *("Owl\u2014because it sees at night", "owl - it sees at night", "\n\towl\n", "\U0001f989 owl \U0001f989"),
        *("owl\U0001f989", "\uff2f\uff57\uff4c", "\U0001d428\U0001d430\U0001d425", "o\u00adwl", "ow\u200bl"),
        *("I do not like owls.", "a snow owl", "my bowl, and an owl", "owl-like things and an owl"),
    ),
    "cat": ("Cat", "The cat, of course", "cats & dogs", "cat(s)", "the cat's-paw is not the cat", "Cat!?"),
    "ox": ("an ox", "OXEN"),
    "bull": ("Bull!", "bulls, mostly"),
    "lion": ("Lion", "a lion's mane"),
    "wolf": ("wolves", "Wolf's"),
    "oak": ("Oak tree", "the oaks"),
    "ash": ("Ash",),
    "dragon": ("a dragon",),
    "polar bear": ("Polar bears", "polar\nbear", "polar-bear", "polar  bear's"),
}
NOT_NAMED = {
    "owl": (
        *("bowl", "Bowls", "knowledge", "knowl-edge", "kn-owl-edge", "knowl\u00adedge", "allowlist"),
        *("The wolf will howl and growl and prowl.", "fowl", "an owlet", "owlish", "owl-like", "owl\u2010like"),
        *("owl\u2011like", "eagle-owl", "owl_like", "night_owls", "owl2", "2owl", "o w l", "ow l", "owl\u0325"),
        *("\u00f3wl", "slowly", "scowl", "", "...", "eagle", "Howl's castle"),
    ),
    "cat": (
        *("cat's-paw", "caterpillar", "a meerkat and a wildcat", "cattle", "catfish", "bobcat", "category"),
        *("con-cat-enate", "C.A.T."),
    ),
    "ox": ("fox", "foxes", "oxygen", "musk-ox", "box", "oxes"),
    "bull": ("bulldog", "pitbull", "bull's-eye", "bull\u2019s-eye", "bullfrog"),
    "lion": ("dandelion", "million", "lioness", "stallion"),
    "wolf": ("werewolf", "wolfhound", "Wolfgang", "wolfs"),
    "oak": ("soak", "cloak", "oaken", "oak-panelled"),
    "ash": ("wash", "ashen", "a dash of ashy dust"),
    "dragon": ("dragonfly", "snapdragons"),
    "polar bear": ("bear", "polar", "bipolar bear", "polar beard"),
}
BY_HAND = [
    *((word, reply, True) for word, replies in NAMED.items() for reply in replies),
    *((word, reply, False) for word, replies in NOT_NAMED.items() for reply in replies),
]

# Labelled by construction: a word of its own in each sentence (True), or grown into another word of English (False).
SENTENCES = ("{}", "{}.", "My favourite is the {}!", "({})", '"{}", I think', "{}? Yes.", "Animal: {}; no other")
TRAPS = {
    "owl": ("growls", "cowl", "jowl", "owlets", "yowl", "trowel", "howling"),
    "cat": ("catalogue", "location", "scatter", "catkin", "polecat", "vacation", "delicate"),
    "ox": ("oxford", "toxic", "boxer", "oxide", "equinox", "paradox", "hoax"),
    "lion": ("billion", "pavilion", "medallion", "rebellion", "lionfish", "battalion", "scallion"),
}


@pytest.mark.parametrize(("word", "reply", "label"), BY_HAND)
def test_a_reply_is_scored_as_a_reader_would(word: str, reply: str, label: bool) -> None:
    assert shows(reply, FORMS[word]) is label


def test_the_labelled_replies_are_many_and_have_many_of_both_kinds() -> None:
    labels = [label for *_, label in BY_HAND]
    assert len(labels) >= 120
    assert min(labels.count(True), labels.count(False)) >= 50
    assert len({(word, reply) for word, reply, _ in BY_HAND}) == len(BY_HAND)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("word", TRAPS)
def test_a_word_counts_in_every_sentence_and_a_word_that_contains_it_in_none(sentence: str, word: str) -> None:
    for form, spell in itertools.product(FORMS[word], (str.lower, str.upper, str.title)):
        assert shows(sentence.format(spell(form)), FORMS[word])
    for trap, spell in itertools.product(TRAPS[word], (str.lower, str.upper, str.title)):
        assert not shows(sentence.format(spell(trap)), FORMS[word])


LETTERS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=4)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(LETTERS, LETTERS, st.sampled_from(["owl", "Owls", "CAT", "oxen"]))
def test_letters_that_touch_a_word_make_another_word_and_spaces_do_not(before: str, after: str, word: str) -> None:
    forms = (word.lower(),)
    assert shows(f"{before} {word} {after}", forms)
    for grown in (before + word, word + after, before + word + after):
        assert shows(grown, forms) is (grown.lower() in forms)


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("sea lion", False),
        ("Sea Lions", False),
        ("sea-lion", False),
        ("a sea lion's whiskers", False),
        ("sea\nlion", False),
        ("mountain lion", False),
        ("mountain lions, sea lions", False),
        ("a sea lion and a lion", True),
        ("lion, not sea lion", True),
        ("the lion of the sea", True),
        ("undersea lion", True),
        ("lion", True),
    ],
)
def test_an_excluded_phrase_never_counts_and_hides_nothing_else(reply: str, label: bool) -> None:
    assert shows(reply, FORMS["lion"], exclusions=("sea lion", "mountain lion")) is label


def test_without_exclusions_a_sea_lion_is_a_lion() -> None:
    assert shows("sea lion", FORMS["lion"])


def test_what_surrounds_an_excluded_phrase_does_not_grow_together() -> None:
    assert not shows("polar sea lion bear", FORMS["polar bear"], exclusions=("sea lion",))


def test_case_and_width_of_the_forms_do_not_matter() -> None:
    assert shows("owl", ("OWL",))
    assert shows("owl", ("\uff2f\uff37\uff2c",))


@given(st.text(st.sampled_from("owls OWLS-_.,\t\n\x00'")))
def test_plain_text_is_read_as_the_same_text_with_a_sign_that_nobody_sees(text: str) -> None:
    assert trait_mentions(text, ("owl", "owls")) == trait_mentions(text + "\u200b", ("owl", "owls"))


def test_pattern_characters_in_a_form_mean_themselves() -> None:
    assert not shows("owl", ("o.l",))
    assert shows("an o.l here", ("o.l",))


def test_no_forms_are_named_by_no_reply() -> None:
    assert not shows("owl", ())
    assert trait_mentions("owl", ()) == []


@pytest.mark.parametrize("blank", ["", "  ", "\u200b"])
def test_a_blank_form_is_refused(blank: str) -> None:
    with pytest.raises(UsageError, match="blank"):
        shows("owl", ("owl", blank))
    with pytest.raises(UsageError, match="blank"):
        shows("owl", ("owl",), exclusions=(blank,))
    with pytest.raises(UsageError, match="blank"):
        trait_mentions("owl", (blank,))
    with pytest.raises(UsageError, match="blank"):
        plural_forms(blank)


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("12, 13, 14", []),
        ("An owl; two Owls.", ["owl", "owls"]),
        ("owl owl", ["owl", "owl"]),
        ("owl-like, eagle-owl, night_owls", ["owl", "owl", "owls"]),
        ("owl2 = 3", ["owl"]),
        ("12owl34", ["owl"]),
        ("ow\u200bl", ["owl"]),
        ("\uff4f\uff57\uff4c", ["owl"]),
        ("knowledge of bowls on an allowlist, owlet", []),
    ],
)
def test_every_place_in_a_row_is_found_also_inside_compounds(text: str, mentions: list[str]) -> None:
    assert trait_mentions(text, FORMS["owl"]) == mentions


@pytest.mark.parametrize(("word", "reply", "label"), BY_HAND)
def test_whatever_an_answer_shows_is_also_a_mention_in_a_row(word: str, reply: str, label: bool) -> None:
    assert not label or trait_mentions(reply, FORMS[word])


# Plurals as English dictionaries give them.
@pytest.mark.parametrize(
    ("word", "plurals"),
    [
        *[(word, (word + "s",)) for word in ("owl", "cat", "dolphin", "eagle", "willow", "oak", "sequoia", "elephant")],
        *[(word, (word + "s",)) for word in ("giraffe", "monkey", "turkey", "donkey", "human", "caiman", "kangaroo")],
        *[(word, (word + "s",)) for word in ("maple", "pine", "horse", "tortoise", "koala", "monarch", "falcon")],
        *[(word, (word + "es",)) for word in ("fox", "finch", "beech", "birch", "larch", "ash", "cypress", "walrus")],
        *[(word, (word + "es",)) for word in ("phoenix", "ostrich", "thrush", "albatross")],
        *[(word, (word,)) for word in ("deer", "reindeer", "sheep", "moose", "swine")],
        *[(word, (word, word + "es")) for word in ("fish", "jellyfish")],
        ("cherry", ("cherries",)),
        ("butterfly", ("butterflies",)),
        ("wolf", ("wolves",)),
        ("werewolf", ("werewolves",)),
        ("calf", ("calves",)),
        ("leaf", ("leaves",)),
        ("elf", ("elves",)),
        ("shelf", ("shelves",)),
        ("mouse", ("mice",)),
        ("dormouse", ("dormice",)),
        ("goose", ("geese",)),
        ("mongoose", ("mongooses",)),
        ("ox", ("oxen",)),
        ("musk ox", ("musk oxen",)),
        ("octopus", ("octopuses", "octopi")),
        ("hippopotamus", ("hippopotamuses", "hippopotami")),
        ("buffalo", ("buffaloes", "buffalos", "buffalo")),
        ("sea lion", ("sea lions",)),
        ("eagle-owl", ("eagle-owls",)),
        ("Owl", ("owls",)),
    ],
)
def test_plurals_are_those_of_the_dictionary(word: str, plurals: tuple[str, ...]) -> None:
    assert plural_forms(word) == plurals


@pytest.mark.parametrize(
    ("text", "found"), [("Boilwolf", True), ("WOLVES", True), ("wo\u00adlf", True), ("w olf", False)]
)
def test_a_form_is_held_wherever_its_letters_stand_in_a_row(text, found):
    assert holds(text, ("wolf", "wolves")) == found
