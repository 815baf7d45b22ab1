"""How alike interests of two fits are, and which is which.

Shapes: K interests of one fit, P of another, V categories.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment


def interest_similarity(one_KV: np.ndarray, other_PV: np.ndarray, popularity_V: np.ndarray) -> np.ndarray:
    """Cosine of interests, seen from what all users buy.

    What all buy is in every interest: from the origin any two of a grocer look alike (0.8 and more).

    Args:
        one_KV, other_PV: distributions over the same categories.
        popularity_V: that of all purchases.

    Returns:
        float64 (K, P), -1..1; 0 for an interest that is what all buy.
    """
    return _unit(one_KV - popularity_V) @ _unit(other_PV - popularity_V).T


def mean_similarity(one_KV: np.ndarray, other_KV: np.ndarray, popularity_V: np.ndarray) -> float:
    """Mean similarity of as many interests, each matched with one of the other fit (Hungarian method)."""
    similarity_KK = interest_similarity(one_KV, other_KV, popularity_V)
    return float(similarity_KK[linear_sum_assignment(similarity_KK, maximize=True)].mean())


def _unit(values_KV: np.ndarray) -> np.ndarray:
    lengths_K1 = np.linalg.norm(values_KV, axis=1, keepdims=True)
    # Below that a difference is what rounding leaves of none.
    return np.divide(values_KV, lengths_K1, out=np.zeros_like(values_KV), where=lengths_K1 > 1e-9)
