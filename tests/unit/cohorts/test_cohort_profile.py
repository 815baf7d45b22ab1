"""Profile numbers, by hand on a dozen users."""

import math

import polars as pl
import pytest

from python_ml.cohorts.profile import measure_cohorts, profile_features, profile_groups

# Ten who have ordered (c1: five, c2: five) and two who have not (c3).
USERS = pl.DataFrame(
    {
        "user_id": [f"u{number:02d}" for number in range(12)],
        "cohort_id": ["c1"] * 5 + ["c2"] * 5 + ["c3"] * 2,
        "order_count": [1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 0, 0],
        "monetary_amount": [10.0, 10.0, 10.0, 10.0, 10.0, 30.0, 30.0, 30.0, 30.0, 30.0, 0.0, 0.0],
        "gap_days": [None, None, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0, 1.0, None, None, None],
        "flat": [7.0] * 12,
        "recency_score": list(range(12)),
    }
)


def row(frame: pl.DataFrame, cohort_id: str, name: str) -> dict[str, object]:
    return frame.row(
        by_predicate=(pl.col("cohort_id") == cohort_id) & (pl.col("attribute_name") == name), named=True
    )


def test_sizes():
    sizes = measure_cohorts(USERS)
    assert sizes["user_count"].to_list() == [5, 5, 2]
    assert sizes["user_share"].to_list() == pytest.approx([5 / 12, 5 / 12, 2 / 12])
    assert sizes["sales_share"].to_list() == [50 / 200, 150 / 200, 0.0]


def test_nobody_spent():
    assert measure_cohorts(USERS.with_columns(monetary_amount=0.0))["sales_share"].to_list() == [None] * 3


def test_features_against_all_who_have_ordered():
    profile = profile_features(USERS)
    # Orders of the ten: mean (5 x 1 + 5 x 3) / 10 = 2, deviation 1.
    assert row(profile, "c1", "order_count")["population_value"] == 2.0
    assert row(profile, "c1", "order_count")["cohort_value"] == 1.0
    assert row(profile, "c1", "order_count")["z_score"] == pytest.approx((1 - 2) / 1)
    assert row(profile, "c1", "order_count")["lift"] == 1 / 2
    assert row(profile, "c3", "order_count")["z_score"] == pytest.approx((0 - 2) / 1)


def test_unknown_values_count_for_nobody():
    # Known gaps: 4 4 4 1 1 1 1, mean 16 / 7, variance (3 x 16 + 4 x 1) / 7 - (16 / 7)^2.
    profile = profile_features(USERS)
    mean, deviation = 16 / 7, math.sqrt(52 / 7 - (16 / 7) ** 2)
    assert row(profile, "c1", "gap_days")["cohort_value"] == 4.0
    assert row(profile, "c1", "gap_days")["z_score"] == pytest.approx((4 - mean) / deviation)
    assert profile.filter(pl.col("cohort_id") == "c3")["attribute_name"].to_list().count("gap_days") == 0


def test_a_flat_feature_has_no_z_score_and_the_last_rank():
    profile = profile_features(USERS)
    assert row(profile, "c1", "flat")["z_score"] is None
    assert row(profile, "c1", "flat")["lift"] == 1.0
    # c1: |z| is 1 for orders and spend, 1.17 for gaps.
    ranked = profile.filter(pl.col("cohort_id") == "c1").sort("attribute_rank")
    assert ranked["attribute_name"].to_list() == ["gap_days", "monetary_amount", "order_count", "flat"]
    assert ranked["attribute_rank"].to_list() == [1, 2, 3, 4]


def spend_frame() -> pl.DataFrame:
    """c1 spends 60 on meat and 40 on tea, c2 20 on meat, 70 on tea, and one of its ten 10 on toys."""
    rows = [("c1", f"a{number}", "MEAT", 6_000_000) for number in range(10)]
    rows += [("c1", f"a{number}", "TEA", 4_000_000) for number in range(10)]
    rows += [("c2", f"b{number}", "MEAT", 2_000_000) for number in range(10)]
    rows += [("c2", f"b{number}", "TEA", 7_000_000) for number in range(10)]
    rows += [("c2", "b0", "TOYS", 10_000_000)]
    return pl.DataFrame(rows, schema=["cohort_id", "user_id", "name", "sales_micros"], orient="row")


SIZES = pl.DataFrame({"cohort_id": ["c1", "c2"], "user_count": [10, 10]})


def test_lift_of_departments():
    profile = profile_groups(spend_frame(), SIZES, attribute_type="department", min_support=0.2, top=9)
    meat = row(profile, "c1", "MEAT")
    assert meat["cohort_value"] == pytest.approx(60 / 100)
    assert meat["population_value"] == pytest.approx(80 / 200)
    assert meat["lift"] == pytest.approx((60 / 100) / (80 / 200))
    assert meat["z_score"] is None
    assert meat["attribute_rank"] == 1
    assert row(profile, "c1", "TEA")["attribute_rank"] == 2


def test_what_few_bought_is_not_listed_but_still_counts_in_the_total():
    unsupported = profile_groups(spend_frame(), SIZES, attribute_type="category", min_support=0.2, top=9)
    assert "TOYS" not in unsupported["attribute_name"].to_list()
    assert row(unsupported, "c2", "TEA")["cohort_value"] == pytest.approx(70 / 100)
    supported = profile_groups(spend_frame(), SIZES, attribute_type="category", min_support=0.1, top=9)
    toys = row(supported, "c2", "TOYS")
    assert toys["lift"] == pytest.approx((10 / 100) / (10 / 200))
    assert toys["attribute_rank"] == 1


def test_only_the_top_rows_are_kept():
    profile = profile_groups(spend_frame(), SIZES, attribute_type="category", min_support=0.0, top=1)
    assert sorted(profile.select("cohort_id", "attribute_name").rows()) == [("c1", "MEAT"), ("c2", "TOYS")]
