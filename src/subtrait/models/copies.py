"""Copies of networks: around the same weights, or with weights of their own."""

import copy
from dataclasses import replace
from typing import Any

from subtrait.models.transformers_adapter import Network


def twin(network: Network) -> Network:
    """Modules of their own around the same tensors: for adapters to be put on, or for another thread."""
    import torch

    module = network.module
    shared: dict[int, Any] = {id(one): torch.nn.Parameter(one.data, requires_grad=False) for one in module.parameters()}
    shared |= {id(one): one for one in module.buffers()}
    return replace(network, module=copy.deepcopy(module, shared))


def copied(network: Network) -> Network:
    """A network of its own, with its weights in memory."""
    module = copy.deepcopy(network.module)
    if network.computed_in:
        module.float().requires_grad_(True)
    return replace(network, module=module, computed_in=None)


def in_memory(network: Network) -> Network:
    """The network with its weights in memory: a copy where they stay in their files."""
    return copied(network) if network.computed_in else network
