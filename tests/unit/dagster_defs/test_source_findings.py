"""What check-source says of what it has seen: all of it, and only what must be mended stands in the way."""

from datetime import datetime

import polars as pl
import pytest

from dagster_defs.shop_contract import shop_contract
from dagster_defs.source_findings import (
    Finding,
    adapter_findings,
    column_findings,
    is_described,
    measure_findings,
    nearest,
    registration_findings,
    without_findings,
)

CONTRACT = shop_contract()
NOW = datetime(2025, 1, 1)
SCHEMA = ["table_name", "measure_name", "subject", "row_count", "places", "first_time", "last_time"]


def judged(*rows: tuple) -> list[Finding]:
    padded = [(*row, *(None,) * (len(SCHEMA) - len(row))) for row in rows]
    types = dict.fromkeys(SCHEMA, pl.String) | {"row_count": pl.Int64}
    return measure_findings("mine", pl.DataFrame(padded, schema=types, orient="row"), CONTRACT, NOW)


def to_mend(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.must_mend]


def test_nearest_names():
    assert nearest("customer_id", ["CustomerID", "price"]) == "; nearest: CustomerID"
    assert nearest("zzz", ["CustomerID", "price"]) == ""


def test_places_of_registration():
    found = registration_findings(
        "mine", ["vars: adapters:", "sources: shoal: staging:"], ["models: shoal: staging:"]
    )
    assert len(to_mend(found)) == 3
    switch = "\"{{ var('every_source', var('source', 'complete_journey') == 'mine') }}\""
    assert f"+enabled: {switch}" in found[1].remedy


def test_tables_and_views_that_do_not_agree():
    adapter = {"currency": "EUR", "time_zone": "", "tables": ["items", "reviews", "order_line"]}
    assert to_mend(adapter_findings("mine", adapter, ["items", "users", "helper"], CONTRACT)) == [
        "the adapter of mine in dbt_project.yml has no time_zone",
        "`tables` of mine names reviews, but there is no stg_mine__reviews.sql",
        "`tables` of mine names 'order_line', which the shop contract does not know;"
        " nearest: order_lines, orders",
        "there is a view stg_mine__users.sql, but `tables` of mine does not name users:"
        " nothing would read it",
    ]


def test_columns_missing_and_unknown():
    found = to_mend(column_findings("mine", CONTRACT["items"], ["item_id", "titel"]))
    assert found == [
        'stg_mine__items lacks title, which items must have: Name for people; "Item <id>" where it is null.',
        "stg_mine__items delivers titel, which the shop contract does not know; nearest: title",
    ]


@pytest.mark.parametrize(("count", "must_mend"), [(0, None), (4, False), (5, True)])
def test_values_that_cannot_be_read(count: int, must_mend: bool | None):
    found = judged(("order_lines", "rows", "", 100), ("order_lines", "nulls", "quantity", count, "3, 9"))
    assert [finding.must_mend for finding in found] == ([] if must_mend is None else [must_mend])
    if found:
        assert (
            f"in {count} of 100 rows ({count}.0%), for example rows 3, 9 of stg_mine__order_lines"
            in found[0].what
        )


def test_an_optional_column_may_be_null_but_not_everywhere():
    assert judged(("order_lines", "rows", "", 9), ("order_lines", "nulls", "user_id", 8, "1, 2, 3")) == []
    (found,) = judged(("order_lines", "rows", "", 9), ("order_lines", "nulls", "user_id", 9, "1, 2, 3"))
    assert (found.must_mend, found.what) == (False, "order_lines.user_id is null in every row")


def test_ids_that_do_not_join():
    rows = (("order_lines", "rows", "", 10), ("reviews", "rows", "", 10))
    assert to_mend(judged(*rows, ("order_lines", "unmatched", "item_id", 1, "4")))
    assert not to_mend(judged(*rows, ("reviews", "unmatched", "user_id", 9, "1, 2, 3")))
    assert to_mend(judged(*rows, ("reviews", "unmatched", "user_id", 10, "1, 2, 3")))


def test_a_key_that_repeats_must_be_mended():
    key = "order_id, item_id, line_number, copy_number"
    (what,) = to_mend(judged(("order_lines", "rows", "", 1000), ("order_lines", "repeated_key", key, 1, "7")))
    assert what.startswith(f"order_lines: 1 of 1,000 rows (0.1%) repeat {key}")


def test_times_out_of_any_range():
    row = ("order_lines", "nulls", "ordered_at", 0, None)
    size = ("order_lines", "rows", "", 10)
    assert to_mend(judged(size, (*row, "2020-01-01 00:00:00", "2024-12-31 00:00:00"))) == []
    assert to_mend(judged(size, (*row, "1970-01-01 00:00:00", "2026-01-01 00:00:00"))) == [
        "order_lines.ordered_at begins in 1970",
        "order_lines.ordered_at ends in the future",
    ]


def test_rejections_the_source_asked_for_do_not_stand_in_the_way():
    size = ("order_lines", "rows", "", 100)
    own = ("order_lines", "own_reason", "postage", 40)
    many = [
        ("order_lines", "rejected", reason, 20)
        for reason in ("postage", "cancelled_order", "unknown_product")
    ]
    assert to_mend(judged(size, own, *many)) == [
        "core would reject 20 of 100 rows (20.0%) of order_lines as unknown_product"
    ]
    everything = ("order_lines", "rejected", "postage", 100)
    assert to_mend(judged(size, own, everything)) == ["core would reject every row of order_lines"]


def test_a_view_without_rows():
    assert to_mend(judged(("items", "rows", "", 0))) == ["stg_mine__items has no row"]


def test_what_a_source_cannot_feed():
    found = without_findings(["order_lines"], CONTRACT)
    assert len(found) == len(CONTRACT) - 1
    assert to_mend(found) == ["no items: every order line is an unknown product, so deliver it"]


def test_a_placeholder_is_no_description():
    assert is_described("Stock code.")
    assert not any(map(is_described, ("", None, "Not described yet: sku of products.")))
