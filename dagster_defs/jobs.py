"""Named jobs and the daily schedule."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """The runs people ask for by name."""
    python_steps = dg.AssetSelection.groups("ml")
    everything = dg.AssetSelection.all()
    return [
        dg.define_asset_job(
            "build_everything", everything, description="From the raw files to the published copy."
        ),
        dg.define_asset_job(
            "refresh_features",
            everything - python_steps.downstream(),
            description="Raw files, core and features, without the Python steps and what stands on them.",
        ),
        dg.define_asset_job(
            "train",
            python_steps.downstream(),
            description="The Python steps on the features as they are, serving tables, published copy.",
        ),
    ]


def build_schedule(jobs: list[UnresolvedAssetJobDefinition]) -> dg.ScheduleDefinition:
    """Everything, once a day; off until somebody turns it on."""
    return dg.ScheduleDefinition(
        name="daily",
        job=jobs[0],
        cron_schedule="0 5 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
