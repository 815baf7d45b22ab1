"""The Olist marketplace: published counts, nothing lost, order does not matter, each rule on its own."""

import gzip
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.shops import (
    CORE,
    TestShop,
    real_files,
    rows_in_raw_files,
    same_rows,
    same_when_it_grows,
    shop_of,
    split_and_shuffled,
)

pytestmark = pytest.mark.slow

STAGED = ("users", "items", "order_lines", "orders", "reviews", "locations")


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """The published rows, after a `dbt build`."""
    files = real_files("olist")
    shop = TestShop(data=files, var=tmp_path_factory.mktemp("olist"), source="olist")
    assert " ERROR=0 " in shop.dbt_build(source="olist").stdout
    return shop


def raw(shop: TestShop, table: str) -> str:
    return f"read_csv('{shop.data}/{table}*.csv.gz', header = true, all_varchar = true, quote = '\"')"


def ask(sql: str) -> tuple:
    with duckdb.connect() as connection:
        return connection.sql(sql).fetchone()


def test_the_published_counts(olist: TestShop):
    """Counts of the published part, and how many come back; each found by one query over the raw file."""
    published = {
        "olist_orders": ("orders", 20_000),
        "olist_customers": ("customers", 20_000),
        "olist_order_items": ("order_items", 22_618),
        "olist_order_payments": ("order_payments", 20_873),
        "olist_order_reviews": ("order_reviews", 19_986),
        "olist_products": ("products", 11_318),
        "olist_sellers": ("sellers", 2_096),
        "olist_geolocation": ("geolocation", 50_000),
        "product_category_name_translation": ("category_translation", 71),
    }
    looked_at = rows_in_raw_files(olist)
    assert set(looked_at) == {name for name, _ in published.values()}
    for file, (name, rows) in published.items():
        assert ask(f"select count(*) from {raw(olist, file)}") == (rows,), file
        # Reviews have line breaks inside quotes: both readers must see the same rows.
        assert looked_at[name] == rows, name

    def count(what: str) -> int:
        return olist.query(f"select count(*) from {what}")[0][0]

    persons, repeating = ask(
        "select count(*), count(*) filter (orders > 1) from (select count(*) as orders"
        f" from {raw(olist, 'olist_customers')} group by customer_unique_id)"
    )
    assert repeating == 163
    assert count("staging.stg_olist__users") == count("core.users where is_listed") == persons
    by_user = "select user_id from staging.int_olist__orders_joined_to_customers group by 1"
    assert count(f"({by_user} having count(*) > 1)") == repeating
    assert count("staging.stg_olist__orders") == 20_000
    assert count("core.items") == 11_318
    assert count("staging.stg_olist__order_lines") == 22_618
    assert count("core.order_lines") + count("core.rejected_rows where table_name = 'order_lines'") == 22_618
    assert count("staging.stg_olist__reviews") == 19_986
    (called_off,) = ask(
        f"select count(*) from {raw(olist, 'olist_orders')} where order_status in ('canceled', 'unavailable')"
    )
    assert count("staging.stg_olist__orders where is_cancelled") == called_off == 241


def test_reviews_are_the_files(olist: TestShop):
    """Texts of several lines arrive whole, and an answer for two orders is two reviews."""
    texts, broken, one_item = ask(
        "select count(review_comment_message) filter (trim(review_comment_message) <> ''),"
        " count(*) filter (contains(review_comment_message, chr(10))),"
        " count(*) filter (order_id in (select order_id from"
        f" {raw(olist, 'olist_order_items')} group by 1 having count(distinct product_id) = 1))"
        f" from {raw(olist, 'olist_order_reviews')}"
    )
    assert broken == 807
    assert olist.query(
        "select count(*), count(distinct review_id), count(body), count(item_id), count(user_id),"
        " count(*) filter (contains(body, chr(10))), max(copy_number) from staging.stg_olist__reviews"
    ) == [(19_986, 19_986, texts, one_item, 19_986, broken, 1)]


def test_a_review_of_an_order_counts_for_each_item_in_it(olist: TestShop):
    reviews = olist.table("core.reviews").filter(
        pl.col("reviewed_at") < olist.table("features.as_of_dates")["as_of_date"][0]
    )
    of_items = reviews.drop_nulls("item_id").select("review_id", "item_id")
    of_orders = reviews.filter(pl.col("item_id").is_null()).select("review_id", "order_id")
    lines = olist.table("core.order_lines").select("order_id", "item_id").unique()
    by_hand = pl.concat([of_items, of_orders.join(lines, on="order_id").select("review_id", "item_id")])
    counted = (
        by_hand.group_by("item_id").len("review_count").with_columns(pl.col("review_count").cast(pl.Int64))
    )
    assert by_hand.height > of_items.height
    same_rows(counted, olist.table("serving.item_opinions").select(counted.columns), "serving.item_opinions")
    (weeks,) = olist.query("select sum(review_count) from serving.item_reputation")[0]
    assert weeks == by_hand.height


def test_no_cent_is_lost(olist: TestShop):
    sales, freight = ask(
        "select sum(price::decimal(18, 2)), sum(freight_value::decimal(18, 2))"
        f" from {raw(olist, 'olist_order_items')}"
    )
    assert olist.query(
        "select (select sum(sales_amount) from core.order_lines)"
        " + (select coalesce(sum(amount), 0) from core.rejected_rows where table_name = 'order_lines'),"
        " (select sum(shipping_amount) from staging.stg_olist__orders)"
    ) == [(sales, freight)]


def test_places_are_found_by_padded_prefixes(olist: TestShop):
    """Every user lives somewhere that is known, and points are inside Brazil."""
    assert olist.query(
        "select count(*) filter (location_id is null), count(*) filter (length(location_id) <> 5)"
        " from staging.stg_olist__users"
    ) == [(0, 0)]
    assert olist.query(
        "select count(*) from staging.stg_olist__users"
        " anti join staging.stg_olist__locations using (location_id)"
    ) == [(0,)]
    (with_points,) = ask(
        f"select count(distinct geolocation_zip_code_prefix) from {raw(olist, 'olist_geolocation')}"
    )
    assert olist.query(
        "select count(*) from staging.stg_olist__locations"
        " where latitude between -33.8 and 5.3 and longitude between -74 and -28.8"
    ) == [(with_points,)]


def test_twice_is_once(olist: TestShop):
    names = [f"core.{table}" for table in CORE] + [f"staging.stg_olist__{table}" for table in STAGED]
    first = {name: olist.table(name) for name in names}
    olist.dbt_tables(source="olist")
    for name, frame in first.items():
        same_rows(frame, olist.table(name), name)


def test_a_delivery_at_a_time_in_any_order_is_all_at_once(olist: TestShop, tmp_path: Path):
    first, rest = {}, {}
    for packed in olist.data.glob("*.csv.gz"):
        name = packed.name.removesuffix(".csv.gz")
        text = gzip.decompress(packed.read_bytes()).decode("utf-8-sig")
        first[f"{name}.csv"], rest[f"{name}_more.csv"] = split_and_shuffled(text, seed=7)
    same_when_it_grows(olist, tmp_path, first, rest)


# A person with two customer_ids who moved; an order that stands there twice; prefixes that lost their zero.
MADE_UP = {
    "olist_customers_dataset.csv": """\
"customer_id","customer_unique_id","customer_zip_code_prefix","customer_city","customer_state"
c1,ana,4534,sao paulo,SP
c2,ana,"20000",rio de janeiro,RJ
c3,bia,04534,sao paulo,SP
c4,caio,1001,são paulo,SP
c5,dora,69900,rio branco,AC
""",
    "olist_orders_dataset.csv": """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,\
order_delivered_customer_date,order_estimated_delivery_date
o1,c1,delivered,2017-10-02 10:56:33,,,2017-10-10 21:25:13,2017-10-18 00:00:00
o2,c2,delivered,2018-01-02 10:00:00,,,2018-01-05 23:30:00,2018-01-20 00:00:00
o3,c3,canceled,2018-07-01 10:00:00,,,,2018-07-20 00:00:00
o4,c4,unavailable,2018-07-02 10:00:00,,,,2018-07-20 00:00:00
o5,c5,invoiced,2018-07-03 10:00:00,,,,2018-07-20 00:00:00
o5,c5,shipped,2018-07-03 10:00:00,2018-07-03 11:00:00,2018-07-04 11:00:00,,2018-07-21 00:00:00
o6,c5,shipped,one day,,,,2018-07-20 00:00:00
""",
    "olist_order_items_dataset.csv": """\
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,1,p1,s1,2017-10-06 11:07:15,10.0,1.50
o1,2,p1,s1,2017-10-06 11:07:15,10.0,1.50
o2,1,p1,s1,2018-01-06 11:07:15,20.00,2.00
o2,1,p1,s1,2018-01-06 11:07:15,20.00,2.00
o2,2,p2,s2,2018-01-06 11:07:15,5.55,0.45
o3,1,p3,s1,2018-07-06 11:07:15,7.00,0.00
o5,1,p4,s1,2018-07-06 11:07:15,abc,1.00
o5,2,p9,s1,2018-07-06 11:07:15,8.00,1.00
o5,3,p4,s1,2018-07-06 11:07:15,0.00,1.00
o6,1,p4,s1,2018-07-06 11:07:15,9.00,1.00
o9,1,p4,s1,2018-07-06 11:07:15,11.00,1.00
""",
    "olist_order_payments_dataset.csv": """\
order_id,payment_sequential,payment_type,payment_installments,payment_value
o1,1,credit_card,2,10.00
o1,2,voucher,1,7.00
o1,3,voucher,1,6.00
o2,1,credit_card,1,14.00
o2,2,boleto,1,14.00
o3,1,not_defined,1,0.00
o5,1,debit_card,1,20.00
o5,1,debit_card,1,20.00
o5,2,credit_card,1,30.00
""",
    "olist_products_dataset.csv": """\
product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,\
product_weight_g,product_length_cm,product_height_cm,product_width_cm
p1,perfumaria,39.0,346.0,2.0,225.0,16.0,10.0,14.0
p2,pc_gamer,,,,,,,
p3,,,,,1200,64,40,48
p4,beleza_saude,58,1987,3,0.0,21,7,
""",
    "product_category_name_translation.csv": """\
\ufeffproduct_category_name,product_category_name_english
perfumaria,perfumery
beleza_saude,health_beauty
""",
    "olist_order_reviews_dataset.csv": '''\
review_id,order_id,review_score,review_comment_title,review_comment_message,\
review_creation_date,review_answer_timestamp
r1,o1,5,Super,"Muito bom,\r\n\r\n""recomendo""",2017-10-11 00:00:00,2017-10-12 03:43:48
r1,o2,5,Super,"Muito bom,\r\n\r\n""recomendo""",2017-10-11 00:00:00,2017-10-12 03:43:48
r2,o1,4,,,2017-10-11 00:00:00,2017-10-13 10:00:00
r2,o1,4,,,2017-10-11 00:00:00,2017-10-13 10:00:00
r2,o1,1,,"Quebrou\nlogo",2017-10-11 00:00:00,2017-10-20 10:00:00
r3,o3,five, ,,2018-07-21 00:00:00,2018-07-22 10:00:00
r4,o9,3,,Ruim,2018-07-21 00:00:00,soon
''',
    "olist_sellers_dataset.csv": """\
seller_id,seller_zip_code_prefix,seller_city,seller_state
s1,13844,mogi guacu,SP
s2,1001,sao paulo / sp,SP
""",
    "olist_geolocation_dataset.csv": """\
geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,geolocation_state
1001,-23.0,-46.0,são paulo,SP
01001,-23.0,-46.0,sao paulo,SP
1001,-24.0,-47.0,sao paulo,SP
1001,45.0,9.0,sao paulo,SP
20000,45.0,9.0,rio de janeiro,RJ
53990,-3.85,-32.42,fernando de noronha,PE
""",
}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    shop = shop_of(tmp_path_factory.mktemp("made_up"), "olist", MADE_UP)
    shop.dbt_build(source="olist")
    return shop


def test_each_rule_of_the_lines(made_up: TestShop):
    """o3 was cancelled: orders say so, and what becomes of its line is for core to say."""
    assert made_up.query(
        "select payload ->> 'order_id', payload ->> 'item_id', reason_code, amount::varchar"
        " from core.rejected_rows where table_name = 'order_lines'"
        " and (payload ->> 'order_id') <> 'o3' order by all"
    ) == [
        ("o2", "p1", "exact_duplicate", "20.00"),
        ("o5", "p4", "non_positive_price", "0.00"),
        ("o5", "p4", "unreadable_amount", "0.00"),
        ("o5", "p9", "unknown_product", "8.00"),
        ("o6", "p4", "unreadable_time", "9.00"),
        ("o9", "p4", "unreadable_time", "11.00"),
    ]
    # Sao Paulo is three hours behind UTC, two in its summer, which began on 15 October 2017.
    assert made_up.query(
        "select order_id, item_id, store_id, quantity, sales_amount::varchar, ordered_at::varchar"
        " from core.order_lines where order_id <> 'o3' order by all"
    ) == [
        ("o1", "p1", "s1", 1, "10.00", "2017-10-02 13:56:33"),
        ("o1", "p1", "s1", 1, "10.00", "2017-10-02 13:56:33"),
        ("o2", "p1", "s1", 1, "20.00", "2018-01-02 12:00:00"),
        ("o2", "p2", "s2", 1, "5.55", "2018-01-02 12:00:00"),
    ]
    assert made_up.query(
        "select item_id, line_number, copy_number, user_id, sales_amount::varchar"
        " from staging.stg_olist__order_lines where order_id in ('o1', 'o2') order by all"
    ) == [
        ("p1", 1, 1, "ana", "10.00"),
        ("p1", 1, 1, "ana", "20.00"),
        ("p1", 1, 2, "ana", "20.00"),
        ("p1", 2, 1, "ana", "10.00"),
        ("p2", 1, 1, "ana", "5.55"),
    ]


def test_each_rule_of_the_orders(made_up: TestShop):
    """Vouchers of 13 beat a card of 10, a tie goes by the alphabet, and a repeated payment counts once."""
    assert made_up.query(
        "select order_id, channel, payment_method, shipping_amount::varchar, is_cancelled,"
        " promised_at::varchar, delivered_at::varchar from staging.stg_olist__orders order by 1"
    ) == [
        ("o1", "marketplace", "voucher", "3.00", False, "2017-10-18 02:00:00", "2017-10-11 00:25:13"),
        ("o2", "marketplace", "boleto", "2.45", False, "2018-01-20 02:00:00", "2018-01-06 01:30:00"),
        ("o3", "marketplace", None, "0.00", True, "2018-07-20 03:00:00", None),
        ("o4", "marketplace", None, None, True, "2018-07-20 03:00:00", None),
        ("o5", "marketplace", "credit_card", "3.00", False, "2018-07-21 03:00:00", None),
        ("o6", "marketplace", None, "1.00", False, "2018-07-20 03:00:00", None),
    ]


def test_each_rule_of_the_items(made_up: TestShop):
    assert made_up.query(
        "select item_id, title, text, category_path, department, package_size, is_described"
        " from staging.stg_olist__items order by 1"
    ) == [
        (
            "p1",
            "Perfumery, 225 g, 16 x 14 x 10 cm",
            "A product of the category perfumery, of 225 g, 16 x 14 x 10 cm in size.",
            "Perfumery",
            "Perfumery",
            "225 g",
            True,
        ),
        ("p2", "Pc gamer", "A product of the category pc gamer.", "Pc gamer", "Pc gamer", None, True),
        (
            "p3",
            "Item p3, 1200 g, 64 x 48 x 40 cm",
            "A product of no category, of 1200 g, 64 x 48 x 40 cm in size.",
            None,
            "Unknown",
            "1200 g",
            False,
        ),
        (
            "p4",
            "Health beauty",
            "A product of the category health beauty.",
            "Health beauty",
            "Health beauty",
            None,
            True,
        ),
    ]


def test_each_rule_of_the_reviews(made_up: TestShop):
    """An item only where the order has one; two orders, two reviews; another text, another review."""
    found = made_up.query(
        "select order_id, copy_number, item_id, user_id, title, body, language, rating, is_verified_purchase,"
        " reviewed_at::varchar from staging.stg_olist__reviews order by order_id, reviewed_at, copy_number"
    )
    text = 'Muito bom,\n\n"recomendo"'
    assert found == [
        ("o1", 1, "p1", "ana", "Super", text, "pt", 5.0, True, "2017-10-12 06:43:48"),
        ("o1", 1, "p1", "ana", None, None, None, 4.0, True, "2017-10-13 13:00:00"),
        ("o1", 2, "p1", "ana", None, None, None, 4.0, True, "2017-10-13 13:00:00"),
        ("o1", 1, "p1", "ana", None, "Quebrou\nlogo", "pt", 1.0, True, "2017-10-20 12:00:00"),
        ("o2", 1, None, "ana", "Super", text, "pt", 5.0, None, "2017-10-12 06:43:48"),
        ("o3", 1, "p3", "bia", None, None, None, None, False, "2018-07-22 13:00:00"),
        ("o9", 1, "p4", None, None, "Ruim", "pt", 3.0, None, None),
    ]
    assert made_up.query(
        "select count(distinct review_id) from staging.stg_olist__reviews where copy_number = 1"
    ) == [(6,)]


def test_each_rule_of_users_and_places(made_up: TestShop):
    """Ana lives where her latest order went. A point is counted once, and Milan is not in Brazil."""
    assert made_up.query(
        "select user_id, country, location_id, language from staging.stg_olist__users order by 1"
    ) == [
        ("ana", "BR", "20000", "pt"),
        ("bia", "BR", "04534", "pt"),
        ("caio", "BR", "01001", "pt"),
        ("dora", "BR", "69900", "pt"),
    ]
    assert made_up.query(
        "select location_id, country, region, city, postal_prefix, latitude, longitude"
        " from staging.stg_olist__locations order by 1"
    ) == [
        ("01001", "BR", "SP", "sao paulo", "01001", (-23.0 - 24.0) / 2, (-46.0 - 47.0) / 2),
        ("04534", "BR", "SP", "sao paulo", "04534", None, None),
        ("13844", "BR", "SP", "mogi guacu", "13844", None, None),
        ("20000", "BR", "RJ", "rio de janeiro", "20000", None, None),
        ("53990", "BR", "PE", "fernando de noronha", "53990", -3.85, -32.42),
        ("69900", "BR", "AC", "rio branco", "69900", None, None),
    ]


def test_the_look_at_the_files_counts_what_duckdb_counts(made_up: TestShop):
    """Quoted line breaks, a byte order mark and quoted headers; 7 reviews on 12 lines."""
    assert rows_in_raw_files(made_up) == {
        "customers": 5,
        "orders": 7,
        "order_items": 11,
        "order_payments": 9,
        "products": 4,
        "category_translation": 2,
        "order_reviews": 7,
        "sellers": 2,
        "geolocation": 6,
    }
    assert made_up.query("select count(*) from staging.stg_olist__reviews") == [(7,)]
