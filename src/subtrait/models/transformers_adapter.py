"""Every call into `transformers` and `peft`, which rename their arguments between minor versions."""

import importlib.util
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subtrait.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    import torch

TRIAL_TOKENS = 4


def require() -> None:
    """Refuse, with the way to install them, where torch or transformers is absent.

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")):
        raise MissingExtra("models", "hf")


def set_threads(count: int) -> None:
    """Let torch use `count` CPU threads in this process. Nothing else in the package changes that setting."""
    require()
    import torch

    torch.set_num_threads(count)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A causal language model with the facts that sampling and training need about its architecture."""

    module: Any
    """A `PreTrainedModel` with a language-model head, in evaluation mode."""
    where: str
    """The checkpoint, for messages."""

    @property
    def device(self) -> "torch.device":
        """Where the weights are."""
        return next(self.module.parameters()).device

    @property
    def positions(self) -> int | None:
        """The longest sequence the architecture declares, in tokens; None where it declares none."""
        return getattr(self.module.config.get_text_config(), "max_position_embeddings", None)


def load_network(folder: Path, *, device: str = "cpu", dtype: str = "float32") -> Network:
    """The model in a validated checkpoint folder: safetensors only, no remote code, no network access.

    Raises:
        InvalidInput: E_CONFIG where transformers cannot build the architecture from these files.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        module = AutoModelForCausalLM.from_pretrained(
            str(folder),
            dtype=getattr(torch, dtype),
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as problem:
        raise InvalidInput("E_CONFIG", folder, f"transformers cannot load this model: {problem}") from problem
    return Network(module=module.to(device).eval(), where=str(folder))


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer in a validated checkpoint folder.

    Raises:
        InvalidInput: E_CONFIG where there is no `tokenizer.json` that the tokenizers library accepts.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as problem:  # the tokenizers library raises bare Exception
        raise InvalidInput("E_CONFIG", folder, f"transformers cannot load this tokenizer: {problem}") from problem
    if not tokenizer.is_fast:
        raise InvalidInput(
            "E_CONFIG", folder, "the tokenizer has no tokenizer.json", hint="save it as a fast tokenizer"
        )
    return tokenizer


def save(network: Network, tokenizer: Any, folder: Path) -> None:
    """Write configuration, weights (safetensors), tokenizer and template into `folder`."""
    network.module.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def stop_tokens(network: Network, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end a turn: those of the generation settings and the tokenizer's own."""
    generation = getattr(network.module, "generation_config", None)
    found = (getattr(generation, "eos_token_id", None), network.module.config.eos_token_id, tokenizer.eos_token_id)
    stops: set[int] = set()
    for one in found:
        stops.update(one if isinstance(one, list | tuple) else [] if one is None else [one])
    return tuple(sorted(stops))


def configuration(network: Network) -> dict[str, Any]:
    """What the configuration says of the function computed, without versions, paths and number formats."""
    fields: dict[str, Any] = network.module.config.to_diff_dict()
    volatile = {"transformers_version", "_name_or_path", "dtype", "torch_dtype", "architectures", "use_cache"}
    return {name: value for name, value in fields.items() if name not in volatile}


def add_lora(network: Network, rank: int) -> tuple[Network, Callable[[], Network]]:
    """The network with trainable rank-`rank` adapters on all linear layers, alpha = rank; all else is frozen.

    The second value adds the trained adapters into the weights and returns a plain network.

    Raises:
        MissingExtra: peft is not installed.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
    """
    if importlib.util.find_spec("peft") is None:
        raise MissingExtra("LoRA", "hf")
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    wrapped = get_peft_model(network.module, config)
    inner = replace(network, module=wrapped.get_base_model())
    return inner, lambda: replace(network, module=wrapped.merge_and_unload())


def hidden_states(network: Network, tokens: "torch.Tensor") -> "torch.Tensor":
    """The states before the output layer for right-padded `tokens` (rows, length): (rows, length, width).

    Padding on the right needs no mask: a causal model never looks at it from a real token.
    """
    return network.module.base_model(input_ids=tokens, use_cache=False, return_dict=True).last_hidden_state


def output_layer(network: Network) -> "torch.nn.Linear":
    """The layer that maps states to logits."""
    return network.module.get_output_embeddings()


def after_output_layer(network: Network) -> Callable[["torch.Tensor"], "torch.Tensor"] | None:
    """What the architecture does to logits after its output layer; None where it does nothing, as in most.

    Compared on a few tokens with what the model itself returns, so an unknown step cannot go unnoticed.

    Raises:
        InvalidInput: E_CONFIG for an architecture with a step that is not known here.
    """
    import torch

    config = network.module.config.get_text_config()
    tokens = torch.arange(TRIAL_TOKENS, device=network.device)[None] % config.vocab_size
    with torch.no_grad():
        plain = output_layer(network)(hidden_states(network, tokens))
        true = network.module(input_ids=tokens, use_cache=False, return_dict=True).logits
        for step in (None, *_known_steps(config)):
            if torch.allclose(plain if step is None else step(plain), true, rtol=1e-3, atol=1e-4):
                return step
    what = f"{type(network.module).__name__} changes its logits in a way that is not supported"
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


def empty_cache(network: Network) -> Any:
    """A cache of the kind the architecture asks for."""
    from transformers import DynamicCache

    return DynamicCache(config=network.module.config)


def select_rows(kv_cache: Any, rows: "torch.Tensor") -> None:
    """Keep, drop or repeat rows of a cache, in place."""
    kv_cache.batch_select_indices(rows)


def can_join(network: Network) -> bool:
    """Whether rows of different lengths can share a cache: plain attention, and positions that the caller may give."""
    from transformers.cache_utils import DynamicLayer

    plain = all(type(layer) is DynamicLayer for layer in empty_cache(network).layers)
    return plain and "position_ids" in signature(network.module.forward).parameters


def joined_cache(parts: Iterable[tuple[Any, "torch.Tensor"]], *, rows: int, width: int, room: int) -> Any:
    """One cache out of several, each row flush right in the first `width` slots, with `room` slots to fill.

    `parts` pairs a cache with the index (rows of the result it fills, row of the part each one copies): (2, n).
    """
    from transformers import Cache

    parts = list(parts)
    layers = [roomy_layer()(width + room) for _ in parts[0][0].layers]
    for index, layer in enumerate(layers):
        layer.fill([(part.layers[index], where) for part, where in parts], rows=rows, width=width)
    return Cache(layers=layers)


@cache
def roomy_layer() -> type[Any]:
    """The class of a cache layer that allocates once, where the library's own copies itself at every token."""
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values (rows, heads, slots, width) of which the first `used` slots are filled."""

        def __init__(self, slots: int) -> None:
            super().__init__()
            self.slots, self.used = slots, 0

        def fill(self, parts: list[tuple[Any, Any]], *, rows: int, width: int) -> None:
            for name in ("keys", "values"):
                like = getattr(parts[0][0], name)
                # Zeros, since a masked slot must still hold a finite number
                space = like.new_zeros(rows, like.shape[1], self.slots, like.shape[3])
                for part, (into, source) in parts:
                    state = getattr(part, name)
                    space[into, :, width - state.shape[2] : width] = state[source]
                setattr(self, f"{name}_space", space)
            self.dtype, self.device, self.is_initialized = space.dtype, space.device, True
            self._show(width)

        def _show(self, used: int) -> None:
            self.used = used
            self.keys, self.values = self.keys_space[:, :, :used], self.values_space[:, :, :used]

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            end = self.used + key_states.shape[2]
            self.keys_space[:, :, self.used : end] = key_states
            self.values_space[:, :, self.used : end] = value_states
            self._show(end)
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            self.keys_space, self.values_space = self.keys_space[indices], self.values_space[indices]
            self._show(self.used)

    return RoomyLayer


def template_source(tokenizer: Any) -> str | None:
    """The chat template of a tokenizer, or None; where there are several, the one named `default`."""
    source = tokenizer.chat_template
    return source.get("default") if isinstance(source, dict) else source


def special_tokens(tokenizer: Any) -> dict[str, str]:
    """The special tokens that a template may name, such as `bos_token`."""
    named = tokenizer.special_tokens_map
    return {name: str(token) for name, token in named.items() if isinstance(token, str)}


def digest_network(network: Network, digest: Any) -> None:
    """Feed name, dtype, shape and bytes of every tensor, in order of name, and the configuration into `digest`."""
    import torch

    digest.update(json.dumps(configuration(network), sort_keys=True, default=str).encode())
    for name, tensor in sorted(network.module.state_dict().items()):
        head = json.dumps([name, str(tensor.dtype), list(tensor.shape)])
        digest.update(f"\n{head}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
