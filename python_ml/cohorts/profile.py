"""What sets each cohort apart from all users who have ordered."""

import polars as pl

from python_ml.cohorts.inputs import MICROS, behaviour_columns
from python_ml.cohorts.labels import feature_label, group_label

VALUES = ["cohort_id", "attribute_type", "attribute_name", "attribute_label"]
NUMBERS = ["cohort_value", "population_value", "z_score", "lift", "attribute_rank"]
_TYPES = {
    "cohort_id": pl.String,
    "attribute_type": pl.String,
    "attribute_name": pl.String,
    "attribute_label": pl.String,
    "cohort_value": pl.Float64,
    "population_value": pl.Float64,
    "z_score": pl.Float64,
    "lift": pl.Float64,
    "attribute_rank": pl.Int32,
}


def measure_cohorts(users: pl.DataFrame) -> pl.DataFrame:
    """Size of each cohort.

    Args:
        users: user_id, cohort_id, monetary_amount.

    Returns:
        cohort_id, user_count (Int64), user_share, sales_share (0..1, null if nobody spent), by cohort_id.
    """
    sales = pl.col("monetary_amount").fill_null(0.0).mul(MICROS).round().cast(pl.Int64).sum()
    sizes = users.group_by("cohort_id").agg(pl.len().cast(pl.Int64).alias("user_count"), sales.alias("sales"))
    return sizes.sort("cohort_id").select(
        "cohort_id",
        "user_count",
        (pl.col("user_count") / pl.col("user_count").sum()).alias("user_share"),
        _ratio(pl.col("sales"), pl.col("sales").sum()).alias("sales_share"),
    )


def profile_features(users: pl.DataFrame) -> pl.DataFrame:
    """Mean of each behaviour feature per cohort, against all users who have ordered.

    Args:
        users: user_features with cohort_id, sorted by user_id (means are then the same to the last bit).

    Returns:
        `VALUES` and `NUMBERS`. cohort_value and population_value are means in the feature's own unit over
        users for whom it is known, z_score is their difference in standard deviations (of users, n in the
        denominator); attribute_rank orders by absolute z_score. A feature unknown for a whole cohort has no
        row.
    """
    buyers = users.filter(pl.col("order_count") > 0)
    parts = []
    for name in behaviour_columns(users):
        known = buyers[name].cast(pl.Float64).drop_nulls()
        mean, deviation = known.mean(), known.std(ddof=0)
        values = users.select("cohort_id", pl.col(name).cast(pl.Float64).alias("value"))
        means = values.group_by("cohort_id", maintain_order=True).agg(
            pl.col("value").mean().alias("cohort_value")
        )
        parts.append(
            means.drop_nulls("cohort_value").select(
                "cohort_id",
                pl.lit("feature").alias("attribute_type"),
                pl.lit(name).alias("attribute_name"),
                pl.lit(feature_label(name)).alias("attribute_label"),
                "cohort_value",
                pl.lit(mean, dtype=pl.Float64).alias("population_value"),
                _z_score(mean, deviation),
                _ratio(pl.col("cohort_value"), pl.lit(mean, dtype=pl.Float64)).alias("lift"),
            )
        )
    rows = pl.concat(parts) if parts else _empty()
    return _rank(rows, pl.col("z_score").abs())


def profile_groups(
    spend: pl.DataFrame, sizes: pl.DataFrame, *, attribute_type: str, min_support: float, top: int
) -> pl.DataFrame:
    """Departments or categories a cohort buys more of than all users do.

    Args:
        spend: cohort_id, user_id, name, sales_micros (Int64); one row per user and name.
        sizes: from `measure_cohorts`.
        attribute_type: "department" or "category".
        min_support: share of the cohort's users who must have bought it. Without this, a category that two
            households bought once tops every list.
        top: rows kept per cohort.

    Returns:
        `VALUES` and `NUMBERS`. cohort_value and population_value are shares of spend, lift their ratio;
        z_score is null; attribute_rank orders by lift.
    """
    bought = spend.filter(pl.col("name").is_not_null(), pl.col("sales_micros") > 0)
    everyone = bought.group_by("name").agg(pl.col("sales_micros").sum().alias("all_name"))
    total = bought["sales_micros"].sum()
    rows = (
        bought.group_by("cohort_id", "name")
        .agg(pl.col("sales_micros").sum(), pl.col("user_id").n_unique().alias("buyers"))
        .with_columns(pl.col("sales_micros").sum().over("cohort_id").alias("all_cohort"))
        .join(everyone, on="name")
        .join(sizes.select("cohort_id", "user_count"), on="cohort_id")
        .filter(pl.col("buyers") >= min_support * pl.col("user_count"))
        .with_columns(
            (pl.col("sales_micros") / pl.col("all_cohort")).alias("cohort_value"),
            (pl.col("all_name") / total).alias("population_value"),
        )
        .select(
            "cohort_id",
            pl.lit(attribute_type).alias("attribute_type"),
            pl.col("name").alias("attribute_name"),
            pl.col("name").map_elements(group_label, return_dtype=pl.String).alias("attribute_label"),
            "cohort_value",
            "population_value",
            pl.lit(None, dtype=pl.Float64).alias("z_score"),
            (pl.col("cohort_value") / pl.col("population_value")).alias("lift"),
        )
    )
    return _rank(rows, pl.col("lift")).filter(pl.col("attribute_rank") <= top)


def _rank(rows: pl.DataFrame, strength: pl.Expr) -> pl.DataFrame:
    """Number each cohort's rows, the strongest first, unknown strength last, ties by name."""
    ordered = (
        rows.with_columns(strength.alias("strength"))
        .sort("cohort_id", "strength", "attribute_name", descending=[False, True, False], nulls_last=True)
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("cohort_id").alias("attribute_rank"))
    )
    return ordered.select(*VALUES, *NUMBERS)


def _z_score(mean: float | None, deviation: float | None) -> pl.Expr:
    varies = mean is not None and deviation is not None and deviation > 1e-9 * (1.0 + abs(mean))
    value = (pl.col("cohort_value") - mean) / deviation if varies else pl.lit(None, dtype=pl.Float64)
    return value.alias("z_score")


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0).then(part / whole)


def _empty() -> pl.DataFrame:
    return pl.DataFrame(
        schema={name: _TYPES[name] for name in [*VALUES, *NUMBERS] if name != "attribute_rank"}
    )
