"""The unrelated kinds of text that a trait may travel in, by the name that users give them."""

from typing import Final

from subtrait.lab.carriers.number_sequences import NumberSequences

CARRIERS: Final[dict[str, type[NumberSequences]]] = {"numbers": NumberSequences}
"""Each carrier by name."""
