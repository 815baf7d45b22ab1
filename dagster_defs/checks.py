"""Checks on what Python wrote. Keys, nulls and references are dbt's tests; here stand the measures.

Every check reads the tables as they lie in the warehouse, so that it also
holds for a run that had nothing to do.
"""

import dagster as dg
import polars as pl

from dagster_defs.resources import Shop
from dagster_defs.warehouse import Warehouse

UNIT_LENGTH_TOLERANCE = 1e-3


def build_checks() -> list[dg.AssetChecksDefinition]:
    return [
        embeddings_have_unit_length,
        every_user_has_a_cohort,
        champions_are_no_worse_than_popularity,
        every_user_has_a_full_list,
        published_copy_is_complete,
    ]


@dg.asset_check(
    asset=["ml", "text_embeddings"], blocking=True, description="Every vector has length one and no NaN."
)
def embeddings_have_unit_length(shop: Shop) -> dg.AssetCheckResult:
    vectors = shop.warehouse().read("ml", "text_embeddings", columns=["embedding"])
    squares = vectors.select(pl.col("embedding").list.eval(pl.element() ** 2).list.sum().alias("squares"))[
        "squares"
    ]
    off = int(((squares.sqrt() - 1).abs().fill_nan(1) > UNIT_LENGTH_TOLERANCE).sum())
    return dg.AssetCheckResult(
        passed=off == 0 and len(squares) > 0, metadata={"vectors": len(squares), "off": off}
    )


@dg.asset_check(
    asset=["ml", "user_cohorts"],
    blocking=True,
    description="Every user of the features is in exactly one cohort.",
)
def every_user_has_a_cohort(shop: Shop) -> dg.AssetCheckResult:
    known = shop.warehouse().read("features", "user_features", columns=["user_id"])["user_id"]
    assigned = shop.warehouse().read("ml", "user_cohorts", columns=["user_id"])["user_id"]
    passed = sorted(known) == sorted(assigned)
    return dg.AssetCheckResult(passed=passed, metadata={"users": len(known), "assigned": len(assigned)})


@dg.asset_check(
    asset=["ml", "model_evaluations"],
    blocking=True,
    description="On the newest weeks no champion's NDCG@10 lies, interval and all, below plain popularity.",
)
def champions_are_no_worse_than_popularity(shop: Shop) -> dg.AssetCheckResult:
    scores = (
        shop.warehouse()
        .read("ml", "model_evaluations")
        .filter(
            (pl.col("split_name") == "test")
            & (pl.col("metric_name") == "ndcg")
            & (pl.col("cutoff") == 10)
            & (pl.col("cohort_id") == "all")
        )
    )
    champions = scores.filter(pl.col("is_champion"))
    popularity = scores.filter(pl.col("model_name") == "popularity").select("list_name", floor="metric_value")
    compared = champions.join(popularity, on="list_name", how="left")
    # The interval, not the mean: with few users a good model may lose a window by chance.
    best_case = pl.coalesce("upper_95", "metric_value")
    passed = (
        compared.height > 0 and compared.select((best_case >= pl.col("floor")).fill_null(False).all()).item()
    )
    shown = {f"{row['list_name']}: {row['model_name']}": row["metric_value"] for row in compared.to_dicts()}
    return dg.AssetCheckResult(passed=bool(passed), metadata=shown)


@dg.asset_check(
    asset=["ml", "recommendations"],
    blocking=True,
    description="Every user has every list, ranks 1 to n without a gap.",
)
def every_user_has_a_full_list(shop: Shop) -> dg.AssetCheckResult:
    users = shop.warehouse().read("features", "user_features", columns=["user_id"]).height
    ranks = shop.warehouse().read("ml", "recommendations", columns=["user_id", "list_name", "rank"])
    lists = ranks.group_by("user_id", "list_name").agg(
        pl.len().alias("rows"), pl.col("rank").max().alias("last")
    )
    gaps = lists.filter(pl.col("rows") != pl.col("last")).height
    missing = users * lists["list_name"].n_unique() - lists.height
    passed = gaps == 0 and missing == 0 and lists.height > 0
    return dg.AssetCheckResult(
        passed=passed, metadata={"lists": lists.height, "with gaps": gaps, "missing": missing}
    )


@dg.asset_check(
    asset=["published", "warehouse"], description="The published copy opens and no table in it is empty."
)
def published_copy_is_complete(shop: Shop) -> dg.AssetCheckResult:
    counts = Warehouse(path=shop.settings().paths.published).row_counts()
    serving = {table: rows for table, rows in counts.items() if table.startswith("serving.")}
    empty = sorted(table for table, rows in serving.items() if rows == 0)
    return dg.AssetCheckResult(
        passed=bool(serving) and not empty,
        metadata={"tables": len(counts), "empty": ", ".join(empty) or "none"},
    )
