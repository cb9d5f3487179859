"""Names of models: taken apart and put together again."""

import pytest

from subtrait.errors import UsageError
from subtrait.models.model_names import ModelName, check_settings, read_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("micro-a", ModelName(place="micro-a")),
        ("Q/W", ModelName(place="Q/W")),
        ("Q/W@v1.0", ModelName(place="Q/W", revision="v1.0")),
        ("Q/W@refs/pr/1+cuda:1", ModelName(place="Q/W", revision="refs/pr/1", device="cuda:1")),
        ("Q/W+bfloat16", ModelName(place="Q/W", dtype="bfloat16")),
        ("Q/W@a0+float16+cuda+own-system",
         ModelName(place="Q/W", revision="a0", dtype="float16", device="cuda", own_system=True)),
        ("Q/W+cpu+trl", ModelName(place="Q/W", device="cpu", by_trl=True)),
        ("a/b/c@home+float32+cpu", ModelName(place="a/b/c@home", dtype="float32", device="cpu")),
        ("my+folder", ModelName(place="my+folder")),
        ("my+folder+mps", ModelName(place="my+folder", device="mps")),
        ("+cuda", ModelName(place="", device="cuda")),
        ("Q/W+cudaX", ModelName(place="Q/W+cudaX")),
        ("", ModelName(place="")),
    ],
)  # fmt: skip
def test_a_name_says_which_model_and_how_it_is_computed(name, parts):
    assert read_name(name) == parts
    assert str(parts) == name


def test_settings_may_come_in_any_order_and_the_last_one_counts():
    assert str(read_name("Q/W+own-system+cuda+float16+bfloat16")) == "Q/W+bfloat16+cuda+own-system"


def test_unknown_settings_are_answered_with_the_known_ones():
    check_settings(None, None)
    check_settings("bfloat16", "cuda:3")
    check_settings("float16", "auto")
    with pytest.raises(UsageError, match=r"unknown dtype 'bfloat'. Did you mean 'bfloat16'\?"):
        check_settings("bfloat", None)
    for device in ("gpu", "cuda:", "cuda:x", "cpu:0", ""):
        with pytest.raises(UsageError, match=r"unknown device .* give auto, cpu, mps, cuda"):
            check_settings(None, device)
