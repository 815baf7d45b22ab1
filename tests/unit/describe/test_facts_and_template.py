"""What is told of a cohort, and in which words."""

import math

import pytest

from python_ml.config import DescribeConfig
from python_ml.describe.facts import choose_facts
from python_ml.describe.template import say_number, say_share, write_sentences
from tests.unit.describe.profiles import (
    AGE,
    FUEL,
    LINES,
    ORDERS,
    PROFILE,
    RULE,
    SPEND,
    attribute,
    feature,
    group,
)


def told(rows: list[dict], rule: dict | None = None, **settings) -> list[str]:
    return write_sentences(choose_facts(rows, rule, DescribeConfig(**settings)))


def test_a_cohort_in_plain_english():
    assert told(PROFILE, RULE) == [
        "1,203 users (24 % of all), who make 41 % of sales.",
        "On average they place 9.1 orders (all who have ordered: 4.2) and spend 1,512 in total (all: 1,861).",
        "They also have 6.6 lines in an order (all: 10.3).",
        # 0.2 / 0.0714 = 2.80
        "They spend more than usual on fuel (20 % of spend, 2.8 times the usual share).",
        # 0.114 / 0.09 = 1.27, above 1.2
        "More common among them than usual: age 65+ (11 %, all: 9 %).",
        "The rule: buyers with at most 10 % of spend on fuel and at least 290 order lines"
        " (83 % of whom it selects are of the cohort, of which it finds 50 %).",
    ]


def test_the_order_of_rows_does_not_count():
    assert told(PROFILE[::-1], RULE) == told(PROFILE, RULE)


def test_of_features_that_say_one_thing_the_strongest_is_told():
    units = feature("mean_order_units", 8.0, 13.0, -0.9)
    (also,) = (sentence for sentence in told([*PROFILE, units]) if sentence.startswith("They also"))
    assert also == "They also buy 8 units an order (all: 13)."


def test_what_orders_say_is_not_said_again():
    """Few orders far apart: the second follows from the first."""
    apart = feature("mean_interpurchase_days", 40.0, 9.0, 3.0)
    assert told([*PROFILE, apart]) == told(PROFILE)


def test_weak_features_are_not_told():
    weak = feature("store_count", 4.3, 4.2, 0.29)
    assert told([ORDERS, weak])[-1] == "In other behaviour they are close to the average."


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (feature("coupon_order_share", 0.3, 0.05, 2.0), "use a coupon in 30 % of their orders (all: 5 %)"),
        (feature("recency_days", 48.8, 22.8, 1.0), "ordered last 48.8 days ago (all: 22.8)"),
        (
            feature("saturday_order_share", 0.3, 0.16, 1.0),
            "place 30 % of their orders on Saturdays (all: 16 %)",
        ),
        (feature("page_view_count", 1234.4, None, 1.0), "have page view count of 1,234."),
    ],
)
def test_units(row: dict, words: str):
    assert words in told([row])[-1]


def test_unknown_numbers_are_not_told():
    rows = [feature("order_count", None, 4.2, None), feature("monetary_amount", math.nan, 5.0, math.nan)]
    rows.append(feature("store_count", 4.0, 4.2, None))
    assert told([dict(row, sales_share=None) for row in rows]) == ["1,203 users (24 % of all)."]


def test_groups_are_ranked_by_what_they_add_and_said_once():
    rows = [
        group("spices", 0.011, 0.001),  # 0.011 x ln 11 = 0.026
        group("fuel", 0.2, 0.1),  # 0.2 x ln 2 = 0.139
        group("gasoline", 0.2, 0.1, "category"),  # the same spend under another name
        group("other goods", 0.5, 0.1),  # tells nothing
        group("ice", 0.009, 0.001),  # under 1 % of spend
        group("milk", 0.11, 0.1),  # 1.1 times as much is little
    ]
    (spent,) = (sentence for sentence in told(rows) if sentence.startswith("They spend"))
    assert spent == (
        "They spend more than usual on fuel (20 % of spend, 2 times the usual share)"
        " and spices (1.1 % of spend, 11 times the usual share)."
    )


def test_one_value_of_an_attribute_is_told():
    rows = [AGE, attribute("age_band", "age 55-64", 0.2, 0.1), attribute("region", "in Bavaria", 0.5, 0.2)]
    (common,) = (sentence for sentence in told(rows) if sentence.startswith("More common"))
    # 0.5 x ln 2.5 = 0.46, 0.2 x ln 2 = 0.14
    assert common == (
        "More common among them than usual: in Bavaria (50 %, all: 20 %) and age 55-64 (20 %, all: 10 %)."
    )


@pytest.mark.parametrize("label", ["生鲜/水果 {3}", "Brot & Brötchen", "خبز", "7 Up"])
def test_names_stand_as_they_are(label: str):
    assert f"on {label} (20 %" in " ".join(told([ORDERS, dict(FUEL, attribute_label=label)]))
    assert f"have {label} of 9.1 (all" in " ".join(
        told([feature("x", 9.14, 4.2, 1.0) | {"attribute_label": label}])
    )


def test_counts_of_what_is_told_are_settings():
    rows = [ORDERS, SPEND, LINES, feature("store_count", 9.0, 4.0, 2.0)]
    assert told(rows, behaviour_count=1)[-1] == "They also visit 9 stores (all: 4)."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(1203, "1,203"), (1512.5, "1,512"), (16.43, "16.4"), (9.0, "9"), (9.14, "9.1"), (0.236, "0.24")],
        *[(0.0041, "0.0041"), (0, "0"), (-0.0, "0"), (-12.34, "-12.3"), (99.97, "100")],
    ],
)
def test_numbers_in_three_digits(value: float, text: str):
    assert say_number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.2438, "24 %"), (0.0586, "5.9 %"), (0.0024, "0.24 %"), (0.996, "99.6 %"), (1.0, "100 %"), (0, "0 %")],
)
def test_shares_in_per_cent(share: float, text: str):
    assert say_share(share) == text
