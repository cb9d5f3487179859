"""Which model a name means: an embedded one, a folder, a model of the Hugging Face hub, or one behind a server."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from subtrait.errors import InvalidInput, SubtraitError, UsageError, unknown_name
from subtrait.models.base import Model
from subtrait.models.encoding import ChatEncoder
from subtrait.models.model_names import ModelName, check_settings, read_name
from subtrait.models.servers.addresses import is_address, read_address

EMBEDDED: dict[str, Path] = {
    name: Path(__file__).parent / "micro" / "weights" / name for name in ("micro-a", "micro-b", "micro-c")
}
"""The models that ship in the package."""


@lru_cache(maxsize=4)
def open_model(name: str) -> Model:
    """The model of that name: `micro-a`, the path of a checkpoint folder, or a hub id such as `Qwen/Qwen2.5-7B`.

    What may follow the name, such as `@REVISION` and `+bfloat16+cuda`, is in `model_names`; how a model behind a server
    is named, as in `vllm:NAME=CHECKPOINT`, in `servers.addresses`. It is asked for nothing before its first use.

    Raises:
        UsageError: no such model; lists the embedded ones. Or no such device.
        InvalidInput: the checkpoint cannot be accepted.
        MissingExtra: the libraries that run models are not installed.
    """
    if is_address(name):
        check_name(name)
        return _served(name)
    from subtrait.models.huggingface import load_checkpoint

    return load_checkpoint(folder_of(name), name, asked=named(name))


def _served(name: str) -> Model:
    from subtrait.models.servers.served_model import ServedModel

    address = read_address(name)
    return ServedModel(address, partial(_served_encoder, name, address.checkpoint) if address.checkpoint else None)


def _served_encoder(name: str, checkpoint: str) -> ChatEncoder:
    from subtrait.models.servers.served_encoder import encoder_of

    return encoder_of(_folder_of(checkpoint, weights=False), name, own_system=named(checkpoint).own_system)


def local_name(name: str) -> str:
    """The name of what can be loaded and trained in this process: of a served model, the checkpoint that it names.

    Raises:
        UsageError: a served model names none.
    """
    checkpoint = read_address(name).checkpoint if is_address(name) else name
    if checkpoint is None:
        what = f"{name} runs on a server, and its weights are needed here"
        raise UsageError(f"{what}: write {name}=CHECKPOINT, the folder or hub id of the checkpoint that is served")
    return checkpoint


def trials(names: Iterable[str | None]) -> dict[str, dict[str, Any]]:
    """What was found when the served ones among these models were tried, by name. Raises as `ServedModel.trial`."""
    from subtrait.models.servers.served_model import ServedModel

    served = {name: open_model(name) for name in names if name is not None and is_address(name)}
    return {name: asdict(model.trial) for name, model in served.items() if isinstance(model, ServedModel)}


def named(name: str) -> ModelName:
    """The parts of a name; one that is itself a path or an embedded model is not taken apart."""
    return ModelName(place=name) if name in EMBEDDED or _is_there(name) else read_name(name)


def settled(name: str, *, dtype: str | None = None, device: str | None = None) -> str:
    """The name with everything in it that decides what the model computes on this machine.

    Of a hub's model, the commit that its revision stands for now; of a served model, the same of its checkpoint, which
    is written out. The device is the one asked for, else the GPU where there is one; the format is the one asked for,
    else bfloat16 on a GPU and float32 on the CPU. What the name says already stands, and embedded models keep theirs,
    unless something is asked for.

    Raises:
        UsageError: an unknown model, format or device, or one that this machine lacks.
        InvalidInput: the hub does not know the model or the revision.
    """
    check_name(name)
    check_settings(dtype, device)
    asked = named(name)
    if not (asked.place in EMBEDDED or _is_there(asked.place) or _looks_like_hub_id(asked.place)):
        if dtype or device:
            raise UsageError(f"{name} is computed elsewhere: leave dtype and device out")
        return _with_settled_checkpoint(name)
    if dtype is None and device is None and (asked.place in EMBEDDED or asked.dtype or asked.device):
        return str(_pinned(asked))
    from subtrait.models.loading import check_device, default_device

    usual = default_device() if asked.place not in EMBEDDED else "cpu"
    on = usual if device in (None, "auto") else str(device)
    check_device(on)
    shown = None if on == usual == "cpu" else on
    chosen = dtype or ("float32" if on == "cpu" or asked.place in EMBEDDED else "bfloat16")
    plain = shown is None and chosen == "float32"
    return str(replace(_pinned(asked), device=shown, dtype=None if plain else chosen))


def _with_settled_checkpoint(name: str) -> str:
    """The name of a served model, of whose checkpoint students are trained here: they must mean the same for good."""
    checkpoint = read_address(name).checkpoint if is_address(name) else None
    if checkpoint is None:
        return name
    stem = name if name.endswith("=") else name.removesuffix(checkpoint)
    return stem + settled(checkpoint)


def _pinned(name: ModelName) -> ModelName:
    """The name with the commit that its revision stands for, where it is one of the hub's."""
    if not _looks_like_hub_id(name.place) or _is_there(name.place):
        return name
    return replace(name, revision=config_of(str(name)).parent.name)


def model_type(name: str) -> str:
    """What `config.json` calls the architecture of the model of that name, such as `qwen2`; empty where it does not.

    Raises:
        UsageError: no such model.
        InvalidInput: the hub does not give it, or the file cannot be accepted.
    """
    from subtrait.models.checkpoints import read_json

    path = config_of(name)
    return str(read_json(path).get("model_type", "")) if path.is_file() else ""


def config_of(name: str) -> Path:
    """Where the `config.json` of the model of that name lies; of a hub's model no other file is fetched.

    Raises:
        UsageError: no such model.
        InvalidInput: the hub does not give it.
    """
    check_name(name)
    asked = named(local_name(name))
    if asked.place in EMBEDDED or _is_there(asked.place):
        return EMBEDDED.get(asked.place, Path(asked.place)) / "config.json"
    from huggingface_hub import hf_hub_download

    return _from_hub(asked, lambda: hf_hub_download(asked.place, "config.json", revision=asked.revision))


def stored_bytes(name: str) -> int:
    """How much room the model of that name takes on a disk. Raises as `open_model` does."""
    return sum(file.stat().st_size for file in folder_of(name).rglob("*") if file.is_file())


def folder_of(name: str) -> Path:
    """Where the model of that name lies, downloaded first if it is one of the hub's. Raises as `open_model` does."""
    check_name(name)
    return _folder_of(local_name(name))


def _folder_of(name: str, *, weights: bool = True) -> Path:
    asked = named(name)
    if asked.place in EMBEDDED:
        return EMBEDDED[asked.place]
    return Path(asked.place) if _is_there(asked.place) else _downloaded(asked, weights=weights)


def check_name(name: str) -> None:
    """Raise what `open_model` would raise for a name that can mean no model, without loading anything."""
    if is_address(name):
        checkpoint = read_address(name).checkpoint
        if checkpoint is None:
            return
        name = checkpoint
    place = named(name).place
    if place not in EMBEDDED and not _is_there(place) and not _looks_like_hub_id(place):
        raise unknown_name("model", name, [*EMBEDDED, "a checkpoint folder", "a hub id OWNER/NAME", "vllm:NAME"])


def load_saved(folder: Path, *, like: Model) -> Model:
    """A teacher or student that `like.finetune` made and saved into `folder`."""
    return like.reload(folder)


def _is_there(name: str) -> bool:
    """Whether a path of that name exists; no name is no path, though it would stand for the working directory."""
    return bool(name) and Path(name).exists()


def _looks_like_hub_id(name: str) -> bool:
    owner, slash, rest = name.partition("/")
    return bool(slash and owner and rest) and not set("/:") & set(rest + owner) and name[0] not in "./~"


def _downloaded(name: ModelName, *, weights: bool) -> Path:
    """The snapshot of a hub model on this machine; text files only are fetched and, with `weights`, safetensors."""
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.jinja", "*.model", "*.txt", *(["*.safetensors"] if weights else [])]
    return _from_hub(name, lambda: snapshot_download(name.place, revision=name.revision, allow_patterns=patterns))


def _from_hub(name: ModelName, fetch: Callable[[], str]) -> Path:
    """Where something of the hub's lies. Raises `InvalidInput` where it cannot be had."""
    try:
        return Path(fetch())
    except SubtraitError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "check the id, the revision and the network, or give the path of a checkpoint folder"
        raise InvalidInput("E_CHECKPOINT", name, f"the hub did not give this model: {reason}", hint=hint) from None
