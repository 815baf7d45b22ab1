"""`ml.user_cohorts` and what belongs to it: groups of users, described, and who moved from one to another."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    StepResult,
    fingerprint,
    load_models,
    markdown_table,
    read_as_of,
    read_inputs,
    run_step,
    save_model,
)
from dagster_defs.resources import Shop

if TYPE_CHECKING:
    from python_ml.cohorts.build import CohortResult
    from python_ml.cohorts.model import CohortModel

FEATURES = [
    *("user_features", "user_department_features", "user_attributes"),
    *("interactions", "item_features", "item_texts"),
]
DESCRIPTIONS = {
    "user_cohorts": "One row per user: the cohort the user belongs to.",
    "cohort_profiles": "One row per cohort of enough users and attribute: how it differs from all users.",
    "cohort_rules": "One row per clustered cohort: a rule that tells its users from others, or why not.",
    "cohort_drift": "One row per feature and cohort: how far users are from those at the fit.",
    "cohort_selection": "One row per candidate number of cohorts: the scores it was chosen or refused by.",
    "cohort_membership_log": "One row per user and cohort entered or left, with the day.",
    "cohort_changes": "One row per cohort and day: kept, new, split, merged or vanished.",
    "cohort_usefulness": "One row per grouping and category: how much of what users then spent it explains.",
}
HISTORY = ["cohort_membership_log", "cohort_changes"]


def build_cohort_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    deps = [get_asset_key_for_model([dbt_features], name) for name in FEATURES] + [["ml", "text_embeddings"]]
    specs = [
        dg.AssetSpec(
            ["ml", name], deps=deps, group_name="ml", kinds={"python", "scikitlearn"}, description=text
        )
        for name, text in DESCRIPTIONS.items()
    ]

    @dg.multi_asset(name="cohorts", specs=specs, pool=WRITER_POOL, retry_policy=RETRIES)
    def cohorts(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [cohorts]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    inputs = read_inputs(shop, FEATURES)
    version = fingerprint(settings.cohorts, code="cohorts", frames=inputs, seed=settings.seed)

    def compute() -> StepResult:
        from dagster_defs.figures import as_metadata
        from python_ml.cohorts.build import build_cohorts
        from python_ml.cohorts.history import read_beside, record, record_changes
        from python_ml.cohorts.model import model_in_force
        from python_ml.cohorts.usefulness import judge_cohorts
        from python_ml.device import resolve_device

        # What was before is no cause to run again: it lends cohorts, or ids and names, while they are good.
        day = read_as_of(shop)
        log, changes = (shop.warehouse().read("ml", table) for table in HISTORY)
        model = model_in_force(load_models(settings.paths, "cohorts"), day)
        result = build_cohorts(
            **inputs,
            config=settings.cohorts,
            seed=settings.seed,
            day=day,
            fitted_with=fingerprint(settings.cohorts, code="cohorts", frames={}, seed=settings.seed),
            before=read_beside(log, changes, day),
            model=model,
            device=str(resolve_device(settings.device)),
        )
        if result.model is not None and result.model is not model:
            save_model(settings.paths, "cohorts", version, result.model.arrays())
        context.log.info(_sentence(result, model))
        cohorts = result.user_cohorts.select("cohort_id", "cohort_name", "cohort_method").unique()
        members = result.user_cohorts.select("user_id", "cohort_id")
        log = record(log, members, day, changes["changed_on"].unique())
        changes = record_changes(changes, cohorts, log, day)
        usefulness = judge_cohorts(
            log,
            changes["changed_on"].unique(),
            inputs["interactions"],
            inputs["item_features"],
            day,
            settings.cohorts,
            settings.seed,
        )
        plots = {name: as_metadata(figure) for name, figure in result.plots.items()}
        sizes = (
            result.user_cohorts.group_by("cohort_id", "cohort_name")
            .len("users")
            .sort("users", descending=True)
        )
        guesses = result.guesses
        likely = guesses.reason or markdown_table(pl.DataFrame([asdict(guesses.evaluation)]))
        return StepResult(
            tables={
                "user_cohorts": result.user_cohorts,
                "cohort_profiles": result.cohort_profiles,
                "cohort_rules": result.cohort_rules,
                "cohort_drift": result.cohort_drift,
                "cohort_selection": result.cohort_selection,
                "cohort_membership_log": log,
                "cohort_changes": changes,
                "cohort_usefulness": usefulness,
            },
            metadata={
                "user_cohorts": plots
                | {"cohorts": markdown_table(sizes), "likely cohorts of users without an order": likely},
                "cohort_selection": {
                    "fit": _sentence(result, model),
                    "candidates": markdown_table(result.cohort_selection),
                },
                "cohort_rules": {"rules": markdown_table(result.cohort_rules.drop("rule_sql"))},
                "cohort_membership_log": _show_moves(log, changes, day),
                "cohort_drift": {"drifted": markdown_table(result.cohort_drift.filter("is_drifted"))},
                "cohort_usefulness": {"over all categories": markdown_table(usefulness.filter("is_overall"))},
                "cohort_changes": {
                    "since the last run": markdown_table(changes.filter(pl.col("changed_on") == day))
                },
            },
        )

    yield from run_step(context, shop, version=version, tables=list(DESCRIPTIONS), compute=compute)


def _show_moves(log: pl.DataFrame, changes: pl.DataFrame, day: date) -> dict[str, dg.MarkdownMetadataValue]:
    """Who moved since the last recorded day, as a picture and as a table of the largest moves."""
    from dagster_defs.figures import as_metadata
    from python_ml.cohorts.moves import count_moves, largest_moves
    from python_ml.cohorts.plots_over_time import plot_migrations

    moves = count_moves(log, changes, day)
    return {
        "moves": as_metadata(plot_migrations(moves)),
        "largest moves": markdown_table(largest_moves(moves, 10)),
    }


def _sentence(result: "CohortResult", before: "CohortModel | None") -> str:
    """Whose cohorts these are, and why."""
    if result.fit_reason is None:
        since = "nobody has ordered" if result.model is None else f"fitted on {result.model.fitted_on}"
        return f"cohorts as they were: {since}"
    if before is not None and result.model is before:
        return f"{result.fit_reason}: no stable cohorts were found, those of {before.fitted_on} stay"
    chosen = result.cohort_selection.filter("is_chosen")["cohort_count"].item()
    return f"{result.fit_reason}: {chosen} cohorts found"
