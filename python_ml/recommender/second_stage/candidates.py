"""What the leading model suggests to users, and what all models say of it.

Tried: the union of what every model suggests. It is twice as many candidates, ranked no better, and takes a
sorting of the catalogue for every model.

Shapes: B users of a block, M candidates of all users together, P models.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from python_ml.recommender.ranking import top_k


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a user and an item the leader suggests, by user in the order asked for, then best first.

    Args:
        user: (M,) int64.
        item: (M,) int64.
        score: (M, P) float32, by every model.
        rank: (M, P) int64 from 1, of the item among the user's candidates, by every model.
    """

    user: np.ndarray
    item: np.ndarray
    score: np.ndarray
    rank: np.ndarray

    @classmethod
    def of(cls, wished: torch.Tensor, scores: Sequence[torch.Tensor], depth: int) -> "Candidates":
        """The `depth` best items of each row, whose numbers are the users.

        Args:
            wished: (B, n_items) float32, the leader's scores; -inf is never suggested.
            scores: P blocks of the same shape.
            depth: how many items are suggested, at most.
        """
        items = top_k(wished, depth)[0]
        row, place = np.nonzero(items >= 0)
        item = items[row, place]
        index = torch.from_numpy(row), torch.from_numpy(item)
        values = [block[tuple(each.to(block.device) for each in index)].cpu().numpy() for block in scores]
        ranks = [_ranks(row, item, value) for value in values]
        return cls(row, item, np.stack(values, axis=1), np.stack(ranks, axis=1))

    def of_users(self, users: np.ndarray) -> "Candidates":
        """The same, where `user` was a position in `users`."""
        return replace(self, user=users[self.user])

    @classmethod
    def concatenate(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Candidates of several blocks of users, one after the other."""
        names = ("user", "item", "score", "rank")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _ranks(row: np.ndarray, item: np.ndarray, score: np.ndarray) -> np.ndarray:
    """(M,) int64 place of each item in its row from 1, best first, equal scores by item; rows are sorted."""
    order = np.lexsort((item, -score, row))
    rank = np.empty(len(row), dtype=np.int64)
    rank[order] = np.arange(len(row)) - np.searchsorted(row, row) + 1
    return rank
