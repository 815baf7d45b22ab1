"""From raw files to features on the simulator, at three sizes, beside polars doing sessions and RFM alone.

`SCALE_EVENTS=1000000,10000000 make bench NAME=scale` measures other sizes than the three.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import psutil

from benchmarks.pipeline import memory_of
from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT

SIZES = (1_000_000, 10_000_000, 100_000_000)
# Steps of the same work as `sessions_and_rfm` does, by their dbt names.
SESSIONS_AND_RFM = ("int_events_sessionised", "int_orders_sessionised", "events", "sessions", "user_features")
GAP_MINUTES = 30
# Polars windows in memory, 4 GiB for 10 million events: larger logs go by parts of the people.
EVENTS_A_PART = 20_000_000
ABOUT = (
    "`dbt build` without tests from the simulator's raw files to the tables of `features`, in an empty"
    " warehouse: ids hashed, texts cleaned and masked, duplicates and bots rejected, visitors stitched to"
    " users, sessions cut, features worked out. Rows are raw events and order lines. Polars (lazy,"
    " streaming engine) reads the same files and does sessions by a 30-minute gap and RFM alone, without"
    " hashing, stitching or rejecting, and keeps the result in memory; from 20 million events on it does so"
    " by parts of the people, or it would not fit. Memory is the largest sum over the processes, sampled"
    " twice a second; DuckDB had SHOAL_MEMORY_LIMIT=8GB, beyond which it spills to disk, and worked on one"
    " statement at a time (SHOAL_DBT_THREADS=1)."
)


def main() -> None:
    sizes = os.environ.get("SCALE_EVENTS")
    figures = []
    for events in map(int, sizes.split(",")) if sizes else SIZES:
        with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as folder:
            figures += _measure(events, Path(folder))
            _print(figures)
        # After every size: the largest takes half an hour, and its failure should not lose the others.
        record("scale", ABOUT, figures)


def _measure(events: int, folder: Path) -> list[Figure]:
    case = f"{events // 1_000_000} M events"
    raw = folder / "files"
    simulate = [sys.executable, "-m", "dagster_defs.simulate", "--events", str(events), "--out", str(raw)]
    simulated, simulated_memory = _timed(simulate)
    rows = _count_rows(raw)
    built, built_memory = _timed(_dbt_command(), _dbt_environment(raw, folder))
    polars, polars_memory = _timed([sys.executable, "-m", "benchmarks.scale", str(raw)])
    return [
        Figure(metric="simulated events per second", case=case, value=events / simulated),
        Figure(metric="simulating, peak memory, GiB", case=case, value=simulated_memory / 2**30),
        Figure(metric="dbt raw to features, rows per second", case=case, value=rows / built),
        Figure(metric="dbt raw to features, seconds", case=case, value=built),
        Figure(metric="dbt raw to features, peak memory, GiB", case=case, value=built_memory / 2**30),
        Figure(
            metric="dbt, sessions and features alone, seconds", case=case, value=_seconds_of_steps(folder)
        ),
        Figure(metric="polars sessions and RFM, rows per second", case=case, value=rows / polars),
        Figure(metric="polars sessions and RFM, seconds", case=case, value=polars),
        Figure(metric="polars sessions and RFM, peak memory, GiB", case=case, value=polars_memory / 2**30),
    ]


def _dbt_command() -> list[str]:
    select = ["--select", "+path:models/features", "sessions", "--exclude-resource-type", "test"]
    return [
        str(Path(sys.executable).parent / "dbt"), "build", *select, "--exclude-resource-type", "unit_test",
        "--profiles-dir", "profiles", "--vars", "{source: simulated}",
    ]  # fmt: skip


def _dbt_environment(raw: Path, folder: Path) -> dict[str, str]:
    return {
        "SHOAL_DATA": str(raw),
        "SHOAL_VAR": str(folder / "var"),
        "SHOAL_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "SHOAL_MEMORY_LIMIT": "8GB",
        "SHOAL_DBT_THREADS": "1",  # two statements over 100 million events do not fit into it at once
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "target"),
    }


def _timed(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, int]:
    started, peak = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as said:
        process = psutil.Popen(command, cwd=PROJECT_ROOT, env=os.environ | (environment or {}), stdout=said)
        while process.poll() is None:
            peak = max(peak, memory_of(process))
            time.sleep(0.5)
        if process.returncode:
            said.seek(0)
            print(said.read()[-4000:], file=sys.stderr)
            raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return time.monotonic() - started, peak


def _count_rows(raw: Path) -> int:
    files = ("events/*.parquet", "order_lines.parquet")
    return sum(pl.scan_parquet(raw / file).select(pl.len()).collect().item() for file in files)


def _seconds_of_steps(folder: Path) -> float:
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return sum(
        result["execution_time"]
        for result in results
        if result["unique_id"].split(".")[-1] in SESSIONS_AND_RFM
    )


def _print(figures: list[Figure]) -> None:
    for figure in figures[-9:]:
        print(f"  {figure.case}: {figure.metric} {figure.value:,.1f}", flush=True)


def sessions_and_rfm(raw: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What polars does of it: a row a session with its funnel, a row a user with its RFM scores."""
    events = pl.scan_parquet(raw / "events" / "*.parquet").filter(pl.col("occurred_at").is_not_null())
    events = events.with_columns(person=pl.coalesce("user_id", "visitor_id"))
    parts = -(-events.select(pl.len()).collect().item() // EVENTS_A_PART)
    sessions = [
        _sessions(events.filter(pl.col("person").hash() % parts == part) if parts > 1 else events)
        for part in range(parts)
    ]
    return pl.concat(sessions), _rfm(raw)


def _sessions(events: pl.LazyFrame) -> pl.DataFrame:
    gap = pl.col("occurred_at").diff().over("person", order_by="occurred_at") > pl.duration(
        minutes=GAP_MINUTES
    )
    return (
        events.unique("event_id")
        .with_columns(session=gap.fill_null(True).cum_sum().over("person", order_by="occurred_at"))
        .group_by("person", "session")
        .agg(
            pl.len().alias("events"),
            *((pl.col("event_type") == kind).sum().alias(kind) for kind in ("view", "search", "cart")),
            pl.col("occurred_at").min().alias("started_at"),
            pl.col("occurred_at").max().alias("ended_at"),
            pl.col("item_id").sort_by("occurred_at").drop_nulls().first().alias("landing_item"),
            pl.col("item_id").sort_by("occurred_at").drop_nulls().last().alias("exit_item"),
        )
        .collect(engine="streaming")
    )


def _rfm(raw: Path) -> pl.DataFrame:
    totals = (
        pl.scan_parquet(raw / "order_lines.parquet")
        .filter(pl.col("user_id").is_not_null(), pl.col("kind") == "sale")
        .with_columns(
            pl.col("amount").cast(pl.Decimal(18, 2), strict=False),
            pl.col("booked_at").str.to_datetime(strict=False),
        )
        .group_by("user_id")
        .agg(
            pl.col("booked_at").max().alias("last_order_at"),
            pl.col("order_id").n_unique().alias("orders"),
            pl.col("amount").sum().alias("money"),
        )
        .collect(engine="streaming")
    )
    scores = (
        pl.col(name).rank("max").truediv(pl.len()).mul(5).ceil().alias(f"{name}_score")
        for name in totals.columns[1:]
    )
    return totals.with_columns(*scores)


if __name__ == "__main__":
    found_sessions, found_users = sessions_and_rfm(Path(sys.argv[1]))
    print(f"{found_sessions.height:,} sessions, {found_users.height:,} users")
