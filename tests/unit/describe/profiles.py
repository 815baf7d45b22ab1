"""Rows of cohort_profiles, made by hand."""

from typing import Any

SIZE = {
    "cohort_id": "c1", "cohort_name": "Small-basket fuel shoppers",
    "user_count": 1203, "user_share": 0.2438, "sales_share": 0.41,
}  # fmt: skip


def feature(name: str, value: float | None, usual: float | None, z: float | None, **size: Any) -> dict:
    return _row("feature", name, name.replace("_", " "), value, usual, z, **size)


def group(name: str, value: float, usual: float, kind: str = "department", **size: Any) -> dict:
    return _row(kind, name.upper(), name, value, usual, None, **size)


def attribute(
    column: str, label: str, value: float, usual: float, kind: str = "attribute", **size: Any
) -> dict:
    return _row(kind, f"{column}={label}", label, value, usual, None, **size)


def _row(
    kind: str,
    name: str,
    label: str,
    value: float | None,
    usual: float | None,
    z: float | None,
    **size: Any,
) -> dict:
    return {
        **SIZE,
        "attribute_type": kind,
        "attribute_name": name,
        "attribute_label": label,
        "cohort_value": value,
        "population_value": usual,
        "z_score": z,
        "lift": value / usual if value is not None and usual else None,
        **size,
    }


ORDERS = feature("order_count", 9.14, 4.2, 1.0)
SPEND = feature("monetary_amount", 1512.5, 1861.4, -0.2)
LINES = feature("mean_order_lines", 6.6, 10.26, -0.8)
FUEL = group("fuel", 0.2, 0.0714)
AGE = attribute("age_band", "age 65+", 0.114, 0.09)
PROFILE = [ORDERS, SPEND, LINES, FUEL, AGE]
RULE = {
    "cohort_id": "c1", "rule_text": "Buyers with at most 10 % of spend on fuel and at least 290 order lines",
    "rule_precision": 0.8346, "rule_recall": 0.5,
}  # fmt: skip
