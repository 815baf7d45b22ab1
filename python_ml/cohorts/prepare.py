"""Behaviour features become comparable numbers. Fitted once; the same numbers serve later users.

Shapes: N users, F features as they come, K features kept.
"""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import skew

from python_ml.config import CohortConfig

_SHARE_SUFFIX = "_share"
_ORDER_SHARE_SUFFIX = "_order_share"  # so many of a user's orders


@dataclass(frozen=True, slots=True)
class FittedFeatures:
    """What was learned from the users it was fitted on, all float64.

    Args:
        names: the K features kept, in order.
        columns: integer (K,), their positions among the F.
        prior_mean, prior_orders: (F,), where few-order shares are drawn to and how strongly (0: not at all).
        fill: (F,), the median, put in place of what is unknown.
        log_scale: (F,), x becomes log(1 + x / log_scale); 0 leaves x as it is.
        mean, deviation: (K,), of the values after all that.
        weight: (K,), 1 / sqrt(size of the feature's collinear group), times the root of its reliability.
        clip_sd: see `CohortConfig`.
    """

    names: tuple[str, ...]
    columns: np.ndarray
    prior_mean: np.ndarray
    prior_orders: np.ndarray
    fill: np.ndarray
    log_scale: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    weight: np.ndarray
    clip_sd: float

    def standardise(self, values_NF: np.ndarray, orders_N: np.ndarray) -> np.ndarray:
        """Bring users onto the fitted scale.

        Args:
            values_NF: float64, NaN where unknown.
            orders_N: float64, orders of each user.

        Returns:
            float64 (N, K): mean 0, deviation 1 on the fitted users, times the feature's weight.
        """
        even_NF = _even_out(
            values_NF, orders_N, self.prior_mean, self.prior_orders, self.fill, self.log_scale
        )
        z_NK = (even_NF[:, self.columns] - self.mean) / self.deviation
        return np.clip(z_NK, -self.clip_sd, self.clip_sd) * self.weight

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything but the names."""
        return {name: np.asarray(getattr(self, name)) for name in _ARRAYS} | {
            "clip_sd": np.array([self.clip_sd])
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], names: list[str]) -> "FittedFeatures":
        """The inverse of `arrays`. Args: names: the F features as they come."""
        kept = tuple(names[column] for column in arrays["columns"])
        return cls(kept, *(arrays[name] for name in _ARRAYS), clip_sd=float(arrays["clip_sd"][0]))


_ARRAYS = ("columns", "prior_mean", "prior_orders", "fill", "log_scale", "mean", "deviation", "weight")


def fit_features(
    values_NF: np.ndarray, orders_N: np.ndarray, names: list[str], config: CohortConfig
) -> FittedFeatures:
    """Learn medians, scales and weights.

    Args:
        values_NF: float64, NaN where unknown; at least one user.
        orders_N: float64, orders of each user.
        names: F feature names. Those that end in `_share` are drawn towards the mean where orders are few.
        config: share_prior_orders, skew_limit, clip_sd, collinear_correlation are read.

    Returns:
        The fitted preparation. Features that do not vary are left out; there may be none left.
    """
    known_NF = np.where(np.isnan(values_NF), np.nan, values_NF)
    is_empty = np.isnan(known_NF).all(axis=0)
    known_NF[:, is_empty] = 0.0
    prior_mean = np.nanmean(known_NF, axis=0)
    is_share = np.array([name.endswith(_SHARE_SUFFIX) for name in names], dtype=bool)
    prior_orders = np.where(is_share, config.share_prior_orders, 0.0)
    fill = np.nanmedian(known_NF, axis=0)
    linear = np.zeros(len(names))
    plain_NF = _even_out(known_NF, orders_N, prior_mean, prior_orders, fill, linear)
    log_scale = _choose_log_scale(plain_NF, config.skew_limit)
    even_NF = _even_out(known_NF, orders_N, prior_mean, prior_orders, fill, log_scale)
    deviation = even_NF.std(axis=0)
    # Relative to the size of the numbers: a constant column can have a deviation of 1e-17.
    columns = np.flatnonzero(deviation > 1e-9 * (1.0 + np.abs(even_NF).max(axis=0, initial=0.0)))
    mean = even_NF[:, columns].mean(axis=0)
    z_NK = (even_NF[:, columns] - mean) / deviation[columns]
    is_of_orders = np.array([name.endswith(_ORDER_SHARE_SUFFIX) for name in names], dtype=bool)
    reliability = np.ones(len(names))
    reliability[is_of_orders] = measure_reliability(
        known_NF[:, is_of_orders], orders_N, prior_orders[is_of_orders]
    )
    return FittedFeatures(
        names=tuple(names[column] for column in columns),
        columns=columns,
        prior_mean=prior_mean,
        prior_orders=prior_orders,
        fill=fill,
        log_scale=log_scale,
        mean=mean,
        deviation=deviation[columns],
        weight=weigh_collinear(z_NK, config.collinear_correlation) * np.sqrt(reliability[columns]),
        clip_sd=config.clip_sd,
    )


def weigh_collinear(z_NK: np.ndarray, correlation: float) -> np.ndarray:
    """Weigh features so that a group saying one thing counts as one feature.

    Without it the many counts of a customer's size (orders, lines, items, sales, sales of 91 days ...)
    outvote everything else, and k-means finds big and small customers only.

    Args:
        z_NK: float64, standardised.
        correlation: absolute correlation (average linkage) above which features share a group.

    Returns:
        float64 (K,): 1 / sqrt(group size), so that a group's variance sums to 1.
    """
    count = z_NK.shape[1]
    if count < 2:
        return np.ones(count)
    distance = 1.0 - np.abs(np.corrcoef(z_NK, rowvar=False))
    np.fill_diagonal(distance, 0.0)
    condensed = squareform(np.clip(distance, 0.0, 1.0), checks=False)
    groups = fcluster(linkage(condensed, method="average"), t=1.0 - correlation, criterion="distance")
    return 1.0 / np.sqrt(np.bincount(groups)[groups])


def measure_reliability(values_NF: np.ndarray, orders_N: np.ndarray, prior_orders: np.ndarray) -> np.ndarray:
    """Share of the variance of shares of orders, once drawn to the mean, that chance does not explain.

    A user with one order has ordered on one weekday, all the others never: such shares lie far apart, and
    k-means finds "Monday shoppers" where every user orders on any day. If all users had the same habits, a
    share of n orders, drawn by m of them to the mean p, would have variance n p (1 - p) / (n + m)^2.

    Args:
        values_NF: float64, shares of orders; NaN where unknown.
        orders_N: float64, orders of each user.
        prior_orders: (F,), m.

    Returns:
        float64 (F,), 0..1: one minus the mean of that variance by the variance there is (the method of
        moments of a beta-binomial: Kleinman, Proportions with extraneous variance, 1973). 1 of a feature that
        is alike for all.
    """
    reliability = np.ones(values_NF.shape[1])
    for column, (values_N, prior) in enumerate(zip(values_NF.T, prior_orders, strict=True)):
        is_known_N = ~np.isnan(values_N) & (orders_N > 0)
        orders, values = orders_N[is_known_N], values_N[is_known_N]
        if not len(orders) or not np.ptp(values):
            continue
        mean = np.average(values, weights=orders)
        drawn = (orders * values + prior * mean) / (orders + prior)
        chance = (orders * mean * (1.0 - mean) / np.square(orders + prior)).mean()
        reliability[column] = 1.0 - chance / drawn.var() if chance < drawn.var() else 0.0
    return reliability


def _choose_log_scale(values_NF: np.ndarray, skew_limit: float) -> np.ndarray:
    """The median positive value for columns that are never negative and skewed, else 0.

    Dividing by it first makes the rule free of units: a share of 0.01 bends as a spend of 1,000 does.
    """
    scales = np.zeros(values_NF.shape[1])
    for column, values in enumerate(values_NF.T):
        positive = values[values > 0.0]
        if values.min() >= 0.0 and np.ptp(values) > 0.0 and skew(values) > skew_limit:
            scales[column] = np.median(positive)
    return scales


def _even_out(
    values_NF: np.ndarray,
    orders_N: np.ndarray,
    prior_mean: np.ndarray,
    prior_orders: np.ndarray,
    fill: np.ndarray,
    log_scale: np.ndarray,
) -> np.ndarray:
    """Draw few-order shares to the mean, fill what is unknown, bend long tails."""
    total_NF = orders_N[:, None] + prior_orders
    drawn_NF = np.divide(
        orders_N[:, None] * values_NF + prior_orders * prior_mean,
        total_NF,
        out=values_NF.copy(),
        where=(prior_orders > 0.0) & (total_NF > 0.0),
    )
    filled_NF = np.where(np.isnan(drawn_NF), fill, drawn_NF)
    scale = np.where(log_scale > 0.0, log_scale, 1.0)
    bent_NF = np.log1p(np.maximum(filled_NF, 0.0) / scale)
    return np.where(log_scale > 0.0, bent_NF, filled_NF)
