"""Networks and tokenizers from validated checkpoint folders: safetensors only, no remote code, no network access.

With `transformers_adapter`, the only place that calls `transformers`.
"""

import gc
import math
from pathlib import Path
from typing import Any

from subtrait.errors import InvalidInput, UsageError
from subtrait.models.backing_off import is_out_of_memory
from subtrait.models.checkpoints import read_config
from subtrait.models.spreading import device_map, gpu_rooms
from subtrait.models.transformers_adapter import Network, quiet
from subtrait.models.weights import read_header, weight_files

SAFELY: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
CANNOT_LOAD = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError)
"""What transformers raises for a checkpoint that it can do nothing with."""


def load_network(folder: Path, *, device: str = "cpu", dtype: str = "float32") -> Network:
    """The model in a validated checkpoint folder, its weights in `dtype` on `device`.

    On `cuda` a model that one GPU has no room for is spread over all of them; on `cpu`, in float32, the weights of a
    large one stay in their files.

    Raises:
        InvalidInput: E_CONFIG where transformers cannot build the architecture, or the weights do not fit it.
        UsageError: this machine has no such device, or too little memory for the model.
    """
    check_device(device)
    try:
        with quiet():
            outline = outline_of(folder, dtype)
            spread = device_map(outline, gpu_rooms()) if device == "cuda" else None
            kept, _ = left_in_files(folder, device=device, dtype=dtype)
            if kept and (network := _in_files(folder, kept)):
                return network
            module = _read(folder, dtype, spread)
        module = module if spread else module.to(device)
    except (*CANNOT_LOAD, MemoryError) as problem:
        if is_out_of_memory(problem):
            what = f"the weights of {folder} take more memory than there is on {device}"
            raise UsageError(f"{what}: use a lower --dtype or a device with more memory") from None
        raise InvalidInput("E_CONFIG", folder, f"transformers cannot load this model: {problem}") from problem
    return Network(module=module.eval(), where=str(folder))


def left_in_files(folder: Path, *, device: str, dtype: str) -> tuple[str | None, int]:
    """The format in which weights of a checkpoint stay in its files, and how many do; None and 0 where none can.

    Raises:
        InvalidInput: as `outline_of`.
    """
    from subtrait.models.stored_weights import format_to_keep, numbers_that_stay

    kept = format_to_keep(folder, device=device, dtype=dtype)
    stay = numbers_that_stay(outline_of(folder, kept), folder) if kept else 0
    return (kept if stay else None), stay


def _in_files(folder: Path, kept: str) -> Network | None:
    """The network with its weights, of that format, in their files; None where it does not compute so."""
    from subtrait.models.stored_weights import keep_in_files

    module = _read(folder, kept, None)
    stays = keep_in_files(module, folder)
    network = Network(module=module.eval(), where=str(folder), computed_in="float32") if stays else None
    del module
    gc.collect()  # of what held the weights that are read from their files now, or once more
    return network


def _read(folder: Path, dtype: str, spread: dict[str, Any] | None) -> Any:
    """The module with its weights, where `spread` says."""
    import torch
    from transformers import AutoModelForCausalLM

    placed = {} if spread is None else {"device_map": spread}
    module, loading = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=getattr(torch, dtype), use_safetensors=True, output_loading_info=True, **placed, **SAFELY
    )
    _check_complete(folder, loading)
    for moving in ("to", "cuda"):
        # accelerate puts in their place what warns, and what moves this module where a copy of it is asked to move
        vars(module).pop(moving, None)
    return module


def outline_of(folder: Path, dtype: str) -> Any:
    """The architecture of a checkpoint without its numbers, compared with the headers of the weights that are there.

    Nothing is read but `config.json` and the headers, and no memory is taken for weights.

    Raises:
        InvalidInput: E_CONFIG where they do not fit each other; what transformers raises for `config.json` passes.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    read_config(folder)
    config = AutoConfig.from_pretrained(str(folder), **SAFELY)
    with torch.device("meta"):
        outline = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype), trust_remote_code=False)
    if weight_files(folder):
        _check_outline(folder, outline)
    return outline


def check_device(device: str) -> None:
    """Raise `UsageError` where this machine lacks the device."""
    import torch

    have = ["cpu", *["mps"] * torch.backends.mps.is_available()]
    have += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if (device if device != "cuda" else "cuda:0") not in have:
        raise UsageError(f"this machine has no device '{device}': it has {', '.join(have)}")


def default_device() -> str:
    """`cuda` where there is a GPU that torch can use, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _check_outline(folder: Path, outline: Any) -> None:
    """Compare an architecture that holds no numbers yet with the weights, before memory is taken for it."""
    held = {tensor.name: tensor.shape for path in weight_files(folder) for tensor in read_header(path)}
    for name, parameter in outline.state_dict().items():
        if name in held and held[name] != tuple(parameter.shape):
            what = f"config.json makes {name} {list(parameter.shape)}, the weights have {list(held[name])}"
            raise InvalidInput("E_CONFIG", folder, what)
    declared, found = sum(one.numel() for one in outline.parameters()), sum(math.prod(one) for one in held.values())
    if declared > 2 * found:
        what = f"config.json describes a model of {declared} numbers, the weights have {found}"
        raise InvalidInput("E_CONFIG", folder, what)


def _check_complete(folder: Path, loading: dict[str, Any]) -> None:
    """Refuse weights that do not cover the architecture: transformers would fill the gaps with random numbers."""
    for kind, what in (
        ("missing_keys", "has no tensor for"),
        ("unexpected_keys", "has a tensor that config.json knows nothing of,"),
    ):
        if names := sorted(map(str, loading.get(kind) or ())):
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InvalidInput("E_CONFIG", folder, f"the checkpoint {what} {names[0]}{more}")


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
