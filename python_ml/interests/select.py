"""How many interests: each number is judged by purchases it has not seen.

Shapes: N users, V categories, K interests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from python_ml.cohorts.held_out import place
from python_ml.config import InterestConfig
from python_ml.interests.lda import fit_interests, infer_mixtures, probabilities, start_from_groups
from python_ml.interests.likeness import mean_similarity
from python_ml.interests.purchases import Counts, count_orders, known_categories, split_by_time

SELECTION_SCHEMA = {
    "model_name": pl.String,  # popularity or lda
    "interest_count": pl.Int32,
    "mean_log_likelihood": pl.Float64,
    "perplexity": pl.Float64,
    "gain": pl.Float64,
    "gain_standard_error": pl.Float64,
    "shortfall": pl.Float64,
    "shortfall_standard_error": pl.Float64,
    "stability": pl.Float64,
    "smallest_user_count": pl.Int64,
    "judged_user_count": pl.Int64,
    "judged_purchase_count": pl.Int64,
    "is_eligible": pl.Boolean,
    "is_chosen": pl.Boolean,
    "reason": pl.String,
    "held_out_from": pl.Date,
    "selected_on": pl.Date,
}
POPULARITY, LDA = "popularity", "lda"
ALIKE = "all users alike: no interest to tell from another"
_BLOCK_USERS = 4_096

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """A number of interests, tried.

    Args:
        interests: K; 0 for the popularity of categories.
        likelihood: float64 (N,), sum over a user's held-out purchases of the log of their probability.
        stability: mean similarity to the interests of resamples; None of one that has none.
        smallest: users who have the interest that fewest have; None likewise.
    """

    interests: int
    likelihood: np.ndarray
    stability: float | None = None
    smallest: int | None = None


def select_count(
    purchases: pl.DataFrame, day: date, config: InterestConfig, seed: int, progress: Progress | None = None
) -> pl.DataFrame:
    """Try every number of interests on what was bought last, and choose.

    Interests are found in the purchases before the held-out days, each user's mixture in that user's own of
    that time; the purchases of the held-out days tell how good they were, against the popularity of
    categories. The fewest interests win whose mean log-likelihood per purchase is within one standard error
    of the best, of those that are eligible: better than popularity by more than one standard error, stable,
    and each interest that of enough users.

    Args:
        purchases: user_id, order_id, category, bought_on, all before the day.
        day: the as-of date.
        config: how.
        seed: of starts and resamples.
        progress: called with (numbers tried, to try).

    Returns:
        `SELECTION_SCHEMA`, popularity (0 interests) first; where nothing could be judged it is the only row
        and says why. Without a chosen row there are no interests.
    """
    cut = day - timedelta(days=config.held_out_days)
    before, after = split_by_time(purchases, cut)
    categories = known_categories(before, min_support=config.min_support, min_users=config.min_profile_users)
    counted = pl.col("category").is_in(categories)
    known, later = before.filter(counted), after.filter(counted)
    judged = sorted(set(known["user_id"]) & set(later["user_id"]))
    facts = {"held_out_from": cut, "selected_on": day, "judged_user_count": len(judged)}
    if len(judged) < config.min_users:
        reason = (
            f"{len(judged)} users bought of a common category both before {cut} and after,"
            f" fewer than {config.min_users}"
        )
        return _unjudged(reason, facts)
    fitted = count_orders(known, categories, fitted_users(known, config)).orders
    shown = count_orders(known, categories, judged).orders
    held_out = count_orders(later, categories, judged)
    most = min(len(categories), fitted.shape[0] // config.min_profile_users)
    numbers = sorted({1, *(number for number in config.interest_counts if number <= most)})
    tried = [Judged(0, _likelihood_of_popularity(fitted, held_out))]
    for done, number in enumerate(numbers, start=1):
        tried.append(_judge(number, fitted, shown, held_out.orders, config, seed))
        if progress is not None:
            progress(done, len(numbers))
    return _choose(tried, held_out.orders.sum(axis=1), facts, config)


def fitted_users(purchases: pl.DataFrame, config: InterestConfig) -> list[str]:
    """Users that interests are found on, sorted by id: those first by a hash of it, at most `fit_users`."""
    users = purchases["user_id"].unique().to_list()
    return sorted(sorted(users, key=lambda user_id: (place(user_id), user_id))[: config.fit_users])


def fit_from_groups(counts_NV: csr_array, count: int, config: InterestConfig, seed: int) -> np.ndarray:
    """Strengths (K, V) of so many interests, from the start that groups of like users give."""
    start_KV = start_from_groups(counts_NV, count, seed)
    priors = {"user_prior": config.user_prior, "category_prior": config.category_prior}
    return fit_interests(counts_NV, start_KV, **priors)


def held_out_likelihood(
    mixtures_NK: np.ndarray, probabilities_KV: np.ndarray, later_NV: csr_array
) -> np.ndarray:
    """Sum over each user's later purchases of the log of sum_k share of k x probability in k, float64 (N,).

    Args:
        mixtures_NK: of each user, from earlier purchases.
        probabilities_KV: of each interest.
        later_NV: purchases since.
    """
    sums = [np.zeros(0)]
    for first in range(0, len(mixtures_NK), _BLOCK_USERS):
        rows = slice(first, first + _BLOCK_USERS)
        log_BV = np.log(mixtures_NK[rows] @ probabilities_KV)
        sums.append(np.asarray(later_NV[rows].multiply(log_BV).sum(axis=1)).ravel())
    return np.concatenate(sums)


def mean_difference(one_N: np.ndarray, other_N: np.ndarray, purchases_N: np.ndarray) -> tuple[float, float]:
    """Mean log-likelihood per purchase by which one is above another, and its standard error over users.

    Users differ more from each other than two models do on one user, so the models are compared user by user:
    the error is that of a ratio of sums over users (Cochran, Sampling Techniques, 1977, 6.4).

    Args:
        one_N, other_N: from `held_out_likelihood`.
        purchases_N: of each user.
    """
    difference_N, total = one_N - other_N, purchases_N.sum()
    mean = difference_N.sum() / total
    count = len(purchases_N)
    squares = np.square(difference_N - mean * purchases_N).sum() * count / max(count - 1, 1)
    return float(mean), float(np.sqrt(squares) / total)


def count_backing(mixtures_NK: np.ndarray, backing_share: float) -> np.ndarray:
    """Users who have each interest, integer (K,)."""
    return (mixtures_NK >= backing_share).sum(axis=0)


def _likelihood_of_popularity(fitted_NV: csr_array, held_out: Counts) -> np.ndarray:
    """As if all users bought alike: categories as often as all did before, each once more (Laplace)."""
    seen_V = fitted_NV.sum(axis=0) + 1.0
    everybody_N1 = np.ones((len(held_out.user_ids), 1))
    return held_out_likelihood(everybody_N1, seen_V[None] / seen_V.sum(), held_out.orders)


def _judge(
    number: int,
    fitted_NV: csr_array,
    shown_NV: csr_array,
    later_NV: csr_array,
    config: InterestConfig,
    seed: int,
) -> Judged:
    strength_KV = fit_from_groups(fitted_NV, number, config, seed)
    mixtures_NK = infer_mixtures(shown_NV, strength_KV, user_prior=config.user_prior)
    likelihood_N = held_out_likelihood(mixtures_NK, probabilities(strength_KV), later_NV)
    if number == 1:
        return Judged(1, likelihood_N)
    popularity_V = fitted_NV.sum(axis=0) / fitted_NV.sum()
    alike = []
    for resample in range(config.resamples):
        generator = np.random.default_rng([seed, number, resample])
        size = max(round(config.resample_share * fitted_NV.shape[0]), number)
        part = np.sort(generator.permutation(fitted_NV.shape[0])[:size])
        other_KV = fit_from_groups(fitted_NV[part], number, config, int(generator.integers(2**31)))
        alike.append(mean_similarity(probabilities(strength_KV), probabilities(other_KV), popularity_V))
    smallest = int(count_backing(mixtures_NK, config.backing_share).min())
    return Judged(number, likelihood_N, float(np.mean(alike)), smallest)


def _choose(
    tried: list[Judged], purchases_N: np.ndarray, facts: dict[str, Any], config: InterestConfig
) -> pl.DataFrame:
    """All that were tried, popularity first, with what speaks against each."""
    popularity = tried[0]
    gains = {one.interests: _above(one, popularity, purchases_N) for one in tried}
    reasons = {one.interests: _why_not(one, gains[one.interests], config) for one in tried}
    eligible = [one for one in tried if reasons[one.interests] is None]
    # One interest is no choice, but as good a guess: where no more is better, there is nothing to tell apart.
    best = max([*eligible, tried[1]], key=lambda one: one.likelihood.sum())
    shortfalls = {one.interests: _above(best, one, purchases_N) for one in tried}
    good = [one.interests for one in [tried[1], *eligible] if _is_close(shortfalls[one.interests])]
    chosen = min(good) if min(good) > 1 else None
    rows = []
    for one in tried:
        mean = float(one.likelihood.sum() / purchases_N.sum())
        gain, gain_error = gains[one.interests]
        shortfall, shortfall_error = shortfalls[one.interests]
        rows.append(
            facts
            | {
                "model_name": LDA if one.interests else POPULARITY,
                "interest_count": one.interests,
                "mean_log_likelihood": mean,
                "perplexity": float(np.exp(-mean)),
                "gain": gain,
                "gain_standard_error": gain_error,
                "shortfall": shortfall,
                "shortfall_standard_error": shortfall_error,
                "stability": one.stability,
                "smallest_user_count": one.smallest,
                "judged_purchase_count": round(purchases_N.sum()),
                "is_eligible": reasons[one.interests] is None,
                "is_chosen": one.interests == chosen,
                "reason": reasons[one.interests],
            }
        )
    return pl.DataFrame(rows, SELECTION_SCHEMA)


def _above(one: Judged, other: Judged, purchases_N: np.ndarray) -> tuple[float, float]:
    return mean_difference(one.likelihood, other.likelihood, purchases_N)


def _is_close(shortfall: tuple[float, float]) -> bool:
    mean, error = shortfall
    return mean <= error


def _why_not(one: Judged, gain: tuple[float, float], config: InterestConfig) -> str | None:
    """What speaks against a number of interests, None if nothing does."""
    if one.stability is None or one.smallest is None:
        return ALIKE
    if gain[0] <= gain[1]:
        return f"no better than the popularity of categories: {gain[0]:.4f} a purchase, error {gain[1]:.4f}"
    if one.stability < config.min_stability:
        return f"not stable: resamples have other interests ({one.stability:.2f} < {config.min_stability:g})"
    if one.smallest < config.min_profile_users:
        return f"an interest of {one.smallest} users, fewer than {config.min_profile_users}"
    return None


def _unjudged(reason: str, facts: dict[str, Any]) -> pl.DataFrame:
    only = {"model_name": POPULARITY, "interest_count": 0, "is_eligible": False, "is_chosen": False}
    return pl.DataFrame([facts | only | {"reason": reason}], SELECTION_SCHEMA)
