"""Losses of pairs, by hand and against each other."""

from math import exp, log

import numpy as np
import pytest
import torch

from python_ml.recommender.sequence.next_item_loss import (
    Pairs,
    calibrated_cross_entropy,
    calibration,
    full_softmax,
    future_pairs,
    sampled_softmax,
)
from python_ml.recommender.sequence.sequences import Sequences

CPU = torch.device("cpu")


def example(scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, Pairs]:
    generator = torch.Generator().manual_seed(2)
    hidden = (scale * torch.randn(4, 3, generator=generator)).requires_grad_()
    items = (scale * torch.randn(7, 3, generator=generator)).requires_grad_()
    pairs = Pairs(
        torch.tensor([0, 0, 1, 3, 3]), torch.tensor([2, 5, 6, 0, 2]), torch.tensor([1.0, 0.5, 1, 1, 0.5])
    )
    return hidden, items, pairs


def test_pairs_of_the_future_by_hand():
    histories = Sequences.listed([0, 0, 0, 1, 1], [4, 5, 6, 7, 8], n_users=2, n_items=9)
    pairs = future_pairs(histories, 2, 0.5, CPU)
    # Inputs are 4, 5 and 7: 5 follows position 0, 6 follows position 1, 8 follows 2; 6 is two ahead of 4.
    assert pairs.position.tolist() == [0, 1, 2, 0]
    assert pairs.item.tolist() == [5, 6, 8, 6]
    assert pairs.weight.tolist() == pytest.approx([1.0, 1.0, 1.0, 2**-0.5])


def test_full_softmax_is_the_weighted_cross_entropy():
    hidden, items, pairs = example()
    each = torch.nn.functional.cross_entropy((hidden @ items.T)[pairs.position], pairs.item, reduction="none")
    expected = (each * pairs.weight).sum() / 4.0
    torch.testing.assert_close(full_softmax(hidden, items, pairs), expected)


def test_a_sample_of_everything_is_the_full_softmax():
    hidden, items, pairs = example()
    everything = torch.arange(7)
    found = sampled_softmax(hidden, items[pairs.item], items, pairs, everything, torch.zeros(7))
    expected = full_softmax(hidden, items, pairs)
    torch.testing.assert_close(found, expected)
    for one, other in zip(
        torch.autograd.grad(found, (hidden, items)),
        torch.autograd.grad(expected, (hidden, items)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_corrected_sample_estimates_the_sum_over_the_catalogue():
    # Every other item stands for its likes: two of equal logits, each in half of the samples.
    hidden = torch.tensor([[1.0]])
    items = torch.tensor([[0.3], [0.8], [0.8]])
    pairs = Pairs(torch.tensor([0]), torch.tensor([0]), torch.tensor([1.0]))
    drawn = torch.tensor([1])
    found = sampled_softmax(hidden, items[[0]], items[drawn], pairs, drawn, torch.tensor([log(0.5)]))
    assert found.item() == pytest.approx(full_softmax(hidden, items, pairs).item())


def test_binary_cross_entropy_by_hand():
    hidden, items = torch.tensor([[1.0]]), torch.tensor([[0.5], [-1.0], [2.0]])
    pairs = Pairs(torch.tensor([0]), torch.tensor([0]), torch.tensor([1.0]))
    drawn = torch.tensor([0, 1, 2])  # the pair's own item is no negative
    found = calibrated_cross_entropy(hidden, items[[0]], items, pairs, drawn, target_power=0.7)
    target = 0.7 * log(1 + exp(-0.5))
    assert found.item() == pytest.approx(target + (log(1 + exp(-1.0)) + log(1 + exp(2.0))) / 2)


def test_calibration_goes_from_none_to_the_sampling_rate():
    assert calibration(0.1, 0.0) == pytest.approx(1.0)
    assert calibration(0.1, 1.0) == pytest.approx(0.1)
    # Half way: .1 * (.5 * (1 - 10) + 10).
    assert calibration(0.1, 0.5) == pytest.approx(0.55)


@pytest.mark.parametrize("scale", [0.0, 1e4])
def test_extreme_logits_and_samples_give_finite_losses_and_gradients(scale):
    for drawn in (torch.arange(7), torch.tensor([2])):
        hidden, items, pairs = example(scale)
        nothing = torch.zeros(len(drawn))
        given = hidden, items[pairs.item], items[drawn], pairs, drawn
        for loss in (
            full_softmax(hidden, items, pairs),
            sampled_softmax(*given, nothing),
            calibrated_cross_entropy(*given, target_power=0.5),
        ):
            gradient = torch.autograd.grad(loss, hidden, retain_graph=True)[0]
            assert np.isfinite(loss.item())
            assert torch.isfinite(gradient).all()
