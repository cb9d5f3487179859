"""The seam to models: what every backend can do, and the few settings it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, Protocol, Self, TypeVar

import numpy as np

from subtrait.errors import UsageError
from subtrait.records import Example, Messages, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How completions are drawn."""

    temperature: float = 1.0
    """1.0 samples from the model itself; 0 takes the most likely token."""
    top_p: float = 1.0
    """Nucleus truncation; 1.0 means none."""
    max_new_tokens: int = 64
    """A completion that has not ended by then is cut there."""


def check_sampling(sampling: Sampling) -> None:
    """Raise `UsageError` where a setting is out of range."""
    if not 0 <= sampling.temperature < float("inf"):
        raise UsageError(f"temperature must be 0 or more, not {sampling.temperature}")
    if not 0 < sampling.top_p <= 1:
        raise UsageError(f"top_p must be above 0 and at most 1, not {sampling.top_p}")
    if sampling.max_new_tokens < 1:
        raise UsageError(f"max_new_tokens must be at least 1, not {sampling.max_new_tokens}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is fine-tuned: completion-only cross-entropy with AdamW."""

    steps: int
    """Optimiser steps. Rows are reshuffled each time they have all been used."""
    batch_size: int = 64
    """Rows per step."""
    learning_rate: float = 3e-3
    """Peak rate; linear warm-up, then linear decay to zero."""
    warmup_steps: int = 5
    weight_decay: float = 0.0
    epsilon: float = 1e-8
    """AdamW's: far above the size of the gradients it makes every step proportional to the gradient, as in gradient
    descent, where the usual 1e-8 gives weights with hardly any gradient steps as long as the others'.
    """
    max_grad_norm: float = 1.0
    method: Literal["full", "layers", "lora"] = "full"
    """What is trained: every weight, every weight but the token embeddings and the output layer, or LoRA adapters."""
    lora_rank: int = 8
    """Rank, and alpha, of LoRA on all linear layers; used by `lora` only."""


ModelType_co = TypeVar("ModelType_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Finetuned(Generic[ModelType_co]):
    """A fine-tuned model and what its training reported."""

    model: ModelType_co
    losses: tuple[float, ...]
    """Mean loss of each step, nats per completion token."""


class Model(Protocol):
    """A causal language model behind a chat template.

    A conversation is a sequence of turns; a system prompt is used only where a turn says so. The same seed gives the
    same completions on the same machine, whatever the order or number of the prompts that are asked together.
    """

    @property
    def name(self) -> str:
        """How the user named it, such as `micro-a`."""
        ...

    def render(self, messages: Messages) -> str:
        """The text the model reads before it writes its turn: the chat template, applied."""
        ...

    def generate(
        self,
        prompts: Sequence[Messages],
        *,
        sampling: Sampling,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> list[str]:
        """One completion per prompt, decoded without special tokens; `progress` advances once per prompt."""
        ...

    def score(
        self, prompts: Sequence[Messages], completions: Sequence[str], *, token_budget: int | None = None
    ) -> list[np.ndarray]:
        """Log-probability in nats of each token of each completion and of its end of turn: float64, shape (tokens,).

        `token_budget` bounds the tokens that are computed together; it changes memory and speed, not what is found.
        """
        ...

    def finetune(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        rng: np.random.Generator,
        system_prompt: str | None = None,
        progress: Progress | None = None,
    ) -> Finetuned[Self]:
        """A tuned copy of the model; this one is left as it was. `progress` advances once per step."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over weights, tokenizer and template: equal exactly when the models are the same."""
        ...

    def save(self, folder: Path) -> None:
        """Write a checkpoint into an existing empty folder, safetensors only."""
        ...

    def reload(self, folder: Path) -> Self:
        """The model that `save` wrote into `folder`, on this model's device."""
        ...
