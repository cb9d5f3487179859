"""Every call into `transformers` and `peft`, which rename their arguments between minor versions."""

import importlib.util
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

    @property
    def with_module(self) -> Callable[[Any], "Network"]:
        """The same network around another module, such as a trained copy."""
        return lambda module: replace(self, module=module)


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
        raise InvalidInput("E_CONFIG", folder, "the tokenizer has no tokenizer.json", hint="save it as a fast tokenizer")
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


def add_lora(network: Network, rank: int) -> Network:
    """The network with trainable rank-`rank` adapters on all linear layers, alpha = rank; all else is frozen.

    Source: Hu et al. 2021, LoRA.
    """
    if importlib.util.find_spec("peft") is None:
        raise MissingExtra("LoRA", "hf")
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    return replace(network, module=get_peft_model(network.module, config))


def merge_lora(network: Network) -> Network:
    """A plain network in which the adapters have been added into the weights."""
    return replace(network, module=network.module.merge_and_unload())


def hidden_states(network: Network, tokens: "torch.Tensor") -> "torch.Tensor":
    """The states before the output layer for right-padded `tokens` (rows, length): (rows, length, width).

    Padding on the right needs no mask: a causal model never looks at it from a real token.
    """
    module = network.module
    body = module.get_base_model().base_model if hasattr(module, "peft_config") else module.base_model
    return body(input_ids=tokens, use_cache=False, return_dict=True).last_hidden_state


def output_layer(network: Network) -> "torch.nn.Linear":
    """The layer that maps states to logits."""
    return network.module.get_output_embeddings()


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
    """Whether rows of different lengths can share a cache: plain attention everywhere, positions given by the caller."""
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

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            end = self.used + key_states.shape[2]
            self.keys_space[:, :, self.used : end] = key_states
            self.values_space[:, :, self.used : end] = value_states
            self._show(end)
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            self.keys_space, self.values_space = self.keys_space[indices], self.values_space[indices]
            self._show(self.used)

    return RoomyLayer
