"""From feature tables to each user's mixture, and from run to run."""

import dataclasses
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.sparse import csr_array

from python_ml.config import InterestConfig
from python_ml.errors import ContractError, SettingError
from python_ml.interests.model import InterestModel, Kept, read_kept
from python_ml.interests.profile import list_categories, measure_relevance
from tests.unit.interests.planted import DAY, QUICK, as_interactions, build, catalogue, kept_of, planted_shop

TABLES = ("user_interests", "interest_profiles", "interest_selection")


@pytest.fixture(scope="module")
def shop():
    return planted_shop()


@pytest.fixture(scope="module")
def found(shop):
    return build(shop)


def test_relevance_and_lift_by_hand():
    found, popularity = np.array([[0.5, 0.3, 0.2]]), np.array([0.25, 0.6, 0.15])
    lift, relevance = measure_relevance(found, popularity, 0.6)
    assert lift.tolist() == [[0.5 / 0.25, 0.3 / 0.6, pytest.approx(0.2 / 0.15)]]
    # 0.6 log 0.5 + 0.4 log 2, 0.6 log 0.3 + 0.4 log 0.5, 0.6 log 0.2 + 0.4 log (4 / 3)
    assert relevance[0] == pytest.approx([-0.1386294, -0.9996426, -0.8505899], abs=1e-7)


def test_a_category_is_listed_if_enough_of_those_who_have_the_interest_bought_it():
    found, popularity = np.array([[0.5, 0.3, 0.2]]), np.array([0.25, 0.6, 0.15])
    has = np.array([[True], [True], [True], [False]])
    # Of the three who have it two bought the first, three the second, one the third.
    orders = csr_array(np.array([[9.0, 1, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]]))
    config = dataclasses.replace(QUICK, min_profile_users=2)
    rows = list_categories(found, popularity, ["TEA", "jam", "milk"], has, orders, config)
    shown = rows.select("category_rank", "category", "category_label", "category_user_count").rows()
    assert shown == [(1, "TEA", "tea", 2), (2, "jam", "jam", 3)]


def test_planted_interests_are_told(shop, found):
    assert found.interest_selection.filter("is_chosen")["interest_count"].item() == 3
    profiles = found.interest_profiles
    blocks = {f"cat {number:02}": number // 6 for number in range(18)}
    homes = profiles.group_by("interest_id").agg(pl.col("category").replace_strict(blocks).unique())
    assert sorted(homes["category"].to_list()) == [[0], [1], [2]]
    assert profiles["category_rank"].to_list() == [1, 2, 3, 4] * 3
    assert (profiles["lift"] > 1).all()
    # Interests of most users come first.
    heads = profiles.filter(category_rank=1)
    assert heads["interest_id"].to_list() == ["i1", "i2", "i3"]
    assert heads["user_share"].is_sorted(descending=True)
    assert heads["user_share"].sum() == pytest.approx(1)
    assert heads["interest_name"].n_unique() == 3


def test_shares_of_a_user_sum_to_one(found):
    sums = found.user_interests.group_by("user_id").agg(pl.col("share").sum(), pl.len())
    assert sums["share"].to_list() == pytest.approx([1.0] * 300)
    assert set(sums["len"]) == {3}
    own = found.user_interests.filter(~pl.col("is_prior"))
    means = dict(own.group_by("interest_id").agg(pl.col("share").mean()).rows())
    heads = found.interest_profiles.unique("interest_id")
    for interest_id, share, users in heads.select("interest_id", "user_share", "user_count").rows():
        assert means[interest_id] == pytest.approx(share)
        has = own.filter(pl.col("interest_id") == interest_id, pl.col("share") >= QUICK.backing_share)
        assert has.height == users


def test_the_order_of_rows_does_not_matter(shop, found):
    shuffled = dataclasses.replace(
        shop,
        interactions=shop.interactions.sample(fraction=1, shuffle=True, seed=5),
        item_features=shop.item_features.reverse(),
    )
    again = build(shuffled)
    for table in TABLES:
        assert_frame_equal(getattr(again, table), getattr(found, table), check_exact=True)
    assert np.array_equal(again.model.strength, found.model.strength)


def test_who_has_too_few_orders_has_the_mean_mixture(shop, found):
    at = datetime(2024, 6, 1)
    lines = [("new", "item 0", f"n{order}", "purchase", at) for order in range(2)]
    lines += [("odd", "nowhere", f"m{order}", "purchase", at) for order in range(9)]
    lines += [("looks", "item 0", None, "view", at)]
    more = pl.concat([shop.interactions, as_interactions(lines)])
    mixtures = build(shop, interactions=more).user_interests
    assert set(mixtures.filter("is_prior")["user_id"]) == {"new", "odd"}
    assert "looks" not in set(mixtures["user_id"])
    means = mixtures.filter(~pl.col("is_prior")).group_by("interest_id").agg(pl.col("share").mean())
    for user_id in ("new", "odd"):
        both = mixtures.filter(user_id=user_id).join(means, on="interest_id")
        assert both["share"].to_list() == pytest.approx(both["share_right"].to_list())
    two = build(shop, dataclasses.replace(QUICK, min_user_orders=2), interactions=more).user_interests
    assert set(two.filter("is_prior")["user_id"]) == {"odd"}


def test_one_order_is_enough_where_nobody_has_more_than_the_settings_ask(shop, found):
    strict = build(shop, dataclasses.replace(QUICK, min_user_orders=41))
    assert strict.user_interests.equals(found.user_interests)


def test_what_is_only_looked_at_changes_nothing(shop, found):
    looks = shop.interactions.with_columns(
        event_type=pl.lit("view"), order_id=pl.lit(None, pl.String), item_id=pl.lit("item 3")
    )
    assert build(shop, interactions=pl.concat([shop.interactions, looks])).user_interests.equals(
        found.user_interests
    )


def test_nothing_is_known_of_the_day_itself_or_later(shop, found):
    later = shop.interactions.with_columns(
        pl.col("interacted_at") + timedelta(days=364),
        pl.lit("item 0").alias("item_id"),
        pl.col("order_id") + "x",
    )
    later = later.filter(pl.col("interacted_at") >= datetime(2024, 7, 1))
    assert later["interacted_at"].min() == datetime(2024, 7, 1)
    again = build(shop, interactions=pl.concat([shop.interactions, later]))
    assert again.user_interests.equals(found.user_interests)


@pytest.mark.parametrize(
    ("users", "categories", "reason"),
    [(0, 5, "0 users"), (1, 5, "0 users"), (300, 1, None)],
)
def test_shops_in_which_there_is_nothing_to_find(users, categories, reason):
    at = datetime(2024, 1, 1)
    lines = [
        (f"u{user}", f"item {order % categories}", f"o{user}-{order}", "purchase", at + timedelta(days=order))
        for user in range(users)
        for order in range(170)
    ]
    shop = dataclasses.replace(
        planted_shop(), interactions=as_interactions(lines), item_features=catalogue(categories)
    )
    result = build(shop)
    assert result.user_interests.is_empty()
    assert result.interest_profiles.is_empty()
    assert not result.interest_selection["is_chosen"].any()
    assert set(result.plots) == {"selection"}
    if reason is None:
        assert result.interest_selection["interest_count"].to_list() == [0, 1]
    else:
        assert result.interest_selection["reason"].item().startswith(reason)


def test_ids_names_and_number_go_on(shop, found):
    later = DAY + timedelta(days=7)
    at = datetime(2024, 7, 3)
    lines = [(f"u{user:04}", f"item {user % 18}", f"z{user}", "purchase", at) for user in range(0, 300, 7)]
    more = pl.concat([shop.interactions, as_interactions(lines)])
    kept = kept_of(found.model, day=later)
    # Given other ids, they would be those: the order of their sizes gives none.
    renamed = dataclasses.replace(
        kept.before, interest_ids=["i7", "i5", "i9"], interest_names=["A", "B", "C"], last_number=9
    )
    kept = kept_of(renamed, day=later)
    result = build(shop, kept=kept, day=later, interactions=more)
    assert result.is_held
    assert result.interest_selection.equals(found.interest_selection)
    heads = result.interest_profiles.filter(category_rank=1)
    assert heads["interest_id"].to_list() == ["i5", "i7", "i9"]
    was = dict(zip(renamed.interest_ids, found.model.interest_ids, strict=True))
    for interest_id, own in result.interest_profiles.group_by("interest_id"):
        before = found.interest_profiles.filter(interest_id=was[interest_id[0]])
        assert set(own["category"]) & set(before["category"])
    # "A" is made of no category: a name that is not true is given up.
    assert not {"A", "B", "C"} & set(heads["interest_name"])
    kept = kept_of(found.model, day=later)
    names = build(shop, kept=kept, day=later, interactions=more).interest_profiles
    assert set(names["interest_name"]) == set(found.interest_profiles["interest_name"])


def test_interests_are_found_anew_when_they_are_old_or_settings_change(shop, found):
    kept = kept_of(found.model, day=DAY + timedelta(days=91))
    assert build(shop, kept=kept, day=DAY + timedelta(days=90)).is_held
    assert not build(shop, kept=kept, day=DAY + timedelta(days=91)).is_held
    assert not build(shop, kept=kept, day=DAY + timedelta(days=1), fitted_with="other").is_held


def test_a_day_that_is_run_again_gives_what_it_gave(shop, found):
    again = build(shop, kept=kept_of(found.model, day=DAY))
    for table in TABLES:
        assert_frame_equal(getattr(again, table), getattr(found, table), check_exact=True)


def test_a_run_for_an_earlier_day_uses_nothing_later(shop, found):
    early = DAY - timedelta(days=60)
    kept = kept_of(found.model, day=early)
    assert (kept.before, kept.same_or_before, kept.last_number) == (None, None, 3)
    alone, beside = build(shop, day=early), build(shop, kept=kept, day=early)
    assert beside.user_interests["share"].equals(alone.user_interests["share"])
    # No number is given twice.
    assert set(beside.interest_profiles["interest_id"]) == {"i4", "i5", "i6"}


def test_a_category_that_came_later_waits_and_one_that_is_gone_does_not(shop, found):
    day = DAY + timedelta(days=30)
    at = datetime(2024, 7, 15)
    lines = [(f"u{user:04}", "new", f"z{user}", "purchase", at) for user in range(150)]
    items = pl.concat([shop.item_features, pl.DataFrame({"item_id": ["new"], "category": ["aa new"]})])
    wider = dataclasses.replace(shop, item_features=items)
    more = pl.concat([shop.interactions, as_interactions(lines)])
    kept = kept_of(found.model, day=day)
    result = build(wider, kept=kept, day=day, interactions=more)
    assert result.is_held
    assert result.model.categories == found.model.categories
    assert np.array_equal(np.sort(result.model.strength, axis=0), np.sort(found.model.strength, axis=0))
    renamed = dataclasses.replace(shop, item_features=items.with_columns(pl.col("category") + "!"))
    anew = build(renamed, kept=kept, day=day, interactions=more)
    assert not anew.is_held
    assert "aa new!" in anew.model.categories


def test_a_model_comes_back_as_it_was(found):
    back = InterestModel.from_arrays(found.model.arrays())
    for field in dataclasses.fields(InterestModel):
        was, now = getattr(found.model, field.name), getattr(back, field.name)
        if isinstance(was, np.ndarray):
            assert np.array_equal(was, now)
        elif isinstance(was, pl.DataFrame):
            assert_frame_equal(was, now)
        else:
            assert was == now, field.name
    assert InterestModel.from_arrays({"strength": back.strength}) is None
    assert read_kept([{"strength": back.strength}], DAY) == Kept()


CHANGES = {
    "interest_counts": (2,),
    "held_out_days": 30,
    "min_users": 1000,
    "min_support": 1.0,
    "min_profile_users": 90,
    "fit_users": 100,
    "user_prior": 20.0,
    "category_prior": 5.0,
    "resamples": 2,
    "resample_share": 0.3,
    "min_stability": 1.0,
    "backing_share": 0.5,
    "relevance_weight": 0.0,
    "profile_top": 2,
}
ELSEWHERE = {"min_user_orders", "refit_days", "match_similarity"}


def test_all_settings_are_tried():
    fields = {field.name for field in dataclasses.fields(InterestConfig)}
    assert set(CHANGES) | ELSEWHERE == fields


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_reaches_the_result(shop, found, name):
    changed = build(shop, dataclasses.replace(QUICK, **{name: CHANGES[name]}))
    assert not all(getattr(changed, table).equals(getattr(found, table)) for table in TABLES)


def test_interests_that_are_not_alike_enough_are_new(shop, found):
    later, strict = DAY + timedelta(days=60), dataclasses.replace(QUICK, match_similarity=1.0)
    half = shop.interactions.filter(pl.col("user_id") < "u0150")
    kept = kept_of(found.model, day=later)
    result = build(shop, strict, kept=kept, day=later, interactions=half, fitted_with="new settings")
    assert set(result.model.interest_ids) == {"i4", "i5", "i6"}


@pytest.mark.parametrize(
    "change",
    [{"interest_counts": ()}, {"interest_counts": (1, 2)}, {"held_out_days": 0}, {"user_prior": 0.0}],
)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(SettingError, match=next(iter(change))):
        InterestConfig(**change)


def test_tables_that_lack_a_column_or_repeat_an_item_are_refused(shop):
    with pytest.raises(ContractError, match="order_id"):
        build(shop, interactions=shop.interactions.drop("order_id"))
    twice = dataclasses.replace(shop, item_features=pl.concat([shop.item_features, shop.item_features]))
    with pytest.raises(ContractError, match="item_id"):
        build(twice)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 8), st.integers(0, 200)), max_size=60
    )
)
def test_any_history_gives_shares_or_a_reason(lines):
    at = datetime(2024, 1, 1)
    rows = [
        (f"u{user}", f"item {item}", f"o{order}", "purchase", at + timedelta(days=days))
        for user, item, order, days in lines
    ]
    shop = dataclasses.replace(planted_shop(), interactions=as_interactions(rows), item_features=catalogue(4))
    config = dataclasses.replace(
        QUICK, interest_counts=(2, 3), min_users=1, min_profile_users=1, min_stability=0.0, min_user_orders=2
    )
    result = build(shop, config, day=date(2024, 7, 1))
    if result.interest_selection["is_chosen"].any():
        assert set(result.user_interests["user_id"]) == {row[0] for row in rows if row[4].date() < DAY}
        sums = result.user_interests.group_by("user_id").agg(pl.col("share").sum())["share"]
        assert sums.to_list() == pytest.approx([1.0] * len(sums))
    else:
        assert result.user_interests.is_empty()
        assert result.interest_selection["reason"].null_count() < result.interest_selection.height
