"""Runs whose process is gone are closed; those that live, or live elsewhere, are left alone."""

import subprocess
import sys

import dagster as dg
import psutil
from dagster._core.test_utils import create_run_for_test

from dagster_defs.dead_runs import PROCESS_TAG, end_dead_runs, this_process


def started_run(instance: dg.DagsterInstance, owner: str | None) -> str:
    tags = {} if owner is None else {PROCESS_TAG: owner}
    return create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED, tags=tags).run_id


def test_only_dead_runs_of_this_machine_are_ended():
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        host = this_process().split("/")[0]
        dead = f"{host}/{child.pid}/{psutil.Process(child.pid).create_time():.0f}"
    another_of_the_same_number = this_process().rsplit("/", 1)[0] + "/1"
    with dg.DagsterInstance.ephemeral() as instance:
        gone = {started_run(instance, dead), started_run(instance, another_of_the_same_number)}
        alive = {started_run(instance, owner) for owner in (this_process(), "elsewhere/1/1", None)}
        assert set(end_dead_runs(instance)) == gone
        for run_id in gone:
            assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.CANCELED
        for run_id in alive:
            assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.STARTED
        assert end_dead_runs(instance) == []
