"""Whether today's users are still like those the cohorts were fitted on, of whom a small reference is kept.

Shapes: N users, F features, Q points of a distribution, E edges between bins, B = E + 2 bins (the last one
for what is unknown), C cohorts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import chi2, wasserstein_distance

from python_ml.cohorts.labels import feature_label
from python_ml.config import CohortConfig

DRIFT_SCHEMA = {
    "subject_type": pl.String,  # feature or cohort
    "subject_name": pl.String,
    "population_stability_index": pl.Float64,
    "wasserstein_distance": pl.Float64,
    "reference_value": pl.Float64,
    "current_value": pl.Float64,
    "is_drifted": pl.Boolean,
    "reason": pl.String,
}
# Middles of 101 equal parts; the middle one is the median. What lies beyond, half a percent of users at
# either end, does not count: one absurd value is no drift.
POINTS = (np.arange(101) + 0.5) / 101
MIN_KNOWN = 10  # of fewer values no spread is known, and no distance
_PREFIX = "reference."
_DECILES = np.arange(1, 10) / 10
_FALSE_ALARMS = 0.01  # of a hundred runs without drift one may call something drift


@dataclass(frozen=True, slots=True)
class Reference:
    """A summary of users that others are compared with.

    Args:
        user_count: integer (1,), N.
        quantiles: float64 (F, Q), values at `POINTS` of those known; NaN where none is.
        deviations: float64 (F,), of the known values, n in the denominator; NaN where none is.
        edges: float64 (F, E), in order, filled up with infinity. Bin i holds edges[i - 1] <= x < edges[i]; an
            edge that stands twice encloses a bin for that very value.
        shares: float64 (F, B), of users in each bin.
        cohort_shares: float64 (C,), of users in each cohort.
    """

    user_count: np.ndarray
    quantiles: np.ndarray
    deviations: np.ndarray
    edges: np.ndarray
    shares: np.ndarray
    cohort_shares: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Its arrays by name, to keep beside those of the model."""
        return {_PREFIX + field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Reference":
        """Args: arrays: what `arrays` gave; others may be among them."""
        return cls(**{field.name: arrays[_PREFIX + field.name] for field in fields(cls)})


def fit_reference(values_NF: np.ndarray, labels_N: np.ndarray, cohort_count: int) -> Reference:
    """Keep of users what later ones are compared with.

    Bins are cut at deciles of the known values. A value that more than a tenth of them share, such as the 0
    of what most users never do, has a bin of its own.

    Args:
        values_NF: float64, NaN where unknown; at least one user.
        labels_N: integer, 0 to cohort_count - 1.
        cohort_count: C.
    """
    edges = [_cut_bins(values[~np.isnan(values)]) for values in values_NF.T]
    edges_FE = np.full((len(edges), max((len(each) for each in edges), default=0)), np.inf)
    for row, each in enumerate(edges):
        edges_FE[row, : len(each)] = each
    return _summarise(values_NF, labels_N, edges_FE, cohort_count)


def measure_drift(
    reference: Reference,
    values_NF: np.ndarray,
    labels_N: np.ndarray,
    feature_names: Sequence[str],
    cohort_ids: Sequence[str],
    config: CohortConfig,
) -> pl.DataFrame:
    """Compare today's users with those of the reference, feature by feature and cohort by cohort.

    A measure over its limit is drift, unless chance may be the cause: it must also exceed what two samples of
    so many users from one distribution show, in all but one of a hundred runs. Where many users are the same
    both times chance does less than that, so the rule is careful.

    Args:
        reference: from `fit_reference`.
        values_NF: float64, NaN where unknown.
        labels_N: integer, 0 to C - 1.
        feature_names: F names.
        cohort_ids: C ids, in the order of labels.
        config: drift_psi, drift_wasserstein, drift_cohort_psi are read.

    Returns:
        `DRIFT_SCHEMA`: features as given, then cohorts as given; no rows if there are no users.
        population_stability_index of a cohort is that of being in it or not. wasserstein_distance is between
        known values, in their standard deviations at fit; null where these do not vary or fewer than
        `MIN_KNOWN` are known, and for cohorts. The values are medians of what is known, for cohorts shares
        of users. reason tells of each measure over its limit, also of one that chance explains; null
        without any.

    Raises:
        ValueError: there are not as many names as features, or ids as cohorts.
    """
    if not len(values_NF):
        return pl.DataFrame(schema=DRIFT_SCHEMA)
    features, cohorts = len(reference.edges), len(reference.cohort_shares)
    current = _summarise(values_NF, labels_N, reference.edges, cohorts)
    # Bonferroni: the chance of a false alarm is divided among all that could raise it.
    chance = _FALSE_ALARMS / max(2 * features + cohorts, 1)
    rows = [
        _compare_feature(name, column, reference, current, chance, config)
        for column, name in zip(range(features), feature_names, strict=True)
    ]
    rows += [
        _compare_cohort(cohort_id, label, reference, current, chance, config)
        for label, cohort_id in zip(range(cohorts), cohort_ids, strict=True)
    ]
    return pl.DataFrame(rows, DRIFT_SCHEMA, orient="row")


def stability_terms(
    expected_B: np.ndarray, actual_B: np.ndarray, expected_count: int, actual_count: int
) -> np.ndarray:
    """What each bin adds to the population stability index: (actual - expected) ln(actual / expected).

    An empty bin counts as half a user, which keeps small what a single user does where there are few; a bin
    that is empty both times adds nothing.

    Args:
        expected_B, actual_B: float64, shares of users, each summing to 1.
        expected_count, actual_count: users.

    Returns:
        float64 (B,), none below 0, all 0 for equal shares.

    Source:
        N. Siddiqi, Credit Risk Scorecards, Wiley 2006 (system stability).
    """
    expected = np.maximum(expected_B, 0.5 / expected_count)
    actual = np.maximum(actual_B, 0.5 / actual_count)
    terms = (actual - expected) * np.log(actual / expected)
    return np.where((expected_B > 0.0) | (actual_B > 0.0), terms, 0.0)


def stability_by_chance(bins: int, expected_count: int, actual_count: int, chance: float) -> float:
    """The index that two samples from one distribution exceed with this chance.

    The index of many users is (1 / expected_count + 1 / actual_count) times chi-square with bins - 1 degrees
    of freedom.

    Source:
        B. Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University 2018.
    """
    if bins < 2:
        return 0.0
    return float((1.0 / expected_count + 1.0 / actual_count) * chi2.isf(chance, bins - 1))


def distance_by_chance(
    points: Sequence[np.ndarray], deviations: Sequence[float], counts: Sequence[float], chance: float
) -> float:
    """The Wasserstein distance that two samples from one distribution exceed with at most this chance.

    It is the integral of |F of the one sample - F of the other|. For many values its mean is at most
    sqrt(2 / pi) sqrt(1 / n + 1 / m) times the integral of sqrt(F (1 - F)), and it exceeds that by more than
    t sqrt(1 / n + 1 / m) times the standard deviation with a chance below exp(-t^2 / 2): the errors of F are
    correlated positively from place to place, so no sum of them varies more than the plain one, the
    difference of the two means. Both are taken of the wider sample: a long tail may have been missed by the
    other.

    Args:
        points: values at `POINTS` of both.
        deviations, counts: of both.
        chance: in (0, 1).

    Source:
        S. Bobkov and M. Ledoux, One-Dimensional Empirical Measures, Order Statistics, and Kantorovich
        Transport Distances, AMS 2019 (the mean); S. Boucheron, G. Lugosi and P. Massart, Concentration
        Inequalities, Oxford 2013, chapter 5 (suprema of Gaussian processes).
    """
    below = np.arange(1, len(POINTS)) / len(POINTS)
    root = np.sqrt(below * (1.0 - below))
    mean = np.sqrt(2.0 / np.pi) * max(float(root @ np.diff(each)) for each in points)
    above = np.sqrt(-2.0 * np.log(chance)) * max(deviations)
    return float(np.sqrt(sum(1.0 / count for count in counts)) * (mean + above))


def _cut_bins(known: np.ndarray) -> np.ndarray:
    """Distinct deciles, twice where more than a tenth of the values are the same."""
    if not len(known):
        return np.zeros(0)
    deciles = np.quantile(known, _DECILES, method="inverted_cdf")
    tolerance = _tolerance(deciles)
    distinct = deciles[np.diff(deciles, prepend=-np.inf) > 2.0 * tolerance]
    # What more than a tenth share is one of the deciles. One user is no tie, however few there are.
    users = np.array([np.count_nonzero(np.abs(known - value) <= tolerance) for value in distinct])
    return np.repeat(distinct, np.where((users > 0.1 * len(known)) & (users > 1), 2, 1))


def _tolerance(edges: np.ndarray) -> float:
    """How near values must be to count as the same: parallel sums differ in their last bits."""
    return 1e-9 * (float(np.abs(edges[np.isfinite(edges)]).max(initial=0.0)) or 1.0)


def _summarise(
    values_NF: np.ndarray, labels_N: np.ndarray, edges_FE: np.ndarray, cohort_count: int
) -> Reference:
    """The summary of users in bins that are given; arguments as in `fit_reference`."""
    count, width = values_NF.shape
    quantiles_FQ = np.full((width, len(POINTS)), np.nan)
    deviations_F = np.full(width, np.nan)
    shares_FB = np.zeros((width, edges_FE.shape[1] + 2))
    for column, values in enumerate(values_NF.T):
        known = values[~np.isnan(values)]
        if len(known):
            quantiles_FQ[column] = np.quantile(known, POINTS)
            deviations_F[column] = known.std()
        bins = np.searchsorted(_bounds(edges_FE[column]), known, side="right")
        users = np.bincount(bins, minlength=edges_FE.shape[1] + 1)
        shares_FB[column] = np.append(users, count - len(known)) / count
    return Reference(
        user_count=np.array([count]),
        quantiles=quantiles_FQ,
        deviations=deviations_F,
        edges=edges_FE,
        shares=shares_FB,
        cohort_shares=np.bincount(labels_N, minlength=cohort_count) / count,
    )


def _bounds(edges_E: np.ndarray) -> np.ndarray:
    """Edges a little lower, so that equal values stay together; the second of a pair a little higher."""
    closes_pair = np.append(-np.inf, edges_E)[:-1] == edges_E
    return edges_E + np.where(closes_pair, 1.0, -1.0) * _tolerance(edges_E)


class _Measure(NamedTuple):
    """A measure of drift, its limit, and what chance may bring about."""

    name: str
    value: float
    limit: float
    by_chance: float


def _compare_feature(
    name: str, column: int, reference: Reference, current: Reference, chance: float, config: CohortConfig
) -> tuple[object, ...]:
    """A row of `DRIFT_SCHEMA`."""
    sizes = (int(reference.user_count[0]), int(current.user_count[0]))
    before_B, now_B = reference.shares[column], current.shares[column]
    terms_B = stability_terms(before_B, now_B, *sizes)
    bins = int(np.count_nonzero(before_B + now_B))
    by_chance = stability_by_chance(bins, *sizes, chance)
    index = _Measure("population stability index", float(terms_B.sum()), config.drift_psi, by_chance)
    distance = _measure_distance(column, reference, current, chance, config.drift_wasserstein)
    medians = [_median(summary.quantiles[column]) for summary in (reference, current)]
    most = int(terms_B.argmax())
    moved = (
        f"{feature_label(name)}: median from {_in_words(medians[0])} to {_in_words(medians[1])}, users with "
        f"{_bin_in_words(reference.edges[column], most)} from {before_B[most]:.1%} to {now_B[most]:.1%}"
    )
    measures = [index] if distance is None else [index, distance]
    return (
        "feature",
        name,
        index.value,
        None if distance is None else distance.value,
        *medians,
        *_judge(moved, measures),
    )


def _measure_distance(
    column: int, reference: Reference, current: Reference, chance: float, limit: float
) -> _Measure | None:
    """Wasserstein distance of a feature's known values; None where it cannot be told."""
    both = (reference, current)
    points = [summary.quantiles[column] for summary in both]
    known = [float(summary.user_count[0]) * (1.0 - summary.shares[column, -1]) for summary in both]
    unit = float(reference.deviations[column])
    # Half a user less: the share of the unknown is rounded.
    if min(known) < MIN_KNOWN - 0.5 or unit <= _tolerance(points[0]):
        return None
    deviations = [float(summary.deviations[column]) for summary in both]
    return _Measure(
        "distance in standard deviations",
        float(wasserstein_distance(*points)) / unit,
        limit,
        distance_by_chance(points, deviations, known, chance) / unit,
    )


def _compare_cohort(
    cohort_id: str, label: int, reference: Reference, current: Reference, chance: float, config: CohortConfig
) -> tuple[object, ...]:
    """A row of `DRIFT_SCHEMA`."""
    sizes = (int(reference.user_count[0]), int(current.user_count[0]))
    before, now = float(reference.cohort_shares[label]), float(current.cohort_shares[label])
    terms = stability_terms(np.array([before, 1.0 - before]), np.array([now, 1.0 - now]), *sizes)
    by_chance = stability_by_chance(2, *sizes, chance)
    index = _Measure("population stability index", float(terms.sum()), config.drift_cohort_psi, by_chance)
    moved = f"share of users from {before:.1%} to {now:.1%}"
    return ("cohort", cohort_id, index.value, None, before, now, *_judge(moved, [index]))


def _judge(moved: str, measures: Sequence[_Measure]) -> tuple[bool, str | None]:
    """Whether it is drift, and why, or why not though a limit is passed.

    Args:
        moved: what moved from where to where.
        measures: all there are.
    """
    over = [measure for measure in measures if measure.value > measure.limit]
    reasons = [moved]
    for measure in over:
        by_chance = f", but chance may bring about {measure.by_chance:.3f}"
        is_drift = measure.value > measure.by_chance
        reasons.append(
            f"{measure.name} {measure.value:.3f} is over {measure.limit:g}{'' if is_drift else by_chance}"
        )
    is_drifted = any(measure.value > measure.by_chance for measure in over)
    return is_drifted, "; ".join(reasons) if over else None


def _median(points_Q: np.ndarray) -> float | None:
    middle = float(points_Q[len(POINTS) // 2])
    return None if np.isnan(middle) else middle


def _bin_in_words(edges_E: np.ndarray, position: int) -> str:
    """Which values a bin holds, such as "0", "2 to 5", "more than 0"."""
    if position == len(edges_E) + 1:
        return "nothing known"
    edges = [_in_words(edge) for edge in edges_E[np.isfinite(edges_E)]]
    if not edges:
        return "something known"
    if position == 0:
        return f"less than {edges[0]}"
    if position == len(edges):
        # The bin before the second edge of a pair has that value for itself.
        return f"more than {edges[-1]}" if edges[-1] in edges[:-1] else f"{edges[-1]} or more"
    low, high = edges[position - 1 : position + 1]
    return low if low == high else f"{low} to {high}"


def _in_words(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"
