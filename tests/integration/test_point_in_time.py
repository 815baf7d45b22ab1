"""Nothing from the future: what happens on or after as_of_date changes no feature row."""

import shutil
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.shops import TestShop

pytestmark = pytest.mark.slow
AS_OF = date(2017, 9, 15)
MIDNIGHT = datetime(2017, 9, 15)
FEATURES = (
    "user_features",
    "user_department_features",
    "user_attributes",
    "item_features",
    "interactions",
    "item_texts",
    "user_ages",
    "as_of_dates",
)
EVENT_TIMES = {"transactions": "transaction_timestamp", "coupon_redemptions": "redemption_date"}


def rewritten(files: Path, folder: Path, change) -> Path:
    """A copy of the raw files in which `change` was applied to every event on or after AS_OF."""
    shutil.copytree(files, folder)
    for table, column in EVENT_TIMES.items():
        frame = pl.read_parquet(files / f"{table}.parquet")
        past, future = frame.filter(pl.col(column) < MIDNIGHT), frame.filter(pl.col(column) >= MIDNIGHT)
        assert future.height > 0
        pl.concat([past, change(table, column, future)]).write_parquet(folder / f"{table}.parquet")
    return folder


def delete_all_but_one(_table: str, _column: str, future: pl.DataFrame) -> pl.DataFrame:
    return future.head(1)  # one event stays, so that AS_OF is still inside the data


def move_and_rewrite(table: str, column: str, future: pl.DataFrame) -> pl.DataFrame:
    """Later, by other users, and much more expensive."""
    moved = future.with_columns(pl.col(column).dt.offset_by("20d"), pl.col("household_id").reverse())
    return moved.with_columns(pl.col("sales_value") * 100) if table == "transactions" else moved


def features(files: Path, var: Path) -> dict[str, pl.DataFrame]:
    shop = TestShop(data=files, var=var)
    shop.dbt_tables("--select", "+features", as_of_date=AS_OF.isoformat())
    return {name: shop.table(f"features.{name}") for name in FEATURES}


@pytest.fixture(scope="module")
def expected(small_files: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return features(small_files, tmp_path_factory.mktemp("as_it_was"))


@pytest.mark.parametrize("change", [delete_all_but_one, move_and_rewrite])
def test_the_future_changes_no_feature_row(expected, small_files: Path, tmp_path: Path, change):
    changed = features(rewritten(small_files, tmp_path / "files", change), tmp_path / "var")
    for name, frame in expected.items():
        columns = [column for column in frame.columns if column not in ("first_event_at", "last_event_at")]
        left, right = frame.select(columns), changed[name].select(columns)
        assert_frame_equal(left.sort(columns), right.sort(columns), rel_tol=1e-12)


def test_the_past_does_change_them(expected, small_files: Path, tmp_path: Path):
    """The test above can fail: the same change before AS_OF is seen."""
    shutil.copytree(small_files, tmp_path / "files")
    frame = pl.read_parquet(small_files / "transactions.parquet")
    cheaper = (
        pl.when(pl.col("transaction_timestamp") < MIDNIGHT)
        .then(pl.col("sales_value") / 2)
        .otherwise("sales_value")
    )
    frame.with_columns(sales_value=cheaper).write_parquet(tmp_path / "files" / "transactions.parquet")
    changed = features(tmp_path / "files", tmp_path / "var")
    assert (
        changed["user_features"]["monetary_amount"].sum()
        < 0.6 * expected["user_features"]["monetary_amount"].sum()
    )


def test_features_end_where_they_say(expected):
    assert expected["interactions"]["interacted_at"].max() < MIDNIGHT
    assert expected["as_of_dates"]["as_of_date"].to_list() == [AS_OF]
    assert expected["user_features"]["recency_days"].min() >= 0
