"""The look at the raw files before anything runs."""

import dataclasses
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dagster_defs.raw_files import RawTable, check_raw_files
from dagster_defs.settings import Settings, load_settings
from python_ml.errors import SettingError, SourceError

SALES = RawTable(
    "corner_shop", "sales", {"sale_id": "bigint", "price": "double", "sold_at": "timestamp"}, "sold_at"
)
STAFF = RawTable("corner_shop", "staff", {"name": "varchar"}, None)


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """Three sales on 1, 5 and 9 May, and one member of staff."""
    days = [datetime(2017, 5, day, 12) for day in (1, 5, 9)]
    pl.DataFrame(
        {"sale_id": [1, 2, 3], "price": [1.0, 2.0, None], "sold_at": days, "more": ["a", "b", "c"]}
    ).write_parquet(tmp_path / "sales.parquet", row_group_size=1)
    pl.DataFrame({"name": ["Ada"]}).write_parquet(tmp_path / "staff.parquet")
    return dataclasses.replace(load_settings({}), data=tmp_path)


def test_what_is_found(shop: Settings):
    sales, staff = check_raw_files([SALES, STAFF], shop)
    assert (sales.rows, sales.first_event, sales.last_event) == (
        3,
        datetime(2017, 5, 1, 12),
        datetime(2017, 5, 9, 12),
    )
    assert (staff.rows, staff.first_event, staff.size_bytes) == (
        1,
        None,
        (shop.data / "staff.parquet").stat().st_size,
    )


@pytest.mark.parametrize("as_of", [date(2017, 5, 2), date(2017, 5, 9), date(2017, 5, 10)])
def test_dates_with_an_event_before_them_are_good(shop: Settings, as_of: date):
    check_raw_files([SALES], dataclasses.replace(shop, as_of_date=as_of))


@pytest.mark.parametrize("as_of", [date(2017, 5, 1), date(2016, 1, 1), date(2017, 5, 11)])
def test_dates_outside_the_events_are_refused(shop: Settings, as_of: date):
    with pytest.raises(SettingError, match="from 2017-05-01 to 2017-05-09") as caught:
        check_raw_files([SALES], dataclasses.replace(shop, as_of_date=as_of))
    assert "2017-05-02 to 2017-05-10" in caught.value.remedy


def test_a_column_of_another_type_is_named(shop: Settings):
    wrong = dataclasses.replace(SALES, columns=SALES.columns | {"more": "double"})
    with pytest.raises(SourceError, match=r"'more' has type large_string, expected double"):
        check_raw_files([wrong], shop)


def test_damage_inside_a_page_is_found(shop: Settings):
    file = shop.data / "staff.parquet"
    content = bytearray(file.read_bytes())
    content[4:30] = b"\xff" * 26
    file.write_bytes(content)
    with pytest.raises(SourceError, match="not a readable parquet file") as caught:
        check_raw_files([STAFF], shop)
    assert caught.value.where == str(file)
