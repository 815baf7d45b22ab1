"""Histories that are too short or too thin: nothing is made up, and everybody still gets a list."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from math import floor

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import RecommendationResult, recommend_items, rule_tables

from python_ml.config import RecommenderConfig
from python_ml.errors import SettingError
from python_ml.recommender.best_sellers import BestSellers
from python_ml.recommender.counting import Counting, CountingSettings
from python_ml.recommender.data import Interactions
from python_ml.recommender.evaluate import EvaluationResult, evaluate_recommenders, headline
from python_ml.recommender.explain import Reason, explain, explainer_of
from python_ml.recommender.models import MODELS
from python_ml.recommender.serve import Lists
from python_ml.recommender.split import choose_windows, duration

AS_OF = date(2024, 6, 1)
MIDNIGHT = datetime(2024, 6, 1)
WEIGHTS = {"purchase": 1.0, "cart": 0.5, "view": 0.1}
QUICK = RecommenderConfig(
    popularity_window_days=(56,), frequency_half_life_days=(60.0,), knn_weightings=("cosine",),
    knn_neighbours=(20,), ease_l2=(10.0,), ease_half_life_days=(0.0,), als_factors=(4,),
    als_l2=(1.0,), als_alphas=(3.0,), als_half_life_days=(0.0,), als_iterations=2, personal_weights=(0.35,),
    blend_weights=(0.5,), dimension=4, min_buyers=2, knn_min_buyers=2, epochs=2, judge_every=1, batch_users=8,
    negatives=8, repeat_windows=1, list_length=5, similar_length=3,
    transformer_devices=("cpu",), transformer_dimension=4, transformer_heads=1, transformer_length=8,
    transformer_epochs=2, transformer_negatives=8, second_stage_min_users=1, second_stage_epochs=1,
)  # fmt: skip


def shop(acts, *, users=(), items=6) -> dict[str, pl.DataFrame]:
    """Feature tables of a shop in which these acts (user, item, event type, time) happened."""
    acts = sorted(acts)
    known = sorted({act[0] for act in acts} | set(users))
    catalogue = [f"i{number}" for number in range(items)]
    return {
        "interactions": pl.DataFrame(
            {
                "user_id": [act[0] for act in acts],
                "item_id": [act[1] for act in acts],
                "event_type": [act[2] for act in acts],
                "weight": [WEIGHTS[act[2]] for act in acts],
                "interacted_at": [act[3] for act in acts],
            },
            schema={"user_id": pl.String, "item_id": pl.String, "event_type": pl.String,
                    "weight": pl.Float64, "interacted_at": pl.Datetime("us")},
        ),
        "user_features": pl.DataFrame({"user_id": known}, schema={"user_id": pl.String}),
        "item_features": pl.DataFrame({"item_id": catalogue, "is_recommendable": True, "category": "tea"}),
        "item_texts": pl.DataFrame({"item_id": catalogue, "text_hash": catalogue}),
        "text_embeddings": pl.DataFrame(
            {"text_hash": catalogue, "embedding_model": "m", "embedding": np.eye(items, 4).tolist()},
            schema_overrides={"embedding": pl.List(pl.Float32)},
        ),
        "user_cohorts": pl.DataFrame(
            {"user_id": known, "cohort_id": "c1", "cohort_name": "All users"},
            schema={"user_id": pl.String, "cohort_id": pl.String, "cohort_name": pl.String},
        ),
    }  # fmt: skip


def run(tables, config=QUICK) -> tuple[EvaluationResult, RecommendationResult]:
    common = {"config": config, "as_of": AS_OF, "device": "cpu", "seed": 0}
    given = {name: table for name, table in tables.items() if name != "user_features"}
    evaluation = evaluate_recommenders(**given, **common)
    lists = {"model_evaluations": evaluation.metrics, "rules": rule_tables()}
    return evaluation, recommend_items(**tables, **lists, **common)


def bought(user: int, item: int, **ago) -> tuple:
    return f"u{user:02d}", f"i{item}", "purchase", MIDNIGHT - timedelta(**ago)


def viewed(user: int, item: int, **ago) -> tuple:
    return f"u{user:02d}", f"i{item}", "view", MIDNIGHT - timedelta(**ago)


WEEK = [
    bought(user, (user + day) % 5, days=day, hours=user % 20) for user in range(16) for day in range(1, 8)
]
ONCE = [bought(user, (user + line) % 6, days=10 * user + 1) for user in range(40) for line in range(2)]
HOURS = [viewed(user, item, hours=20, minutes=user) for user in range(30) for item in (user % 6, 0)]
HOURS += [bought(user, user % 3, hours=19, minutes=user) for user in range(5)]
ONE_ITEM = [bought(user, 0, days=3 * visit + 1, hours=user) for user in range(8) for visit in range(30)]


@pytest.mark.parametrize(
    ("acts", "items", "reason"),
    [
        # Eight calendar days, for the hours reach into the one before: two windows of two days.
        (WEEK, 6, "history of 8 days; 16 users known before the validation window of 2 days bought"),
        (ONCE, 6, "history of 391 days; 0 users known before the validation window of 28 days bought"),
        # From 03:31 to 05:00 are the hours 3, 4 and 5.
        (HOURS, 6, "history of 3 hours; needs 4 hours: two windows of an hour"),
        (ONE_ITEM, 1, "history of 89 days; 8 users known before the validation window of 22 days bought"),
        ([], 6, "no history: nobody known has bought or looked at anything"),
    ],
)
def test_what_cannot_be_judged_is_not_evaluated_and_says_why(acts, items, reason):
    evaluation, _ = run(shop(acts, users=["u00"], items=items))
    rows = evaluation.metrics
    assert rows.height == 2
    assert rows["list_name"].to_list() == ["for_you", "discover"]
    assert rows.select("metric_value", "lower_95", "upper_95", "window_days").null_count().row(0) == (2,) * 4
    assert rows["is_champion"].all()
    assert set(rows["model_name"]) == {"counting"}
    assert rows["not_evaluated_reason"][0].startswith(reason)
    assert evaluation.champions == dict.fromkeys(("for_you", "discover"), "counting")
    assert evaluation.grid.is_empty()
    assert evaluation.differences.is_empty()
    assert evaluation.history.is_empty()
    assert headline(rows).is_empty()


def test_every_user_of_a_thin_shop_has_lists():
    _, served = run(shop(ONCE, users=["never"]))
    lists = served.recommendations.group_by("user_id", "list_name").agg("item_id", "rank", "candidate_source")
    assert lists.height == 2 * 41
    for user, name, items, ranks, sources in lists.iter_rows():
        assert ranks == list(range(1, len(items) + 1))
        owned = {act[1] for act in ONCE if act[0] == user}
        # Six items: five in the list, of which two were bought.
        assert len(items) == (5 if user == "never" or name == "for_you" else 4)
        assert name == "for_you" or not owned & set(items)
        assert set(sources) <= ({"best_sellers"} if user == "never" else {"counting"})
    assert set(served.similar_items["similarity_source"]) == {"text"}
    assert set(served.weights) == {"item_ids"}


def test_a_shop_of_one_item():
    """The item is for everybody who comes again; there is nothing to discover and nothing like it."""
    evaluation, served = run(shop(ONE_ITEM, items=1))
    assert served.similar_items.is_empty()
    assert served.recommendations.select("list_name", "item_id").unique().rows() == [("for_you", "i0")]
    assert served.recommendations.height == 8
    # With eight users enough, one list can be judged and the other cannot.
    evaluation, served = run(shop(ONE_ITEM, items=1), replace(QUICK, min_judged_users=8))
    assert set(evaluation.not_evaluated) == {"discover"}
    assert evaluation.champions["discover"] == "counting"
    measured = evaluation.metrics.filter(
        list_name="for_you", split_name="test", metric_name="ndcg", cutoff=10
    )
    assert measured.filter(cohort_id="all")["metric_value"].to_list() == [1.0] * len(MODELS)
    assert set(measured["window_days"]) == {22.0}
    assert served.recommendations.height == 8


def test_thousands_of_users_and_one_item_are_small_for_ease():
    """What is inverted has a side of one item, whatever the number of users."""
    users = range(3000)
    acts = [
        (f"u{user:04d}", "i0", "purchase", MIDNIGHT - timedelta(days=days + user % 9))
        for user in users
        for days in (1, 30, 45, 70)
    ]
    evaluation, served = run(shop(acts, items=1), replace(QUICK, ease_max_side=1))
    assert evaluation.left_out == {}
    assert set(evaluation.not_evaluated) == {"discover"}
    assert set(evaluation.metrics.filter(list_name="for_you")["model_name"]) == set(MODELS)
    assert served.recommendations.height == 3000


def test_a_model_the_shop_is_too_large_for_says_so_and_does_not_compete():
    acts = [viewed(user, user % 6, days=40, hours=1) for user in range(25)]
    acts += [bought(user, (user + 1) % 6, days=15) for user in range(25)]
    acts += [bought(user, (user + 2 * (user % 2)) % 6, days=5) for user in range(25)]
    everyone, _ = run(shop(acts))
    evaluation, served = run(shop(acts), replace(QUICK, ease_max_side=5))
    reason = "25 users by 6 items: a matrix of side 6 to invert; at most 5 (ease_max_side)"
    nothing = "0 users known before the window it would learn from bought in it; needs 1"
    assert everyone.left_out == {"second_stage": f"{nothing} (second_stage_min_users)"}
    assert evaluation.left_out == everyone.left_out | {
        "ease": reason,
        "two_tower_ease": f"needs ease: {reason}",
    }
    assert evaluation.not_evaluated == {}
    rows = evaluation.metrics.filter(pl.col("not_evaluated_reason").is_not_null())
    assert rows.select(
        "list_name", "model_name", "split_name", "metric_value", "window_days", "is_champion", "model_config",
        "not_evaluated_reason",
    ).sort("list_name", "model_name").rows() == [
        (of, name, "test", None, None, False, None, evaluation.left_out[name])
        for of in ("discover", "for_you")
        for name in ("ease", "second_stage", "two_tower_ease")
    ]  # fmt: skip
    # The others are measured as if those two had lost.
    measured = evaluation.metrics.filter(pl.col("not_evaluated_reason").is_null())
    others = [name for name in MODELS if name not in evaluation.left_out]
    assert len(others) == len(MODELS) - 3
    left = everyone.metrics.filter(pl.col("model_name").is_in(others))
    assert measured.drop("is_champion").equals(left.drop("is_champion"))
    assert set(evaluation.champions.values()) <= set(left["model_name"])
    assert headline(evaluation.metrics).height == 2 * len(others)
    assert set(evaluation.differences["baseline"]).isdisjoint(evaluation.left_out)
    assert set(served.recommendations["candidate_source"]).isdisjoint(evaluation.left_out)


def test_the_transformer_competes_on_the_devices_it_is_asked_to():
    acts = [bought(user, (user + days) % 6, days=days) for user in range(25) for days in (5, 20, 40, 51, 62)]
    evaluation, _ = run(shop(acts), replace(QUICK, transformer_devices=("cuda", "mps")))
    reason = "trains on cuda or mps (transformer_devices), and this run is on cpu"
    assert evaluation.left_out == {"transformer": reason, "transformer_knn": f"needs transformer: {reason}"}
    assert set(evaluation.history["model_name"]) == {"two_tower"}
    assert set(run(shop(acts))[0].history["model_name"]) == {"two_tower", "transformer"}
    with pytest.raises(SettingError, match="transformer_devices"):
        replace(QUICK, transformer_devices=("tpu",))
    with pytest.raises(SettingError, match="multiple of transformer_heads, which is 3"):
        replace(QUICK, transformer_heads=3)


def test_without_a_list_to_judge_no_model_is_left_out():
    evaluation, _ = run(shop(ONCE), replace(QUICK, ease_max_side=1))
    assert evaluation.left_out == {}
    assert set(evaluation.metrics["model_name"]) == {"counting"}


def test_a_shop_that_only_looks():
    """Views alone: those who looked are led from item to item, the others see what is looked at most."""
    _, served = run(shop([act for act in HOURS if act[2] == "view"], users=["never"]))
    rows = served.recommendations
    assert rows["user_id"].n_unique() == 31
    assert "bought_before" not in set(rows["reason_code"])
    first = rows.filter(user_id="never", rank=1)
    assert first["item_id"].to_list() == ["i0", "i0"]  # everybody looked at it
    of_one = rows.filter(user_id="u01", list_name="for_you")
    assert set(of_one.filter(pl.col("item_id").is_in(["i0", "i1"]))["reason_code"]) == {"viewed_before"}


def test_nothing_to_count_is_no_list():
    _, served = run(shop([], users=["u00"]))
    assert served.recommendations.is_empty()
    assert served.similar_items.is_empty()
    _, nobody = run(shop([]))
    assert nobody.recommendations.is_empty()


def test_thirty_users_who_come_again_are_judged_on_shorter_windows():
    acts = [
        bought(user, (user + 2 * day) % 6, days=day, hours=1) for user in range(30) for day in range(1, 13)
    ]
    evaluation, served = run(shop(acts))
    judged = evaluation.metrics.filter(pl.col("not_evaluated_reason").is_null())
    assert set(judged["window_days"]) == {3.0}  # a quarter of twelve days
    assert evaluation.champions["for_you"] != "counting"
    assert served.recommendations["user_id"].n_unique() == 30


def test_views_before_the_window_make_a_user_known():
    looked = [viewed(user, user % 6, days=40, hours=1) for user in range(25)]
    test = [bought(user, user % 6, days=5) for user in range(25)]
    validation = [bought(user, (user + 1) % 6, days=15) for user in range(25)]
    evaluation, _ = run(shop(looked + test + validation))
    assert evaluation.not_evaluated == {}
    without, _ = run(shop(test + validation))
    assert set(without.not_evaluated) == {"for_you", "discover"}


def test_the_order_of_rows_changes_nothing():
    tables = shop(ONCE, users=["never"])
    mixed = {name: table.sample(fraction=1.0, shuffle=True, seed=2) for name, table in tables.items()}
    (one, served), (other, again) = run(tables), run(mixed)
    assert one.metrics.equals(other.metrics)
    assert served.recommendations.equals(again.recommendations)
    assert served.similar_items.equals(again.similar_items)


def history(*days: float) -> Interactions:
    count = len(days)
    return Interactions.of([0] * count, [0] * count, days, [1.0] * count, n_users=1, n_items=1)


@pytest.mark.parametrize(
    ("first", "last", "hours", "days", "cuts"),
    [
        (0.5, 364.9, 365 * 24, 28, (365 - 56, 365 - 28)),
        (0.5, 111.2, 112 * 24, 28, (56, 84)),
        (0.0, 99.0, 100 * 24, 25, (50, 75)),
        (10.3, 16.8, 7 * 24, 1, (15, 16)),
        (10.3, 13.0, 4 * 24, 1, (12, 13)),
        # Three days are counted in hours: from 07:00 on the first to 19:00 on the third are 60.
        (10 + 7 / 24, 12 + 18.5 / 24, 60, 15 / 24, (10 + 37 / 24, 10 + 52 / 24)),
        (10.0, 10 + 3.5 / 24, 4, 1 / 24, (10 + 2 / 24, 10 + 3 / 24)),
    ],
)
def test_windows_by_hand(first, last, hours, days, cuts):
    windows = choose_windows(history(first, last).day, date(1971, 6, 1), 28)
    assert (windows.history_hours, windows.days) == (hours, days)
    validation, test = windows.splits
    assert (validation.cut, test.cut) == pytest.approx(cuts)
    assert validation.end == test.cut
    # Half of the history is left to learn from, counted from the start of its first day or hour.
    assert validation.cut - (floor(first) if days >= 1 else first) >= 1.999 * days


def test_windows_end_at_the_as_of_date_where_the_history_goes_on():
    _, test = choose_windows(history(0.5, 59.0 - 1e-9).day, date(1970, 3, 1), 28).splits
    assert test.end == 59.0


def test_less_than_four_hours_have_no_window():
    windows = choose_windows(history(10.0, 10 + 2.8 / 24).day, date(1971, 1, 1), 28)
    assert (windows.history_hours, windows.days, windows.splits) == (3, 0, ())


def test_durations_are_said_plainly():
    assert [duration(hours) for hours in (1, 3, 24, 60, 168)] == [
        "1 hour", "3 hours", "1 day", "60 hours", "7 days"
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([0.1, 0.5, 1.0]))))
def test_the_strongest_sign_of_a_pair_counts(rows):
    user, item, weight = zip(*rows, strict=True) if rows else ([], [], [])
    signs = Interactions.of(
        user,
        item,
        [0.0] * len(rows),
        weight,
        n_users=3,
        n_items=4,
        is_purchase=[value == 1 for value in weight],
    )
    strongest = signs.strongest().toarray()
    for pair in np.ndindex(3, 4):
        assert strongest[pair] == max((row[2] for row in rows if row[:2] == pair), default=0.0)
    assert (signs.pairs().toarray() == (strongest == 1.0)).all()


SIGNS = Interactions.of(
    # User 0 bought item 0 and looked at item 1; user 1 bought both; user 2 looked at item 2 alone.
    [0, 0, 1, 1, 2], [0, 1, 0, 1, 2], [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 0.1, 1.0, 1.0, 0.1],
    is_purchase=[True, False, True, True, False], n_users=3, n_items=4,
)  # fmt: skip


def test_counting_by_hand():
    settings = CountingSettings(neighbours=4, min_buyers=2, window_days=10)
    model = Counting.fit(SIGNS, settings, now=6.0)
    scores = model.score(np.array([0, 2])).numpy()
    # Items 0 and 1 have two users each: lengths sqrt(2) and sqrt(1.01), product 1 * 0.1 + 1 * 1.
    alike = 1.1 / np.sqrt(2 * 1.01)
    popular = 1e-3 * np.array([2, 1, 0, 0]) / 2 + 1e-6 * np.array([2, 1.1, 0.1, 0]) / 2
    assert scores[0] == pytest.approx([1 + 0.1 * alike + popular[0], alike + 0.1 + popular[1], *popular[2:]])
    # Item 2 has one user: no neighbours, so user 2 sees best sellers, and what was looked at before the rest.
    assert scores[1] == pytest.approx(popular)
    assert scores[1].argsort()[::-1].tolist() == [0, 1, 2, 3]


def test_reasons_tell_what_was_bought_from_what_was_looked_at():
    model = Counting.fit(SIGNS, CountingSettings(neighbours=4, min_buyers=1, window_days=10), now=6.0)
    sellers = BestSellers.count(SIGNS, np.full(3, -1), 0, now=6.0, window_days=10)
    lists = Lists(np.array([0, 2]), np.array([[0, 1, 3], [2, 0, 1]]), np.zeros((2, 3)), np.zeros(2, bool))
    reason, item = explain(explainer_of(model), lists, SIGNS.pairs(), SIGNS.matrix(), sellers, np.full(3, -1))
    assert reason[0].tolist() == [Reason.BOUGHT_BEFORE, Reason.VIEWED_BEFORE, Reason.POPULAR_OVERALL]
    assert item[0].tolist() == [0, 1, -1]
    assert reason[1].tolist() == [Reason.VIEWED_BEFORE, Reason.POPULAR_OVERALL, Reason.POPULAR_OVERALL]
    both = Interactions.of(
        [0, 1, 1], [1, 0, 1], [1, 2, 3], [0.1, 1, 1], is_purchase=[0, 1, 1], n_users=2, n_items=2
    )
    model = Counting.fit(both, CountingSettings(neighbours=4, min_buyers=1, window_days=10), now=6.0)
    lists = Lists(np.array([0]), np.array([[0]]), np.zeros((1, 1)), np.zeros(1, bool))
    sellers = BestSellers.count(both, np.full(2, -1), 0, now=6.0, window_days=10)
    reason, item = explain(explainer_of(model), lists, both.pairs(), both.matrix(), sellers, np.full(2, -1))
    assert reason.tolist() == [[Reason.BECAUSE_YOU_VIEWED]]
    assert item.tolist() == [[1]]
