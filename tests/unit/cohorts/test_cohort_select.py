"""The choice of the number of cohorts."""

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from python_ml.cohorts.select import Candidate, assign, choose_candidate, try_candidates
from python_ml.config import CohortConfig


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As `cluster_buyers` runs it: repeatable, and faster than threads on so few users."""
    with threadpool_limits(limits=1):
        yield


def candidate(count: int, silhouette: float, *, stability: float = 0.9, eligible: bool = True) -> Candidate:
    return Candidate(
        cohort_count=count,
        silhouette=silhouette,
        stability_ari=stability,
        smallest_cohort_share=0.1,
        inertia=1.0,
        is_eligible=eligible,
        centres=np.zeros((count, 2)),
    )


def blobs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = 10.0 * np.column_stack([np.cos(np.arange(count)), np.sin(np.arange(count))])
    truth = np.arange(count * 30) % count
    return centres[truth] + rng.normal(size=(count * 30, 2)), truth


def test_the_most_cohorts_within_the_tolerance_win():
    tried = [candidate(3, 0.50), candidate(4, 0.42), candidate(5, 0.41), candidate(6, 0.39)]
    # The floor is 0.50 - 0.10 = 0.40.
    assert choose_candidate(tried, 0.1).cohort_count == 5
    assert choose_candidate(tried, 0.0).cohort_count == 3
    assert choose_candidate(tried, 1.0).cohort_count == 6


def test_ineligible_candidates_neither_win_nor_set_the_floor():
    tried = [
        candidate(3, 0.9, eligible=False),
        candidate(4, 0.5),
        candidate(5, 0.1),
        candidate(6, 0.5, eligible=False),
    ]
    assert choose_candidate(tried, 0.2).cohort_count == 4


def test_with_none_eligible_the_most_stable_and_then_fewest():
    tried = [
        candidate(3, 0.9, stability=0.3, eligible=False),
        candidate(4, 0.1, stability=0.5, eligible=False),
        candidate(5, 0.1, stability=0.5, eligible=False),
    ]
    assert choose_candidate(tried, 0.2).cohort_count == 4


def test_planted_blobs_are_counted_and_found():
    points_NS, truth = blobs(4)
    tried = try_candidates(points_NS, CohortConfig(min_cohorts=2, max_cohorts=7), seed=1)
    chosen = choose_candidate(tried, 0.1)
    assert [found.cohort_count for found in tried] == [2, 3, 4, 5, 6, 7]
    assert chosen.cohort_count == 4
    assert chosen.stability_ari > 0.99
    assert chosen.smallest_cohort_share == 30 / 120
    assert adjusted_rand_score(truth, assign(points_NS, chosen.centres)[0]) > 0.99


def test_limits_make_candidates_ineligible():
    points_NS, _ = blobs(3)
    few = CohortConfig(min_cohorts=3, max_cohorts=3, min_cohort_share=0.34)
    assert not try_candidates(points_NS, few, seed=1)[0].is_eligible
    fits = CohortConfig(min_cohorts=3, max_cohorts=3, min_cohort_share=0.33)
    assert try_candidates(points_NS, fits, seed=1)[0].is_eligible
    noise_NS = np.random.default_rng(4).normal(size=(200, 8))
    strict = CohortConfig(min_cohorts=9, max_cohorts=9, min_stability=0.95, min_cohort_share=0.0)
    assert not try_candidates(noise_NS, strict, seed=1)[0].is_eligible


def test_the_same_seed_gives_the_same_bits():
    points_NS, _ = blobs(3)
    config = CohortConfig(max_cohorts=4)
    first, second = (try_candidates(points_NS, config, seed=9) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.centres.tobytes() == other.centres.tobytes()
        assert (one.silhouette, one.stability_ari) == (other.silhouette, other.stability_ari)


def test_too_few_different_users_are_one_cohort():
    for points_NS in (np.zeros((1, 2)), np.zeros((50, 2)), np.repeat(np.eye(3), 20, axis=0)):
        (only,) = try_candidates(points_NS, CohortConfig(), seed=1)
        assert (only.cohort_count, only.is_eligible, only.smallest_cohort_share) == (1, False, 1.0)
        assert np.isnan(only.silhouette)


def test_assign_by_hand():
    labels, distances = assign(
        np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [2.0, 0.0]])
    )
    assert labels.tolist() == [0, 1, 0]  # the last one lies between both: the first is taken
    assert distances.tolist() == [0.0, np.sqrt(1 + 16), 1.0]
