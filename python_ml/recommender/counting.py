"""The fallback for lists that could not be evaluated: nothing is trained, everything is counted.

Items whose buyers overlap with those of the user's own items come first (item-kNN), best sellers after them.
"""

from dataclasses import dataclass

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions
from python_ml.recommender.item_knn import ItemKnn, ItemKnnSettings
from python_ml.recommender.judge import Explainer

# Two users who share two items are the least that says two items go together.
MIN_BUYERS = 2
# Small enough that popularity only orders what the neighbours leave level. Kinds of popularity, most telling
# first: buyers lately, then interest of all time.
POPULAR_LATELY = 1e-3
POPULAR_EVER = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingSettings:
    """Settings of the counting fallback; nothing has chosen between them.

    Args:
        neighbours: how many neighbours an item keeps.
        min_buyers: items with fewer buyers have no neighbours.
        window_days: how far back best sellers are counted.
    """

    neighbours: int
    min_buyers: int
    window_days: int

    @classmethod
    def of(cls, config: RecommenderConfig) -> "CountingSettings":
        """The widest neighbourhood and the best-seller window of the config."""
        return cls(
            neighbours=max(config.knn_neighbours), min_buyers=MIN_BUYERS, window_days=config.best_seller_days
        )


@dataclass(frozen=True, slots=True)
class Counting:
    """Neighbours, and best sellers behind them.

    Args:
        neighbours: item-kNN by cosine.
        popularity: (n_items,) float32, in [0, POPULAR_LATELY + POPULAR_EVER].
    """

    neighbours: ItemKnn
    popularity: np.ndarray

    @classmethod
    def fit(cls, past: Interactions, settings: CountingSettings, *, now: float) -> "Counting":
        """Count the interactions before `now` (days since 1970-01-01)."""
        knn = ItemKnnSettings(
            weighting="cosine", neighbours=settings.neighbours, min_buyers=settings.min_buyers
        )
        lately = past.between(now - settings.window_days, now).buyers()
        ever = np.asarray(past.strongest().sum(axis=0)).ravel()
        popularity = POPULAR_LATELY * _to_one(lately) + POPULAR_EVER * _to_one(ever)
        return cls(ItemKnn.fit(past, knn, now=now), popularity.astype(np.float32))

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32."""
        return self.neighbours.score(users).add_(torch.from_numpy(self.popularity))

    def explainer(self) -> Explainer:
        """Splits the neighbours' part over the history; a best seller owes nothing to it."""
        return self.neighbours.explainer()


def _to_one(counts: np.ndarray) -> np.ndarray:
    return counts / max(counts.max(initial=0.0), 1e-12)
