"""Amazon reviews: published counts, lines of every edition, nothing lost, no reviewer's name.

The files are not part of the project: name the folder that holds them in SHOP_TEST_DATA, a folder a source.
"""

import csv
import gzip
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from python_ml.privacy.pseudonym import pseudonym
from tests.shops import (
    CORE,
    TEST_KEY,
    TestShop,
    real_files,
    same_rows,
    same_when_it_grows,
    split_and_shuffled,
    two_parts,
)

pytestmark = pytest.mark.slow

SOURCE = "amazon_reviews"
REVIEWS, ITEMS, LINES, PRODUCTS = (
    f"staging.stg_amazon_reviews__{name}" for name in ("reviews", "items", "order_lines", "products")
)
# As the publishers print them, and the data's own catalogue.
PUBLISHED = {
    "Musical_instruments_reviews.csv.gz": 10_261,
    "All_Beauty_5.json.gz": 5_269,
    "Gift_Cards_5.json.gz": 2_972,
    "Magazine_Subscriptions_5.json.gz": 2_375,
    "meta_Gift_Cards.json.gz": 1_547,
    "meta_Magazine_Subscriptions.json.gz": 3_385,
}


def raw_rows(file: Path) -> list[tuple[str, dict]]:
    """Rows of a published file as Python reads them, each with its text."""
    text = gzip.decompress(file.read_bytes()).decode()
    if ".csv" in file.name:
        return [(json.dumps(row), row) for row in csv.DictReader(io.StringIO(text, newline=""))]
    return [(line, json.loads(line)) for line in text.split("\n") if line]


@pytest.fixture(scope="module")
def raw() -> dict[str, list[tuple[str, dict]]]:
    return {file.name: raw_rows(file) for file in sorted(real_files(SOURCE).glob("*.gz"))}


@pytest.fixture(scope="module")
def reviews(raw: dict[str, list[tuple[str, dict]]]) -> list[tuple[str, dict]]:
    return [row for name, rows in raw.items() if not name.startswith("meta_") for row in rows]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """All published files in one folder, two editions and two formats, after a `dbt build`."""
    shop = TestShop(data=real_files(SOURCE), var=tmp_path_factory.mktemp(SOURCE), source=SOURCE)
    built = shop.dbt_build(source=SOURCE)
    assert " ERROR=0 " in built.stdout
    return shop


def count(shop: TestShop, what: str) -> int:
    return shop.query(f"select count(*) from {what}")[0][0]


def test_the_published_counts(shop: TestShop, raw, reviews):
    assert {name: len(rows) for name, rows in raw.items()} == PUBLISHED
    assert count(shop, REVIEWS) == 10_261 + 5_269 + 2_972 + 2_375
    assert count(shop, LINES) == len(reviews) == count(shop, REVIEWS)


def test_every_review_is_a_purchase_or_rejected(shop: TestShop, reviews):
    """Python's own reading of the files: equal lines, and further reviews of an item on a day."""
    lines = {text for text, _ in reviews}
    purchases = {(row["reviewerID"], row["asin"], int(row["unixReviewTime"]) // 86_400) for _, row in reviews}
    assert (len(reviews) - len(lines), len(lines) - len(purchases)) == (1_069, 89)
    assert count(shop, "core.order_lines") == len(purchases)
    assert count(shop, "core.orders") == len({(user, day) for user, _, day in purchases})
    assert count(shop, "core.users") == len({user for user, _, _ in purchases})
    assert shop.query(
        "select reason_code, count(*) from core.rejected_rows where table_name = 'order_lines'"
        " group by all order by all"
    ) == [("exact_duplicate", 1_069), ("reviewed_again", 89)]


def test_reviews_that_are_there_twice(shop: TestShop, reviews):
    """A copy is an equal line; a review is the same one where user, item, time, words and stars are."""
    copies = len(reviews) - len({text for text, _ in reviews})
    words = ("reviewerID", "asin", "summary", "reviewText")
    told = {
        (
            *((row.get(key) or "").strip() for key in words),
            float(row["overall"]),
            int(row["unixReviewTime"]),
        )
        for _, row in reviews
    }
    assert count(shop, "core.reviews") == len(told) == 19_785
    assert shop.query(
        "select reason_code, count(*) from core.rejected_rows where table_name = 'reviews'"
        " group by all order by all"
    ) == [("exact_duplicate", copies), ("same_review", len(reviews) - copies - len(told))]
    for column, key in (("rating", "overall"), ("body", "reviewText"), ("title", "summary")):
        given = sum(bool(str(row.get(key) or "").strip()) for _, row in reviews)
        assert count(shop, f"{REVIEWS} where {column} is not null") == given
    verified = sum(row.get("verified") is True for _, row in reviews)
    assert count(shop, f"{REVIEWS} where is_verified_purchase") == verified
    helpful = sum(
        int(row["vote"].replace(",", ""))
        if "vote" in row
        else json.loads(row["helpful"])[0]
        if "helpful" in row
        else 0
        for _, row in reviews
    )
    assert shop.query(f"select sum(helpful_count) from {REVIEWS}") == [(helpful,)]


def test_items_and_their_listed_prices(shop: TestShop, raw, reviews):
    metadata = [row for name, rows in raw.items() if name.startswith("meta_") for _, row in rows]
    listed, reviewed = {row["asin"] for row in metadata}, {row["asin"] for _, row in reviews}
    prices = {
        row["asin"]: Decimal(row["price"][1:].replace(",", ""))
        for row in metadata
        if re.fullmatch(r"\$[\d,]+\.\d\d", row["price"])
    }
    assert len(prices) == 358
    assert (count(shop, "core.items"), len(listed)) == (len(listed | reviewed), 1_547 + 2_320)
    assert count(shop, f"{ITEMS} where not is_described") == len(reviewed - listed)
    priced = shop.query(f"select item_id, price_amount from {ITEMS} where price_amount is not null")
    assert dict(priced) == prices
    purchases = {(row["reviewerID"], row["asin"], int(row["unixReviewTime"]) // 86_400) for _, row in reviews}
    spent = sum(prices.get(item, Decimal(0)) for _, item, _ in purchases)
    assert shop.query("select sum(sales_amount) from core.order_lines") == [(spent,)]


def test_no_piece_of_a_page_is_left_in_a_field(shop: TestShop):
    piece = "</?[a-z]|/>|&#39;|&amp;|[{][^ ]*:"
    for column in ("title", "description", "category_path", "brand"):
        assert not count(shop, f"{PRODUCTS} where regexp_matches({column}, '{piece}')")
    # The bullets of the gift cards' pages, which stand among their groups.
    assert count(shop, f"{ITEMS} where category_path = 'Gift Cards > Gift Cards'") > 1_500


def test_twice_is_once(shop: TestShop):
    first = {f"core.{name}": shop.table(f"core.{name}") for name in (*CORE, "reviews")}
    shop.dbt_tables(source=SOURCE)
    for table, frame in first.items():
        same_rows(frame, shop.table(table), table)


def test_a_delivery_at_a_time_in_any_order_is_all_at_once(shop: TestShop, raw, tmp_path: Path):
    """Both editions' reviews and the listings, each over files of other names, unpacked."""
    first, rest = {}, {}
    for kind, pattern in (("", "[A-Z].*_5.json.gz"), ("meta_", "meta_.*")):
        lines = [line for name, rows in raw.items() if re.fullmatch(pattern, name) for line, _ in rows]
        parts = two_parts(len(lines), seed=7)
        first[f"{kind}b.jsonl"], rest[f"{kind}a.json"] = (
            "".join(f"{lines[place]}\n" for place in part) for part in parts
        )
    (packed,) = shop.data.glob("*.csv.gz")
    reviews = gzip.decompress(packed.read_bytes()).decode()
    first["r1.csv"], rest["r2.csv"] = split_and_shuffled(reviews, seed=7)
    same_when_it_grows(shop, tmp_path, first, rest)


def shop_of(folder: Path, files: dict[str, list[str]]) -> TestShop:
    (folder / "files").mkdir(parents=True)
    for name, lines in files.items():
        (folder / "files" / name).write_text("\n".join(lines) + "\n")
    return TestShop(data=folder / "files", var=folder / "var", source=SOURCE)


def unix(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


NAME = "Ottoline Wetherby-Namesake"
OF_2014 = {
    "reviewerID": "U1", "asin": "I1", "reviewerName": NAME, "helpful": [2, 3], "reviewText": "They ring.",
    "overall": 5.0, "summary": "Strings", "unixReviewTime": unix("2013-01-01"), "reviewTime": "01 1, 2013",
}  # fmt: skip
OF_2018 = {
    "overall": 4.0, "verified": False, "reviewTime": "05 13, 2014", "reviewerID": "U3", "asin": "I3",
    "style": {"Color:": " Red"}, "reviewerName": NAME, "reviewText": "Nice.", "summary": "Four Stars",
    "unixReviewTime": unix("2014-05-13"), "vote": "1,341",
}  # fmt: skip
OF_2023 = {
    "rating": 3.0, "title": "Meh", "text": "Broke<br />fast", "images": [], "asin": "I4RED",
    "parent_asin": "I4", "user_id": "U5", "timestamp": 1588687728923, "helpful_vote": 7,
    "verified_purchase": True,
}  # fmt: skip
LATER_THAT_DAY = OF_2023 | {"timestamp": OF_2023["timestamp"] + 3_600_000, "text": "Glued it."}
WITHOUT_USER = {key: value for key, value in OF_2018.items() if key != "reviewerID"} | {"reviewText": "Who?"}
WITHOUT_ITEM = {key: value for key, value in OF_2018.items() if key != "asin"} | {"reviewerID": "U6"}
MADE_UP = {
    "reviews_Made_Up_5.json": [OF_2014, OF_2014 | {"asin": "I2", "helpful": [0, 0]}],
    "Made_Up_5.json": [
        # The first review of 2014 once more, as the edition of 2018 has it.
        {key: value for key, value in OF_2014.items() if key != "helpful"} | {"verified": True},
        OF_2018,
        OF_2018,
        OF_2018 | {"style": {"Color:": " Blue"}},
        OF_2018 | {"reviewText": "Still nice.", "vote": None},
        '{"reviewerID": "U4", "asin": "I3", "overa',
        "",
        WITHOUT_USER,
        WITHOUT_ITEM,
        OF_2018 | {"reviewerID": "U7", "unixReviewTime": "soon"},
        OF_2018 | {"reviewerID": "U8", "unixReviewTime": 1e30},
        OF_2018 | {"reviewerID": "U9", "asin": "I7", "overall": ["many"], "verified": "perhaps", "vote": {}},
        [1, 2],
    ],
    "Made_Up.jsonl": [OF_2023, LATER_THAT_DAY],
    "made_up.csv": [
        "reviewerID,asin,reviewerName,helpful,reviewText,overall,summary,unixReviewTime,reviewTime",
        f'U2,I1,"{NAME}","[4, 5]","Loud, ""very"" loud.",4.0,Loud,{unix("2013-01-02")},"01 2, 2013"',
        f'U2,I1,"{NAME}","[4, 5]","Loud, ""very"" loud.",4.0,Loud,{unix("2013-01-02")},"01 2, 2013"',
        f'U2,I2,"{NAME}",,,none,,{unix("2013-01-02")},',
    ],
    "meta_2014.json": [
        {
            "asin": "I2", "title": "Capo", "price": 9.5, "imUrl": "http://x/2.jpg", "brand": "Kyser",
            "categories": [["Instruments", "Accessories"], ["Gifts"]], "description": "A capo [black].",
        },
        "{'asin': 'I9', 'title': 'Not JSON'}",
    ],
    "meta_2018.json": [
        {
            "asin": "I1", "title": " Guitar &amp; Bass <b>Strings</b>", "price": "$1,012.99",
            "brand": "by\n  \n Fender", "image": ["http://x/1.jpg", "http://x/b.jpg"],
            "category": ["Instruments", "Strings &amp; Picks", "</span></span></span>", "Fits all"],
            "description": ["Steel.", "", "<script>var a = 1;</script><p>Loud.</p>"],
        },
        {"asin": "I1", "title": "Strings", "price": "", "category": [], "description": ["Steel, loud."] * 9},
        {
            "asin": "I3", "title": '<span class="a-size-medium a-color-secondary"',
            "price": ".a-box-inner{width:1px}", "category": [], "description": [],
            "main_cat": "Musical Instruments", "brand": "", "image": [],
        },
        {"asin": "I6", "title": "Pick", "price": "$1.00 - $2.00", "category": ["Instruments", "1. 2.", "3"]},
    ],
    "meta_2023.jsonl": [
        {
            "main_category": "All Beauty", "title": "Brush", "average_rating": 4.8, "features": ["Soft"],
            "description": ["Two", "parts"], "price": 24.99, "videos": [], "store": "Acme", "categories": [],
            "images": [{"thumb": "t", "large": "http://x/4.jpg", "variant": "MAIN", "hi_res": None}],
            "details": {"Brand": "Acme"}, "parent_asin": "I4",
        },
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """All editions side by side, a line for every rule."""
    files = {
        name: [line if isinstance(line, str) else json.dumps(line) for line in lines]
        for name, lines in MADE_UP.items()
    }
    shop = shop_of(tmp_path_factory.mktemp("made_up"), files)
    built = shop.dbt_build(source=SOURCE)
    assert " ERROR=0 " in built.stdout
    return shop


USERS = {pseudonym(TEST_KEY.encode(), name): name for name in (f"U{number}" for number in range(10))}


def with_users(shop: TestShop, sql: str) -> list[tuple]:
    """Rows with the users' raw ids in place of their pseudonyms, in order; null comes last."""
    rows = [tuple(USERS.get(value, value) for value in row) for row in shop.query(sql)]
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])


def test_purchases_of_every_edition(made_up: TestShop):
    assert with_users(
        made_up,
        "select user_id, item_id, quantity, sales_amount::varchar, ordered_at::varchar from core.order_lines",
    ) == [
        ("U1", "I1", 1, "1012.99", "2013-01-01 00:00:00"),
        ("U1", "I2", 1, "9.50", "2013-01-01 00:00:00"),
        ("U2", "I1", 1, "1012.99", "2013-01-02 00:00:00"),
        ("U2", "I2", 1, "9.50", "2013-01-02 00:00:00"),
        ("U3", "I3", 1, "0.00", "2014-05-13 00:00:00"),
        ("U5", "I4", 1, "24.99", "2020-05-05 14:08:48.923"),
        ("U9", "I7", 1, "0.00", "2014-05-13 00:00:00"),
    ]
    assert with_users(made_up, "select user_id, line_count from core.orders") == [
        ("U1", 2),
        ("U2", 2),
        ("U3", 1),
        ("U5", 1),
        ("U9", 1),
    ]
    assert with_users(
        made_up,
        "select reason_code, payload ->> 'user_id', payload ->> 'item_id' from core.rejected_rows"
        " where table_name = 'order_lines'",
    ) == [
        ("exact_duplicate", "U2", "I1"),
        ("exact_duplicate", "U3", "I3"),
        ("missing_user", None, "I3"),
        ("reviewed_again", "U1", "I1"),
        ("reviewed_again", "U3", "I3"),
        ("reviewed_again", "U3", "I3"),
        ("reviewed_again", "U5", "I4"),
        ("unknown_product", "U6", None),
        ("unreadable_time", "U7", "I3"),
        ("unreadable_time", "U8", "I3"),
        ("unreadable_time", None, None),
        ("unreadable_time", None, None),
    ]


def test_reviews_of_every_edition(made_up: TestShop):
    """The edition that says whether a review is verified is kept, and copies go before other repetitions."""
    assert with_users(
        made_up,
        "select user_id, item_id, title, body, rating, helpful_count, is_verified_purchase,"
        " reviewed_at::varchar from core.reviews",
    ) == [
        ("U1", "I1", "Strings", "They ring.", 5.0, None, True, "2013-01-01 00:00:00"),
        ("U1", "I2", "Strings", "They ring.", 5.0, 0, None, "2013-01-01 00:00:00"),
        ("U2", "I1", "Loud", 'Loud, "very" loud.', 4.0, 4, None, "2013-01-02 00:00:00"),
        ("U3", "I3", "Four Stars", "Nice.", 4.0, 1341, False, "2014-05-13 00:00:00"),
        ("U3", "I3", "Four Stars", "Still nice.", 4.0, None, False, "2014-05-13 00:00:00"),
        ("U5", "I4", "Meh", "Broke fast", 3.0, 7, True, "2020-05-05 14:08:48.923"),
        ("U5", "I4", "Meh", "Glued it.", 3.0, 7, True, "2020-05-05 15:08:48.923"),
        ("U9", "I7", "Four Stars", "Nice.", None, None, None, "2014-05-13 00:00:00"),
        (None, "I3", "Four Stars", "Who?", 4.0, 1341, False, "2014-05-13 00:00:00"),
    ]
    assert with_users(
        made_up,
        "select reason_code, payload ->> 'user_id', payload ->> 'item_id' from core.rejected_rows"
        " where table_name = 'reviews'",
    ) == [
        ("empty_review", "U2", "I2"),
        ("exact_duplicate", "U2", "I1"),
        ("exact_duplicate", "U3", "I3"),
        ("exact_duplicate", None, None),
        ("missing_item", "U6", None),
        ("missing_item", None, None),
        ("same_review", "U1", "I1"),
        ("same_review", "U3", "I3"),
        ("unreadable_time", "U7", "I3"),
        ("unreadable_time", "U8", "I3"),
    ]
    lines = [line for name, some in MADE_UP.items() if name[:5] != "meta_" for line in some if line]
    assert count(made_up, REVIEWS) == len(lines) - 1  # less the first line of the CSV


def test_items_of_every_edition(made_up: TestShop):
    assert dict(
        made_up.query("select item_id, text from core.items where item_id in ('I1', 'I3', 'I7')")
    ) == {
        "I1": "Guitar & Bass Strings. Instruments, Strings & Picks. Fender. Steel. Loud.",
        "I3": "Musical Instruments.",
        "I7": "Item I7.",
    }
    assert made_up.query(
        "select item_id, title, description, category_path, department, category, brand, image_uri,"
        f" price_amount::varchar, is_described from {ITEMS} order by 1"
    ) == [
        (
            "I1", "Guitar & Bass Strings", "Steel. Loud.", "Instruments > Strings & Picks", "Instruments",
            "Strings & Picks", "Fender", "http://x/1.jpg", "1012.99", True,
        ),
        (
            "I2", "Capo", "A capo [black].", "Instruments > Accessories", "Instruments", "Accessories",
            "Kyser", "http://x/2.jpg", "9.50", True,
        ),
        ("I3", "Item I3", None, "Musical Instruments", "Musical Instruments", None, None, None, None, True),
        (
            "I4", "Brush", "Two parts", "All Beauty", "All Beauty", None, "Acme", "http://x/4.jpg", "24.99",
            True,
        ),
        ("I6", "Pick", None, "Instruments", "Instruments", None, None, None, None, True),
        ("I7", "Item I7", None, None, "Unknown", None, None, None, None, False),
    ]  # fmt: skip


def test_no_reviewers_name_and_no_raw_id_in_any_table(made_up: TestShop):
    """In every column of every table; the views stand on these, or hash what they read."""
    raw_user, searched = re.compile(r"\bU[1-9]\b"), made_up.tables("staging") + made_up.tables("core")
    for table in searched + made_up.tables("features"):
        text = str(made_up.table(table).to_dicts())
        assert NAME not in text, table
        assert not raw_user.search(text), table
    assert {"staging.stg_amazon_reviews__review_lines", "core.rejected_rows"} <= set(searched)
    with duckdb.connect(made_up.warehouse, read_only=True) as anybody:
        for view in ("json_reviews", "csv_reviews"):
            with pytest.raises(duckdb.InvalidInputException, match="hashes ids and works in dbt alone"):
                anybody.sql(f"from staging.stg_amazon_reviews__{view}").fetchall()


def test_a_date_outside_either_table_is_refused(made_up: TestShop):
    """The first review is in a JSON file, the last in another; the CSV lies between."""
    refused = made_up.dbt_tables(check=False, source=SOURCE, as_of_date="2012-12-31")
    assert refused.returncode
    assert "json_lines, csv_reviews" in refused.stdout
    assert "2013-01-02 (the day after the first event) to 2020-05-06" in " ".join(refused.stdout.split())


def test_a_folder_with_csv_alone_will_do(tmp_path: Path):
    shop = shop_of(tmp_path, {"made_up.csv": MADE_UP["made_up.csv"]})
    shop.dbt_build(source=SOURCE)
    assert with_users(shop, "select user_id, count(*) from core.order_lines group by 1") == [("U2", 2)]
