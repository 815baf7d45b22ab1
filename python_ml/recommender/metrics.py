"""Ranking metrics over the whole catalogue: no sampled candidates.

Shapes: U users, K length of a list. `hits` says which of the K recommended items a user bought;
`truth_size` how many distinct items the user bought. A place that holds no item is no hit.
"""

import numpy as np

PER_USER = ("recall", "ndcg", "mrr", "hit_rate")
OVER_USERS = ("coverage", "novelty")
NORMAL_95 = 1.959964


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


FUNCTIONS = {"recall": recall, "ndcg": ndcg, "mrr": mrr, "hit_rate": hit_rate}


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


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and its normal 95 % interval over users; without an interval (nan) below two users."""
    if len(values) < 2:
        return float(values.mean()) if len(values) else np.nan, np.nan, np.nan
    mean = float(values.mean())
    reach = NORMAL_95 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return mean, mean - reach, mean + reach


def paired_difference(
    champion: np.ndarray, baseline: np.ndarray, *, resamples: int, generator: np.random.Generator
) -> tuple[float, float, float]:
    """Mean difference of two models on the same users and its 95 % bootstrap interval.

    Args:
        champion, baseline: (U,) the metric of the same users in the same order.
        resamples: number of bootstrap samples of users.
        generator: draws them.

    Returns:
        mean of champion - baseline; 2.5 % and 97.5 % percentiles of its resampled means.
    """
    difference = champion - baseline
    count = len(difference)
    share = np.full(count, 1 / count)
    # One after the other: all resamples at once would be resamples x U numbers.
    means = [generator.multinomial(count, share) @ difference / count for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(difference.mean()), float(low), float(high)
