"""Copies share the weights of a network or own them, and leave it as it is."""

import torch

from subtrait.models.copies import copied, in_memory, twin


def places(network):
    return [value.data_ptr() for value in (*network.module.parameters(), *network.module.buffers())]


def test_a_twin_has_every_tensor_of_the_network_and_no_module_of_it(network):
    other = twin(network)
    assert places(other) == places(network)
    assert not {id(part) for part in other.module.modules()} & {id(part) for part in network.module.modules()}
    assert not any(weight.requires_grad for weight in other.module.parameters())
    assert all(weight.requires_grad for weight in network.module.parameters())


def test_a_copy_has_the_same_numbers_and_no_tensor_of_the_network(network):
    other = copied(network)
    assert not set(places(other)) & set(places(network))
    for one, same in zip(other.module.parameters(), network.module.parameters(), strict=True):
        assert torch.equal(one, same)


def test_a_network_in_memory_is_not_copied(network):
    assert in_memory(network) is network
