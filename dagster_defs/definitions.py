"""The asset graph, assembled. What an asset does stands in its own module."""

from typing import Any

import dagster as dg

from dagster_defs.backfills import build_backfill_job
from dagster_defs.checks import build_checks
from dagster_defs.console import console_logger
from dagster_defs.dbt_assets import build_dbt_assets, load_manifest
from dagster_defs.jobs import build_jobs, build_schedule
from dagster_defs.ml_assets.cohorts import build_cohort_assets
from dagster_defs.ml_assets.describe import build_description_assets
from dagster_defs.ml_assets.embeddings import build_embedding_assets
from dagster_defs.ml_assets.finetuning import build_finetuning_assets
from dagster_defs.ml_assets.interests import build_interest_assets
from dagster_defs.ml_assets.item_encoder import build_item_encoder_assets
from dagster_defs.ml_assets.recommender import build_recommender_assets
from dagster_defs.ml_assets.sentiment import build_sentiment_assets
from dagster_defs.ml_assets.topics import build_topic_assets
from dagster_defs.publish import build_publish_asset
from dagster_defs.raw_files import build_raw_file_assets
from dagster_defs.resources import Shop, dbt_resource
from dagster_defs.settings import load_settings


def build_defs(**resource_overrides: Any) -> dg.Definitions:
    """The whole graph of the active source, as `prepare` had dbt describe it.

    Args:
        resource_overrides: resources to use instead of `shop` and `dbt`; tests pass their own.
    """
    manifest = load_manifest(load_settings().paths.manifest)
    dbt_features, dbt_serving = build_dbt_assets(manifest)
    jobs = build_jobs()
    definitions = dg.Definitions(
        assets=[
            build_raw_file_assets(manifest),
            dbt_features,
            *build_item_encoder_assets(dbt_features),
            *build_embedding_assets(dbt_features),
            *build_finetuning_assets(dbt_features),
            *build_cohort_assets(dbt_features),
            *build_description_assets(),
            *build_interest_assets(dbt_features),
            *build_recommender_assets(dbt_features),
            *build_sentiment_assets(dbt_features),
            *build_topic_assets(dbt_features),
            dbt_serving,
            build_publish_asset(manifest),
        ],
        asset_checks=build_checks(),
        jobs=[*jobs, build_backfill_job(lambda: definitions.resolve_job_def("refresh_features"))],
        schedules=[build_schedule(jobs)],
        resources={"shop": Shop(), "dbt": dbt_resource()} | resource_overrides,
        loggers={"console": console_logger},
        # One process, one step at a time: DuckDB has one writer, and a step process would import torch anew.
        executor=dg.in_process_executor,
    )
    return definitions


@dg.definitions
def defs() -> dg.Definitions:
    return build_defs()
