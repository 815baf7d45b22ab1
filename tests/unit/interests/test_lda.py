"""The model of interests, against planted ones and against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from sklearn.decomposition import LatentDirichletAllocation

from python_ml.interests import lda
from python_ml.interests.lda import fit_interests, infer_mixtures, probabilities, start_from_groups
from python_ml.interests.likeness import interest_similarity, mean_similarity
from tests.unit.interests.planted import planted_shop

PRIORS = {"user_prior": 1.0, "category_prior": 0.1}


def counts_of(shop) -> csr_array:
    pairs = shop.interactions.join(shop.item_features, on="item_id").group_by("user_id", "category").len()
    users, categories = pairs["user_id"].unique().sort(), shop.item_features["category"].sort()
    dense = np.zeros((len(users), len(categories)))
    dense[users.search_sorted(pairs["user_id"]), categories.search_sorted(pairs["category"])] = pairs["len"]
    return csr_array(dense)


def cosine(one_KV: np.ndarray, other_KV: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(one_KV, axis=1)[:, None] * np.linalg.norm(other_KV, axis=1)
    return one_KV @ other_KV.T / lengths


def test_planted_interests_and_mixtures_are_found():
    shop = planted_shop(interests=4, categories=24)
    counts = counts_of(shop)
    strength = fit_interests(counts, start_from_groups(counts, 4, 0), **PRIORS)
    similarity = cosine(shop.interests, probabilities(strength))
    truth, found = linear_sum_assignment(-similarity)
    assert similarity[truth, found].min() > 0.97
    mixtures = infer_mixtures(counts, strength, user_prior=1.0)[:, found]
    assert np.abs(mixtures - shop.mixtures[:, truth]).mean() < 0.07


def test_it_explains_the_purchases_as_well_as_scikit_learn():
    counts = counts_of(planted_shop(interests=4, categories=24))
    own = fit_interests(counts, start_from_groups(counts, 4, 0), user_prior=0.25, category_prior=0.25)
    theirs = LatentDirichletAllocation(
        4, doc_topic_prior=0.25, topic_word_prior=0.25, max_iter=30, mean_change_tol=1e-3, random_state=0
    ).fit(counts)
    placed = infer_mixtures(counts, theirs.components_, user_prior=0.25)
    # Given the same interests both place users alike ...
    assert placed == pytest.approx(theirs.transform(counts), abs=0.01)
    # ... and their interests are the same.
    similarity = cosine(probabilities(own), probabilities(theirs.components_))
    assert similarity.max(axis=1).min() > 0.999


def test_blocks_of_users_change_nothing(monkeypatch):
    counts = counts_of(planted_shop())
    start = start_from_groups(counts, 3, 0)
    whole = fit_interests(counts, start, **PRIORS)
    mixtures = infer_mixtures(counts, whole, user_prior=1.0)
    monkeypatch.setattr(lda, "_BLOCK_CELLS", 18 * 7)
    assert fit_interests(counts, start, **PRIORS) == pytest.approx(whole, rel=1e-6)
    assert infer_mixtures(counts, whole, user_prior=1.0) == pytest.approx(mixtures, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=6), st.integers(1, 4)
)
def test_mixtures_are_shares(rows, interests):
    counts = csr_array(np.array(rows, dtype=float))
    strength = np.random.default_rng(0).gamma(1.0, size=(interests, 4)) + 0.01
    mixtures = infer_mixtures(counts, strength, user_prior=1.0)
    assert mixtures.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    assert (mixtures > 0).all()
    without = counts.sum(axis=1) == 0
    assert mixtures[without] == pytest.approx(np.full((without.sum(), interests), 1 / interests))


def test_similarity_is_seen_from_what_all_buy():
    popularity = np.array([0.5, 0.25, 0.25])
    one = np.array([[0.5, 0.5, 0.0], [0.5, 0.25, 0.25]])
    # The first is (0, 0.25, -0.25) from there, the opposite of the first other, though from the origin their
    # cosine is 0.25 / 0.5 = 0.5. The second is what all buy: like nothing.
    other = np.array([[0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    assert interest_similarity(one, other, popularity) == pytest.approx(np.array([[-1.0, 1.0], [0.0, 0.0]]))
    # Matched: the first with the second (1), the second with the first (0).
    assert mean_similarity(one, other, popularity) == pytest.approx((1.0 + 0.0) / 2)
