"""Ways to find groups in points, all from scikit-learn but k-means of many users on a CUDA device.

Whatever the method, what it found is kept as a `Partition`, which puts users into groups long after the fit.
Shapes: N users, S dimensions, C cohorts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from sklearn.cluster import HDBSCAN, BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture

_BLOCK_USERS = 4_096
# Of fewer, a processor finds centres in a moment, and the device would wait for its instructions.
_DEVICE_USERS = 100_000
_MINI_BATCH_USERS = 4_096
# A Gaussian is kept at least this wide, as a share of the variance of all users: where many users are alike
# in something, one would shrink to them and win every user like that, however different otherwise.
_LEAST_VARIANCE = 0.01
# HDBSCAN compares every pair: of more users a sample is looked at.
_DENSITY_USERS = 10_000
# Neighbours that tell how dense it is around a user: with as many as the smallest group has, groups that lie
# near each other run together.
_DENSITY_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Groups of points: every point belongs to the one under whose Gaussian it is likeliest.

    Of k-means these are round, as wide and as large as each other: the likeliest is the nearest centre.

    Args:
        centres: float64 (C, S).
        precisions: float64 (C, S), one over the variance in each dimension.
        log_shares: float64 (C,), logarithm of the share of users; up to a constant.
        unclustered: row of the group of those who are in none; None where there is no such group.
    """

    centres: np.ndarray
    precisions: np.ndarray
    log_shares: np.ndarray
    unclustered: int | None = None

    def __len__(self) -> int:
        return len(self.centres)

    def assign(self, points_NS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The group of each point.

        Args:
            points_NS: float64.

        Returns:
            Row of the group, integer (N,), the first on a tie; Euclidean distance to its centre, float64
            (N,).
        """
        # By blocks: differences of all users to all centres would be N x C x S numbers.
        starts = range(0, max(len(points_NS), 1), _BLOCK_USERS)
        parts = [self._assign_block(points_NS[start : start + _BLOCK_USERS]) for start in starts]
        labels, distances = zip(*parts, strict=True)
        return np.concatenate(labels), np.concatenate(distances)

    def _assign_block(self, points_BS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        squares_BCS = np.square(points_BS[:, None, :] - self.centres)
        # Minus twice the log-likelihood. Of k-means the second part is 0: what is as near stays a tie.
        costs_BC = (squares_BCS * self.precisions).sum(axis=2) - (
            2.0 * self.log_shares + np.log(self.precisions).sum(axis=1)
        )
        labels_B = costs_BC.argmin(axis=1)
        return labels_B, np.sqrt(squares_BCS.sum(axis=2)[np.arange(len(points_BS)), labels_B])

    def take(self, order: list[int]) -> "Partition":
        """Some groups, in an order."""
        unclustered = order.index(self.unclustered) if self.unclustered in order else None
        return Partition(self.centres[order], self.precisions[order], self.log_shares[order], unclustered)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, by name."""
        unclustered = np.array([-1 if self.unclustered is None else self.unclustered])
        return {
            "centres": self.centres,
            "precisions": self.precisions,
            "log_shares": self.log_shares,
            "unclustered": unclustered,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Partition":
        """The inverse of `arrays`, which may stand among others."""
        row = int(arrays["unclustered"][0])
        kept = arrays["centres"], arrays["precisions"], arrays["log_shares"]
        return cls(*kept, unclustered=None if row < 0 else row)


def round_partition(centres_CS: np.ndarray) -> Partition:
    """Every point belongs to the nearest of these centres."""
    return Partition(centres_CS, np.ones_like(centres_CS), np.zeros(len(centres_CS)))


@dataclass(frozen=True, slots=True)
class _Search:
    """What a method is asked for; see `fit_partition`."""

    count: int
    restarts: int
    seed: int
    device: str
    least_share: float


def fit_partition(
    points_NS: np.ndarray,
    method: str,
    count: int,
    restarts: int,
    seed: int,
    device: str = "cpu",
    least_share: float = 0.02,
) -> Partition:
    """Find groups of points.

    Args:
        points_NS: float64, at least `count` of them.
        method: one of `METHODS`.
        count: of groups; HDBSCAN finds as many as there are.
        restarts: starts, the best of which is kept.
        seed: of the starts.
        device: "cpu" or "cuda:0" ...; k-means alone is computed on it, of many users.
        least_share: of users in a group of HDBSCAN.
    """
    return METHODS[method](points_NS, _Search(count, restarts, seed, device, least_share))


def _k_means(points_NS: np.ndarray, search: _Search) -> Partition:
    """scikit-learn's is the faster one on processors; on a CUDA device, of many users, it is `kmeans`."""
    if search.device.startswith("cuda") and len(points_NS) >= _DEVICE_USERS:
        import torch  # only when there is work for it

        from python_ml.cohorts.kmeans import fit_kmeans

        device = torch.device(search.device)
        fit = fit_kmeans(points_NS, search.count, device=device, seed=search.seed, restarts=search.restarts)
        return round_partition(fit.centres)
    fit = KMeans(search.count, n_init=search.restarts, random_state=search.seed).fit(points_NS)
    return round_partition(fit.cluster_centers_)


def _mini_batch(points_NS: np.ndarray, search: _Search) -> Partition:
    """Sculley: Web-scale k-means clustering, 2010."""
    fit = MiniBatchKMeans(
        search.count, batch_size=_MINI_BATCH_USERS, n_init=search.restarts, random_state=search.seed
    )
    return round_partition(fit.fit(points_NS).cluster_centers_)


def _bisecting(points_NS: np.ndarray, search: _Search) -> Partition:
    """The largest group is halved until there are enough (Steinbach, Karypis and Kumar: A comparison of
    document clustering techniques, 2000); at last everyone goes to the nearest centre."""
    fit = BisectingKMeans(
        search.count,
        n_init=search.restarts,
        random_state=search.seed,
        bisecting_strategy="largest_cluster",
    )
    return round_partition(fit.fit(points_NS).cluster_centers_)


def _gaussian_mixture(points_NS: np.ndarray, search: _Search) -> Partition:
    """By expectation maximisation (Dempster, Laird and Rubin 1977), each dimension with its own variance."""
    fit = GaussianMixture(
        search.count,
        covariance_type="diag",
        n_init=search.restarts,
        random_state=search.seed,
        reg_covar=_least_variance(points_NS),
        max_iter=500,
    ).fit(points_NS)
    with np.errstate(divide="ignore"):  # a group nobody is in: minus infinity
        return Partition(fit.means_, 1.0 / fit.covariances_, np.log(fit.weights_))


def _density(points_NS: np.ndarray, search: _Search) -> Partition:
    """Groups are where users lie densely (Campello, Moulavi and Sander: Density-based clustering based on
    hierarchical density estimates, 2013); the others are in none.

    What is kept is a Gaussian of each group, and of those in none one as wide as all users.
    """
    rows = np.arange(len(points_NS))
    if len(rows) > _DENSITY_USERS:
        rows = np.sort(np.random.default_rng(search.seed).permutation(rows)[:_DENSITY_USERS])
    seen_NS = points_NS[rows]
    least = max(ceil(search.least_share * len(rows)), 2)
    fit = HDBSCAN(min_cluster_size=least, min_samples=min(_DENSITY_NEIGHBOURS, least), copy=True)
    labels_N = fit.fit_predict(seen_NS)
    groups = [seen_NS[labels_N == label] for label in range(labels_N.max() + 1)]
    groups.append(seen_NS)  # in none
    sizes = np.array([*(len(group) for group in groups[:-1]), max(np.sum(labels_N < 0), 1)])
    least_variance = _least_variance(points_NS)
    variances_CS = np.maximum([group.var(axis=0) for group in groups], least_variance)
    found = Partition(
        np.stack([group.mean(axis=0) for group in groups]),
        1.0 / variances_CS,
        np.log(sizes / len(rows)),
        unclustered=len(groups) - 1,
    )
    return found.take(np.unique(found.assign(points_NS)[0]).tolist())


def _least_variance(points_NS: np.ndarray) -> float:
    return max(_LEAST_VARIANCE * float(points_NS.var(axis=0).mean()), 1e-12)


METHODS: dict[str, Callable[[np.ndarray, _Search], Partition]] = {
    "k-means": _k_means,
    "mini-batch k-means": _mini_batch,
    "bisecting k-means": _bisecting,
    "Gaussian mixture": _gaussian_mixture,
    "HDBSCAN": _density,
}
