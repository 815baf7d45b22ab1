"""Runs whose process is gone: close them, and give back the place in the writers' pool they still hold.

Dagster's own monitoring does this too, but only while its daemon runs; `make run` must not need it.
"""

import platform

import dagster as dg
import psutil
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

PROCESS_TAG = "shoal/process"


def this_process() -> str:
    """Host, process id and start time: a process id alone may come back as another process."""
    process = psutil.Process()
    return f"{platform.node()}/{process.pid}/{process.create_time():.0f}"


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Close this machine's runs whose process is gone and free their pool slots; returns their ids."""
    ended = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        owner = run.tags.get(PROCESS_TAG)
        if owner is not None and _is_gone(owner):
            instance.report_run_canceled(run, message="The process of this run was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def _is_gone(owner: str) -> bool:
    host, process_id, started = owner.rsplit("/", 2)
    if host != platform.node():
        return False
    try:
        return f"{psutil.Process(int(process_id)).create_time():.0f}" != started
    except psutil.NoSuchProcess:
        return True
