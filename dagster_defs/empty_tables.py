"""Why a published table may have no rows: a reason that stands in the data itself, read from the copy.

An empty table without such a reason is an error.
"""

from datetime import date

import polars as pl

from dagster_defs.warehouse import Warehouse

NO_USERS = "no user is known"
NOTHING_DONE = "no known user has bought or looked at anything"
ONE_ITEM = "no two items can stand beside each other"
NO_MONTH = "no month with an order of a known user is complete yet"
BY_USER = ("user_cohorts", "cohorts", "cohort_profiles", "rfm_segments", "recommendations")


def why_empty(published: Warehouse) -> dict[str, str]:
    """The reason for each empty table of `serving` that has one, by "schema.table".

    Args:
        published: the published copy.
    """
    counts = published.row_counts()
    empty = sorted(table for table, rows in counts.items() if table.startswith("serving.") and not rows)
    reasons = {table: _reason(table.removeprefix("serving."), published, counts) for table in empty}
    return {table: reason for table, reason in reasons.items() if reason}


def unexplained(counts: dict[str, int], reasons: dict[str, str]) -> list[str]:
    """Tables of `serving` that are empty without a reason.

    Args:
        counts: rows by "schema.table".
        reasons: from `why_empty`.
    """
    return sorted(
        table
        for table, rows in counts.items()
        if table.startswith("serving.") and not rows and table not in reasons
    )


def _reason(table: str, published: Warehouse, counts: dict[str, int]) -> str | None:
    if table in BY_USER and not counts["core.users"]:
        return NO_USERS
    if table == "acquisition_cohorts" and not _has_complete_month(published):
        return NO_MONTH
    if table == "recommendations" and not _has_interaction(published):
        return NOTHING_DONE
    if table == "similar_items" and not _has_neighbours(published):
        return ONE_ITEM
    return None


def _has_complete_month(published: Warehouse) -> bool:
    """Whether a known user ordered in a month that ended before the as-of date."""
    orders = published.read("core", "orders", columns=["user_id", "ordered_at"]).drop_nulls("user_id")
    as_of = _as_of(published)
    if orders.is_empty() or as_of is None:
        return False
    month_end = orders["ordered_at"].min().replace(day=1).date()
    return pl.Series([month_end]).dt.offset_by("1mo").item() <= as_of


def _as_of(published: Warehouse) -> date | None:
    return published.read("serving", "rfm_segments", columns=["as_of_date"])["as_of_date"].max()


def _has_interaction(published: Warehouse) -> bool:
    events = published.read("core", "events", columns=["user_id", "item_id"])
    return not events.drop_nulls().is_empty()


def _has_neighbours(published: Warehouse) -> bool:
    """Whether an item can stand beside another: there are two, and one that may be shown was acted on."""
    items = published.read("core", "items", columns=["item_id", "is_recommendable"])
    events = published.read("core", "events", columns=["user_id", "item_id"]).drop_nulls()
    shown = items.filter(pl.col("is_recommendable")).join(events, on="item_id", how="semi")
    return items.height > 1 and not shown.is_empty()
