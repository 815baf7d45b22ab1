"""Ten `kill -9` at random moments on the real grocer, each followed by a clean, complete run."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT, ShopPaths
from dagster_defs.warehouse import Warehouse

KILLS = 10
ABOUT = (
    f"{KILLS} runs killed with `kill -9` at a random moment (seed 0), each with another `as_of_date` so that"
    " there is real work to interrupt, each followed by a run to the end. After each kill the published copy"
    " must open and hold what it held before; after each run it must hold the new date, and no leftover file."
)


def main() -> None:
    moments = random.Random(0)  # noqa: S311 - when to kill, not a secret
    with tempfile.TemporaryDirectory() as var:
        paths = ShopPaths(root=Path(var), source="complete_journey")
        _run(var, "2017-10-01")
        seconds = []
        for attempt in range(KILLS):
            as_of = f"2017-10-{attempt + 2:02d}"
            before = Warehouse(path=paths.published).row_counts()
            _kill_after(moments.uniform(1, 150), var, as_of)
            assert Warehouse(path=paths.published).row_counts() == before, "the published copy changed"
            started = time.monotonic()
            _run(var, as_of)
            seconds.append(time.monotonic() - started)
            dates = (
                Warehouse(path=paths.published)
                .read("serving", "user_cohorts")["as_of_date"]
                .unique()
                .to_list()
            )
            assert [str(date) for date in dates] == [as_of], dates
            assert not list(paths.folder.glob("*.partial*")), "a killed run's copy was left"
            print(f"  kill {attempt + 1}: whole before, complete after ({seconds[-1]:.0f} s)", flush=True)
    record(
        "kills",
        ABOUT,
        [
            Figure(metric="runs", case="killed, then completed", value=len(seconds)),
            Figure(metric="seconds of the run after", case="killed, then completed", value=max(seconds)),
        ],
    )


def _command(var: str, as_of: str) -> dict:
    environment = os.environ | {"SHOAL_VAR": var, "SHOAL_AS_OF_DATE": as_of, "SHOAL_PROFILE": "dev"}
    return {"args": [sys.executable, "-m", "dagster_defs.run"], "cwd": PROJECT_ROOT, "env": environment}


def _run(var: str, as_of: str) -> None:
    done = subprocess.run(**_command(var, as_of), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the run after a kill failed:\n{done.stderr[-3000:]}")


def _kill_after(seconds: float, var: str, as_of: str) -> None:
    process = subprocess.Popen(**_command(var, as_of), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
