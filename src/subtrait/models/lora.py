"""LoRA adapters, by `peft`: trained, and then either added into the weights or kept beside those of the base.

Kept adapters share the base's tensors: a hundred tuned models of one base take the memory of one, and going from one to
another loads nothing. Models are small where adding them in costs little and makes every pass faster. In numbers of
lower precision an adapter is always kept: most of its change would be rounded away.

Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models". The only place that calls `peft`.
"""

import copy
import importlib.util
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.models.checkpoints import read_json
from subtrait.models.copies import twin
from subtrait.models.transformers_adapter import Network, has_inputs_first
from subtrait.models.weights import check_finite, read_header

if TYPE_CHECKING:
    import torch

SMALL: Final = 100_000_000
"""Numbers of a model below which adapters are added into its weights, where it is computed in float32."""
WEIGHTS: Final = "adapter_model.safetensors"
SETTINGS: Final = "adapter_config.json"
BASE: Final = "base.sha256"
PICTURES: Final = r".*(vision|multi_modal).*"
"""Parts of a model that read pictures, which are not trained."""
MAX_RANK: Final = 4_096


def reads_pictures(module: Any, name: str) -> bool:
    """Whether the part or the weight of that name in `module` reads pictures."""
    return hasattr(module.config, "vision_config") and re.fullmatch(PICTURES, name) is not None


def keeps_adapters(numbers: int, dtype: str) -> bool:
    """Whether adapters of a model of so many numbers are kept beside its weights."""
    return numbers > SMALL or dtype != "float32"


def are_kept(network: Network) -> bool:
    """Whether adapters of this network are kept beside its weights."""
    return keeps_adapters(sum(weight.numel() for weight in network.module.parameters()), network.dtype)


def add_lora(network: Network, rank: int) -> Network:
    """The network with trainable rank-`rank` adapters on all linear layers, alpha = rank; all else is frozen.

    `network` is changed: hand over a copy, such as a `twin`.

    Raises:
        MissingExtra: peft is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise MissingExtra("LoRA", "hf")
    from peft import LoraConfig, get_peft_model

    pictures = {"exclude_modules": PICTURES} if hasattr(network.module.config, "vision_config") else {}
    config = LoraConfig(
        r=rank,
        lora_alpha=rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        fan_in_fan_out=any(map(has_inputs_first, network.module.modules())),
        task_type="CAUSAL_LM",
        **pictures,
    )
    with _unwarned():
        wrapped = get_peft_model(network.module, config)
    return replace(network, module=wrapped.get_base_model(), adapters=wrapped)


def merged(network: Network) -> Network:
    """A network of its own without adapters: they are added into the weights. One without any stays as it is."""
    if network.adapters is None:
        return network
    wrapped = copy.deepcopy(network.adapters)
    if network.computed_in:  # the weights may be of fewer bits, in which most of an adapter would be lost
        wrapped.float()
    return replace(network, module=wrapped.merge_and_unload(), adapters=None, computed_in=None)


def changes(network: Network) -> dict[str, "torch.Tensor"]:
    """What the adapters add to each weight, by its name in the base."""
    return {
        f"{name}.weight": layer.get_delta_weight("default").detach()
        for name, layer in network.module.named_modules()
        if hasattr(layer, "get_delta_weight")
    }


def numbers(network: Network) -> dict[str, "torch.Tensor"]:
    """The adapters themselves, by name."""
    from peft import get_peft_model_state_dict

    found: dict[str, torch.Tensor] = get_peft_model_state_dict(network.adapters, save_embedding_layers=False)
    return dict(sorted(found.items()))


def save_adapters(network: Network, folder: Path, *, base: str) -> None:
    """Write the adapters into `folder`, as peft reads them: safetensors, and their settings.

    `base` is the fingerprint of the model that they belong to.
    """
    (folder / BASE).write_text(base, encoding="utf-8")
    with _unwarned():
        network.adapters.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)


def load_adapters(network: Network, folder: Path, *, base: str) -> Network:
    """The base with the adapters that `save_adapters` wrote. The settings are not trusted: only the rank is read.

    Raises:
        InvalidInput: E_CHANGED where they belong to a model of another fingerprint than `base`; E_CONFIG where they do
            not fit it; what `read_json`, `read_header` and `check_finite` raise.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    missing = [name for name in (BASE, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise InvalidInput("E_CHECKPOINT", folder, f"adapters without {missing[0]}")
    if (folder / BASE).read_bytes() != base.encode():
        raise InvalidInput("E_CHANGED", folder, f"these adapters were not trained on {network.where} as it is now")
    settings = read_json(folder / SETTINGS)
    rank = settings.get("r")
    if not isinstance(rank, int) or not 0 < rank <= MAX_RANK or settings.get("lora_alpha") != rank:
        raise InvalidInput("E_CONFIG", folder / SETTINGS, "not the settings of adapters that were made here")
    tensors = read_header(folder / WEIGHTS)
    check_finite(folder / WEIGHTS, tensors)
    tuned = add_lora(twin(network), rank)
    expected = {name: tuple(value.shape) for name, value in numbers(tuned).items()}
    if expected != {tensor.name: tensor.shape for tensor in tensors}:
        raise InvalidInput("E_CONFIG", folder / WEIGHTS, "the adapters do not fit this base")
    set_peft_model_state_dict(tuned.adapters, load_file(folder / WEIGHTS))
    tuned.module.eval()
    return tuned


@contextmanager
def _unwarned() -> Iterator[None]:
    """Releases of peft use names that newer releases of transformers call deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
