"""How many interests: judged on what was bought later."""

import dataclasses
from datetime import datetime, timedelta
from math import log, sqrt

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from python_ml.interests.purchases import count_orders, read_purchases
from python_ml.interests.select import (
    ALIKE,
    SELECTION_SCHEMA,
    held_out_likelihood,
    mean_difference,
    select_count,
)
from tests.unit.interests.planted import DAY, QUICK, as_interactions, build, planted_shop


def test_likelihood_is_the_log_of_the_mixed_probability_of_each_later_purchase():
    mixtures = np.array([[0.5, 0.5], [1.0, 0.0]])
    interests = np.array([[0.8, 0.2], [0.4, 0.6]])
    later = csr_array(np.array([[2.0, 1.0], [0.0, 3.0]]))
    # User 1: 0.5 x 0.8 + 0.5 x 0.4 = 0.6 for category 1, 0.4 for the other. User 2 has the first interest.
    expected = [2 * log(0.6) + log(0.4), 3 * log(0.2)]
    assert held_out_likelihood(mixtures, interests, later) == pytest.approx(expected)


def test_models_are_compared_user_by_user():
    one, other = np.array([-2.0, -9.0]), np.array([-3.0, -13.0])
    # (1 + 4) / (2 + 3) = 1 a purchase; off that by 1 - 2 = -1 and 4 - 3 = 1: sqrt(2 x 2 / 1) / 5.
    assert mean_difference(one, other, np.array([2.0, 3.0])) == pytest.approx((1.0, sqrt(4) / 5))


@pytest.mark.parametrize("interests", [3, 5])
def test_planted_number_is_found(interests):
    selection = build(planted_shop(interests=interests, categories=30)).interest_selection
    chosen = selection.filter("is_chosen")
    assert abs(chosen["interest_count"].item() - interests) <= 1
    assert selection["interest_count"].to_list() == [0, 1, 2, 3, 4, 5, 6]
    assert chosen["perplexity"].item() < 0.8 * selection["perplexity"][0]


def test_columns_of_the_selection_agree():
    selection = build(planted_shop()).interest_selection
    assert selection.schema == pl.Schema(SELECTION_SCHEMA)
    assert selection["perplexity"].to_list() == pytest.approx(np.exp(-selection["mean_log_likelihood"]))
    popularity = selection["mean_log_likelihood"][0]
    assert selection["gain"].to_list() == pytest.approx(selection["mean_log_likelihood"] - popularity)
    eligible = selection.filter("is_eligible")
    best = eligible["mean_log_likelihood"].max()
    assert selection["shortfall"].to_list() == pytest.approx(best - selection["mean_log_likelihood"])
    near = eligible.filter(pl.col("shortfall") <= pl.col("shortfall_standard_error"))
    assert selection.filter("is_chosen")["interest_count"].item() == near["interest_count"].min()
    # One interest is what popularity is, and no choice.
    assert selection["perplexity"][1] == pytest.approx(selection["perplexity"][0], rel=0.01)
    assert selection["reason"].to_list()[:2] == [ALIKE, ALIKE]


def test_where_users_buy_alike_there_are_no_interests():
    shop = planted_shop()
    generator = np.random.default_rng(0)
    items = generator.permutation(shop.interactions["item_id"].to_numpy())
    result = build(shop, interactions=shop.interactions.with_columns(item_id=pl.Series(items)))
    assert result.interest_selection["is_chosen"].sum() == 0
    assert result.user_interests.is_empty()
    assert result.interest_profiles.is_empty()
    assert result.model is None
    reasons = result.interest_selection["reason"].to_list()
    assert all(reason.startswith(("all users alike", "no better than")) for reason in reasons)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"min_stability": 1.0}, "not stable"),
        ({"min_profile_users": 50, "backing_share": 1.0}, "an interest of"),
    ],
)
def test_what_is_not_eligible_says_why(change, reason):
    selection = build(planted_shop(), dataclasses.replace(QUICK, **change)).interest_selection
    assert any(str(why).startswith(reason) for why in selection["reason"])
    assert selection["is_eligible"].to_list() == selection["reason"].is_null().to_list()


def test_short_histories_are_not_judged():
    shop = planted_shop()
    late = shop.interactions.filter(pl.col("interacted_at") >= datetime(2024, 4, 1))
    selection = build(shop, interactions=late).interest_selection
    # 91 days before the 1st of July is the 1st of April.
    assert selection["reason"].to_list() == [
        "0 users bought of a common category both before 2024-04-01 and after, fewer than 50"
    ]
    assert selection.select("interest_count", "model_name").row(0) == (0, "popularity")


def test_held_out_purchases_find_no_interests():
    """Whatever was bought in the last days, interests and mixtures that are judged by it are the same."""
    shop, cut = planted_shop(), DAY - timedelta(days=QUICK.held_out_days)
    config = dataclasses.replace(QUICK, interest_counts=(2, 3))
    purchases = shop.interactions.join(shop.item_features, on="item_id").select(
        "user_id", "order_id", "category", bought_on=pl.col("interacted_at").dt.date()
    )
    is_late = pl.col("bought_on") >= cut
    other = pl.when(is_late).then(pl.lit("cat 00")).otherwise("category").alias("category")
    first, second = (
        select_count(rows, DAY, config, 0) for rows in (purchases, purchases.with_columns(other))
    )
    for column in ("stability", "smallest_user_count"):
        assert first[column].equals(second[column])
    assert not first["perplexity"].equals(second["perplexity"])


def test_orders_are_counted_once():
    at = datetime(2024, 1, 1)
    lines = [("a", "item 0", "o1", "purchase", at), ("a", "item 1", "o1", "purchase", at)]
    lines += [("a", "item 0", "o1", "purchase", at), ("a", "item 0", "o2", "purchase", at)]
    lines += [("a", "item 1", None, "view", at), ("b", "unknown", "o3", "purchase", at)]
    items = pl.DataFrame({"item_id": ["item 0", "item 1", "unknown"], "category": ["tea", "jam", None]})
    purchases = read_purchases(as_interactions(lines), items)
    counts = count_orders(purchases, ["jam", "tea"], ["a", "b"])
    assert counts.orders.toarray().tolist() == [[1.0, 2.0], [0.0, 0.0]]
