"""From feature tables to counts: in how many orders a user bought of a category.

Shapes: N users, V categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from python_ml.tables import check_columns, check_key


@dataclass(frozen=True, slots=True)
class Counts:
    """Purchases by user and category.

    Args:
        user_ids: N ids, sorted.
        categories: V names, sorted.
        orders: float64 csr (N, V), different orders with an item of the category.
    """

    user_ids: list[str]
    categories: list[str]
    orders: csr_array


def read_purchases(interactions: pl.DataFrame, item_features: pl.DataFrame) -> pl.DataFrame:
    """user_id, order_id, category (null where unknown) and bought_on of what was bought; in no order.

    What users only looked at is left out: a look costs nothing, is led by what the shop shows, and would
    drown the purchases that interests are judged by.

    Args:
        interactions: user_id, item_id, order_id, event_type, interacted_at.
        item_features: item_id, category; one row per item.

    Raises:
        ContractError: a column is missing, or an item occurs twice.
    """
    needed = ("user_id", "item_id", "order_id", "event_type", "interacted_at")
    check_columns("interactions", interactions, needed)
    check_columns("item_features", item_features, ("item_id", "category"))
    check_key("item_features", item_features, "item_id")
    return (
        interactions.filter(pl.col("event_type") == "purchase")
        .join(item_features.select("item_id", "category"), on="item_id", how="left")
        .select("user_id", "order_id", "category", pl.col("interacted_at").dt.date().alias("bought_on"))
    )


def known_categories(purchases: pl.DataFrame, *, min_support: float, min_users: int) -> list[str]:
    """Categories that enough users bought, sorted.

    Args:
        purchases: user_id, category.
        min_support: least share of the users with a purchase.
        min_users: least number of users.
    """
    least = max(min_support * purchases["user_id"].n_unique(), min_users)
    buyers = purchases.drop_nulls("category").group_by("category").agg(pl.col("user_id").n_unique())
    return buyers.filter(pl.col("user_id") >= least)["category"].sort().to_list()


def count_orders(purchases: pl.DataFrame, categories: Sequence[str], user_ids: Sequence[str]) -> Counts:
    """Count different orders; users and categories that are not named are left out.

    Args:
        purchases: user_id, order_id, category.
        categories: V names, sorted.
        user_ids: N ids, sorted; one without a purchase has an empty row.
    """
    rows = pl.DataFrame({"user_id": user_ids}, schema={"user_id": pl.String}).with_row_index("row")
    columns = pl.DataFrame({"category": categories}, schema={"category": pl.String}).with_row_index("column")
    cells = (
        purchases.join(columns, on="category")
        .join(rows, on="user_id")
        .group_by("row", "column")
        .agg(pl.col("order_id").n_unique())
        .sort("row", "column")
    )
    orders = csr_array(
        (
            cells["order_id"].to_numpy().astype(np.float64),
            (cells["row"].to_numpy(), cells["column"].to_numpy()),
        ),
        shape=(len(user_ids), len(categories)),
    )
    return Counts(list(user_ids), list(categories), orders)


def split_by_time(purchases: pl.DataFrame, cut: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What was bought before a day, and from then on."""
    return purchases.filter(pl.col("bought_on") < cut), purchases.filter(pl.col("bought_on") >= cut)
