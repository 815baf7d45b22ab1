"""Do cohorts say what users will buy? The spend of the months after they were found is the judge.

Shapes: N users who had ordered, K categories.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from python_ml.cohorts.history import replay
from python_ml.cohorts.inputs import MICROS, spread
from python_ml.cohorts.trial import Trial
from python_ml.config import CohortConfig

SCHEMA = {
    "grouping_name": pl.String,  # cohorts, rfm or random
    "category": pl.String,
    "is_overall": pl.Boolean,
    "group_count": pl.Int64,
    "user_count": pl.Int64,
    "explained_share": pl.Float64,
    "explained_mix_share": pl.Float64,
    "sales_amount": pl.Float64,
    "grouped_on": pl.Date,
    "judged_until": pl.Date,
    "reason": pl.String,
}
ALL = "all"  # the row of all categories; is_overall tells it from one of that name
COHORTS, RFM, RANDOM = "cohorts", "rfm", "random"
_SCORES = 5


def judge_cohorts(
    log: pl.DataFrame,
    known_days: pl.Series,
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    day: date,
    config: CohortConfig,
    seed: int,
) -> pl.DataFrame:
    """How useful the last cohorts were that have had time to be right or wrong.

    Args:
        log: the log of memberships, see `history`.
        known_days: the days it was recorded on.
        interactions, item_features: see `measure_usefulness`.
        day: the as-of date.
        config: judged_days, min_support.
        seed: of k-means.

    Returns:
        `SCHEMA`, from `measure_usefulness`; one row with the reason where there is nothing to judge.
    """
    in_time = known_days.filter(known_days <= day - timedelta(days=config.judged_days))
    if in_time.is_empty():
        return _unjudged(f"no cohorts are {config.judged_days} days old: the first are of {known_days.min()}")
    grouped_on = in_time.max()
    return measure_usefulness(replay(log, grouped_on), interactions, item_features, grouped_on, config, seed)


def measure_usefulness(
    members: pl.DataFrame,
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    grouped_on: date,
    config: CohortConfig,
    seed: int,
) -> pl.DataFrame:
    """How much of the differences between users in what they then spent a grouping explains.

    Cohorts are compared with as many groups by recency, frequency and spend (k-means on their quintile scores
    of that day), and with as many groups drawn by lot.

    Args:
        members: user_id, cohort_id on that day.
        interactions: user_id, item_id, order_id, event_type, sales_amount, interacted_at; those before the
            day tell recency, frequency and spend, those of `judged_days` after it are what is explained.
        item_features: item_id, category.
        grouped_on: that day; events of it come after the cohorts.
        config: judged_days; min_support: share of users who must have bought a category for it to count.
        seed: of k-means.

    Returns:
        `SCHEMA`: a row for each grouping and category, and one that is overall: the mean over categories,
        weighted by what was spent. explained_share is eta squared, sum of squares between groups / sum of
        squares (Fisher: Statistical Methods for Research Workers, 1925); of random groups it is its
        expectation, (groups - 1) / (users - 1). explained_mix_share is the same of shares of a user's spend
        on these categories: of what users buy, not of how much. It is null for a category that is all spend.
    """
    until = grouped_on + timedelta(days=config.judged_days)
    before, after = _bought(interactions, item_features, grouped_on, until)
    users = members.join(before.select("user_id").unique(), on="user_id", how="semi").sort("user_id")
    categories, spend_NK = _spend(users, after, config.min_support)
    group_count = users["cohort_id"].n_unique()
    if group_count < 2:
        return _unjudged(f"on {grouped_on} users were not told apart")
    if not categories:
        return _unjudged(f"from {grouped_on} to {until} no category was bought by enough users")
    groups = {
        COHORTS: users["cohort_id"].rank("dense").to_numpy() - 1,
        RFM: _group_by_rfm(users, before, grouped_on, group_count, seed),
    }
    sales_K, total_N = spend_NK.sum(axis=0), spend_NK.sum(axis=1)
    mix_NK = spend_NK[total_N > 0] / total_N[total_N > 0, None]
    by_chance = np.full(len(categories), (group_count - 1) / (len(users) - 1))
    parts = [
        _rows(RANDOM, categories, sales_K, by_chance, np.where(np.ptp(mix_NK, axis=0) > 0, by_chance, np.nan))
    ]
    for name, labels_N in groups.items():
        shares_K, mix_K = explained_share(spend_NK, labels_N), explained_share(mix_NK, labels_N[total_N > 0])
        parts.append(_rows(name, categories, sales_K, shares_K, mix_K))
    facts = {
        "group_count": group_count,
        "user_count": len(users),
        "grouped_on": grouped_on,
        "judged_until": until,
    }
    rows = pl.concat(parts).with_columns(
        *(pl.lit(value, SCHEMA[name]).alias(name) for name, value in facts.items()),
        reason=pl.lit(None, pl.String),
    )
    order = ("grouping_name", "is_overall", "category")
    return rows.select(*SCHEMA).sort(order, descending=[False, True, False])


def judge_trial(
    trial: Trial,
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    fitted_on: date,
    day: date,
    config: CohortConfig,
) -> dict[tuple[str, int], float]:
    """How useful the candidates of a fit were, once that has had time to show.

    Args:
        trial: of the fit.
        interactions, item_features: see `measure_usefulness`.
        fitted_on: what was spent from this day on came after the fit.
        day: the as-of date.
        config: judged_days, min_support.

    Returns:
        From `beyond_chance`, by method and number of cohorts; nothing if the time is not over yet, or nothing
        was bought in it by which it could be told.
    """
    if fitted_on + timedelta(days=config.judged_days) > day:
        return {}
    worth_J = beyond_chance(trial.user_ids, trial.labels, interactions, item_features, fitted_on, config)
    return {} if worth_J is None else dict(zip(trial.candidates, worth_J.tolist(), strict=True))


def beyond_chance(
    user_ids: Sequence[str],
    labels_JM: np.ndarray,
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    grouped_on: date,
    config: CohortConfig,
) -> np.ndarray | None:
    """How much several groupings of users explain of what those then spent, beyond groups drawn by lot.

    Args:
        user_ids: M ids of users who had ordered, sorted.
        labels_JM: integer, 0, 1, ...: the group of each user in each of J groupings.
        interactions, item_features, grouped_on, config: see `measure_usefulness`.

    Returns:
        float64 (J,): explained_share over all categories as `measure_usefulness` has it, less what lot
        explains, as a share of what lot leaves: epsilon squared (Kelley: An unbiased correlation ratio
        measure, 1935). 0 is as lot, 1 is everything. None if nothing was bought by which it could be told.
    """
    until = grouped_on + timedelta(days=config.judged_days)
    _, after = _bought(interactions, item_features, grouped_on, until)
    users = pl.DataFrame({"user_id": user_ids}, {"user_id": pl.String})
    categories, spend_NK = _spend(users, after, config.min_support)
    if not categories:
        return None
    shares_J = np.array(
        [_mean(explained_share(spend_NK, labels_N), spend_NK.sum(axis=0)) for labels_N in labels_JM]
    )
    groups_J = np.array([len(np.unique(labels_N)) for labels_N in labels_JM])
    left_J = (len(user_ids) - groups_J) / (len(user_ids) - 1)
    return 1.0 - np.divide(1.0 - shares_J, left_J, out=np.ones(len(shares_J)), where=left_J > 0)


def _bought(
    interactions: pl.DataFrame, item_features: pl.DataFrame, day: date, until: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Purchases before a day, and from then until another."""
    bought = interactions.filter(pl.col("event_type") == "purchase").join(item_features, on="item_id")
    on = pl.col("interacted_at").dt.date()
    return bought.filter(on < day), bought.filter(on.is_between(day, until, closed="left"))


def _mean(values_K: np.ndarray, sales_K: np.ndarray) -> float:
    """Weighted by what was spent; NaN where none is known."""
    known_K = ~np.isnan(values_K)
    return float(np.average(values_K[known_K], weights=sales_K[known_K])) if known_K.any() else np.nan


def _rows(
    name: str, categories: list[str], sales_K: np.ndarray, share_K: np.ndarray, mix_K: np.ndarray
) -> pl.DataFrame:
    """A grouping's row for each category, and for all: means weighted by sales."""
    columns = {
        "category": [*categories, ALL],
        "is_overall": [False] * len(categories) + [True],
        "sales_amount": [*sales_K, sales_K.sum()],
    }
    for column, values_K in (("explained_share", share_K), ("explained_mix_share", mix_K)):
        columns[column] = [*values_K, _mean(values_K, sales_K)]
    schema = {column: SCHEMA[column] for column in columns}
    return pl.DataFrame(columns, schema).with_columns(
        pl.col("explained_mix_share").fill_nan(None), grouping_name=pl.lit(name)
    )


def _unjudged(reason: str) -> pl.DataFrame:
    only = {"grouping_name": COHORTS, "category": ALL, "is_overall": True, "reason": reason}
    return pl.DataFrame([only], SCHEMA)


def explained_share(values_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Share of each column's variance that lies between groups: eta squared.

    Args:
        values_NK: float64.
        labels_N: integer, 0, 1, ...

    Returns:
        float64 (K,), 0..1; NaN of a column in which all values are alike.
    """
    centred_NK = values_NK - values_NK.mean(axis=0)
    sizes_C = np.bincount(labels_N)
    sums_CK = np.zeros((len(sizes_C), values_NK.shape[1]))
    np.add.at(sums_CK, labels_N, centred_NK)
    between_K = (np.square(sums_CK) / np.maximum(sizes_C, 1)[:, None]).sum(axis=0)
    total_K, varies_K = np.square(centred_NK).sum(axis=0), np.ptp(values_NK, axis=0) > 0
    return np.divide(between_K, total_K, out=np.full(len(total_K), np.nan), where=varies_K)


def _spend(users: pl.DataFrame, after: pl.DataFrame, min_support: float) -> tuple[list[str], np.ndarray]:
    """Categories that enough users bought, and what each user spent on them."""
    index = users.select("user_id").with_row_index("row")
    spent = (
        after.join(index, on="user_id")
        .filter(pl.col("category").is_not_null())
        .group_by("row", "category")
        .agg((pl.col("sales_amount") * MICROS).round().cast(pl.Int64).sum().alias("sales_micros"))
        .filter(pl.col("sales_micros") > 0)
        .filter(pl.len().over("category") >= max(min_support * users.height, 2))
    )
    categories, micros_NK = spread(spent["row"], spent["category"], spent["sales_micros"], users.height)
    spend_NK = micros_NK / MICROS
    # What all users spend alike differs between no groups.
    varies = [number for number in range(len(categories)) if np.ptp(spend_NK[:, number]) > 0]
    return [categories[number] for number in varies], spend_NK[:, varies]


def _group_by_rfm(
    users: pl.DataFrame, before: pl.DataFrame, day: date, group_count: int, seed: int
) -> np.ndarray:
    """As many groups of like quintile scores, with the scores as `int_user_rfm_scored` gives them."""
    facts = before.group_by("user_id").agg(
        recency=(pl.lit(day) - pl.col("interacted_at").max().dt.date()).dt.total_days().neg(),
        frequency=pl.col("order_id").n_unique(),
        monetary=pl.col("sales_amount").sum().round(2),
    )
    scored = users.join(facts, on="user_id", how="left", maintain_order="left").select(
        (pl.col(name).rank("max") * _SCORES / pl.len()).ceil()
        for name in ("recency", "frequency", "monetary")
    )
    scores_N3 = scored.to_numpy()
    distinct = min(group_count, len(np.unique(scores_N3, axis=0)))
    with threadpool_limits(limits=1):
        return KMeans(distinct, n_init=10, random_state=seed).fit_predict(scores_N3)
