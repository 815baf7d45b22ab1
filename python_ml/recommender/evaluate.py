"""Feature tables in, `ml.model_evaluations` out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.recommender.choose import CRITERION_CUTOFF, compare_models
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.models import settings_values
from python_ml.recommender.plots import plot_learning_curve, plot_models
from python_ml.recommender.report import (
    difference_frame,
    grid_frame,
    headline,
    history_frame,
    metrics_frame,
)
from python_ml.recommender.split import time_splits

__all__ = ["EvaluationResult", "evaluate_recommenders", "headline"]


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What the evaluation found.

    Args:
        metrics: `ml.model_evaluations` without model_version and as_of_date.
        champions: model by list.
        choices: chosen settings by model and list, as nested dictionaries.
        grid: list, model, settings (JSON) and validation NDCG@10 of everything that was tried.
        differences: test NDCG@10 of each list's champion minus each other model, with 95 % intervals.
        history: epoch, train_loss, validation_ndcg (null where nobody looked) of the torch recommender.
        users_without_history: buyers in the window of each split who had bought nothing before: not measured.
        plots: figures by name.
        device: what the torch recommender ran on.
    """

    metrics: pl.DataFrame
    champions: dict[str, str]
    choices: dict[str, dict[str, dict[str, Any]]]
    grid: pl.DataFrame
    differences: pl.DataFrame
    history: pl.DataFrame
    users_without_history: dict[str, int]
    plots: dict[str, Figure]
    device: str


def evaluate_recommenders(
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    item_texts: pl.DataFrame,
    text_embeddings: pl.DataFrame,
    user_cohorts: pl.DataFrame,
    config: RecommenderConfig,
    *,
    as_of: date,
    device: str,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Compare all models on the last window before `as_of`, with settings chosen on the window before it.

    Args:
        interactions, item_features, item_texts: the feature tables of these names.
        text_embeddings: `ml.text_embeddings` of one embedding model.
        user_cohorts: `ml.user_cohorts`; it only groups users in the report.
        config: grids and sizes.
        as_of: nothing on or after this date is seen.
        device: "auto", "cpu", "cuda", ...
        seed: of every random choice.
        progress: called with (done, total).

    Raises:
        ContractError: a table breaks what is relied on.
        ModelError: the history is too short for both windows.
        DeviceError: the device is not there.
    """
    where = resolve_device(device)
    inputs = read_inputs(
        {
            "interactions": interactions,
            "item_features": item_features,
            "item_texts": item_texts,
            "text_embeddings": text_embeddings,
            "user_cohorts": user_cohorts,
        },
        as_of=as_of,
    )
    comparison = compare_models(
        inputs.interactions,
        inputs.texts,
        time_splits(as_of, config.window_days),
        config,
        seed=seed,
        device=where,
        progress=progress,
    )
    frame = metrics_frame(comparison, inputs, config)
    history = history_frame(comparison)
    return EvaluationResult(
        metrics=frame,
        champions=comparison.champions,
        choices={
            name: {of: settings_values(settings) for of, settings in by_list.items()}
            for name, by_list in comparison.settings.items()
        },
        grid=grid_frame(comparison),
        differences=difference_frame(comparison, seed),
        history=history,
        users_without_history={name: data.users_without_history for name, data in comparison.data.items()},
        plots={
            "models": plot_models(frame, CRITERION_CUTOFF),
            "learning curve": plot_learning_curve(history),
        },
        device=str(where),
    )
