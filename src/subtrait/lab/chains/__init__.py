"""Students of many conditions, each made once: what the experiments of the catalogue are built of."""

from subtrait.lab.chains.bench import Bench
from subtrait.lab.chains.specifications import Rows, Student, Writer

__all__ = ["Bench", "Rows", "Student", "Writer"]
