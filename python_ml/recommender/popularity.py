"""Best-sellers of a recent window: the floor for every other model on items new to the user."""

from dataclasses import dataclass

import numpy as np
import torch

from python_ml.recommender.data import Interactions


@dataclass(frozen=True, slots=True, kw_only=True)
class PopularitySettings:
    """Settings of one popularity model.

    Args:
        window_days: how far back buyers are counted.
    """

    window_days: int


@dataclass(frozen=True, slots=True)
class Popularity:
    """Distinct buyers of every item in the window.

    Args:
        buyers: (n_items,) float32.
    """

    buyers: np.ndarray

    @classmethod
    def fit(cls, past: Interactions, settings: PopularitySettings, *, now: float) -> "Popularity":
        """Count the distinct buyers of the last `window_days` before `now` (days since 1970-01-01)."""
        recent = past.between(now - settings.window_days, now)
        return cls(recent.buyers().astype(np.float32))

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32, the same row for every user."""
        return torch.from_numpy(self.buyers).repeat(len(users), 1)
