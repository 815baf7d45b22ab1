"""Pictures of interests. Figures are made directly: pyplot would keep each one alive, and open windows."""

import polars as pl
from matplotlib.figure import Figure

from python_ml.drawing import draw_words, readable_labels, wrap_label
from python_ml.interests.select import LDA, POPULARITY

_DRAWN_CATEGORIES = 4
_MOST_SHADED_LIFT = 8.0


def plot_selection(selection: pl.DataFrame, min_stability: float) -> Figure:
    """Perplexity of held-out purchases and stability by number of interests; ineligible ones are hollow.

    Args:
        selection: `SELECTION_SCHEMA`.
        min_stability: drawn as the limit it is.
    """
    tried = selection.filter(model_name=LDA)
    if tried.is_empty():
        return draw_words("No number of interests tried:\n" + wrap_label(selection["reason"].item(), 60))
    figure = Figure(figsize=(8, 5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    counts = tried["interest_count"].to_list()
    fills = ["tab:blue" if eligible else "white" for eligible in tried["is_eligible"]]
    for axes, name in ((upper, "perplexity"), (lower, "stability")):
        values = tried[name].fill_null(float("nan")).to_list()
        axes.plot(counts, values, color="tab:blue", alpha=0.4, zorder=1)
        axes.scatter(counts, values, color=fills, edgecolor="tab:blue", zorder=2)
        axes.spines[["top", "right"]].set_visible(False)
    popularity = selection.filter(model_name=POPULARITY)["perplexity"].item()
    upper.axhline(popularity, color="0.4", linestyle=":", linewidth=1)
    upper.annotate("popularity of categories", (counts[-1], popularity), ha="right", va="top", fontsize=8)
    upper.set_ylabel("perplexity of\nheld-out purchases")
    lower.axhline(min_stability, color="0.4", linestyle=":", linewidth=1)
    lower.annotate("least stability", (counts[0], min_stability), va="bottom", fontsize=8)
    lower.set_ylim(0, 1.05)
    lower.set_ylabel("stability (cosine)")
    lower.set_xlabel("number of interests (hollow: not eligible)")
    lower.set_xticks(counts)
    chosen = tried.filter("is_chosen")["interest_count"].to_list()
    for axes in (upper, lower):
        for count in chosen:
            axes.axvline(count, color="tab:orange", linewidth=6, alpha=0.3, zorder=0)
    title = f"{chosen[0]} interests chosen" if chosen else "no number of interests is eligible"
    upper.set_title(f"{title} on {tried['selected_on'].max()}", loc="left")
    return figure


def plot_interests(profiles: pl.DataFrame, lifts: pl.DataFrame) -> Figure:
    """How many times as often as all purchases each interest has the categories that say most of one.

    Args:
        profiles: interest_profiles.
        lifts: interest_id, category and lift of every listed category in every interest.
    """
    if profiles.is_empty():
        return draw_words("No interests to draw")
    first = profiles.filter(pl.col("category_rank") <= _DRAWN_CATEGORIES)
    shown = first.unique("category", keep="first", maintain_order=True)
    heads = profiles.unique("interest_id", keep="first", maintain_order=True)
    table = (
        lifts.join(shown.select("category"), on="category", how="semi")
        .pivot(on="interest_id", index="category", values="lift")
        .join(shown.select("category"), on="category", how="right", maintain_order="right")
    )
    values = table.select(heads["interest_id"].to_list()).to_numpy()
    labels, fonts = readable_labels(shown["category_label"].to_list(), shown["category"].to_list())
    names, name_fonts = readable_labels(heads["interest_name"].to_list(), heads["interest_id"].to_list())
    size = (2.5 + 0.75 * len(names), 1.5 + 0.22 * len(labels))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(values, aspect="auto", cmap="Blues", vmin=0, vmax=_MOST_SHADED_LIFT)
    shares = heads["user_share"].to_list()
    heading = [f"{wrap_label(name, 16)}\n{share:.0%}" for name, share in zip(names, shares, strict=True)]
    axes.set_xticks(range(len(names)), heading, rotation=90, fontsize=8, fontfamily=name_fonts)
    axes.set_yticks(range(len(labels)), labels, fontsize=8, fontfamily=fonts)
    axes.set_title("Interests, with the mean share of users", loc="left")
    figure.colorbar(picture, label="lift against all purchases", extend="max")
    return figure
