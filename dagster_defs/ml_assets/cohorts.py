"""`ml.user_cohorts` and what belongs to it: groups of users, described, and who moved from one to another."""

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    StepResult,
    fingerprint,
    markdown_table,
    read_as_of,
    read_inputs,
    run_step,
    save_model,
)
from dagster_defs.resources import Shop

FEATURES = ["user_features", "user_department_features", "interactions", "item_features", "item_texts"]
DESCRIPTIONS = {
    "user_cohorts": "One row per user: the cohort the user belongs to.",
    "cohort_profiles": "One row per cohort and attribute: how the cohort differs from all users.",
    "cohort_selection": "One row per candidate number of cohorts: the scores it was chosen or refused by.",
    "cohort_membership_log": "One row per user and cohort entered or left, with the day.",
    "cohort_changes": "One row per cohort and day: kept, new, split, merged or vanished.",
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
        from python_ml.cohorts.history import read_before, record, record_changes

        # What was before is no cause to run again: it lends ids and names to cohorts that are still there.
        day = read_as_of(shop)
        log, changes = (shop.warehouse().read("ml", table) for table in HISTORY)
        result = build_cohorts(
            **inputs,
            config=settings.cohorts,
            seed=settings.seed,
            day=day,
            before=read_before(log, changes, day),
        )
        members = result.user_cohorts.select("user_id", "cohort_id")
        known_days = changes["changed_on"].unique()
        log = record(log, members, day, known_days)
        save_model(settings.paths, "cohorts", version, result.model_arrays)
        plots = {name: as_metadata(figure) for name, figure in result.plots.items()}
        sizes = (
            result.user_cohorts.group_by("cohort_id", "cohort_name")
            .len("users")
            .sort("users", descending=True)
        )
        return StepResult(
            tables={
                "user_cohorts": result.user_cohorts,
                "cohort_profiles": result.cohort_profiles,
                "cohort_selection": result.cohort_selection,
                "cohort_membership_log": log,
                "cohort_changes": record_changes(changes, result.cohort_changes, log, day),
            },
            metadata={
                "user_cohorts": plots | {"cohorts": markdown_table(sizes)},
                "cohort_selection": {"candidates": markdown_table(result.cohort_selection)},
                "cohort_changes": {"since the last run": markdown_table(result.cohort_changes)},
            },
        )

    yield from run_step(context, shop, version=version, tables=list(DESCRIPTIONS), compute=compute)
