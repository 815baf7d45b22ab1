"""Batches: the budget holds, nothing is lost, little is padding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from python_ml.embedding.batching import pad_batch, plan_batches


def test_batches_by_hand():
    # Longest first: 9 alone (9 x 2 > 12), then 4 4 3 (4 x 3 = 12), then 2 1.
    batches = plan_batches(np.array([4, 1, 9, 3, 2, 4]), tokens_per_batch=12)
    assert [batch.tolist() for batch in batches] == [[2], [0, 5, 3], [4, 1]]


def test_no_texts_no_batches():
    assert plan_batches(np.array([], dtype=np.int64), 100) == []


@given(st.lists(st.integers(0, 300), max_size=80), st.integers(1, 600))
def test_every_text_once_and_within_budget(lengths, budget):
    lengths = np.array(lengths, dtype=np.int64)
    batches = plan_batches(lengths, budget)
    positions = np.concatenate(batches) if batches else np.array([], dtype=np.int64)
    assert sorted(positions.tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or lengths[batch].max() * len(batch) <= budget
    longest = [lengths[batch].max() for batch in batches]
    shortest = [lengths[batch].min() for batch in batches]
    assert all(low >= high for low, high in zip(shortest, longest[1:], strict=False))


def test_padding_by_hand():
    ids_BL, mask_BL = pad_batch([[7, 8, 9], [5]], pad_id=1)
    assert ids_BL.tolist() == [[7, 8, 9], [5, 1, 1]]
    assert mask_BL.tolist() == [[1, 1, 1], [1, 0, 0]]
