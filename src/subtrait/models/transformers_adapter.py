"""Every call into `transformers`, which renames its arguments between minor versions.

Next door are the caches of keys and values, in `kv_cache`, what reads checkpoints, in `loading`, and `peft`, in `lora`.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.models.backing_off import is_out_of_memory

if TYPE_CHECKING:
    import torch

TRIAL_TOKENS = 4
ROUNDING = 0.01
"""Of states in 16-bit numbers by one layer, at most."""
CACHED_NUMBERS = 5 * 2**20
"""Of a layer's widest states: 20 MiB in float32."""
SMALLEST_PASS, LARGEST_PASS = 512, 2_048
"""Tokens: below, weights are read too often, above, nothing becomes faster."""


def require() -> None:
    """Refuse, with the way to install them, where torch or transformers is absent.

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")):
        raise MissingExtra("models", "hf")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A causal language model with the facts that sampling and training need about its architecture."""

    module: Any
    """A `PreTrainedModel` with a language-model head, in evaluation mode."""
    where: str
    """The checkpoint, for messages."""
    adapters: Any = None
    """The `PeftModel` around `module`, where adapters are kept beside the weights."""
    by_trl: bool = False
    """Whether `trl` fine-tunes it, in place of our own loop."""
    computed_in: str | None = None
    """The format of its states, where weights stay in their files in another."""

    @property
    def device(self) -> "torch.device":
        """Where the weights are."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> str:
        """The number format of the states, such as `bfloat16`; of the weights too, unless they stay in their files."""
        return self.computed_in or str(next(self.module.parameters()).dtype).removeprefix("torch.")

    @property
    def placement(self) -> str:
        """Where the weights are, as the name of a model says it: `cuda` where they are spread over several GPUs."""
        if len(set(getattr(self.module, "hf_device_map", {}).values())) > 1:
            return "cuda"
        return "mps" if self.device.type == "mps" else str(self.device)

    @property
    def pass_tokens(self) -> int:
        """Tokens of one forward pass, padding included, at which this device is fastest."""
        return pass_tokens_of(self.device.type, self.module.config)

    @cached_property
    def after_output_layer(self) -> "Callable[[torch.Tensor], torch.Tensor] | None":
        """What `after_output_layer` finds, which takes several passes, found once. Raises as it does."""
        return after_output_layer(self)

    @property
    def positions(self) -> int | None:
        """The longest sequence the architecture declares, in tokens; None where it declares none.

        Of LongRoPE (Ding et al. 2024, arXiv 2402.13753) the one that it was stretched from: beyond it the numbers of
        every token change, so that a row's would hang on what is scored beside it.
        """
        text = self.module.config.get_text_config()
        declared = getattr(text, "max_position_embeddings", None)
        return _unstretched(getattr(text, "rope_parameters", None) or {}, text) or declared


def _unstretched(rope: Mapping[str, Any], text: Any) -> int | None:
    """The positions that LongRoPE stretches; None for other ways to encode positions."""
    if rope.get("rope_type") != "longrope":
        return None
    named = "original_max_position_embeddings"
    found: int | None = rope.get(named) or getattr(text, named, None)
    return found


def pass_tokens_of(device: str, config: Any) -> int:
    """Tokens of one forward pass at which a device is fastest: a CPU should keep a layer's states in its own cache."""
    if device != "cpu":
        return 16_384
    text = config.get_text_config()
    widest: int = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    return max(SMALLEST_PASS, min(LARGEST_PASS, CACHED_NUMBERS // widest))


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the library's progress bars and loading reports: what matters in them is checked and raised here."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def save(network: Network, tokenizer: Any, folder: Path) -> None:
    """Write configuration, weights (safetensors), tokenizer and template into `folder`."""
    module = network.module
    with quiet():
        module.save_pretrained(str(folder), state_dict=_narrowed(module) if network.computed_in else None)
    tokenizer.save_pretrained(str(folder))


def _narrowed(module: Any) -> "dict[str, torch.Tensor]":
    """The tensors of a module whose weights stay in their files, all in the format of these, as they were there."""
    kept = next(part.weight.dtype for part in module.modules() if hasattr(part, "pages"))
    return {name: one.to(kept) if one.is_floating_point() else one for name, one in module.state_dict().items()}


def stop_tokens(network: Network, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end a turn: those of the generation settings and the tokenizer's own."""
    generation = getattr(network.module, "generation_config", None)
    config = network.module.config
    settings = (generation, config, config.get_text_config())  # the last differs where a model also sees pictures
    found = (*(getattr(each, "eos_token_id", None) for each in settings), tokenizer.eos_token_id)
    stops: set[int] = set()
    for one in found:
        stops.update(one if isinstance(one, list | tuple) else [] if one is None else [one])
    return tuple(sorted(stops))


def freeze_embeddings(network: Network) -> None:
    """Keep the token embeddings and the output layer as they are in training."""
    for layer in (network.module.get_input_embeddings(), network.module.get_output_embeddings()):
        if layer is not None:
            layer.requires_grad_(False)


def has_inputs_first(layer: Any) -> bool:
    """Whether it is a linear layer with a weight of shape (inputs, outputs), as those of GPT-2."""
    from transformers.pytorch_utils import Conv1D

    return isinstance(layer, Conv1D)


def hidden_states(network: Network, tokens: "torch.Tensor") -> "torch.Tensor":
    """The states before the output layer for right-padded `tokens` (rows, length): (rows, length, width).

    Padding on the right needs no mask: a causal model never looks at it from a real token.
    """
    states = network.module.base_model(input_ids=tokens, use_cache=False, return_dict=True).last_hidden_state
    return states.to(network.device)


def feed_forwards(network: Network) -> list[Any]:
    """The feed-forward part of each layer, from first to last; none where parts are not known to be that.

    Mixtures of experts are left out: some give more than states, and count what they are given.
    """
    decoder = network.module.get_decoder()
    layers = getattr(decoder, "layers", None) or getattr(decoder, "h", [])
    parts = [getattr(layer, "mlp", None) for layer in layers]
    return [] if any(part is None or hasattr(part, "experts") for part in parts) else parts


def output_layer(network: Network) -> "torch.nn.Linear":
    """The layer that maps states to logits."""
    return network.module.get_output_embeddings()


def after_output_layer(network: Network) -> Callable[["torch.Tensor"], "torch.Tensor"] | None:
    """What the architecture does to logits after its output layer; None where it does nothing, as in most.

    Compared on a few tokens with what the model itself returns, so that an unknown step cannot go unnoticed.

    Raises:
        InvalidInput: E_CONFIG for an architecture with a step that is not known here.
    """
    import torch

    config = network.module.config.get_text_config()
    tokens = torch.arange(TRIAL_TOKENS, device=network.device)[None] % config.vocab_size
    with torch.no_grad():
        states = hidden_states(network, tokens)
        _check_feed_forwards(network, tokens, states)
        plain = output_layer(network)(states)
        true = network.module(input_ids=tokens, use_cache=False, return_dict=True).logits
        for step in (None, *_known_steps(config)):
            if torch.allclose(plain if step is None else step(plain), true, rtol=1e-3, atol=1e-4):
                return step
    what = f"{type(network.module).__name__} changes its logits in a way that is not supported"
    raise InvalidInput("E_CONFIG", network.where, what)


def _check_feed_forwards(network: Network, tokens: "torch.Tensor", states: "torch.Tensor") -> None:
    """Refuse an architecture whose last feed-forward part needs more than the positions that somebody looks at."""
    from subtrait.models.feed_forward import only_for

    places, found = tokens.new_tensor(range(tokens.numel())), None
    odd = places[1::2]
    try:
        with only_for(feed_forwards(network), tokens.shape, real=places, looked_at=odd):
            found = hidden_states(network, tokens)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as problem:
        # Others are such as shapes that do not fit: a part is called in another way than most are
        if is_out_of_memory(problem):
            raise
    # Numbers of low precision are rounded in another way where fewer rows are multiplied
    if found is None or (found - states)[:, odd].norm() > ROUNDING * states[:, odd].norm():
        what = f"the layers of {type(network.module).__name__} depend on each other in a way that is not supported"
        raise InvalidInput("E_CONFIG", network.where, what)


def _known_steps(config: Any) -> list[Callable[["torch.Tensor"], "torch.Tensor"]]:
    steps: list[Callable[[torch.Tensor], torch.Tensor]] = []
    if cap := getattr(config, "final_logit_softcapping", None):
        steps.append(lambda logits: cap * (logits / cap).tanh())
    if divisor := getattr(config, "logits_scaling", None):
        steps.append(lambda logits: logits / divisor)
    factors = [getattr(config, name, None) for name in ("logit_scale", "lm_head_multiplier")]
    return steps + [lambda logits, factor=factor: logits * factor for factor in factors if factor]


def next_logits(
    network: Network,
    tokens: "torch.Tensor",
    kv_cache: Any,
    *,
    mask: "torch.Tensor | None" = None,
    positions: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Logits (rows, vocabulary) after the last of `tokens` (rows, length); `kv_cache` is extended in place."""
    placed = {} if mask is None else {"attention_mask": mask, "position_ids": positions}
    out = network.module(
        input_ids=tokens, past_key_values=kv_cache, use_cache=True, logits_to_keep=1, return_dict=True, **placed
    )
    return out.logits[:, -1]


def template_source(tokenizer: Any) -> str | None:
    """The chat template of a tokenizer, or None; where there are several, the one named `default`."""
    source = tokenizer.chat_template
    return source.get("default") if isinstance(source, dict) else source


def special_tokens(tokenizer: Any) -> dict[str, str]:
    """The special tokens that a template may name, such as `bos_token`."""
    named = tokenizer.special_tokens_map
    return {name: str(token) for name, token in named.items() if isinstance(token, str)}
