"""Checks on what Python wrote. Keys, nulls and references are dbt's tests; here stand the measures.

Every check reads the tables as they lie in the warehouse, so that it also
holds for a run that had nothing to do.
"""

from collections.abc import Iterable

import dagster as dg
import polars as pl

from dagster_defs.empty_tables import unexplained, why_empty
from dagster_defs.resources import Shop
from dagster_defs.warehouse import Warehouse

UNIT_LENGTH_TOLERANCE = 1e-3
LISTS = ("for_you", "discover")


def build_checks() -> list[dg.AssetChecksDefinition]:
    return [
        embeddings_are_sound,
        every_user_has_a_cohort,
        champions_are_no_worse_than_popularity,
        every_user_has_a_full_list,
        places_are_drawn_as_set,
        every_review_text_is_read,
        every_review_text_is_scored_or_none,
        every_review_text_has_a_topic,
        published_copy_is_complete,
    ]


@dg.asset_check(
    asset=["ml", "text_embeddings"],
    blocking=True,
    description="Every vector has the dimension of its model, no NaN, and length one if settings ask for it.",
)
def embeddings_are_sound(shop: Shop) -> dg.AssetCheckResult:
    batches = shop.warehouse().read_batches("ml", "text_embeddings", columns=["dimension", "embedding"])
    return judge_vectors(batches, unit_length=shop.settings().embedding.normalise)


def judge_vectors(batches: Iterable[pl.DataFrame], *, unit_length: bool) -> dg.AssetCheckResult:
    """Count the vectors that are off, a batch at a time: there may be millions.

    Args:
        batches: columns dimension and embedding.
        unit_length: whether each must have length one.
    """
    total = off = 0
    for batch in batches:
        vectors = batch["embedding"]
        squares = vectors.list.eval(pl.element() ** 2).list.sum()
        sound = squares.is_finite() & (vectors.list.len() == batch["dimension"])
        if unit_length:
            sound &= (squares.sqrt() - 1).abs() <= UNIT_LENGTH_TOLERANCE
        total, off = total + batch.height, off + int((~sound.fill_null(False)).sum())
    return dg.AssetCheckResult(passed=off == 0 and total > 0, metadata={"vectors": total, "off": off})


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
    description="On the newest window no champion's NDCG@10 lies, interval and all, below plain popularity;"
    " a list that could not be evaluated says why.",
)
def champions_are_no_worse_than_popularity(shop: Shop) -> dg.AssetCheckResult:
    return judge_champions(shop.warehouse().read("ml", "model_evaluations"))


def judge_champions(evaluations: pl.DataFrame) -> dg.AssetCheckResult:
    """Every list has one champion: measured and no worse than popularity, or not evaluated, with a reason.

    Args:
        evaluations: `ml.model_evaluations`.
    """
    scores = evaluations.filter(
        (pl.col("split_name") == "test")
        & (pl.col("metric_name") == "ndcg")
        & (pl.col("cutoff") == 10)
        & (pl.col("cohort_id") == "all")
    )
    writers = scores.filter(pl.col("is_champion"))
    unjudged = writers.filter(pl.col("not_evaluated_reason").is_not_null())
    champions = writers.filter(pl.col("not_evaluated_reason").is_null())
    popularity = scores.filter(pl.col("model_name") == "popularity").select("list_name", floor="metric_value")
    compared = champions.join(popularity, on="list_name", how="left")
    # The interval, not the mean: with few users a good model may lose a window by chance.
    best_case = pl.coalesce("upper_95", "metric_value")
    has_one_each = sorted(writers["list_name"]) == sorted(LISTS)
    passed = has_one_each and compared.select((best_case >= pl.col("floor")).fill_null(False).all()).item()
    shown = {f"{row['list_name']}: {row['model_name']}": row["metric_value"] for row in compared.to_dicts()}
    shown |= {
        f"{row['list_name']}: not evaluated": row["not_evaluated_reason"] for row in unjudged.to_dicts()
    }
    return dg.AssetCheckResult(passed=bool(passed), metadata=shown)


@dg.asset_check(
    asset=["ml", "recommendations"],
    blocking=True,
    description="Every user to whom anything can be recommended has every list, ranks 1 to n without a gap.",
)
def every_user_has_a_full_list(shop: Shop) -> dg.AssetCheckResult:
    warehouse = shop.warehouse()
    return judge_lists(
        users=warehouse.read("features", "user_features", columns=["user_id"]),
        items=warehouse.read("features", "item_features", columns=["item_id", "is_recommendable"]),
        interactions=warehouse.read("features", "interactions", columns=["user_id", "item_id", "event_type"]),
        ranks=warehouse.read("ml", "recommendations", columns=["user_id", "list_name", "rank"]),
    )


def judge_lists(
    *, users: pl.DataFrame, items: pl.DataFrame, interactions: pl.DataFrame, ranks: pl.DataFrame
) -> dg.AssetCheckResult:
    """Who must have a list has one, and no list has a gap.

    Args:
        users: user_id of everybody known.
        items: item_id and is_recommendable of the catalogue.
        interactions: user_id, item_id and event_type; without any there is nothing to count, and no list.
        ranks: user_id, list_name and rank of what was recommended.
    """
    offered = items.filter(pl.col("is_recommendable")).select("item_id")
    bought = interactions.filter(pl.col("event_type") == "purchase").join(offered, on="item_id", how="semi")
    owned = bought.group_by("user_id").agg(pl.col("item_id").n_unique().alias("owned"))
    has_all = owned.filter(pl.col("owned") == offered.height).select("user_id")
    served = users if offered.height and interactions.height else users.clear()
    expected = {"for_you": served, "discover": served.join(has_all, on="user_id", how="anti")}
    lists = ranks.group_by("user_id", "list_name").agg(
        pl.len().alias("rows"), pl.col("rank").max().alias("last")
    )
    gaps = lists.filter(pl.col("rows") != pl.col("last")).height
    missing = sum(
        wanted.join(lists.filter(list_name=name), on="user_id", how="anti").height
        for name, wanted in expected.items()
    )
    return dg.AssetCheckResult(
        passed=gaps == 0 and missing == 0,
        metadata={"lists": lists.height, "with gaps": gaps, "missing": missing},
    )


@dg.asset_check(
    asset=["ml", "recommendations"],
    blocking=True,
    description="No list has more places drawn by lot than exploration_slots, nor from more candidates than"
    " exploration_pool.",
)
def places_are_drawn_as_set(shop: Shop) -> dg.AssetCheckResult:
    columns = ["user_id", "list_name", "is_exploration", "propensity"]
    lists = shop.warehouse().read("ml", "recommendations", columns=columns)
    config = shop.settings().recommender
    return judge_exploration(lists, slots=config.exploration_slots, pool=config.exploration_pool)


def judge_exploration(lists: pl.DataFrame, *, slots: int, pool: int) -> dg.AssetCheckResult:
    """Places drawn are as many as the settings say, or fewer, and their odds those of a pool of that size.

    Args:
        lists: user_id, list_name, is_exploration and propensity of what was recommended.
        slots, pool: the settings; with 0 slots no place may be drawn.
    """
    drawn = lists.filter("is_exploration")
    most = drawn.group_by("user_id", "list_name").len()["len"].max() or 0
    # A pool is smaller, and the odds better, where the catalogue ran out.
    unlikely = drawn.filter(pl.col("propensity") < (1 - 1e-9) / pool).height
    return dg.AssetCheckResult(
        passed=most <= slots and unlikely == 0,
        metadata={"places drawn": drawn.height, "most in a list": most, "of a larger pool": unlikely},
    )


@dg.asset_check(
    asset=["ml", "review_sentiment"], blocking=True, description="Every review with a text was read, once."
)
def every_review_text_is_read(shop: Shop) -> dg.AssetCheckResult:
    return _covers_review_texts(shop, "review_sentiment")


@dg.asset_check(
    asset=["ml", "review_topics"],
    blocking=True,
    description="Every review with a text has one topic, or is an outlier.",
)
def every_review_text_has_a_topic(shop: Shop) -> dg.AssetCheckResult:
    return _covers_review_texts(shop, "review_topics")


def _covers_review_texts(shop: Shop, table: str) -> dg.AssetCheckResult:
    texts = shop.warehouse().read("features", "review_texts", columns=["review_id"])["review_id"]
    found = shop.warehouse().read("ml", table, columns=["review_id"])["review_id"]
    return dg.AssetCheckResult(
        passed=texts.sort().equals(found.sort()), metadata={"texts": len(texts), "rows": len(found)}
    )


@dg.asset_check(
    asset=["ml", "tuned_scores"],
    blocking=True,
    description="Where a fine-tuned encoder is used, every review's text has a finite score; else none has.",
)
def every_review_text_is_scored_or_none(shop: Shop) -> dg.AssetCheckResult:
    warehouse = shop.warehouse()
    is_used = warehouse.read("ml", "encoder_evaluations", columns=["is_used"])["is_used"].any()
    texts = warehouse.read("features", "review_texts", columns=["text_hash"])["text_hash"].unique()
    scores = warehouse.read("ml", "tuned_scores", columns=["text_hash", "score"])
    missing = len(set(texts) - set(scores["text_hash"])) if is_used else 0
    off = scores.height - int(scores["score"].is_finite().sum())
    return dg.AssetCheckResult(
        passed=missing == off == 0 and (is_used or scores.is_empty()),
        metadata={"texts": len(texts), "scores": scores.height, "missing": missing, "not finite": off},
    )


@dg.asset_check(
    asset=["published", "warehouse"],
    description="The published copy opens and no table in it is empty without a reason in the data.",
)
def published_copy_is_complete(shop: Shop) -> dg.AssetCheckResult:
    published = Warehouse(path=shop.settings().paths.published)
    counts, reasons = published.row_counts(), why_empty(published)
    has_serving = any(table.startswith("serving.") for table in counts)
    explained = "; ".join(f"{table}: {why}" for table, why in reasons.items())
    return dg.AssetCheckResult(
        passed=has_serving and not unexplained(counts, reasons),
        metadata={
            "tables": len(counts),
            "empty": ", ".join(unexplained(counts, reasons)) or "none",
            "empty for want of data": explained or "none",
        },
    )
