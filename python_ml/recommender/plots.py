"""Pictures of an evaluation. Figures are made directly: pyplot would keep each one alive."""

import polars as pl
from matplotlib.figure import Figure

TITLES = {"for_you": "anything (for_you)", "discover": "items new to the user (discover)"}


def plot_models(metrics: pl.DataFrame, cutoff: int) -> Figure:
    """Test NDCG of every model with its 95 % interval, one panel a list, the champion in colour.

    A list that was not evaluated has an empty panel that says so.

    Args:
        metrics: `ml.model_evaluations`.
        cutoff: list length.
    """
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    shown = metrics.filter(
        (pl.col("split_name") == "test")
        & (pl.col("cohort_id") == "all")
        & (pl.col("metric_name") == "ndcg")
        & (pl.col("cutoff") == cutoff)
        & pl.col("not_evaluated_reason").is_null()
    )
    for axes, (list_name, title) in zip(figure.subplots(1, 2), TITLES.items(), strict=True):
        rows = shown.filter(list_name=list_name).sort("metric_value")
        value = rows["metric_value"].fill_null(0.0).to_numpy()
        colours = ["tab:orange" if champion else "0.75" for champion in rows["is_champion"]]
        reach = (rows["upper_95"] - rows["metric_value"]).fill_null(0.0).to_numpy()
        axes.barh(rows["model_name"].to_list(), value, xerr=reach, color=colours, ecolor="0.3", capsize=3)
        if rows.is_empty():
            axes.text(0.5, 0.5, "not evaluated", ha="center", transform=axes.transAxes)
        axes.set_title(title, loc="left")
        axes.set_xlabel(f"NDCG@{cutoff} on the test window")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_learning_curve(history: pl.DataFrame, list_name: str) -> Figure:
    """Training loss and validation NDCG by epoch, of every model that is trained.

    Args:
        history: model_name, epoch, train_loss, validation_ndcg.
        list_name: which list was judged.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for (name,), epochs in history.group_by("model_name", maintain_order=True):
        upper.plot(epochs["epoch"].to_list(), epochs["train_loss"].to_list(), label=name)
        judged = epochs.drop_nulls("validation_ndcg")
        lower.plot(judged["epoch"].to_list(), judged["validation_ndcg"].to_list(), "o-", label=name)
    if history.height:
        upper.legend(frameon=False)
    upper.set_ylabel("training loss")
    lower.set_ylabel(f"validation NDCG@10\n({list_name})")
    lower.set_xlabel("epoch")
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
