import pytest
import torch

from subtrait.models import output_head
from subtrait.models.output_head import Head, log_probabilities, mean_loss

COUNT, WIDTH, VOCABULARY = 600, 8, 50


def draw(*, bias=True):
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(COUNT, WIDTH, generator=generator)
    weight = torch.randn(VOCABULARY, WIDTH, generator=generator) * 3
    shift = torch.randn(VOCABULARY, generator=generator) if bias else None
    targets = torch.randint(VOCABULARY, (COUNT,), generator=generator)
    return [one if one is None else one.requires_grad_() for one in (states, weight, shift)], targets


def losses_and_gradients(compute, inputs):
    loss = compute(*inputs)
    present = [one for one in inputs if one is not None and one.requires_grad]
    return [loss.detach(), *torch.autograd.grad(loss * 1.7, present)]


def reference(targets, count, transform=None):
    """torch's own layer and loss, in double precision."""

    def compute(states, weight, bias):
        logits = torch.nn.functional.linear(states.double(), weight.double(), None if bias is None else bias.double())
        logits = logits if transform is None else transform(logits)
        return torch.nn.functional.cross_entropy(logits, targets, reduction="sum") / count

    return compute


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("transform", [None, lambda logits: 5 * (logits / 5).tanh()])
def test_loss_and_gradients_are_those_of_the_plain_formula(bias, transform):
    inputs, targets = draw(bias=bias)
    found = losses_and_gradients(lambda s, w, b: mean_loss(Head(w, b, transform), s, targets, count=900), inputs)
    expected = losses_and_gradients(reference(targets, 900, transform), inputs)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), atol=1e-5, rtol=1e-4)


def test_no_more_logits_wait_for_the_way_back_than_those_of_a_chunk():
    """Also where something bends them after the output layer, as in Gemma 2."""
    (states, weight, _), targets = draw(bias=False)
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        mean_loss(Head(weight, None, lambda logits: 5 * (logits / 5).tanh()), states, targets, count=900)
    assert max(kept, default=0) <= max(states.numel(), weight.numel())
    assert sum(kept) < COUNT * VOCABULARY


def test_a_frozen_output_layer_gets_no_gradient():
    (states, weight, bias), targets = draw()
    mean_loss(Head(weight.detach(), bias.detach(), None), states, targets, count=COUNT).backward()
    assert (weight.grad, bias.grad) == (None, None)
    assert states.grad.abs().sum() > 0


def test_the_size_of_a_chunk_changes_nothing(monkeypatch):
    (states, weight, bias), targets = draw()
    head = Head(weight.detach(), bias.detach(), None)
    whole = log_probabilities(head, states.detach(), targets)
    monkeypatch.setattr(output_head, "CHUNK", 7)
    torch.testing.assert_close(log_probabilities(head, states.detach(), targets), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("transform", [None, lambda logits: 5 * (logits / 5).tanh()])
@pytest.mark.parametrize("block", [1, 7, VOCABULARY - 1])
def test_blocks_of_the_vocabulary_change_no_log_probability(monkeypatch, bias, transform, block):
    (states, weight, shift), targets = draw(bias=bias)
    head = Head(weight.detach(), None if shift is None else shift.detach(), transform)
    logits = torch.nn.functional.linear(states.double(), weight.double(), None if shift is None else shift.double())
    expected = (logits if transform is None else transform(logits)).log_softmax(-1).gather(-1, targets[:, None])[:, 0]
    monkeypatch.setattr(output_head, "BLOCK", block)
    monkeypatch.setattr(output_head, "BLOCK_CHUNK", 7)
    assert len(list(head.blocks())) > 1
    torch.testing.assert_close(log_probabilities(head, states.detach(), targets), expected.detach(), atol=1e-5, rtol=0)


def test_tokens_that_cannot_come_make_no_other_unknown(monkeypatch):
    (states, weight, bias), targets = draw()
    shift = bias.detach().clone()
    shift[7:14] = -torch.inf
    possible = (targets < 7) | (targets >= 14)
    monkeypatch.setattr(output_head, "BLOCK", 7)
    found = log_probabilities(Head(weight.detach(), shift, None), states.detach(), targets)
    logits = states.detach().double() @ weight.detach().double().t() + shift
    expected = logits.log_softmax(-1).gather(-1, targets[:, None])[:, 0]
    torch.testing.assert_close(found[possible], expected[possible], atol=1e-5, rtol=0)
    assert possible.any()


def test_log_probabilities_are_those_of_log_softmax():
    (states, weight, bias), targets = draw()
    expected = (states.double() @ weight.double().t() + bias).log_softmax(-1).gather(-1, targets[:, None])[:, 0]
    with torch.no_grad():
        found = log_probabilities(Head(weight, bias, None), states, targets)
    torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_log_probabilities_of_rounded_weights_are_not_rounded_again(dtype):
    (states, weight, bias), targets = draw()
    rounded = [each.detach().to(dtype) for each in (states, weight, bias)]
    exact = [each.double() for each in rounded]
    expected = torch.log_softmax(torch.nn.functional.linear(*exact), -1).gather(-1, targets[:, None])[:, 0]
    found = log_probabilities(Head(rounded[1], rounded[2], None), rounded[0], targets)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
