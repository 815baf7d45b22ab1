"""Each user's own most-frequent items, recent purchases counting more: the floor for repeat purchases."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.data import Interactions

# Small enough that popularity only orders items the user's own purchases leave level.
TIE_BREAK = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalFrequencySettings:
    """Settings of one personal-frequency model.

    Args:
        half_life_days: a purchase this old counts half; 0 = plain counts.
    """

    half_life_days: float


@dataclass(frozen=True, slots=True)
class PersonalFrequency:
    """Decayed purchase counts, and the popularity with the same decay behind them.

    Args:
        counts: (n_users, n_items) CSR float64.
        fallback: (n_items,) float32 in [0, TIE_BREAK].
    """

    counts: sparse.csr_matrix
    fallback: np.ndarray

    @classmethod
    def fit(
        cls, past: Interactions, settings: PersonalFrequencySettings, *, now: float
    ) -> "PersonalFrequency":
        """Count what every user bought before `now` (days since 1970-01-01)."""
        counts = past.matrix(now=now, half_life_days=settings.half_life_days)
        total = np.asarray(counts.sum(axis=0)).ravel()
        return cls(counts, (TIE_BREAK * total / max(total.max(initial=0.0), 1e-12)).astype(np.float32))

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32."""
        return torch.from_numpy(self.counts[users].toarray().astype(np.float32) + self.fallback)
