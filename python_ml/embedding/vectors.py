"""Arithmetic on embeddings that needs no model: whoever reads stored vectors must not load torch for it.

Shapes: N vectors, D dimensions.
"""

import numpy as np


def to_unit_length(vectors_ND: np.ndarray) -> np.ndarray:
    """Scale each row to length 1, so that the inner product of two vectors is their cosine.

    Args:
        vectors_ND: float32 or float64 (N, D).

    Returns:
        (N, D) of the same type; a row of zeros stays zeros.
    """
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return vectors_ND / np.maximum(lengths_N1, np.finfo(np.float32).tiny)
