"""Losses and sampling probabilities worked by hand."""

from math import exp, log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from python_ml.recommender.loss import binary_cross_entropy, sampled_softmax
from python_ml.recommender.sampling import NegativeSampler

POSITIVE = torch.tensor([1.0, 0.5, -1.0])  # two pairs of user 0, one of user 1
NEGATIVE = torch.tensor([[0.0, 2.0], [1.0, 3.0]])
USER = torch.tensor([0, 0, 1])
WEIGHT = torch.tensor([0.5, 0.5, 1.0])
INCLUSION = torch.tensor([log(0.5), log(0.25)])
EXCLUDED = torch.tensor([[False, False], [True, False]])


def test_sampled_softmax_by_hand():
    # A negative drawn with probability 1/2 stands for two items, one with 1/4 for four.
    rest = [2 * exp(0) + 4 * exp(2), 4 * exp(3)]
    first = -log(exp(1) / (exp(1) + rest[0]))
    second = -log(exp(0.5) / (exp(0.5) + rest[0]))
    third = -log(exp(-1) / (exp(-1) + rest[1]))
    expected = (0.5 * first + 0.5 * second + 1.0 * third) / 2.0
    found = sampled_softmax(POSITIVE, NEGATIVE, USER, WEIGHT, INCLUSION, EXCLUDED)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_binary_cross_entropy_by_hand():
    def bought(logit):
        return -log(1 / (1 + exp(-logit)))

    def refused(logit):
        return -log(1 - 1 / (1 + exp(-logit)))

    positives = 0.5 * bought(1.0) + 0.5 * bought(0.5) + 1.0 * bought(-1.0)
    negatives = 0.5 * (2 * refused(0.0) + 4 * refused(2.0)) + 1.0 * (4 * refused(3.0))
    found = binary_cross_entropy(POSITIVE, NEGATIVE, USER, WEIGHT, INCLUSION, EXCLUDED)
    assert found.item() == pytest.approx((positives + negatives) / 2.0, rel=1e-5)


@pytest.mark.parametrize("objective", [sampled_softmax, binary_cross_entropy])
def test_excluded_negatives_do_not_count(objective):
    changed = NEGATIVE.clone()
    changed[1, 0] = 50.0
    before, after = (
        objective(POSITIVE, logits, USER, WEIGHT, INCLUSION, EXCLUDED) for logits in (NEGATIVE, changed)
    )
    assert before.item() == after.item()


def test_sampling_mixes_popularity_with_a_uniform_share():
    sampler = NegativeSampler(np.array([9.0, 1.0, 0.0]), 0.5, 1, np.random.default_rng(0))
    assert sampler.probability == pytest.approx([0.9 * 3 / 4 + 0.1 / 3, 0.9 * 1 / 4 + 0.1 / 3, 0.1 / 3])


def test_inclusion_probability_is_that_of_being_drawn_at_all():
    sampler = NegativeSampler(np.array([1.0, 1.0]), 1.0, 3, np.random.default_rng(0))
    items, log_inclusion = sampler.sample()
    assert np.exp(log_inclusion) == pytest.approx([1 - (1 - 1 / 2) ** 3] * len(items))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 30), st.integers(0, 9))
def test_samples_are_distinct_items_of_the_catalogue(buyers, draws, seed):
    buyers = np.array(buyers, dtype=float)
    items, log_inclusion = NegativeSampler(buyers, 0.75, draws, np.random.default_rng(seed)).sample()
    assert len(np.unique(items)) == len(items) <= draws
    assert items.min() >= 0
    assert items.max() < len(buyers)
    assert (log_inclusion <= 0.0).all()


def test_sampled_share_follows_the_stated_probability():
    sampler = NegativeSampler(np.array([4.0, 1.0, 0.0]), 1.0, 2, np.random.default_rng(0))
    drawn = np.zeros(3)
    for _ in range(4000):
        drawn[sampler.sample()[0]] += 1
    expected = 1 - (1 - sampler.probability) ** 2
    assert drawn / 4000 == pytest.approx(expected, abs=0.03)
