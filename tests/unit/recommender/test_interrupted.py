"""A run that is stopped in the middle of a training: the next goes on, and ends as the first would have."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from recommender_shop import AS_OF, all_lists, recommend_items, rule_tables

from python_ml.recommender.evaluate import EvaluationResult, evaluate_recommenders
from python_ml.recommender.models import MODELS
from python_ml.recommender.recommend import Recommender
from python_ml.recommender.sequence import train_sequence
from python_ml.recommender.watch import Watch

COMMON = {"as_of": AS_OF, "device": "cpu", "seed": 0}
TRANSFORMERS = ("transformer", "transformer_knn")


class StoppedError(Exception):
    """What stands for a kill."""


class Onlooker:
    """Hears what trainings say, and stops them at the nth epoch of a transformer."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.heard: list[str] = []
        self.epochs = 0
        self.stop_at = stop_at

    @property
    def watch(self) -> Watch:
        return Watch(tell=self.hear)

    def hear(self, line: str) -> None:
        if self.epochs == self.stop_at:
            raise StoppedError
        self.heard.append(line)
        self.epochs += ": epoch" in line


@pytest.fixture(autouse=True)
def every_epoch_is_kept(monkeypatch):
    monkeypatch.setattr(train_sequence, "CHECKPOINT_STEPS", 1)


def evaluate(tables, config, **others) -> EvaluationResult:
    given = {name: table for name, table in tables.items() if name != "user_features"}
    return evaluate_recommenders(**given, config=config, **COMMON, **others)


@pytest.fixture(scope="module")
def whole(tables, small_config) -> tuple[EvaluationResult, list[str]]:
    onlooker = Onlooker()
    return evaluate(tables, small_config, watch=onlooker.watch), onlooker.heard


def crowned(evaluation: EvaluationResult, champion: str) -> pl.DataFrame:
    """The evaluation as if this model had won both lists."""
    return evaluation.metrics.with_columns(is_champion=pl.col("model_name") == champion)


def test_an_evaluation_goes_on_where_it_was_stopped(tables, small_config, whole, tmp_path: Path):
    evaluation, heard = whole
    judged = sum("judged" in line for line in heard)  # the others are of the test split
    assert 0 < judged < len(heard)
    # In the training that is judged, then in that of the test split, at its second epoch or its end.
    for stop_at in (2, 1 + len(heard) - judged):
        with pytest.raises(StoppedError):
            evaluate(tables, small_config, checkpoints=tmp_path, watch=Onlooker(stop_at).watch)
    onlooker = Onlooker()
    again = evaluate(tables, small_config, checkpoints=tmp_path, watch=onlooker.watch)
    assert again.metrics.equals(evaluation.metrics)
    assert again.history.equals(evaluation.history)
    assert again.grid.equals(evaluation.grid)
    assert again.champions == evaluation.champions
    assert onlooker.heard[0] == f"transformer: had been trained, for {judged} epochs"
    assert onlooker.epochs < len(heard)


@pytest.mark.parametrize("champion", TRANSFORMERS)
def test_publishing_goes_on_where_it_was_stopped(tables, small_config, whole, champion, tmp_path: Path):
    given = {**tables, "model_evaluations": crowned(whole[0], champion), "config": small_config, **COMMON}
    plain = recommend_items(**given, rules=rule_tables())
    epochs = whole[0].choices["transformer"]["for_you"]["epochs"]
    with pytest.raises(StoppedError):
        recommend_items(**given, rules=rule_tables(), checkpoints=tmp_path, watch=Onlooker(epochs - 1).watch)
    onlooker = Onlooker()
    again = recommend_items(**given, rules=rule_tables(), checkpoints=tmp_path, watch=onlooker.watch)
    assert again.recommendations.equals(plain.recommendations)
    assert all(np.array_equal(array, plain.weights[name]) for name, array in again.weights.items())
    if epochs > 1:
        assert onlooker.heard[0] == f"transformer: goes on from epoch {epochs} of {epochs}"


@pytest.mark.parametrize("champion", TRANSFORMERS)
def test_another_rule_trains_no_transformer(tables, small_config, whole, champion):
    given = {**tables, "model_evaluations": crowned(whole[0], champion), "config": small_config, **COMMON}
    first = Recommender(**given)
    lists = all_lists(first, rule_tables())
    assert set(lists["candidate_source"]) >= {champion}
    saved = first.weights()
    assert sum(name.startswith("transformer.") for name in saved) > 5
    # Another seed would train another one, but there is nothing left to train.
    onlooker = Onlooker()
    again = Recommender(**(given | {"seed": 7}), trained=saved, watch=onlooker.watch)
    assert all_lists(again, rule_tables()).equals(lists)
    assert all(np.array_equal(array, saved[name]) for name, array in again.weights().items())
    assert again.weights().keys() == saved.keys()
    rule = rule_tables({"rule_id": "no", "rule_type": "exclude"}, items={"no": [lists["item_id"][0]]})
    changed = all_lists(again, rule)
    assert lists["item_id"][0] not in changed["item_id"].to_list()
    assert set(changed["reason_code"]) >= {"bought_before", "because_you_bought"}
    assert onlooker.heard == []


def test_the_blend_is_chosen_among_its_grid_with_the_settings_of_its_parts(whole, small_config):
    evaluation, _ = whole
    assert MODELS.index("transformer_knn") == MODELS.index("transformer") + 1
    tried = evaluation.grid.filter(model_name="transformer_knn")
    count = len(small_config.transformer_knn_weights) * len(small_config.transformer_knn_temperatures)
    for list_name in ("for_you", "discover"):
        assert tried.filter(list_name=list_name).height == count
        chosen = evaluation.choices["transformer_knn"][list_name]
        assert chosen["transformer"] == evaluation.choices["transformer"][list_name]
        assert chosen["sequential_knn"] == evaluation.choices["sequential_knn"][list_name]
