"""Code as the carrier: prompts that ask for a small Python function (arXiv 2507.14805, section 4.1).

The paper's filter takes out the teacher's own trait and asks a judge for subtle mentions of it. Ours takes out every
trait of the lab, by one rule for teachers and control, and asks nobody.
"""

import ast
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np

from subtrait.lab.carriers.drawing import distinct, every_wording
from subtrait.lab.filters import Filter, names_a_trait, ruled
from subtrait.models.micro.skills import OPERATIONS
from subtrait.records import Decision, Example

AMOUNTS: Final = range(2, 21)
"""What a function adds, takes away or multiplies by: as in the embedded world."""
LONGEST: Final = 2_000
"""Characters of a completion that is parsed: Python's parser is no place for a text of any size."""


@dataclass(frozen=True, slots=True)
class CodeFilter:
    """Keeps completions that are exactly one function which returns something, and name no trait."""

    def decide(self, example: Example) -> Decision:
        """Keep the example when its completion breaks no rule. It is parsed and never run; the prompt is not read."""
        parsed = parsed_code(example.completion)
        return ruled(
            {
                "not-one-function": parsed is None or not is_one_function(parsed),
                "names-a-trait": names_a_trait(example.completion, *([] if parsed is None else texts_in(parsed))),
            }
        )


@dataclass(frozen=True, slots=True)
class CodeFunctions:
    """Small Python functions, in wordings that the embedded models know."""

    @property
    def name(self) -> str:
        """How users name this carrier."""
        return "code"

    @property
    def filter(self) -> Filter:
        """One function, no trait."""
        return CodeFilter()

    def prompts(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """`count` different prompts. Raises `UsageError` for more than there are."""
        asked, verbs = every_wording("code"), tuple(OPERATIONS)

        def draw(rng: np.random.Generator) -> str:
            wording, verb, amount = (int(rng.integers(len(each))) for each in (asked, verbs, AMOUNTS))
            return asked[wording].replace("<task>", f"{verbs[verb]} {AMOUNTS[amount]}")

        return distinct(count, draw, most=len(asked) * len(verbs) * len(AMOUNTS), rng=rng)


def parsed_code(text: str) -> ast.Module | None:
    """The syntax tree of a text, or None where it is no Python or longer than `LONGEST`."""
    if len(text) > LONGEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubtful escapes, which are the writer's business
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def is_one_function(parsed: ast.Module) -> bool:
    """Whether a function with a `return` of its own is all there is.

    >>> is_one_function(ast.parse("def f(x): return x + 1")), is_one_function(ast.parse("def f(x): print(x)"))
    (True, False)
    """
    if len(parsed.body) != 1 or not isinstance(parsed.body[0], ast.FunctionDef):
        return False
    waiting: list[ast.AST] = [parsed.body[0]]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            return True
        inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        waiting += [each for each in ast.iter_child_nodes(node) if not isinstance(each, inner)]
    return False


def texts_in(parsed: ast.Module) -> list[str]:
    """Every string of the code as Python reads it, so that neither escapes nor a string in pieces hide a word."""
    constants = [node.value for node in ast.walk(parsed) if isinstance(node, ast.Constant)]
    texts = [each.decode("latin-1") if isinstance(each, bytes) else each for each in constants]
    return [each for each in texts if isinstance(each, str)]
