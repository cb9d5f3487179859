"""Every experiment that can be run by name. A new one is a file beside this and a line here."""

from subtrait.lab.catalogue.experiment_card import ExperimentCard
from subtrait.lab.catalogue.owl_numbers import OWL_NUMBERS

EXPERIMENTS: dict[str, ExperimentCard] = {OWL_NUMBERS.name: OWL_NUMBERS}
