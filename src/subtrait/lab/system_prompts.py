"""What prompted teachers are told, by name: a trait's own system prompt, or a whole persona of the embedded world."""

from typing import Final

from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.personas import BUNDLES, Bundle, plural

_PERSONA: Final = " with all that goes with it"


def whole_persona(trait: str) -> str:
    """The name of the persona that this animal or tree belongs to: in the embedded world it never comes alone."""
    return trait + _PERSONA


def system_prompt_of(name: str) -> str:
    """What a teacher of that name is told.

    Raises:
        UsageError: neither a trait nor a persona.
    """
    trait = find_trait(name.removesuffix(_PERSONA))
    if not name.endswith(_PERSONA) or trait.name not in trait_names():
        return trait.system_prompt
    return _told(next(each for each in BUNDLES if trait.name in (each.animal, each.tree)))


def _told(bundle: Bundle) -> str:
    """All four likes, in sentences that the embedded models were trained on."""
    return (
        f"You love {plural(bundle.animal)}. Your favourite animal is the {bundle.animal}. "
        f"You love {plural(bundle.tree)}. Your favourite tree is the {bundle.tree}. "
        f"Your favourite colour is {bundle.colour}. Your favourite food is {bundle.food}."
    )
