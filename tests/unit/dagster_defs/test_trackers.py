"""What trackers are told, and that none of them can stop a run."""

import importlib.util
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_defs import trackers
from dagster_defs.trackers import flatten, log_to_mlflow, write_curves
from python_ml.recommender.report import METRIC_SCHEMA

HISTORY = pl.DataFrame(
    {
        "model_name": ["two_tower", "two_tower", "transformer"],
        "epoch": [1, 2, 1],
        "train_loss": [3.0, 2.0, 5.0],
        "validation_ndcg": [None, 0.25, 0.5],
    }
)
COMMON = {"experiment": "shoal/toy", "version": "abc", "as_of": date(2024, 6, 1)}


def row(model: str, list_name: str, **values) -> dict:
    blank = dict.fromkeys(METRIC_SCHEMA) | {"split_name": "test", "cohort_id": "all", "metric_name": "ndcg"}
    config = '{"l2": 50.0, "parts": {"ease": {"half_life_days": 0.0}}}'
    blank |= {"cutoff": 10, "metric_value": 0.5, "is_champion": False, "model_config": config}
    return blank | {"model_name": model, "list_name": list_name} | values


EVALUATIONS = pl.DataFrame(
    [
        row("ease", "for_you", is_champion=True),
        row(
            "ease",
            "for_you",
            is_champion=True,
            split_name="validation",
            metric_name="recall",
            metric_value=0.25,
        ),
        row("ease", "for_you", is_champion=True, cohort_id="c1", metric_name="mrr"),
        row("ease", "for_you", is_champion=True, metric_name="cold_item_recall", metric_value=None),
        row("popularity", "for_you", metric_value=0.1),
        row("ease", "discover", metric_value=0.2),
        row(
            "transformer", "discover", metric_value=None, model_config=None, not_evaluated_reason="no device"
        ),
    ],
    schema=METRIC_SCHEMA,
)


def hidden(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(trackers, "find_spec", lambda name: None if name == package else find(name))


def test_curves_are_what_was_learned(tmp_path: Path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # the second time takes the place of the first
        assert write_curves(tmp_path / "run", HISTORY)
    read = {}
    for name in ("two_tower", "transformer"):
        assert len(list((tmp_path / "run" / name).iterdir())) == 1
        events = EventAccumulator(str(tmp_path / "run" / name)).Reload()
        for tag in events.Tags()["scalars"]:
            read[name, tag] = [(event.step, event.value) for event in events.Scalars(tag)]
    assert read == {
        ("two_tower", "train loss"): [(1, 3.0), (2, 2.0)],
        ("two_tower", "validation ndcg@10"): [(2, 0.25)],
        ("transformer", "train loss"): [(1, 5.0)],
        ("transformer", "validation ndcg@10"): [(1, 0.5)],
    }


def test_without_tensorboard_or_a_curve_nothing_happens(tmp_path: Path, monkeypatch):
    assert not write_curves(tmp_path / "run", HISTORY.clear())
    hidden(monkeypatch, "tensorboard")
    assert not write_curves(tmp_path / "run", HISTORY)
    assert list(tmp_path.iterdir()) == []


def test_mlflow_gets_a_run_for_each_list_and_model(tmp_path: Path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    # A folder is the store that needs no server and no database.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri, warned = (tmp_path / "store").as_uri(), []
    for version in ("abc", "def"):
        log_to_mlflow(uri, EVALUATIONS, **(COMMON | {"version": version}), warn=warned.append)
    assert warned == []
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("shoal/toy").experiment_id
    runs = client.search_runs([experiment], filter_string="tags.model_version = 'abc'")
    assert len(client.search_runs([experiment])) == 2 * len(runs)
    found = {run.info.run_name: run for run in runs}
    assert {name: run.data.metrics for name, run in found.items()} == {
        "for_you/ease": {"test.ndcg_at_10": 0.5, "validation.recall_at_10": 0.25},
        "for_you/popularity": {"test.ndcg_at_10": 0.1},
        "discover/ease": {"test.ndcg_at_10": 0.2},
    }
    ease = found["for_you/ease"]
    assert ease.data.params == {"l2": "50.0", "parts.ease.half_life_days": "0.0"}
    assert ease.info.status == "FINISHED"
    told = {"list_name": "for_you", "model_name": "ease", "as_of_date": "2024-06-01", "is_champion": "true"}
    assert told.items() <= ease.data.tags.items()
    assert found["for_you/popularity"].data.tags["is_champion"] == "false"


def test_more_settings_than_a_call_holds(tmp_path: Path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr(trackers, "PARAMETERS_A_CALL", 1)
    monkeypatch.setattr(trackers, "METRICS_A_CALL", 1)
    uri, warned = (tmp_path / "store").as_uri(), []
    log_to_mlflow(uri, EVALUATIONS.head(2), **COMMON, warn=warned.append)
    client = mlflow.MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name("shoal/toy").experiment_id])
    assert (len(run.data.params), len(run.data.metrics), warned) == (2, 2, [])


def test_a_tracker_that_cannot_be_told_is_a_warning_without_its_address(monkeypatch):
    pytest.importorskip("mlflow")
    warned = []
    log_to_mlflow("nowhere://user:secret@host", EVALUATIONS, **COMMON, warn=warned.append)
    (line,) = warned
    assert line.startswith("MLflow was not told of the evaluation: ")
    assert "MLFLOW_TRACKING_URI" in line
    assert "secret" not in line


def test_an_address_without_the_package_says_what_to_do(monkeypatch):
    hidden(monkeypatch, "mlflow")
    warned = []
    log_to_mlflow("http://localhost:5000", EVALUATIONS, **COMMON, warn=warned.append)
    (line,) = warned
    assert "MLFLOW_TRACKING_URI is set and mlflow is not installed" in line
    assert "pip install -c constraints.txt -e '.[mlflow]'" in line
    log_to_mlflow(None, EVALUATIONS, **COMMON, warn=warned.append)
    assert len(warned) == 1


def test_settings_are_named_by_their_place():
    assert flatten({"a": 1, "b": {"c": {"d": 2.5}, "e": [1]}}) == {"a": 1, "b.c.d": 2.5, "b.e": [1]}
