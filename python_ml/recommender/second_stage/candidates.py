"""What several models suggest to a user: the union of their best items, with the scores all of them give.

Shapes: B users of a block, M candidates of all users together, P models.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.judge import Scorer
from python_ml.recommender.ranking import mask_items, top_k


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a user and an item some model suggests, by user in the order asked for, then by item.

    Args:
        user: (M,) int64.
        item: (M,) int64.
        score: (M, P) float32, by every model, whether it suggests the item or not.
        rank: (M, P) int64 from 1; depth + 1 where the model does not suggest the item.
    """

    user: np.ndarray
    item: np.ndarray
    score: np.ndarray
    rank: np.ndarray

    @classmethod
    def of(cls, scores: Sequence[torch.Tensor], users: np.ndarray, depth: int) -> "Candidates":
        """The `depth` best items of each model and user; -inf is never suggested.

        Args:
            scores: P blocks (B, n_items) float32.
            users: (B,) int64.
            depth: how many items each model suggests, at most.
        """
        n_items = scores[0].shape[1]
        width = n_items + 1
        row = np.arange(len(users), dtype=np.int64)[:, None]
        # One number for each place of a list; what is left empty is item -1.
        keys = [row * width + top_k(block, depth)[0] + 1 for block in scores]
        found = np.unique(np.concatenate([key.ravel() for key in keys]))
        found = found[found % width > 0]
        at, item = found // width, found % width - 1
        rank = np.full((len(found), len(scores)), depth + 1, dtype=np.int64)
        for part, key in enumerate(keys):
            place = np.broadcast_to(np.arange(1, key.shape[1] + 1), key.shape)
            is_item = key % width > 0
            rank[np.searchsorted(found, key[is_item]), part] = place[is_item]
        index = torch.from_numpy(at), torch.from_numpy(item)
        values = [block[tuple(each.to(block.device) for each in index)].cpu().numpy() for block in scores]
        return cls(users[at], item, np.stack(values, axis=1), rank)

    def of_users(self, users: np.ndarray) -> "Candidates":
        """The same, where `user` was a position in `users`."""
        return replace(self, user=users[self.user])

    @classmethod
    def concatenate(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Candidates of several blocks of users, one after the other."""
        names = ("user", "item", "score", "rank")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def suggest(
    models: Sequence[Scorer],
    users: np.ndarray,
    owned: sparse.csr_matrix | None,
    *,
    depth: int,
    block_users: int,
) -> Candidates:
    """Candidates of many users.

    Args:
        models: P fitted models.
        users: (U,) int64.
        owned: (n_users, n_items) CSR, what is never suggested; None suggests everything.
        depth: see `Candidates.of`.
        block_users: users scored at once; the largest arrays are P of this by n_items.
    """
    parts = []
    for start in range(0, max(len(users), 1), block_users):
        block = users[start : start + block_users]
        scores = [model.score(block) for model in models]
        if owned is not None:
            for score in scores:
                mask_items(score, owned, block)
        parts.append(Candidates.of(scores, block, depth))
    return Candidates.concatenate(parts)
