"""The choice of the number of cohorts."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from python_ml.cohorts import kmeans, partition
from python_ml.cohorts.partition import round_partition
from python_ml.cohorts.select import Candidate, choose_candidate, choose_stable, try_candidates
from python_ml.config import CohortConfig
from python_ml.config.cohorts import METHODS


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As `cluster_buyers` runs it: repeatable, and faster than threads on so few users."""
    with threadpool_limits(limits=1):
        yield


def candidate(
    count: int,
    silhouette: float,
    *,
    stability: float = 0.9,
    eligible: bool = True,
    method: str = "k-means",
    usefulness: float | None = None,
) -> Candidate:
    return Candidate(
        method=method,
        cohort_count=count,
        silhouette=silhouette,
        davies_bouldin=1.0,
        stability_ari=stability,
        smallest_cohort_share=0.1,
        largest_cohort_share=0.5,
        inertia=1.0,
        reason=None if eligible else "unstable",
        partition=round_partition(np.zeros((count, 2))),
        usefulness=usefulness,
    )


def chosen_of(tried: list[Candidate], tolerance: float, in_force: tuple[str, int] | None = None) -> Candidate:
    return choose_candidate(tried, CohortConfig(silhouette_tolerance=tolerance), in_force)


def blobs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = 10.0 * np.column_stack([np.cos(np.arange(count)), np.sin(np.arange(count))])
    truth = np.arange(count * 30) % count
    return centres[truth] + rng.normal(size=(count * 30, 2)), truth


def test_the_most_cohorts_within_the_tolerance_win():
    tried = [candidate(3, 0.50), candidate(4, 0.42), candidate(5, 0.41), candidate(6, 0.39)]
    # The floor is 0.50 - 0.10 = 0.40.
    assert chosen_of(tried, 0.1).cohort_count == 5
    assert chosen_of(tried, 0.0).cohort_count == 3
    assert chosen_of(tried, 1.0).cohort_count == 6


def test_ineligible_candidates_neither_win_nor_set_the_floor():
    tried = [
        candidate(3, 0.9, eligible=False),
        candidate(4, 0.5),
        candidate(5, 0.1),
        candidate(6, 0.5, eligible=False),
    ]
    assert chosen_of(tried, 0.2).cohort_count == 4


def test_method_and_number_of_the_last_fit_stay_while_they_are_as_good():
    tried = [
        candidate(3, 0.50), candidate(4, 0.49), candidate(5, 0.41),
        candidate(3, 0.45, method="Gaussian mixture"), candidate(4, 0.45, eligible=False),
    ]  # fmt: skip

    def chosen(*in_force: object) -> tuple[str, int]:
        found = chosen_of(tried, 0.06, in_force or None)
        return found.method, found.cohort_count

    assert chosen() == ("k-means", 4)
    assert chosen("k-means", 3) == ("k-means", 3)
    assert chosen("Gaussian mixture", 3) == ("Gaussian mixture", 3)
    # Too far below the best, not tried, not eligible.
    assert chosen("k-means", 5) == chosen("k-means", 6) == ("k-means", 4)
    assert chosen("Gaussian mixture", 4) == ("k-means", 4)


def test_of_methods_with_as_many_cohorts_the_better_separated_wins():
    tried = [candidate(4, 0.40), candidate(4, 0.45, method="Gaussian mixture"), candidate(3, 0.46)]
    assert chosen_of(tried, 0.1).method == "Gaussian mixture"
    assert chosen_of([tried[1], tried[0]], 0.1).method == "Gaussian mixture"


def test_of_those_as_well_separated_the_one_wins_that_said_most_of_later_spend():
    tried = [
        candidate(3, 0.50, usefulness=0.10), candidate(4, 0.49, usefulness=0.13),
        candidate(5, 0.48, usefulness=0.12), candidate(6, 0.30, usefulness=0.40),
    ]  # fmt: skip
    assert chosen_of(tried, 0.1).cohort_count == 4
    # 0.12 is within the 0.02 that those in force are given, 0.10 is not.
    assert chosen_of(tried, 0.1, ("k-means", 5)).cohort_count == 5
    assert chosen_of(tried, 0.1, ("k-means", 3)).cohort_count == 4
    # What was not tried at the last fit cannot be compared: again the most cohorts, or those in force.
    untold = [*tried[:2], replace(tried[2], usefulness=None)]
    assert chosen_of(untold, 0.1).cohort_count == 5
    assert chosen_of(untold, 0.1, ("k-means", 3)).cohort_count == 3


def test_what_said_no_more_than_lot_is_not_eligible():
    points_NS, _ = blobs(3)
    config = CohortConfig(min_cohorts=3, max_cohorts=3)
    for worth, reason in (
        (0.001, None),
        (0.0, "at the last fit such cohorts said no more of later spend than groups drawn by lot"),
    ):
        (found,) = try_candidates(points_NS, config, seed=1, usefulness={("k-means", 3): worth})
        assert (found.usefulness, found.reason) == (worth, reason)
    (unknown,) = try_candidates(points_NS, config, seed=1, usefulness={("Gaussian mixture", 3): 0.0})
    assert (unknown.usefulness, unknown.reason) == (None, None)


def test_with_none_eligible_all_users_are_one_cohort():
    noise_NS = np.random.default_rng(4).normal(size=(200, 8))
    strict = CohortConfig(min_cohorts=8, max_cohorts=9, min_stability=0.95, min_cohort_share=0.11)
    tried, chosen = choose_stable(noise_NS, try_candidates(noise_NS, strict, seed=1), strict, seed=1)
    assert [found.cohort_count for found in tried] == [1, 8, 9]
    assert chosen is tried[0]
    assert tried[0].reason == "no number of cohorts from 8 to 9 is eligible"
    assert "stability is 0." in tried[1].reason
    assert "needs 0.95" in tried[1].reason
    # Nine cohorts of 200 users: the smallest has 22 at most, which are 11 %.
    assert "smallest cohort has" in tried[2].reason
    assert "needs 11.0%" in tried[2].reason
    assert [found.bootstrap_ari for found in tried] == [None] * 3


def test_what_does_not_come_back_in_bootstraps_is_not_chosen():
    """Three blobs, of which k-means may also make four: one of them cut in half, each time elsewhere."""
    points_NS, _ = blobs(3)
    config = CohortConfig(min_cohorts=3, max_cohorts=4, min_stability=0.95, bootstraps=7)
    lucky = [
        replace(found, stability_ari=0.99, reason=None) for found in try_candidates(points_NS, config, 1)
    ]
    four_first = replace(config, silhouette_tolerance=1.0)
    tried, chosen = choose_stable(points_NS, lucky, four_first, seed=1)
    assert (chosen.cohort_count, chosen.bootstrap_ari) == (3, 1.0)
    refused = tried[1]
    assert refused.cohort_count == 4
    assert 0.5 < refused.bootstrap_ari < 0.95
    assert refused.reason == f"stability over 7 bootstraps is {refused.bootstrap_ari:.2f}, needs 0.95"
    # With the limit below that the four pass.
    _, four = choose_stable(points_NS, lucky, replace(four_first, min_stability=0.5), seed=1)
    assert (four.cohort_count, four.bootstrap_ari) == (4, refused.bootstrap_ari)


def test_planted_blobs_are_counted_and_found():
    points_NS, truth = blobs(4)
    tried = try_candidates(points_NS, CohortConfig(min_cohorts=2, max_cohorts=7), seed=1)
    chosen = chosen_of(tried, 0.1)
    assert [found.cohort_count for found in tried] == [2, 3, 4, 5, 6, 7]
    assert chosen.cohort_count == 4
    assert chosen.stability_ari > 0.99
    assert chosen.smallest_cohort_share == 30 / 120
    assert adjusted_rand_score(truth, chosen.partition.assign(points_NS)[0]) > 0.99


def test_every_method_is_tried_with_every_number():
    points_NS, truth = blobs(4)
    config = CohortConfig(methods=METHODS, min_cohorts=3, max_cohorts=4, resamples=1)
    tried = try_candidates(points_NS, config, seed=1)
    # The last one finds the number itself.
    *counted, finds_it = METHODS
    assert [(found.method, found.cohort_count) for found in tried] == [
        *((method, count) for method in counted for count in (3, 4)),
        (finds_it, 4),
    ]
    for found in [*tried[1::2], tried[-1]]:
        assert adjusted_rand_score(truth, found.partition.assign(points_NS)[0]) > 0.99


def test_davies_bouldin_by_hand():
    """Pairs at 0 and 2, 10 and 12, 30 and 34: within 1, 1 and 2 of their means 1, 11 and 32."""
    points_NS = np.array([[0.0], [2.0], [10.0], [12.0], [30.0], [34.0]])
    config = CohortConfig(min_users=6, min_cohorts=3, max_cohorts=3, resamples=1)
    (found,) = try_candidates(points_NS, config, seed=1)
    # Likest: of the first two each other, 2 / 10; of the third the second, 3 / 21.
    assert found.davies_bouldin == pytest.approx((0.2 + 0.2 + 3 / 21) / 3)


def test_limits_make_candidates_ineligible():
    points_NS, _ = blobs(3)
    few = CohortConfig(min_cohorts=3, max_cohorts=3, min_cohort_share=0.34)
    assert not any(found.is_eligible for found in try_candidates(points_NS, few, seed=1))
    fits = CohortConfig(min_cohorts=3, max_cohorts=3, min_cohort_share=0.33)
    assert try_candidates(points_NS, fits, seed=1)[0].is_eligible
    noise_NS = np.random.default_rng(4).normal(size=(200, 8))
    strict = CohortConfig(min_cohorts=9, max_cohorts=9, min_stability=0.95, min_cohort_share=0.0)
    assert not any(found.is_eligible for found in try_candidates(noise_NS, strict, seed=1))
    # Nine of ten users in one place, and two in each of three others.
    lopsided_NS = np.vstack([np.zeros((54, 2)), np.repeat(10.0 * np.eye(3)[:, :2], 2, axis=0)])
    lopsided_NS[:, 1] += np.arange(60) * 1e-6
    one = replace(fits, min_cohort_share=0.0, min_profile_users=1, min_stability=0.0)
    assert try_candidates(lopsided_NS, one, seed=1)[0].reason == (
        "largest cohort has 93.3% of users, at most 60.0%"
    )
    assert try_candidates(lopsided_NS, replace(one, max_cohort_share=0.94), seed=1)[0].is_eligible


def test_the_same_seed_gives_the_same_bits():
    points_NS, _ = blobs(3)
    config = CohortConfig(max_cohorts=4)
    first, second = (try_candidates(points_NS, config, seed=9) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.partition.centres.tobytes() == other.partition.centres.tobytes()
        assert (one.silhouette, one.stability_ari) == (other.silhouette, other.stability_ari)


@pytest.mark.parametrize(
    ("points_NS", "reason"),
    [
        (np.eye(29), "29 users have ordered; needs 30"),
        (np.zeros((50, 2)), "all users behave alike; needs 4 ways"),
        (np.zeros((50, 0)), "all users behave alike; needs 4 ways"),
        (np.repeat(np.eye(3), 20, axis=0), "all users behave in 3 ways; needs 4 ways"),
    ],
)
def test_too_few_or_too_similar_users_are_one_cohort(points_NS: np.ndarray, reason: str):
    (only,) = try_candidates(points_NS, CohortConfig(), seed=1)
    assert (only.cohort_count, only.is_eligible, only.smallest_cohort_share) == (1, False, 1.0)
    assert np.isnan(only.silhouette)
    assert only.reason == reason
    assert choose_stable(points_NS, [only], CohortConfig(), seed=1) == ([only], only)


def test_a_sample_that_meets_one_cohort_only_has_no_silhouette():
    """Twenty thousand users alike and three far off: five thousand of them need not meet a second cohort."""
    points_NS = np.zeros((20_000, 2))
    points_NS[:4] = [[9.0, 0.0], [0.0, 9.0], [9.0, 9.0], [5.0, 0.0]]
    tried = try_candidates(points_NS, CohortConfig(max_cohorts=3, restarts=1, resamples=1), seed=1)
    assert [found.cohort_count for found in tried] == [3]
    assert "smallest cohort has 0.0% of users, needs 2.0%" in tried[0].reason
    assert np.isnan(tried[0].silhouette)  # with seed 1 none of the four is in the sample


def test_many_users_go_to_the_device_and_come_back_the_same(monkeypatch):
    """Computed on the processor here, whatever device is named: the same centres as scikit-learn's."""
    points_NS, truth = blobs(3)
    asked = []

    def fit_here(points_NS: np.ndarray, count: int, *, device: torch.device, **given) -> kmeans.KMeansFit:
        asked.append(str(device))
        return fit_kmeans(points_NS, count, device=torch.device("cpu"), **given)

    fit_kmeans = kmeans.fit_kmeans
    monkeypatch.setattr(kmeans, "fit_kmeans", fit_here)
    monkeypatch.setattr(partition, "_DEVICE_USERS", len(points_NS))
    config = CohortConfig(min_cohorts=3, max_cohorts=3, resamples=1, resample_share=1.0, bootstraps=2)
    there, here = (try_candidates(points_NS, config, seed=1, device=name) for name in ("cuda:0", "cpu"))
    assert asked == ["cuda:0", "cuda:0"]  # the fit and its one resample
    found, expected = (np.sort(tried[0].partition.centres, axis=0) for tried in (there, here))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    _, chosen = choose_stable(points_NS, there, config, seed=1, device="cuda:0")
    assert (chosen.bootstrap_ari, len(asked)) == (1.0, 4)
    assert adjusted_rand_score(truth, chosen.partition.assign(points_NS)[0]) > 0.99
    # One user less is too few for the device.
    try_candidates(points_NS[1:], config, seed=1, device="cuda:0")
    assert len(asked) == 4


def test_density_is_tried_once_for_it_finds_the_number():
    points_NS, truth = blobs(4)
    far_NS = np.random.default_rng(1).uniform(-40.0, 40.0, (10, 2))
    config = CohortConfig(methods=("HDBSCAN",), min_cohorts=3, max_cohorts=6, min_profile_users=10)
    (found,) = try_candidates(np.vstack([points_NS, far_NS]), config, seed=1)
    assert found.is_eligible, found.reason
    # The four, and those in none, who count for the largest share but not for the smallest.
    assert found.cohort_count == 5
    labels_N, _ = found.partition.assign(points_NS)
    assert adjusted_rand_score(truth, labels_N) > 0.9
    assert found.smallest_cohort_share > 0.15
    assert found.silhouette > 0.5
    few = replace(config, max_cohorts=4)
    (refused,) = try_candidates(np.vstack([points_NS, far_NS]), few, seed=1)
    assert refused.reason == "finds 5 cohorts, those in none included; asked for are 3 to 4"
    one_NS = np.random.default_rng(2).normal(size=(200, 3))
    _, chosen = choose_stable(one_NS, try_candidates(one_NS, config, 1), config, seed=1)
    assert (chosen.cohort_count, chosen.method) == (1, None)
