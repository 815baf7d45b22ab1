"""Wrong input: one clear message, a non-zero exit, and the warehouse as it was."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.shops import TestShop, copy_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one_shop(built_shop: TestShop, tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """One copy for all tests, for every one of them shows that nothing in it has changed."""
    folder = tmp_path_factory.mktemp("errors")
    return replace(copy_of(built_shop, folder / "var"), data=folder / "files")


@pytest.fixture
def shop(built_shop: TestShop, one_shop: TestShop) -> TestShop:
    """A built shop whose files may be spoiled."""
    shutil.rmtree(one_shop.data, ignore_errors=True)
    shutil.copytree(built_shop.data, one_shop.data)
    return one_shop


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def refused(shop: TestShop, *said: str, **settings: str) -> None:
    """The run stops with these words and one remedy, and changed neither file."""
    before = digest(shop.warehouse), digest(shop.published)
    done = shop.run(**settings)
    assert done.returncode == 1, done.stderr[-2000:]
    message = done.stderr[done.stderr.rindex("The run stopped") :]
    for words in said:
        assert words in message
    assert message.count("to do:") == message.count("where:") == 1
    assert "Traceback" not in message
    assert (digest(shop.warehouse), digest(shop.published)) == before


def test_missing_folder(shop: TestShop, tmp_path: Path):
    refused(
        shop,
        "the folder with the raw files is not there",
        str(tmp_path / "none"),
        SHOAL_DATA=str(tmp_path / "none"),
    )


def test_missing_file(shop: TestShop):
    (shop.data / "coupons.parquet").unlink()
    refused(shop, "no file for table", "coupons.parquet")


def test_missing_column(shop: TestShop):
    file = shop.data / "transactions.parquet"
    pl.read_parquet(file).drop("basket_id").write_parquet(file)
    refused(shop, "column 'basket_id' is missing", "transactions.parquet")


def test_wrong_type(shop: TestShop):
    file = shop.data / "transactions.parquet"
    pl.read_parquet(file).with_columns(pl.col("sales_value").cast(pl.String)).write_parquet(file)
    refused(shop, "column 'sales_value'", "expected double", "transactions.parquet")


def test_truncated_file(shop: TestShop):
    file = shop.data / "products.parquet"
    file.write_bytes(file.read_bytes()[:-500])
    refused(shop, "not a readable parquet file", "products.parquet")


def test_damaged_page(shop: TestShop):
    file = shop.data / "transactions.parquet"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = os.urandom(4000)
    file.write_bytes(content)
    refused(shop, "not a readable parquet file", "transactions.parquet")


def test_unknown_profile(shop: TestShop):
    refused(shop, "unknown profile 'fast'", SHOAL_PROFILE="fast")


@pytest.mark.parametrize("as_of", ["2031-01-01", "2016-12-31", "yesterday"])
def test_as_of_date_outside_the_data(shop: TestShop, as_of: str):
    refused(shop, as_of, "SHOAL_AS_OF_DATE", SHOAL_AS_OF_DATE=as_of)


def test_unknown_device(shop: TestShop):
    refused(shop, "'abacus'", SHOAL_DEVICE="abacus")


def test_unknown_source(shop: TestShop):
    refused(shop, "unknown source 'olive'", SHOAL_SOURCE="olive")


def test_held_warehouse(shop: TestShop):
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(shop.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        refused(shop, "another process holds the warehouse", f"PID {holder.pid}")
        holder.stdin.close()


def test_plain_dbt_refuses_an_as_of_date_outside_the_data(shop: TestShop):
    features = shop.table("features.user_features")
    done = shop.dbt("build", check=False, as_of_date="2031-01-01")
    assert done.returncode != 0
    assert "2031-01-01" in done.stdout
    assert shop.table("features.user_features").equals(features)
