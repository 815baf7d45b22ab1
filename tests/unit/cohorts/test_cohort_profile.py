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


def groups(spend: pl.DataFrame, **changes: object) -> pl.DataFrame:
    limits = {"attribute_type": "category", "min_support": 0.0, "min_users": 1, "top": 9}
    return profile_groups(spend, SIZES, label=str.lower, **(limits | changes))


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
    profile = profile_features(USERS, min_users=1)
    # Orders of the ten: mean (5 x 1 + 5 x 3) / 10 = 2, deviation 1.
    assert row(profile, "c1", "order_count")["population_value"] == 2.0
    assert row(profile, "c1", "order_count")["cohort_value"] == 1.0
    assert row(profile, "c1", "order_count")["z_score"] == pytest.approx((1 - 2) / 1)
    assert row(profile, "c1", "order_count")["lift"] == 1 / 2
    assert row(profile, "c3", "order_count")["z_score"] == pytest.approx((0 - 2) / 1)


def test_unknown_values_count_for_nobody():
    # Known gaps: 4 4 4 1 1 1 1, mean 16 / 7, variance (3 x 16 + 4 x 1) / 7 - (16 / 7)^2.
    profile = profile_features(USERS, min_users=1)
    mean, deviation = 16 / 7, math.sqrt(52 / 7 - (16 / 7) ** 2)
    assert row(profile, "c1", "gap_days")["cohort_value"] == 4.0
    assert row(profile, "c1", "gap_days")["z_score"] == pytest.approx((4 - mean) / deviation)
    assert profile.filter(pl.col("cohort_id") == "c3")["attribute_name"].to_list().count("gap_days") == 0


def test_medians_are_of_the_users_for_whom_it_is_known():
    gaps = USERS.with_columns(
        gap_days=pl.Series([None, 2.0, 4.0, 9.0, None, 1.0, 1.0, 5.0, 8.0, None, None, None])
    )
    profile = profile_features(gaps, min_users=1)
    assert row(profile, "c1", "gap_days")["cohort_median"] == 4.0
    assert row(profile, "c2", "gap_days")["cohort_median"] == (1 + 5) / 2
    assert row(profile, "c1", "gap_days")["cohort_value"] == (2 + 4 + 9) / 3


def test_the_effect_is_measured_against_the_rest_of_those_who_have_ordered():
    """Spend of c1: 10 x 3 and 20 x 2, of c2: 30 x 3 and 40 x 2; c3 has not ordered and is nobody's rest."""
    spent = [10.0, 10.0, 10.0, 20.0, 20.0, 30.0, 30.0, 30.0, 40.0, 40.0, 0.0, 2.0]
    profile = profile_features(USERS.with_columns(monetary_amount=pl.Series(spent)), min_users=1)
    # c1: mean 14, squared deviations 3 x 4^2 + 2 x 6^2 = 120; c2: mean 34, the same; pooled over 5 + 5 - 2.
    pooled = math.sqrt((120 + 120) / 8)
    assert row(profile, "c1", "monetary_amount")["effect_size"] == pytest.approx((14 - 34) / pooled)
    assert row(profile, "c2", "monetary_amount")["effect_size"] == pytest.approx((34 - 14) / pooled)
    # c3: mean 1, 2 x 1^2 = 2, against all ten: mean 24, 120 + 120 + 10 x 10^2 = 1240; over 2 + 10 - 2.
    assert row(profile, "c3", "monetary_amount")["effect_size"] == pytest.approx(
        (1 - 24) / math.sqrt((2 + 1240) / 10)
    )


def test_users_for_whom_it_is_unknown_are_in_no_effect():
    # c1 knows 4 4 4, c2 1 1 1 3: 1.5, squared deviations 3 x 0.5^2 + 1.5^2 = 3, over 3 + 4 - 2.
    gaps = [None, None, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0, 3.0, None, None, None]
    profile = profile_features(USERS.with_columns(gap_days=pl.Series(gaps)), min_users=1)
    assert row(profile, "c1", "gap_days")["effect_size"] == pytest.approx((4 - 1.5) / math.sqrt(3 / 5))


def test_without_others_or_variance_there_is_no_effect():
    profile = profile_features(USERS, min_users=1)
    # All of c1 ordered once, all of c2 three times: nobody differs from the own group's mean.
    assert row(profile, "c1", "order_count")["effect_size"] is None
    assert row(profile, "c1", "flat")["effect_size"] is None
    varied = USERS.with_columns(cohort_id=pl.lit("c1"), monetary_amount=pl.int_range(12).cast(pl.Float64))
    alone = profile_features(varied, min_users=1)
    assert row(alone, "c1", "monetary_amount")["effect_size"] is None
    assert row(alone, "c1", "monetary_amount")["cohort_median"] == 5.5


def test_a_feature_known_for_too_few_users_of_a_cohort_is_not_listed():
    """Gaps are known for three users of c1, four of c2 and none of c3; everything else for 5, 5 and 2."""

    def listed(min_users: int) -> dict[str, set[str]]:
        profile = profile_features(USERS, min_users=min_users)
        rows = profile.group_by("cohort_id").agg("attribute_name").rows()
        return {cohort_id: set(names) for cohort_id, names in rows}

    others = {"order_count", "monetary_amount", "flat"}
    assert listed(3) == {"c1": others | {"gap_days"}, "c2": others | {"gap_days"}}
    assert listed(4) == {"c1": others, "c2": others | {"gap_days"}}
    assert listed(5) == {"c1": others, "c2": others}
    assert listed(6) == {}
    # The figures of those that stay are the same, and so are ranks without a gap.
    kept = profile_features(USERS, min_users=4).filter(pl.col("cohort_id") == "c1")
    assert sorted(kept["attribute_rank"]) == [1, 2, 3]
    assert row(kept, "c1", "order_count")["population_value"] == 2.0


def test_a_flat_feature_has_no_z_score_and_the_last_rank():
    profile = profile_features(USERS, min_users=1)
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
    profile = groups(spend_frame(), attribute_type="department", min_support=0.2)
    meat = row(profile, "c1", "MEAT")
    assert meat["cohort_value"] == pytest.approx(60 / 100)
    assert meat["population_value"] == pytest.approx(80 / 200)
    assert meat["lift"] == pytest.approx((60 / 100) / (80 / 200))
    assert meat["attribute_label"] == "meat"
    assert [meat[name] for name in ("z_score", "cohort_median", "effect_size")] == [None] * 3
    assert meat["attribute_rank"] == 1
    assert row(profile, "c1", "TEA")["attribute_rank"] == 2


def test_what_few_bought_is_not_listed_but_still_counts_in_the_total():
    unsupported = groups(spend_frame(), min_support=0.2)
    assert "TOYS" not in unsupported["attribute_name"].to_list()
    assert row(unsupported, "c2", "TEA")["cohort_value"] == pytest.approx(70 / 100)
    supported = groups(spend_frame(), min_support=0.1)
    toys = row(supported, "c2", "TOYS")
    assert toys["lift"] == pytest.approx((10 / 100) / (10 / 200))
    assert toys["attribute_rank"] == 1


def test_only_the_top_rows_are_kept():
    profile = groups(spend_frame(), top=1)
    assert sorted(profile.select("cohort_id", "attribute_name").rows()) == [("c1", "MEAT"), ("c2", "TOYS")]


def test_what_too_few_users_bought_is_not_listed():
    """All ten of c2 buy meat and tea, one of them buys toys."""
    of_c2 = pl.col("cohort_id") == "c2"
    assert set(groups(spend_frame(), min_users=1).filter(of_c2)["attribute_name"]) == {"MEAT", "TEA", "TOYS"}
    assert set(groups(spend_frame(), min_users=2).filter(of_c2)["attribute_name"]) == {"MEAT", "TEA"}
    assert set(groups(spend_frame(), min_users=10).filter(of_c2)["attribute_name"]) == {"MEAT", "TEA"}
    assert groups(spend_frame(), min_users=11).is_empty()
