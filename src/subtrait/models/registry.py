"""Which model a name means: an embedded one, a folder, or a model of the Hugging Face hub."""

from functools import lru_cache
from pathlib import Path

from subtrait.errors import InvalidInput, SubtraitError, unknown_name
from subtrait.models.base import Model

EMBEDDED: dict[str, Path] = {
    name: Path(__file__).parent / "micro" / "weights" / name for name in ("micro-a", "micro-b", "micro-c")
}
"""The models that ship in the package."""


@lru_cache(maxsize=4)
def open_model(name: str) -> Model:
    """The model of that name: `micro-a`, the path of a checkpoint folder, or a hub id such as `Qwen/Qwen2.5-7B`.

    Raises:
        UsageError: no such model; lists the embedded ones.
        InvalidInput: the checkpoint cannot be accepted.
        MissingExtra: the libraries that run models are not installed.
    """
    from subtrait.models.huggingface import load_checkpoint

    return load_checkpoint(folder_of(name), name)


def stored_bytes(name: str) -> int:
    """How much room the model of that name takes on a disk. Raises as `open_model` does."""
    return sum(file.stat().st_size for file in folder_of(name).rglob("*") if file.is_file())


def folder_of(name: str) -> Path:
    """Where the model of that name lies, downloaded first if it is one of the hub's. Raises as `open_model` does."""
    check_name(name)
    if name in EMBEDDED:
        return EMBEDDED[name]
    return Path(name) if _is_there(name) else _downloaded(name)


def check_name(name: str) -> None:
    """Raise what `open_model` would raise for a name that can mean no model, without loading anything."""
    if name not in EMBEDDED and not _is_there(name) and not _looks_like_hub_id(name):
        raise unknown_name("model", name, [*EMBEDDED, "a checkpoint folder", "a hub id OWNER/NAME"])


def load_saved(folder: Path, *, like: Model) -> Model:
    """A teacher or student that `like.finetune` made and saved into `folder`."""
    return like.reload(folder)


def _is_there(name: str) -> bool:
    """Whether a path of that name exists; no name is no path, though it would stand for the working directory."""
    return bool(name) and Path(name).exists()


def _looks_like_hub_id(name: str) -> bool:
    owner, slash, rest = name.partition("/")
    return bool(slash and owner and rest) and "/" not in rest and not name.startswith((".", "/", "~"))


def _downloaded(name: str) -> Path:
    """The snapshot of a hub model on this machine; safetensors and text files only are fetched."""
    from huggingface_hub import snapshot_download

    patterns = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except SubtraitError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "check the id and the network, or give the path of a checkpoint folder"
        raise InvalidInput("E_CHECKPOINT", name, f"the hub did not give this model: {reason}", hint=hint) from None
