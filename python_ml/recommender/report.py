"""What an evaluation found, as frames."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from python_ml.config import RecommenderConfig
from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.choose import CRITERION_CUTOFF, Comparison
from python_ml.recommender.cold import LOOKED_ONLY, NEWCOMERS, SHOWN, had_only_looked, rank_newcomers
from python_ml.recommender.counting import CountingSettings
from python_ml.recommender.feasibility import Feasibility
from python_ml.recommender.frames import Inputs
from python_ml.recommender.gate import paired_ndcg
from python_ml.recommender.judge import LISTS, Ranked
from python_ml.recommender.measures import Measures
from python_ml.recommender.models import FALLBACK, settings_values
from python_ml.recommender.split import SplitData
from python_ml.recommender.tradeoff import Tradeoff

ALL_USERS = ("all", "All users")

METRIC_SCHEMA = {
    "model_name": pl.String,
    "split_name": pl.String,
    "list_name": pl.String,
    "cohort_id": pl.String,
    "cohort_name": pl.String,
    "metric_name": pl.String,
    "cutoff": pl.Int32,
    "metric_value": pl.Float64,
    "lower_95": pl.Float64,
    "upper_95": pl.Float64,
    "user_count": pl.Int64,
    "is_champion": pl.Boolean,
    "champion_reason": pl.String,
    "model_config": pl.String,
    "window_days": pl.Float64,
    "not_evaluated_reason": pl.String,
}

DIVERSITY_SCHEMA = {
    "list_name": pl.String,
    "model_name": pl.String,
    "split_name": pl.String,
    "diversity_weight": pl.Float64,
    "cutoff": pl.Int32,
    "ndcg": pl.Float64,
    "diversity": pl.Float64,
    "ndcg_loss": pl.Float64,
    "loss_lower_95": pl.Float64,
    "loss_upper_95": pl.Float64,
    "allowed_loss": pl.Float64,
    "user_count": pl.Int64,
    "is_chosen": pl.Boolean,
    "reason": pl.String,
}


def headline(evaluations: pl.DataFrame) -> pl.DataFrame:
    """The test metrics at the cutoff champions are chosen by, one row a list and model, best first.

    Args:
        evaluations: `ml.model_evaluations`; lists and models that were not evaluated are left out.
    """
    shown = (
        "ndcg",
        "recall",
        "mrr",
        "map",
        "hit_rate",
        "coverage",
        "novelty",
        "diversity",
        "popularity_lift",
    )
    tested = evaluations.filter(
        (pl.col("split_name") == "test")
        & (pl.col("cohort_id") == ALL_USERS[0])
        & (pl.col("cutoff") == CRITERION_CUTOFF)
        & pl.col("not_evaluated_reason").is_null()
    )
    keys = ["list_name", "model_name", "is_champion"]
    wide = tested.pivot("metric_name", on_columns=shown, index=keys, values="metric_value")
    interval = tested.filter(metric_name="ndcg").select(
        *keys,
        pl.format("{} to {}", pl.col("lower_95").round(4), pl.col("upper_95").round(4)).alias(
            f"95 % of ndcg@{CRITERION_CUTOFF}"
        ),
    )
    return (
        wide.join(interval, on=keys)
        .sort(["list_name", "ndcg"], descending=[True, True])
        .select(
            *keys,
            *(pl.col(name).round(4).alias(f"{name}@{CRITERION_CUTOFF}") for name in shown),
            f"95 % of ndcg@{CRITERION_CUTOFF}",
        )
    )


def cold_headline(evaluations: pl.DataFrame) -> pl.DataFrame:
    """How people of whom little was known fared on the test window, at the cutoff champions are chosen by.

    Args:
        evaluations: `ml.model_evaluations`.

    Returns:
        users, list_name, model_name, is_champion, user_count, ndcg and its interval, best first; of those who
        had looked, the champion and popularity alone.
    """
    compared = pl.col("is_champion") | pl.col("model_name").is_in(["popularity", SHOWN])
    measured = evaluations.filter(
        pl.col("cohort_id").is_in([LOOKED_ONLY[0], NEWCOMERS[0]]) & compared,
        split_name="test", metric_name="ndcg", cutoff=CRITERION_CUTOFF,
    )  # fmt: skip
    shown = measured.select(
        "list_name", "model_name", "is_champion", "user_count", "lower_95", "upper_95",
        users="cohort_name", ndcg="metric_value",
    )  # fmt: skip
    return shown.sort(["users", "list_name", "ndcg", "model_name"], descending=[False, True, True, False])


def model_config(settings: Any) -> str:
    """Settings as one line of JSON."""
    return json.dumps(settings_values(settings), sort_keys=True)


def metrics_frame(
    feasibility: Feasibility,
    comparison: Comparison | None,
    inputs: Inputs,
    config: RecommenderConfig,
    *,
    seed: int,
) -> pl.DataFrame:
    """`ml.model_evaluations` without model_version and as_of_date.

    Args:
        feasibility: which lists could not be judged and which models did not compete, and why.
        comparison: what was measured; None if no list could be judged.
        inputs: for the cohorts, which only group users.
        config: for the cutoffs.
        seed: of the bootstrap.
    """
    bootstrap = Bootstrap(seed)
    rows = [*_unjudged_rows(feasibility, config), *_left_out_rows(feasibility)]
    if comparison is not None:
        rows += _metric_rows(comparison, inputs, config, bootstrap, float(feasibility.windows.days))
    rows += _newcomer_rows(feasibility, comparison, inputs, config, bootstrap)
    return pl.DataFrame(rows, schema=METRIC_SCHEMA, orient="row")


def _unjudged_rows(feasibility: Feasibility, config: RecommenderConfig) -> Iterator[tuple]:
    """One row a list that was not evaluated: who writes it, no value, and why."""
    settings = model_config(CountingSettings.of(config))
    for list_name, reason in feasibility.reasons.items():
        yield _reason_row(FALLBACK, list_name, feasibility, settings, reason)


def _left_out_rows(feasibility: Feasibility) -> Iterator[tuple]:
    """One row a judged list and a model that did not compete for it: no value, no settings, and why."""
    for list_name in feasibility.lists:
        for name, reason in feasibility.left_out.items():
            yield _reason_row(name, list_name, feasibility, None, reason)


def _reason_row(
    name: str, list_name: str, feasibility: Feasibility, settings: str | None, reason: str
) -> tuple:
    # Who was not judged and is still the champion writes the list for want of another.
    return (
        name, "test", list_name, *ALL_USERS, "ndcg", CRITERION_CUTOFF, None, None, None,
        feasibility.user_counts[list_name], name == FALLBACK, None, settings, None, reason
    )  # fmt: skip


def _metric_rows(
    comparison: Comparison,
    inputs: Inputs,
    config: RecommenderConfig,
    bootstrap: Bootstrap,
    window_days: float,
) -> Iterator[tuple]:
    for split_name, by_model in comparison.ranked.items():
        measures = Measures(comparison.data[split_name], inputs.texts, inputs.category, bootstrap)
        for model_name, by_list in by_model.items():
            for list_name, ranked in by_list.items():
                is_champion = comparison.champions[list_name] == model_name
                tail = (
                    is_champion,
                    comparison.champion_reasons[list_name] if is_champion else None,
                    model_config(comparison.settings[model_name][list_name]),
                    window_days,
                    None,
                )
                head = (model_name, split_name, list_name)
                for cutoff in config.cutoffs:
                    per_user = measures.per_user(ranked, cutoff)
                    for *group, rows in _groups(ranked, comparison.data[split_name], inputs, config):
                        for measured in _measured(measures, ranked, per_user, rows, cutoff):
                            yield (*head, *group, *measured, *tail)


def _newcomer_rows(
    feasibility: Feasibility,
    comparison: Comparison | None,
    inputs: Inputs,
    config: RecommenderConfig,
    bootstrap: Bootstrap,
) -> Iterator[tuple]:
    """What nobody's history can be asked for; measured even where no list of known users can be judged."""
    depth = max(*config.cutoffs, CRITERION_CUTOFF)
    window_days = float(feasibility.windows.days)
    for split_name, data in feasibility.data.items():
        measures = Measures(data, inputs.texts, inputs.category, bootstrap)
        for list_name in LISTS:
            popularity = comparison and comparison.settings["popularity"].get(list_name)
            configs = {SHOWN: json.dumps({"window_days": config.best_seller_days})}
            if popularity is not None:
                configs["popularity"] = model_config(popularity)
            for name, ranked in rank_newcomers(data, popularity, config, depth).items():
                head = (name, split_name, list_name, *NEWCOMERS)
                tail = (False, None, configs[name], window_days, None)
                rows = np.arange(len(ranked.users))
                for cutoff in config.cutoffs:
                    per_user = measures.per_user(ranked, cutoff)
                    for measured in _measured(measures, ranked, per_user, rows, cutoff):
                        yield (*head, *measured, *tail)


def _measured(
    measures: Measures, ranked: Ranked, per_user: dict[str, np.ndarray], rows: np.ndarray, cutoff: int
) -> Iterator[tuple]:
    """metric_name, cutoff, metric_value, lower_95, upper_95 and user_count of some of the users."""
    for name, measured, users in measures.summarise(ranked, per_user, rows, cutoff):
        yield (name, cutoff, *(None if np.isnan(value) else value for value in measured), users)


def _groups(
    ranked: Ranked, data: SplitData, inputs: Inputs, config: RecommenderConfig
) -> Iterator[tuple[str, str, np.ndarray]]:
    yield (*ALL_USERS, np.arange(len(ranked.users)))
    lookers = np.flatnonzero(had_only_looked(data, ranked.users))
    if len(lookers) >= config.min_judged_users:
        yield (*LOOKED_ONLY, lookers)
    for number, (cohort_id, name) in enumerate(zip(inputs.cohort_ids, inputs.cohort_names, strict=True)):
        rows = np.flatnonzero(inputs.cohort[ranked.users] == number)
        if len(rows):
            yield cohort_id, name, rows


def grid_frame(comparison: Comparison | None) -> pl.DataFrame:
    """Everything that was tried: list_name, model_name, model_config, validation_ndcg_10."""
    rows = [
        (list_name, name, model_config(settings), value)
        for name, tried in (comparison.grids if comparison else {}).items()
        for settings, values in tried
        for list_name, value in values.items()
    ]
    schema = {"list_name": pl.String, "model_name": pl.String, "model_config": pl.String,
              f"validation_ndcg_{CRITERION_CUTOFF}": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def diversity_frame(
    feasibility: Feasibility, tradeoffs: list[Tradeoff], config: RecommenderConfig
) -> pl.DataFrame:
    """`ml.diversity_tradeoff` without model_version and as_of_date.

    Args:
        feasibility: which lists could not be judged, and why: they have one row, with the smallest weight.
        tradeoffs: of the others.
        config: the weights.
    """
    rows: list[tuple] = [
        (list_name, FALLBACK, "validation", min(config.diversity_weights), CRITERION_CUTOFF, *[None] * 6,
         feasibility.user_counts[list_name], True, f"not evaluated: {reason}")
        for list_name, reason in feasibility.reasons.items()
    ]  # fmt: skip
    for tradeoff in tradeoffs:
        rows += _tradeoff_rows(tradeoff)
    return pl.DataFrame(rows, schema=DIVERSITY_SCHEMA, orient="row")


def _tradeoff_rows(tradeoff: Tradeoff) -> Iterator[tuple]:
    for split_name, tried in tradeoff.tried.items():
        for each in tried:
            is_chosen = each.weight == tradeoff.weight
            yield (
                tradeoff.list_name, tradeoff.model_name, split_name, each.weight, CRITERION_CUTOFF, each.ndcg,
                None if np.isnan(each.diversity) else each.diversity, each.loss, each.low, each.high,
                tradeoff.allowed, each.users, is_chosen, tradeoff.reason if is_chosen else None
            )  # fmt: skip


def difference_frame(comparison: Comparison | None, seed: int) -> pl.DataFrame:
    """Test NDCG@10 of each list's champion minus that of each other model, on the same users.

    Returns:
        list_name, champion, baseline, difference, lower_95, upper_95 (paired bootstrap over users).
    """
    rows, bootstrap = [], Bootstrap(seed)
    for list_name, champion in (comparison.champions if comparison else {}).items():
        tested = comparison.ranked["test"]
        for name in tested:
            if name == champion:
                continue
            difference = paired_ndcg(
                tested[champion][list_name], tested[name][list_name], CRITERION_CUTOFF, bootstrap
            )
            rows.append((list_name, champion, name, *difference))
    schema = {"list_name": pl.String, "champion": pl.String, "baseline": pl.String,
              "difference": pl.Float64, "lower_95": pl.Float64, "upper_95": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def history_frame(comparison: Comparison | None) -> pl.DataFrame:
    """model_name, epoch, train_loss, validation_ndcg (null where nobody looked) of what is trained."""
    rows = [
        (name, epoch, loss, history.judged.get(epoch))
        for name, history in (comparison.history if comparison else {}).items()
        for epoch, loss in enumerate(history.loss, start=1)
    ]
    schema = {
        "model_name": pl.String,
        "epoch": pl.Int32,
        "train_loss": pl.Float64,
        "validation_ndcg": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def trainings(history: pl.DataFrame) -> pl.DataFrame:
    """One row a model that is trained: model_name, epochs, best_epoch (the earliest of equals) and its
    validation_ndcg.

    Args:
        history: of `history_frame`.
    """
    judged = pl.col("validation_ndcg")
    return history.group_by("model_name", maintain_order=True).agg(
        epochs=pl.len(),
        best_epoch=pl.col("epoch").filter(judged == judged.max()).first(),
        validation_ndcg=judged.max(),
    )
