"""Are the simulated shop's hidden groups found again, and how does that end as they grow alike?"""

import shutil
import tempfile
from math import isnan
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot
from sklearn.metrics import adjusted_rand_score

from benchmarks.features import KEY, features_of
from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.simulate import write_shop
from python_ml.cohorts.build import build_cohorts
from python_ml.config import CohortConfig
from python_ml.privacy.pseudonym import pseudonym
from python_ml.simulator.config import SimulatorConfig

EVENTS, GROUPS, SEED = 400_000, 6, 0
NOISE = (0.0, 0.25, 0.5, 0.75, 1.0)
TARGET = 0.9  # adjusted Rand index, where group_noise is 0
CONFIGS = {"default": CohortConfig(), "purchases alone": CohortConfig(interest_weight=0.0)}
IMAGE = PROJECT_ROOT / "docs" / "images" / "cohort-recovery.png"
SHOPS = f"Simulated shops of {EVENTS // 200:,} users, {EVENTS:,} events and {GROUPS} groups, seed {SEED}"
ABOUT = (
    f"{SHOPS} (of the shop and of k-means), through dbt to features and item vectors, then `build_cohorts`"
    " with the default CohortConfig, and with `interest_weight = 0`, which leaves out what users look at."
    " Adjusted Rand index of cohorts and hidden groups over users who have ordered, and the number of cohorts"
    " those are put into; of users without an order, the share whose likely cohort is that of their group,"
    " and the mean probability that was told with it. `group_noise` is the simulator's: 0 is a shop as"
    " `make simulate` makes it, at 1 nothing a user does tells the group.\n\n"
    f"![Adjusted Rand index and number of cohorts by group_noise](images/{IMAGE.name})"
)
METRICS = ("adjusted Rand index", "cohorts", "visitors told the right cohort", "probability told, mean")
Found = dict[tuple[float, str], tuple[float, int, float, float]]


def main() -> None:
    found: Found = {}
    vectors: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        for noise in NOISE:
            config = SimulatorConfig(events=EVENTS, groups=GROUPS, seed=SEED, group_noise=noise)
            tables = tables_of(config, Path(folder), vectors)
            truth = true_groups(Path(folder) / "files")
            for case, settings in CONFIGS.items():
                found[noise, case] = recover(tables, truth, settings)
                print(f"  noise {noise}, {case}: {found[noise, case]}", flush=True)
    draw(found).savefig(IMAGE, dpi=110)
    record("cohort_recovery", ABOUT, figures(found))


def tables_of(
    config: SimulatorConfig, folder: Path, vectors: dict[str, np.ndarray]
) -> dict[str, pl.DataFrame]:
    """As `features_of`, of a shop simulated into a folder."""
    write_shop(config, folder / "files")
    shutil.rmtree(folder / "var", ignore_errors=True)
    (folder / "warehouse.duckdb").unlink(missing_ok=True)
    return features_of("simulated", folder / "files", folder, vectors)


def true_groups(files: Path) -> pl.DataFrame:
    """user_id as the warehouse knows it, and group."""
    users = pl.read_parquet(files / "truth" / "users.parquet")
    ids = [pseudonym(KEY.encode(), user_id) for user_id in users["user_id"]]
    return users.select(pl.Series("user_id", ids), "group")


def recover(
    tables: dict[str, pl.DataFrame], truth: pl.DataFrame, config: CohortConfig
) -> tuple[float, int, float, float]:
    """What was found again.

    Returns:
        Adjusted Rand index over users who have ordered; the number of cohorts they are in; of users without
        an order, for whom a likely cohort is told, the share whose group is the commonest of that cohort, and
        the mean probability it was told with; NaN where none is told.
    """
    day = tables["user_features"]["as_of_date"].max()
    cohorts = build_cohorts(**tables, config=config, seed=SEED, day=day).user_cohorts
    known = cohorts.join(truth, on="user_id", validate="1:1")
    clustered = known.drop_nulls("distance_to_centre")
    index = adjusted_rand_score(clustered["group"].to_list(), clustered["cohort_id"].to_list())
    common = clustered.group_by("cohort_id").agg(pl.col("group").mode().min().alias("common_group"))
    told = known.drop_nulls("likely_cohort_id").join(
        common, left_on="likely_cohort_id", right_on="cohort_id", maintain_order="left"
    )
    right = (told["group"] == told["common_group"]).mean()
    sure = told["likely_cohort_probability"].mean()
    nan = float("nan")
    return (
        index,
        clustered["cohort_id"].n_unique(),
        nan if right is None else float(right),
        nan if sure is None else float(sure),
    )


def figures(found: Found) -> list[Figure]:
    """A row for each noise."""
    return [
        Figure(metric=f"{metric}, {case}", case=f"group_noise {noise}", value=value)
        for (noise, case), measured in found.items()
        for metric, value in zip(METRICS, measured, strict=True)
        if not isnan(value)
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
