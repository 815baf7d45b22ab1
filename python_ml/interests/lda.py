"""Latent Dirichlet allocation: a user is a mixture of interests, an interest a distribution over categories.

Variational Bayes as scikit-learn has it, for a whole block of users at once and from a given start. Its own
goes through users one by one in Python, which took twenty times as long on 2,469 households, and starts at
random, which found other interests for every seed.

Shapes: N users, V categories, K interests. Of N x V only a block of users is ever dense.

Source: Blei, Ng, Jordan: Latent Dirichlet Allocation, 2003, 5.2 and 5.4.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array
from scipy.special import digamma
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

_BLOCK_CELLS = 4_000_000
_MOST_ROUNDS = 200
_CHECK_EVERY = 10
# A fit ends when the log-likelihood of the purchases grows by less than this share of itself in ten rounds.
_STILL_GROWING = 1e-5
_PLACING_ROUNDS = 50
_FIRST_ROUNDS = 10
_STARTS = 4
# Of a start: how much of it is the group's own, how much what all buy. No category is ruled out by a start.
_OWN_SHARE = 0.5
_TINY = 1e-100


def start_from_groups(counts_NV: csr_array, interests: int, seed: int) -> np.ndarray:
    """Strengths to begin with: what groups of users who buy alike have bought (k-means on roots of shares).

    Args:
        counts_NV: float64; no empty row, as many rows as interests.
        interests: K.
        seed: of k-means.

    Returns:
        float64 (K, V).
    """
    shares = counts_NV.data / np.repeat(counts_NV.sum(axis=1), np.diff(counts_NV.indptr))
    # scikit-learn takes no wider indices.
    places = (counts_NV.indices.astype(np.int32), counts_NV.indptr.astype(np.int32))
    roots_NV = csr_array((np.sqrt(shares), *places), shape=counts_NV.shape)
    with warnings.catch_warnings():
        # Fewer different users than groups: those without a user begin as what all buy.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels_N = KMeans(interests, n_init=_STARTS, random_state=seed).fit_predict(roots_NV)
    all_V = counts_NV.sum(axis=0)
    own_KV = np.stack([counts_NV[labels_N == label].sum(axis=0) for label in range(interests)])
    return _OWN_SHARE * own_KV + (1.0 - _OWN_SHARE) * all_V / interests


def fit_interests(
    counts_NV: csr_array, start_KV: np.ndarray, *, user_prior: float, category_prior: float
) -> np.ndarray:
    """Strength of each category in each interest: the Dirichlet parameters of its distribution.

    Args:
        counts_NV: float64, purchases.
        start_KV: float64, from `start_from_groups`.
        user_prior: purchases of each interest a user is taken to have made beforehand.
        category_prior: purchases of each category an interest is taken to have seen beforehand.

    Returns:
        float64 (K, V); `probabilities` makes distributions of it.
    """
    strength_KV = start_KV + category_prior
    # Placed first: users who are all alike would smear the interests that were begun with.
    belief_NK = _place(counts_NV, strength_KV, user_prior, _FIRST_ROUNDS)
    before = -np.inf
    for turn in range(1, _MOST_ROUNDS + 1):
        weights_KV = _geometric_means(strength_KV)
        strength_KV = np.full_like(strength_KV, category_prior)
        likelihood, is_check = 0.0, turn % _CHECK_EVERY == 0
        for rows, block_BV in _blocks(counts_NV):
            tastes_BK = _geometric_means(belief_NK[rows])
            expected_BV = tastes_BK @ weights_KV + _TINY
            ratio_BV = block_BV / expected_BV
            belief_NK[rows] = user_prior + tastes_BK * (ratio_BV @ weights_KV.T)
            strength_KV += weights_KV * (tastes_BK.T @ ratio_BV)
            if is_check:
                likelihood += float((block_BV * np.log(expected_BV)).sum())
        if is_check:
            if likelihood - before < _STILL_GROWING * abs(likelihood):
                break
            before = likelihood
    return strength_KV


def infer_mixtures(counts_NV: csr_array, strength_KV: np.ndarray, *, user_prior: float) -> np.ndarray:
    """Mean mixture of each user, given the interests: float64 (N, K), rows sum to 1.

    Args:
        counts_NV: float64, purchases; of a user without any all interests are alike.
        strength_KV: from `fit_interests`.
        user_prior: as there.
    """
    belief_NK = _place(counts_NV, strength_KV, user_prior, _PLACING_ROUNDS)
    return belief_NK / belief_NK.sum(axis=1, keepdims=True)


def probabilities(strength_KV: np.ndarray) -> np.ndarray:
    """Mean distribution of each interest over categories, float64 (K, V), rows sum to 1."""
    return strength_KV / strength_KV.sum(axis=1, keepdims=True)


def _place(counts_NV: csr_array, strength_KV: np.ndarray, user_prior: float, rounds: int) -> np.ndarray:
    """Dirichlet parameters of each user's mixture, float64 (N, K), from users who are all alike."""
    count = len(strength_KV)
    weights_KV = _geometric_means(strength_KV)
    belief_NK = np.ones((counts_NV.shape[0], count))
    for rows, block_BV in _blocks(counts_NV):
        for _ in range(rounds):
            tastes_BK = _geometric_means(belief_NK[rows])
            ratio_BV = block_BV / (tastes_BK @ weights_KV + _TINY)
            belief_NK[rows] = user_prior + tastes_BK * (ratio_BV @ weights_KV.T)
    return belief_NK


def _geometric_means(parameters: np.ndarray) -> np.ndarray:
    """exp E[log p] of Dirichlet distributions, a row each."""
    return np.exp(digamma(parameters) - digamma(parameters.sum(axis=1, keepdims=True)))


def _blocks(counts_NV: csr_array) -> Iterator[tuple[slice, np.ndarray]]:
    users = max(_BLOCK_CELLS // max(counts_NV.shape[1], 1), 1)
    for first in range(0, counts_NV.shape[0], users):
        rows = slice(first, first + users)
        yield rows, counts_NV[rows].toarray()
