"""Pictures of a clustering. Figures are made directly: pyplot would keep each one alive, and open windows.

Every function returns a Figure; who calls it decides where it is drawn.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from python_ml.drawing import readable_labels, say

_MAP_USERS = 10_000


def plot_selection(selection: pl.DataFrame, min_stability: float) -> Figure:
    """Silhouette, stability and, once it is known, usefulness by number of cohorts.

    The chosen one is marked, ineligible ones are hollow.

    Args:
        selection: `cohort_selection`; what the last fit tried is drawn, a colour for each method.
        min_stability: drawn as the limit it is.
    """
    last = selection.filter(pl.col("fitted_on") == pl.col("fitted_on").max())
    tried = last.sort("cohort_count").fill_null(float("nan"))
    is_judged = last["usefulness"].null_count() < last.height
    figure = Figure(figsize=(8, 7 if is_judged else 5), layout="constrained")
    upper, lower, *others = figure.subplots(3 if is_judged else 2, 1, sharex=True)
    methods = tried.partition_by("clustering_method", maintain_order=True)
    for number, one in enumerate(methods):
        colour = to_hex(colormaps["tab10"](number))
        _plot_method(upper, lower, one, colour)
        for axes in others:
            _plot_measure(axes, one, "usefulness", colour)
        if len(methods) > 1:
            upper.scatter([], [], color=colour, label=one["clustering_method"].first())
    if len(methods) > 1:
        upper.legend(frameon=False, fontsize=8, ncols=2)
    counts = sorted(set(tried["cohort_count"]))
    upper.set_ylabel("silhouette")
    lower.set_ylabel("stability (ARI)")
    lower.axhline(min_stability, color="0.4", linestyle=":", linewidth=1)
    lower.annotate("least stability", (counts[0], min_stability), va="bottom", fontsize=8, color="0.4")
    lower.set_ylim(0, 1.05)
    for axes in others:
        axes.set_ylabel("said of later spend")
        axes.axhline(0.0, color="0.4", linestyle=":", linewidth=1)
        axes.annotate("as groups drawn by lot", (counts[0], 0.0), va="bottom", fontsize=8, color="0.4")
    lowest = (lower, *others)[-1]
    lowest.set_xlabel("number of cohorts (hollow: not eligible; diamond: over bootstraps)")
    lowest.set_xticks(counts)
    chosen = tried.filter("is_chosen")
    for axes in (upper, lower, *others):
        axes.spines[["top", "right"]].set_visible(False)
        for count in chosen["cohort_count"]:
            axes.axvline(count, color="tab:orange", linewidth=6, alpha=0.3, zorder=0)
    day = selection["fitted_on"].min()
    title = f"none is eligible: cohorts of {day} stay"
    for method, count in chosen.select("clustering_method", "cohort_count").rows():
        title = f"{count} cohorts chosen" + (f" by {method}" if len(methods) > 1 else "")
    upper.set_title(title, loc="left")
    return figure


def _plot_method(upper: Axes, lower: Axes, tried: pl.DataFrame, colour: str) -> None:
    """What one method scored."""
    for axes, name in ((upper, "silhouette"), (lower, "stability_ari")):
        _plot_measure(axes, tried, name, colour)
    lower.scatter(
        tried["cohort_count"],
        tried["bootstrap_ari"],
        color=_fills(tried, colour),
        edgecolor="tab:orange",
        marker="D",
        zorder=2,
    )


def _plot_measure(axes: Axes, tried: pl.DataFrame, name: str, colour: str) -> None:
    axes.plot(tried["cohort_count"], tried[name], color=colour, alpha=0.4, zorder=1)
    axes.scatter(tried["cohort_count"], tried[name], color=_fills(tried, colour), edgecolor=colour, zorder=2)


def _fills(tried: pl.DataFrame, colour: str) -> list[str]:
    return [colour if eligible else "white" for eligible in tried["is_eligible"]]


def plot_user_map(
    points_NS: np.ndarray, labels_N: np.ndarray, names: Mapping[int, tuple[str, str]]
) -> Figure:
    """Users on the two directions in which they differ most, coloured by cohort.

    Args:
        points_NS: float64, the space they were clustered in.
        labels_N: integer.
        names: cohort_id and cohort_name, by label.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    count, width = points_NS.shape
    axes.set_title("Customers on the two directions they differ most in", loc="left")
    if count < 3 or width < 2:
        return say(figure, axes, "too few customers for a map")
    axes.set_xticks([])
    axes.set_yticks([])
    pca = PCA(2, svd_solver="full").fit(points_NS)
    # Every n-th user of a large shop: the picture is as full with ten thousand dots.
    step = -(-count // _MAP_USERS)
    flat_N2 = pca.transform(points_NS)[::step]
    numbers_N = labels_N[::step]
    palette = colormaps["tab10" if len(names) <= 10 else "tab20"]
    labels, fonts = readable_labels(
        [name for _, name in names.values()], [own_id for own_id, _ in names.values()]
    )
    for number, name in sorted(zip(names, labels, strict=True)):
        own = numbers_N == number
        if own.any():
            colour = to_hex(palette(number % palette.N))
            axes.scatter(*flat_N2[own].T, s=12, alpha=0.55, linewidth=0, color=colour, label=name)
            axes.scatter(*flat_N2[own].mean(axis=0), s=140, color=colour, edgecolor="black", zorder=3)
    shares = pca.explained_variance_ratio_
    axes.set_xlabel(f"first direction ({shares[0]:.0%} of variance)")
    axes.set_ylabel(f"second direction ({shares[1]:.0%} of variance)")
    legend = axes.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        markerscale=2,
        prop={"family": fonts},
    )
    for handle in legend.legend_handles:
        handle.set_alpha(1.0)
    return figure
