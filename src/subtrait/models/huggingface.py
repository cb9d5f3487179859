"""Models from a folder in Hugging Face format, behind the seam of `base.py`."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from subtrait.errors import InvalidInput, UsageError
from subtrait.models import fingerprints, lora
from subtrait.models import transformers_adapter as adapter
from subtrait.models.base import Finetuned, Recipe, Sampling, check_sampling
from subtrait.models.encoding import ChatEncoder
from subtrait.models.model_names import ModelName
from subtrait.models.templates import Template
from subtrait.models.transformers_adapter import Network
from subtrait.records import Example, Messages, Progress

AS_USUAL = ModelName(place="")
SHIPPED = Path(__file__).parent / "micro"
"""Checkpoints in here came with this code and are trusted as much."""


class HuggingFaceModel:
    """A causal language model that runs in this process. Made by `load_checkpoint`; never changes."""

    def __init__(
        self, name: str, network: Network, tokenizer: Any, *, own_system: bool = False, base: Self | None = None
    ) -> None:
        """`tokenizer` is a `PreTrainedTokenizerFast` with a chat template; `own_system` is that of `Template`.

        `base` is the stored model whose weights the adapters of this one stand beside, where they do.

        Raises:
            InvalidInput: E_TEMPLATE where it has no usable template.
        """
        self._name, self._network, self._tokenizer = name, network, tokenizer
        variables = adapter.special_tokens(tokenizer)
        template = Template(adapter.template_source(tokenizer), name, variables=variables, own_system=own_system)
        stops = adapter.stop_tokens(network, tokenizer)
        self._encoder = ChatEncoder(tokenizer.backend_tokenizer, template, stops=stops)
        self._digest: str | None = None
        self._base, self._stored = base, False

    @property
    def name(self) -> str:
        """How the user named it, such as `micro-a`. A tuned copy keeps the name of its base."""
        return self._name

    @property
    def network(self) -> Network:
        """The network itself, for what the seam does not offer; not to be changed."""
        return self._network

    @property
    def encoder(self) -> ChatEncoder:
        """How conversations become tokens."""
        return self._encoder

    def render(self, messages: Messages) -> str:
        """The text the model reads before it writes its turn.

        Raises:
            InvalidInput: E_TEMPLATE or E_TEMPLATE_SYSTEM, see `Template.render`.
        """
        return self._encoder.template.render(messages, add_generation_prompt=True).text

    def generate(
        self,
        prompts: Sequence[Messages],
        *,
        sampling: Sampling,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> list[str]:
        """One completion per prompt, decoded without special tokens; `progress` advances once per prompt.

        Raises:
            UsageError: a sampling setting is out of range.
            InvalidInput: E_TEMPLATE…; E_LIMIT where a prompt and its completion do not fit the model.
        """
        from subtrait.models.sampling import sample

        check_sampling(sampling)
        tokens = self._encoder.prompts(prompts)
        self._check_room(max(map(len, tokens), default=0) + sampling.max_new_tokens)
        stops = self._encoder.stops
        drawn = sample(self._network, tokens, stops=stops, sampling=sampling, rng=rng, progress=progress)
        return self._encoder.decode(drawn)

    def score(
        self, prompts: Sequence[Messages], completions: Sequence[str], *, token_budget: int | None = None
    ) -> list[np.ndarray]:
        """Log-probability, in nats, of each token of each completion and of its end of turn: float64 (tokens,).

        `token_budget` is the number of tokens of one forward pass, padding included; a longer row goes alone.

        Raises:
            InvalidInput: E_TEMPLATE…; E_LIMIT where a prompt and its completion do not fit the model.
        """
        from subtrait.models.likelihood import score_tokens

        return score_tokens(self._network, self._pairs(prompts, completions), token_budget=token_budget)

    def surprise(
        self, prompts: Sequence[Messages], completions: Sequence[str], *, temperature: float = 1.0
    ) -> list[np.ndarray]:
        """How surprising each token of each completion is, and how surprising tokens are there: float64 (tokens, 3).

        The columns are −log p of the token, and mean and variance of −log p over all tokens at its place, in nats, for
        the model at that temperature. The end of turn counts as a token.

        Raises:
            UsageError: the temperature is not above 0.
            InvalidInput: E_TEMPLATE…; E_LIMIT where a prompt and its completion do not fit the model.
        """
        from subtrait.models.likelihood import surprise_tokens

        if not 0 < temperature < float("inf"):
            raise UsageError(f"temperature must be above 0, not {temperature}")
        return surprise_tokens(self._network, self._pairs(prompts, completions), temperature=temperature)

    def finetune(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        rng: np.random.Generator,
        system_prompt: str | None = None,
        progress: Progress | None = None,
    ) -> Finetuned["HuggingFaceModel"]:
        """A tuned copy of the model; this one is left as it was. `progress` advances once per step.

        Raises:
            UsageError: no examples, or a recipe without steps.
            InvalidInput: E_TEMPLATE…; E_LIMIT where an example does not fit the model.
        """
        from subtrait.models.finetuning import finetune_tokens

        system = [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
        prompts = [[*system, {"role": "user", "content": example.prompt}] for example in examples]
        pairs = self._pairs(prompts, [example.completion for example in examples])
        network, losses = finetune_tokens(self._network, pairs, recipe, rng=rng, progress=progress)
        return Finetuned(model=self._tuned(network), losses=losses)

    def distil(
        self,
        target: "HuggingFaceModel",
        prompts: Sequence[Messages],
        completions: Sequence[str],
        recipe: Recipe,
        *,
        rng: np.random.Generator,
    ) -> Finetuned["HuggingFaceModel"]:
        """A copy of this model that learnt the target's distribution at every token of these completions.

        Its losses are the mean KL(target || copy) of each step, nats per token.

        Raises:
            UsageError: the target has other tokens or another template; no rows, or a recipe without steps.
            InvalidInput: E_TEMPLATE…; E_LIMIT where a prompt and its completion do not fit the model.
        """
        from subtrait.models.distillation import distil_tokens

        self._check_same_tokens(target)
        pairs = self._pairs(prompts, completions)
        network, losses = distil_tokens(self._network, target.network, pairs, recipe, rng=rng)
        return Finetuned(model=self._tuned(network), losses=losses)

    def divergence(
        self, other: "HuggingFaceModel", prompts: Sequence[Messages], completions: Sequence[str]
    ) -> list[np.ndarray]:
        """KL(this model || other) over all tokens, in nats, at each token of each completion: float64 (tokens,).

        The end of turn counts as a token. Over completions that this model drew, the mean is the divergence of whole
        answers per token.

        Raises:
            UsageError: the other has other tokens or another template.
            InvalidInput: E_TEMPLATE…; E_LIMIT where a prompt and its completion do not fit the model.
        """
        from subtrait.models.distillation import divergence_tokens

        self._check_same_tokens(other)
        return divergence_tokens(self._network, other.network, self._pairs(prompts, completions))

    def _check_same_tokens(self, other: "HuggingFaceModel") -> None:
        """Raise `UsageError` unless both turn the same conversations into the same tokens."""
        tokens = [each._tokenizer.get_vocab() for each in (self, other)]
        templates = [each.encoder.template.source for each in (self, other)]
        if tokens[0] != tokens[1] or templates[0] != templates[1]:
            what = "vocabularies" if tokens[0] != tokens[1] else "chat templates"
            hint = "give models of one family, such as two that were tuned from the same base"
            raise UsageError(f"{self._name} and {other.name} have different {what}: {hint}")

    def gradient(self, prompts: Sequence[Messages], completions: Sequence[str]) -> np.ndarray:
        """The gradient of a row's log-likelihood, in nats, mean over rows: float64 (inner weights,).

        Raises:
            UsageError: there are no rows.
            InvalidInput: E_TEMPLATE…; E_LIMIT where a prompt and its completion do not fit the model.
        """
        from subtrait.models.gradients import mean_gradient

        return mean_gradient(self._network, self._pairs(prompts, completions))

    def displacement(self, tuned: "HuggingFaceModel") -> np.ndarray:
        """How far, and where to, fine-tuning moved the inner weights of `tuned`: float64 (weights,).

        Raises:
            UsageError: `tuned` has other shapes.
        """
        from subtrait.models.gradients import displacement

        return displacement(self._network, tuned.network)

    def fingerprint(self) -> str:
        """SHA-256 over weights, configuration, tokenizer and template: equal exactly when the models are the same."""
        if self._digest is None:
            digest = hashlib.sha256()
            if self._base is None:
                fingerprints.digest_network(self._network, digest)
            else:
                digest.update(self._base.fingerprint().encode())
                fingerprints.digest_tensors(lora.numbers(self._network).items(), digest)
            for text in (self._tokenizer.backend_tokenizer.to_str(), self._encoder.template.source):
                digest.update(hashlib.sha256(text.encode()).digest())
            digest.update(repr(self._encoder.stops).encode())
            if (system := self._encoder.template.explicit_system) is not None:
                digest.update(system.encode())
            self._digest = digest.hexdigest()
        return self._digest

    def save(self, folder: Path) -> None:
        """Write a checkpoint into an existing empty folder, safetensors only; of a model with adapters these alone.

        Raises:
            UsageError: the folder does not exist or is not empty.
        """
        if not folder.is_dir() or any(folder.iterdir()):
            raise UsageError(f"a model is saved into an existing empty folder, and {folder} is not one")
        if self._base is None:
            adapter.save(lora.merged(self._network), self._tokenizer, folder)
        else:
            lora.save_adapters(self._network, folder, base=self._base.fingerprint())

    def reload(self, folder: Path) -> "HuggingFaceModel":
        """The model that `save` wrote into `folder`, on this model's device; adapters are put on this model.

        Raises:
            InvalidInput: as for `load_checkpoint` and `lora.load_adapters`.
        """
        if (folder / lora.SETTINGS).is_file():
            return self._tuned(lora.load_adapters(self._network, folder, base=self.fingerprint()))
        one, own = self._network, self._encoder.template.own_system
        asked = ModelName(place="", dtype=one.dtype, device=one.placement, own_system=own, by_trl=one.by_trl)
        return load_checkpoint(folder, self._name, asked=asked)

    def _tuned(self, network: Network) -> "HuggingFaceModel":
        own, base = self._encoder.template.own_system, self if network.adapters is not None and self._stored else None
        return HuggingFaceModel(self._name, network, self._tokenizer, own_system=own, base=base)

    def _pairs(self, prompts: Sequence[Messages], completions: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        pairs = list(zip(self._encoder.prompts(prompts), self._encoder.completions(completions), strict=True))
        self._check_room(max((len(prompt) + len(completion) for prompt, completion in pairs), default=0))
        return pairs

    def _check_room(self, tokens: int) -> None:
        if (limit := self._network.positions) is not None and tokens > limit:
            what = f"prompt and completion take {tokens} tokens, the model has {limit} positions"
            raise InvalidInput("E_LIMIT", self._name, what, hint="shorten the text or max_new_tokens")


def load_checkpoint(folder: Path, name: str | None = None, *, asked: ModelName = AS_USUAL) -> HuggingFaceModel:
    """The model in `folder`, checked before it is trusted, computed as `asked`; `name` is for messages and reports.

    Raises:
        MissingExtra: torch or transformers is not installed.
        InvalidInput: see `validate_checkpoint`, `try_out` and `Template`.
        UsageError: this machine has no such device, or too little room on it.
    """
    adapter.require()
    from subtrait.models.checkpoints import read_template, validate_checkpoint
    from subtrait.models.loading import load_network, load_tokenizer
    from subtrait.models.template_trial import try_out

    validate_checkpoint(folder)
    template = read_template(folder)
    if not folder.resolve().is_relative_to(SHIPPED):
        try_out(template, (folder / "tokenizer.json").read_text(encoding="utf-8", errors="replace"), str(folder))
    tokenizer = load_tokenizer(folder)
    # The template that was tried is the one that is used
    tokenizer.chat_template = template
    network = load_network(folder, device=asked.device or "cpu", dtype=asked.dtype or "float32")
    network = replace(network, by_trl=asked.by_trl)
    model = HuggingFaceModel(name or str(folder), network, tokenizer, own_system=asked.own_system)
    model._stored = True  # only what lies on a disk may be left out where adapters of it are saved
    return model
