"""Who is measured on what, worked by hand."""

from math import log2

import numpy as np
import pytest
import torch

from python_ml.recommender.judge import Judge
from python_ml.recommender.split import TimeSplit, split_data


class FixedScores:
    """Ranks items 0, 1, 2, 3 for everybody."""

    def score(self, users: np.ndarray) -> torch.Tensor:
        return torch.tensor([[4.0, 3.0, 2.0, 1.0]]).repeat(len(users), 1)


@pytest.fixture
def judge(toy) -> Judge:
    # Before day 98 user 0 owns items 0 and 1, user 1 item 2, user 2 item 2; then 0 buys item 0, and 1 item 0.
    return Judge(split_data(toy, TimeSplit("test", 98.0, 101.0), max_users=100, seed=0), block_users=1)


def test_for_you_asks_for_everything_that_was_bought(judge):
    ranked = judge.rank(FixedScores(), 2)["for_you"]
    assert ranked.users.tolist() == [0, 1]
    assert ranked.items.tolist() == [[0, 1], [0, 1]]
    assert ranked.hits.tolist() == [[True, False], [True, False]]
    assert ranked.ndcg(2) == 1.0


def test_discover_leaves_owned_items_out_of_ranking_and_truth(judge):
    # User 0 bought nothing new and is not asked; user 1 must find item 0 among items 0, 1 and 3.
    ranked = judge.rank(FixedScores(), 4)["discover"]
    assert ranked.users.tolist() == [1]
    assert ranked.items.tolist() == [[0, 1, 3, -1]]
    assert ranked.truth_size.tolist() == [1]
    assert ranked.ndcg(4) == 1.0


def test_a_hit_further_down_is_worth_less(judge):
    class Backwards:
        def score(self, users: np.ndarray) -> torch.Tensor:
            return FixedScores().score(users).neg()

    ranked = judge.rank(Backwards(), 4)
    assert ranked["discover"].items.tolist() == [[3, 1, 0, -1]]
    assert ranked["discover"].ndcg(4) == pytest.approx(1 / log2(4))
    assert ranked["for_you"].per_user("mrr", 4).tolist() == [1 / 4, 1 / 4]
    assert ranked["for_you"].ndcg(3) == 0.0


def test_one_list_alone_is_the_same_as_both(judge):
    both = judge.rank(FixedScores(), 3)
    for name in ("for_you", "discover"):
        alone = judge.rank(FixedScores(), 3, [name])
        assert set(alone) == {name}
        assert (alone[name].items == both[name].items).all()
