"""Students of many conditions, each made once: what the experiments of the catalogue are built of."""

from subtrait.lab.chains.bench import Approve, Bench
from subtrait.lab.chains.specifications import Base, Matched, Rows, Student, Writer

__all__ = ["Approve", "Base", "Bench", "Matched", "Rows", "Student", "Writer"]
