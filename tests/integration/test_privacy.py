"""Shops full of people, all made up: none of them is found again in anything that a run leaves behind."""

import csv
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from python_ml.privacy.pseudonym import pads, pseudonym
from tests.scan import found_in
from tests.shops import ROOT, TEST_KEY, TestShop, hashed

pytestmark = pytest.mark.slow

CUSTOMERS = [f"Jane.Doe{number}@Example.org" for number in range(101, 141)]
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


@pytest.fixture(scope="module")
def shop_of_people(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """A gift shop whose customer numbers are e-mail addresses, after one whole run."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "files").mkdir()
    with (folder / "files" / "invoices.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "InvoiceNo",
                "StockCode",
                "Description",
                "Quantity",
                "InvoiceDate",
                "UnitPrice",
                "CustomerID",
                "Country",
            ]
        )
        writer.writerows(_invoice_lines())
    shop = TestShop(data=folder / "files", var=folder / "var", source="online_retail")
    done = shop.run()
    assert done.returncode == 0, done.stderr[-4000:]
    return shop


def _invoice_lines() -> Iterator[list]:
    """Thirty weeks, then lines that are rejected.

    Four groups of customers each go through twelve gifts of their own, a new one every four weeks, some
    customers ahead of others, and buy anything now and then: enough for the recommender to learn something,
    without which no run ends well.
    """
    chance = random.Random(5)
    for number, customer in enumerate(CUSTOMERS):
        group, head_start = number % 4, number // 4 % 3
        for week in range(30):
            day = date(2011, 1, 3) + timedelta(days=7 * week + number % 7)
            for step in range(3):
                in_turn = 12 * group + week // 4 + head_start + step
                item = in_turn if chance.random() < 0.8 else chance.randrange(400)
                name = f"{('TIN', 'PAPER', 'WOOD', 'GLASS')[item // 12 % 4]} GIFT NUMBER {item}"
                time = f"{day} 10:0{step}:00"
                yield [f"{week}{number:03}", f"{item:05}A", name, 1 + step, time, "2.50", customer, "France"]
    first, second, third, fourth = CUSTOMERS[:4]
    yield ["900001", "00001A", "GIFT", "many", "2011-03-01 10:00:00", "2.50", first, "France"]
    yield ["900002", "00001A", "GIFT", "1", "the other day", "2.50", second, "France"]
    yield ["900003", "POST", "POSTAGE", "1", "2011-03-01 10:00:00", "2.50", third, "France"]
    yield ["C900004", "00001A", "GIFT", "-1", "2011-03-01 10:00:00", "2.50", fourth, "France"]


def test_no_customer_is_left_in_a_table_log_or_state_file(shop_of_people: TestShop):
    assert shop_of_people.query("select count(*) from core.users") == [(len(CUSTOMERS),)]
    assert len(shop_of_people.query("select distinct reason_code from core.rejected_rows")) >= 3
    assert found_in(shop_of_people, CUSTOMERS) == []


def test_neither_the_key_nor_its_pads_are_left(shop_of_people: TestShop):
    spellings = [spelling for pad in pads(TEST_KEY.encode()) for spelling in (pad.hex(), repr(pad)[2:-1])]
    assert found_in(shop_of_people, [TEST_KEY, TEST_KEY.encode().hex(), *spellings]) == []


def test_a_shop_finds_its_customers_again(shop_of_people: TestShop):
    users = {user_id for (user_id,) in shop_of_people.query("select user_id from core.users")}
    assert users == {hashed(customer) for customer in CUSTOMERS}
    told = subprocess.run(
        [sys.executable, "-m", "dagster_defs.pseudonyms"],
        input="\n".join(CUSTOMERS),
        cwd=ROOT,
        env=shop_of_people.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert dict(line.split("\t") for line in told.splitlines()) == {name: hashed(name) for name in CUSTOMERS}


def test_the_search_finds_what_is_there(shop_of_people: TestShop, tmp_path: Path):
    """A customer in a table, in a view's SQL, in a published copy and in a log."""
    shutil.copytree(shop_of_people.var, tmp_path / "var")
    shop = TestShop(data=shop_of_people.data, var=tmp_path / "var", source="online_retail")
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute(
            "create table features.leak as select 1 as a, ['x', 'jane.doe101@example.org'] as b"
        )
        connection.execute("create view core.leaking as select 'jane.doe102@example.org' as user_id")
    with duckdb.connect(shop.published) as connection:
        connection.execute("create table serving.leak as select {'id': 'JANE.DOE103@example.org'} as b")
    (shop.var / "dagster" / "some.log").write_bytes(b"\0\1read jane.doe104@example.org\n")
    found = found_in(shop, CUSTOMERS)
    for place in (
        "jane.doe101@example.org in table features.leak of warehouse.duckdb",
        "jane.doe102@example.org in view leaking of warehouse.duckdb",
        "jane.doe103@example.org in table serving.leak of published.duckdb",
        "jane.doe104@example.org in file some.log",
    ):
        assert place in found
    with pytest.raises(ValueError, match="0 values"):
        found_in(shop, [])


def test_another_key_on_the_same_warehouse_stops_before_anything_is_built(
    shop_of_people: TestShop, tmp_path: Path
):
    shutil.copytree(shop_of_people.var, tmp_path / "var")
    shop = TestShop(data=shop_of_people.data, var=tmp_path / "var", source="online_retail")
    before = shop.table("core.users")
    other = {"SHOAL_PSEUDONYM_KEY": "another key, as long as a key has to be"}
    done = shop.dbt_tables(check=False, environment=other, source="online_retail")
    assert done.returncode != 0
    assert "not the one that" in done.stdout
    part = shop.dbt(
        "run", "--full-refresh", "-s", "users", check=False, environment=other, source="online_retail"
    )
    assert "not the one that" in part.stdout
    assert shop.table("core.users").equals(before)
    shop.dbt_tables("--full-refresh", environment=other, source="online_retail")
    users = {user_id for (user_id,) in shop.query("select user_id from core.users")}
    assert users == {pseudonym(other["SHOAL_PSEUDONYM_KEY"].encode(), customer) for customer in CUSTOMERS}
    shop.dbt_tables(environment=other, source="online_retail")


# The shop contract at its widest: a platform that delivers raw values in every column that has a mark.
FILES = {
    "users": [
        {"user_id": "Ann.Archer@example.org", "country": "France", "location_id": "75011"},
        {"user_id": "王芳-13800138000", "country": "China", "location_id": "100020"},
    ],
    "locations": [
        {"location_id": "75011", "city": "Ｐａｒｉｓ", "latitude": "48.85837", "longitude": "2.37941"},
        {"location_id": "100020", "city": "北京 &amp; 朝阳", "latitude": "-39.9163", "longitude": "116.3972"},
    ],
    "items": [
        {"item_id": "mug", "title": "Mug &amp; <b>saucer</b>", "description": "Ｎｅｗ<br/>mug",
         "brand": "  "},
    ],
    "order_lines": [
        {"order_id": "o1", "user_id": "Ann.Archer@example.org", "item_id": "mug", "quantity": "1",
         "sales_amount": "4.00", "ordered_at": "2024-05-01 10:00:00"},
        {"order_id": "o2", "user_id": "王芳-13800138000", "item_id": "mug", "quantity": "2",
         "sales_amount": "8.00", "ordered_at": "2024-05-02 10:00:00"},
    ],
    "events": [
        {"event_key": "Ann.Archer@example.org|mug|1", "user_id": "Ann.Archer@example.org",
         "visitor_id": "browser-of-ann-4711", "session_id": "session-of-ann-4712", "item_id": "mug",
         "query": "gift for ben.baker@example.org", "event_type": "search",
         "occurred_at": "2024-05-01 09:00:00"},
        {"event_key": "browser-of-nobody|mug|1", "visitor_id": "browser-of-nobody", "item_id": "mug",
         "event_type": "view", "occurred_at": "2024-05-01 09:00:00"},
    ],
    "reviews": [
        {"review_id": "review-by-Ann.Archer@example.org", "user_id": "Ann.Archer@example.org",
         "item_id": "mug", "title": "Call&#32;<i>(212) 555-0147</i>",
         "body": "Write to&nbsp;ann.archer＠example.org, size 38",
         "rating": "5", "reviewed_at": "2024-05-03 09:00:00"},
        {"review_id": "r2", "user_id": "王芳-13800138000", "item_id": "mug", "title": "好",
         "body": "加我微信wangfang1990，电话１３８００１３８０００", "rating": "4",
         "reviewed_at": "2024-05-04 09:00:00"},
    ],
    "support_messages": [
        {"message_id": "message-of-ann-4713", "conversation_id": "ticket-of-ann-4714",
         "user_id": "Ann.Archer@example.org", "subject": "Refund to GB82 WEST 1234 5698 7654 32",
         "body": "My card 4111 1111 1111 1111 was charged 12.50 twice. Ann, @ann_archer99",
         "sent_at": "2024-05-05 09:00:00"},
    ],
    "identities": [
        {"visitor_id": "browser-of-ann-4711", "user_id": "Ann.Archer@example.org",
         "linked_at": "2024-05-01 09:30:00"},
    ],
}  # fmt: skip
RAW_VALUES = [
    *("Ann.Archer@example.org", "王芳", "13800138000", "browser-of-ann-4711", "session-of-ann-4712"),
    *("ben.baker@example.org", "555-0147", "wangfang1990", "message-of-ann-4713", "ticket-of-ann-4714"),
    *("GB82 WEST", "4111 1111", "ann_archer99", "browser-of-nobody", "48.85837", "116.3972"),
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """That platform's adapter in a copy of the project, after `dbt build`."""
    folder = tmp_path_factory.mktemp("platform")
    for part in ("models", "macros", "seeds", "profiles", "tests/dbt"):
        shutil.copytree(ROOT / part, folder / "project" / part)
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    project["vars"]["adapters"]["platform"] = {"currency": "EUR", "time_zone": "UTC", "tables": list(FILES)}
    (folder / "project" / "dbt_project.yml").write_text(yaml.safe_dump(project))
    adapter = folder / "project" / "models" / "staging" / "platform"
    adapter.mkdir()
    for table, rows in FILES.items():
        raw = folder / f"{table}.csv"
        names = list(dict.fromkeys(name for row in rows for name in row))
        with raw.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        # Read by macros/canonical.sql as it stands: the adapter itself does nothing about privacy.
        (adapter / f"stg_platform__{table}.sql").write_text(
            f"select * from read_csv('{raw}', all_varchar = true)"
        )
    shop = TestShop(data=folder, var=folder / "var", source="platform")
    arguments = ("build", "--exclude-resource-type", "unit_test", "--project-dir", str(folder / "project"))
    shop.dbt(*arguments, source="platform")
    return shop


def test_every_mark_of_the_contract_is_kept_for_a_source_that_does_nothing(platform: TestShop):
    with platform.opened() as connection:

        def rows(sql: str) -> list[tuple]:
            return connection.sql(sql).fetchall()

        ann, fang = hashed("Ann.Archer@example.org"), hashed("王芳-13800138000")
        assert rows("select user_id from staging.stg_shop__users order by country desc") == [(ann,), (fang,)]
        assert rows(
            "select city, latitude, longitude from staging.stg_shop__locations order by latitude"
        ) == [
            ("北京 & 朝阳", -39.9, 116.4),
            ("Paris", 48.9, 2.4),
        ]
        assert rows("select title, description, brand, department from staging.stg_shop__items") == [
            ("Mug & saucer", "New mug", None, "Unknown")
        ]
        assert rows(
            "select event_key, user_id, visitor_id, session_id, query from staging.stg_shop__events"
        ) == [
            (
                *(hashed("Ann.Archer@example.org|mug|1"), ann, hashed("browser-of-ann-4711")),
                *(hashed("session-of-ann-4712"), "gift for [email]"),
            ),
            (hashed("browser-of-nobody|mug|1"), None, hashed("browser-of-nobody"), None, None),
        ]
        assert rows("select user_id, title, body from staging.stg_shop__reviews order by rating desc") == [
            (ann, "Call [phone]", "Write to [email], size 38"),
            (fang, "好", "加我微信[handle],电话[phone]"),
        ]
        assert rows(
            "select conversation_id, user_id, subject, body from staging.stg_shop__support_messages"
        ) == [
            (
                *(hashed("ticket-of-ann-4714"), ann, "Refund to [iban]"),
                "My card [card] was charged 12.50 twice. Ann, [handle]",
            )
        ]
        assert rows("select visitor_id, user_id from staging.stg_shop__identities") == [
            (hashed("browser-of-ann-4711"), ann)
        ]


def test_nothing_raw_of_the_platform_is_left(platform: TestShop):
    assert platform.query("select count(*) from core.users") == [(2,)]
    assert found_in(platform, RAW_VALUES) == []


def test_without_a_key_plain_dbt_warns_and_makes_one(tmp_path: Path):
    shop = TestShop(data=tmp_path, var=tmp_path / "var", source="online_retail")
    keyless = {"SHOAL_VAR": str(shop.var)}
    arguments = ("show", "--inline", "select {{ pseudonym(\"'17850'\") }} as user_id", "--output", "json")
    first = shop.dbt(*arguments, environment=keyless, without_key=True)
    key_file = shop.var / "pseudonym.key"
    assert "SHOAL_PSEUDONYM_KEY is not set" in first.stdout
    assert str(key_file) in first.stdout
    key = key_file.read_text().strip()
    assert pseudonym(key.encode(), "17850") in first.stdout
    assert found_in(shop, [key]) == [f"{key} in file pseudonym.key"]
    assert key not in first.stdout + first.stderr
    assert os.environ.get("SHOAL_PSEUDONYM_KEY") is None
