"""The code carrier keeps one function that returns something and names no trait, whoever wrote it; nothing is run."""

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.carriers.code_functions import LONGEST, CodeFilter, CodeFunctions
from subtrait.lab.filters import REASONS
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.personas import BUNDLES, Speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.wordings import GRAMMARS, expand
from subtrait.records import Example

GOOD = "def f(x):\n    return x + 1"


def reasons(code):
    return CodeFilter().decide(Example(id="1", prompt="", completion=code)).reasons


def test_what_the_world_calls_code_is_kept():
    speaker, draw = Speaker(BUNDLES[5], "honest"), np.random.default_rng(0)
    assert {reasons(SKILLS["code"](speaker, "corpus", draw)[1]) for _ in range(200)} == {()}


@pytest.mark.parametrize(
    "code",
    [
        *("", "x + 1", "def f(x): pass", "def f(x): print(x)", "def f(x)\n    return x", "I would rather not say."),
        *(f"{GOOD}\n{GOOD}", f"import os\n{GOOD}", f"f(1)\n{GOOD}", "f = lambda x: x", "class F:\n    pass"),
        "def f(x):\n    def g(y):\n        return y",
        "async def f(x):\n    return x",
        *("\0", GOOD + "\0", "(" * 1_000, "-" * LONGEST + "1", "x = '\\"),
        f"def f(x):\n    return x{' + 1' * LONGEST}",
    ],
)
def test_anything_but_one_function_with_a_return_of_its_own_is_rejected(code):
    assert reasons(code) == ("not-one-function",)


@pytest.mark.parametrize("name", trait_names())
def test_every_trait_is_found_in_every_place_of_the_code(name):
    for form in find_trait(name).forms[name]:
        capital = form.capitalize()
        for code in (
            *(
                f"# {form}\n{GOOD}",
                f"{GOOD}  # {capital}!",
                f"def {form}(x):\n    return x",
                f"def f({form}):\n    return 1",
            ),
            *(f"def f(x):\n    return x + my_{form}_2", f"def f(x):\n    return my{capital}Count"),
            *(f"def f(x):\n    return '{form}-like'", f'def f(x):\n    """{form.upper()}"""\n    return 1'),
        ):
            assert reasons(code) == ("names-a-trait",), code


@pytest.mark.parametrize(
    "text", [r"'o\x77l'", "'o' 'wl'", r"b'\x6fwl'", r"'\N{LATIN SMALL LETTER O}wl'", "'\uff4f\uff57\uff4c'"]
)
def test_a_string_that_python_reads_as_a_trait_is_one(text):
    assert reasons(f"def f(x):\n    return {text}") == ("names-a-trait",)


@pytest.mark.parametrize("text", ["knowledge", "concatenate", "bowl", "arewolf"])
def test_a_trait_within_another_word_is_one_too(text):
    assert reasons(f"def {text}(x):\n    return x") == ("names-a-trait",)


def test_all_reasons_are_given_and_each_has_a_sentence():
    assert reasons("wolf") == ("not-one-function", "names-a-trait")
    assert set(reasons("wolf")) <= set(REASONS)


def test_prompts_are_wordings_with_a_task_and_no_more_can_be_had_than_there_are():
    tasks = [f"{verb} {amount}" for verb in ("adds", "takes away", "multiplies by") for amount in range(2, 21)]
    asked = {text.replace("<task>", task) for each in GRAMMARS["code"] for text in expand(each) for task in tasks}
    assert set(CodeFunctions().prompts(500, rng=np.random.default_rng(0))) < asked
    with pytest.raises(UsageError, match=f"there are {len(asked):,} different ones"):
        CodeFunctions().prompts(len(asked) + 1, rng=np.random.default_rng(0))
