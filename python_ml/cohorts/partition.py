"""Ways to find groups in points, all from scikit-learn but k-means of many users on a CUDA device.

Whatever the method, what it found is kept as a `Partition`, which puts users into groups long after the fit.
Shapes: N users, S dimensions, C cohorts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture

_BLOCK_USERS = 4_096
# Of fewer, a processor finds centres in a moment, and the device would wait for its instructions.
_DEVICE_USERS = 100_000
_MINI_BATCH_USERS = 4_096
# A Gaussian is kept at least this wide, as a share of the variance of all users: where many users are alike
# in something, one would shrink to them and win every user like that, however different otherwise.
_LEAST_VARIANCE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Groups of points: every point belongs to the one under whose Gaussian it is likeliest.

    Of k-means these are round, as wide and as large as each other: the likeliest is the nearest centre.

    Args:
        centres: float64 (C, S).
        precisions: float64 (C, S), one over the variance in each dimension.
        log_shares: float64 (C,), logarithm of the share of users; up to a constant.
    """

    centres: np.ndarray
    precisions: np.ndarray
    log_shares: np.ndarray

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
        """The groups in another order."""
        return Partition(self.centres[order], self.precisions[order], self.log_shares[order])

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, by name."""
        return {"centres": self.centres, "precisions": self.precisions, "log_shares": self.log_shares}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Partition":
        """The inverse of `arrays`, which may stand among others."""
        return cls(arrays["centres"], arrays["precisions"], arrays["log_shares"])


def round_partition(centres_CS: np.ndarray) -> Partition:
    """Every point belongs to the nearest of these centres."""
    return Partition(centres_CS, np.ones_like(centres_CS), np.zeros(len(centres_CS)))


def fit_partition(
    points_NS: np.ndarray, method: str, count: int, restarts: int, seed: int, device: str = "cpu"
) -> Partition:
    """Find groups of points.

    Args:
        points_NS: float64, at least `count` of them.
        method: one of `METHODS`.
        count: of groups.
        restarts: starts, the best of which is kept.
        seed: of the starts.
        device: "cpu" or "cuda:0" ...; k-means alone is computed on it, of many users.
    """
    return METHODS[method](points_NS, count, restarts, seed, device)


def _k_means(points_NS: np.ndarray, count: int, restarts: int, seed: int, device: str) -> Partition:
    """scikit-learn's is the faster one on processors; on a CUDA device, of many users, it is `kmeans`."""
    if device.startswith("cuda") and len(points_NS) >= _DEVICE_USERS:
        import torch  # only when there is work for it

        from python_ml.cohorts.kmeans import fit_kmeans

        fit = fit_kmeans(points_NS, count, device=torch.device(device), seed=seed, restarts=restarts)
        return round_partition(fit.centres)
    return round_partition(KMeans(count, n_init=restarts, random_state=seed).fit(points_NS).cluster_centers_)


def _mini_batch(points_NS: np.ndarray, count: int, restarts: int, seed: int, device: str) -> Partition:
    """Sculley: Web-scale k-means clustering, 2010."""
    fit = MiniBatchKMeans(count, batch_size=_MINI_BATCH_USERS, n_init=restarts, random_state=seed)
    return round_partition(fit.fit(points_NS).cluster_centers_)


def _bisecting(points_NS: np.ndarray, count: int, restarts: int, seed: int, device: str) -> Partition:
    """The largest group is halved until there are enough (Steinbach, Karypis and Kumar: A comparison of
    document clustering techniques, 2000); at last everyone goes to the nearest centre."""
    fit = BisectingKMeans(count, n_init=restarts, random_state=seed, bisecting_strategy="largest_cluster")
    return round_partition(fit.fit(points_NS).cluster_centers_)


def _gaussian_mixture(points_NS: np.ndarray, count: int, restarts: int, seed: int, device: str) -> Partition:
    """By expectation maximisation (Dempster, Laird and Rubin 1977), each dimension with its own variance."""
    least = max(_LEAST_VARIANCE * float(points_NS.var(axis=0).mean()), 1e-12)
    fit = GaussianMixture(
        count, covariance_type="diag", n_init=restarts, random_state=seed, reg_covar=least, max_iter=500
    ).fit(points_NS)
    with np.errstate(divide="ignore"):  # a group nobody is in: minus infinity
        return Partition(fit.means_, 1.0 / fit.covariances_, np.log(fit.weights_))


METHODS: dict[str, Callable[[np.ndarray, int, int, int, str], Partition]] = {
    "k-means": _k_means,
    "mini-batch k-means": _mini_batch,
    "bisecting k-means": _bisecting,
    "Gaussian mixture": _gaussian_mixture,
}
