"""The rank of the item that came next."""

from math import log2

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from python_ml.recommender.ranking import top_k
from python_ml.recommender.sequence.judge_next import (
    block_ranks,
    hit_of,
    mask_histories,
    ndcg_of,
    target_ranks,
)
from python_ml.recommender.sequence.sequences import NextItems, Sequences


class Fixed:
    """Scores every history by the same numbers."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = torch.tensor(scores)

    def score(self, histories: Sequences) -> torch.Tensor:
        return self.scores.repeat(len(histories), 1)


def test_items_of_the_history_take_no_place():
    history = Sequences.listed([0, 1, 1], [1, 1, 3], n_users=3, n_items=4)
    judged = NextItems(history, np.array([2, 2, 2]))
    # Scores fall 1, 3, 2, 0: item 2 follows item 3, then nothing, then both 1 and 3.
    assert target_ranks(Fixed([0.1, 0.9, 0.3, 0.5]), judged).tolist() == [1, 0, 2]


def test_a_target_in_the_history_is_last_of_all():
    history = Sequences.listed([0], [1], n_users=1, n_items=3)
    assert target_ranks(Fixed([0.0, 1.0, 0.0]), NextItems(history, np.array([1]))).tolist() == [3]


@given(st.lists(st.integers(0, 2), min_size=3, max_size=9), st.data())
def test_ranks_are_places_in_the_list_with_ties_by_item(scores, data):
    n_items = len(scores)
    bought = data.draw(st.sets(st.integers(0, n_items - 1), max_size=n_items - 1))
    target = data.draw(st.sampled_from(sorted(set(range(n_items)) - bought)))
    history = Sequences.listed(np.zeros(len(bought)), sorted(bought), n_users=1, n_items=n_items)
    values = torch.tensor([scores], dtype=torch.float32)
    rank = block_ranks(values.clone(), history, np.array([target]))
    mask_histories(values, history)
    assert top_k(values, n_items)[0][0].tolist().index(target) == rank[0]


def test_ndcg_and_hits_by_rank():
    rank = np.array([0, 1, 9, 10])
    assert ndcg_of(rank).tolist() == pytest.approx([1.0, 1 / log2(3), 1 / log2(11), 0.0])
    assert hit_of(rank).tolist() == [1.0, 1.0, 1.0, 0.0]
