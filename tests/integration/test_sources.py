"""Every source on its published files: counts that others have printed, nothing lost, order does not matter.

The files are not part of the project: name the folder that holds them in SHOP_TEST_DATA, a folder a source.
"""

import gzip
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.shops import (
    CORE,
    TestShop,
    hashed,
    real_files,
    same_rows,
    same_when_it_grows,
    shop_of,
    split_and_shuffled,
    two_parts,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def online_retail(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """The whole British gift shop, after a plain `dbt build`."""
    files = real_files("online_retail")
    shop = TestShop(data=files, var=tmp_path_factory.mktemp("online_retail"), source="online_retail")
    built = shop.dbt("build", source="online_retail")
    assert " ERROR=0 " in built.stdout
    return shop


def test_the_grocer_has_the_published_counts(real_shop: TestShop):
    real_shop.dbt_tables()
    assert real_shop.query(
        "select (select count(*) from core.order_lines) +"
        " (select count(*) from core.rejected_rows where table_name = 'order_lines')"
    ) == [(1_469_307,)]
    assert real_shop.query("select count(*) from core.items") == [(92_331,)]
    assert real_shop.query("select count(*) from core.users") == [(2_469,)]


def test_online_retail_has_the_published_counts(online_retail: TestShop):
    """Lines, customers and guest lines as others print them; the rest counted in the file itself."""
    raw = (
        f"read_csv('{online_retail.data}/*.csv.gz', header = false, skip = 1, all_varchar = true,"
        " names = ['invoice', 'code', 'name', 'quantity', 'at', 'price', 'customer', 'country'])"
    )
    with duckdb.connect() as connection:
        lines, customers, guests = connection.sql(
            f"select count(*), count(distinct customer), count(*) - count(customer) from {raw}"
        ).fetchone()
        (distinct,) = connection.sql(f"select count(*) from (select distinct * from {raw})").fetchone()
        (returned,) = connection.sql(f"select count(*) from {raw} where invoice like 'C%'").fetchone()
        (returned_once,) = connection.sql(
            f"select count(*) from (select distinct * from {raw}) where invoice like 'C%'"
            " and upper(code) not in"
            " ('POST', 'DOT', 'M', 'C2', 'D', 'S', 'BANK CHARGES', 'AMAZONFEE', 'CRUK')"
        ).fetchone()
    assert (lines, customers, guests, lines - distinct, returned) == (541_909, 4_372, 135_080, 5_268, 9_288)

    def count(what: str) -> int:
        return online_retail.query(f"select count(*) from {what}")[0][0]

    assert count("staging.stg_shop__order_lines") == lines
    assert count("staging.stg_shop__order_lines where user_id is null") == guests
    assert count("core.users") == customers
    assert count("core.rejected_rows where reason_code = 'exact_duplicate'") == lines - distinct
    assert count("staging.stg_shop__order_lines where is_return") == returned
    assert count("core.order_returns") == returned_once
    assert count("core.order_lines") + count("core.order_returns") + count("core.rejected_rows") == lines


def test_online_retail_loses_no_penny(online_retail: TestShop):
    """The raw file's own sum, line by line to the penny, against what was kept, sent back and rejected."""
    raw = (
        f"read_csv('{online_retail.data}/*.csv.gz', header = false, skip = 1, all_varchar = true,"
        " names = ['invoice', 'code', 'name', 'quantity', 'at', 'price', 'customer', 'country'])"
    )
    with duckdb.connect() as connection:
        (total,) = connection.sql(
            f"select sum(round(quantity::bigint * price::decimal(18, 3), 2)::decimal(18, 2)) from {raw}"
        ).fetchone()
    kept = online_retail.query(
        "select (select sum(sales_amount) from core.order_lines)"
        " - (select sum(refund_amount) from core.order_returns)"
        " + (select sum(amount) from core.rejected_rows)"
    )[0][0]
    assert kept == total


def test_online_retail_twice_is_once(online_retail: TestShop):
    first = {table: online_retail.table(f"core.{table}") for table in CORE}
    online_retail.dbt_tables(source="online_retail")
    for table, frame in first.items():
        same_rows(frame, online_retail.table(f"core.{table}"), table)


def test_online_retail_a_delivery_at_a_time_is_all_at_once(online_retail: TestShop, tmp_path: Path):
    """In another order, and the second file with the second edition's names."""
    (packed,) = online_retail.data.glob("*.csv.gz")
    first, rest = split_and_shuffled(gzip.decompress(packed.read_bytes()).decode(), seed=7)
    second_edition = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    rest = second_edition + rest.partition("\n")[2]
    same_when_it_grows(online_retail, tmp_path, {"two.csv": first}, {"three.csv": rest})


def test_complete_journey_a_delivery_at_a_time_is_all_at_once(small_files: Path, tmp_path: Path):
    """In another order; each table is one file, which grows."""
    shop = TestShop(data=small_files, var=tmp_path / "var")
    shop.dbt_tables(source=shop.source)
    first, whole = {}, {}
    for file in small_files.glob("*.parquet"):
        frame = pl.read_parquet(file)
        some, others = two_parts(frame.height, seed=7)
        first[file.name], whole[file.name] = frame[some], frame[others + some]
    same_when_it_grows(shop, tmp_path, first, whole)


MADE_UP = '''\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,85123A,WHITE  HEART,6,2011-06-01 08:26:00,2.55,17850.0,United Kingdom
1,85123A,WHITE  HEART,6,2011-06-01 08:26:00,2.55,17850.0,United Kingdom
1,85123A,WHITE  HEART,1,2011-06-01 08:26:00,2.95,17850.0,United Kingdom
1,POST,POSTAGE,1,2011-06-01 08:26:00,18.00,17850.0,United Kingdom
2,85123a,damaged,-4,2011-06-02 09:00:00,0,,United Kingdom
3,71053,,1,2011-06-03 10:00:00,0,17851.0,France
4,71053,LANTERN,2,01/13/2011 10:30,3.39,,France
5,71053,LANTERN,many,2011-06-05 10:00:00,3.39,17851.0,France
6,71053,LANTERN,1,the day before,3.39,17851.0,France
C7,85123A,WHITE  HEART,-2,2011-06-07 10:00:00,2.55,17850.0,United Kingdom
8,71053,"LANTERN, ""RED""",1,2011-06-08 10:00:00,3.39,17851.0,France
'''


def test_each_rule_on_a_line_of_its_own(tmp_path: Path):
    shop = shop_of(tmp_path, "online_retail", {"made_up.csv": MADE_UP})
    shop.dbt_build(source="online_retail")
    rejected = shop.query("select payload ->> 'order_id', reason_code from core.rejected_rows order by all")
    assert rejected == [
        ("1", "exact_duplicate"),
        ("1", "not_a_product"),
        ("2", "stock_adjustment"),
        ("3", "non_positive_price"),
        ("5", "unreadable_quantity"),
        ("6", "unreadable_time"),
    ]
    # June is British Summer Time, an hour ahead of UTC; January is not.
    assert shop.query(
        "select order_id, item_id, user_id, quantity, sales_amount::varchar, ordered_at::varchar"
        " from core.order_lines order by all"
    ) == [
        ("1", "85123A", hashed("17850"), 1, "2.95", "2011-06-01 07:26:00"),
        ("1", "85123A", hashed("17850"), 6, "15.30", "2011-06-01 07:26:00"),
        ("4", "71053", None, 2, "6.78", "2011-01-13 10:30:00"),
        ("8", "71053", hashed("17851"), 1, "3.39", "2011-06-08 09:00:00"),
    ]
    assert shop.query(
        "select return_order_id, order_returns.quantity, refund_amount::varchar, order_lines.quantity"
        " from core.order_returns join core.order_lines using (order_line_id)"
    ) == [("C7", 2, "5.10", 6)]
    assert shop.query("select item_id, title, is_described from core.items order by 1") == [
        ("71053", "Lantern", True),
        ("85123A", "White heart", True),
    ]
    assert shop.query("select user_id, country from core.users order by country desc") == [
        (hashed("17850"), "United Kingdom"),
        (hashed("17851"), "France"),
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("item_id varchar", "lacks the column 'title'"),
        (
            "item_id varchar, title varchar, titel varchar",
            "has a column 'titel' that the shop contract does not",
        ),
    ],
)
def test_a_view_that_breaks_the_shop_contract_is_named(tmp_path: Path, columns: str, said: str):
    shop = shop_of(tmp_path, "online_retail", {"made_up.csv": MADE_UP})
    shop.folder.mkdir(parents=True)
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute(
            f"create schema staging; create table staging.stg_online_retail__items ({columns})"
        )
    done = shop.dbt("compile", "--select", "stg_shop__items", check=False, source="online_retail")
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert said in told
    assert "stg_online_retail__items" in told
    assert "_shop__models.yml" in told
