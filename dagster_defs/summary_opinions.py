"""The part of the summary on what customers write: how many complain, of what, and whose reputation falls."""

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_defs.warehouse import Warehouse

MOST = 3
TOPICS = 5
# Fewer reviews on either side of a change, or a smaller change, are noise.
MIN_REVIEWS = 10
MIN_FALL = 0.1


def print_opinions(console: Console, published: Warehouse) -> None:
    """A block of the summary; nothing for a shop without reviews.

    Args:
        published: the published copy.
    """
    lines = opinion_lines(
        labels=published.read("serving", "review_sentiment", columns=["sentiment_label"]),
        aspects=published.read("serving", "review_aspects", columns=["aspect", "polarity"]),
        topics=published.read("serving", "topic_profiles"),
        items=published.read("serving", "item_opinions"),
    )
    if not lines:
        return
    table = Table.grid(padding=(0, 2))
    for name, text in lines:
        table.add_row(f"  {name}", escape(text))
    console.print("\n[bold]What customers write[/bold]")
    console.print(table)


def opinion_lines(
    *, labels: pl.DataFrame, aspects: pl.DataFrame, topics: pl.DataFrame, items: pl.DataFrame
) -> list[tuple[str, str]]:
    """What a line is about, and what it says.

    Args:
        labels: sentiment_label of every review read.
        aspects: aspect and polarity of everything said of one.
        topics: `serving.topic_profiles`.
        items: `serving.item_opinions`.
    """
    lines = []
    if labels.height:
        negative = (labels["sentiment_label"] == "negative").mean()
        lines.append(("negative", f"{negative:.0%} of {labels.height:,} reviews with a text"))
    for name, said in (("praised", pl.col("polarity") > 0), ("criticised", pl.col("polarity") < 0)):
        counted = aspects.filter(said).group_by("aspect").len("reviews")
        most = counted.sort("reviews", "aspect", descending=[True, False]).head(MOST)
        if most.height:
            told = [f"{row['aspect']} ({row['reviews']:,})" for row in most.to_dicts()]
            lines.append((f"most {name} (reviews)", ", ".join(told)))
    named = topics.filter(~pl.col("is_outlier"))
    biggest = named.sort("review_count", "topic_id", descending=[True, False]).head(TOPICS)
    if biggest.height:
        told = [f"{row['topic_name']} ({row['review_share']:.0%})" for row in biggest.to_dicts()]
        lines.append(("biggest topics", ", ".join(told)))
    return lines + [("falling reputation", _told(row)) for row in _falling(items).to_dicts()]


def _falling(items: pl.DataFrame) -> pl.DataFrame:
    """Items of which customers think worse than before, the deepest fall first."""
    earlier = pl.col("review_count") - pl.col("review_count_91d")
    change = pl.col("mean_polarity_91d") - pl.col("earlier_mean_polarity")
    enough = (pl.col("review_count_91d") >= MIN_REVIEWS) & (earlier >= MIN_REVIEWS)
    return items.filter(enough & (change <= -MIN_FALL)).sort(change, "item_id").head(MOST)


def _told(row: dict) -> str:
    return (
        f"{row['item_title']}: polarity {row['earlier_mean_polarity']:+.2f} before, "
        f"{row['mean_polarity_91d']:+.2f} in the {row['review_count_91d']:,} reviews of the last 91 days"
    )
