"""An empty table is explained by the data, or it is an error."""

from pathlib import Path

import duckdb
import pytest

from dagster_defs.empty_tables import (
    NO_MONTH,
    NO_USERS,
    NOTHING_DONE,
    ONE_ITEM,
    unexplained,
    why_empty,
)
from dagster_defs.warehouse import Warehouse

TABLES = """
create schema core; create schema serving;
create table core.users (user_id varchar);
create table core.items (item_id varchar, is_recommendable boolean);
create table core.events (user_id varchar, item_id varchar);
create table core.orders (user_id varchar, ordered_at timestamp);
create table serving.rfm_segments (user_id varchar, as_of_date date);
create table serving.acquisition_cohorts (cohort_month date);
create table serving.similar_items (item_id varchar);
create table serving.recommendations (user_id varchar);
create table serving.cohorts (cohort_id varchar);
"""
WEEK = """
insert into core.users values ('a'); insert into serving.rfm_segments values ('a', date '2024-02-01');
insert into serving.cohorts values ('c1'); insert into serving.recommendations values ('a');
"""
ONE = "insert into core.items values ('tea', true); insert into core.events values ('a', 'tea');"
TWO = ONE + "insert into core.items values ('mug', false);"


def published(folder: Path, *statements: str) -> Warehouse:
    with duckdb.connect(folder / "p.duckdb") as connection:
        for statement in (TABLES, *statements):
            connection.execute(statement)
    return Warehouse(path=folder / "p.duckdb")


@pytest.mark.parametrize(
    ("ordered_at", "explained"),
    [
        ("2024-01-31 23:59:59", False),  # January is over on the first of February
        ("2024-02-01 00:00:00", True),
        (None, True),
    ],
)
def test_retention_needs_a_complete_month(tmp_path: Path, ordered_at: str | None, explained: bool):
    order = f"insert into core.orders values ('a', '{ordered_at}')" if ordered_at else ""
    guest = "insert into core.orders values (null, '2023-01-01')"
    warehouse = published(tmp_path, WEEK, TWO, guest, order)
    reasons = why_empty(warehouse)
    assert (reasons.get("serving.acquisition_cohorts") == NO_MONTH) == explained
    expected = {"serving.similar_items"} | (set() if explained else {"serving.acquisition_cohorts"})
    assert set(unexplained(warehouse.row_counts(), reasons)) == expected


def test_one_item_is_like_no_other(tmp_path: Path):
    assert why_empty(published(tmp_path, WEEK, ONE))["serving.similar_items"] == ONE_ITEM


def test_no_list_where_nobody_did_anything(tmp_path: Path):
    warehouse = published(
        tmp_path, WEEK, "delete from serving.recommendations", "insert into core.events values (null, 'tea')"
    )
    reasons = why_empty(warehouse)
    assert reasons["serving.recommendations"] == NOTHING_DONE
    assert unexplained(warehouse.row_counts(), reasons) == []


def test_a_shop_of_guests(tmp_path: Path):
    warehouse = published(tmp_path, "insert into core.orders values (null, '2023-01-01')")
    reasons = why_empty(warehouse)
    assert reasons["serving.cohorts"] == reasons["serving.rfm_segments"] == NO_USERS
    assert unexplained(warehouse.row_counts(), reasons) == []


def test_an_empty_table_without_a_reason_is_none(tmp_path: Path):
    warehouse = published(tmp_path, WEEK, TWO, "delete from serving.cohorts")
    assert "serving.cohorts" in unexplained(warehouse.row_counts(), why_empty(warehouse))
