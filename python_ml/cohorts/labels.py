"""Readable labels for features, departments, categories and users' attributes, of this shop or any other."""

import re

_FEATURES = {
    "recency_days": "days since last order",
    "order_count": "orders",
    "monetary_amount": "total spend",
    "tenure_days": "days since first order",
    "order_count_28d": "orders in the last 28 days",
    "order_count_91d": "orders in the last 91 days",
    "sales_28d_amount": "spend in the last 28 days",
    "sales_91d_amount": "spend in the last 91 days",
    "mean_interpurchase_days": "mean days between orders",
    "median_interpurchase_days": "median days between orders",
    "stddev_interpurchase_days": "variation of days between orders",
    "mean_order_amount": "mean order value",
    "mean_order_lines": "mean lines per order",
    "mean_order_units": "mean units per order",
    "mean_unit_price": "mean unit price",
    "line_count": "order lines",
    "distinct_item_count": "different items",
    "distinct_category_count": "different categories",
    "distinct_department_count": "different departments",
    "store_count": "stores visited",
    "variety_ratio": "different items per line",
    "repeat_line_share": "share of repeat purchases",
    "department_entropy": "spread over departments",
    "discount_line_share": "share of lines on discount",
    "discount_share": "discount as share of value",
    "coupon_order_share": "share of orders with a coupon",
    "coupon_discount_share": "coupons as share of value",
    "campaign_contact_count": "campaign contacts",
    "offer_redemption_count": "offers redeemed",
    "private_brand_share": "own-brand share of spend",
    "promoted_line_share": "share of lines on promotion",
}
_ATTRIBUTES = {
    "country": "in {}",
    "region": "in {}",
    "acquisition_channel": "won through {}",
    "language": "reads {}",
    "age_band": "age {}",
    "income_band": "income {}",
    "home_ownership": "home: {}",
    "household_size": "household of {}",
    "household_composition": "household: {}",
    "kids_count": "children: {}",
}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Names that cannot be put together from their words.
_GROUPS = {
    "drug gm": "drugstore and general merchandise",
    "meat-pckgd": "packaged meat",
    "seafood-pckgd": "packaged seafood",
    "rstrnt": "restaurant",
}
# How a name says what is too long for one.
_SHORT_GROUPS = {"drugstore and general merchandise": "drugstore"}
# Abbreviations of the retail trade; a word that is not here stays as it is.
_WORDS = {
    "bkd": "baked",
    "brkfst": "breakfast",
    "chs": "cheese",
    "cntrl": "central",
    "elect": "electrical",
    "frsh": "fresh",
    "frz": "frozen",
    "frzn": "frozen",
    "gm": "general merchandise",
    "gro": "grocery",
    "pckgd": "packaged",
    "pkg": "packaged",
    "pkgd": "packaged",
    "prod": "products",
    "rts": "ready to serve",
    "sup": "supplies",
    "veg": "vegetables",
}


def feature_label(name: str) -> str:
    """A readable label, such as "share of lines on discount"; an unknown feature's words otherwise.

    Args:
        name: a column name, such as "page_view_count".
    """
    if name in _FEATURES:
        return _FEATURES[name]
    words = (
        name.removesuffix("_amount").removesuffix("_count").removesuffix("_share").replace("_", " ").strip()
    )
    if words.removesuffix(" order") in _WEEKDAYS:
        return f"share of orders on {words.removesuffix(' order').capitalize()}s"
    if name.endswith("_order_share"):
        return f"share of orders: {words.removesuffix(' order')}"
    if name.endswith("_share"):
        return f"share of {words}"
    return words or name


def group_label(name: str) -> str:
    """A department's or category's name as a person would write it, in lower case.

    Args:
        name: as it stands in the shop's data, such as "FRZN MEAT/MEAT DINNERS".
    """
    plain = re.sub(r"\s+", " ", name.strip().lower())
    if plain in _GROUPS:
        return _GROUPS[plain]
    return re.sub(r"[^\W\d_]+", lambda word: _WORDS.get(word.group(), word.group()), plain)


def short_group_label(name: str) -> str:
    """`group_label`, in the few words that fit into a cohort's name.

    Args:
        name: as it stands in the shop's data.
    """
    label = group_label(name)
    return _SHORT_GROUPS.get(label, label)


def attribute_label(column: str, value: str) -> str:
    """An attribute of a user in words, such as "age 45-54"; an unknown one's column and value otherwise.

    Args:
        column: of user_attributes, such as "age_band".
        value: as it stands in the shop's data.
    """
    words = _ATTRIBUTES.get(column)
    return words.format(value) if words else f"{column.replace('_', ' ')} {value}"
