"""Every expected value is worked by hand."""

from math import log, log2

import numpy as np
import pytest
from scipy import sparse

from python_ml.recommender import metrics

# Two users, lists of three: the first hits at ranks 1 and 3 of 4 bought items, the second misses its one.
HITS = np.array([[True, False, True], [False, False, False]])
TRUTH_SIZE = np.array([4, 1])


def test_recall_is_hits_over_bought_items():
    assert metrics.recall(HITS, TRUTH_SIZE).tolist() == [2 / 4, 0 / 1]


def test_ndcg_divides_by_the_best_possible_list():
    gained = 1 / log2(2) + 1 / log2(4)
    ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4)  # four bought, but only three places
    assert metrics.ndcg(HITS, TRUTH_SIZE) == pytest.approx([gained / ideal, 0.0])


def test_ndcg_of_a_truth_shorter_than_the_list_can_reach_one():
    assert metrics.ndcg(np.array([[True, False, False]]), np.array([1])) == pytest.approx([1.0])


def test_mrr_is_one_over_the_first_hit():
    hits = np.array([[False, True, True], [True, False, False], [False, False, False]])
    assert metrics.mrr(hits, np.ones(3)).tolist() == [1 / 2, 1 / 1, 0.0]


def test_hit_rate_counts_users_with_any_hit():
    assert metrics.hit_rate(HITS, TRUTH_SIZE).tolist() == [1.0, 0.0]


def test_lists_without_places_score_nothing():
    empty = np.zeros((2, 0), dtype=bool)
    found = [function(empty, TRUTH_SIZE).tolist() for function in metrics.FUNCTIONS.values()]
    assert found == [[0.0, 0.0]] * len(metrics.PER_USER)


def test_average_precision_sums_the_precision_at_hits():
    # Hits at ranks 1 and 3: precision 1/1 and 2/3. Four were bought, but only three fit in the list.
    assert metrics.average_precision(HITS, TRUTH_SIZE) == pytest.approx([(1 + 2 / 3) / 3, 0.0])
    # A truth shorter than the list can reach one.
    assert metrics.average_precision(np.array([[True, False]]), np.array([1])).tolist() == [1.0]


def test_cold_recall_counts_what_nobody_had_bought():
    is_cold = np.array([False, True, True, False])
    items = np.array([[0, 1], [3, -1], [1, 2]])
    hits = np.array([[True, True], [True, False], [False, False]])
    # The first user bought both cold items and is shown one, the second bought none.
    found = metrics.cold_recall(items, hits, is_cold, np.array([2, 0, 1]))
    assert found[[0, 2]].tolist() == [1 / 2, 0.0]
    assert np.isnan(found[1])


def test_diversity_is_the_mean_distance_of_pairs():
    # Texts: 0 and 1 alike, 2 at a right angle to both, 3 opposite to 0. Item 4 has no text.
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], np.float32)
    of_item = np.array([0, 0, 1, 2, -1])
    items = np.array([[0, 1, 2], [0, 3, -1], [0, 1, -1], [0, 4, -1], [-1, -1, -1]])
    found = metrics.diversity(items, vectors, of_item)
    # Pairs of the first list: 0, 1 and 1.
    assert found[:3] == pytest.approx([2 / 3, 2.0, 0.0])
    assert np.isnan(found[3:]).all()


def test_popularity_lift_compares_lists_with_what_their_users_had_bought():
    buyers = np.array([8.0, 4.0, 0.0])
    listed = metrics.mean_popularity(np.array([[0, 1], [1, -1], [-1, -1]]), buyers)
    assert listed[:2].tolist() == [6.0, 4.0]
    assert np.isnan(listed[2])
    # The third user has no list, the mean of the others is 5 against 4.
    assert metrics.popularity_lift(listed, np.array([2.0, 6.0, 9.0])) == pytest.approx(5 / 4 - 1)
    assert np.isnan(metrics.popularity_lift(listed, np.full(3, np.nan)))


def test_miscalibration_is_the_divergence_of_categories():
    category = np.array([0, 0, 1, 1, -1])
    taste = sparse.csr_matrix([[1.0, 1.0], [1.0, 3.0], [0.0, 2.0], [0.0, 0.0], [1.0, 0.0]])
    items = np.array([[0, 2], [0, 1], [4, 3], [0, 1], [4, -1]])
    found = metrics.miscalibration(items, category, taste)
    # Half and half, as the user; the third list has one item of a known category, of the user's only one.
    assert found[[0, 2]] == pytest.approx([0.0, 0.0])
    # 1/4 and 3/4 are wanted, all and nothing is given, 1 % of the user's own mixed in.
    given = (0.99 + 0.01 / 4, 0.01 * 3 / 4)
    assert found[1] == pytest.approx(1 / 4 * log(1 / 4 / given[0]) + 3 / 4 * log(3 / 4 / given[1]))
    assert np.isnan(found[3:]).all()


def test_blocks_of_users_make_no_difference(monkeypatch):
    rng = np.random.default_rng(2)
    items = rng.integers(-1, 9, (7, 4))
    vectors = rng.normal(size=(5, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    of_item, category = rng.integers(-1, 5, 9), rng.integers(-1, 3, 9)
    taste = sparse.csr_matrix(rng.integers(0, 3, (7, 3)).astype(float))

    def both() -> list[np.ndarray]:
        return [metrics.diversity(items, vectors, of_item), metrics.miscalibration(items, category, taste)]

    whole = both()
    monkeypatch.setattr(metrics, "_BLOCK_USERS", 2)
    for one, other in zip(whole, both(), strict=True):
        np.testing.assert_allclose(one, other)


def test_coverage_counts_distinct_items_and_no_empty_places():
    # Items 0 to 7 were sold; item 8, which nobody has bought yet, is shown as well and does not count.
    buyers = np.array([3.0, 1, 1, 2, 1, 1, 1, 9, 0])
    assert metrics.coverage(np.array([[0, 1], [1, -1], [8, 8]]), buyers) == 2 / 8


def test_novelty_is_the_mean_self_information_of_a_list():
    information = metrics.self_information(np.array([8.0, 2.0, 0.0]), users=8)
    assert information.tolist() == [-log2(8 / 8), -log2(2 / 8), -log2(1 / 8)]
    novelty = metrics.novelty(np.array([[0, 1], [2, -1], [-1, -1]]), information)
    assert novelty[:2].tolist() == [(0 + 2) / 2, 3.0]
    assert np.isnan(novelty[2])
