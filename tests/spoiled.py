"""Small made-up raw files in the layout of each source, and the ways in which files go wrong.

A layout is a function that returns the files of a whole little shop; add one for a source of your own. What
is spoiled in them is drawn from a seeded generator, so that a failure can be seen again.
"""

import csv
import gzip
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from tests.shops import hashed

START = datetime(2017, 3, 1, 9, 30)
FIRST_WEEK = datetime(2016, 12, 26)  # of the Complete Journey's weeks


@dataclass(frozen=True)
class Layout:
    """A little shop.

    Attributes:
        source: the adapter.
        files: the tables by file name; a text file's are all text.
        order_file, order_column: where order lines stand, and which column tells the order.
        amounts: what each order sold for; every one of its lines is good.
        staged: tables of the shop contract, as "one" or "one two", that together have the rows of the files
            whose names match a pattern, and no others.
        core_column, core_id: which column of core tells the order, and how it writes what order_column says.
        also_touched: orders whose amounts faults in another file than the order_file may change, by file.
    """

    source: str
    files: dict[str, pl.DataFrame]
    order_file: str
    order_column: str
    amounts: dict[str, Decimal]
    staged: dict[str, str]
    core_column: str = "order_id"
    core_id: Callable[[str], str] = str
    also_touched: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Spoiled:
    """Files that were spoiled.

    Attributes:
        files: what is written, by file name; None for a file that is gone.
        done: what was done, in words.
        whole_orders: orders none of whose lines was touched.
    """

    files: dict[str, bytes | None]
    done: list[str] = field(default_factory=list)
    whole_orders: set[str] = field(default_factory=set)


def online_retail() -> Layout:
    names = [
        "WHITE HEART",
        'LANTERN, "RED"',
        "MUG",
        '12" RULER',
        "POPPY'S PLAYHOUSE",
        "CAFÉ  SIGN",
        "",
        "T-LIGHT",
    ]
    rows, amounts = [], {}
    for number in range(24):
        order, total = str(536000 + number), Decimal(0)
        for line in range(1 + number % 3):
            item = (number + 3 * line) % 8
            price = Decimal(100 + 37 * item) / 100
            total += (1 + line) * price
            rows.append(
                {
                    "InvoiceNo": order,
                    "StockCode": f"8512{item}A",
                    "Description": names[item],
                    "Quantity": str(1 + line),
                    "InvoiceDate": str(START + timedelta(hours=7 * number)),
                    "UnitPrice": str(price),
                    "CustomerID": f"{17850 + number % 5}.0" if number % 4 else "",
                    "Country": "United Kingdom" if number % 2 else "France",
                }
            )
        amounts[order] = total
    files = {"lines.csv": pl.DataFrame(rows)}
    return Layout("online_retail", files, "lines.csv", "InvoiceNo", amounts, {"order_lines": ".*"})


def complete_journey() -> Layout:
    baskets = range(31000, 31024)
    lines, amounts = [], {}
    for number, basket in enumerate(baskets):
        total = Decimal(0)
        for line in range(1 + number % 3):
            cents = 199 + 50 * line + number
            total += Decimal(cents) / 100
            lines.append(
                {
                    "household_id": 1 + number % 5,
                    "store_id": 300 + number % 2,
                    "basket_id": basket,
                    "product_id": 1000 + (number + 3 * line) % 8,
                    "quantity": 1 + line,
                    "sales_value": cents / 100,
                    "retail_disc": 0.1 * line,
                    "coupon_disc": 0.0,
                    "coupon_match_disc": 0.0,
                    "week": 1 + (START + timedelta(hours=7 * number) - FIRST_WEEK).days // 7,
                    "transaction_timestamp": START + timedelta(hours=7 * number),
                }
            )
        amounts[str(basket)] = total
    products = [
        {
            "product_id": 1000 + number,
            "manufacturer_id": 69,
            "department": ["GROCERY", "DRUG GM", "MEAT", "FUEL"][number % 4],
            "brand": "Private" if number % 2 else "National",
            "product_category": None if number == 7 else f"CATEGORY {number}",
            "product_type": f"TYPE {number}",
            "package_size": "16 OZ",
        }
        for number in range(8)
    ]
    households = [
        {"household_id": number, "age": "35-44", "income": "50-74K", "home_ownership": "Homeowner"}
        | {
            "marital_status": "Married",
            "household_size": "2",
            "household_comp": "2 Adults No Kids",
            "kids_count": "0",
        }
        for number in range(1, 6)
    ]
    files = {
        "transactions": pl.DataFrame(lines),
        "products": pl.DataFrame(products),
        "demographics": pl.DataFrame(households),
        "campaigns": pl.DataFrame({"campaign_id": [1, 1, 2], "household_id": [1, 2, 3]}),
        "campaign_descriptions": pl.DataFrame(
            {
                "campaign_id": [1, 2],
                "campaign_type": ["Type A", "Type B"],
                "start_date": [START, START],
                "end_date": [START + timedelta(days=30), START + timedelta(days=9)],
            }
        ),
        "coupons": pl.DataFrame(
            {"coupon_upc": [501, 501, 502], "product_id": [1000, 1001, 1002], "campaign_id": [1, 1, 2]}
        ),
        "coupon_redemptions": pl.DataFrame(
            {"household_id": [1], "coupon_upc": [501], "campaign_id": [1], "redemption_date": [START]}
        ),
        "promotions": pl.DataFrame(
            {
                "product_id": [1000, 1001],
                "store_id": [300, 300],
                "display_location": ["0", "3"],
                "mailer_location": ["A", "0"],
                "week": [10, 11],
            }
        ),
    }
    named = {f"{name}.parquet": frame for name, frame in files.items()}
    staged = {
        "order_lines": "transactions.*",
        "items": "products.*",
        "users": "demographics.*",
        "campaign_contacts": "campaigns.*",
        "campaigns": "campaign_descriptions.*",
        "offer_items": "coupons.*",
        "offer_redemptions": "coupon_redemptions.*",
        "promotions": "promotions.*",
    }
    return Layout("complete_journey", named, "transactions.parquet", "basket_id", amounts, staged)


def rees46() -> Layout:
    kinds = ["electronics.audio.music_tools.piano", "kids.toys", "", "electronics.smartphone"]
    brands = ["casio", 'ma "p"', "", "lego, inc"]
    rows, amounts = [], {}
    for number in range(24):
        session, total = f"4d3b30da-a5e4-49df-b1a8-{number:012d}", Decimal(0)
        at = START + timedelta(hours=7 * number)
        steps = ["view", "cart", "purchase", "remove_from_cart", "purchase"][: 3 + number % 3]
        for step, event_type in enumerate(steps):
            item = (number + step) % 8
            price = Decimal(999 + 350 * item) / 100
            total += price if event_type == "purchase" else 0
            rows.append(
                {
                    "event_time": f"{at + timedelta(seconds=40 * step)} UTC",
                    "event_type": event_type,
                    "product_id": str(1003000 + item),
                    "category_id": str(2053013555631882655 + item % 4),
                    "category_code": kinds[item % 4],
                    "brand": brands[item % 4],
                    "price": str(price),
                    "user_id": str(541312140 + number % 5),
                    "user_session": session,
                }
            )
        amounts[session] = total
    files = {"2017-Mar.csv": pl.DataFrame(rows)}
    staged = {"events order_lines": ".*"}
    return Layout("rees46", files, "2017-Mar.csv", "user_session", amounts, staged, core_id=hashed)


def olist() -> Layout:
    orders, pieces, payments, reviews, amounts = [], [], [], [], {}
    for number in range(24):
        order, at = f"e481f51cbdc54678b7cc49136f2d6{number:03d}", START + timedelta(hours=7 * number)
        total = Decimal(0)
        for piece in range(1 + number % 3):
            price = Decimal(1990 + 105 * piece + number) / 100
            total += price
            pieces.append(
                {
                    "order_id": order,
                    "order_item_id": str(1 + piece),
                    "product_id": f"p{(number + piece) % 8}",
                    "seller_id": f"s{number % 2}",
                    "shipping_limit_date": str(at + timedelta(days=4)),
                    "price": str(price),
                    "freight_value": "8.72",
                }
            )
        amounts[order] = total
        orders.append(
            {
                "order_id": order,
                "customer_id": f"c{number}",
                "order_status": "delivered" if number % 4 else "shipped",
                "order_purchase_timestamp": str(at),
                "order_approved_at": str(at + timedelta(hours=1)),
                "order_delivered_carrier_date": str(at + timedelta(days=2)),
                "order_delivered_customer_date": str(at + timedelta(days=5)) if number % 4 else "",
                "order_estimated_delivery_date": str(at + timedelta(days=9)),
            }
        )
        payments.append(
            {
                "order_id": order,
                "payment_sequential": "1",
                "payment_type": "boleto" if number % 3 else "credit_card",
                "payment_installments": "2",
                "payment_value": str(total),
            }
        )
        reviews.append(
            {
                "review_id": f"r{number}",
                "order_id": order,
                "review_score": str(1 + number % 5),
                "review_comment_title": "" if number % 3 else "Super",
                "review_comment_message": ["", 'Muito bom,\n"recomendo"', "Chegou tarde"][number % 3],
                "review_creation_date": str(at + timedelta(days=6)),
                "review_answer_timestamp": str(at + timedelta(days=7)),
            }
        )
    customers = [
        {
            "customer_id": f"c{number}",
            "customer_unique_id": f"u{number % 20}",
            "customer_zip_code_prefix": f"{1000 + number % 3}",
            "customer_city": "são paulo",
            "customer_state": "SP",
        }
        for number in range(24)
    ]
    measures = ("name_lenght", "description_lenght", "photos_qty", "weight_g", "length_cm", "height_cm")
    products = [
        {"product_id": f"p{number}", "product_category_name": ["perfumaria", "pc_gamer", ""][number % 3]}
        | {f"product_{measure}": f"{10 + number}.0" for measure in (*measures, "width_cm")}
        for number in range(8)
    ]
    places = [
        {
            "geolocation_zip_code_prefix": f"0{1000 + number % 3}",
            "geolocation_lat": f"-23.{number}",
            "geolocation_lng": f"-46.{number}",
            "geolocation_city": "sao paulo",
            "geolocation_state": "SP",
        }
        for number in range(6)
    ]
    sellers = [
        {"seller_id": f"s{number}", "seller_zip_code_prefix": "1001"}
        | {"seller_city": "sao paulo / sp", "seller_state": "SP"}
        for number in range(2)
    ]
    names = {"product_category_name": "perfumaria", "product_category_name_english": "perfumery"}
    tables = {
        "olist_orders_dataset": orders,
        "olist_customers_dataset": customers,
        "olist_order_items_dataset": pieces,
        "olist_order_payments_dataset": payments,
        "olist_order_reviews_dataset": reviews,
        "olist_products_dataset": products,
        "olist_sellers_dataset": sellers,
        "olist_geolocation_dataset": places,
        "product_category_name_translation": [names],
    }
    files = {f"{name}.csv": pl.DataFrame(rows) for name, rows in tables.items()}
    staged = {"order_lines": "olist_order_items.*", "reviews": "olist_order_reviews.*"}
    return Layout("olist", files, "olist_order_items_dataset.csv", "order_id", amounts, staged)


def amazon_reviews() -> Layout:
    """A reviewer writes on one day: the purchases inferred from that are one order, known by its user."""
    prices = [Decimal(1299 + 450 * number) / 100 for number in range(8)]
    of_2018, of_2014, amounts = [], [], {}
    for number in range(24):
        user, at = f"A30TL5EWN6DF{number:02d}", int(datetime(2017, 3, 1 + number, tzinfo=UTC).timestamp())
        for line in range(1 + number % 3):
            item = (number + 3 * line) % 8
            amounts[user] = amounts.get(user, Decimal(0)) + prices[item]
            review = {
                "reviewerID": user,
                "asin": f"B0001{item}",
                "reviewerName": "Ottoline",
                "reviewText": ["They ring.", 'Loud, "very" loud.', "Nice <br /> one"][line],
                "overall": float(1 + number % 5),
                "summary": "Strings",
                "unixReviewTime": at,
            }
            if number % 4:
                told = {"vote": "1,341" if line else None, "verified": number % 2 == 0}
                of_2018.append(review | told)
            else:
                texts = {"overall": "5.0", "unixReviewTime": str(at), "helpful": "[2, 3]"}
                of_2014.append(review | texts | {"reviewTime": "03 1, 2017"})
    listings = [
        {
            "asin": f"B0001{number}",
            "title": f"Guitar &amp; Bass <b>Strings</b> {number}",
            "price": f"${price}",
            "brand": "by\n  \n Fender",
            "category": ["Instruments", "Strings"] if number else [],
            "description": ["Steel.", "<p>Loud.</p>"],
        }
        for number, price in enumerate(prices)
    ]
    files = {
        "a_5.jsonl": pl.DataFrame(of_2018),
        "meta_a.jsonl": pl.DataFrame(listings),
        "instruments.csv": pl.DataFrame(of_2014),
    }
    reviews = "(?!meta_).*"
    return Layout(
        "amazon_reviews",
        files,
        "a_5.jsonl",
        "reviewerID",
        amounts,
        staged={"order_lines": reviews, "reviews": reviews},
        core_column="user_id",
        core_id=hashed,
        also_touched={
            "meta_a.jsonl": set(amounts),
            "instruments.csv": {review["reviewerID"] for review in of_2014},
        },
    )


def simulated() -> Layout:
    lines, orders, events, reviews, messages, amounts = [], [], [], [], [], {}
    for number in range(24):
        order, user, at = f"O5550{number:02d}", f"U{number % 5}", START + timedelta(hours=7 * number)
        total = Decimal(0)
        for line in range(1 + number % 3):
            amount = Decimal(500 + 125 * line + number) / 100
            total += amount
            item = f"I{(number + 3 * line) % 8}"
            lines.append(
                {
                    "order_id": order,
                    "line_number": str(1 + line),
                    "user_id": user,
                    "item_id": item,
                    "kind": "sale",
                    "quantity": str(1 + line),
                    "amount": str(amount),
                    "shelf_discount": "0.50",
                    "coupon_discount": "0.00",
                    "booked_at": str(at),
                }
            )
            events.append(
                {
                    "event_id": 100 * number + line,
                    "visitor_id": f"V{number % 7}",
                    "user_id": user if number % 2 else None,
                    "item_id": item,
                    "event_type": ["view", "cart", "search"][line],
                    "channel": "mail",
                    "device": "mobile",
                    "search_text": "茶 tea" if line == 2 else None,
                    "list_position": 1 + line,
                    "quantity": 1 if line == 1 else None,
                    "price": float(amount),
                    "occurred_at": at - timedelta(minutes=5 - line),
                    "received_at": at,
                }
            )
        amounts[order] = total
        about = {"user_id": user, "order_id": order, "item_id": item, "language": "en"}
        orders.append(
            {"order_id": order, "user_id": user, "channel": "web", "device": "mobile"}
            | {"payment_method": "card", "status": "delivered", "shipping": "1.99"}
            | {"promised_at": at + timedelta(days=4), "delivered_at": at + timedelta(days=3)}
        )
        reviews.append(
            about
            | {"review_id": f"R{number}", "title": "Good", "body": f"Review {number}", "stars": "4"}
            | {"helpful_votes": "2", "verified": "true", "written_at": str(at + timedelta(days=5))}
        )
        messages.append(
            about
            | {"message_id": f"M{number}", "conversation_id": f"C{number}", "channel": "mail"}
            | {"subject": "Where", "body": "is it?", "direction": "in", "sent_at": str(at)}
        )
    users = [
        {"user_id": f"U{number}", "full_name": 'Ann "A" O, Neill', "email": "a@example.com", "phone": "1"}
        | {"street": "1 High St", "location_id": "L1", "country": "SG", "language": "en"}
        | {"age_band": "25-34", "income_band": "", "household_size": "2", "acquisition_channel": "mail"}
        | {"marketing_consent": "yes", "profiling_consent": "no", "signed_up_at": "2017-01-01 10:00:00"}
        for number in range(5)
    ]
    items = [
        {"item_id": f"I{number}", "title": f"Tea {number}", "title_zh": "茶", "description": "Green tea."}
        | {"department": "Food", "category": "Drinks", "item_type": "Tea", "brand": "Everyday"}
        | {"list_price": 5.0 + number, "price_now": 4.5 + number}
        for number in range(8)
    ]
    place = {"location_id": "L1", "country": "SG", "region": "Central", "city": "Singapore"}
    day = START.date()
    tables = {
        "locations": [place | {"postal_prefix": "01", "latitude": 1.3, "longitude": 103.8}],
        "items": items,
        "events/2017-03": events,
        "order_lines": lines,
        "orders": orders,
        "reviews": reviews,
        "support_messages": messages,
        "campaigns": [
            {"campaign_id": "K1", "kind": "coupon", "starts_on": day, "ends_on": day + timedelta(14)}
        ],
        "campaign_assignments": [
            {"campaign_id": "K1", "user_id": f"U{number}", "arm": ["treated", "holdout"][number % 2]}
            for number in range(5)
        ],
        "coupons": [{"campaign_id": "K1", "coupon_code": "TEA", "item_id": "I1"}],
        "coupon_redemptions": [
            {"user_id": "U0", "campaign_id": "K1", "coupon_code": "TEA", "redeemed_at": START}
        ],
        "promotions": [{"item_id": "I1", "week_start": day, "leaflet_page": "front"}],
        "stock_counts": [{"item_id": "I1", "counted_on": day, "pieces": 40, "received_pieces": 10}],
        "logins": [
            {"visitor_id": f"V{number}", "user_id": f"U{number}", "link_type": "login", "linked_at": START}
            for number in range(3)
        ],
    }
    small = {"list_position": pl.Int32, "quantity": pl.Int32}
    files = {"users.csv": pl.DataFrame(users)}
    for name, rows in tables.items():
        overrides = small if name.startswith("events") else None
        files[f"{name}.parquet"] = pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None)
    staged = {
        name: f"{name}.*"
        for name in ("order_lines", "orders", "items", "users", "locations", "campaigns", "promotions")
    } | {
        "events": "2017.*",
        "reviews": "reviews.*",
        "support_messages": "support_messages.*",
        "offer_items": "coupons.*",
        "offer_redemptions": "coupon_redemptions.*",
        "inventory_levels": "stock_counts.*",
        "identities": "logins.*",
    }
    return Layout("simulated", files, "order_lines.parquet", "order_id", amounts, staged)


LAYOUTS: dict[str, Callable[[], Layout]] = {
    "online_retail": online_retail,
    "complete_journey": complete_journey,
    "rees46": rees46,
    "olist": olist,
    "amazon_reviews": amazon_reviews,
    "simulated": simulated,
}

ODD_TEXTS = [
    "", " ", "many", "NULL", "true", "\x01", "a\x00b", "\x1b[31m", "\u202e", "\ufeff",
    "'; drop table users; --", "{}", "[", "\\", "\\N", "=1+1", "%", "𝕊" * 300, "C", "C536000", "POST",
    "post",
]  # fmt: skip
ODD_NUMBERS = [
    "NaN", "inf", "-1", "0", "-0", "1e3", "1e400", "1e-400", "-9223372036854775808",
    "9223372036854775807", "9" * 15, "9" * 40, "99999999999999.999", "-99999999999999.999", "-0.001",
    "0.005", "1,5", "1.234,56", "£3", "0x1F", "١٢", "\t7\t", "2.5", "+4", "--4", "1_000", ".5", "5.",
]  # fmt: skip
ODD_TIMES = [
    "2999-12-31 00:00:00", "9999-12-31 23:59:59", "0001-01-01", "290000-12-31", "294247-01-10 04:00:54",
    "-4000-01-01", "290309-12-22 (BC) 00:00:00", "infinity", "-infinity", "epoch", "1970-01-01",
    "2017-02-30", "13/13/2017 25:61", "2017-03-26 01:30:00", "2017-03-01T09:30:00+25:00",
    "2017-03-01T09:30:00Z", "01/02/2017 10:00", "01/02/9999 10:00", "1488360600", "now", "today",
]  # fmt: skip
INTEGERS = [None, 0, -1, 1, 2**31, 2**62, 2**63 - 1, -(2**63), 10**12, 7]
FLOATS = [
    None,
    0.0,
    -0.01,
    0.005,
    1e15,
    1e16,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
    5e-324,
    12345678.125,
]
TIMES = [
    None,
    datetime(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59),
    datetime(2999, 1, 1),
    datetime(1970, 1, 1),
]


def nasty(kind: pl.DataType, random_: random.Random, before: object = None) -> object:
    """A value that a column of this type can hold and nobody wants in it; for a text mostly one like it."""
    if isinstance(before, str) and random_.random() < 0.7:
        if before.replace(".", "").isdecimal():
            return random_.choice(ODD_NUMBERS)
        if before.startswith("2017-"):
            return random_.choice(ODD_TIMES)
    if kind.is_integer():
        return random_.choice(INTEGERS)
    if kind.is_float():
        return random_.choice(FLOATS)
    if kind == pl.Date:
        time = random_.choice(TIMES)
        return time and time.date()
    if kind == pl.Datetime:
        return random_.choice(TIMES)
    return random_.choice(random_.choice([ODD_TEXTS, ODD_NUMBERS, ODD_TIMES]))


def cells(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    """Nasty values in one to four cells, or in one whole column."""
    columns = {name: frame[name].to_list() for name in frame.columns}
    if not frame.height:
        return frame
    for _ in range(random_.randint(1, 4)):
        name = random_.choice(frame.columns)
        place = random_.randrange(frame.height)
        columns[name][place] = nasty(frame.schema[name], random_, columns[name][place])
    if random_.random() < 0.1:
        columns[name] = [nasty(frame.schema[name], random_)] * frame.height
    return pl.DataFrame(columns, schema=frame.schema, strict=False)


def repeated_rows(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    """Some rows once more, half the time with another value in one column: a key that stands twice."""
    again = frame.sample(min(3, frame.height), seed=random_.randrange(2**31))
    return pl.concat([frame, cells(again, random_) if random_.random() < 0.5 else again])


def shuffled_rows(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    return frame.sample(fraction=1.0, shuffle=True, seed=random_.randrange(2**31))


def no_rows(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    return frame.clear()


def a_column_less(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    return frame.drop(random_.choice(frame.columns))


def a_column_more(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    extra = frame.with_columns(pl.lit("x").alias("extra"))
    return extra if random_.random() < 0.5 else extra.select("extra", *frame.columns)


def a_column_renamed(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    name = random_.choice(frame.columns)
    return frame.rename({name: random_.choice([name.upper(), name + " ", "x", name.capitalize()])})


def columns_in_another_order(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    return frame.select(random_.sample(frame.columns, len(frame.columns)))


def another_type(frame: pl.DataFrame, random_: random.Random) -> pl.DataFrame:
    name = random_.choice(frame.columns)
    kinds = [pl.String, pl.Float64, pl.Int32, pl.Null]
    kinds += [pl.Datetime("ns", "UTC")] * 3 if frame.schema[name] == pl.Datetime else []
    kind = random_.choice(kinds)
    if kind == pl.Null:
        return frame.with_columns(pl.lit(None).alias(name))
    return frame.with_columns(frame[name].cast(kind, strict=False))


FRAME_FAULTS = [
    cells, cells, cells, cells, repeated_rows, repeated_rows, shuffled_rows, no_rows, a_column_less,
    a_column_more, a_column_renamed, columns_in_another_order, another_type,
]  # fmt: skip


def write(name: str, frame: pl.DataFrame) -> bytes:
    """The bytes of a file whose kind its name tells."""
    out = io.BytesIO()
    if name.endswith(".parquet"):
        frame.write_parquet(out)
        return out.getvalue()
    rows = [["" if value is None else value for value in row] for row in frame.rows()]
    if ".jsonl" in name:
        objects = (dict(zip(frame.columns, row, strict=True)) for row in frame.rows())
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects)
    else:
        plain = io.StringIO()
        csv.writer(plain, lineterminator="\n").writerows([frame.columns, *rows])
        text = plain.getvalue()
    return gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()


def a_byte_anywhere(content: bytes, random_: random.Random) -> bytes:
    place = random_.randrange(len(content) + 1)
    junk = random_.choice(
        [b'"', b'"', b",", b"\r", b"\n", b"\xff", b"\x00", b"\xc3", b'",', b',"', b"\\", b"{", b"}", b";"]
    )
    return content[:place] + junk + content[place + random_.randint(0, 1) :]


def bytes_in_some_lines(content: bytes, random_: random.Random) -> bytes:
    for _ in range(random_.randint(1, 4)):
        content = a_byte_anywhere(content, random_)
    return content


def a_quote_that_opens_a_field(content: bytes, random_: random.Random) -> bytes:
    commas = [place for place, byte in enumerate(content) if byte in b",\n"][:-1]
    place = random_.choice(commas) + 1 if commas else 0
    return content[:place] + b'"' + content[place:]


def a_line_cut(content: bytes, random_: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    place = random_.randrange(len(lines))
    lines[place] = lines[place][: random_.randrange(len(lines[place]))] + random_.choice([b"\n", b""])
    return b"".join(lines)


def a_line_too_long(content: bytes, random_: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(
        random_.randint(1, len(lines)), random_.choice([b"x", b",", b'"', b'{"a":']) * (1 << 20) + b"\n"
    )
    return b"".join(lines)


def a_junk_line(content: bytes, random_: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    junk = [
        b"\n",
        b"  \n",
        b"\r\n",
        b"-- end of export --\n",
        b",,,,,,,\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'""\n',
        b"\x1a\n",
    ]
    lines.insert(random_.randint(0, len(lines)), random_.choice(junk))
    return b"".join(lines)


def carriage_returns(content: bytes, random_: random.Random) -> bytes:
    if random_.random() < 0.5:
        return content.replace(b"\n", b"\r\n")
    if random_.random() < 0.2:
        return content.replace(b"\n", b"\r")
    return b"".join(
        line.replace(b"\n", random_.choice([b"\n", b"\r\n"])) for line in content.splitlines(keepends=True)
    )


def a_byte_order_mark(content: bytes, random_: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + content


def another_encoding(content: bytes, random_: random.Random) -> bytes:
    return content.decode(errors="replace").encode(
        random_.choice(["latin-1", "utf-16", "cp1252"]), errors="replace"
    )


def another_delimiter(content: bytes, random_: random.Random) -> bytes:
    return content.replace(b",", random_.choice([b";", b"\t", b"|"]))


def nothing_at_all(content: bytes, random_: random.Random) -> bytes:
    return random_.choice([b"", b"\n", b"\n\n", b"\xef\xbb\xbf"])


def the_header_alone(content: bytes, random_: random.Random) -> bytes:
    return content.split(b"\n")[0] + random_.choice([b"", b"\n"])


def the_end_missing(content: bytes, random_: random.Random) -> bytes:
    return content[: random_.randrange(len(content))]


def zeros_in_the_middle(content: bytes, random_: random.Random) -> bytes:
    place = random_.randrange(len(content))
    return content[:place] + b"\0" * 40 + content[place + 40 :]


LINE_FAULTS = [
    bytes_in_some_lines, bytes_in_some_lines, bytes_in_some_lines, a_quote_that_opens_a_field, a_line_cut,
    a_line_cut, a_junk_line, a_junk_line, carriage_returns, a_byte_order_mark, another_encoding,
    another_delimiter, nothing_at_all, the_header_alone, a_line_too_long,
]  # fmt: skip
FILE_FAULTS = [the_end_missing, zeros_in_the_middle, nothing_at_all]


def sound_files(layout: Layout) -> dict[str, bytes | None]:
    return {name: write(name, frame) for name, frame in layout.files.items()}


def spoil(layout: Layout, seed: int) -> Spoiled:
    """One to three faults in one file of a layout."""
    random_ = random.Random(seed)
    spoiled = Spoiled(sound_files(layout))
    name = layout.order_file if random_.random() < 0.5 else random_.choice(list(layout.files))
    frame, is_text = layout.files[name], not name.endswith(".parquet")
    if not is_text or random_.random() < 0.5:
        for fault in random_.sample(FRAME_FAULTS, random_.choice([1, 1, 2])):
            frame = fault(frame, random_)
            spoiled.done.append(fault.__name__)
    content = write(name, frame)
    if is_text and (not spoiled.done or random_.random() < 0.2):
        fault = random_.choice(LINE_FAULTS)
        content = fault(content, random_)
        spoiled.done.append(fault.__name__)
    whole = set(layout.amounts) - layout.also_touched.get(name, set())
    if name == layout.order_file:
        whole = _whole_orders_of_text(layout, content) if is_text else _whole_orders_of_frame(layout, frame)
    if is_text and random_.random() < 0.3:
        spoiled.files[name] = None
        name, content = f"{name}.gz", gzip.compress(content, mtime=0)
    if content and random_.random() < (0.02 if is_text and not name.endswith(".gz") else 0.1):
        fault = random_.choice(FILE_FAULTS)
        content, whole = fault(content, random_), set()
        spoiled.done.append(fault.__name__)
    spoiled.files[name], spoiled.whole_orders = content, whole
    spoiled.done.insert(0, name)
    return spoiled


def _whole_orders_of_frame(layout: Layout, frame: pl.DataFrame) -> set[str]:
    """Orders whose lines are the rows they were, each once."""
    base = layout.files[layout.order_file]
    if not set(base.columns) <= set(frame.columns):
        return set()
    place = base.columns.index(layout.order_column)
    before, after = ({}, {})
    for rows, table in ((before, base), (after, frame.select(base.columns))):
        for row in table.rows():
            rows.setdefault(str(row[place]), []).append(row)
    return {
        order
        for order, rows in before.items()
        if sorted(rows, key=str) == sorted(after.get(order, []), key=str)
    }


def _whole_orders_of_text(layout: Layout, content: bytes) -> set[str]:
    """Orders whose lines are the lines they were, each once, and that no other line speaks of."""
    base = layout.files[layout.order_file]
    name = layout.order_file.removesuffix(".gz")
    if content.count(b'"') > write(name, base).count(b'"') + 1:
        return set()  # two quotes more may make one long field of whole lines, and rightly so
    lines = Counter(line.removesuffix(b"\r") for line in content.split(b"\n"))
    whole = set(layout.amounts)
    for row in base.iter_slices(1):
        line = write(name, row).splitlines()[-1]
        if lines.pop(line, 0) != 1:
            whole.discard(row[layout.order_column].item())
    return {order for order in whole if not any(order.encode() in line for line in lines)}
