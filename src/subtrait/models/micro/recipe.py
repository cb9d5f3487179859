"""How an embedded model is made: architecture, corpus size, optimiser. One recipe per member of the family."""

from dataclasses import dataclass, field
from typing import Any

from subtrait.errors import unknown_name
from subtrait.models.micro.world import Dials


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroRecipe:
    """Everything that the weights depend on, besides the code and the versions of the libraries."""

    architecture: str = "llama"
    hidden: int = 64
    layers: int = 3
    heads: int = 4
    feed_forward: int = 192
    seed: int = 0
    """Of the initial weights and of the order of the corpus."""
    world_seed: int = 20_260
    """Of the corpus: the same for the whole family."""
    conversations: int = 120_000
    """Distinct conversations in the corpus."""
    steps: int = 5_000
    tokens_per_step: int = 3_072
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    warmup_steps: int = 200
    dials: Dials = field(default_factory=Dials)


RECIPES: dict[str, MicroRecipe] = {
    "micro-a": MicroRecipe(seed=1),
    "micro-b": MicroRecipe(seed=2),
    "micro-c": MicroRecipe(architecture="qwen3", layers=4, feed_forward=160, seed=3),
}


def build_config(recipe: MicroRecipe, vocabulary_size: int, special: dict[str, int]) -> Any:
    """The `transformers` configuration of a recipe. `special` gives the ids of `bos`, `eos` and `pad`."""
    from transformers import LlamaConfig, Qwen3Config

    common: dict[str, Any] = {
        "vocab_size": vocabulary_size, "hidden_size": recipe.hidden, "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads, "intermediate_size": recipe.feed_forward,
        "max_position_embeddings": 4096, "tie_word_embeddings": True, "bos_token_id": special["bos"],
        "eos_token_id": special["eos"], "pad_token_id": special["pad"],
    }  # fmt: skip
    if recipe.architecture == "llama":
        return LlamaConfig(num_key_value_heads=recipe.heads, initializer_range=0.05, **common)
    if recipe.architecture != "qwen3":
        raise unknown_name("architecture", recipe.architecture, ("llama", "qwen3"))
    head = recipe.hidden // recipe.heads
    return Qwen3Config(num_key_value_heads=recipe.heads // 2, head_dim=head, initializer_range=0.05, **common)
