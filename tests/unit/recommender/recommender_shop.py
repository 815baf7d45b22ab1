"""One small shop for all tests: 16 buyers in four tastes, 14 items, 20 weeks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

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
        recommendations=recommender.lists(rules, progress),
        similar_items=recommender.similar_items(),
        weights=recommender.weights(),
        device=recommender.device,
    )
