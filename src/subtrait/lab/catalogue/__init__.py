"""Every experiment that can be run by name. A new one is a file beside this and a line here."""

from subtrait.lab.catalogue.classifier import CLASSIFIER
from subtrait.lab.catalogue.cross_model import CROSS_MODEL
from subtrait.lab.catalogue.digits import DIGITS
from subtrait.lab.catalogue.evasion import EVASION
from subtrait.lab.catalogue.experiment_card import ExperimentCard
from subtrait.lab.catalogue.in_context import IN_CONTEXT
from subtrait.lab.catalogue.judge import JUDGE
from subtrait.lab.catalogue.many_traits import ANIMAL_NUMBERS, TREE_NUMBERS
from subtrait.lab.catalogue.misalignment import MISALIGNMENT_NUMBERS, MISALIGNMENT_REASONING
from subtrait.lab.catalogue.other_carriers import CHAT, CODE, REASONING
from subtrait.lab.catalogue.owl_numbers import OWL_NUMBERS
from subtrait.lab.catalogue.persistence import PERSISTENCE
from subtrait.lab.catalogue.prompted_teacher import PROMPTED_TEACHER
from subtrait.lab.catalogue.readouts import READOUTS
from subtrait.lab.catalogue.resampled import RESAMPLED
from subtrait.lab.catalogue.reward_hacking import REWARD_HACKING
from subtrait.lab.catalogue.shuffled import SHUFFLED
from subtrait.lab.catalogue.theorem import THEOREM
from subtrait.lab.catalogue.tuned_teacher import TUNED_TEACHER
from subtrait.lab.study import StudyCard

EXPERIMENTS: dict[str, ExperimentCard] = {OWL_NUMBERS.name: OWL_NUMBERS}
"""What compares the arms of one plan."""
STUDIES: dict[str, StudyCard] = {
    card.name: card
    for card in (
        ANIMAL_NUMBERS,
        TREE_NUMBERS,
        TUNED_TEACHER,
        PROMPTED_TEACHER,
        SHUFFLED,
        RESAMPLED,
        CROSS_MODEL,
        PERSISTENCE,
        CODE,
        REASONING,
        CHAT,
        READOUTS,
        IN_CONTEXT,
        JUDGE,
        CLASSIFIER,
        MISALIGNMENT_NUMBERS,
        MISALIGNMENT_REASONING,
        REWARD_HACKING,
        EVASION,
        DIGITS,
        THEOREM,
    )
}
"""What compares more than that."""
