"""The lists that are published: the best items of every user, under the rules of publishing.

Shapes: U users, K places, I items of the catalogue.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.arrange import Arrangement, arrange, candidates
from python_ml.recommender.judge import Scorer, VectorScorer
from python_ml.recommender.ranking import mask_items, top_k

VECTOR_BLOCKS = 2  # with 128 users in a block instead of 64, lists take a sixth less time; more gain nothing


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of some users.

    Args:
        users: (U,) int64.
        items: (U, K) int64, best first, -1 where the catalogue ran out.
        scores: (U, K) float32.
        removed: (U,) bool, an item that must not be published would have been in the list.
        touched: (U, K, bytes) uint8, the business rules that shaped a place, a bit each (`np.packbits`); None
            without rules.
        drawn_from: (U, K) int32, from how many candidates a place was drawn by lot, 0 where it was not; None
            where none was.
    """

    users: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    removed: np.ndarray
    touched: np.ndarray | None = None
    drawn_from: np.ndarray | None = None

    def rules(self, rule_count: int) -> np.ndarray:
        """(U, K, R) bool: which of the business rules shaped a place."""
        if self.touched is None:
            return np.zeros((*self.items.shape, rule_count), dtype=bool)
        return np.unpackbits(self.touched, axis=2, count=rule_count).astype(bool)

    def is_exploration(self) -> np.ndarray:
        """(U, K) bool: which places were drawn by lot."""
        return np.zeros(self.items.shape, bool) if self.drawn_from is None else self.drawn_from > 0

    def propensity(self) -> np.ndarray:
        """(U, K) float64: the probability that the user's item of a place stands at that place."""
        return np.ones(self.items.shape) if self.drawn_from is None else 1.0 / np.maximum(self.drawn_from, 1)


def serve(
    model: Scorer,
    users: np.ndarray,
    owned: sparse.csr_matrix,
    is_publishable: np.ndarray,
    *,
    list_name: str,
    plan: Arrangement,
    block_users: int,
    progress: Callable[[int], None] | None = None,
) -> Lists:
    """Rank the publishable catalogue for users with history.

    Args:
        model: fitted on everything before the as-of date.
        users: (U,) int64.
        owned: (n_users, I) CSR, what they bought before; never in `discover`.
        is_publishable: (I,) bool.
        list_name: "for_you" or "discover".
        plan: length, business rules, diversity and exploration of this list.
        block_users: users scored at once; the largest array is this by I, VECTOR_BLOCKS times that where
            scores are one matrix product.
        progress: called with the number of users of each block.
    """
    hidden = torch.from_numpy(np.flatnonzero(~is_publishable))
    removed, arranged = [], []
    for block, score in _scored(model, users, block_users):
        if list_name == "discover":
            mask_items(score, owned, block)
        is_removed = np.zeros(len(block), bool)
        if len(hidden):
            unruled = top_k(score, plan.length)[0]
            is_removed = ((unruled >= 0) & ~is_publishable[unruled]).any(axis=1)
            score[:, hidden.to(score.device)] = -torch.inf
        removed.append(is_removed)
        shown = arrange(candidates(score, block, plan), block, plan)
        arranged.append((shown.items, shown.scores, np.packbits(shown.touched, axis=2), shown.drawn_from))
        if progress:
            progress(len(block))
    if not arranged:
        width = min(plan.length, len(is_publishable))
        empty = np.empty((0, width))
        return Lists(users, empty.astype(np.int64), empty.astype(np.float32), np.empty(0, bool))
    items, scores, touched, drawn_from = (np.concatenate(part) for part in zip(*arranged, strict=True))
    return Lists(users, items, scores, np.concatenate(removed), touched, drawn_from)


def _scored(model: Scorer, users: np.ndarray, block_users: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Users block by block, with their scores, which last until the next block is asked for."""
    if isinstance(model, VectorScorer):
        block_users = min(VECTOR_BLOCKS * block_users, max(len(users), 1))
        buffer = model.buffer(block_users)
        for start in range(0, len(users), block_users):
            block = users[start : start + block_users]
            yield block, model.score(block, buffer)
        return
    for start in range(0, len(users), block_users):
        block = users[start : start + block_users]
        yield block, model.score(block)
