"""Guesses by name and value: which table a file is, which column is which, how times are written."""

from pathlib import Path

import pytest

from dagster_defs.column_guesses import (
    COMPOSABLE,
    NOUNS,
    SIGNATURES,
    SYNONYMS,
    guess_tables,
    is_personal,
    is_utc,
    spelled,
    time_format,
)
from dagster_defs.raw_samples import RawSample
from dagster_defs.shop_contract import shop_contract

CONTRACT = shop_contract()


def sample(name: str, /, **values: str) -> RawSample:
    """A raw table with one value a column; spaces in a column's name are written as two underscores."""
    named = {column.replace("__", " "): [value] for column, value in values.items()}
    return RawSample(
        name=name,
        paths=(Path(f"{name}.csv"),),
        file_format="csv",
        columns=dict.fromkeys(named, "varchar"),
        values=named,
    )


def guessed(*samples: RawSample) -> dict[str, dict[str, str]]:
    return {guess.table.name: dict(guess.columns) for guess in guess_tables(samples, CONTRACT)}


def test_every_name_known_here_is_one_of_the_contract():
    columns = {column for table in CONTRACT.values() for column in table.columns}
    assert set(NOUNS) | set(SYNONYMS) | set(COMPOSABLE) <= columns
    assert set(SIGNATURES) == set(CONTRACT)
    for table, groups in SIGNATURES.items():
        assert set(" ".join(groups).split()) - {"price_amount", "ordered_at", "user_id"} <= set(
            CONTRACT[table].columns
        ), table


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("CustomerID", "customer_id"),
        ("Customer ID", "customer_id"),
        ("customer-id", "customer_id"),
        ("SKU", "sku"),
        ("unixReviewTime", "unix_review_time"),
        ("下单 时间", "下单_时间"),
    ],
)
def test_one_spelling(raw: str, name: str):
    assert spelled(raw) == name


@pytest.mark.parametrize(
    "raw", ["e-mail", "Email", "First Name", "CustomerName", "reviewerName", "Street", "phone_no"]
)
def test_personal_columns(raw: str):
    assert is_personal(raw)


@pytest.mark.parametrize(
    "raw", ["Straße", "Geburtsdatum", "Prénom", "teléfono", "姓名", "收货地址", "手机号"]
)
def test_personal_columns_in_other_languages(raw: str):
    assert is_personal(raw)


@pytest.mark.parametrize(
    "raw", ["name", "product_name", "ship", "zip", "description", "campaign_name", "商品名称", "Größe"]
)
def test_columns_that_are_not_personal(raw: str):
    assert not is_personal(raw)


@pytest.mark.parametrize(
    ("value", "how"),
    [
        ("2024-12-31", "iso"),
        ("2024-12-31 23:59:00 UTC", "iso"),
        ("2024-12-31T23:59:00Z", "iso"),
        ("12/31/2024 23:59", "%m/%d/%Y %H:%M"),
        ("31/12/2024 23:59", "%d/%m/%Y %H:%M"),
        ("31.12.2024", "%d.%m.%Y"),
        ("20241231", "%Y%m%d"),
        ("2024/3/5 9:07", "%Y/%m/%d %H:%M"),
        ("2024年3月5日", "%Y年%m月%d日"),
        ("1733000000", "unix_seconds"),
        ("1733000000000", "unix_milliseconds"),
        ("soon", None),
        ("12.50", None),
    ],
)
def test_how_times_are_written(value: str, how: str | None):
    assert time_format([value, ""]) == how


def test_one_format_must_read_all():
    assert time_format(["01/02/2024", "31/02/2024"]) is None
    assert time_format(["01/02/2024", "31/01/2024"]) == "%d/%m/%Y"


def test_utc_is_only_what_says_so():
    assert is_utc(["2024-12-31T23:59:00Z", "2024-12-31 23:59:00 UTC"])
    assert not is_utc(["2024-12-31T23:59:00Z", "2024-12-31 23:59:00"])
    assert not is_utc([""])


def test_order_lines_by_other_names():
    found = guessed(
        sample(
            "sales",
            InvoiceNo="1",
            StockCode="A",
            Quantity="2",
            InvoiceDate="2024-01-01",
            Price="2",
            Customer__ID="9",
        )
    )
    assert found == {
        "order_lines": {
            "order_id": "InvoiceNo",
            "item_id": "StockCode",
            "quantity": "Quantity",
            "ordered_at": "InvoiceDate",
            "user_id": "Customer ID",
        }
    }


def test_a_price_stands_for_the_amount_only_where_there_is_none():
    base = {"order": "1", "sku": "A", "qty": "2", "price": "3"}
    (with_price,) = guess_tables([sample("sales", **base)], CONTRACT)
    (with_both,) = guess_tables([sample("sales", **base, total="6")], CONTRACT)
    assert (with_price.price, with_both.price) == ("price", None)
    assert with_both.columns["sales_amount"] == "total"


def test_each_kind_of_file():
    found = guessed(
        sample("catalogue", sku="A", name="Lamp", brand="x"),
        sample("people", customer_id="1", country="DE", email="a@b.c"),
        sample(
            "clicks",
            event_time="2024-01-01",
            event_type="view",
            product_id="A",
            user_id="1",
            user_session="s",
        ),
        sample(
            "opinions", asin="A", reviewerID="1", overall="5", reviewText="good", unixReviewTime="1400000000"
        ),
        sample("stock", sku="A", on_hand="3", date="2024-01-01"),
        sample("mail", ticket_id="1", body="where is it", created_at="2024-01-01"),
    )
    assert set(found) == {"items", "users", "events", "reviews", "inventory_levels", "support_messages"}
    assert found["items"]["title"] == "name"
    assert found["users"] == {"user_id": "customer_id", "country": "country"}
    assert found["events"]["session_id"] == "user_session"
    assert found["reviews"]["reviewed_at"] == "unixReviewTime"
    assert found["inventory_levels"]["counted_date"] == "date"


def test_a_name_whose_values_do_not_fit_is_no_guess():
    found = guessed(
        sample("sales", order="1", sku="A", qty="2", total="cheap as chips and more words", date="soon")
    )
    assert found == {"order_lines": {"order_id": "order", "item_id": "sku", "quantity": "qty"}}


def test_the_file_with_more_columns_is_the_table():
    small, large = sample("a", sku="A", name="x"), sample("b", sku="A", name="x", brand="y")
    assert [guess.sample.name for guess in guess_tables([small, large], CONTRACT)] == ["b"]


def test_a_file_name_tells_what_its_columns_do_not():
    assert guessed(sample("products", sku="A", label="Lamp")) == {"items": {"item_id": "sku"}}
    assert guessed(sample("things", colour="red")) == {}
