"""Errors: their exit codes, their messages, and that they cross between processes whole."""

import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait import errors

MADE = [
    errors.SubtraitError("broken"),
    errors.UsageError("give --seed 0 or more"),
    errors.InvalidInput("E_TRAIT", "owl.yaml", "no name", hint="add one"),
    errors.InvalidInput("E_TRAIT", "a\x1b[2Jb", "x" * 900),
    errors.UnsafeFormat("E_UNSAFE_FORMAT", "model.pkl", "a pickle"),
    errors.MissingExtra("running models", "hf"),
    errors.RunLocked("another process works in runs/a"),
    errors.ServerError("the server is down"),
    errors.StorageError("the disk is full"),
]


def classes():
    found = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    return [value for value in found if issubclass(value, errors.SubtraitError)]


def test_exit_codes_and_parents_are_those_of_the_tree_in_the_docstring():
    drawn = re.findall(r"[├└]── (\w+) +(\d)", errors.__doc__)
    assert {name: int(code) for name, code in drawn} == {
        each.__name__: each.exit_code for each in classes() if each is not errors.SubtraitError
    }
    # 3, 1 and 0 mean something else to a shell user: a crash of Python ends with 1.
    assert {each.exit_code for each in classes()} == {2, 4, 5}
    assert errors.UnsafeFormat.__base__ is errors.InvalidInput


def test_every_class_is_among_the_examples_of_this_file():
    assert {type(error) for error in MADE} == set(classes())


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_whole(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.exit_code == error.exit_code
    assert vars(again) == vars(error)


def test_invalid_input_says_code_place_fault_and_advice():
    error = errors.InvalidInput("E_TRAIT", "owl.yaml line=3", "no name", hint="add 'name: owl'")
    assert str(error) == "E_TRAIT owl.yaml line=3: no name (add 'name: owl')"
    assert (error.code, error.where) == ("E_TRAIT", "owl.yaml line=3")
    assert str(errors.InvalidInput("E_TRAIT", "owl.yaml", "no name")) == "E_TRAIT owl.yaml: no name"


def test_a_missing_extra_says_how_to_install_it():
    assert "pip install 'subtrait[hf]'" in str(errors.MissingExtra("running models", "hf"))


@given(st.text(), st.integers(1, 100))
def test_escaped_text_is_printable_and_no_longer_than_the_limit(text, limit):
    shown = errors.escaped(text, limit=limit)
    assert shown.isprintable()
    assert len(shown) <= limit


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"]), max_size=80))
def test_printable_text_is_shown_as_it_is(text):
    assert errors.escaped(text) == text


@given(st.text(max_size=30))
def test_a_message_is_one_printable_line_whatever_the_user_typed(text):
    assert str(errors.InvalidInput("E_X", text, text)).isprintable()
    assert str(errors.unknown_name("trait", text, ["owl"])).isprintable()


@pytest.mark.parametrize("text", ["\n", "\x1b", "\u202e", "\u200b", "\ud800", "\x7f"])
def test_what_could_change_a_terminal_is_shown_as_an_escape(text):
    assert errors.escaped(text).startswith("\\")


def test_an_unknown_name_is_answered_with_the_nearest_and_all():
    error = errors.unknown_name("trait", "owll", (name for name in ["wolf", "owl", "cat"]))
    assert isinstance(error, errors.UsageError)
    assert str(error) == "unknown trait 'owll'. Did you mean 'owl'? Available: cat, owl, wolf"


def test_no_guess_is_made_where_nothing_is_near():
    assert str(errors.unknown_name("size", "zzz", ["tiny"])) == "unknown size 'zzz'. Available: tiny"
