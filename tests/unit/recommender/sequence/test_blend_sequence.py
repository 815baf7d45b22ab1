"""Two models on one scale."""

from math import exp

import numpy as np
import pytest
import torch

from python_ml.recommender.sequence.blend_sequence import (
    SequenceBlend,
    SequenceBlendSettings,
    choose_blend,
)
from python_ml.recommender.sequence.sequences import NextItems, Sequences

HISTORY = Sequences.listed([0], [0], n_users=1, n_items=4)


class Fixed:
    """Scores history number `first item` by that row of a table."""

    def __init__(self, table: list[list[float]]) -> None:
        self.table = torch.tensor(table)

    def score(self, histories: Sequences) -> torch.Tensor:
        return self.table[torch.from_numpy(histories.item[histories.offset[:-1]])].clone()


def test_scores_by_hand():
    settings = SequenceBlendSettings(knn_weight=0.25, temperature=2.0)
    blend = SequenceBlend(Fixed([[9.0, 4.0, 1.0, 0.0]]), Fixed([[50.0, -1.0, 1.0, 0.0]]), settings)
    # The best items outside the history are 1 for the kNN (4) and 2 for the transformer (1).
    expected = [
        -np.inf,
        0.25 * 1.0 + 0.75 * exp(-2.0 / 2.0),
        0.25 * 0.25 + 0.75 * 1.0,
        0.25 * 0.0 + 0.75 * exp(-1.0 / 2.0),
    ]
    assert blend.score(HISTORY)[0].tolist() == pytest.approx(expected)


def test_histories_without_neighbours_or_anything_left():
    settings = SequenceBlendSettings(knn_weight=0.5, temperature=1.0)
    nothing_known = SequenceBlend(Fixed([[0.0] * 4]), Fixed([[0.0, 1.0, 2.0, 3.0]]), settings)
    found = nothing_known.score(HISTORY)[0]
    assert found[3] == 0.5
    assert not found.isnan().any()
    everything = Sequences.listed(np.zeros(4), np.arange(4), n_users=1, n_items=4)
    assert (nothing_known.score(everything) == -torch.inf).all()


def test_the_better_model_gets_the_weight():
    histories = Sequences.listed([0, 1], [0, 1], n_users=2, n_items=4)
    judged = NextItems(histories, np.array([2, 3]))
    right = [[0.0, 0.1, 1.0, 0.5], [0.1, 0.0, 0.5, 1.0]]
    wrong = [[0.0, 1.0, 0.1, 0.5], [1.0, 0.0, 0.5, 0.1]]
    sharp = [[[60.0 * score for score in row] for row in table] for table in (right, wrong)]
    chosen, quality = choose_blend(Fixed(right), Fixed(sharp[1]), judged, seed=0)
    assert quality == 1.0
    assert chosen.knn_weight > 0.5
    chosen, quality = choose_blend(Fixed(wrong), Fixed(sharp[0]), judged, seed=0)
    assert quality == 1.0
    assert chosen.knn_weight < 0.5
