"""The doctor: a sound machine passes every check, and each defect is found under its name."""

import json
import shutil
from collections import namedtuple
from importlib.metadata import PackageNotFoundError

import pytest

from subtrait import doctor
from subtrait.models import registry

WEIGHTS = "model.safetensors"
Usage = namedtuple("Usage", "total used free")


def with_free(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2 * free, free, free))


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """A copy of an embedded model that stands in for it."""
    folder = shutil.copytree(registry.EMBEDDED["micro-b"], tmp_path / "micro-b")
    monkeypatch.setattr(registry, "EMBEDDED", {**registry.EMBEDDED, "micro-b": folder})
    registry.open_model.cache_clear()
    yield folder
    registry.open_model.cache_clear()


def about_models():
    return {finding.name: finding for finding in doctor._embedded_models()}


def only_the_copy_fails(found):
    assert {name for name, finding in found.items() if not finding.ok} == {"micro-b"}
    return found["micro-b"].detail


def test_a_sound_machine_passes_every_check(monkeypatch):
    with_free(monkeypatch, 2 << 30)
    found = doctor.examine()
    assert [finding for finding in found if not finding.ok] == []
    names = [finding.name for finding in found]
    assert names == ["torch", "transformers", "peft", "processor", *registry.EMBEDDED, "disk"]
    assert all(finding.detail for finding in found)


def test_an_untouched_copy_of_the_weights_passes(copied):
    assert all(finding.ok for finding in about_models().values())


def test_one_changed_byte_of_the_weights_is_found_and_the_model_named(copied):
    data = bytearray((copied / WEIGHTS).read_bytes())
    data[-1] ^= 0x80  # the sign of the last weight: the file stays a valid one
    (copied / WEIGHTS).write_bytes(data)
    assert "is not the published one" in only_the_copy_fails(about_models())


@pytest.mark.parametrize("name", [WEIGHTS, "card.json", "tokenizer.json", "config.json"])
def test_a_missing_file_is_found_and_the_model_named(copied, name):
    (copied / name).unlink()
    assert "install the package again" in only_the_copy_fails(about_models())


@pytest.mark.parametrize("card", ["", "[]", "{}", "null"])
def test_a_card_without_a_fingerprint_is_found(copied, card):
    (copied / "card.json").write_text(card, encoding="utf-8")
    assert "install the package again" in only_the_copy_fails(about_models())


def test_a_card_of_another_model_is_found(copied):
    other = json.loads((registry.EMBEDDED["micro-a"] / "card.json").read_text(encoding="utf-8"))
    (copied / "card.json").write_text(json.dumps(other), encoding="utf-8")
    assert "is not the published one" in only_the_copy_fails(about_models())


def test_a_library_that_is_absent_comes_with_the_command_that_installs_it(monkeypatch):
    def version(package):
        if package == "peft":
            raise PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(doctor, "version", version)
    found = {finding.name: finding for finding in doctor._libraries()}
    assert [name for name, finding in found.items() if not finding.ok] == ["peft"]
    assert "pip install 'subtrait[hf]'" in found["peft"].detail


def test_a_disk_without_a_gibibyte_fails(monkeypatch):
    with_free(monkeypatch, 1 << 29)
    (found,) = doctor._disk()
    assert (found.name, found.ok) == ("disk", False)
    assert found.detail.startswith("0.5 GiB free")
