"""Published lists, best-sellers, reasons and similar items."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from python_ml.recommender import similar
from python_ml.recommender.arrange import Arrangement
from python_ml.recommender.best_sellers import BestSellers, serve_best_sellers
from python_ml.recommender.data import TextVectors
from python_ml.recommender.explain import Reason, explain, explainer_of, mix_explainers
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.item_knn import ItemKnn, ItemKnnSettings
from python_ml.recommender.popularity import Popularity, PopularitySettings
from python_ml.recommender.serve import Lists, serve
from python_ml.recommender.similar import OWN_SHARE, by_taste, similar_items, vectors_of_likeness
from python_ml.recommender.two_tower import TwoTower

ALL = np.ones(4, dtype=bool)


class FixedScores:
    """A model that says what it is told."""

    def __init__(self, rows) -> None:
        self.rows = torch.tensor(rows, dtype=torch.float32)

    def score(self, users: np.ndarray) -> torch.Tensor:
        return self.rows[torch.from_numpy(users)].clone()


def lists_of(model, owned, publishable, list_name, length=2, block_users=1) -> Lists:
    return serve(
        model,
        np.arange(owned.shape[0]),
        owned,
        publishable,
        list_name=list_name,
        plan=Arrangement(length=length),
        block_users=block_users,
    )


def test_discover_leaves_out_what_is_owned_and_for_you_does_not():
    model = FixedScores([[4, 3, 2, 1]])
    owned = sparse.csr_matrix([[1.0, 0, 0, 0]])
    assert lists_of(model, owned, ALL, "for_you").items.tolist() == [[0, 1]]
    assert lists_of(model, owned, ALL, "discover").items.tolist() == [[1, 2]]


def test_a_removed_item_is_said_to_be_removed_only_where_it_would_have_been_shown():
    model = FixedScores([[4, 3, 2, 1], [1, 2, 3, 4]])
    lists = lists_of(model, sparse.csr_matrix((2, 4)), np.array([False, True, True, True]), "for_you")
    assert lists.items.tolist() == [[1, 2], [3, 2]]
    assert lists.removed.tolist() == [True, False]


def test_a_small_catalogue_makes_short_lists():
    lists = lists_of(FixedScores([[1.0]]), sparse.csr_matrix([[1.0]]), np.array([True]), "discover", length=5)
    assert lists.items.tolist() == [[-1]]
    assert lists.removed.tolist() == [False]


@given(
    st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.integers(1, 7),
    st.integers(1, 3),
)
def test_discover_never_holds_an_owned_or_a_removed_item(owned, publishable, length, block_users):
    rows = np.array(owned, dtype=float)
    publishable = np.array(publishable)
    model = FixedScores(np.tile(np.arange(6.0), (len(rows), 1)))
    found = lists_of(model, sparse.csr_matrix(rows), publishable, "discover", length, block_users).items
    for row, items in enumerate(found):
        allowed = {item for item in range(6) if publishable[item] and not owned[row][item]}
        shown = [item for item in items if item >= 0]
        assert len(shown) == min(length, len(allowed), 6)
        assert shown == sorted(allowed, reverse=True)[: len(shown)]


@pytest.fixture
def sellers(toy) -> BestSellers:
    # Since day 86: user 0 (cohort 0) and user 1 (cohort 1) bought item 0, user 2 (cohort 1) item 2.
    return BestSellers.count(toy, np.array([0, 1, 1]), 2, now=101.0, window_days=15)


def test_best_sellers_are_counted_by_cohort(sellers):
    assert sellers.overall.tolist() == [2, 0, 1, 0]
    assert sellers.by_cohort.tolist() == [[1, 0, 0, 0], [1, 0, 1, 0]]
    assert sellers.buyers_by_cohort.tolist() == [1, 2]


def test_large_cohorts_have_their_own_list_and_small_ones_the_overall_one(sellers):
    cohort = np.array([0, 1, -1])
    lists, from_cohort = serve_best_sellers(
        sellers, np.arange(3), cohort, ALL, plan=Arrangement(length=3), min_cohort_buyers=2
    )
    # Of all time, item 1 has a buyer and item 3 none; the tie of 0 and 2 in cohort 1 is settled by all users.
    assert lists.items.tolist() == [[0, 2, 1], [0, 2, 1], [0, 2, 1]]
    assert from_cohort.tolist() == [[False] * 3, [True, True, False], [False] * 3]


def test_best_sellers_obey_the_rule_too(sellers):
    lists, _ = serve_best_sellers(
        sellers,
        np.array([0]),
        np.array([-1]),
        np.array([False, True, True, True]),
        plan=Arrangement(length=2),
        min_cohort_buyers=1,
    )
    assert lists.items.tolist() == [[2, 1]]
    assert lists.removed.tolist() == [True]


def test_reasons(toy, sellers):
    owned = toy.pairs()
    model = ItemKnn.fit(toy, ItemKnnSettings(weighting="cosine", neighbours=4, min_buyers=1), now=101.0)
    users = np.array([0, 2])
    lists = Lists(users, np.array([[0, 2, 3], [0, 1, -1]]), np.zeros((2, 3)), np.zeros(2, bool))
    reason, item = explain(explainer_of(model), lists, owned, owned, sellers, np.array([0, 1, 1]))
    assert reason[0].tolist() == [Reason.BOUGHT_BEFORE, Reason.BECAUSE_YOU_BOUGHT, Reason.POPULAR_OVERALL]
    assert item[0].tolist() == [0, 0, -1]
    # User 2 owns item 2 alone: it speaks for item 0 (user 1 bought both), not for item 1.
    assert reason[1, :2].tolist() == [Reason.BECAUSE_YOU_BOUGHT, Reason.POPULAR_OVERALL]
    assert item[1].tolist() == [2, -1, -1]


def test_explainers_are_mixed_on_one_scale():
    def of_three(_user, _items):
        return np.array([1, 3, 4]), np.array([[2.0, 0.0], [1.0, -4.0], [0.0, -1.0]])

    def of_one(_user, _items):
        return np.array([2]), np.array([[0.5, 0.0]])

    history, weight = mix_explainers((0.4, of_three), (0.6, of_one))(0, np.array([8, 9]))
    assert history.tolist() == [1, 2, 3, 4]
    assert weight[:, 0].tolist() == pytest.approx([0.4 * 1, 0.6 * 1, 0.4 * 0.5, 0])
    # All that one model says of item 9 is taken from it: the largest loss is one.
    assert weight[:, 1].tolist() == pytest.approx([0, 0, -0.4 * 1, -0.4 * 0.25])


def test_of_a_user_without_history_there_is_nothing_to_explain():
    def silent(_user, items):
        return np.empty(0, np.int64), np.empty((0, len(items)))

    history, weight = mix_explainers((0.4, silent), (0.6, silent))(0, np.array([8, 9]))
    assert (len(history), weight.shape) == (0, (0, 2))


def test_a_model_without_history_speaks_of_popularity(toy, sellers):
    model = Popularity.fit(toy, PopularitySettings(window_days=15), now=101.0)
    lists = Lists(np.array([1]), np.array([[2, 1]]), np.zeros((1, 2)), np.zeros(1, bool))
    nothing = sparse.csr_matrix((3, 4))
    reason, item = explain(explainer_of(model), lists, nothing, nothing, sellers, np.array([0, 1, 1]))
    # Item 2: one of the cohort's two buyers, but only one of all three.
    assert reason.tolist() == [[Reason.POPULAR_IN_COHORT, Reason.POPULAR_OVERALL]]
    assert item.tolist() == [[-1, -1]]


def test_similar_items_by_behaviour_and_by_text():
    vectors = torch.tensor([[2.0, 0.0], [1.0, 0.1], [0.0, 1.0], [9.0, 9.0], [9.0, 9.0], [9.0, 9.0]])
    texts = TextVectors(
        np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], np.float32), np.array([0, 0, 1, 1, 2, -1])
    )
    has_own = np.array([True, True, True, False, False, False])
    candidates = np.array([3, 1, 0, 2])  # best seller first
    items, scores = similar_items(vectors, has_own, texts, candidates, 2)
    assert items[0].tolist() == [1, 2]  # item 3 has no vector of its own
    assert items[1].tolist() == [0, 2]
    # Item 3 by text: itself is left out, item 2 shares its text, then items 1 and 0, the better seller first.
    assert items[3].tolist() == [2, 1]
    assert scores[3].tolist() == pytest.approx([1.0, 0.8])
    # Item 4's nearest text is that of items 3 and 2.
    assert items[4].tolist() == [3, 2]
    assert scores[4].tolist() == pytest.approx([0.6, 0.6])
    assert items[5].tolist() == [-1, -1]  # nothing is known of it


def test_items_are_close_in_what_users_differ_in(monkeypatch):
    # Two of the four users that are known stand at each end of both axes: variances 256 and 1, whose eighth
    # roots are 2 and 1, or 1 and 1/2 of the largest. The mean is not zero, and is no difference.
    monkeypatch.setattr(similar, "TASTE_POWER", 0.25)
    users = torch.tensor([[16.0, 1.0], [16.0, -1.0], [-16.0, 1.0], [-16.0, -1.0]]) + torch.tensor([3.0, 5.0])
    users = torch.cat([users, torch.zeros(2, 2)])
    items = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, -2.0]])
    expected = [[1.0, 0.0], [0.0, 0.5], [3.0, -1.0]]
    assert by_taste(items, users, 4).numpy() == pytest.approx(np.array(expected), abs=1e-5)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])  # on other axes the same items are as close
    turned = by_taste(items @ turn, users @ turn, 4)
    assert (turned @ turned.T).numpy() == pytest.approx(np.array(expected) @ np.array(expected).T, abs=1e-4)


def test_items_are_alike_in_what_they_share_more_than_in_what_is_their_own(toy_texts):
    """Items 0 and 1 share an attribute, items 1 and 2 what their buyers say; users do not differ."""
    attributes = ItemAttributes.listed([[0], [0], [1], []])
    tower = TwoTower(toy_texts, np.ones(4, bool), 2, torch.Generator(), attributes)
    with torch.no_grad():
        tower.item_projection.weight.zero_()
        tower.item_attribute.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
        tower.item_own.weight[1:].copy_(torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    towers = SimpleNamespace(tower=tower, counts=sparse.csr_matrix((3, 4)), user_vectors=torch.zeros(3, 2))
    found = vectors_of_likeness(towers)
    expected = torch.tensor([[1.0, 0.0], [1.0, OWN_SHARE], [0.0, OWN_SHARE], [0.0, 0.0]])
    torch.testing.assert_close(found, expected)
    items, _ = similar_items(found, np.ones(4, bool), toy_texts, np.arange(3), 2)
    assert items[1].tolist() == [0, 2]


def test_users_who_do_not_differ_leave_items_as_they_are():
    items = torch.tensor([[1.0, 0.0], [0.3, 1.0]])
    alike = torch.tensor([[0.1, 0.7]]).repeat(1000, 1)
    assert by_taste(items, alike, 1000) is items
    assert by_taste(items, torch.zeros(3, 2), 0) is items


def test_comparing_by_smaller_blocks_changes_nothing(monkeypatch):
    draw = np.random.default_rng(0)
    vectors, has_own = torch.from_numpy(draw.normal(size=(9, 2)).astype(np.float32)), np.arange(9) < 5
    texts = TextVectors(draw.normal(size=(4, 3)).astype(np.float32), np.arange(9) % 4)
    whole = similar_items(vectors, has_own, texts, np.arange(9), 3)
    monkeypatch.setattr(similar, "BLOCK_CELLS", 12)
    parts = similar_items(vectors, has_own, texts, np.arange(9), 3)
    assert parts[0].tolist() == whole[0].tolist()
    assert parts[1] == pytest.approx(whole[1], abs=1e-6)


def test_a_catalogue_of_one_item_has_no_similar_items(toy_texts):
    texts = TextVectors(toy_texts.vectors, np.array([0]))
    for own in (True, False):
        items, _ = similar_items(torch.ones((1, 2)), np.array([own]), texts, np.array([0]), 3)
        assert items.tolist() == [[-1, -1, -1]]


@given(st.data())
def test_similar_items_are_distinct_candidates_and_never_the_item(data):
    count = data.draw(st.integers(1, 12))
    own = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    text = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count)))
    candidates = np.array(data.draw(st.lists(st.integers(0, count - 1), unique=True)), dtype=np.int64)
    vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32))
    texts = TextVectors(np.eye(3, dtype=np.float32), text)
    items, _ = similar_items(vectors, own, texts, candidates, 4)
    for item, row in enumerate(items):
        shown = row[row >= 0].tolist()
        assert item not in shown
        assert len(set(shown)) == len(shown)
        pool = {c for c in candidates.tolist() if c != item and (own[c] if own[item] else text[c] >= 0)}
        known = bool(own[item]) or text[item] >= 0
        assert set(shown) <= pool
        assert len(shown) == (min(4, len(pool)) if known else 0)
