"""What sets each cohort apart from all users who have ordered.

No row stands on fewer than `min_users` of its cohort: numbers of a few people could tell of one of them. A
cohort of fewer users therefore has no row.
"""

from collections.abc import Callable, Sequence

import polars as pl

from python_ml.cohorts.effect import Moments, cohens_d, varies
from python_ml.cohorts.inputs import MICROS, attribute_columns, behaviour_columns
from python_ml.cohorts.labels import attribute_label, feature_label

VALUES = ["cohort_id", "attribute_type", "attribute_name", "attribute_label"]
NUMBERS = [
    "cohort_value",
    "population_value",
    "cohort_median",
    "z_score",
    "effect_size",
    "lift",
    "attribute_rank",
]
_TYPES = dict.fromkeys(VALUES, pl.String) | dict.fromkeys(NUMBERS[:-1], pl.Float64)
# What kind of fact a column of user_attributes is; the others are of type "attribute".
_ATTRIBUTE_TYPES = {"country": "location", "region": "location", "acquisition_channel": "channel"}


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


def profile_features(users: pl.DataFrame, *, min_users: int) -> pl.DataFrame:
    """Mean and median of each behaviour feature per cohort, against all users who have ordered.

    Args:
        users: user_features with cohort_id, sorted by user_id (means are then the same to the last bit).
        min_users: users of a cohort for whom a feature must be known.

    Returns:
        `VALUES` and `NUMBERS`. cohort_value and population_value are means in the feature's own unit over
        users for whom it is known, cohort_median is the median of the same users of the cohort. z_score is
        the difference of the means in standard deviations (of users, n in the denominator), effect_size the
        difference from the other users who have ordered, see `cohens_d`. attribute_rank orders by absolute
        z_score. A feature known for too few users of a cohort has no row.
    """
    parts = []
    for name in behaviour_columns(users):
        known = users.select(
            "cohort_id",
            (pl.col("order_count") > 0).alias("has_ordered"),
            pl.col(name).cast(pl.Float64).alias("value"),
        ).drop_nulls("value")
        of_buyers = known.filter("has_ordered")["value"]
        mean, deviation = of_buyers.mean(), of_buyers.std(ddof=0)
        cohorts = known.group_by("cohort_id", maintain_order=True).agg(
            pl.len().alias("users"),
            pl.col("value").mean().alias("cohort_value"),
            pl.col("value").median().alias("cohort_median"),
        )
        parts.append(
            cohorts.filter(pl.col("users") >= min_users)
            .join(_effect_sizes(known), on="cohort_id", maintain_order="left")
            .select(
                "cohort_id",
                pl.lit("feature").alias("attribute_type"),
                pl.lit(name).alias("attribute_name"),
                pl.lit(feature_label(name)).alias("attribute_label"),
                "cohort_value",
                pl.lit(mean, dtype=pl.Float64).alias("population_value"),
                "cohort_median",
                _z_score(mean, deviation),
                "effect_size",
                _ratio(pl.col("cohort_value"), pl.lit(mean, dtype=pl.Float64)).alias("lift"),
            )
        )
    rows = pl.concat(parts) if parts else pl.DataFrame(schema=_TYPES)
    return _rank(rows, pl.col("z_score").abs())


def _effect_sizes(known: pl.DataFrame) -> pl.DataFrame:
    """cohort_id and effect_size: each cohort against the users of the others who have ordered.

    Args:
        known: cohort_id, has_ordered, value (Float64, never null), sorted by user_id.
    """
    groups = (
        known.group_by("cohort_id", "has_ordered", maintain_order=True)
        .agg(
            pl.len().alias("users"),
            pl.col("value").mean().alias("mean"),
            (pl.col("value").var(ddof=0) * pl.len()).alias("squares"),
        )
        .sort("cohort_id", "has_ordered")
    )
    moments = [(cohort, has_ordered, Moments(*facts)) for cohort, has_ordered, *facts in groups.iter_rows()]
    cohorts = groups["cohort_id"].unique().sort().to_list()
    sizes = []
    for cohort_id in cohorts:
        own = sum((part for cohort, _, part in moments if cohort == cohort_id), Moments())
        rest = sum(
            (part for cohort, has_ordered, part in moments if has_ordered and cohort != cohort_id), Moments()
        )
        sizes.append(cohens_d(own, rest))
    return pl.DataFrame(
        {"cohort_id": cohorts, "effect_size": sizes},
        schema={"cohort_id": pl.String, "effect_size": pl.Float64},
    )


def profile_groups(
    spend: pl.DataFrame,
    sizes: pl.DataFrame,
    *,
    attribute_type: str,
    label: Callable[[str], str],
    min_support: float,
    min_users: int,
    top: int,
) -> pl.DataFrame:
    """Departments, categories or items a cohort buys more of than all users do.

    Args:
        spend: cohort_id, user_id, name, sales_micros (Int64); one row per user and name.
        sizes: from `measure_cohorts`.
        attribute_type: "department", "category" or "item".
        label: says a name in words.
        min_support: share of the cohort's users who must have bought it. Without this, a category that two
            households bought once tops every list.
        min_users: and so many of them.
        top: rows kept per cohort.

    Returns:
        `VALUES` and `NUMBERS`. cohort_value and population_value are shares of spend, lift their ratio;
        attribute_rank orders by lift; the others are null.
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
        .filter(pl.col("buyers") >= min_support * pl.col("user_count"), pl.col("buyers") >= min_users)
        .select(
            "cohort_id",
            pl.lit(attribute_type).alias("attribute_type"),
            pl.col("name").alias("attribute_name"),
            pl.col("name").map_elements(label, return_dtype=pl.String).alias("attribute_label"),
            (pl.col("sales_micros") / pl.col("all_cohort")).alias("cohort_value"),
            (pl.col("all_name") / total).alias("population_value"),
        )
        .with_columns(_ratio(pl.col("cohort_value"), pl.col("population_value")).alias("lift"))
    )
    return _rank(rows, pl.col("lift")).filter(pl.col("attribute_rank") <= top)


def profile_attributes(
    attributes: pl.DataFrame, users: pl.DataFrame, *, min_support: float, min_users: int, top: int
) -> pl.DataFrame:
    """Places, channels and other facts that are truer of a cohort than of all users who have ordered.

    Args:
        attributes: user_attributes: user_id and text columns, null where not known; one row per user.
        users: user_id, cohort_id, order_count.
        min_support: share of the cohort's users, of those of whom the attribute is known, who must have the
            value,
        min_users: and so many of them.
        top: rows kept per cohort and attribute_type.

    Returns:
        `VALUES` and `NUMBERS`, of type "location", "channel" or "attribute", with "column=value" for a name.
        cohort_value and population_value are shares of the users of whom the attribute is known, lift their
        ratio (null where no user who has ordered has the value); attribute_rank orders by lift; the others
        are null.
    """
    columns = attribute_columns(attributes)
    # A region alone could be one of two countries.
    region = pl.concat_str("region", "country", separator=", ", ignore_nulls=True)
    known = (
        attributes.with_columns(pl.when(pl.col("region").is_not_null()).then(region).alias("region"))
        .join(users.select("user_id", "cohort_id", pl.col("order_count") > 0), on="user_id")
        .rename({"order_count": "has_ordered"})
        .unpivot(on=columns, index=["cohort_id", "has_ordered"], variable_name="column", value_name="value")
        .drop_nulls("value")
    )
    everyone = _shares(known.filter("has_ordered"), ["column"], "population_value").drop("users")
    is_supported = (pl.col("cohort_value") >= min_support) & (pl.col("users") >= min_users)
    rows = (
        _shares(known, ["cohort_id", "column"], "cohort_value")
        .filter(is_supported)
        .join(everyone, on=["column", "value"], how="left")
        .select(
            "cohort_id",
            pl.col("column").replace_strict(_ATTRIBUTE_TYPES, default="attribute").alias("attribute_type"),
            pl.concat_str("column", "value", separator="=").alias("attribute_name"),
            pl.struct("column", "value")
            .map_elements(lambda row: attribute_label(row["column"], row["value"]), return_dtype=pl.String)
            .alias("attribute_label"),
            "cohort_value",
            "population_value",
            _ratio(pl.col("cohort_value"), pl.col("population_value")).alias("lift"),
        )
    )
    return _rank(rows, pl.col("lift")).filter(pl.col("attribute_rank") <= top)


def _shares(known: pl.DataFrame, among: Sequence[str], share: str) -> pl.DataFrame:
    """The columns `among`, value, users who have it, and their share of all users among whom it is known.

    Args:
        known: one row per user and column, with its value.
    """
    counts = known.group_by(*among, "value").agg(pl.len().alias("users"))
    return counts.with_columns((pl.col("users") / pl.col("users").sum().over(*among)).alias(share))


def _rank(rows: pl.DataFrame, strength: pl.Expr) -> pl.DataFrame:
    """Number each cohort's rows of a type, the strongest first, unknown strength last, ties by name."""
    missing = [
        pl.lit(None, dtype=kind).alias(name) for name, kind in _TYPES.items() if name not in rows.columns
    ]
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("cohort_id", "attribute_type")
    ordered = (
        rows.with_columns(*missing, strength.alias("strength"))
        .sort(
            "cohort_id",
            "attribute_type",
            "strength",
            "attribute_name",
            descending=[False, False, True, False],
            nulls_last=True,
        )
        .with_columns(place.alias("attribute_rank"))
    )
    return ordered.select(*VALUES, *NUMBERS)


def _z_score(mean: float | None, deviation: float | None) -> pl.Expr:
    is_defined = mean is not None and deviation is not None and varies(deviation, mean)
    value = (pl.col("cohort_value") - mean) / deviation if is_defined else pl.lit(None, dtype=pl.Float64)
    return value.alias("z_score")


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0).then(part / whole)
