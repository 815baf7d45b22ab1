"""The space in which texts are compared: sentence vectors without what they all share.

Shapes: N texts, D embedding dimensions, S dimensions of the space.
"""

from dataclasses import dataclass

import numpy as np

from python_ml.embedding.vectors import to_unit_length

# A whitened direction of n texts is noise unless there are some texts for each.
_TEXTS_PER_DIMENSION = 10
# Directions of less variance than this share of the first are rounding errors.
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Space:
    """A fitted projection.

    Args:
        mean: float32 (D,), of the texts it was fitted on.
        directions: float32 (D, S), scaled so that each has variance 1.
    """

    mean: np.ndarray
    directions: np.ndarray

    def project(self, vectors_ND: np.ndarray) -> np.ndarray:
        """Unit vectors float32 (N, S); zeros for a text at the mean itself."""
        return to_unit_length((vectors_ND.astype(np.float32) - self.mean) @ self.directions)


def fit_space(vectors_ND: np.ndarray, *, drop: int, dimensions: int) -> Space:
    """Centre, leave out the strongest directions, give the next ones the same weight.

    Vectors of an encoder share a large mean, and their strongest direction is how pleased the writer is, not
    what with: both are left out (all-but-the-top). What remains is whitened, or the next strongest would
    count for most.

    Args:
        vectors_ND: float, N at least 1.
        drop: directions left out, fewer where there are no others.
        dimensions: S at most; fewer for few texts or vectors that hold fewer.

    Source:
        Mu, Viswanath: All-but-the-Top: Simple and Effective Postprocessing for Word Representations, 2018.
    """
    mean_D = vectors_ND.mean(axis=0, dtype=np.float64)
    centred_ND = vectors_ND.astype(np.float64) - mean_D
    variance_D, basis_DD = np.linalg.eigh(centred_ND.T @ centred_ND / len(centred_ND))
    variance_D, basis_DD = variance_D[::-1], basis_DD[:, ::-1]
    least = max(variance_D[0] * _LEAST_VARIANCE, np.finfo(np.float32).eps ** 2)
    real = int(np.sum(variance_D > least))
    drop = min(drop, max(real - 1, 0))
    kept = min(dimensions, max(len(vectors_ND) // _TEXTS_PER_DIMENSION, 1), real - drop)
    part = slice(drop, drop + kept)
    directions_DS = basis_DD[:, part] / np.sqrt(variance_D[part])
    return Space(mean_D.astype(np.float32), directions_DS.astype(np.float32))
