"""A million simulated texts through the step that embeds them, killed half-way and started again.

`MILLION_TEXTS=100000 make bench NAME=million_texts` tries it on fewer.
"""

import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import psutil

from benchmarks.pipeline import memory_of
from benchmarks.results import Figure, record
from dagster_defs.ml_assets.embeddings import FEATURES, drop_other_versions, embed_missing
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.progress import Progress
from dagster_defs.warehouse import Warehouse
from python_ml.config import EmbeddingConfig
from python_ml.sentiment.simulated import write_texts

TEXTS = 1_000_000
VERSION, AS_OF = "benchmark", date(2026, 1, 1)
ABOUT = (
    "Distinct texts as the simulator's shoppers write them, in English and Chinese, through the step that"
    " writes `ml.text_embeddings`, all-MiniLM-L6-v2, in a process of its own that is killed with `kill -9`"
    " when half are written, and then started again. Memory is the largest of the process, sampled twice a"
    " second."
)


def main() -> None:
    count = int(os.environ.get("MILLION_TEXTS", TEXTS))
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as folder:
        path = Path(folder) / "warehouse.duckdb"
        _write(path, count)
        first = _embed(path, kill_at=count // 2)
        kept = _vectors(path)
        assert count // 2 <= kept < count, f"{kept} vectors were kept"
        second = _embed(path)
        assert _vectors(path) == count, "a text has no vector, or two"
    seconds, peak = first[0] + second[0], max(first[1], second[1])
    record(
        "million_texts",
        ABOUT,
        [
            Figure(metric="texts", case="MiniLM", value=count),
            Figure(metric="vectors kept by the kill", case="MiniLM", value=kept),
            Figure(metric="texts per second", case="MiniLM", value=count / seconds),
            Figure(metric="peak memory, GiB", case="MiniLM", value=peak / 2**30),
        ],
    )


def _write(path: Path, count: int) -> None:
    texts, _ = write_texts(count, seed=0)
    # The grammar repeats itself: a number makes every text another one.
    numbered = [f"{text} ({number})" for number, text in enumerate(texts)]
    frame = pl.DataFrame({"text": numbered})  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect(path) as connection:
        connection.execute("create schema features")
        columns = "select sha256(text) as text_hash, text from frame"
        connection.execute(f"create table features.review_texts as {columns}")
        connection.execute(f"create table features.item_texts as {columns} limit 0")
    drop_other_versions(Warehouse(path=path), [VERSION])


def _embed(path: Path, kill_at: int | None = None) -> tuple[float, int]:
    """Seconds and peak memory of a run to its end, or to its violent end at so many vectors."""
    started, peak = time.monotonic(), 0
    command = [sys.executable, "-m", "benchmarks.million_texts", str(path), str(kill_at or 0)]
    process = psutil.Popen(command, cwd=PROJECT_ROOT)
    while process.poll() is None:
        peak = max(peak, memory_of(process))
        time.sleep(0.5)
    if process.returncode and kill_at is None:
        raise SystemExit(f"embedding failed with exit code {process.returncode}")
    return time.monotonic() - started, peak


def _vectors(path: Path) -> int:
    return Warehouse(path=path).row_counts()["ml.text_embeddings"]


def child(path: Path, kill_at: int) -> None:
    """The step itself; ends itself with SIGKILL once so many texts are done, which nothing can catch."""
    warehouse = Warehouse(path=path)
    missing = warehouse.count_texts_without_vector(FEATURES, VERSION)
    progress = Progress(what="texts embedded", write=lambda line: print(line, flush=True), every_seconds=30)

    def count(done: int) -> None:
        progress(done, missing)
        # A chunk more than that: what is counted is not all written yet.
        if kill_at and done > kill_at + EmbeddingConfig().texts_per_chunk:
            psutil.Process().kill()

    embed_missing(warehouse, FEATURES, EmbeddingConfig(), "auto", VERSION, AS_OF, count)


if __name__ == "__main__":
    child(Path(sys.argv[1]), int(sys.argv[2]))
