"""The behaviour log of REES46: published counts, nothing lost, order does not matter, each rule alone."""

import gzip
from pathlib import Path

import duckdb
import pytest

from tests.shops import (
    CORE,
    TestShop,
    hashed,
    real_files,
    rows_in_raw_files,
    same_rows,
    same_when_it_grows,
    shop_of,
    split_and_shuffled,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rees46(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """The published rows, after a plain `dbt build`."""
    files = real_files("rees46")
    shop = TestShop(data=files, var=tmp_path_factory.mktemp("rees46"), source="rees46")
    assert " ERROR=0 " in shop.dbt("build", source="rees46").stdout
    return shop


def test_the_published_counts(rees46: TestShop):
    """The first 2 h 50 min of October 2019, counted by others; the rest counted in the file itself."""
    raw = f"read_csv('{rees46.data}/*.csv.gz', all_varchar = true)"
    with duckdb.connect() as connection:
        rows, users, sessions, items = connection.sql(
            "select count(*), count(distinct user_id), count(distinct user_session),"
            f" count(distinct product_id) from {raw}"
        ).fetchone()
        types = dict(connection.sql(f"select event_type, count(*) from {raw} group by 1").fetchall())
        kinds = connection.sql(
            f"select event_type, count(*) from (select distinct * from {raw}) group by 1 order by 1"
        ).fetchall()
        (buyers,) = connection.sql(
            f"select count(distinct user_session) from {raw} where event_type = 'purchase'"
        ).fetchone()
    assert (rows, users, sessions) == (17_434, 4_504, 5_066)
    assert types == {"view": 17_055, "cart": 165, "purchase": 214}

    def count(what: str) -> int:
        return rees46.query(f"select count(*) from {what}")[0][0]

    assert rows_in_raw_files(rees46) == {"log": rows}
    assert count("staging.stg_shop__events") == types["view"] + types["cart"]
    assert count("staging.stg_shop__order_lines") == types["purchase"]
    assert rees46.query("select event_type, count(*) from core.events group by 1 order by 1") == kinds
    assert count("core.rejected_rows where reason_code = 'exact_duplicate'") == rows - sum(
        dict(kinds).values()
    )
    assert count("core.events") + count("core.rejected_rows") == rows
    assert count("core.users") == users
    assert count("core.items") == items
    # An order is the session it was placed in, so the views before it and the order are one session.
    assert count("core.sessions") == sessions
    assert count("core.orders") == count("core.sessions where is_converted") == buyers


def test_no_cent_is_lost(rees46: TestShop):
    raw = f"read_csv('{rees46.data}/*.csv.gz', all_varchar = true)"
    with duckdb.connect() as connection:
        (total,) = connection.sql(
            f"select sum(price::decimal(18, 2)) from {raw} where event_type = 'purchase'"
        ).fetchone()
    kept = rees46.query(
        "select (select sum(sales_amount) from core.order_lines)"
        " + (select coalesce(sum(amount), 0) from core.rejected_rows)"
    )[0][0]
    assert kept == total


def test_no_copy_of_the_log_is_kept(rees46: TestShop):
    """The staging models are views: the numbers of users stay in the file."""
    assert [table for table in rees46.tables("staging") if "rees46" in table or "shop" in table] == []


def test_twice_is_once(rees46: TestShop):
    first = {table: rees46.table(f"core.{table}") for table in CORE}
    rees46.dbt_tables(source="rees46")
    for table, frame in first.items():
        same_rows(frame, rees46.table(f"core.{table}"), table)


def test_a_delivery_at_a_time_in_any_order_is_all_at_once(rees46: TestShop, tmp_path: Path):
    (packed,) = rees46.data.glob("*.csv.gz")
    log = gzip.decompress(packed.read_bytes()).decode()
    first, rest = split_and_shuffled(log, seed=7, time_column="event_time")
    same_when_it_grows(rees46, tmp_path, {"2019-Oct.csv": first}, {"2019-Nov.csv": rest})


LOG = '''\
event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-10-01 00:00:00 UTC,view,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:00:00 UTC,view,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:01:00 UTC,cart,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:02:00 UTC,remove_from_cart,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:03:00 UTC,purchase,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:03:00 UTC,purchase,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:03:03 UTC,purchase,10,1,electronics.audio.music_tools.piano,casio,99.90,7,morning
2019-10-01 00:04:00 UTC,purchase,11,2,appliances.environment.water_heater,,33.20,7,morning
2019-10-01 00:05:00 UTC,purchase,11,2,appliances.environment.water_heater,,33.20,8,morning
2019-10-01 00:06:00 UTC,purchase,12,3,electronics.smartphone,apple,0.00,8,evening
2019-10-01 00:06:30 UTC,purchase,12,3,electronics.smartphone,apple,900.00,8,
2019-10-01 00:07:00 UTC,purchase,12,3,electronics.smartphone,apple,many,8,evening
yesterday,purchase,12,3,electronics.smartphone,apple,900.00,8,evening
2019-10-01 00:08:00 UTC,purchase,,3,,,5.00,8,evening
2019-10-01 00:09:00 UTC,view,12,3,electronics.smartphone,apple,0.00,9,noon
2019-10-01 00:09:01 UTC,view,13,4,,stanley,1.00,9,noon
2019-10-01 00:09:02 UTC,view,13,4,,,3.00,9,noon
2019-10-01 00:09:03 UTC,view,14,5,,,2.00,9,noon
2019-10-01 00:09:04 UTC,wink,14,5,,,2.00,9,noon
2019-10-01 00:09:05 UTC,view,14,5,,,2.00,,noon
tomorrow,view,14,5,,,2.00,9,noon
2019-10-01 00:09:06 UTC,view,15,6,"kids.toys","Ma ""P""",4.00,9,noon
'''


def test_each_rule_on_a_line_of_its_own(tmp_path: Path):
    shop = shop_of(tmp_path, "rees46", {"2019-Oct.csv": LOG})
    shop.dbt_build(source="rees46")
    rejected = shop.query(
        "select table_name, reason_code, amount::varchar from core.rejected_rows order by all"
    )
    assert rejected == [
        ("events", "exact_duplicate", "0.00"),
        ("events", "missing_user", "0.00"),
        ("events", "unknown_event_type", "0.00"),
        ("events", "unreadable_time", "0.00"),
        ("order_lines", "exact_duplicate", "99.90"),
        ("order_lines", "missing_order", "900.00"),
        ("order_lines", "non_positive_price", "0.00"),
        ("order_lines", "unknown_product", "5.00"),
        ("order_lines", "unreadable_amount", "0.00"),
        ("order_lines", "unreadable_time", "900.00"),
    ]
    # One order a session, which core knows by its hash; its second buyer has an order of their own.
    morning = hashed("morning")
    assert shop.query(
        "select order_id, item_id, quantity, sales_amount::varchar, ordered_at::varchar"
        " from core.order_lines order by ordered_at"
    ) == [
        (morning, "10", 1, "99.90", "2019-10-01 00:03:00"),
        (morning, "10", 1, "99.90", "2019-10-01 00:03:03"),
        (morning, "11", 1, "33.20", "2019-10-01 00:04:00"),
        (f"{morning}-2", "11", 1, "33.20", "2019-10-01 00:05:00"),
    ]
    assert shop.query("select user_id from staging.stg_rees46__users order by 1") == [("7",), ("8",), ("9",)]
    assert shop.query(
        "select event_type, item_id, price_amount::varchar, occurred_at::varchar"
        " from staging.stg_rees46__events where user_id = '7' and copy_number = 1 order by occurred_at"
    ) == [
        ("view", "10", "99.90", "2019-10-01 00:00:00"),
        ("cart", "10", "99.90", "2019-10-01 00:01:00"),
        ("remove_from_cart", "10", "99.90", "2019-10-01 00:02:00"),
    ]
    # 0.00 is no price; a price that was known stays known, and so does a brand.
    assert shop.query(
        "select item_id, title, text, category_path, department, category, item_type, brand,"
        " price_amount::varchar, is_described from staging.stg_rees46__items order by 1"
    ) == [
        (
            "10",
            "Casio piano",
            "Piano by Casio, in electronics, audio, music tools.",
            "Electronics > Audio > Music tools > Piano",
            "Electronics",
            "Audio",
            "Piano",
            "casio",
            "99.90",
            True,
        ),
        (
            "11",
            "Water heater",
            "Water heater, in appliances, environment.",
            "Appliances > Environment > Water heater",
            "Appliances",
            "Environment",
            "Water heater",
            None,
            "33.20",
            True,
        ),
        (
            "12",
            "Apple smartphone",
            "Smartphone by Apple, in electronics.",
            "Electronics > Smartphone",
            "Electronics",
            "Smartphone",
            None,
            "apple",
            "900.00",
            True,
        ),
        ("13", "Stanley", "An item by Stanley.", None, "Unknown", None, None, "stanley", "3.00", True),
        ("14", "Item 14", "An item.", None, "Unknown", None, None, None, "2.00", False),
        (
            "15",
            'Ma "p" toys',
            'Toys by Ma "p", in kids.',
            "Kids > Toys",
            "Kids",
            "Toys",
            None,
            'ma "p"',
            "4.00",
            True,
        ),
    ]
