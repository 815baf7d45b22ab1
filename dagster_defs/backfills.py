"""Days of the web log built again, chosen in the UI by date: one partition is one day.

The assets themselves have no partitions, because most tables are of all days at once. A partition of this
job is a run of `refresh_features` that is told its day; a longer time is one run of `make run BACKFILL=`.
"""

from collections.abc import Callable

import dagster as dg

# Earlier than any web log that a shop still keeps; days without events cost nothing until they are chosen.
DAYS = dg.DailyPartitionsDefinition(start_date="2000-01-01")


def build_backfill_job(refresh_features: Callable[[], dg.JobDefinition]) -> dg.JobDefinition:
    """The job `backfill_day`.

    Args:
        refresh_features: gives the job that builds core and features; asked for when a day is run.
    """

    @dg.op
    def build_day_again(context: dg.OpExecutionContext) -> None:
        run = refresh_features().execute_in_process(
            run_config={"resources": {"shop": {"config": {"backfill": context.partition_key}}}},
            instance=context.instance,
            tags={"backfill_day": context.partition_key},
        )
        context.log.info(f"{context.partition_key} was built again by run {run.run_id}")

    @dg.job(
        partitions_def=DAYS,
        executor_def=dg.in_process_executor,
        description="Reads the events of one day again, rows too late for the look-back among them.",
    )
    def backfill_day() -> None:
        build_day_again()

    return backfill_day
