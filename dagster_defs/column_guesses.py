"""Which table of the shop contract a raw table fills, and which raw column is which, by names and values.

A guess is a first draft for a person; what is not sure is left to them. The columns themselves stand in the
shop contract, here are only the other names that shops give them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dagster_defs.raw_samples import RawSample
from dagster_defs.shop_contract import ContractTable

# What the thing behind an id is called; with "id", "no", "code" and so on after it, or alone.
NOUNS = {
    "user_id": "user customer client member household buyer shopper account cust reviewer",
    "item_id": "item product sku asin article stock variant upc ean parent_asin",
    "order_id": "order invoice basket transaction receipt bill purchase",
    "store_id": "store shop branch warehouse outlet",
    "campaign_id": "campaign",
    "location_id": "location place",
    "visitor_id": "visitor cookie anonymous browser",
    "session_id": "session visit user_session",
    "review_id": "review",
    "message_id": "message",
    "conversation_id": "conversation ticket thread",
    "manufacturer_id": "manufacturer seller vendor supplier",
    "event_key": "event",
}
ID_ENDINGS = ("id", "no", "nr", "num", "number", "code", "key", "uid")

# Other names of columns, the likeliest first.
SYNONYMS = {
    "quantity": "qty units pieces item_count num_items order_quantity stock on_hand",
    "sales_amount": "line_total line_amount total_price total amount total_amount revenue sales"
    " sales_value net_amount paid value",
    "price_amount": "unit_price price list_price retail_price sell_price item_price",
    "cost_amount": "unit_cost cost cost_price",
    "shipping_amount": "shipping freight freight_value shipping_cost delivery_cost",
    "loyalty_discount_amount": "discount discount_amount retail_disc",
    "ordered_at": "order_date order_time order_datetime order_timestamp invoice_date purchase_date"
    " purchased_at order_purchase_timestamp transaction_date transaction_time transaction_timestamp"
    " sold_at sale_date",
    "occurred_at": "event_time event_date event_timestamp",
    "reviewed_at": "review_date review_time unix_review_time review_creation_date",
    "signed_up_at": "signup_date sign_up_date registered_at registration_date joined_at customer_since",
    "delivered_at": "delivery_date delivered delivered_date order_delivered_customer_date",
    "promised_at": "promised_date estimated_delivery_date order_estimated_delivery_date",
    "counted_date": "snapshot_date stock_date inventory_date count_date date day",
    "redeemed_date": "redemption_date redeemed_at date",
    "start_date": "starts_at start begin_date valid_from",
    "end_date": "ends_at end valid_to valid_until",
    "title": "name product_name item_name product_title headline summary review_title description",
    "description": "product_description details long_description",
    "department": "main_category category_1 product_group",
    "category": "category_name product_category product_category_name product_type category_2",
    "item_type": "sub_category subcategory type category_3",
    "brand": "brand_name make",
    "package_size": "size pack_size",
    "image_uri": "image image_url picture",
    "body": "review_text text comment comments message content review_comment_message review",
    "subject": "headline title",
    "rating": "stars score overall review_score star_rating",
    "helpful_count": "helpful helpful_vote helpful_votes positive_feedback_count",
    "is_verified_purchase": "verified verified_purchase",
    "event_type": "event event_name action behavior behaviour activity",
    "query": "search_term search_query keyword",
    "country": "country_name country_code",
    "language": "lang locale",
    "region": "state province county",
    "city": "town",
    "postal_prefix": "zip postcode postal_code zip_code zip_code_prefix",
    "latitude": "lat",
    "longitude": "lon lng long",
    "channel": "order_channel sales_channel utm_source",
    "device": "device_type platform",
    "payment_method": "payment_type payment",
    "is_cancelled": "cancelled canceled is_canceled",
    "is_test": "test test_order",
    "age_band": "age age_group age_range",
    "income_band": "income income_range",
    "household_size": "household_members",
    "kids_count": "kids children",
    "acquisition_channel": "signup_channel referrer",
    "has_marketing_consent": "marketing_consent marketing_opt_in newsletter opt_in",
    "has_profiling_consent": "profiling_consent",
    "coupon_code": "coupon voucher promo_code coupon_upc",
}
TIME_NAMES = "timestamp datetime date time created_at created ts"

# A raw table fills the first of these tables of which it has one column out of each group. The contract's
# price of an item stands for the amount of a line where a file has the one and not the other.
SIGNATURES: dict[str, tuple[str, ...]] = {
    "events": ("event_type", "user_id visitor_id session_id"),
    "reviews": ("rating body", "item_id order_id", "user_id review_id reviewed_at"),
    "support_messages": ("body", "message_id conversation_id"),
    "promotions": ("display_code mailer_code", "item_id"),
    "offer_items": ("coupon_code", "item_id"),
    "offer_redemptions": ("coupon_code", "user_id"),
    "order_lines": ("order_id user_id", "quantity sales_amount price_amount", "item_id"),
    "identities": ("visitor_id", "user_id"),
    "campaigns": ("campaign_id", "start_date"),
    "campaign_contacts": ("campaign_id", "user_id"),
    "orders": ("order_id", "user_id ordered_at channel payment_method delivered_at"),
    "items": ("item_id", "title category brand department"),
    "inventory_levels": ("item_id", "quantity", "counted_date"),
    "locations": ("location_id postal_prefix", "city region latitude"),
    "users": (
        "user_id",
        "signed_up_at country age_band income_band language has_marketing_consent location_id",
    ),
}
# Last words of a file's name that say what it holds, for a file whose columns do not.
FILE_WORDS = {
    "users": "user customer client member household",
    "items": "item product article sku catalog catalogue",
    "order_lines": "line sale transaction invoice purchase receipt",
    "orders": "order",
    "events": "event click log",
    "reviews": "review rating",
    "support_messages": "ticket message",
    "inventory_levels": "stock inventory",
    "locations": "location store place",
}
_TABLE_WORDS = {"geolocation", *" ".join(NOUNS.values()).split()}
# Keys that can be made of a whole row.
COMPOSABLE = ("event_key", "review_id", "message_id")
_PERSONAL = re.compile(
    r"(e_?mail|phone|mobile|first_?name|last_?name|sur_?name|full_?name|user_?name|street|address|birth|dob|iban"
    r"|password|ip_address|^ip$|(user|customer|client|member|reviewer|buyer)_?name"
    # The same in German, French, Spanish, Portuguese and Chinese.
    r"|vorname|nachname|stra(ss|ß)e|anschrift|adresse|geburt|telefon|handy|pr[eé]nom|courriel|naissance|apellido"
    r"|correo|direcci[oó]n|tel[eé]fono|nacimiento|sobrenome|endere[cç]o|nascimento|^cpf$"
    r"|姓名|收货人|收件人|联系人|邮箱|邮件|手机|电话|地址|生日|出生|身份证|微信号)"
)

_TIME_FORMATS = ("%Y%m%d", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y")
_TIME_FORMATS += ("%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y")
_TIME_FORMATS += ("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_TIME_FORMATS += ("%Y/%m/%d", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日")
READ_TIME = ("iso", "%m/%d/%Y %H:%M")  # what the macro read_time knows by itself


@dataclass(frozen=True, slots=True)
class Guess:
    """A raw table and the table of the contract it seems to fill: raw column by contract column."""

    sample: RawSample
    table: ContractTable
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def price(self) -> str | None:
        """The column with the price of one, where the amount of a line must be made of it."""
        if self.table.name != "order_lines" or "sales_amount" in self.columns:
            return None
        return best_names(self.sample, ["price_amount"]).get("price_amount")


def guess_tables(samples: Iterable[RawSample], contract: Mapping[str, ContractTable]) -> list[Guess]:
    """What each raw table seems to be; of two for one table of the contract, the one with more columns."""
    best: dict[str, Guess] = {}
    for sample in samples:
        name = _table_of(sample, contract)
        if name is None:
            continue
        guess = Guess(sample, contract[name], guess_columns(sample, contract[name]))
        if name not in best or len(guess.columns) > len(best[name].columns):
            best[name] = guess
    return [best[name] for name in contract if name in best]


def guess_columns(sample: RawSample, table: ContractTable) -> dict[str, str]:
    """Raw column by contract column, each raw column once, where name and values both fit."""
    return best_names(
        sample,
        table.columns,
        lambda column, raw: _fits(sample.values[raw], table.columns[column].data_type),
    )


def best_names(
    sample: RawSample, wanted: Iterable[str], fits: Callable[[str, str], bool] = lambda column, raw: True
) -> dict[str, str]:
    """The likeliest raw column for each wanted column, each raw column once."""
    candidates = sorted(
        (rank, place, column, raw)
        for place, column in enumerate(wanted)
        for raw in sample.columns
        if (rank := _rank(column, raw)) is not None and not is_personal(raw) and fits(column, raw)
    )
    chosen: dict[str, str] = {}
    for _, _, column, raw in candidates:
        if column not in chosen and raw not in chosen.values():
            chosen[column] = raw
    return chosen


def table_named(sample: RawSample) -> str | None:
    """The table of the contract that a file's name promises by its last word."""
    last_word = sample.name.split("_")[-1].removesuffix("s")
    return next((name for name, words in FILE_WORDS.items() if last_word in words.split()), None)


def is_personal(raw: str) -> bool:
    """Whether a column's name says that it holds names, addresses or the like, which nothing here needs."""
    return bool(_PERSONAL.search(spelled(raw)))


def spelled(raw: str) -> str:
    """A raw column's name in lower case with underscores: CustomerID and "Customer ID" are one."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", raw)
    return re.sub(r"[\W_]+", "_", parted.lower()).strip("_")


def names_of(column: str) -> list[str]:
    """All names a contract column goes by, the likeliest first."""
    nouns = NOUNS.get(column, "").split()
    with_ending = [f"{noun}_{ending}" for ending in ID_ENDINGS for noun in nouns]
    joined = [f"{noun}{ending}" for ending in ID_ENDINGS for noun in nouns]
    times = TIME_NAMES.split() if column.endswith("_at") else []
    return [column, *with_ending, *joined, *nouns, *SYNONYMS.get(column, "").split(), *times]


def time_format(values: Iterable[str]) -> str | None:
    """How the times of a column are written: "iso", a strptime format, or unix_seconds, unix_milliseconds."""
    present = [value for value in values if value]
    if not present:
        return None
    for kind in ("iso", *_TIME_FORMATS, "unix_seconds", "unix_milliseconds"):
        if all(_is_time(value, kind) for value in present):
            return kind
    return None


def is_utc(values: Iterable[str]) -> bool:
    """Whether every time says that it is UTC."""
    present = [value for value in values if value]
    return bool(present) and all(re.search(r"(Z|\+00:?00| UTC)$", value) for value in present)


def _rank(column: str, raw: str) -> int | None:
    """Place of a raw name among those of a column; one with the table's name in front comes later."""
    names, name = names_of(column), spelled(raw)
    if name in names:
        return names.index(name)
    first, _, rest = name.partition("_")
    is_less = first in _TABLE_WORDS and rest in names and rest not in ID_ENDINGS
    return len(names) + names.index(rest) if is_less else None


def _table_of(sample: RawSample, contract: Mapping[str, ContractTable]) -> str | None:
    for name, groups in SIGNATURES.items():
        known = set(best_names(sample, dict.fromkeys(" ".join(groups).split())))
        if all(known & set(group.split()) for group in groups):
            return name
    name = table_named(sample)
    return name if name is not None and guess_columns(sample, contract[name]) else None


def _fits(values: Iterable[str], data_type: str) -> bool:
    present = [value for value in values if value]
    kind = data_type.split("(")[0]
    if not present or kind in ("varchar", "boolean"):
        return True
    if kind in ("timestamp", "date"):
        return time_format(present) is not None
    return sum(bool(re.search(r"\d", value)) for value in present) > len(present) / 2 and not any(
        len(value) > 24 for value in present
    )


def _is_time(value: str, kind: str) -> bool:
    if kind.startswith("unix"):
        length = 13 if kind == "unix_milliseconds" else 10
        return bool(re.fullmatch(rf"\d{{{length - 1},{length}}}", value))
    try:
        if kind == "iso":
            return "-" in value and datetime.fromisoformat(value.removesuffix(" UTC")) is not None
        return datetime.strptime(value, kind) is not None
    except ValueError:
        return False
