"""Every expected value is worked by hand."""

from math import log2, sqrt

import numpy as np
import pytest

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
    assert [function(empty, TRUTH_SIZE).tolist() for function in metrics.FUNCTIONS.values()] == [
        [0.0, 0.0]
    ] * 4


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


def test_mean_interval_is_the_normal_one():
    mean, low, high = metrics.mean_interval(np.array([0.0, 0.0, 1.0, 1.0]))
    deviation = sqrt(4 * 0.25 / 3)  # n - 1 in the denominator
    assert mean == 0.5
    assert (low, high) == pytest.approx((0.5 - 1.959964 * deviation / 2, 0.5 + 1.959964 * deviation / 2))


def test_one_user_has_no_interval():
    mean, low, high = metrics.mean_interval(np.array([0.25]))
    assert mean == 0.25
    assert np.isnan([low, high]).all()


def test_paired_difference_ignores_what_both_share():
    # Users differ widely, but the champion is ahead by exactly 0.1 for each of them.
    baseline = np.array([0.0, 0.9, 0.3, 0.5])
    generator = np.random.default_rng(0)
    found = metrics.paired_difference(baseline + 0.1, baseline, resamples=200, generator=generator)
    assert found == pytest.approx((0.1, 0.1, 0.1))


def test_paired_difference_of_opposite_users_contains_zero():
    champion, baseline = np.array([1.0, 0.0] * 10), np.array([0.0, 1.0] * 10)
    mean, low, high = metrics.paired_difference(
        champion, baseline, resamples=500, generator=np.random.default_rng(0)
    )
    assert mean == 0.0
    assert low < 0.0 < high
