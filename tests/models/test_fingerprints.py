"""A fingerprint is that of the numbers themselves, whatever pieces they are digested in."""

import hashlib
import json

import torch

from subtrait.models import fingerprints

TENSORS = {"a": torch.arange(10.0), "b": torch.arange(6).reshape(2, 3), "c": torch.ones(2, 2, dtype=torch.bfloat16)}


def digested(tensors, **options):
    digest = hashlib.sha256()
    fingerprints.digest_tensors(tensors.items(), digest, **options)
    return digest.hexdigest()


def by_hand(tensors):
    """The rule in one go: a line with name, format and shape, then the bytes."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"\n{json.dumps([name, str(tensor.dtype), list(tensor.shape)])}\n".encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def test_pieces_change_nothing(monkeypatch):
    whole = digested(TENSORS)
    assert whole == by_hand(TENSORS)
    monkeypatch.setattr(fingerprints, "DIGESTED", 3)
    assert digested(TENSORS) == whole


def test_tensors_that_lie_the_other_way_are_digested_in_their_order():
    turned = {"b": torch.arange(6).reshape(3, 2).T}
    assert digested(turned) == by_hand(turned)


def test_fractions_are_digested_in_the_format_that_was_asked_for():
    widened = {name: one.float() if one.is_floating_point() else one for name, one in TENSORS.items()}
    assert digested(TENSORS, dtype="float32") == by_hand(widened) != digested(TENSORS)


def test_the_configuration_is_that_of_the_function_and_not_of_the_place(network):
    said = fingerprints.configuration(network)
    assert said["hidden_size"] == 32
    assert not {"dtype", "transformers_version", "_name_or_path"} & set(said)
