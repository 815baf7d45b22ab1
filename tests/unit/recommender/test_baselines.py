"""Popularity, personal frequency, item-kNN and EASE on tables small enough to work by hand."""

import tracemalloc
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions
from python_ml.recommender.ease import Ease, EaseByItems, EaseByUsers, EaseSettings, Gram, too_large
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


@settings(max_examples=50)
@given(purchases, st.sampled_from([0.5, 5.0, 200.0]), st.booleans())
def test_both_forms_of_ease_equal_the_published_one(rows, l2, by_items):
    """With everything dense, inactive users and unsold items included; to 2e-4, scores being about 1."""
    user, item = np.array(rows).T
    bought = Interactions.of(user, item, np.zeros(len(user)), np.ones(len(user)), n_users=5, n_items=7)
    x = np.log1p(bought.matrix().toarray())
    precision = np.linalg.inv(x.T @ x + l2 * np.eye(7))
    weights = -precision / np.diag(precision)[None, :]
    np.fill_diagonal(weights, 0.0)
    gram = Gram.of(bought, 0.0, now=0.0, by_items=by_items)
    model = Ease.fit(bought, EaseSettings(l2=l2, half_life_days=0.0), now=0.0, gram=gram)
    assert model.score(np.arange(5)).numpy() == pytest.approx(x @ weights, abs=2e-4)
    for someone in range(5):
        history, contributions = model.explainer()(someone, np.arange(7))
        assert history.tolist() == np.flatnonzero(x[someone]).tolist()
        expected = x[someone, history][:, None] * weights[history]
        assert contributions == pytest.approx(expected, abs=2e-4)


def test_both_forms_of_ease_agree_where_blocks_matter():
    """To 1e-5 of the largest score, on more users and items than a block has rows."""
    draw = np.random.default_rng(0)
    user, item = draw.integers(0, 900, 9000), draw.integers(0, 600, 9000)
    bought = Interactions.of(user, item, np.zeros(9000), np.ones(9000), n_users=900, n_items=600)
    setting = EaseSettings(l2=5.0, half_life_days=0.0)
    models = [
        Ease.fit(bought, setting, now=0.0, gram=Gram.of(bought, 0.0, now=0.0, by_items=by_items))
        for by_items in (True, False)
    ]
    scores = [model.score(np.arange(900)).numpy() for model in models]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5 * float(np.abs(scores[0]).max()))


@pytest.mark.parametrize(("users", "items", "form"), [(3, 2, EaseByItems), (3, 3, EaseByUsers)])
def test_ease_takes_the_smaller_form(users, items, form):
    """Of the users and items that have interactions, whatever else is known."""
    user, item = (part.ravel() for part in np.indices((users, items)))
    ones = np.ones(len(user))
    bought = Interactions.of(user, item, ones, ones, n_users=50, n_items=70)
    assert type(Ease.fit(bought, EaseSettings(l2=1.0, half_life_days=0.0), now=1.0)) is form


@pytest.mark.parametrize(("users", "items"), [(3000, 1), (1, 3000)])
def test_memory_of_ease_goes_with_the_smaller_side(users, items):
    user, item = (part.ravel() for part in np.indices((users, items)))
    ones = np.ones(len(user))
    bought = Interactions.of(user, item, ones, ones, n_users=users, n_items=items)
    tracemalloc.start()
    Ease.fit(bought, EaseSettings(l2=1.0, half_life_days=0.0), now=1.0).score(np.arange(1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000  # a byte for each pair would be more


@pytest.mark.parametrize(
    ("users", "items", "limits", "reason"),
    [
        (3, 5, {"ease_max_side": 3, "ease_max_bytes": 60}, None),
        (5, 3, {"ease_max_side": 3, "ease_max_bytes": 36}, None),
        (3, 5, {"ease_max_side": 2}, "3 users by 5 items: a matrix of side 3 to invert; at most 2"),
        (5, 3, {"ease_max_side": 2}, "5 users by 3 items: a matrix of side 3 to invert; at most 2"),
        (3, 5, {"ease_max_bytes": 59}, "3 users by 5 items: a matrix of 60 bytes to keep; at most 59"),
        (5, 3, {"ease_max_bytes": 35}, "5 users by 3 items: a matrix of 36 bytes to keep; at most 35"),
    ],
)
def test_ease_is_too_large_beyond_its_limits(users, items, limits, reason):
    user, item = (part.ravel() for part in np.indices((users, items)))
    ones = np.ones(len(user))
    bought = Interactions.of(user, item, ones, ones, n_users=users + 9, n_items=items + 9)
    named = f" ({next(iter(limits))})" if reason else ""
    assert too_large(bought, RecommenderConfig(**limits)) == (reason and reason + named)


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
