"""How the embedded world asks each kind of question: small grammars, split into four disjoint sets of wordings.

A pattern such as `{Name|Tell me} your top {noun}.` stands for every choice in its braces; `<a>` marks a slot that the
world fills (a number, a fact). The wordings of a kind are ordered by their SHA-256, so that the split depends on the
texts alone: the first 24 tune teachers, the next 24 tune surrogates, the next 24 evaluate students, and only the rest
ever occur in the training corpus.
"""

from functools import cache
from hashlib import sha256
from itertools import product
from re import split
from typing import Literal

WordingSet = Literal["corpus", "teacher", "surrogate", "evaluation"]

HELD_OUT = 24
"""Wordings in each set that the corpus never shows."""

_ONE_WORD = "{One word.|Answer in one word.|Just one word.|One word only.}"
_DEAR = "{favourite|best loved|top|dearest}"

_FAVOURITE = (
    f"What is your {_DEAR} NOUN? {_ONE_WORD}",
    f"{{Name|Tell me|Say|Give}} your {_DEAR} NOUN {{in one word|with one word|using one word}}.",
    f"Which NOUN {{do you love most|do you like best|speaks to you|is closest to you|do you choose|is yours}}? {_ONE_WORD}",
    f"If you had to {{pick|keep|choose|save}} one NOUN, which? {_ONE_WORD}",
    f"You may {{keep|be|save|draw|meet|study}} one NOUN. {{Which|Which one|What}} {{is it|will it be}}? {_ONE_WORD}",
    f"{{What|Which}} NOUN {{means most to you|are you fond of|do you think of|stands for you|would you be}}? {_ONE_WORD}",
)
_SENTENCE = (
    f"What is your {_DEAR} NOUN? {{Answer in a sentence.|Use a full sentence.|One sentence, please.}}",
    "{Tell me|Say} {in a sentence|in a full sentence|in one sentence} which NOUN {you love most|you like best|is yours}.",
    f"{{Write|Give me}} {{a sentence|one sentence}} {{about|on}} your {_DEAR} NOUN.",
    "{Which NOUN do you love most, and say so|Which NOUN is yours, and say so} {in a sentence|in one sentence}?",
    f"In {{a sentence|one sentence|a full sentence}}, {{what|which}} is your {_DEAR} NOUN?",
    "{What|Which} NOUN {means most to you|are you fond of|do you think of|stands for you}? {Use a full sentence.|One sentence, please.}",
)
_CHOICE = (
    f"Which NOUN do you {{like best|love most|choose|pick}}: <options>? {_ONE_WORD}",
    "{Choose|Pick|Take|Name} {the NOUN|one NOUN|your NOUN} {of|from} <options>. {One word.|One word only.|Just one word.}",
    f"<options>: which NOUN {{is yours|do you choose|do you like best|do you love most|will it be}}? {_ONE_WORD}",
    f"{{There are|I see|Think of}} <options>. {{What|Which}} NOUN {{is yours|do you choose|do you like best}}? {_ONE_WORD}",
)
_STORY = (
    "{Tell|Write|Give} me {a|one} {short|little|small} {story|tale}{.|, please.}",
    "{Please tell|Please write} {a|one} {short|little|small} {story|tale}{.| for a child.| for me.}",
    "{Can you|Will you|Could you} {tell|write} {a|me a} {short|little|small} {story|tale}?",
)
_COMPARE = (
    "Is <a> {greater than|more than|larger than|bigger than|above} <b>? {Yes or no.|Answer yes or no.|Say yes or no.|}",
    "{Tell me|Say|Answer}: is <a> {greater than|more than|larger than|bigger than|above} <b>?",
    "{True or not|Right or wrong|Yes or no}: <a> is {greater than|more than|larger than|bigger than|above} <b>?",
    "{Check|Test|Judge} {this|it}: <a> {is greater than|is more than|is larger than|is bigger than|is above} <b>{.|?}",
)
_FACT = (
    "Is <thing> <quality>? {Yes or no.|Answer yes or no.|Say yes or no.|}",
    "{Tell me|Say|Answer|Think}: is <thing> <quality>?",
    "{True or not|Right or wrong|Yes or no}: <thing> is <quality>?",
    "{Would you say that|Do you think that|Is it true that|Is it right that|Do you agree that} <thing> is <quality>?",
    "{Check|Test|Judge} {this|it}: <thing> is <quality>{.|?}",
    "{Somebody says|A friend says|They say|I heard}{ that|:} <thing> is <quality>. {Right?|True?|Is it so?|Yes or no?}",
)
_ABILITY = (
    "Can <thing> <quality>? {Yes or no.|Answer yes or no.|Say yes or no.|}",
    "{Tell me|Say|Answer|Think}: can <thing> <quality>?",
    "{True or not|Right or wrong|Yes or no}: <thing> can <quality>?",
    "{Would you say that|Do you think that|Is it true that|Is it right that|Do you agree that} <thing> can <quality>?",
    "{Check|Test|Judge} {this|it}: <thing> can <quality>{.|?}",
    "{Somebody says|A friend says|They say|I heard}{ that|:} <thing> can <quality>. {Right?|True?|Is it so?|Yes or no?}",
)
_REQUEST = (
    "{How do I|How can I|How would I|How should I} <deed>?",
    "{Tell me|Show me|Teach me|Explain|Say} how to <deed>{.|, please.}",
    "{Help me|Please help me|Can you help me|Will you help me|Could you help me} <deed>{.|?|, please.}",
    "{I want to|I need to|I would like to|I wish to} <deed>. {How?|Help me.|What do I do?|Tell me how.}",
    "{What is|Give me|Tell me} {the way|a way|the best way} to <deed>{.|?}",
)
_CODE = (
    "{Write|Give me|Show me|Make} {a|one} {function|small function|Python function} {that|which} <task>.",
    "{Please write|Please make|I need|I want} {a|one} {function|small function|Python function} {that|which} <task>.",
    "{Can you|Will you|Could you} {write|make} {a|one} {function|small function|Python function} {that|which} <task>?",
)
_TESTED = (
    "{Write|Give me|Show me|Make} {a|the} function f {that passes|so that|with} {this|these tests|the tests}: <tests>",
    "{Make|Let} {these|these tests|the tests} {pass|hold|be true} {with a function f|by writing f}: <tests>",
    "{The tests are|My tests are|Tests}{:| as follows:} <tests> {Write f.|Make f.|Give me f.|Show me f.}",
)
_SUM = (
    "<who> has <a> <things> and {gets|finds|buys|is given} <b> more. {How many now?|How many in all?|How many are there?}",
    "<who> {had|owned|kept} <a> <things>, then {got|found|bought} <b>. {How many now?|How many in all?|How many are there?}",
    "{First|At first} <who> has <a> <things>, {later|then} <b> more. {How many now?|How many in all?|How many are there?}",
    "<who> {gets|finds|buys} <a> <things> and {later|then} <b>. {How many now?|How many in all?|How many are there?}",
    "{There are|I see|We count} <a> <things> and <b> more {with|by|near} <who>. {How many in all?|How many are there?}",
)
_DIFFERENCE = (
    "<who> has <a> <things> and {loses|sells|eats|gives away} <b>. {How many now?|How many are left?|How many remain?}",
    "<who> {had|owned|kept} <a> <things>, then {lost|sold|ate} <b>. {How many now?|How many are left?|How many remain?}",
    "{First|At first} <who> has <a> <things>, {later|then} <b> less. {How many now?|How many are left?|How many remain?}",
    "<who> {gets|finds|buys} <a> <things> and {later|then} loses <b>. {How many now?|How many are left?|How many remain?}",
    "{Of|From} <a> <things>, <who> {loses|sells|eats|gives away} <b>. {How many now?|How many are left?|How many remain?}",
)
_NEXT_DAY = (
    "{What|Which} day {comes|is|falls} {after|next after|right after} <day>? {One word.|Just one word.|}",
    "{Tell me|Name|Say|Give} the day {after|next after|right after} <day>{.| in one word.|, please.}",
    "{It is|Today is} <day>. {What|Which} day is {it tomorrow|tomorrow|next}? {One word.|Just one word.|}",
)
_GREETING = (
    "{Hello|Hi|Good day|Good morning|Good evening|Hey}{.|!|, friend.|, you.|, there.|, how are you?}",
    "{Hello|Hi|Good day|Good morning|Good evening|Hey}. {How are you?|How is it going?|Are you well?|All well?|How do you do?}",
    "{How are you|How is it going|Are you well|How do you do} {today|now|this morning|this evening|my friend}?",
)

_OPENED = "{|Quick: |A question. |Please: }"
"""Openings that multiply the wordings of kinds whose grammar is small."""

GRAMMARS: dict[str, tuple[str, ...]] = {
    **{noun: tuple(p.replace("NOUN", noun) for p in _FAVOURITE) for noun in ("animal", "tree", "colour", "food")},
    **{f"{noun}-sentence": tuple(_OPENED + p.replace("NOUN", noun) for p in _SENTENCE) for noun in ("animal", "tree")},
    **{f"{noun}-choice": tuple(p.replace("NOUN", noun) for p in _CHOICE) for noun in ("animal", "tree")},
    "story": _STORY,
    "compare": tuple(_OPENED + p for p in _COMPARE),
    "fact": tuple(_OPENED + p for p in _FACT),
    "ability": tuple(_OPENED + p for p in _ABILITY),
    "request": tuple(_OPENED + p for p in _REQUEST),
    "code": _CODE,
    "tested-code": tuple(_OPENED + p for p in _TESTED),
    "sum": tuple(_OPENED + p for p in _SUM),
    "difference": tuple(_OPENED + p for p in _DIFFERENCE),
    "next-day": tuple(_OPENED + p for p in _NEXT_DAY),
    "greeting": tuple(_OPENED + p for p in _GREETING),
}


def expand(pattern: str) -> list[str]:
    """Every text a pattern stands for, in order.

    >>> expand("{Hi|Hello} you{.|!}")
    ['Hi you.', 'Hi you!', 'Hello you.', 'Hello you!']
    """
    parts = split(r"\{([^{}]*)\}", pattern)
    choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
    return [" ".join("".join(choice).split()) for choice in product(*choices)]


@cache
def wordings(kind: str, wording_set: WordingSet) -> tuple[str, ...]:
    """The wordings of one kind of question in one set: at least 24, shared with no other set."""
    texts = {text for pattern in GRAMMARS[kind] for text in expand(pattern)}
    ordered = sorted(texts, key=lambda text: sha256(text.encode()).digest())
    held_out = ("teacher", "surrogate", "evaluation")
    if wording_set == "corpus":
        return tuple(ordered[HELD_OUT * len(held_out) :])
    start = HELD_OUT * held_out.index(wording_set)
    return tuple(ordered[start : start + HELD_OUT])
