"""Sequential kNN and transformer blended as a recommender of a shop."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
import torch
from markov import planted
from scipy import sparse

from python_ml.recommender.data import Interactions
from python_ml.recommender.ranking import top_k
from python_ml.recommender.sequence.blend_sequence import SequenceBlend, SequenceBlendSettings
from python_ml.recommender.sequence.sequential_knn import SequentialKnn, SequentialKnnSettings
from python_ml.recommender.sequence.sequential_recommender import SequentialRecommender, histories_of
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.sequence.transformer_knn import TransformerKnn
from python_ml.recommender.sequence.transformer_recommender import TransformerRecommender

QUARTER = SequenceBlendSettings(knn_weight=0.25, temperature=2.0)
TRAINING = SequenceTrainSettings(
    network=TransformerSettings(dimension=16, heads=2, blocks=1, length=6, dropout=0.1),
    members=1, epochs=5, patience=5, batch_users=32, negatives=16, learning_rate=0.01,
    warm_up_steps=5, averaging=0.9,
)  # fmt: skip


class Fixed:
    """Says what it is told: scores of users, and one split over a history."""

    def __init__(self, rows, history=(), weights=()) -> None:
        self.rows = torch.tensor(rows)
        self.told = np.array(history, np.int64), np.array(weights, np.float32)

    def score(self, users: np.ndarray) -> torch.Tensor:
        return self.rows[torch.from_numpy(users)].clone()

    def explainer(self):
        return lambda _user, _items: self.told


def test_scores_by_hand():
    knn, transformer = Fixed([[9.0, 4.0, 1.0, 0.0]]), Fixed([[5.0, -1.0, 1.0, 0.0]])
    owned = sparse.csr_matrix([[1.0, 0.0, 0.0, 0.0]])
    found = TransformerKnn(knn, transformer, owned, QUARTER).score(np.array([0]))
    # The best items the user does not own are 1 for the kNN (4) and 2 for the transformer (1). Item 0 is
    # owned: 9 / 4 of the first, and 4 / 2 log odds above the other.
    expected = [
        0.25 * 9 / 4 + 0.75 * (1 + 4 / 2),
        0.25 * 1.0 + 0.75 * exp(-2 / 2),
        0.25 * 1 / 4 + 0.75 * 1.0,
        0.25 * 0.0 + 0.75 * exp(-1 / 2),
    ]
    assert found[0].tolist() == pytest.approx(expected)


def test_users_without_neighbours_or_with_everything():
    knn, transformer = Fixed([[0.0] * 3, [1.0, 2.0, 3.0]]), Fixed([[0.0, 1.0, 2.0]] * 2)
    owned = sparse.csr_matrix([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    found = TransformerKnn(knn, transformer, owned, QUARTER).score(np.array([0, 1]))
    assert found[0, 2] == 0.75
    assert found.isfinite().all()
    assert top_k(found, 3)[0].tolist() == [[2, 1, 0], [2, 1, 0]]


def test_logits_far_above_the_best_keep_their_order():
    """Repeats may have log odds of hundreds over what is new."""
    knn, transformer = Fixed([[0.0] * 4]), Fixed([[300.0, 200.0, 0.0, -1.0]])
    owned = sparse.csr_matrix([[1.0, 1.0, 0.0, 0.0]])
    sharp = replace(QUARTER, temperature=0.5)
    found = TransformerKnn(knn, transformer, owned, sharp).score(np.array([0]))
    assert found.isfinite().all()
    assert top_k(found, 4)[0].tolist() == [[0, 1, 2, 3]]


def test_both_models_explain():
    # They read different parts of the history; each is scaled to 1 for its largest contribution.
    knn = Fixed([[0.0]], history=[2, 5], weights=[[4.0], [1.0]])
    transformer = Fixed([[0.0]], history=[1, 5], weights=[[-0.5], [0.25]])
    blend = TransformerKnn(knn, transformer, sparse.csr_matrix((1, 1)), QUARTER)
    history, weight = blend.explainer()(0, np.array([0]))
    assert history.tolist() == [1, 2, 5]
    assert weight[:, 0].tolist() == pytest.approx([0.75 * -2.0, 0.25 * 1.0, 0.25 * 0.25 + 0.75 * 1.0])


@pytest.fixture(scope="module")
def fitted() -> TransformerKnn:
    chains = planted(users=100, length=8, n_items=20, seed=4)
    day = np.arange(len(chains.item)) - chains.offset[chains.user]
    past = Interactions.of(chains.user, chains.item, day, np.ones(len(day)), n_users=100, n_items=20)
    histories = histories_of(past)
    counted = SequentialKnn.fit(histories, SequentialKnnSettings(length=300, window=20))
    return TransformerKnn(
        SequentialRecommender(histories, counted),
        TransformerRecommender.fit(histories, TRAINING, seed=0, device=torch.device("cpu")),
        past.pairs(),
        QUARTER,
    )


def test_new_items_score_as_in_the_blend_of_next_items(fitted):
    users = np.arange(100)
    blend = SequenceBlend(fitted.knn.model, fitted.transformer.model, QUARTER)
    expected = blend.score(fitted.knn.histories)
    new = torch.from_numpy(fitted.owned.toarray() == 0)
    assert torch.equal(fitted.score(users)[new], expected[new])


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_blend_of_one_model_ranks_as_that_model(fitted, weight):
    users = np.arange(100)
    settings = SequenceBlendSettings(knn_weight=weight, temperature=4.0)
    alone = (fitted.knn if weight else fitted.transformer).score(users)
    blended = replace(fitted, settings=settings).score(users)
    assert top_k(blended, 20)[0].tolist() == top_k(alone, 20)[0].tolist()
