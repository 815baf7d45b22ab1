"""Ranking metrics over the whole catalogue: no sampled candidates.

Shapes: U users, K length of a list. `hits` says which of the K recommended items a user bought;
`truth_size` how many distinct items the user bought. A place that holds no item is no hit.
"""

import numpy as np
from scipy import sparse
from scipy.special import rel_entr

PER_USER = ("recall", "ndcg", "mrr", "hit_rate", "map")
_BLOCK_USERS = 256
_PRIOR_SHARE = 0.01  # of a user's own taste mixed into the list's, so that the divergence stays finite


def recall(hits_UK: np.ndarray, truth_size_U: np.ndarray) -> np.ndarray:
    """(U,) float64 share of the bought items that are in the list."""
    return hits_UK.sum(axis=1) / truth_size_U


def ndcg(hits_UK: np.ndarray, truth_size_U: np.ndarray) -> np.ndarray:
    """(U,) float64 binary NDCG; the ideal list has min(K, truth_size) hits in front.

    Source: Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    if hits_UK.shape[1] == 0:
        return np.zeros(len(hits_UK))
    discount_K = 1.0 / np.log2(np.arange(2, hits_UK.shape[1] + 2))
    ideal_K = np.cumsum(discount_K)
    return (hits_UK * discount_K).sum(axis=1) / ideal_K[np.minimum(truth_size_U, len(ideal_K)) - 1]


def mrr(hits_UK: np.ndarray, truth_size_U: np.ndarray) -> np.ndarray:
    """(U,) float64 one over the rank of the first hit, 0 without a hit; truth_size is not used."""
    del truth_size_U
    if hits_UK.shape[1] == 0:
        return np.zeros(len(hits_UK))
    return np.where(hits_UK.any(axis=1), 1.0 / (hits_UK.argmax(axis=1) + 1.0), 0.0)


def hit_rate(hits_UK: np.ndarray, truth_size_U: np.ndarray) -> np.ndarray:
    """(U,) float64 1 where the list holds at least one bought item; truth_size is not used."""
    del truth_size_U
    return hits_UK.any(axis=1).astype(np.float64)


def average_precision(hits_UK: np.ndarray, truth_size_U: np.ndarray) -> np.ndarray:
    """(U,) float64 sum of the precision at each hit / min(K, truth_size); its mean over users is MAP.

    Source: Manning, Raghavan and Schuetze, "Introduction to Information Retrieval", 2008, section 8.4, with
    the list cut at K.
    """
    if hits_UK.shape[1] == 0:
        return np.zeros(len(hits_UK))
    places_K = np.arange(1, hits_UK.shape[1] + 1)
    precision_UK = hits_UK.cumsum(axis=1) / places_K
    return (hits_UK * precision_UK).sum(axis=1) / np.minimum(truth_size_U, hits_UK.shape[1])


FUNCTIONS = {"recall": recall, "ndcg": ndcg, "mrr": mrr, "hit_rate": hit_rate, "map": average_precision}


def cold_recall(
    items_UK: np.ndarray, hits_UK: np.ndarray, is_cold: np.ndarray, cold_truth_U: np.ndarray
) -> np.ndarray:
    """(U,) float64 recall of what nobody had bought before the cut, nan of users who bought no such item.

    Args:
        items_UK: -1 where there is none.
        is_cold: (n_items,) bool.
        cold_truth_U: number of such items the user bought.
    """
    found_U = (hits_UK & is_cold[items_UK] & (items_UK >= 0)).sum(axis=1)
    return np.divide(found_U, cold_truth_U, out=np.full(len(items_UK), np.nan), where=cold_truth_U > 0)


def coverage(items_UK: np.ndarray, buyers: np.ndarray) -> float:
    """Share of the items sold before the cut, those with buyers, that stand in any list."""
    shown = np.unique(items_UK[items_UK >= 0])
    return int((buyers[shown] > 0).sum()) / max(int((buyers > 0).sum()), 1)


def self_information(buyers: np.ndarray, users: int) -> np.ndarray:
    """(n_items,) float64 -log2 of the share of users who bought the item, one buyer for unsold ones.

    Source: Vargas and Castells, "Rank and relevance in novelty and diversity metrics", 2011.
    """
    return -np.log2(np.clip(buyers, 1.0, None) / max(users, 1))


def novelty(items_UK: np.ndarray, information: np.ndarray) -> np.ndarray:
    """(U,) float64 mean self-information of each list, nan for an empty one."""
    filled = items_UK >= 0
    total = np.where(filled, information[items_UK], 0.0).sum(axis=1)
    return np.where(filled.any(axis=1), total / np.maximum(filled.sum(axis=1), 1), np.nan)


def diversity(items_UK: np.ndarray, vectors: np.ndarray, of_item: np.ndarray) -> np.ndarray:
    """(U,) float64 mean distance, 1 - cosine, of all pairs of items in a list, by their texts.

    Items without a text do not count; nan of a list with fewer than two others.

    Args:
        items_UK: -1 where there is none.
        vectors: (V, T) of unit length.
        of_item: (n_items,) row of each item in `vectors`, -1 where it has no text.

    Source: Ziegler et al., "Improving recommendation lists through topic diversification", 2005.
    """
    found = np.full(len(items_UK), np.nan)
    for start in range(0, len(items_UK), _BLOCK_USERS):
        block = items_UK[start : start + _BLOCK_USERS]
        row_BK = np.where(block >= 0, of_item[block], -1)
        is_told = row_BK >= 0
        count = is_told.sum(axis=1)
        # Squared length of the sum of unit vectors: their number, and twice the cosine of each pair.
        total_BT = (vectors[row_BK] * is_told[:, :, None]).sum(axis=1, dtype=np.float64)
        cosines = np.square(total_BT).sum(axis=1) - count
        pairs = count * (count - 1)
        mean = np.divide(cosines, pairs, out=np.full(len(block), np.nan), where=pairs > 0)
        found[start : start + _BLOCK_USERS] = np.clip(1.0 - mean, 0.0, 2.0)
    return found


def mean_popularity(items_UK: np.ndarray, buyers: np.ndarray) -> np.ndarray:
    """(U,) float64 mean number of buyers of the items of a list, nan for an empty one."""
    filled = items_UK >= 0
    total = np.where(filled, buyers[items_UK], 0.0).sum(axis=1)
    return np.divide(total, filled.sum(axis=1), out=np.full(len(items_UK), np.nan), where=filled.any(axis=1))


def popularity_lift(listed_U: np.ndarray, owned_U: np.ndarray) -> float:
    """How much more popular lists are than what the same users had bought: 0 is as popular, 1 twice as.

    Args:
        listed_U, owned_U: mean number of buyers of the items listed, and owned; nan where there are none.

    Source: Abdollahpouri et al., "The connection between popularity bias, calibration, and fairness in
    recommendation", 2020.
    """
    known_U = ~np.isnan(listed_U) & ~np.isnan(owned_U)
    before = owned_U[known_U].mean() if known_U.any() else 0.0
    return float(listed_U[known_U].mean() / before - 1.0) if before > 0 else np.nan


def miscalibration(items_UK: np.ndarray, category: np.ndarray, taste_UC: sparse.csr_matrix) -> np.ndarray:
    """(U,) float64 Kullback-Leibler divergence, in nats, of the categories of a list from those of a user.

    0 is a list in which every category has the share it has among what the user bought. nan where one of the
    two has no item of a known category.

    Args:
        items_UK: -1 where there is none.
        category: (n_items,) integer, -1 where not known.
        taste_UC: the user's items in each category, counted.

    Source: Steck, "Calibrated recommendations", 2018, with its alpha of 0.01.
    """
    found = np.full(len(items_UK), np.nan)
    for start in range(0, len(items_UK), _BLOCK_USERS):
        block = items_UK[start : start + _BLOCK_USERS]
        of_BK = np.where(block >= 0, category[block], -1)
        listed_BC = np.zeros((len(block), taste_UC.shape[1]))
        row, place = np.nonzero(of_BK >= 0)
        np.add.at(listed_BC, (row, of_BK[row, place]), 1.0)
        taste_BC = taste_UC[start : start + _BLOCK_USERS].toarray()
        is_known = (listed_BC.sum(axis=1) > 0) & (taste_BC.sum(axis=1) > 0)
        wanted_BC = taste_BC[is_known] / taste_BC[is_known].sum(axis=1, keepdims=True)
        given_BC = listed_BC[is_known] / listed_BC[is_known].sum(axis=1, keepdims=True)
        mixed_BC = (1.0 - _PRIOR_SHARE) * given_BC + _PRIOR_SHARE * wanted_BC
        found[start : start + _BLOCK_USERS][is_known] = rel_entr(wanted_BC, mixed_BC).sum(axis=1)
    return found
