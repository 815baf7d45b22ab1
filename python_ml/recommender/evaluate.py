"""Feature tables in, `ml.model_evaluations` and `ml.diversity_tradeoff` out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.recommender.choose import CRITERION_CUTOFF, Comparison, compare_models
from python_ml.recommender.counting import CountingSettings
from python_ml.recommender.feasibility import Feasibility, look_at_history
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.judge import LISTS
from python_ml.recommender.models import FALLBACK, settings_values
from python_ml.recommender.plots import plot_learning_curve, plot_models
from python_ml.recommender.report import (
    cold_headline,
    difference_frame,
    diversity_frame,
    grid_frame,
    headline,
    history_frame,
    metrics_frame,
)
from python_ml.recommender.tradeoff import weigh_diversity
from python_ml.recommender.watch import UNWATCHED, Watch

__all__ = ["EvaluationResult", "cold_headline", "evaluate_recommenders", "headline"]


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What the evaluation found.

    Args:
        metrics: `ml.model_evaluations` without model_version and as_of_date.
        diversity: `ml.diversity_tradeoff`, likewise.
        champions: model by list; of a list that could not be judged the counting fallback.
        not_evaluated: by list that could not be judged, why.
        left_out: by model that did not compete for the others, why.
        choices: chosen settings by model and list, as nested dictionaries.
        grid: list, model, settings (JSON) and validation NDCG@10 of everything that was tried.
        differences: test NDCG@10 of each list's champion minus each other model, with 95 % intervals.
        history: model_name, epoch, train_loss, validation_ndcg (null where nobody looked) of what is trained.
        newcomers: how many buyers who were not known before are measured in each split; see `cold`.
        plots: figures by name.
        device: what was trained on.
    """

    metrics: pl.DataFrame
    diversity: pl.DataFrame
    champions: dict[str, str]
    not_evaluated: dict[str, str]
    left_out: dict[str, str]
    choices: dict[str, dict[str, dict[str, Any]]]
    grid: pl.DataFrame
    differences: pl.DataFrame
    history: pl.DataFrame
    newcomers: dict[str, int]
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
    in_force: Mapping[str, str] = MappingProxyType({}),
    progress: Callable[[int, int], None] | None = None,
    checkpoints: Path | None = None,
    watch: Watch = UNWATCHED,
) -> EvaluationResult:
    """Compare all models on the last window of the history, with settings chosen on the window before it.

    A list the history cannot judge gets no metrics but a row that says why, and the counting fallback. A
    model that the shop is too large for has such a row for each list that is judged.

    Args:
        interactions, item_features, item_texts: the feature tables of these names.
        text_embeddings: `ml.text_embeddings` of one embedding model.
        user_cohorts: `ml.user_cohorts`; it only groups users in the report.
        config: grids and sizes.
        as_of: nothing on or after this date is seen.
        device: "auto", "cpu", "cuda", ...
        seed: of every random choice.
        in_force: the champions of the run before, by list: a challenger that is worse does not take over.
        progress: called with (done, total).
        checkpoints: folder of the trainings that were interrupted, of an evaluation with the same arguments.
        watch: who is told how trainings get on.

    Raises:
        ContractError: a table breaks what is relied on.
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
    feasibility = look_at_history(inputs.interactions, as_of, config, where, seed=seed)
    _tell_sample(feasibility, watch)
    comparison, tradeoffs = None, []
    if feasibility.lists:
        comparison = compare_models(
            feasibility,
            inputs.texts,
            inputs.attributes,
            config,
            seed=seed,
            device=where,
            in_force=in_force,
            progress=progress,
            checkpoints=checkpoints,
            watch=watch,
        )
        tradeoffs = weigh_diversity(comparison, inputs.texts, inputs.category, config, seed=seed)
    frame = metrics_frame(feasibility, comparison, inputs, config, seed=seed)
    unjudged = dict.fromkeys(feasibility.reasons, FALLBACK)
    history = history_frame(comparison)
    return EvaluationResult(
        metrics=frame,
        diversity=diversity_frame(feasibility, tradeoffs, config),
        champions=unjudged | (comparison.champions if comparison else {}),
        not_evaluated=feasibility.reasons,
        left_out=feasibility.left_out,
        choices=_choices(comparison, unjudged, config),
        grid=grid_frame(comparison),
        differences=difference_frame(comparison, seed),
        history=history,
        newcomers={name: len(data.newcomers) for name, data in feasibility.data.items()},
        plots={
            "models": plot_models(frame, CRITERION_CUTOFF),
            "learning curve": plot_learning_curve(history, (feasibility.lists or LISTS)[-1]),
        },
        device=str(where),
    )


def _tell_sample(feasibility: Feasibility, watch: Watch) -> None:
    for name, data in feasibility.data.items():
        if len(data.users) < data.known_buyers:
            watch.tell(
                f"{name}: {len(data.users):,} of {data.known_buyers:,} buyers are judged, a random sample"
                " (max_judged_users)"
            )


def _choices(
    comparison: Comparison | None, unjudged: Iterable[str], config: RecommenderConfig
) -> dict[str, dict[str, dict[str, Any]]]:
    chosen = {} if comparison is None else comparison.settings
    choices = {
        name: {of: settings_values(settings) for of, settings in by_list.items()}
        for name, by_list in chosen.items()
    }
    fallback = {of: settings_values(CountingSettings.of(config)) for of in unjudged}
    return choices | ({FALLBACK: fallback} if fallback else {})
