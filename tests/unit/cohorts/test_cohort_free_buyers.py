"""Users who have ordered and never paid: a few of them must not keep the others from having cohorts."""

import dataclasses
from datetime import date

import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from python_ml.cohorts.build import CohortResult, build_cohorts
from python_ml.config import CohortConfig
from tests.unit.cohorts.shop import Shop, planted_shop

QUICK = CohortConfig(max_cohorts=5, resamples=2, bootstraps=2, restarts=3)
FREE = "u000"


@pytest.fixture(scope="module")
def one_department() -> Shop:
    """The planted shop, if all it sold were one item of one department, and one of 120 users never paid."""
    shop = planted_shop()
    is_free = pl.col("user_id") == FREE
    lines = shop.interactions.with_columns(
        item_id=pl.lit("i0"), sales_amount=pl.when(is_free).then(0.0).otherwise("sales_amount")
    )
    users = shop.user_features.with_columns(
        pl.when(is_free).then(0.0).otherwise(name).alias(name)
        for name in ("monetary_amount", "mean_order_amount")
    )
    spend = lines.group_by("user_id", department=pl.lit("CDS")).agg(
        pl.len().cast(pl.Int64).alias("line_count"), pl.col("sales_amount").sum(), sales_share=1.0
    )
    return dataclasses.replace(shop, user_features=users, user_department_features=spend, interactions=lines)


def build(shop: Shop) -> CohortResult:
    return build_cohorts(*shop.tables(), QUICK, seed=0, day=date(2018, 1, 2))


def test_one_who_never_paid_does_not_keep_a_shop_from_cohorts(one_department: Shop):
    """One of 120 is 0.8 % of users, below the 2 % a cohort must have."""
    found = build(one_department)
    chosen = found.cohort_selection.filter("is_chosen")
    assert chosen["cohort_count"].item() >= 3
    assert chosen["reason"].item() is None
    of_buyers = found.user_cohorts.filter(~pl.col("user_id").is_in(["new", FREE]))
    planted = of_buyers["user_id"].str.slice(1).cast(pl.Int64) % 3
    # Behaviour alone tells most of the planted groups apart; labels at random would score 0.
    assert adjusted_rand_score(planted, of_buyers["cohort_id"]) > 0.8
