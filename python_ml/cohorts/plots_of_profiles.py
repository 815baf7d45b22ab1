"""Pictures of what sets cohorts apart.

Every function returns a Figure; who calls it decides where it is drawn. Shapes: K cohorts, F features.
"""

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from python_ml.cohorts.labels import feature_label
from python_ml.drawing import draw_words, readable_labels, say, wrap_label

_HEAT_MAP_FEATURES = 24
_RADARS = 12
_RADAR_FEATURES = 8
_FEWEST_RADAR_FEATURES = 3  # fewer make no area
_RADAR_LIMIT = 2.0
# Two features say nearly the same if they are as much correlated as this over cohorts, of which there must be
# enough: over two cohorts any two features are.
_SAME = 0.95
_FEWEST_TO_CORRELATE = 4


def plot_profiles(profiles: pl.DataFrame) -> Figure:
    """Heat map: how many standard deviations each cohort's mean is from the mean of all.

    Args:
        profiles: `cohort_profiles`; the features in which cohorts differ most are drawn. A cohort of too few
            users for a profile has no column.
    """
    rows, cohorts = _feature_rows(profiles)
    # Ordered by name after the cut, so that like features (orders, sales ...) lie side by side.
    features = sorted(_by_spread(rows)[:_HEAT_MAP_FEATURES])
    grid = _grid(rows, features, cohorts["cohort_id"].to_list())
    figure = Figure(figsize=(3.5 + 0.95 * len(cohorts), 2.4 + 0.28 * len(features)), layout="constrained")
    axes = figure.subplots()
    axes.set_title("Cohorts against all customers", loc="left")
    if not grid.size:
        return say(figure, axes, "no cohort has a profile")
    image = axes.imshow(grid, cmap="RdBu_r", vmin=-1.5, vmax=1.5, aspect="auto")
    for (row, column), z in np.ndenumerate(grid):
        if np.isfinite(z) and abs(z) >= 0.3:
            tone = "white" if abs(z) > 1.0 else "black"
            axes.text(column, row, f"{z:+.1f}", ha="center", va="center", fontsize=7, color=tone)
    names, fonts = readable_labels(cohorts["cohort_name"].to_list(), cohorts["cohort_id"].to_list())
    labels = [f"{name}\n({count:,})" for name, count in zip(names, cohorts["user_count"], strict=True)]
    axes.set_xticks(
        range(len(labels)),
        labels,
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontsize=8,
        fontfamily=fonts,
    )
    axes.set_yticks(range(len(features)), [feature_label(name) for name in features], fontsize=8)
    figure.colorbar(image, ax=axes, label="standard deviations from the mean", shrink=0.6)
    return figure


def plot_radar(profiles: pl.DataFrame) -> Figure:
    """A radar for each of the largest cohorts: how its mean differs from that of all, by feature.

    Args:
        profiles: `cohort_profiles`; the features in which cohorts differ most are drawn, of those that say
            nearly the same the first.
    """
    rows, cohorts = _feature_rows(profiles)
    features = _radar_features(rows, cohorts["cohort_id"].to_list())
    if cohorts.height < 2 or len(features) < _FEWEST_RADAR_FEATURES:
        return draw_words("no cohorts that differ in three features: nothing to draw a radar of")
    largest = cohorts.sort("user_count", descending=True, maintain_order=True).head(_RADARS)
    grid = _grid(rows, features, largest["cohort_id"].to_list()).clip(-_RADAR_LIMIT, _RADAR_LIMIT)
    names, fonts = readable_labels(largest["cohort_name"].to_list(), largest["cohort_id"].to_list())
    across = min(len(names), 4)
    down = -(-len(names) // across)
    figure = Figure(figsize=(3.8 * across, 0.8 + 3.4 * down), layout="constrained")
    shown = (
        f"The {len(names)} largest of {cohorts.height} cohorts" if len(names) < cohorts.height else "Cohorts"
    )
    figure.suptitle(f"{shown} against all customers (thick ring)", x=0.01, ha="left")
    figure.supxlabel("a ring is a standard deviation; more than two are drawn as two", fontsize=8)
    labels = [wrap_label(feature_label(name), 16) for name in features]
    for place, (name, count) in enumerate(zip(names, largest["user_count"], strict=True)):
        axes = figure.add_subplot(down, across, place + 1, projection="polar")
        _draw_radar(axes, grid[:, place], labels)
        title = f"{wrap_label(name, 34)}\n({count:,})"
        axes.set_title(title, fontsize=9, fontfamily=fonts, pad=30)
    return figure


def _feature_rows(profiles: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of features with a z_score; their cohorts (cohort_id, cohort_name, user_count), by number."""
    rows = profiles.filter(
        pl.col("attribute_type") == "feature", pl.col("z_score").is_not_null(), pl.col("user_count") > 0
    )
    cohorts = rows.select("cohort_id", "cohort_name", "user_count").unique()
    return rows, cohorts.sort(pl.col("cohort_id").str.slice(1).cast(pl.Int32))


def _by_spread(rows: pl.DataFrame) -> list[str]:
    """Features, that in which a cohort is furthest from all customers first, ties by name."""
    spread = rows.group_by("attribute_name").agg(pl.col("z_score").abs().max().alias("most"))
    return spread.sort("most", "attribute_name", descending=[True, False])["attribute_name"].to_list()


def _grid(rows: pl.DataFrame, features: list[str], cohort_ids: list[str]) -> np.ndarray:
    """z_score by feature (row) and cohort (column), NaN where it is not known."""
    z_by_place = {
        (cohort_id, name): z
        for cohort_id, name, z in rows.select("cohort_id", "attribute_name", "z_score").rows()
    }
    grid = [[z_by_place.get((cohort_id, name), np.nan) for cohort_id in cohort_ids] for name in features]
    return np.array(grid, dtype=float).reshape(len(features), len(cohort_ids))


def _radar_features(rows: pl.DataFrame, cohort_ids: list[str]) -> list[str]:
    """The features of a radar, by name: a cohort's shape is then not another one whenever spreads change."""
    ordered = _by_spread(rows)
    grid = _grid(rows, ordered, cohort_ids).clip(-_RADAR_LIMIT, _RADAR_LIMIT)
    kept, passed_over = [], []
    for place, z_K in enumerate(grid):
        is_new = not any(_says_the_same(z_K, grid[other]) for other in kept)
        (kept if is_new else passed_over).append(place)
    # An area needs three corners, even if all say one thing.
    kept += passed_over[: max(0, _FEWEST_RADAR_FEATURES - len(kept))]
    return sorted(ordered[place] for place in kept[:_RADAR_FEATURES])


def _says_the_same(one_K: np.ndarray, other_K: np.ndarray) -> bool:
    known = np.isfinite(one_K) & np.isfinite(other_K)
    if known.sum() < _FEWEST_TO_CORRELATE:
        return False
    pair = np.vstack([one_K[known], other_K[known]])
    pair -= pair.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pair, axis=1)
    return abs(pair[0] @ pair[1]) > _SAME * lengths[0] * lengths[1]


def _draw_radar(axes: PolarAxes, z_F: np.ndarray, labels: list[str]) -> None:
    """One cohort, a corner per feature; a feature that is not known leaves a gap."""
    angles_F = np.linspace(0, 2 * np.pi, len(z_F), endpoint=False)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    # The middle is beyond the limit: corners at it would all be one point.
    axes.set_ylim(-_RADAR_LIMIT - 0.5, _RADAR_LIMIT)
    axes.set_yticks(np.arange(-_RADAR_LIMIT, _RADAR_LIMIT + 1), [])
    axes.set_xticks(angles_F, [])
    axes.grid(color="0.88", linewidth=0.6)
    axes.spines["polar"].set_visible(False)
    axes.plot(np.linspace(0, 2 * np.pi, 181), np.zeros(181), color="0.35", linewidth=1.2)
    around = np.append(angles_F, angles_F[0]), np.append(z_F, z_F[0])
    axes.plot(*around, color="tab:blue", marker="o", markersize=3, clip_on=False)
    if np.isfinite(z_F).all():
        axes.fill(angles_F, z_F, color="tab:blue", alpha=0.25)
    for angle, label in zip(angles_F, labels, strict=True):
        side, height = np.sin(angle), np.cos(angle)
        axes.text(
            angle,
            _RADAR_LIMIT + 0.3,
            label,
            ha="center" if abs(side) < 0.1 else "left" if side > 0 else "right",
            va="center" if abs(height) < 0.1 else "bottom" if height > 0 else "top",
            fontsize=7,
        )
