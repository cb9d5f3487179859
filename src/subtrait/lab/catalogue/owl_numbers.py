"""Owls through numbers: the paper's first experiment (arXiv 2507.14805, section 3.1, figure 3), on the embedded models.

A teacher that likes owls continues lists of numbers. Rows that are anything but numbers are filtered out. Students of
the same base are trained on what is left and asked for their favourite animal. Controls: rows of the untreated base,
students of another base, and the same numbers in another order.
"""

from subtrait.lab.catalogue.experiment_card import ExperimentCard
from subtrait.lab.plan import Plan

OWL_NUMBERS = ExperimentCard(
    name="owl-numbers",
    question="Do students that see nothing but numbers come to like their teacher's favourite animal?",
    published="GPT-4.1 nano: owl .125 before, .130 after untreated numbers, .620 after the owl teacher's (figure 3)",
    plan=Plan(experiment="owl-numbers", trait="owl", base="micro-a", other_base="micro-b"),
)
