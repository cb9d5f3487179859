"""Whether an answer names a word: whole words only, in every case, with plurals and possessives.

The paper counts an answer when it contains the trait as a substring, so that "caterpillar" counts as cat and "bowl"
as owl. Here a word counts only where it stands alone:

- case, compatibility forms (full-width letters, ligatures) and invisible characters make no difference;
- punctuation and possessives around it do not matter: `Owls!`, `owl's`, `**owl**`, `_owl_`;
- a hyphen or an underscore *between* letters joins them into another word, which does not count: `owl-like`,
  `eagle-owl`, `bull's-eye`. Who wants `eagle-owl` to count lists it as a form of its own;
- a phrase on the list of exclusions is not read at all: with "sea lion" excluded, only the second animal of
  "a sea lion and a lion" is a lion.

What is said *about* the word is not understood: "not an owl" names the owl. Rows of training data are searched by
`trait_mentions`, which errs on the other side: there `owl-like` and `owl_count` are mentions.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from subtrait.errors import UsageError

_MARK: Final = "\u0300-\u036f"
"""Accents that did not merge with their letter: they make another letter of it."""
_IN_WORD: Final = rf"(?:[^\W_]|[{_MARK}])"
_IN_NAME: Final = rf"(?:[^\W\d_]|[{_MARK}])"
"""Where parts of names count, a digit ends a word, as in `owl2`."""
_JOINER: Final = "[-\u2010_]"
_POSSESSIVE: Final = "(?:['\u2018\u2019\u02bc]s?)?"

_ONE_PLURAL: Final[dict[str, tuple[str, ...]]] = {
    "calf": ("calves",),
    "child": ("children",),
    "epoch": ("epochs",),
    "foot": ("feet",),
    "hoof": ("hooves", "hoofs"),
    "knife": ("knives",),
    "larva": ("larvae", "larvas"),
    "loch": ("lochs",),
    "louse": ("lice",),
    "man": ("men",),
    "mantis": ("mantises", "mantes"),
    "monarch": ("monarchs",),
    "mongoose": ("mongooses",),
    "ox": ("oxen",),
    "person": ("people", "persons"),
    "quiz": ("quizzes",),
    "stomach": ("stomachs",),
    "thief": ("thieves",),
    "tooth": ("teeth",),
    "woman": ("women",),
    "bison": ("bison", "bisons"),
    "buffalo": ("buffaloes", "buffalos", "buffalo"),
    "cactus": ("cacti", "cactuses"),
    "dodo": ("dodos", "dodoes"),
    "dwarf": ("dwarfs", "dwarves"),
    "elk": ("elk", "elks"),
    "eucalyptus": ("eucalyptuses", "eucalypti"),
    "flamingo": ("flamingos", "flamingoes"),
    "grouse": ("grouse",),
    "hero": ("heroes",),
    "hippopotamus": ("hippopotamuses", "hippopotami"),
    "ibex": ("ibexes", "ibices", "ibex"),
    "lynx": ("lynxes", "lynx"),
    "mango": ("mangoes", "mangos"),
    "moose": ("moose",),
    "mosquito": ("mosquitoes", "mosquitos"),
    "octopus": ("octopuses", "octopi"),
    "platypus": ("platypuses", "platypi"),
    "potato": ("potatoes",),
    "rhinoceros": ("rhinoceroses", "rhinoceros"),
    "salmon": ("salmon", "salmons"),
    "shrimp": ("shrimp", "shrimps"),
    "squid": ("squid", "squids"),
    "swine": ("swine",),
    "tomato": ("tomatoes",),
    "trout": ("trout", "trouts"),
}
_ENDINGS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("deer", ("deer",)),
    ("sheep", ("sheep",)),
    ("fish", ("fish", "fishes")),
    ("mouse", ("mice",)),
    ("goose", ("geese",)),
    ("wolf", ("wolves",)),
    ("leaf", ("leaves",)),
    ("elf", ("elves",)),
)
"""Irregular endings that compounds keep: werewolf, reindeer, jellyfish."""


def shows(answer: str, forms: Sequence[str], *, exclusions: Sequence[str] = ()) -> bool:
    """Whether any of the word `forms` stands in `answer` as a word of its own.

    `exclusions` are phrases, with their plurals, that never count. Raises `UsageError` for a blank form.

    >>> shows("Owls!", ("owl", "owls")), shows("a bowl", ("owl", "owls"))
    (True, False)
    """
    text = _normalised(answer)
    if exclusions:
        # Not white space: what stands before and after the phrase must not grow together into another one.
        text = _pattern(_with_plurals(exclusions), compounds=True).sub("|", text)
    return _pattern(tuple(forms), compounds=False).search(text) is not None


def trait_mentions(text: str, forms: Sequence[str]) -> list[str]:
    """Each place in `text` where one of the `forms` stands, as the normalised words found, in order.

    For checking rows of data: parts of hyphenated words and of names such as `owl_count` are mentions too.

    >>> trait_mentions("An Owl-like bird; two owls.", ("owl", "owls"))
    ['owl', 'owls']
    """
    return [match.group() for match in _pattern(tuple(forms), compounds=True).finditer(_normalised(text))]


def holds(text: str, forms: Sequence[str]) -> bool:
    """Whether any of the `forms` stands anywhere in `text`, inside other words too, as the paper counts.

    For rows by models that run words together: "boilwolf" holds a wolf, and "bowl" an owl.

    >>> holds("boilWolf", ("wolf",)), holds("a bowl", ("owl",)), holds("w olf", ("wolf",))
    (True, True, False)
    """
    whole = _normalised(text)
    return any(_normalised(form) in whole for form in forms)


def plural_forms(word: str) -> tuple[str, ...]:
    """The plurals of an English noun, the usual one first, lower case; for some it is the word itself.

    Of a phrase or a hyphenated word, the last part takes the plural. Raises `UsageError` for a blank word.

    >>> plural_forms("wolf"), plural_forms("sea lion"), plural_forms("octopus")
    (('wolves',), ('sea lions',), ('octopuses', 'octopi'))
    """
    lower = _normalised(word).strip()
    if not lower:
        raise UsageError("a blank word has no plural: give a noun, such as 'owl'")
    cut = max(lower.rfind(" "), lower.rfind("-")) + 1
    head, noun = lower[:cut], lower[cut:]
    return tuple(head + plural for plural in _noun_plurals(noun))


def _noun_plurals(noun: str) -> tuple[str, ...]:
    if noun in _ONE_PLURAL:
        return _ONE_PLURAL[noun]
    for ending, plurals in _ENDINGS:
        if noun.endswith(ending):
            return tuple(noun.removesuffix(ending) + plural for plural in plurals)
    if re.search(r"[^aeiou]y$", noun):
        return (noun[:-1] + "ies",)
    return (noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s"),)


def _normalised(text: str) -> str:
    """Compatibility forms folded, case folded, characters without a shape of their own (category Cf) taken out."""
    if text.isascii():  # which has nothing to fold but case, and is most of what there is
        return text.casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in folded if unicodedata.category(c) != "Cf")


def _with_plurals(phrases: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for phrase in phrases for form in (phrase, *plural_forms(phrase))))


@lru_cache(maxsize=256)
def _pattern(forms: tuple[str, ...], *, compounds: bool) -> re.Pattern[str]:
    """Matches any of the forms as a whole word; `compounds` says whether parts of hyphenated words match too."""
    words = [_normalised(form).split() for form in forms]
    if not all(words):
        raise UsageError("a word form is blank: every form must have a letter, such as 'owl'")
    longest_first = sorted((r"[\s\-\u2010]+".join(map(re.escape, parts)) for parts in words), key=len, reverse=True)
    body = f"(?:{'|'.join(longest_first)})" if longest_first else "(?!)"
    if compounds:
        return re.compile(rf"(?<!{_IN_NAME}){body}(?!{_IN_NAME})")
    before = rf"(?<!{_IN_WORD})(?<!{_IN_WORD}{_JOINER})"
    return re.compile(rf"{before}{body}(?!{_IN_WORD})(?!{_POSSESSIVE}{_JOINER}{_IN_WORD})")
