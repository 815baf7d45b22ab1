"""The space users are clustered in: blocks of features, each with a stated share in every distance.

Shapes: N users, F columns of a block, P dimensions kept of it, S dimensions in all.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA


@dataclass(frozen=True, slots=True)
class FittedBlock:
    """A block's projection, all float64.

    Args:
        mean: (F,), subtracted first.
        components: (P, F), directions kept.
        scale: one number; puts the block's total variance at weight squared.
    """

    mean: np.ndarray
    components: np.ndarray
    scale: float

    def project(self, values_NF: np.ndarray) -> np.ndarray:
        """Args: values_NF: float64. Returns: float64 (N, P)."""
        return (values_NF - self.mean) @ self.components.T * self.scale


def fit_block(values_NF: np.ndarray, *, keep: float | int, weight: float) -> FittedBlock:
    """Reduce a block and give it its weight.

    Args:
        values_NF: float64, no NaN.
        keep: int: dimensions kept (at most); float in (0, 1]: share of variance kept.
        weight: root mean square distance of a user from the centre within this block, whatever the number
            and scale of its columns: 384 embedding columns do not outvote 40 features.

    Returns:
        The fitted block; with P = 0 where the block is empty, constant or has weight 0.
    """
    count, width = values_NF.shape
    mean = values_NF.mean(axis=0) if count else np.zeros(width)
    centred = values_NF - mean
    varies = bool(count > 1 and width > 0 and np.abs(centred).max() > 1e-9 * (1.0 + np.abs(values_NF).max()))
    if weight == 0.0 or not varies:
        return FittedBlock(mean=mean, components=np.zeros((0, width)), scale=0.0)
    pca = PCA(svd_solver="covariance_eigh").fit(values_NF)
    size = _dimensions_to_keep(pca.explained_variance_ratio_, keep)
    components = pca.components_[:size]
    spread = np.square(centred @ components.T).sum(axis=1).mean()
    return FittedBlock(mean=mean, components=components, scale=weight / float(np.sqrt(spread)))


def _dimensions_to_keep(variance_ratio: np.ndarray, keep: float | int) -> int:
    if isinstance(keep, int):
        return min(keep, len(variance_ratio))
    return min(int(np.searchsorted(np.cumsum(variance_ratio), keep - 1e-12)) + 1, len(variance_ratio))
