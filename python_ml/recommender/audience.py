"""The users most likely to want an item: the lists turned round.

Shapes: U users, B users of a block, I items of the catalogue, A items that are asked for, K places. The
largest array is (B, I).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.judge import Scorer
from python_ml.recommender.ranking import entries_of, top_k


@dataclass(frozen=True, slots=True)
class ExpectedPurchases:
    """A model's scores on one scale for all users, so that users can be compared.

    What a model says compares only within one user. An item's share of the scores of all that is new to the
    user, times the number of new items expected of the user, is how often they are expected to take to it: as
    the torch recommender scores by itself.

    Args:
        model: fitted on everything before the as-of date.
        owned: (U, I) CSR, what users bought before.
        expected_new: (U,) float32, new items expected of a user within one window, above 0.
    """

    model: Scorer
    owned: sparse.csr_matrix
    expected_new: np.ndarray

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, I) float32; of equal order as the model's for each user."""
        score = self.model.score(users)
        interest = score.clamp(min=0.0)
        interest[entries_of(self.owned, users, score.device)] = 0.0
        total = interest.sum(dim=1, keepdim=True).clamp_(min=1e-30)  # 0: nothing new is of interest
        expected = torch.from_numpy(self.expected_new[users]).to(score.device)[:, None]
        return score.mul_(expected / total)


@dataclass(frozen=True, slots=True)
class Audiences:
    """The best users of some items.

    Args:
        users: (A, K) int64, best first, -1 where users ran out.
        scores: (A, K) float32.
    """

    users: np.ndarray
    scores: np.ndarray


def find_audiences(
    model: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    *,
    length: int,
    block_users: int,
    progress: Callable[[int, int], None] | None = None,
) -> Audiences:
    """Rank users for items, keeping the best of the blocks seen so far; of equal scores, the lower user wins.

    Args:
        model: whose scores compare across users; -inf means never.
        users: (U,) int64, who may be in an audience, each once.
        items: (A,) int64.
        length: K.
        block_users: users scored at once.
        progress: called with (users scored, users).
    """
    kept = Audiences(np.empty((len(items), 0), np.int64), np.empty((len(items), 0), np.float32))
    users, asked = np.sort(users), torch.tensor(items)  # a copy: torch wants what it may write to
    for start in range(0, len(users), block_users):
        block = users[start : start + block_users]
        score = model.score(block)[:, asked].T.cpu()
        # Those kept come first and have lower numbers: of equal scores, the lower column is the lower user.
        candidates = np.hstack([kept.users, np.tile(block, (len(items), 1))])
        place, value = top_k(torch.cat([torch.from_numpy(kept.scores), score], dim=1), length)
        kept = Audiences(np.where(place >= 0, np.take_along_axis(candidates, place, 1), -1), value)
        if progress:
            progress(start + len(block), len(users))
    return kept
