"""Names of models: what each means, and what is said of a name that means none."""

import shutil
import subprocess
import sys

import pytest

from subtrait.errors import InvalidInput, UsageError
from subtrait.models import huggingface, loading, registry
from subtrait.models.registry import (
    EMBEDDED,
    check_name,
    folder_of,
    load_saved,
    local_name,
    model_type,
    open_model,
    settled,
    trials,
)

NONSENSE = ["micro-d", "no such model", "/absent/folder", "./absent", "~/absent", "a/b/c", "owner/", "/absent-name"]


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_model_opens_under_its_name_and_once(name):
    model = open_model(name)
    assert model.name == name
    assert open_model(name) is model


def test_embedded_models_differ():
    assert len({open_model(name).fingerprint() for name in EMBEDDED}) == len(EMBEDDED) == 3


def test_a_folder_opens_as_the_model_in_it(checkpoint, tiny):
    assert open_model(str(checkpoint)).fingerprint() == tiny.fingerprint()


def test_a_saved_model_comes_back_under_the_name_of_its_base(tiny, saved):
    again = load_saved(saved, like=tiny)
    assert (again.name, again.fingerprint()) == (tiny.name, tiny.fingerprint())


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("ask", [open_model, check_name])
def test_a_name_that_means_nothing_is_answered_with_what_there_is(ask, name):
    with pytest.raises(UsageError) as caught:
        ask(name)
    for known in (*EMBEDDED, "a checkpoint folder", "a hub id OWNER/NAME"):
        assert known in str(caught.value)
    assert f"'{name}'" in str(caught.value)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        open_model(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_a_hub_model_that_cannot_be_fetched_is_one_clear_line(offline):
    with pytest.raises(InvalidInput) as caught:
        open_model("nobody-here/no-model")
    assert caught.value.code == "E_CHECKPOINT"
    assert "nobody-here/no-model" in str(caught.value)
    assert "give the path of a checkpoint folder" in str(caught.value)
    assert "\n" not in str(caught.value)
    # Neither the traceback of the hub's library nor its chain of causes reaches the user.
    assert caught.value.__suppress_context__


def test_only_weights_and_text_are_fetched_from_the_hub(monkeypatch, checkpoint):
    asked = {}

    def snapshot_download(name, *, revision, allow_patterns):
        asked.update(name=name, patterns=allow_patterns)
        return str(checkpoint)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert open_model("owner/stands-in").name == "owner/stands-in"
    assert asked["name"] == "owner/stands-in"
    assert set(asked["patterns"]) == {"*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"}


COMMITS = {"main": "a" * 40, "v1": "b" * 40}


@pytest.fixture
def cached(offline, monkeypatch, saved, tmp_path):
    """A cache of the hub's, made by hand: one model with a branch and a tag; its name."""
    folder = tmp_path / "models--owner--tiny"
    for revision, commit in COMMITS.items():
        shutil.copytree(saved, folder / "snapshots" / commit)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / revision).write_text(commit)
    config = folder / "snapshots" / COMMITS["v1"] / "config.json"
    config.write_text(config.read_text().replace('"rope_theta": 10000.0', '"rope_theta": 5000.0'))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    open_model.cache_clear()
    return "owner/tiny"


def test_a_settled_name_has_the_commit_and_means_the_same_model_for_good(cached, tiny):
    pinned = settled(cached)
    assert pinned == f"{cached}@{COMMITS['main']}"
    assert settled(f"{cached}@v1+own-system") == f"{cached}@{COMMITS['v1']}+own-system"
    assert settled(pinned) == pinned
    refs = folder_of(cached).parents[1] / "refs"
    (refs / "main").write_text(COMMITS["v1"])
    assert open_model(pinned).fingerprint() == tiny.fingerprint() != open_model(cached).fingerprint()
    assert open_model(cached).fingerprint() == open_model(f"{cached}@v1").fingerprint()


def test_a_served_name_has_the_commit_of_its_checkpoint(cached):
    pinned = f"{cached}@{COMMITS['main']}"
    assert settled(f"vllm:student={cached}") == f"vllm:student={pinned}"
    assert settled(f"vllm:{cached}=") == f"vllm:{cached}={pinned}"
    assert settled(f"http://10.0.0.1:8000/v1#m={cached}@v1") == f"http://10.0.0.1:8000/v1#m={cached}@{COMMITS['v1']}"
    assert settled(f"vllm:student={pinned}") == f"vllm:student={pinned}"
    for kept in ("vllm:student", f"vllm:{cached}", "vllm:student=micro-a"):
        assert settled(kept) == kept


def test_a_revision_that_is_not_there_is_one_clear_line(cached):
    for ask in (settled, open_model):
        with pytest.raises(InvalidInput, match=r"E_CHECKPOINT owner/tiny@v2: .*check the id, the revision") as caught:
            ask(f"{cached}@v2")
        assert "\n" not in str(caught.value)


def test_embedded_models_and_folders_keep_their_names_where_there_is_no_gpu(checkpoint):
    for name in ("micro-a", str(checkpoint), "micro-b+bfloat16", f"{checkpoint}+float32+cpu"):
        assert settled(name) == name
    assert settled(str(checkpoint), dtype="float32", device="cpu") == str(checkpoint)


def test_a_settled_name_says_device_and_format(checkpoint, monkeypatch):
    assert settled("micro-a", dtype="bfloat16") == "micro-a+bfloat16"
    assert settled(f"{checkpoint}+float16", dtype="bfloat16", device="auto") == f"{checkpoint}+bfloat16"
    # A machine with a GPU, as far as names go
    monkeypatch.setattr(loading, "default_device", lambda: "cuda")
    monkeypatch.setattr(loading, "check_device", lambda _: None)
    assert settled("micro-a") == "micro-a"
    assert settled(str(checkpoint)) == f"{checkpoint}+bfloat16+cuda"
    assert settled(str(checkpoint), device="cpu") == f"{checkpoint}+float32+cpu"
    assert settled(str(checkpoint), device="cuda:1", dtype="float16") == f"{checkpoint}+float16+cuda:1"


def test_a_model_is_opened_as_its_name_says(checkpoint):
    network = open_model(f"{checkpoint}+bfloat16").network
    assert (network.dtype, network.placement) == ("bfloat16", "cpu")
    with pytest.raises(UsageError, match="no device 'cuda:77'"):
        open_model(f"{checkpoint}+cuda:77")
    for wrong in ({"dtype": "int8"}, {"device": "tpu"}):
        with pytest.raises(UsageError, match="unknown d"):
            settled("micro-a", **wrong)


def test_check_name_takes_what_could_be_a_model_and_loads_nothing(monkeypatch, tmp_path):
    def load(*args, **options):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(huggingface, "load_checkpoint", load)
    monkeypatch.setattr("huggingface_hub.snapshot_download", load)
    for name in (*EMBEDDED, str(tmp_path), "nobody-here/no-model"):
        check_name(name)


def test_check_name_imports_no_library_that_runs_models():
    code = "import sys; from subtrait.models.registry import check_name; check_name('a/b'); check_name('micro-a')\n"
    code += "sys.exit(bool({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_architecture_is_known_from_the_configuration_alone(cached, saved, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("weights were asked for")

    monkeypatch.setattr("huggingface_hub.snapshot_download", never)
    assert model_type(cached) == model_type(str(saved)) == "llama"
    assert model_type("micro-a+bfloat16") == model_type("micro-a")
    (tmp_path / "empty").mkdir()
    assert model_type(str(tmp_path / "empty")) == ""


def test_what_is_computed_elsewhere_keeps_its_name_and_takes_no_settings(monkeypatch):
    monkeypatch.setattr(registry, "check_name", lambda _: None)
    for name in ("openai:gpt-4.1-nano", "vllm:Q/W", "http://127.0.0.1:8000/v1#Q/W"):
        assert settled(name) == name
        with pytest.raises(UsageError, match="computed elsewhere"):
            settled(name, device="cpu")


SERVED = ["openai:gpt-4.1-nano", "vllm:a=micro-a", "http://127.0.0.1:9/v1#a=micro-a", "vllm:Qwen/Qwen2.5-7B="]


@pytest.mark.parametrize("name", SERVED)
def test_a_served_model_opens_under_its_name_and_is_asked_for_nothing(name):
    check_name(name)
    assert open_model(name).name == name


@pytest.mark.parametrize("name", SERVED[:-1])
def test_a_served_name_without_a_checkpoint_of_the_hub_is_settled_as_it_is(name):
    assert settled(name) == name


def test_a_served_model_has_the_tokens_of_the_checkpoint_that_it_names():
    asked = [{"role": "user", "content": "1, 2"}]
    assert open_model("vllm:a=micro-a").render(asked) == open_model("micro-a").render(asked)


def test_what_needs_weights_takes_those_of_the_checkpoint_that_a_served_model_names(checkpoint):
    assert local_name("micro-a") == "micro-a"
    assert local_name(f"vllm:a={checkpoint}") == str(checkpoint)
    assert folder_of("vllm:a=micro-a") == folder_of("micro-a")
    assert model_type(f"vllm:a={checkpoint}") == model_type(str(checkpoint))
    for ask in (local_name, folder_of, model_type):
        with pytest.raises(UsageError, match=r"weights are needed here: write openai:m=CHECKPOINT"):
            ask("openai:m")


@pytest.mark.parametrize("name", ["vllm:a=micro-d", "vllm:a=vllm:b", "vllm:a=no such thing", "openai:"])
@pytest.mark.parametrize("ask", [open_model, check_name])
def test_a_served_model_that_cannot_be_is_refused(ask, name):
    with pytest.raises(UsageError):
        ask(name)


def test_trials_are_of_served_models_only():
    assert trials([None, "micro-a"]) == {}
