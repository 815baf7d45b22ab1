"""Pictures of topics. Figures are made directly: pyplot would keep each one alive, and open windows."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from python_ml.drawing import readable_labels, say
from python_ml.topics.match import OUTLIER
from python_ml.topics.select import Candidate

_MAP_TEXTS = 10_000


def plot_sizes(profiles: pl.DataFrame) -> Figure:
    """Reviews of each topic, largest first, outliers last and grey.

    Args:
        profiles: topic_profiles.
    """
    figure = Figure(figsize=(9, 1.5 + 0.3 * max(len(profiles), 3)), layout="constrained")
    axes = figure.subplots()
    axes.set_title("Reviews by topic", loc="left")
    if profiles.is_empty():
        return say(figure, axes, "no reviews yet")
    labels, fonts = _readable(profiles)
    colours = ["0.7" if is_outlier else "tab:blue" for is_outlier in profiles["is_outlier"]]
    places = range(len(profiles))
    axes.barh(places, profiles["review_count"].to_list(), color=colours)
    axes.set_yticks(places, labels, fontsize=8, fontfamily=fonts)
    axes.invert_yaxis()
    for place, (count, share) in enumerate(profiles.select("review_count", "review_share").iter_rows()):
        axes.annotate(f" {count:,} ({share:.0%})", (count, place), va="center", fontsize=8)
    axes.margins(x=0.15)
    axes.set_xlabel("reviews")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_map(points_NS: np.ndarray, topic_ids_N: np.ndarray, profiles: pl.DataFrame) -> Figure:
    """Texts on the two directions in which topics differ most, coloured by topic.

    Args:
        points_NS: float, the space in which texts are compared.
        topic_ids_N: string, the topic of each text.
        profiles: topic_profiles, for names and order.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    axes.set_title("Reviews on the two directions topics differ most in", loc="left")
    own = profiles.filter(~pl.col("is_outlier"))
    if len(points_NS) < 3 or points_NS.shape[1] < 2 or len(own) < 2:
        return say(figure, axes, "too few topics for a map")
    axes.set_xticks([])
    axes.set_yticks([])
    labels, fonts = _readable(own)
    centres = np.array([points_NS[topic_ids_N == topic_id].mean(axis=0) for topic_id in own["topic_id"]])
    # Directions of the centres, not of the texts: those would show tone and length. A centre counts once for
    # each text, or a small topic far away would be all that one sees.
    weights_K1 = np.sqrt([[(topic_ids_N == topic_id).mean()] for topic_id in own["topic_id"]])
    middle_S = np.average(centres, axis=0, weights=weights_K1.ravel() ** 2)
    _, _, directions = np.linalg.svd((centres - middle_S) * weights_K1, full_matrices=False)
    flat_N2 = (points_NS[:_MAP_TEXTS] - middle_S) @ directions[:2].T
    ids_N = topic_ids_N[:_MAP_TEXTS]
    outlying = ids_N == OUTLIER
    axes.scatter(*flat_N2[outlying].T, s=6, alpha=0.4, linewidth=0, color="0.8", label="outliers")
    palette = colormaps["tab10" if len(labels) <= 10 else "tab20"]
    for number, (topic_id, label) in enumerate(zip(own["topic_id"], labels, strict=True)):
        part = ids_N == topic_id
        if part.any():
            colour = to_hex(palette(number % palette.N))
            axes.scatter(*flat_N2[part].T, s=8, alpha=0.5, linewidth=0, color=colour, label=label)
            axes.annotate(topic_id, flat_N2[part].mean(axis=0), ha="center", weight="bold")
    legend = axes.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        markerscale=2,
        prop={"family": fonts, "size": 8},
    )
    for handle in legend.legend_handles:
        handle.set_alpha(1.0)
    return figure


def plot_selection(candidates: Sequence[Candidate], chosen: Candidate | None) -> Figure:
    """Score and its three factors by number of topics, the chosen one marked."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    if chosen is None:
        axes.set_title("No number of topics tried", loc="left")
        return say(figure, axes, "all reviews are one topic")
    axes.set_title(f"{chosen.topic_count} topics chosen", loc="left")
    ordered = sorted(candidates, key=lambda candidate: candidate.topic_count)
    counts = [candidate.topic_count for candidate in ordered]
    for name, style in (("coherence", ":"), ("diversity", "--"), ("stability", "-."), ("score", "-")):
        axes.plot(counts, [getattr(candidate, name) for candidate in ordered], style, marker=".", label=name)
    axes.axvline(chosen.topic_count, color="tab:orange", linewidth=6, alpha=0.3, zorder=0)
    axes.set_xlabel("number of topics")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _readable(profiles: pl.DataFrame) -> tuple[list[str], list[str]]:
    """A label for each topic, and fonts, see `readable_labels`."""
    ids, names = profiles["topic_id"].to_list(), profiles["topic_name"].to_list()
    return readable_labels([f"{own_id}  {name}" for own_id, name in zip(ids, names, strict=True)], ids)
