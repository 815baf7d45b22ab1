"""Ranks the catalogue for every user of a split and compares with what they bought."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender import metrics
from python_ml.recommender.ranking import mask_items, top_k
from python_ml.recommender.split import SplitData

LISTS = ("for_you", "discover")


# Called with a user's row number and (K,) items: the user's history (H,) int64 and what each of its items
# adds to the scores of the items, (H, K) float32, 0 where the two are the same.
Explainer = Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Scorer(Protocol):
    """What every fitted model can do."""

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32 scores of a block of users; the caller may write into it."""


@runtime_checkable
class VectorScorer(Protocol):
    """A model whose scores are one matrix product, which large blocks of users make faster.

    A block's memory is asked for once: new pages for each block would cost as much as the product.
    """

    def score(self, users: np.ndarray, out: torch.Tensor | None = None) -> torch.Tensor:
        """As of `Scorer`; with `out`, its first rows."""

    def buffer(self, users: int) -> torch.Tensor:
        """(users, n_items) float32, for `out`."""


@runtime_checkable
class SparseScorer(Protocol):
    """A model that knows few items for a user; the scores of all others are zero."""

    def score(self, users: np.ndarray) -> torch.Tensor:
        """As of `Scorer`."""

    def sparse_scores(self, users: np.ndarray) -> sparse.csr_matrix:
        """(B, n_items) CSR float32, the same without the zeros, none below zero."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The lists of one model on one split.

    Args:
        users: (U,) int64, users who have something to find.
        items: (U, K) int64, best first, -1 where nothing was left.
        hits: (U, K) bool.
        truth_size: (U,) int64, at least 1.
        scores: (U, K) float32, -inf where nothing was left; None where they were not kept.
    """

    users: np.ndarray
    items: np.ndarray
    hits: np.ndarray
    truth_size: np.ndarray
    scores: np.ndarray | None = None

    @classmethod
    def of(
        cls, users: np.ndarray, items: np.ndarray, truth: sparse.csr_matrix, scores: np.ndarray | None = None
    ) -> "Ranked":
        """Lists beside what is to be found.

        Args:
            users, items, scores: see the class.
            truth: (U, n_items) CSR, a row for each of the users.
        """
        return cls(users, items, _hits(items, truth), np.diff(truth.indptr).astype(np.int64), scores)

    def per_user(self, metric: str, cutoff: int) -> np.ndarray:
        """(U,) float64 values of one of `metrics.PER_USER`."""
        return metrics.FUNCTIONS[metric](self.hits[:, :cutoff], self.truth_size)

    def ndcg(self, cutoff: int) -> float:
        """Mean NDCG, 0 where nobody has anything to find."""
        return float(self.per_user("ndcg", cutoff).mean()) if len(self.users) else 0.0


class Judge:
    """Holds the truth of one split, for both lists.

    Args:
        data: the split.
        block_users: users scored at once; the largest array is this by n_items.
    """

    def __init__(self, data: SplitData, block_users: int) -> None:
        self.data = data
        self.block_users = block_users
        self.truth = {"for_you": data.truth, "discover": data.new()}

    def rank(self, model: Scorer, k: int, lists: Sequence[str] = LISTS) -> dict[str, Ranked]:
        """The k best items of every user of the split, for each of the lists.

        `discover` leaves out what a user owned before the cut, from the ranking and from the truth; users
        without truth are left out.
        """
        wanted = {name: np.diff(self.truth[name].indptr) > 0 for name in lists}
        found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in lists}
        for users in self._blocks():
            scores = model.score(users)
            for name in sorted(lists, key=LISTS.index):  # discover masks the scores, so it comes last
                if name == "discover":
                    mask_items(scores, self.data.owned, users)
                found[name].append(tuple(part[wanted[name][users]] for part in top_k(scores, k)))
        return {name: self._ranked(name, wanted[name], found[name]) for name in lists}

    def _blocks(self) -> Iterator[np.ndarray]:
        users = self.data.users
        for start in range(0, len(users), self.block_users):
            yield users[start : start + self.block_users]

    def _ranked(self, name: str, wanted: np.ndarray, found: list[np.ndarray]) -> Ranked:
        users = self.data.users[wanted[self.data.users]]
        truth = self.truth[name][users]
        items, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        return Ranked.of(users, items, truth, scores)


def _hits(items: np.ndarray, truth: sparse.csr_matrix) -> np.ndarray:
    # One sorted array of (row, item) keys holds the whole truth; -1 items fall between rows' keys.
    width = truth.shape[1] + 1
    row = np.repeat(np.arange(truth.shape[0], dtype=np.int64), np.diff(truth.indptr))
    return np.isin(np.arange(len(items))[:, None] * width + items + 1, row * width + truth.indices + 1)
