"""One small shop for all tests: 16 buyers in four tastes, 14 items, 20 weeks; and settings to match."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from python_ml.config import RecommenderConfig
from python_ml.recommender.read_rules import RuleTables
from python_ml.recommender.recommend import Recommender

AS_OF = date(2024, 6, 1)
BUYERS = [f"u{number:02d}" for number in range(16)]
NEWCOMERS = ["u90", "u91", "u92"]  # known, but without a purchase: of cohort c1, of the tiny c9, of none
ITEMS = [f"i{number:02d}" for number in range(14)]
NEVER_SOLD = "i12"
WITHOUT_TEXT = "i13"
NOT_RECOMMENDABLE = "i00"  # everybody's favourite, so that the rule has something to remove


@dataclass(frozen=True, slots=True)
class RecommendationResult:
    """What is published.

    Args:
        recommendations: `ml.recommendations` without model_version and as_of_date.
        similar_items: `ml.similar_items`, likewise.
        weights: see `Recommender.weights`.
        device: what models were trained on.
    """

    recommendations: pl.DataFrame
    similar_items: pl.DataFrame
    weights: dict[str, np.ndarray]
    device: str


def purchases() -> list[tuple[str, str, datetime]]:
    """User, item and time: every week a favourite and item i00, every other week something by chance."""
    generator = np.random.default_rng(1)
    rows = []
    for number, user in enumerate(BUYERS):
        for week in range(20):
            at = datetime(2024, 6, 1) - timedelta(days=7 * week + 1 + number % 5, hours=number)
            items = {0, 3 * (number % 4) + week % 3}
            if generator.random() < 0.5:
                items.add(int(generator.integers(12)))
            rows += [(user, ITEMS[item], at) for item in sorted(items)]
        rows.append((user, WITHOUT_TEXT, datetime(2024, 3, 1) + timedelta(hours=number)))
    return rows


def shop_tables() -> dict[str, pl.DataFrame]:
    """Feature tables as the assets read them."""
    users, items, times = (list(column) for column in zip(*purchases(), strict=True))
    interactions = pl.DataFrame(
        {
            "interaction_id": [f"e{number}" for number in range(len(users))],
            "user_id": users,
            "item_id": items,
            "event_type": "purchase",
            "weight": 1.0,
            "interacted_at": pl.Series(times, dtype=pl.Datetime("us")),
        }
    )
    texts = [f"text {number // 3}" for number in range(14)]
    vectors = np.eye(5) + 0.1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        "interactions": interactions,
        "user_features": pl.DataFrame({"user_id": BUYERS + NEWCOMERS}),
        "item_features": pl.DataFrame(
            {
                "item_id": ITEMS,
                "is_recommendable": [item != NOT_RECOMMENDABLE for item in ITEMS],
                "category": [None if item == WITHOUT_TEXT else f"k{int(item[1:]) % 3}" for item in ITEMS],
            }
        ),
        "item_texts": pl.DataFrame({"item_id": ITEMS, "text_hash": texts}).filter(
            pl.col("item_id") != WITHOUT_TEXT
        ),
        "text_embeddings": pl.DataFrame(
            {
                "text_hash": [f"text {number}" for number in range(5)],
                "embedding_model": "m",
                "embedding": vectors.tolist(),
            },
            schema_overrides={"embedding": pl.List(pl.Float32)},
        ),
        "user_cohorts": pl.DataFrame(
            {
                "user_id": [*BUYERS, "u90", "u91"],
                "cohort_id": ["c1", "c2"] * 8 + ["c1", "c9"],
                "cohort_name": ["Even", "Odd"] * 8 + ["Even", "Tiny"],
            }
        ),
    }


def quick_config() -> RecommenderConfig:
    """Seconds instead of minutes; lists shorter than the catalogue."""
    return RecommenderConfig(
        min_judged_users=1,
        cutoffs=(2, 5),
        list_length=5,
        similar_length=3,
        block_users=7,
        popularity_window_days=(28, 56),
        frequency_half_life_days=(0.0, 30.0),
        knn_neighbours=(3, 6),
        knn_min_buyers=2,
        ease_l2=(1.0, 10.0),
        ease_half_life_days=(0.0,),
        als_factors=(4,),
        als_l2=(1.0,),
        als_half_life_days=(0.0,),
        als_iterations=3,
        dimension=4,
        min_buyers=2,
        personal_weights=(0.5, 1.0),
        blend_weights=(0.5,),
        second_stage_depth=4,
        second_stage_min_users=1,
        second_stage_epochs=2,
        epochs=4,
        judge_every=2,
        batch_users=8,
        negatives=8,
        transformer_devices=("cpu",),
        transformer_dimension=8,
        transformer_heads=2,
        transformer_length=10,
        transformer_members=2,
        transformer_epochs=4,
        transformer_batch_users=8,
        transformer_negatives=8,
        repeat_windows=2,
        repeat_batch_pairs=64,
        min_cohort_buyers=2,
    )


def rule_tables(
    *rules: dict, items: dict[str, list[str]] | None = None, ages: dict | None = None
) -> RuleTables:
    """The feature tables of business rules.

    Args:
        rules: rows of business_rules_in_force; what is left out is null.
        items: item ids of each rule, each alone or with the group a cap counts it under.
        ages: at_least_age by user.
    """
    pairs = [(rule, named) for rule, listed in (items or {}).items() for named in listed]
    rows = [(rule, *(named if isinstance(named, tuple) else (named, None))) for rule, named in pairs]
    return RuleTables(
        pl.DataFrame(
            [{"rule_id": None, "not_applied_reason": None} | rule for rule in rules],
            schema={"rule_id": pl.String, "rule_type": pl.String, "list_name": pl.String,
                    "not_applied_reason": pl.String, "amount": pl.Float64, "days": pl.Int32},
        ),
        pl.DataFrame(
            rows, schema={"rule_id": pl.String, "item_id": pl.String, "group_name": pl.String}, orient="row"
        ),
        pl.DataFrame(
            list((ages or {}).items()), schema={"user_id": pl.String, "at_least_age": pl.Int32}, orient="row"
        ),
    )  # fmt: skip


def all_lists(
    recommender: Recommender, rules: RuleTables, progress: Callable[[int, int], None] | None = None
) -> pl.DataFrame:
    """The parts of `Recommender.lists` in one frame."""
    return pl.concat(recommender.lists(rules, progress))


def recommend_items(
    *tables: pl.DataFrame,
    rules: RuleTables,
    progress: Callable[[int, int], None] | None = None,
    **arguments: Any,
) -> RecommendationResult:
    """Everything a `Recommender` of these arguments writes.

    Args:
        tables, arguments: of `Recommender`.
        rules, progress: of `Recommender.lists`.
    """
    recommender = Recommender(*tables, **arguments)
    return RecommendationResult(
        recommendations=all_lists(recommender, rules, progress),
        similar_items=recommender.similar_items(),
        weights=recommender.weights(),
        device=recommender.device,
    )
