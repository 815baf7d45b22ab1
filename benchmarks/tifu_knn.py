"""TIFU-kNN, the strongest simple peer where purchases repeat, and its blend with EASE, for benchmarks.

Shapes: U users, B users of a block, I items, K neighbours.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Scorer

BLOCK_USERS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class TifuKnnSettings:
    """Names as in the paper: r_b and r_g are decays within and between groups, alpha is one's own part."""

    groups: int = 7
    within_decay: float = 0.9
    group_decay: float = 0.7
    neighbours: int = 300
    alpha: float = 0.7


@dataclass(frozen=True, slots=True)
class TifuKnn:
    """A fitted model.

    Args:
        own: (U, I) CSR, decayed baskets of each user.
        near: (U, K) int64, the users nearest by Euclidean distance.
        alpha: see the settings.
    """

    own: sparse.csr_matrix
    near: np.ndarray
    alpha: float

    @classmethod
    def fit(cls, past: Interactions, settings: TifuKnnSettings) -> "TifuKnn":
        """What a user bought in one day is a basket.

        Source: Hu et al., "Modeling Personalized Item Frequency Information for Next-basket
        Recommendation", SIGIR 2020, sections 4.1 and 4.2.
        """
        bought = past.purchases()
        day = np.floor(bought.day).astype(np.int64)
        user, day, item = np.unique(np.stack([bought.user, day, bought.item]), axis=1)
        weight = _decayed(user, day, settings)
        own = sparse.csr_matrix((weight, (user, item)), shape=(past.n_users, past.n_items))
        return cls(own, _nearest(own, settings.neighbours), settings.alpha)

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, I) float32."""
        count = self.near.shape[1]
        row = np.repeat(np.arange(len(users)), count)
        mean = sparse.csr_matrix(
            (np.full(len(row), 1.0 / count), (row, self.near[users].ravel())),
            shape=(len(users), len(self.near)),
        )
        scores = self.alpha * self.own[users] + (1.0 - self.alpha) * (mean @ self.own)
        return torch.from_numpy(scores.toarray().astype(np.float32))


def _decayed(user: np.ndarray, day: np.ndarray, settings: TifuKnnSettings) -> np.ndarray:
    """Weight of each (user, day, item), sorted by user and day."""
    is_first = np.concatenate([[True], (np.diff(user) != 0) | (np.diff(day) != 0)])
    basket = np.cumsum(is_first) - 1
    baskets = np.bincount(user[is_first], minlength=user.max(initial=-1) + 1)
    last = np.cumsum(baskets) - 1
    back = last[user] - basket
    size = -(-baskets[user] // settings.groups)
    groups = np.minimum(settings.groups, baskets[user])
    decay = settings.within_decay ** (back % size) * settings.group_decay ** (back // size)
    return decay / (size * groups)


def _nearest(own: sparse.csr_matrix, count: int) -> np.ndarray:
    square = np.asarray(own.multiply(own).sum(axis=1)).ravel()
    count = min(count, own.shape[0] - 1)
    found = []
    for start in range(0, own.shape[0], BLOCK_USERS):
        block = own[start : start + BLOCK_USERS]
        distance = square[None, :] - 2.0 * (block @ own.T).toarray()
        distance[np.arange(block.shape[0]), start + np.arange(block.shape[0])] = np.inf
        found.append(np.argpartition(distance, count, axis=1)[:, :count])
    return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class PeerBlend:
    """Two models, each user's scores divided by the highest of them."""

    one: Scorer
    other: Scorer
    weight: float

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, I) float32."""
        parts = [model.score(users) for model in (self.one, self.other)]
        scaled = [part / part.amax(dim=1, keepdim=True).clamp(min=1e-12) for part in parts]
        return self.weight * scaled[0] + (1.0 - self.weight) * scaled[1]
