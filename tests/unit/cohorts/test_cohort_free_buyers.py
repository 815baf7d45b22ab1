"""Users who have ordered and never paid: a few of them must not keep the others from having cohorts."""

import dataclasses
from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from python_ml.cohorts.build import CohortResult, build_cohorts
from python_ml.cohorts.inputs import BuyerArrays, build_arrays, purchase_pairs
from python_ml.config import CohortConfig
from tests.unit.cohorts.shop import Shop, planted_shop

QUICK = CohortConfig(max_cohorts=5, resamples=2, bootstraps=2, restarts=3)
FREE = "u000"


def arrays_of(departments: dict[str, list]) -> BuyerArrays:
    """Of users a, b, c ... with an order each, what the six tables say of their departments."""
    users = pl.DataFrame({"user_id": ["a", "b", "c"], "order_count": 1, "monetary_amount": 0.0})
    lines = pl.DataFrame(
        schema={
            "user_id": pl.String,
            "item_id": pl.String,
            "event_type": pl.String,
            "sales_amount": pl.Float64,
        }
    )
    tables = {
        "user_features": users,
        "user_department_features": pl.DataFrame(departments),
        "interactions": lines,
        "item_features": pl.DataFrame(schema={"item_id": pl.String, "category": pl.String}),
    }
    return build_arrays(tables, purchase_pairs(lines), use_texts=False)


def test_who_paid_nothing_is_weighted_by_lines():
    found = arrays_of(
        {
            # a got one pen and three books for nothing; b paid 9.00 of 10.00 for books, in one line of five.
            "user_id": ["a", "a", "b", "b", "c"],
            "department": ["PENS", "BOOKS", "PENS", "BOOKS", None],
            "line_count": [1, 3, 4, 1, 2],
            "sales_amount": [0.0, 0.0, 1.0, 9.0, 5.0],
        }
    )
    assert found.departments == ["BOOKS", "PENS"]
    books, pens = np.sqrt([[3 / 4, 9 / 10], [1 / 4, 1 / 10]])
    # c bought in no known department.
    expected = [[books[0], pens[0]], [books[1], pens[1]], [np.nan, np.nan]]
    np.testing.assert_allclose(found.department_roots, expected)


def test_a_given_department_does_not_count_beside_a_paid_one():
    found = arrays_of(
        {
            "user_id": ["a", "a"],
            "department": ["PENS", "BOOKS"],
            "line_count": [7, 1],
            "sales_amount": [0.0, 2.0],
        }
    )
    assert found.departments == ["BOOKS"]
    np.testing.assert_array_equal(found.department_roots, [[1.0], [np.nan], [np.nan]])


def test_nobody_has_a_department():
    found = arrays_of(
        {"user_id": ["a"], "department": [None], "line_count": [1], "sales_amount": [3.0]},
    )
    assert found.departments == []
    assert found.department_roots.shape == (3, 0)


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
