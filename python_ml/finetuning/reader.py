"""An encoder that was taught by ratings, and what it says of a text.

Shapes: N texts, D dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python_ml.embedding.encoder import Encoder, Progress


@dataclass(frozen=True, slots=True)
class RatingReader:
    """A fine-tuned encoder and the linear head it was trained with.

    Args:
        encoder: with the adapter in its weights.
        weight: float32 (D,), of the head.
        bias: float32 (1,), of the head.
    """

    encoder: Encoder
    weight: np.ndarray
    bias: np.ndarray

    def score(self, texts: Sequence[str], progress: Progress | None = None) -> np.ndarray:
        """float64 (N,): log odds that the writer is pleased; not calibrated.

        Args:
            texts: N strings.
            progress: see `Encoder.encode`.
        """
        # The head was trained on vectors as they come, before they are scaled to length 1.
        vectors_ND = self.encoder.unscaled().encode(texts, progress=progress)
        return (vectors_ND @ self.weight + self.bias[0]).astype(np.float64)
