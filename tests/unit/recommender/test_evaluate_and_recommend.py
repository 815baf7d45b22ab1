"""The whole road on one small shop: frames in, frames out."""

import json
import subprocess
import sys
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from recommender_shop import (
    AS_OF,
    BUYERS,
    ITEMS,
    NEVER_SOLD,
    NEWCOMERS,
    NOT_RECOMMENDABLE,
    RecommendationResult,
    recommend_items,
    rule_tables,
)

from python_ml import recommender
from python_ml.config import RecommenderConfig
from python_ml.errors import ContractError, DeviceError, ModelError, SettingError
from python_ml.recommender import publish
from python_ml.recommender.als import is_installed
from python_ml.recommender.blend import BlendSettings
from python_ml.recommender.data import Interactions
from python_ml.recommender.evaluate import EvaluationResult, evaluate_recommenders, headline
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.measures import OVER_USERS, PER_USER
from python_ml.recommender.models import (
    MODELS,
    blend_grid,
    grid,
    second_stage_settings,
    settings_from,
    settings_values,
    two_tower_settings,
)
from python_ml.recommender.recommend import Recommender
from python_ml.recommender.report import trainings
from python_ml.recommender.sequence.blend_sequence import SequenceBlendSettings
from python_ml.recommender.sequence.sequential_knn import SequentialKnnSettings
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.sequence.transformer_knn import TransformerKnnSettings

KEY = ["model_name", "split_name", "list_name", "cohort_id", "metric_name", "cutoff"]
LISTS = ["for_you", "discover"]


def evaluate(tables, config, **changes) -> EvaluationResult:
    given = {name: table for name, table in tables.items() if name != "user_features"} | changes
    return evaluate_recommenders(**given, config=config, as_of=AS_OF, device="cpu", seed=0)


def recommend(tables, evaluation, config, **changes) -> RecommendationResult:
    return recommend_items(
        **(tables | changes),
        rules=rule_tables(),
        model_evaluations=evaluation.metrics,
        config=config,
        as_of=AS_OF,
        device="cpu",
        seed=0,
    )


@pytest.fixture(scope="module")
def evaluation(tables, small_config) -> EvaluationResult:
    return evaluate(tables, small_config)


@pytest.fixture(scope="module")
def result(tables, evaluation, small_config) -> RecommendationResult:
    return recommend(tables, evaluation, small_config)


def shuffled(tables):
    return {name: table.sample(fraction=1.0, shuffle=True, seed=1) for name, table in tables.items()}


def owned_by(tables) -> dict[str, set[str]]:
    bought = tables["interactions"].group_by("user_id").agg("item_id")
    return {user: set(items) for user, items in bought.iter_rows()}


def test_every_model_is_measured_on_both_splits_lists_and_all_cohorts(evaluation):
    metrics = evaluation.metrics
    assert metrics.select(KEY).is_duplicated().sum() == 0
    everybody = metrics.filter(cohort_id="all")
    counts = dict(everybody.group_by("metric_name").len().rows())
    # Nobody buys what nobody had bought before; of one list no two items have a text.
    assert set(counts) == {*PER_USER, *OVER_USERS} - {"cold_item_recall"}
    assert {name: count for name, count in counts.items() if name != "diversity"} == dict.fromkeys(
        counts.keys() - {"diversity"}, len(MODELS) * 2 * 2 * 2
    )
    assert set(metrics["cohort_id"]) == {"all", "c1", "c2"}
    parts = metrics.filter(pl.col("cohort_id") != "all", metric_name="ndcg", cutoff=5)
    whole = everybody.filter(metric_name="ndcg", cutoff=5)
    mean = parts.group_by("model_name", "split_name", "list_name").agg(
        together=(pl.col("metric_value") * pl.col("user_count")).sum() / pl.col("user_count").sum()
    )
    joined = whole.join(mean, on=["model_name", "split_name", "list_name"])
    assert joined["metric_value"].to_numpy() == pytest.approx(joined["together"].to_numpy())


def test_champions_are_best_on_validation(evaluation):
    for list_name in LISTS:
        validated = evaluation.metrics.filter(
            split_name="validation", list_name=list_name, cohort_id="all", metric_name="ndcg", cutoff=5
        )
        assert set(validated.filter("is_champion")["model_name"]) == {evaluation.champions[list_name]}
    tested = evaluation.grid.filter(model_name="ease")
    best = tested.group_by("list_name").agg(pl.col("model_config").sort_by("validation_ndcg_10").last())
    for list_name, config in best.iter_rows():
        chosen = evaluation.choices["ease"][list_name]
        values = tested.filter(list_name=list_name)
        value = values.filter(model_config=json.dumps(chosen, sort_keys=True))["validation_ndcg_10"].item()
        assert value == values["validation_ndcg_10"].max(), config


def test_a_champion_in_force_is_asked_before_another_takes_over(tables, evaluation, small_config):
    """What did best on validation replaces popularity, which is worse on test, and says so."""
    again = evaluate(tables, small_config, in_force=dict.fromkeys(LISTS, "popularity"))
    assert again.champions == evaluation.champions
    first = evaluation.metrics.filter("is_champion")["champion_reason"].unique().to_list()
    assert first == ["best on the validation window"]
    reasons = again.metrics.filter("is_champion").select("list_name", "champion_reason").unique()
    assert dict(reasons.rows()).keys() == set(LISTS)
    for reason in reasons["champion_reason"]:
        assert "not worse than popularity, in force before" in reason
    others = again.metrics.filter(~pl.col("is_champion"))["champion_reason"]
    assert others.null_count() == len(others)


def test_choices_do_not_look_at_the_test_window(tables, evaluation, small_config):
    start = AS_OF - timedelta(days=28)
    late = pl.col("interacted_at").dt.date() >= start
    # Everybody buys something else in the test window, among what was sold before.
    changed = tables["interactions"].with_columns(
        item_id=pl.when(late).then(pl.lit("i07")).otherwise("item_id")
    )
    again = evaluate(tables, small_config, interactions=changed)
    assert again.choices == evaluation.choices
    assert again.champions == evaluation.champions
    validated = [run.metrics.filter(split_name="validation") for run in (evaluation, again)]
    assert validated[0].equals(validated[1])
    weighed = [run.diversity.filter(split_name="validation") for run in (evaluation, again)]
    assert weighed[0].equals(weighed[1])
    assert not again.diversity.equals(evaluation.diversity)
    assert not again.metrics.equals(evaluation.metrics)


def test_nothing_on_or_after_the_as_of_date_is_seen(tables, evaluation, small_config):
    future = tables["interactions"].with_columns(pl.col("interacted_at") + timedelta(days=365))
    again = evaluate(tables, small_config, interactions=pl.concat([tables["interactions"], future]))
    assert again.metrics.equals(evaluation.metrics)


def test_recommending_does_not_see_the_as_of_date_either(tables, evaluation, result, small_config):
    midnight = tables["interactions"].with_columns(
        interacted_at=pl.lit(AS_OF).cast(pl.Datetime("us")), item_id=pl.lit("i07")
    )
    again = recommend(
        tables, evaluation, small_config, interactions=pl.concat([tables["interactions"], midnight])
    )
    assert again.recommendations.equals(result.recommendations)
    assert again.similar_items.equals(result.similar_items)


def test_interactions_may_come_as_categories(tables):
    compact = tables | {"interactions": tables["interactions"].cast({pl.String: pl.Categorical})}
    for given in (tables, {name: table for name, table in tables.items() if name != "user_features"}):
        expected = read_inputs(given, as_of=AS_OF)
        found = read_inputs(given | {"interactions": compact["interactions"]}, as_of=AS_OF)
        assert found.user_ids.equals(expected.user_ids, check_dtypes=True)
        for field in fields(Interactions):
            assert np.array_equal(*(getattr(each.interactions, field.name) for each in (found, expected)))
    with pytest.raises(ContractError, match="ids are unknown, the first is 'i"):
        read_inputs(compact | {"item_features": tables["item_features"].head(3)}, as_of=AS_OF)


def test_attributes_are_the_values_of_the_columns_that_say_what_an_item_is(tables):
    """Numbered column after column, by name; the order of the rows does not matter."""
    items = pl.DataFrame(
        {
            "item_id": ["b", "a", "c"],
            "is_recommendable": True,
            "brand": ["Y", None, "X"],
            "category": ["soap", "soap", None],
            "department": ["drugstore"] * 3,  # tells nothing of any
            "title": ["1", "2", "3"],
        }
    )
    nothing = {name: table.head(0) for name, table in tables.items()}
    found = read_inputs(nothing | {"item_features": items}, as_of=AS_OF).attributes
    assert found.count == 3
    assert found.of_item.tolist() == [[0, -1], [0, 2], [-1, 1]]


def test_order_of_rows_changes_nothing(tables, evaluation, result, small_config):
    again = evaluate(shuffled(tables), small_config)
    assert again.metrics.equals(evaluation.metrics)
    lists = recommend(shuffled(tables), again, small_config)
    assert lists.recommendations.equals(result.recommendations)
    assert lists.similar_items.equals(result.similar_items)


def test_baselines_on_the_small_shop(evaluation):
    """Users have steady favourites: their own frequency foresees them, best-sellers do not."""
    tested = evaluation.metrics.filter(
        split_name="test", list_name="for_you", cohort_id="all", metric_name="ndcg", cutoff=5
    )
    value = dict(tested.select("model_name", "metric_value").iter_rows())
    assert value["personal_frequency"] > value["popularity"] + 0.1
    assert value["two_tower"] > value["popularity"] + 0.1


def test_history_differences_and_plots_are_there(evaluation, small_config):
    towers = evaluation.history.filter(model_name="two_tower")
    assert towers["epoch"].to_list() == list(range(1, towers.height + 1))
    assert towers.drop_nulls()["epoch"].to_list()[:2] == [2, 4]
    transformer = evaluation.history.filter(model_name="transformer")
    assert transformer.drop_nulls()["epoch"].to_list() == list(range(1, transformer.height + 1))
    stopped = evaluation.choices["transformer"]["for_you"]["epochs"]
    assert stopped == transformer["epoch"][transformer["validation_ndcg"].arg_max()]
    shown = trainings(evaluation.history)
    assert shown["model_name"].to_list() == ["two_tower", "transformer"]
    assert shown.filter(model_name="transformer").row(0)[1:] == (
        transformer.height,
        stopped,
        transformer["validation_ndcg"].max(),
    )
    assert evaluation.differences.height == 2 * (len(MODELS) - 1)
    assert {"models", "learning curve"} == set(evaluation.plots)
    assert evaluation.device == "cpu"
    assert evaluation.newcomers == {"validation": 0, "test": 0}


def test_headline_shows_the_test_window(evaluation, tables, small_config):
    at_ten = evaluate(tables, replace(small_config, cutoffs=(10,)))
    shown = headline(at_ten.metrics)
    assert shown.height == 2 * len(MODELS)
    assert shown["list_name"].to_list() == ["for_you"] * len(MODELS) + ["discover"] * len(MODELS)
    assert shown.filter("is_champion").height == 2


def test_every_user_gets_a_full_list_of_distinct_items(result, tables):
    recommendations = result.recommendations
    assert recommendations["recommendation_id"].is_unique().all()
    for_you = recommendations.filter(list_name="for_you").group_by("user_id").agg("rank", "item_id")
    assert sorted(for_you["user_id"]) == sorted(BUYERS + NEWCOMERS)
    assert all(ranks == [1, 2, 3, 4, 5] for ranks in for_you["rank"].to_list())
    assert all(len(set(items)) == 5 for items in for_you["item_id"].to_list())
    assert recommendations.filter(pl.col("item_id") == NOT_RECOMMENDABLE).is_empty()


def test_lists_in_parts_are_the_same_lists(tables, evaluation, result, small_config, monkeypatch):
    """The last part ends with people of whom nothing is known; each person is in one part of a list."""
    monkeypatch.setattr(publish, "USERS_A_PART", 7)
    given = {**tables, "model_evaluations": evaluation.metrics, "config": small_config}
    parts = list(Recommender(**given, as_of=AS_OF, device="cpu", seed=0).lists(rule_tables()))
    assert len(parts) == len(LISTS) * -(-len(BUYERS + NEWCOMERS) // 7)
    assert max(part["user_id"].n_unique() for part in parts) == 7
    together, expected = pl.concat(parts), result.recommendations
    assert together.drop("score").equals(expected.drop("score"))
    np.testing.assert_allclose(together["score"], expected["score"], rtol=1e-5)


def test_scores_fall_with_rank(result):
    ordered = result.recommendations.sort("list_name", "user_id", "rank")
    step = ordered.select(pl.col("score").diff().over("list_name", "user_id").fill_null(0.0)).to_series()
    assert (step <= 0).all()


def test_discover_is_new_to_the_user(result, tables):
    owned = owned_by(tables)
    discover = result.recommendations.filter(list_name="discover")
    for user, item, reason in discover.select("user_id", "item_id", "reason_code").iter_rows():
        assert item not in owned.get(user, set())
        assert reason != "bought_before"


def test_reasons_name_what_the_user_bought(result, tables):
    owned = owned_by(tables)
    for row in result.recommendations.iter_rows(named=True):
        if row["reason_code"] == "bought_before":
            assert row["reason_item_id"] == row["item_id"]
        if row["reason_code"] == "because_you_bought":
            assert row["reason_item_id"] != row["item_id"]
        if row["reason_code"] in ("bought_before", "because_you_bought"):
            assert row["reason_item_id"] in owned[row["user_id"]]
        else:
            assert row["reason_item_id"] is None


def test_newcomers_get_best_sellers_and_are_told_so(result):
    cold = result.recommendations.filter(pl.col("user_id").is_in(NEWCOMERS), list_name="discover")
    sources = dict(cold.group_by("user_id").agg(pl.col("candidate_source").first()).iter_rows())
    assert sources == {"u90": "cohort_best_sellers", "u91": "best_sellers", "u92": "best_sellers"}
    assert set(cold["reason_code"]) == {"popular_in_cohort", "popular_overall"}
    warm = result.recommendations.filter(pl.col("user_id").is_in(BUYERS))
    assert set(warm["candidate_source"]) <= set(MODELS)


def test_best_sellers_fill_up_lists_of_a_model_that_knows_few_items(tables, evaluation, small_config):
    # One more user, who bought one item and is the only one who did: no item goes with it.
    first = tables["interactions"].head(1)
    odd = pl.concat([
        tables["interactions"],
        first.with_columns(interaction_id=pl.lit("odd"), user_id=pl.lit("u99"), item_id=pl.lit(NEVER_SOLD)),
    ])  # fmt: skip
    metrics = evaluation.metrics.with_columns(is_champion=pl.col("model_name") == "item_knn")
    users = pl.concat([tables["user_features"], pl.DataFrame({"user_id": ["u99"]})])
    lists = recommend_items(
        **tables | {"interactions": odd, "user_features": users}, rules=rule_tables(),
        model_evaluations=metrics, config=small_config, as_of=AS_OF, device="cpu", seed=0,
    ).recommendations.filter(list_name="discover")  # fmt: skip
    of_odd, cold = lists.filter(user_id="u99"), lists.filter(user_id="u91")
    assert set(of_odd["candidate_source"]) == {"best_sellers"}
    assert set(of_odd["reason_code"]) == {"popular_overall"}
    sellers = [item for item in cold["item_id"] if item != NEVER_SOLD]  # the odd one owns it
    assert of_odd["item_id"].to_list()[: len(sellers)] == sellers
    assert len(sellers) >= 4
    known = lists.filter(user_id="u00", candidate_source="item_knn")
    assert known.height > 0
    assert set(known["reason_code"]) == {"because_you_bought"}


def test_the_rule_is_named_where_it_removed_something(result):
    # Everybody buys item i00 every week; it must not be published.
    for_you = result.recommendations.filter(pl.col("user_id").is_in(BUYERS), list_name="for_you")
    assert set(for_you["rules_applied"]) == {"not_recommendable_removed"}
    # As they all own it, it would not have been among their discoveries.
    discover = result.recommendations.filter(pl.col("user_id").is_in(BUYERS), list_name="discover")
    assert set(discover["rules_applied"]) == {""}


def test_ids_do_not_depend_on_the_run(result):
    row = result.recommendations.row(0, named=True)
    from python_ml.recommender.publish import recommendation_id

    same = recommendation_id(row["list_name"], row["user_id"], row["item_id"], row["rank"], AS_OF)
    assert same == row["recommendation_id"]
    assert len(same) == 32
    assert recommendation_id("a", "b", "c", 1, AS_OF) != recommendation_id("a", "bc", "", 1, AS_OF)
    assert recommendation_id("a", "b", "c", 1, AS_OF) != recommendation_id(
        "a", "b", "c", 1, AS_OF + timedelta(days=1)
    )


def test_every_item_with_a_text_or_buyers_has_similar_items(result):
    similar = result.similar_items
    assert set(similar["item_id"]) == set(ITEMS)
    assert (similar["item_id"] != similar["similar_item_id"]).all()
    assert not set(similar["similar_item_id"]) & {NOT_RECOMMENDABLE, NEVER_SOLD}
    sources = dict(similar.group_by("item_id").agg(pl.col("similarity_source").first()).iter_rows())
    assert sources[NEVER_SOLD] == "text"
    assert sources["i01"] == "behaviour_and_text"


def test_weights_are_plain_arrays_with_their_ids(result):
    assert all(isinstance(array, np.ndarray) for array in result.weights.values())
    assert result.weights["item_ids"].tobytes().decode().split("\n") == ITEMS


def test_a_user_who_owns_the_whole_catalogue_gets_no_discoveries(tables, evaluation, small_config):
    extra = pl.DataFrame({"item_id": ITEMS}).select(
        interaction_id=pl.lit("x") + pl.col("item_id"),
        user_id=pl.lit("u00"),
        item_id="item_id",
        event_type=pl.lit("purchase"),
        weight=pl.lit(1.0),
        interacted_at=pl.lit(AS_OF - timedelta(days=40)).cast(pl.Datetime("us")),
    )
    served = recommend(
        tables, evaluation, small_config, interactions=pl.concat([tables["interactions"], extra])
    ).recommendations
    assert served.filter(user_id="u00", list_name="discover").is_empty()
    assert served.filter(user_id="u00", list_name="for_you").height == 5


def test_lists_end_with_the_catalogue(tables, evaluation, small_config):
    served = recommend(tables, evaluation, replace(small_config, list_length=50)).recommendations
    longest = served.filter(list_name="for_you").group_by("user_id").len()
    assert set(longest["len"]) == {len(ITEMS) - 1}  # all but the one that must not be published


def test_progress_is_reported_to_the_end(tables, evaluation, small_config):
    seen = []
    recommend_items(
        **tables,
        rules=rule_tables(),
        model_evaluations=evaluation.metrics,
        config=small_config,
        as_of=AS_OF,
        device="cpu",
        seed=0,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (2 * 19, 2 * 19)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("interactions", lambda table: table.drop("weight"), "column weight is missing"),
        ("item_features", lambda table: table.head(3), "ids are unknown"),
        ("user_cohorts", lambda table: pl.concat([table, table]), "user_id is null or occurs more than once"),
        (
            "text_embeddings",
            lambda table: table.with_columns(embedding_model=pl.lit("m") + pl.col("text_hash")),
            "vectors of 5 models are mixed",
        ),
    ],
)
def test_broken_tables_are_refused(tables, small_config, table, change, message):
    with pytest.raises(ContractError, match=message):
        evaluate(tables, small_config, **{table: change(tables[table])})


def test_a_missing_evaluation_is_refused(tables, evaluation, small_config):
    empty = replace(evaluation, metrics=evaluation.metrics.clear())
    with pytest.raises(ModelError, match="has 0 champions"):
        recommend(tables, empty, small_config)


def test_an_unknown_device_is_refused(tables, small_config):
    given = {name: table for name, table in tables.items() if name != "user_features"}
    with pytest.raises(DeviceError):
        evaluate_recommenders(**given, config=small_config, as_of=AS_OF, device="abacus", seed=0)


def test_settings_survive_json(evaluation):
    for name, by_list in evaluation.choices.items():
        for values in by_list.values():
            settings = settings_from(name, json.loads(json.dumps(values)))
            assert settings_values(settings) == values
    with pytest.raises(ModelError, match="no model 'ease' with the settings"):
        settings_from("ease", {"l2": 1.0})


class Recorder:
    """Hands out the fields of a config and remembers which were asked for."""

    def __init__(self, config) -> None:
        self.config = config
        self.asked: set[str] = set()

    def __getattr__(self, name: str):
        self.asked.add(name)
        return getattr(self.config, name)


def test_every_setting_is_used(tables, small_config):
    recorder = Recorder(small_config)
    evaluated = evaluate(tables, recorder)
    recommend(tables, evaluated, recorder)
    recommender = Recommender(
        **tables,
        model_evaluations=evaluated.metrics,
        config=recorder,
        as_of=AS_OF,
        device="cpu",
        seed=0,
    )
    recommender.item_audiences(
        pl.DataFrame({"item_id": ITEMS[:1], "chosen_as": ["named"]}), pl.DataFrame({"user_id": BUYERS})
    )
    acts = pl.DataFrame({"session_id": ["s"], "item_id": ITEMS[1:2], "occurred_at": [datetime(2024, 5, 31)]})
    recommender.session_lists(acts, rule_tables())
    settings = {field.name for field in fields(RecommenderConfig)}
    assert recorder.asked == {name for name in settings if is_installed() or not name.startswith("als_")}


def test_every_setting_reaches_the_object_it_is_for():
    config = RecommenderConfig(
        window_days=11, popularity_window_days=(12,), frequency_half_life_days=(13.0,),
        knn_weightings=("bm25",), knn_neighbours=(14,), knn_min_buyers=15,
        sequence_length=34, sequence_window=35, sequence_gap_powers=(0.36,), sequence_decays=(0.37,),
        ease_l2=(16.0,), ease_half_life_days=(17.0,), dimension=18,
        min_buyers=19, prior_window_days=20, personal_weights=(0.21,), objective="binary_cross_entropy",
        epochs=22, batch_users=23, positives_per_user=24, hidden_share=0.25, negatives=26,
        negative_power=0.27, learning_rate=0.28, weight_decay=0.29,
        repeat_windows=30, repeat_epochs=31, repeat_batch_pairs=32,
        repeat_learning_rate=0.33, epoch_users=52, repeat_users=53,
        transformer_dimension=40, transformer_heads=20, transformer_blocks=41, transformer_length=42,
        transformer_members=39,
        transformer_dropout=0.43, transformer_epochs=44, transformer_patience=45, transformer_batch_users=46,
        transformer_negatives=47, transformer_learning_rate=0.48, transformer_knn_weights=(0.49,),
        transformer_knn_temperatures=(0.5,), blend_weights=(0.51,),
        second_stage_depth=60, second_stage_windows=61, second_stage_users=62, second_stage_epochs=63,
        second_stage_batch_users=64, second_stage_learning_rate=0.65, second_stage_weight_decay=0.66,
    )  # fmt: skip
    assert [settings_values(grid(name, config, 11)[0]) for name in MODELS[:5]] == [
        {"window_days": 12},
        {"half_life_days": 13.0},
        {"weighting": "bm25", "neighbours": 14, "min_buyers": 15},
        asdict(SequentialKnnSettings(length=34, window=35, gap_power=0.36, decay=0.37)),
        {"l2": 16.0, "half_life_days": 17.0},
    ]
    (transformer,) = grid("transformer", config, 11)
    assert transformer == SequenceTrainSettings(
        network=TransformerSettings(dimension=40, heads=20, blocks=41, length=42, dropout=0.43),
        members=39, epochs=44, patience=45, batch_users=46, negatives=47, learning_rate=0.48,
    )  # fmt: skip
    (knn,) = grid("sequential_knn", config, 11)
    (mixed,) = blend_grid("transformer_knn", (knn, transformer), config)
    assert mixed == TransformerKnnSettings(
        blend=SequenceBlendSettings(knn_weight=0.49, temperature=0.5),
        sequential_knn=knn,
        transformer=transformer,
    )
    for name, settings in (("transformer", transformer), ("transformer_knn", mixed)):
        assert settings_from(name, json.loads(json.dumps(settings_values(settings)))) == settings
    towers, ease = two_tower_settings(config, 0.21, 11), grid("ease", config, 11)[0]
    assert blend_grid("two_tower_ease", (towers, ease), config) == [
        BlendSettings(tower_weight=0.51, two_tower=towers, ease=ease)
    ]
    assert settings_values(second_stage_settings({}, "ease", "discover", config, 11)) == {
        "parts": {},
        "leader": "ease",
        "is_new_only": True,
        "depth": 60,
        "windows": 61,
        "window_days": 11,
        "users": 62,
        "ranker": {"epochs": 63, "batch_users": 64, "learning_rate": 0.65, "weight_decay": 0.66},
    }
    assert settings_values(two_tower_settings(config, 0.21, 11)) == {
        "dimension": 18,
        "min_buyers": 19,
        "prior_window_days": 20,
        "personal_weight": 0.21,
        "train": {
            "objective": "binary_cross_entropy",
            "epochs": 22,
            "epoch_users": 52,
            "stop_after": 22,
            "batch_users": 23,
            "positives_per_user": 24,
            "hidden_share": 0.25,
            "negatives": 26,
            "negative_power": 0.27,
            "learning_rate": 0.28,
            "weight_decay": 0.29,
        },
        "repeat": {
            "windows": 30,
            "window_days": 11,
            "users": 53,
            "epochs": 31,
            "batch_pairs": 32,
            "learning_rate": 0.33,
        },
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_days": 0},
        {"hidden_share": 1.5},
        {"ease_l2": (0.0,)},
        {"cutoffs": ()},
        {"objective": "hinge"},
        {"knn_weightings": ("cosine", "jaccard")},
        {"learning_rate": 0.0},
        {"transformer_knn_weights": (0.5, 1.5)},
        {"transformer_knn_temperatures": (0.0,)},
        {"second_stage_depth": 0},
        {"session_length": 0},
        {"epochs": 0},
        {"second_stage_learning_rate": 2.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        RecommenderConfig(**wrong)


def test_cores_import_without_polars():
    thin = {"frames", "report", "evaluate", "publish", "read_rules", "recommend", "plots"}
    folder = Path(recommender.__file__).parent
    files = [
        file.relative_to(folder) for file in folder.rglob("*.py") if file.stem not in {*thin, "__init__"}
    ]
    cores = sorted(".".join(file.with_suffix("").parts) for file in files)
    assert len(cores) > 30
    imports = "; ".join(f"import python_ml.recommender.{core}" for core in cores)
    code = f"import sys; sys.modules['polars'] = None; {imports}"
    subprocess.run([sys.executable, "-c", code], check=True)
