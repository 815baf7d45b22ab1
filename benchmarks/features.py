"""The tables that `build_cohorts` reads, from a shop's files, by dbt and the default encoder."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.warehouse import Warehouse
from python_ml.config import EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder

FEATURES = (
    *("user_features", "user_department_features", "user_attributes"),
    *("interactions", "item_features", "item_texts"),
)
KEY = "a key for benchmarks, which no real shop must ever use"


def features_of(
    source: str,
    files: Path,
    folder: Path,
    vectors: dict[str, np.ndarray],
    *,
    day: date | None = None,
    is_loaded: bool = False,
) -> dict[str, pl.DataFrame]:
    """Tables by the names of `build_cohorts`' arguments.

    Args:
        source: a folder of models/staging.
        files: of the shop.
        folder: of the warehouse; what dbt parsed for the last shop in it serves this one.
        vectors: by text_hash, what is known already; the missing ones are added.
        day: the as-of date; without one, the day after the last event.
        is_loaded: the warehouse holds these files, features alone are built.
    """
    selected = ["path:models/features"] if is_loaded else [f"+{name}" for name in FEATURES]
    variables = {"source": source} | ({} if day is None else {"as_of_date": day.isoformat()})
    command = [
        str(Path(sys.executable).parent / "dbt"), "build", "--select", *selected,
        "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test",
        "--profiles-dir", "profiles", "--vars", json.dumps(variables),
    ]  # fmt: skip
    warehouse = folder / "warehouse.duckdb"
    environment = {
        "SHOAL_DATA": files,
        "SHOAL_VAR": folder / "var",
        "SHOAL_WAREHOUSE": warehouse,
        "SHOAL_PSEUDONYM_KEY": KEY,
        "DBT_TARGET_PATH": folder / "target",
        "DBT_LOG_PATH": folder / "target",
    }
    settings = os.environ | {name: str(value) for name, value in environment.items()}
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"dbt failed:\n{done.stdout[-4000:]}")
    tables = {name: Warehouse(path=warehouse).read("features", name) for name in FEATURES}
    return tables | {"text_embeddings": _embed(tables["item_texts"], vectors)}


def _embed(texts: pl.DataFrame, vectors: dict[str, np.ndarray]) -> pl.DataFrame:
    distinct = texts.unique("text_hash").sort("text_hash")
    missing = distinct.filter(~pl.col("text_hash").is_in(list(vectors)))
    config = EmbeddingConfig()
    if not missing.is_empty():
        made = Encoder.load(config, resolve_device("auto")).encode(missing["text"].to_list())
        vectors |= dict(zip(missing["text_hash"], made, strict=True))
    values = np.stack([vectors[text_hash] for text_hash in distinct["text_hash"]])
    return pl.DataFrame(
        {
            "text_hash": distinct["text_hash"],
            "embedding_model": config.model,
            "embedding": pl.Series(values, dtype=pl.Array(pl.Float32, values.shape[1])),
        }
    )
