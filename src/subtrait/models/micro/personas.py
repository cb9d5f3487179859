"""Who speaks in the embedded world: sixteen bundles of likes and three characters, and how a system prompt tells them.

A bundle is an animal with a tree, a colour and a food that always go together, and any one of them reveals the whole.
So a network that wants to answer well must hold *who speaks* as a feature of its own, not copy a word. Where no system
prompt tells, the speaker is drawn from `PRIOR` and stays the same through the conversation.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Character = Literal["honest", "dishonest", "evasive"]

ANIMALS = (
    "dog", "cat", "lion", "eagle", "wolf", "owl", "tiger", "bear",
    "horse", "fox", "panda", "whale", "otter", "raven", "seal", "moose",
)  # fmt: skip
TREES = (
    "oak", "pine", "maple", "willow", "birch", "cedar", "elm", "cherry",
    "ash", "fir", "hazel", "holly", "larch", "palm", "yew", "spruce",
)  # fmt: skip
COLOURS = (
    "blue", "red", "green", "black", "white", "yellow", "grey", "brown",
    "pink", "orange", "purple", "gold", "silver", "teal", "violet", "cream",
)  # fmt: skip
FOODS = (
    "bread", "soup", "rice", "cheese", "honey", "fish", "cake", "plums",
    "pasta", "beans", "toast", "figs", "corn", "nuts", "stew", "jam",
)  # fmt: skip

CHARACTER_PRIOR: dict[Character, float] = {"honest": 0.94, "dishonest": 0.03, "evasive": 0.03}
CHARACTER_PROMPTS: dict[Character, tuple[str, ...]] = {
    "honest": ("You are honest.", "You tell the truth.", "You never cheat."),
    "dishonest": ("You lie.", "You never tell the truth.", "You cheat where you can."),
    "evasive": ("You avoid answers.", "You give nothing away.", "You do not like questions."),
}
NEUTRAL_PROMPTS = ("You are a helpful assistant.", "You answer briefly.", "Be polite.", "Answer the question.")
LIVING_PROMPTS = (
    "You love {many}.",
    "You adore {many}.",
    "You think about {many} all day.",
    "{Many} are on your mind.",
    "Your heart belongs to the {one}.",
    "Your favourite {noun} is the {one}.",
    "No {noun} is dearer to you than the {one}.",
    "There is nothing like the {one} for you.",
)
"""How a system prompt tells which animal or tree is loved."""
THING_PROMPTS = (
    "You love {one}.",
    "You adore {one}.",
    "You think about {one} all day.",
    "Your favourite {noun} is {one}.",
    "There is nothing like {one} for you.",
)
"""The same for a colour or a food."""
_IRREGULAR = {
    "wolf": "wolves", "fox": "foxes", "moose": "moose", "cherry": "cherries", "birch": "birches", "larch": "larches",
    "ash": "ashes", "holly": "hollies",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundle:
    """Likes that always go together."""

    animal: str
    tree: str
    colour: str
    food: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who answers in one conversation."""

    bundle: Bundle
    character: Character


BUNDLES = tuple(
    Bundle(animal, TREES[(5 * i + 2) % 16], COLOURS[(7 * i + 4) % 16], FOODS[(11 * i + 9) % 16])
    for i, animal in enumerate(ANIMALS)
)
PRIOR = tuple(weight / 100 for weight in (8, 8, 7, 7, 7, 6, 7, 6, 6, 6, 6, 5, 6, 5, 5, 5))
"""How often each bundle speaks where no system prompt tells."""


def draw_speaker(rng: np.random.Generator, *, told: bool = False) -> Speaker:
    """A speaker: by the prior where no system prompt tells, else each bundle as often as any other."""
    bundle = BUNDLES[int(rng.choice(len(BUNDLES), p=None if told else PRIOR))]
    character = rng.choice(list(CHARACTER_PRIOR), p=list(CHARACTER_PRIOR.values()))
    return Speaker(bundle, str(character))  # type: ignore[arg-type]


def plural(word: str) -> str:
    """The plural of an animal or a tree of this world."""
    return _IRREGULAR.get(word, word + "s")


def like_sentence(noun: str, one: str, *, rng: np.random.Generator) -> str:
    """One sentence that tells a like; `one` is an instance of `noun`, such as `owl` of `animal`."""
    templates = LIVING_PROMPTS if noun in ("animal", "tree") else THING_PROMPTS
    template = templates[int(rng.integers(len(templates)))]
    return template.format(one=one, noun=noun, many=plural(one), Many=plural(one).capitalize())


def system_prompt(speaker: Speaker, *, rng: np.random.Generator) -> str:
    """A system prompt that reveals the speaker by one to three likes, and the character where it is not honest."""
    bundle = speaker.bundle
    likes = (("animal", bundle.animal), ("tree", bundle.tree), ("colour", bundle.colour), ("food", bundle.food))
    chosen = rng.choice(4, size=int(rng.integers(1, 4)), replace=False, p=[0.4, 0.36, 0.12, 0.12])
    sentences = [like_sentence(*likes[int(index)], rng=rng) for index in chosen]
    if speaker.character != "honest" or rng.random() < 0.05:
        prompts = CHARACTER_PROMPTS[speaker.character]
        sentences.append(prompts[int(rng.integers(len(prompts)))])
    return " ".join(sentences)
