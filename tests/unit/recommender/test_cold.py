"""How lists do for buyers who had only looked before, and for those who were not known at all."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import log2

import polars as pl
import pytest
from recommender_shop import AS_OF

from python_ml.config import RecommenderConfig
from python_ml.recommender.cold import had_only_looked, rank_newcomers
from python_ml.recommender.data import Interactions
from python_ml.recommender.evaluate import EvaluationResult, cold_headline, evaluate_recommenders
from python_ml.recommender.judge import Ranked
from python_ml.recommender.popularity import PopularitySettings
from python_ml.recommender.split import SplitData, TimeSplit, split_data

CONFIG = RecommenderConfig(min_judged_users=2, best_seller_days=20)
CUT = 100.0
LOOKER, NEWCOMERS = 3, [4, 5]


def split(*in_window: tuple[int, int]) -> SplitData:
    """Item 1 sold best lately, item 0 long ago, user 3 looked at item 2; then pairs bought in the window."""
    before = [(0, 0, 10.0), (1, 0, 10.0), (2, 0, 10.0), (0, 1, 95.0), (1, 1, 95.0), (2, 2, 99.0)]
    bought = [*before, *((user, item, CUT + 1) for user, item in in_window)]
    user, item, day = zip(*bought, (LOOKER, 2, 98.0), strict=True)
    shop = Interactions.of(
        user, item, day, [1.0] * len(bought) + [0.1], n_users=6, n_items=4,
        is_purchase=[True] * len(bought) + [False],
    )  # fmt: skip
    return split_data(shop, TimeSplit("test", CUT, CUT + 28), max_users=1000, seed=0)


def ranked(data: SplitData, **changes) -> dict[str, Ranked]:
    return rank_newcomers(data, PopularitySettings(window_days=3), replace(CONFIG, **changes), 3)


def test_who_had_only_looked_is_told_from_who_had_bought():
    data = split((0, 1), (LOOKER, 2), (4, 1), (5, 0))
    assert data.users.tolist() == [0, LOOKER]
    assert had_only_looked(data, data.users).tolist() == [False, True]
    assert data.newcomers.tolist() == NEWCOMERS


def test_newcomers_are_judged_by_the_best_sellers_before_the_cut():
    found = ranked(split((4, 1), (5, 0), (5, 3)))
    assert set(found) == {"best_sellers", "popularity"}
    # Two buyers in 20 days, one, and none: of all time item 0 had three.
    assert found["best_sellers"].items.tolist() == [[1, 2, 0]] * 2
    assert found["best_sellers"].users.tolist() == NEWCOMERS
    ideal = 1 + 1 / log2(3)
    assert found["best_sellers"].per_user("ndcg", 3) == pytest.approx([1.0, (1 / log2(4)) / ideal])
    # In three days only item 2 was sold; the rest is level.
    assert found["popularity"].items.tolist() == [[2, 0, 1]] * 2


def test_what_is_bought_in_the_window_makes_no_list():
    quiet, busy = split((4, 1), (5, 0)), split((4, 3), (5, 3), (0, 3), (1, 3), (2, 3))
    for name, lists in ranked(quiet).items():
        assert lists.items.tolist() == ranked(busy)[name].items.tolist()
    assert ranked(busy)["best_sellers"].hits.sum() == 0


def test_too_few_newcomers_are_not_measured():
    assert ranked(split((4, 1))) == {}
    assert ranked(split((4, 1)), min_judged_users=1)["best_sellers"].users.tolist() == [4]


def test_lists_of_known_users_are_not_needed():
    data = split((4, 1), (5, 0))
    assert set(rank_newcomers(data, None, CONFIG, 3)) == {"best_sellers"}


@pytest.fixture(scope="module")
def evaluation(tables, small_config) -> EvaluationResult:
    """The small shop, with three visitors who look, and three newcomers who buy, in each of two windows."""
    rows = []
    for window in range(2):
        start = datetime(AS_OF.year, AS_OF.month, AS_OF.day) - timedelta(days=28 * (window + 1))
        for number in range(3):
            rows += [
                (f"looker{window}{number}", "i03", "view", 0.1, start - timedelta(days=1)),
                (f"looker{window}{number}", "i03", "purchase", 1.0, start + timedelta(days=1)),
                (f"newcomer{window}{number}", "i00", "purchase", 1.0, start + timedelta(days=1)),
            ]
    columns = ["user_id", "item_id", "event_type", "weight", "interacted_at"]
    extra = pl.DataFrame(rows, schema=columns, orient="row")
    extra = extra.with_columns(interaction_id=pl.format("x{}", pl.int_range(pl.len())))
    both = pl.concat([tables["interactions"], extra.select(tables["interactions"].columns)])
    given = {name: table for name, table in tables.items() if name != "user_features"}
    config = replace(
        small_config, min_judged_users=3, cutoffs=(5, 10), second_stage_min_users=10**6, ease_max_side=1,
        transformer_devices=("cuda",),
    )  # fmt: skip
    return evaluate_recommenders(
        **(given | {"interactions": both}), config=config, as_of=AS_OF, device="cpu", seed=0
    )


def test_both_groups_have_rows_of_their_own(evaluation):
    assert evaluation.newcomers == {"validation": 3, "test": 3}
    ndcg = evaluation.metrics.filter(split_name="test", list_name="for_you", metric_name="ndcg", cutoff=10)
    new = ndcg.filter(cohort_id="newcomers")
    assert set(new["model_name"]) == {"best_sellers", "popularity"}
    assert new["user_count"].to_list() == [3, 3]
    # Everybody's favourite sells best, and it is what the newcomers buy.
    assert new["metric_value"].to_list() == [1.0, 1.0]
    looked = ndcg.filter(cohort_id="looked_only")
    everybody = ndcg.filter(pl.col("not_evaluated_reason").is_null(), cohort_id="all")
    assert set(looked["model_name"]) == set(everybody["model_name"])
    assert looked["user_count"].unique().to_list() == [3]
    assert everybody["user_count"].min() > 3
    # The same champions as of all; newcomers' lists are nobody's to win.
    assert set(looked.filter("is_champion")["model_name"]) == {evaluation.champions["for_you"]}
    assert not new["is_champion"].any()


def test_the_ui_shows_them_beside_popularity(evaluation):
    shown = cold_headline(evaluation.metrics)
    assert set(shown["users"]) == {"Had looked and bought nothing", "Not known before"}
    known = shown.filter(users="Had looked and bought nothing", list_name="for_you")
    assert set(known["model_name"]) == {evaluation.champions["for_you"], "popularity"}
    assert shown["user_count"].unique().to_list() == [3]
