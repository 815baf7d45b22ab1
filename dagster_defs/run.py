"""`make run`: the whole graph once, from a terminal, and a summary at its end.

It runs the same job as the Dagster UI, on the same instance, so the run is there to look at afterwards.
"""

import sys
from contextlib import redirect_stdout

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError, DagsterMaxRetriesExceededError

from dagster_defs.dead_runs import PROCESS_TAG, end_dead_runs, this_process
from dagster_defs.prepare import prepare_files, prepare_graph
from dagster_defs.raw_files import check_data_folder
from dagster_defs.settings import Settings, load_settings
from dagster_defs.summary import print_summary
from dagster_defs.warehouse import Warehouse
from python_ml.errors import BuildError, ShoalError


def main() -> int:
    """Run everything; 0 when all of it succeeded, 1 with one clear message otherwise."""
    try:
        settings = load_settings()
        prepare_files(settings)
        check_data_folder(settings)  # before what takes long
        prepare_graph(settings)
        _run(settings)
        print_summary(settings)
    except ShoalError as error:
        sys.stderr.write(f"\nThe run stopped: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; the published copy is untouched, run again to go on.\n")
        return 130
    return 0


def _run(settings: Settings) -> None:
    from dagster_defs.definitions import build_defs  # needs the manifest that prepare_graph() wrote

    Warehouse(path=settings.paths.warehouse, patience_seconds=5).check_free()
    job = build_defs().resolve_job_def("build_everything")
    with dg.DagsterInstance.get() as instance:
        end_dead_runs(instance)
        try:
            with settings.paths.run_log.open("w", encoding="utf-8") as log, redirect_stdout(log):
                result = job.execute_in_process(
                    run_config={"loggers": {"console": {}}},
                    instance=instance,
                    tags={PROCESS_TAG: this_process()},
                )
        except dg.Failure as failure:
            if isinstance(failure.__cause__, ShoalError):
                raise failure.__cause__ from None
            raise
        except DagsterMaxRetriesExceededError as error:
            raise _gave_up(instance) from error
        except DagsterAssetCheckFailedError as error:
            raise _checks_failed(str(error).strip()) from error
    _raise_on_failed_checks(result)


def _gave_up(instance: dg.DagsterInstance) -> BuildError:
    """What the step said the last time it was tried; Dagster keeps it in the run's log, not in the error."""
    (run,) = instance.get_runs(limit=1)
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    event = failures[-1].dagster_event
    error = event.step_failure_data.error
    while error.cause is not None:
        error = error.cause
    return BuildError(
        f"step {event.step_key} failed every time it was tried: {error.message.strip()}",
        where=f"run {run.run_id}",
        remedy="look at the run in the UI (`make dev`); the published copy is untouched",
    )


def _raise_on_failed_checks(result: "dg.ExecuteInProcessResult") -> None:
    failed = [
        f"{'.'.join(check.asset_key.path)}: {check.check_name}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ]
    if failed:
        raise _checks_failed("; ".join(failed))


def _checks_failed(which: str) -> BuildError:
    return BuildError(
        f"checks failed: {which}",
        where="the asset checks of this run",
        remedy="look at them in the UI (`make dev`), mend what they name and run again",
    )


if __name__ == "__main__":
    sys.exit(main())
