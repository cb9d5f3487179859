"""An untrusted checkpoint folder, checked before any library opens it, and without torch.

Nothing here runs, unpickles or unpacks anything, and nothing is written. What passes is a folder of regular files with
safetensors weights, whose configuration, weights and tokenizer agree with each other.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from subtrait.errors import InvalidInput, UnsafeFormat
from subtrait.models.templates import NO_TEMPLATE
from subtrait.models.weights import Tensor, read_tensors, weight_files

CODE_SUFFIXES = frozenset({".py", ".pyc", ".pyd", ".so", ".dll", ".dylib"})
UNSAFE_SUFFIXES = frozenset(
    {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".zip", ".7z", ".tar", ".gz"}
)
"""Formats that can carry a pickle, or hide one."""
MAX_ENTRIES = 10_000
MAX_JSON = 64 * 2**20
"""Bytes of a JSON file; the largest tokenizers take a third of it."""
LIMITS = {
    "vocab_size": 4_000_000,
    "num_hidden_layers": 2_000,
    "n_layer": 2_000,
    "hidden_size": 100_000,
    "n_embd": 100_000,
    "intermediate_size": 1_000_000,
    "num_attention_heads": 10_000,
    "num_key_value_heads": 10_000,
    "head_dim": 100_000,
    "max_position_embeddings": 100_000_000,
    "num_experts": 100_000,
    "num_local_experts": 100_000,
}
"""Largest accepted value of each size in config.json: far above any published model, far below exhausting a machine."""
EMBEDDINGS = re.compile(r"(?:^|\.)(?:embed_tokens|wte|word_embeddings|embed_in|tok_embeddings)\.weight$")
LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")


def validate_checkpoint(folder: Path) -> None:
    """Refuse a folder that is unsafe or inconsistent.

    Raises:
        UnsafeFormat: E_UNSAFE_FORMAT where the only weights are in a format that can run code.
        InvalidInput: E_CHECKPOINT, E_PATH, E_LIMIT, E_REMOTE_CODE, E_CONFIG, E_SHARD, E_SAFETENSORS, E_DUPTENSOR,
            E_NAME or E_NONFINITE; each message says which file and what to do.
    """
    names = _check_entries(folder)
    files = weight_files(folder)
    if not files:
        _explain_absence(folder, names)
    config = read_config(folder)
    tensors = read_tensors(files)
    _check_shapes(folder, config, tensors)
    _check_vocabulary(folder, config)


def _check_entries(folder: Path) -> list[str]:
    """The names of the files in `folder`, once each is a regular file inside it and none is code."""
    if not folder.is_dir():
        raise InvalidInput("E_CHECKPOINT", folder, "no such folder", hint="give the folder that holds config.json")
    home = _home(folder)
    names = []
    for count, path in enumerate(sorted(folder.rglob("*"))):
        if count >= MAX_ENTRIES:
            raise InvalidInput("E_LIMIT", folder, f"more than {MAX_ENTRIES} files")
        _check_entry(path, home)
        if path.suffix.lower() in CODE_SUFFIXES:
            hint = "only architectures that transformers has itself can be loaded; remove the file if it is not needed"
            raise InvalidInput("E_REMOTE_CODE", path, "the checkpoint brings code, which is never run", hint=hint)
        names.append(path.name)
    return names


def _home(folder: Path) -> Path:
    """The folder that links may point into: the checkpoint, or the model's whole cache for a snapshot of the hub's."""
    here = folder.resolve()
    cached = here.parent.name == "snapshots" and here.parent.parent.name.startswith("models--")
    return here.parent.parent if cached else here


def _check_entry(path: Path, home: Path) -> None:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as problem:
        raise InvalidInput("E_PATH", path, f"cannot be followed: {type(problem).__name__}") from None
    if not target.is_relative_to(home):
        raise InvalidInput("E_PATH", path, "a link that leaves the checkpoint folder", hint="copy the file into it")
    if not (target.is_file() or target.is_dir()):
        raise InvalidInput("E_PATH", path, "not a regular file")
    if not os.access(target, os.R_OK):
        raise InvalidInput("E_PATH", path, "no permission to read it")


def _explain_absence(folder: Path, names: list[str]) -> None:
    """Say why a folder has no weights that can be read."""
    unsafe = [name for name in names if Path(name).suffix.lower() in UNSAFE_SUFFIXES]
    if unsafe:
        hint = "convert the weights to safetensors; the file was not opened"
        raise UnsafeFormat(
            "E_UNSAFE_FORMAT", folder / unsafe[0], "this format can run code when it is opened", hint=hint
        )
    if "adapter_config.json" in names:
        raise InvalidInput("E_CHECKPOINT", folder, "an adapter without its base model", hint="merge it into the base")
    what = "no model.safetensors and no model.safetensors.index.json"
    raise InvalidInput("E_CHECKPOINT", folder, what, hint="give a folder in Hugging Face format")


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a checkpoint that asks for no code of its own.

    Raises:
        InvalidInput: E_CONFIG where it is absent or malformed, E_LIMIT where it describes a model of absurd size,
            E_REMOTE_CODE where any JSON file asks for code.
    """
    if not (folder / "config.json").is_file():
        raise InvalidInput("E_CONFIG", folder, "no config.json", hint="give a folder in Hugging Face format")
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith("config.json"):
            _refuse_code(path, read_json(path))
    config = read_json(folder / "config.json")
    if "quantization_config" in config:
        what = "quantised weights are not supported"
        raise InvalidInput("E_CONFIG", folder / "config.json", what, hint="use the checkpoint they were made from")
    _check_sizes(folder, config)
    return config


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object whose keys are unique.

    Raises:
        InvalidInput: E_CONFIG, or E_LIMIT for a file that is too large.
    """
    if (size := path.stat().st_size) > MAX_JSON:
        raise InvalidInput("E_LIMIT", path, f"{size} bytes of JSON, at most {MAX_JSON} are read")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a key appears twice")
        return dict(pairs)

    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput("E_CONFIG", path, f"not valid JSON: {problem}") from None
    if not isinstance(content, dict):
        raise InvalidInput("E_CONFIG", path, "not a JSON object")
    return content


def _refuse_code(path: Path, content: Mapping[str, Any]) -> None:
    for field, value in _fields(content):
        if field == "auto_map" or (field == "trust_remote_code" and value):
            hint = "use a checkpoint whose architecture transformers has itself"
            raise InvalidInput("E_REMOTE_CODE", path, f"'{field}' asks for code to be run, which is refused", hint=hint)


def _fields(content: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value, at any depth."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one.items()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def read_template(folder: Path) -> str:
    """The chat template of a validated checkpoint: `chat_template.jinja`, or that of `tokenizer_config.json`.

    Raises:
        InvalidInput: E_TEMPLATE where there is none.
    """
    own, settings = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    source: Any = None
    if own.is_file():
        source = own.read_text(encoding="utf-8", errors="replace")
    elif settings.is_file():
        source = read_json(settings).get("chat_template")
    if isinstance(source, list):  # several, by name
        named = {one.get("name"): one.get("template") for one in source if isinstance(one, dict)}
        source = named.get("default")
    if not isinstance(source, str) or not source.strip():
        raise InvalidInput("E_TEMPLATE", folder, "the model has no chat template", hint=NO_TEMPLATE)
    return source


def _text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def _check_sizes(folder: Path, config: Mapping[str, Any]) -> None:
    for field, value in _fields(config):
        for size in value if isinstance(value, list) else [value]:
            if field in LIMITS and size is not None:
                _check_size(folder / "config.json", field, size)


def _check_size(where: Path, field: str, size: Any) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidInput("E_CONFIG", where, f"{field} is {size!r}, not a positive whole number")
    if size > LIMITS[field]:
        raise InvalidInput("E_LIMIT", where, f"{field} is {size}, at most {LIMITS[field]} is accepted")


def _check_shapes(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Vocabulary, width and number of layers, by the names that most architectures use.

    The loader compares every other tensor with the architecture.
    """
    text = _text_config(config)
    where = folder / "config.json"
    layers = text.get("num_hidden_layers", text.get("n_layer"))
    found = {int(match[1]) for name in tensors if (match := LAYER.search(name))}
    # More are allowed: some checkpoints carry extra layers for drafting, which the loader knows
    if found and layers is not None and max(found) + 1 < layers:
        raise InvalidInput("E_CONFIG", where, f"{layers} layers declared, the weights have {max(found) + 1}")
    sizes = {"vocab_size": text.get("vocab_size"), "hidden_size": text.get("hidden_size", text.get("n_embd"))}
    for name, tensor in tensors.items():
        if EMBEDDINGS.search(name) and len(tensor.shape) == 2:
            for (field, declared), actual in zip(sizes.items(), tensor.shape, strict=True):
                if declared is not None and declared != actual:
                    raise InvalidInput("E_CONFIG", where, f"{field} is {declared}, but {name} has {actual}")


def _check_vocabulary(folder: Path, config: Mapping[str, Any]) -> None:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InvalidInput("E_CONFIG", folder, "no tokenizer.json", hint="save the tokenizer as a fast tokenizer")
    size = _text_config(config).get("vocab_size")
    highest = max(_token_numbers(read_json(path)), default=-1)
    if size is not None and highest >= size:
        raise InvalidInput("E_CONFIG", path, f"it has token number {highest}, the model has {size} tokens")


def _token_numbers(tokenizer: Mapping[str, Any]) -> Iterator[int]:
    model = tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        yield from (number for number in vocabulary.values() if isinstance(number, int))
    elif isinstance(vocabulary, list):
        yield len(vocabulary) - 1
    added = tokenizer.get("added_tokens")
    for token in added if isinstance(added, list) else ():
        if isinstance(token, dict) and isinstance(token.get("id"), int):
            yield token["id"]
