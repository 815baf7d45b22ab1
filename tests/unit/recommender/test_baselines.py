"""Popularity, personal frequency, item-kNN and EASE on tables small enough to work by hand."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from python_ml.recommender.data import Interactions
from python_ml.recommender.ease import Ease, EaseSettings
from python_ml.recommender.item_knn import (
    ItemKnn,
    ItemKnnSettings,
    item_vectors,
    keep_largest,
    neighbour_matrix,
)
from python_ml.recommender.personal_frequency import PersonalFrequency, PersonalFrequencySettings
from python_ml.recommender.popularity import Popularity, PopularitySettings


def cosine(neighbours: int = 4, min_buyers: int = 1) -> ItemKnnSettings:
    return ItemKnnSettings(weighting="cosine", neighbours=neighbours, min_buyers=min_buyers)


def test_popularity_counts_distinct_buyers_of_the_window(toy):
    model = Popularity.fit(toy, PopularitySettings(window_days=15), now=101.0)
    # From day 86: user 0 bought item 0 twice, user 1 item 0, user 2 item 2.
    assert model.score(np.array([0, 2])).tolist() == [[2, 0, 1, 0], [2, 0, 1, 0]]


def test_personal_frequency_ranks_own_items_first_and_others_by_popularity(toy):
    model = PersonalFrequency.fit(toy, PersonalFrequencySettings(half_life_days=0.0), now=101.0)
    scores = model.score(np.array([0]))[0].numpy()
    assert scores[0] == pytest.approx(2.0, abs=1e-5)
    assert scores[1] == pytest.approx(1.0, abs=1e-5)
    assert 0.0 == scores[3] < scores[2] < 1e-5  # not owned: ordered by sales, far below anything owned


def test_cosine_similarity_by_hand(toy):
    # Buyers: item 0 {0, 1}, item 1 {0}, item 2 {1, 2}, item 3 nobody.
    similarity = neighbour_matrix(toy, cosine()).toarray()
    assert similarity == pytest.approx(
        np.array(
            [
                [1, 1 / sqrt(2), 1 / 2, 0],
                [1 / sqrt(2), 1, 0, 0],
                [1 / 2, 0, 1, 0],
                [0, 0, 0, 0],
            ]
        ),
        abs=1e-6,
    )


def test_item_knn_sums_the_similarity_to_the_history(toy):
    model = ItemKnn.fit(toy, cosine(), now=101.0)
    assert model.score(np.array([2])).numpy() == pytest.approx(np.array([[1 / 2, 0, 1, 0]]))


def test_item_knn_keeps_the_nearest_neighbours_only(toy):
    similarity = neighbour_matrix(toy, cosine(neighbours=2)).toarray()
    assert similarity[0] == pytest.approx([1, 1 / sqrt(2), 0, 0], abs=1e-6)


def test_items_with_too_few_buyers_have_no_neighbours(toy):
    similarity = neighbour_matrix(toy, cosine(min_buyers=2)).toarray()
    assert similarity[1].tolist() == [0, 0, 0, 0]
    assert similarity[0] == pytest.approx([1, 0, 1 / 2, 0])


def test_fewer_neighbours_can_be_cut_from_more(toy):
    widest = neighbour_matrix(toy, cosine(neighbours=4))
    cut = ItemKnn.fit(toy, cosine(neighbours=1), now=0.0, widest=widest)
    direct = ItemKnn.fit(toy, cosine(neighbours=1), now=0.0)
    assert (cut.similarity != direct.similarity).nnz == 0


def test_equal_similarities_go_to_the_lower_item():
    kept = keep_largest(sparse.csr_matrix([[0.5, 0.5, 0.5, 0.9]]), 2)
    assert kept.toarray().tolist() == [[0.5, 0, 0, 0.9]]


def test_bm25_weight_by_hand(toy):
    # Item 0: counts (2, 1, 0), length 3; the lengths are 3, 1, 2, so their mean over sold items is 2.
    norm = 1.2 * (1 - 0.75 + 0.75 * 3 / 2)
    # User 0 bought 2 of the 3 sold items.
    expected = log(3 / (1 + 2)) * 2 * (1.2 + 1) / (norm + 2)
    assert item_vectors(toy, "bm25").toarray()[0, 0] == pytest.approx(expected)
    # User 2 bought one.
    expected = log(3 / (1 + 1)) * 1 * 2.2 / (1.2 * (0.25 + 0.75 * 2 / 2) + 1)
    assert item_vectors(toy, "bm25").toarray()[2, 2] == pytest.approx(expected)


def test_item_knn_of_nothing_scores_nothing():
    nothing = Interactions.of([], [], [], [], n_users=2, n_items=3)
    assert ItemKnn.fit(nothing, cosine(), now=0.0).score(np.arange(2)).tolist() == [[0, 0, 0]] * 2


purchases = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40)


@settings(max_examples=50, deadline=None)
@given(purchases, st.sampled_from([0.5, 5.0, 200.0]))
def test_ease_through_users_equals_ease_through_items(rows, l2):
    user, item = np.array(rows).T
    bought = Interactions.of(user, item, np.zeros(len(user)), np.ones(len(user)), n_users=5, n_items=7)
    x = np.log1p(bought.matrix().toarray())
    precision = np.linalg.inv(x.T @ x + l2 * np.eye(7))
    weights = -precision / np.diag(precision)[None, :]
    np.fill_diagonal(weights, 0.0)
    model = Ease.fit(bought, EaseSettings(l2=l2, half_life_days=0.0), now=0.0)
    assert model.score(np.arange(5)).numpy() == pytest.approx(x @ weights, abs=2e-4)


def test_ease_decays_old_purchases(toy):
    plain = Ease.fit(toy, EaseSettings(l2=1.0, half_life_days=0.0), now=100.0)
    decayed = Ease.fit(toy, EaseSettings(l2=1.0, half_life_days=10.0), now=100.0)
    assert plain.x[0, 0] == pytest.approx(log(1 + 2))
    assert decayed.x[0, 0] == pytest.approx(log(1 + 1.5))


@pytest.mark.parametrize(
    "fit",
    [
        lambda toy: Ease.fit(toy, EaseSettings(l2=1.0, half_life_days=0.0), now=100.0),
        lambda toy: ItemKnn.fit(toy, cosine(), now=100.0),
    ],
)
def test_contributions_add_up_to_the_score_of_new_items(toy, fit):
    model = fit(toy)
    history, weight = model.explainer()(1, np.array([1, 3]))
    assert history.tolist() == [0, 2]
    assert weight.sum(axis=0) == pytest.approx(model.score(np.array([1]))[0, [1, 3]].numpy(), abs=1e-6)


def test_an_item_does_not_explain_itself(toy):
    history, weight = ItemKnn.fit(toy, cosine(), now=100.0).explainer()(1, np.array([0]))
    assert weight[list(history).index(0)].tolist() == [0.0]
