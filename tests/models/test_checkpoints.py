import json
import os
import pickle
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subtrait.errors import InvalidInput, UnsafeFormat
from subtrait.models.checkpoints import read_template, validate_checkpoint
from subtrait.models.huggingface import load_checkpoint


def change(path, **fields):
    content = json.loads(path.read_text())
    content.update(fields)
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))


def config(**fields):
    return lambda folder: change(folder / "config.json", **fields)


def without(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def written(name, content=""):
    def write(folder):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)

    return write


def tensors(edit):
    def write(folder):
        held = load_file(folder / "model.safetensors")
        edit(held)
        save_file(held, folder / "model.safetensors")

    return write


def nan(held):
    held["model.norm.weight"][3] = np.nan


def narrow(held):
    held["model.embed_tokens.weight"] = held["model.embed_tokens.weight"][:300].copy()


def added_token(folder):
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["added_tokens"].append({**content["added_tokens"][0], "id": 5_000, "content": "<|more|>"})
    path.write_text(json.dumps(content))


def replaced_by(name):
    return lambda folder: (folder / "model.safetensors").rename(folder / name)


CASES = {
    "pytorch weights": (replaced_by("pytorch_model.bin"), "E_UNSAFE_FORMAT", "safetensors"),
    "a zip": (replaced_by("weights.zip"), "E_UNSAFE_FORMAT", "weights.zip"),
    "a 7z": (replaced_by("weights.7z"), "E_UNSAFE_FORMAT", "weights.7z"),
    "joblib": (replaced_by("model.joblib"), "E_UNSAFE_FORMAT", "model.joblib"),
    "no weights": (without("model.safetensors"), "E_CHECKPOINT", "no model.safetensors"),
    "an adapter": (
        lambda f: (without("model.safetensors")(f), written("adapter_config.json", "{}")(f)),
        "E_CHECKPOINT",
        "base",
    ),
    "truncated weights": (lambda f: os.truncate(f / "model.safetensors", 900), "E_SAFETENSORS", "model.safetensors"),
    "NaN": (tensors(nan), "E_NONFINITE", "model.norm.weight has 1"),
    "no config": (without("config.json"), "E_CONFIG", "no config.json"),
    "config is no JSON": (written("config.json", "{"), "E_CONFIG", "not valid JSON"),
    "config repeats a key": (written("config.json", '{"a": 1, "\\u0061": 2}'), "E_CONFIG", "twice"),
    "config is a list": (written("config.json", "[]"), "E_CONFIG", "not a JSON object"),
    "quantised": (config(quantization_config={"quant_method": "gptq"}), "E_CONFIG", "quantised"),
    "vocabulary": (tensors(narrow), "E_CONFIG", "vocab_size is 319, but model.embed_tokens.weight has 300"),
    "width": (config(hidden_size=64), "E_CONFIG", "hidden_size is 64, but model.embed_tokens.weight has 32"),
    "too few layers": (config(num_hidden_layers=5), "E_CONFIG", "5 layers declared, the weights have 2"),
    "negative size": (config(hidden_size=-32), "E_CONFIG", "hidden_size is -32"),
    "size of another kind": (config(vocab_size="many"), "E_CONFIG", "vocab_size is 'many'"),
    "10^9 layers": (config(num_hidden_layers=10**9), "E_LIMIT", "1000000000"),
    "10^9 tokens": (config(vocab_size=10**9), "E_LIMIT", "1000000000"),
    "10^9 tokens, nested": (config(text_config={"vocab_size": 10**9}), "E_LIMIT", "vocab_size"),
    "tokenizer too large": (added_token, "E_CONFIG", "token number 5000, the model has 319"),
    "no tokenizer": (without("tokenizer.json"), "E_CONFIG", "tokenizer.json"),
    "tokenizer is no JSON": (written("tokenizer.json", "?"), "E_CONFIG", "tokenizer.json"),
    "auto_map": (config(auto_map={"AutoModel": "x.Y"}), "E_REMOTE_CODE", "auto_map"),
    "auto_map of the tokenizer": (
        lambda f: change(f / "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}),
        "E_REMOTE_CODE",
        "tokenizer_config.json",
    ),
    "trust_remote_code": (config(nested={"trust_remote_code": True}), "E_REMOTE_CODE", "trust_remote_code"),
    "a module": (written("modeling_tiny.py", "raise SystemExit"), "E_REMOTE_CODE", "modeling_tiny.py"),
    "a module below": (written("inner/x.py"), "E_REMOTE_CODE", "x.py"),
    "a library": (written("kernel.so"), "E_REMOTE_CODE", "kernel.so"),
    "link outside": (lambda f: (f / "vocab.txt").symlink_to("/etc/hostname"), "E_PATH", "vocab.txt"),
    "link to a sibling": (lambda f: (f / "x").symlink_to(f.parent), "E_PATH", "leaves the checkpoint"),
    "link loop": (lambda f: (f / "x").symlink_to(f / "x"), "E_PATH", "x"),
    "dangling link": (lambda f: (f / "x").symlink_to(f / "nothing"), "E_PATH", "x"),
    "a pipe": (lambda f: os.mkfifo(f / "pipe"), "E_PATH", "not a regular file"),
    "no template": (without("chat_template.jinja"), "E_TEMPLATE", "no chat template"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_checkpoint_is_refused_and_left_as_it_was(checkpoint, digest_of, case):
    damage, code, said = CASES[case]
    damage(checkpoint)
    before = digest_of(checkpoint)
    with pytest.raises(InvalidInput) as caught:
        load_checkpoint(checkpoint)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert digest_of(checkpoint) == before


def test_a_good_checkpoint_passes_untouched(checkpoint, digest_of):
    before = digest_of(checkpoint)
    validate_checkpoint(checkpoint)
    assert digest_of(checkpoint) == before


def test_unsafe_formats_have_a_class_of_their_own(checkpoint):
    replaced_by("pytorch_model.bin")(checkpoint)
    with pytest.raises(UnsafeFormat, match="convert the weights to safetensors; the file was not opened"):
        validate_checkpoint(checkpoint)


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "model.pkl", "training_args.bin"])
def test_no_pickle_is_ever_loaded(checkpoint, tmp_path, name):
    trap, weights = tmp_path / "sprung", (checkpoint / "model.safetensors").read_bytes()
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / name).write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(InvalidInput):
        load_checkpoint(checkpoint)
    if name != "model.safetensors":  # beside good weights it is left alone
        (checkpoint / "model.safetensors").write_bytes(weights)
        load_checkpoint(checkpoint)
    assert not trap.exists()
    pickle.loads((checkpoint / name).read_bytes()) if name != "model.safetensors" else None
    assert trap.exists() == (name != "model.safetensors")  # the trap does work


@pytest.mark.parametrize("folder", ["nowhere", "config.json"])
def test_what_is_no_folder_is_refused(checkpoint, folder):
    with pytest.raises(InvalidInput) as caught:
        validate_checkpoint(checkpoint / folder)
    assert caught.value.code == "E_CHECKPOINT"


def test_an_empty_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        validate_checkpoint(tmp_path)
    assert caught.value.code == "E_CHECKPOINT"


def cached(saved, root):
    """A snapshot as the hub's library lays it out: every file a link to a blob named by its digest."""
    model = root / "models--someone--tiny"
    snapshot = model / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (model / "blobs").mkdir()
    for number, path in enumerate(sorted(saved.iterdir())):
        shutil.copy(path, model / "blobs" / str(number))
        (snapshot / path.name).symlink_to(f"../../blobs/{number}")
    return snapshot


def test_links_within_the_cache_of_the_hub_are_followed(saved, tmp_path):
    snapshot = cached(saved, tmp_path)
    validate_checkpoint(snapshot)
    (snapshot / "more.txt").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").touch()
    with pytest.raises(InvalidInput) as caught:
        validate_checkpoint(snapshot)
    assert caught.value.code == "E_PATH"


def test_the_template_may_stand_in_the_settings_of_the_tokenizer(checkpoint):
    (checkpoint / "chat_template.jinja").unlink()
    for source in ("plain", [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "plain"}]):
        change(checkpoint / "tokenizer_config.json", chat_template=source)
        assert read_template(checkpoint) == "plain"
