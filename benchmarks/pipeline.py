"""The whole road on the real grocer: a first run from nothing, then a second with nothing changed."""

import os
import subprocess
import sys
import tempfile
import time

import psutil

from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT

ABOUT = (
    "`make run` without the installation, on the Complete Journey grocer (1,469,307 purchase lines,"
    " 20,940,529 promotion rows), in an empty `var` folder; then again with nothing changed. Memory is the"
    " largest sum over the run's processes, sampled twice a second."
)


def main() -> None:
    with tempfile.TemporaryDirectory() as var:
        figures = []
        for case in ("first run", "second run, nothing changed"):
            seconds, peak = _timed_run(var)
            figures += [
                Figure(metric="seconds", case=case, value=seconds),
                Figure(metric="peak memory, GiB", case=case, value=peak / 2**30),
            ]
    record("pipeline", ABOUT, figures)


def _timed_run(var: str) -> tuple[float, int]:
    started = time.monotonic()
    process = psutil.Popen(
        [sys.executable, "-m", "dagster_defs.run"],
        cwd=PROJECT_ROOT,
        env=os.environ | {"SHOAL_VAR": var},
        stdout=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory_of(process))
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"the run failed with exit code {process.returncode}")
    return time.monotonic() - started, peak


def memory_of(process: psutil.Process) -> int:
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue  # it ended between the list and the look
    return total
