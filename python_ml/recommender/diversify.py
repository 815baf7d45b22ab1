"""Lists whose items are unlike each other: maximal marginal relevance over the best candidates of each user.

Shapes: B users of a block, N candidates of each, best first, K places, T dimensions of the text vectors. The
largest array is a block's text vectors, BLOCK_USERS x N x T.
"""

from dataclasses import dataclass, replace

import numpy as np

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import TextVectors

BLOCK_USERS = 64
# Sums of floats differ in their last bits with the size of a block, which must not settle a tie.
DECIMALS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """How much the items of a list should differ, and what tells them apart.

    Args:
        weight: of unlikeness against relevance, from 0, the order of the scores, to 1, unlikeness alone.
        candidates: N, how many of the best are put in another order; at least the length of a list.
        texts: text vectors of the catalogue.
        category: (n_items,) int64, -1 = none.
    """

    weight: float
    candidates: int
    texts: TextVectors
    category: np.ndarray

    def order(self, items: np.ndarray, scores: np.ndarray, k: int, is_pinned: np.ndarray) -> np.ndarray:
        """Which candidates to show, in the order to show them.

        Args:
            items: (B, N) int64, best first, -1 for none.
            scores: (B, N) float.
            k: K.
            is_pinned: (B, N) bool, items that stand in the list already: the others are kept unlike them too.

        Returns:
            (B, K) int64 positions among the candidates, none of them pinned, -1 where none is left.
        """
        found = [_order(self, items[rows], scores[rows], k, is_pinned[rows]) for rows in blocks(len(items))]
        return np.concatenate(found) if found else np.empty((0, k), dtype=np.int64)

    def of_part(self, items: np.ndarray) -> "Diversity":
        """The same for some items (C,), numbered anew from 0."""
        texts = replace(self.texts, of_item=self.texts.of_item[items])
        return replace(self, texts=texts, category=self.category[items])


def candidate_count(config: RecommenderConfig) -> int:
    """N: the setting, or the length of a list where that is more."""
    return max(config.diversity_candidates, config.list_length)


def blocks(rows: int) -> list[slice]:
    """Slices of BLOCK_USERS rows."""
    return [slice(start, start + BLOCK_USERS) for start in range(0, rows, BLOCK_USERS)]


def _order(diversity: Diversity, items, scores, k, is_pinned) -> np.ndarray:
    likeness = alike(items, diversity.texts, diversity.category)
    return marginal_order(relevance(items, scores, is_pinned), likeness, diversity.weight, k, is_pinned)


def relevance(items: np.ndarray, scores: np.ndarray, is_pinned: np.ndarray | None = None) -> np.ndarray:
    """(B, N) float64 from 0, the worst candidate of a user, to 1, the best; -inf for what cannot be chosen.

    Scores of different models, and of users, are not on one scale; cosines are.
    """
    is_open = items >= 0 if is_pinned is None else (items >= 0) & ~is_pinned
    low = np.where(is_open, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(is_open, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    spread = np.where(high > low, high - low, 1.0)
    shifted = np.where(is_open, scores, 0.0) - np.where(np.isfinite(low), low, 0.0)
    return np.where(is_open, shifted / spread, -np.inf)


def alike(items: np.ndarray, texts: TextVectors, category: np.ndarray) -> np.ndarray:
    """How alike the candidates of each user are, (B, N, N) float.

    The cosine of their texts. Where one of two has no text, nothing tells it from the others of its category:
    1 if they share that, else 0.

    Args:
        items: (B, N) int64, -1 for none.
        texts, category: see `Diversity`.
    """
    row_BN = np.where(items >= 0, texts.of_item[items], -1)
    is_told_BN = row_BN >= 0
    group_BN = np.where(items >= 0, category[items], -1)
    is_same = (group_BN[:, :, None] == group_BN[:, None, :]) & (group_BN >= 0)[:, :, None]
    if not is_told_BN.any():
        return is_same.astype(np.float64)
    vectors_BNT = texts.vectors[row_BN]
    cosine = (vectors_BNT @ vectors_BNT.transpose(0, 2, 1)).round(DECIMALS)
    return np.where(is_told_BN[:, :, None] & is_told_BN[:, None, :], cosine, is_same)


def marginal_order(
    relevance_BN: np.ndarray,
    likeness_BNN: np.ndarray,
    weight: float,
    k: int,
    is_pinned_BN: np.ndarray | None = None,
) -> np.ndarray:
    """Take, time after time, the candidate with the largest (1 - weight) relevance - weight likeness.

    Likeness is that to the most alike of those taken or pinned, 0 as long as there is none. Of equals the
    first is taken.

    Args:
        relevance_BN: from `relevance`, -inf for what cannot be chosen.
        likeness_BNN: from `alike`.
        weight: from 0 to 1.
        k: K.
        is_pinned_BN: bool, what stands in the list already.

    Returns:
        (B, K) int64 positions among the candidates, -1 where none is left.

    Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
        producing summaries", 1998, with lambda = 1 - weight.
    """
    rows = np.arange(len(relevance_BN))
    is_left = np.isfinite(relevance_BN)
    gain = (1.0 - weight) * np.where(is_left, relevance_BN, 0.0)
    closest = np.full(relevance_BN.shape, -np.inf)
    if is_pinned_BN is not None and is_pinned_BN.any():
        closest = np.where(is_pinned_BN[:, :, None], likeness_BNN, -np.inf).max(axis=1)
    order = np.full((len(rows), k), -1, dtype=np.int64)
    for place in range(min(k, relevance_BN.shape[1])):
        loss = weight * np.where(np.isneginf(closest), 0.0, closest)
        best = np.where(is_left, gain - loss, -np.inf).argmax(axis=1)
        order[:, place] = np.where(is_left[rows, best], best, -1)
        is_left[rows, best] = False
        closest = np.maximum(closest, likeness_BNN[rows, best])
    return order
