"""How groups of points are found, kept, and met by other points."""

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from python_ml.cohorts import partition
from python_ml.cohorts.partition import METHODS, Partition, fit_partition, round_partition
from python_ml.config import cohorts

ALL_METHODS = pytest.mark.parametrize("method", cohorts.METHODS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As `cluster_buyers` runs it: repeatable, and faster than threads on so few users."""
    with threadpool_limits(limits=1):
        yield


def test_the_settings_name_all_methods():
    assert tuple(METHODS) == cohorts.METHODS


def test_everyone_goes_to_the_nearest_centre():
    near = round_partition(np.array([[0.0, 0.0], [2.0, 0.0]]))
    labels, distances = near.assign(np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]]))
    assert labels.tolist() == [0, 1, 0]  # the last one lies between both: the first is taken
    assert distances.tolist() == [0.0, np.sqrt(1 + 16), 1.0]


def test_a_wide_group_reaches_further_and_a_large_one_too():
    """Groups at 0 and 4. At 3 the squares are 9 and 1."""
    centres, at_three = np.array([[0.0], [4.0]]), np.array([[3.0]])

    def group(variances: list[float], shares: list[float]) -> tuple[int, float]:
        made = Partition(centres, 1.0 / np.array(variances)[:, None], np.log(shares))
        labels, distances = made.assign(at_three)
        return labels.item(), distances.item()

    assert group([1.0, 1.0], [0.5, 0.5]) == (1, 1.0)
    # 9 / 9 + ln 9 = 3.2 against 1 / 0.1 + ln 0.1 = 7.7: nearer by distance, further by likelihood.
    assert group([9.0, 0.1], [0.5, 0.5]) == (0, 3.0)
    # 9 - 2 ln 0.99 = 9.02 against 1 - 2 ln 0.01 = 10.2.
    assert group([1.0, 1.0], [0.99, 0.01]) == (0, 3.0)


@pytest.mark.parametrize("count", [0, 1, 5, 10])
def test_assigning_by_blocks_changes_nothing(monkeypatch, count):
    points_NS = np.random.default_rng(0).normal(size=(count, 3))
    near = round_partition(np.eye(3))
    whole = near.assign(points_NS)
    monkeypatch.setattr(partition, "_BLOCK_USERS", 5)
    parts = near.assign(points_NS)
    assert [part.tolist() for part in parts] == [part.tolist() for part in whole]
    assert len(parts[0]) == count


@ALL_METHODS
def test_what_is_kept_says_the_same(method):
    points_NS = np.random.default_rng(3).normal(size=(60, 2))
    found = fit_partition(points_NS, method, 4, restarts=1, seed=1)
    back = Partition.from_arrays(found.arrays() | {"other": np.zeros(1)})
    again = fit_partition(points_NS, method, 4, restarts=1, seed=1)
    for other in (back, again):
        assert [part.tobytes() for part in other.assign(points_NS)] == [
            part.tobytes() for part in found.assign(points_NS)
        ]
    order = np.random.default_rng(4).permutation(len(found)).tolist()
    labels_N, distances_N = found.assign(points_NS)
    taken_N, same_N = found.take(order).assign(points_NS)
    assert np.array(order)[taken_N].tolist() == labels_N.tolist()
    assert same_N.tolist() == distances_N.tolist()


def test_the_mixture_assigns_as_scikit_learn_does():
    rng = np.random.default_rng(5)
    # A narrow group within a wide one, which k-means cuts in halves.
    truth_N = np.arange(400) % 2
    points_NS = np.where(truth_N == 0, 6.0, 0.3)[:, None] * rng.normal(size=(400, 2))
    found = fit_partition(points_NS, "Gaussian mixture", 2, restarts=3, seed=1)
    least = 0.01 * points_NS.var(axis=0).mean()
    theirs = GaussianMixture(2, covariance_type="diag", n_init=3, random_state=1, reg_covar=least)
    labels_N, _ = found.assign(points_NS)
    assert labels_N.tolist() == theirs.fit(points_NS).predict(points_NS).tolist()
    assert adjusted_rand_score(truth_N, labels_N) > 0.8
    cut_N, _ = fit_partition(points_NS, "k-means", 2, restarts=3, seed=1).assign(points_NS)
    assert adjusted_rand_score(truth_N, cut_N) < 0.1


def test_users_alike_in_something_do_not_swallow_the_mixture():
    """Half of them are zero in the second dimension: a Gaussian of no width would be likelier than any."""
    rng = np.random.default_rng(6)
    points_NS = rng.normal(size=(200, 2))
    points_NS[::2, 1] = 0.0
    found = fit_partition(points_NS, "Gaussian mixture", 2, restarts=2, seed=1)
    assert np.isfinite(found.precisions).all()
    assert (1.0 / found.precisions >= 0.0099 * points_NS.var(axis=0).mean()).all()


def islands() -> tuple[np.ndarray, np.ndarray]:
    """Three groups of 60 around corners of a square of side 20, and 20 users far and wide (label 3)."""
    rng = np.random.default_rng(8)
    corners = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])
    truth_N = np.repeat(np.arange(4), [60, 60, 60, 20])
    points_NS = corners[truth_N % 3] + rng.normal(size=(200, 2))
    points_NS[180:] = rng.uniform(-100.0, 100.0, (20, 2))
    return points_NS, truth_N


def test_density_finds_the_groups_and_leaves_out_who_is_in_none():
    points_NS, truth_N = islands()
    found = fit_partition(points_NS, "HDBSCAN", 7, restarts=1, seed=1, least_share=0.1)
    labels_N, distances_N = found.assign(points_NS)
    assert len(found) == 4
    assert adjusted_rand_score(truth_N, labels_N) > 0.95
    assert (labels_N[180:] == found.unclustered).mean() > 0.9
    # Users of later days, who were not there at the fit: far from all, and in the middle of a group.
    later_N, _ = found.assign(np.array([[200.0, 200.0], [20.0, 0.5]]))
    assert later_N[0] == found.unclustered
    assert later_N[1] == labels_N[60]
    assert distances_N[:60].max() < 5.0
    # Groups of 31 % and fewer: none is as large as asked for, and everybody is in none.
    nobody = fit_partition(points_NS, "HDBSCAN", 7, restarts=1, seed=1, least_share=0.6)
    assert (len(nobody), nobody.unclustered) == (1, 0)


def test_of_many_users_density_looks_at_a_sample(monkeypatch):
    points_NS, truth_N = islands()
    monkeypatch.setattr(partition, "_DENSITY_USERS", 120)
    found = fit_partition(points_NS, "HDBSCAN", 7, restarts=1, seed=1, least_share=0.1)
    assert adjusted_rand_score(truth_N, found.assign(points_NS)[0]) > 0.9


def test_without_anybody_left_over_nobody_is_unclustered():
    points_NS, truth_N = islands()
    found = fit_partition(points_NS[:180], "HDBSCAN", 7, restarts=1, seed=1, least_share=0.1)
    labels_N, _ = found.assign(points_NS[:180])
    assert set(labels_N) == set(range(len(found)))
    assert adjusted_rand_score(truth_N[:180], labels_N) > 0.95
