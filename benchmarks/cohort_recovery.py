"""Are the simulated shop's hidden groups found again, and how does that end as they grow alike?"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot
from sklearn.metrics import adjusted_rand_score

from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.simulate import write_shop
from dagster_defs.warehouse import Warehouse
from python_ml.cohorts.build import build_cohorts
from python_ml.config import CohortConfig, EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.privacy.pseudonym import pseudonym
from python_ml.simulator.config import SimulatorConfig

EVENTS, GROUPS, SEED = 400_000, 6, 0
NOISE = (0.0, 0.25, 0.5, 0.75, 1.0)
TARGET = 0.9  # adjusted Rand index, where group_noise is 0
CONFIGS = {"default": CohortConfig(), "purchases alone": CohortConfig(interest_weight=0.0)}
FEATURES = (
    *("user_features", "user_department_features", "user_attributes"),
    *("interactions", "item_features", "item_texts"),
)
KEY = "a key for benchmarks, which no real shop must ever use"
IMAGE = PROJECT_ROOT / "docs" / "images" / "cohort-recovery.png"
SHOPS = f"Simulated shops of {EVENTS // 200:,} users, {EVENTS:,} events and {GROUPS} groups, seed {SEED}"
ABOUT = (
    f"{SHOPS} (of the shop and of k-means), through dbt to features and item vectors, then `build_cohorts`"
    " with the default CohortConfig, and with `interest_weight = 0`, which leaves out what users look at."
    " Adjusted Rand index of cohorts and hidden groups over users who have ordered, and the number of cohorts"
    " those are put into. `group_noise` is the simulator's: 0 is a shop as `make simulate` makes it, at 1"
    " nothing a user does tells the group.\n\n"
    f"![Adjusted Rand index and number of cohorts by group_noise](images/{IMAGE.name})"
)
Found = dict[tuple[float, str], tuple[float, int]]


def main() -> None:
    found: Found = {}
    vectors: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        for noise in NOISE:
            config = SimulatorConfig(events=EVENTS, groups=GROUPS, seed=SEED, group_noise=noise)
            tables = features_of(config, Path(folder), vectors)
            truth = true_groups(Path(folder) / "files")
            for case, settings in CONFIGS.items():
                found[noise, case] = recover(tables, truth, settings)
                print(f"  noise {noise}, {case}: {found[noise, case]}", flush=True)
    draw(found).savefig(IMAGE, dpi=110)
    record("cohort_recovery", ABOUT, figures(found))


def features_of(
    config: SimulatorConfig, folder: Path, vectors: dict[str, np.ndarray]
) -> dict[str, pl.DataFrame]:
    """The tables that `build_cohorts` reads, of a shop simulated into a folder.

    Args:
        config: the shop.
        folder: what dbt parsed for the last shop in it serves this one.
        vectors: by text_hash, what is known already; the missing ones are added.
    """
    write_shop(config, folder / "files")
    shutil.rmtree(folder / "var", ignore_errors=True)
    warehouse = folder / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    command = [
        str(Path(sys.executable).parent / "dbt"), "build", "--select", *(f"+{name}" for name in FEATURES),
        "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test",
        "--profiles-dir", "profiles", "--vars", "{source: simulated}",
    ]  # fmt: skip
    environment = {
        "SHOAL_DATA": folder / "files",
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


def true_groups(files: Path) -> pl.DataFrame:
    """user_id as the warehouse knows it, and group."""
    users = pl.read_parquet(files / "truth" / "users.parquet")
    ids = [pseudonym(KEY.encode(), user_id) for user_id in users["user_id"]]
    return users.select(pl.Series("user_id", ids), "group")


def recover(tables: dict[str, pl.DataFrame], truth: pl.DataFrame, config: CohortConfig) -> tuple[float, int]:
    """Adjusted Rand index over users who have ordered, and the number of cohorts they are in."""
    day = tables["user_features"]["as_of_date"].max()
    cohorts = build_cohorts(**tables, config=config, seed=SEED, day=day).user_cohorts
    clustered = cohorts.drop_nulls("distance_to_centre").join(truth, on="user_id", validate="1:1")
    index = adjusted_rand_score(clustered["group"].to_list(), clustered["cohort_id"].to_list())
    return index, clustered["cohort_id"].n_unique()


def figures(found: Found) -> list[Figure]:
    """A row for each noise."""
    return [
        Figure(metric=f"{metric}, {case}", case=f"group_noise {noise}", value=value)
        for (noise, case), measured in found.items()
        for metric, value in zip(("adjusted Rand index", "cohorts"), measured, strict=True)
    ]


def draw(found: Found) -> Plot:
    """Both curves over the noise, with what is asked of them."""
    plot = Plot(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(plot)
    agreement, numbers = plot.subplots(1, 2)
    agreement.axhline(TARGET, color="0.5", linestyle="--", linewidth=1, label=f"asked for at 0: {TARGET}")
    numbers.axhspan(GROUPS - 1, GROUPS + 1, color="0.5", alpha=0.2, label=f"{GROUPS} groups, ± 1")
    for column, axes in enumerate((agreement, numbers)):
        for case in CONFIGS:
            axes.plot(NOISE, [found[noise, case][column] for noise in NOISE], marker="o", label=case)
        axes.set_xlabel("group_noise of the simulated shop")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0)
        axes.legend()
    agreement.set_ylabel("adjusted Rand index with the true groups")
    numbers.set_ylabel("cohorts of users who have ordered")
    plot.supxlabel(SHOPS, fontsize=9)
    return plot
