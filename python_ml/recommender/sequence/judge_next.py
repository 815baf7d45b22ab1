"""Where the item that really came next stands in the ranking of the whole catalogue."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch

from python_ml.recommender.sequence.sequences import NextItems, Sequences

BLOCK_USERS = 512


class NextScorer(Protocol):
    """What every fitted model of this package can do."""

    def score(self, histories: Sequences) -> torch.Tensor:
        """(B, n_items) float32, one row for each history; the caller may write into it."""


def target_ranks(model: NextScorer, judged: NextItems) -> np.ndarray:
    """Rank of every target among the items that are not in the history.

    Args:
        model: fitted.
        judged: U histories and what came next.

    Returns:
        (U,) int64, 0 = first, equal scores by item index; n_items where the history holds the target.
    """
    parts = []
    for start in range(0, len(judged.target), BLOCK_USERS):
        users = np.arange(start, min(start + BLOCK_USERS, len(judged.target)))
        histories = judged.history.take(users)
        parts.append(block_ranks(model.score(histories), histories, judged.target[users]))
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def block_ranks(scores: torch.Tensor, histories: Sequences, target: np.ndarray) -> np.ndarray:
    """`target_ranks` of one block, from its (B, n_items) scores, in which histories are set to -inf."""
    mask_histories(scores, histories)
    place = torch.from_numpy(target).to(scores.device)[:, None]
    own = scores.gather(1, place)
    earlier = torch.arange(scores.shape[1], device=scores.device) < place
    rank = (scores > own).sum(1) + ((scores == own) & earlier).sum(1)
    rank = torch.where(own[:, 0] == -torch.inf, scores.shape[1], rank)
    return rank.cpu().numpy()


def mask_histories(scores: torch.Tensor, histories: Sequences) -> None:
    """Set the scores of items in the histories to -inf, in place."""
    row, item = (torch.from_numpy(part).to(scores.device) for part in (histories.user, histories.item))
    scores[row, item] = -torch.inf


def next_item_judge(judged: NextItems, users: int, seed: int) -> Callable[[NextScorer], float]:
    """NDCG@10 of a model on some users, the same ones for every model.

    Args:
        judged: what is ranked.
        users: that many at most.
        seed: draws them.
    """
    drawn = np.sort(np.random.default_rng(seed).permutation(len(judged.target))[:users])
    some = NextItems(judged.history.take(drawn), judged.target[drawn])
    return lambda model: float(ndcg_of(target_ranks(model, some)).mean())


def ndcg_of(rank: np.ndarray, cutoff: int = 10) -> np.ndarray:
    """(U,) float64 NDCG of one relevant item at `rank`."""
    return np.where(rank < cutoff, 1.0 / np.log2(rank + 2.0), 0.0)


def hit_of(rank: np.ndarray, cutoff: int = 10) -> np.ndarray:
    """(U,) float64, 1 where the relevant item is among the first `cutoff`."""
    return (rank < cutoff).astype(np.float64)
