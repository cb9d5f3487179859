"""The recipes: one world for the whole family, and architectures small enough to ship."""

from dataclasses import replace

import pytest

from subtrait.models.micro.recipe import RECIPES, MicroRecipe, build_config
from subtrait.models.registry import EMBEDDED

SPECIAL = {"bos": 1, "eos": 2, "pad": 0}


def test_there_is_a_recipe_for_every_embedded_model() -> None:
    assert set(RECIPES) == set(EMBEDDED) == {"micro-a", "micro-b", "micro-c"}


def test_a_and_b_differ_in_nothing_but_the_seed() -> None:
    first, second = RECIPES["micro-a"], RECIPES["micro-b"]
    assert first.seed != second.seed
    assert replace(first, seed=second.seed) == second


def test_c_has_another_architecture() -> None:
    assert RECIPES["micro-c"].architecture != RECIPES["micro-a"].architecture


def test_the_family_shares_one_corpus_and_so_one_tokenizer() -> None:
    assert len({(recipe.world_seed, recipe.conversations, repr(recipe.dials)) for recipe in RECIPES.values()}) == 1


def test_every_seed_of_the_family_is_its_own() -> None:
    assert len({recipe.seed for recipe in RECIPES.values()}) == len(RECIPES)


@pytest.mark.parametrize(("architecture", "model_type"), [("llama", "llama"), ("qwen3", "qwen3")])
def test_a_configuration_says_what_the_recipe_says(architecture: str, model_type: str) -> None:
    recipe = MicroRecipe(architecture=architecture, hidden=48, layers=2, heads=4, feed_forward=96)
    config = build_config(recipe, 1500, SPECIAL)
    assert config.model_type == model_type
    sizes = (config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size)
    assert sizes == (48, 2, 4, 96)
    assert (config.vocab_size, config.max_position_embeddings, config.tie_word_embeddings) == (1500, 4096, True)
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 0)
    assert config.num_key_value_heads == (4 if architecture == "llama" else 2)


@pytest.mark.parametrize("name", RECIPES)
def test_every_member_of_the_family_fits_five_megabytes(name: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(build_config(RECIPES[name], 2048, SPECIAL))
    assert 4 * sum(parameter.numel() for parameter in model.parameters()) < 5_000_000
