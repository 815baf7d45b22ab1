"""What the summary says of reviews: named things, the most frequent first, and no noise."""

import polars as pl

from dagster_defs.summary_opinions import opinion_lines

ASPECTS = {"aspect": pl.String, "polarity": pl.Float64}
TOPICS = {
    "topic_id": pl.String, "topic_name": pl.String, "review_count": pl.Int64, "review_share": pl.Float64,
    "is_outlier": pl.Boolean,
}  # fmt: skip
ITEMS = {
    "item_id": pl.String, "item_title": pl.String, "review_count": pl.Int64, "review_count_91d": pl.Int64,
    "earlier_mean_polarity": pl.Float64, "mean_polarity_91d": pl.Float64,
}  # fmt: skip


def lines(labels=(), aspects=(), topics=(), items=()) -> list[tuple[str, str]]:
    return opinion_lines(
        labels=pl.DataFrame({"sentiment_label": labels}, schema={"sentiment_label": pl.String}),
        aspects=pl.DataFrame(aspects, ASPECTS, orient="row"),
        topics=pl.DataFrame(topics, TOPICS, orient="row"),
        items=pl.DataFrame(items, ITEMS, orient="row"),
    )


def test_a_shop_without_reviews_has_nothing_to_say():
    assert lines() == []


def test_how_many_complain_of_what():
    assert lines(
        labels=["negative", "positive", "neutral", "negative"],
        aspects=[
            ("price", -0.5), ("service", -0.1), ("service", -0.9), ("fit", -0.2), ("delivery", -0.2),
            ("quality", 0.5), ("price", 0.0),
        ],
    ) == [
        ("negative", "50% of 4 reviews with a text"),
        ("most praised (reviews)", "quality (1)"),
        ("most criticised (reviews)", "service (2), delivery (1), fit (1)"),
    ]  # fmt: skip


def test_topics_by_size_without_the_outliers():
    topics = [
        ("t2", "Size", 10, 0.1, False), ("outlier", "Other", 60, 0.6, True), ("t1", "Taste", 30, 0.3, False)
    ]  # fmt: skip
    assert lines(topics=topics) == [("biggest topics", "Taste (30%), Size (10%)")]


def test_falls_that_are_no_noise():
    items = [
        ("a", "Green tea", 40, 12, 0.8, 0.5),
        ("b", "Mug", 40, 12, 0.8, -0.25),
        ("c", "Few reviews now", 40, 9, 0.8, -1.0),
        ("d", "Few reviews before", 40, 31, 0.8, -1.0),
        ("e", "Hardly worse", 40, 20, 0.8, 0.75),
        ("f", "Better", 40, 20, 0.1, 0.8),
        ("g", "New", 20, 20, None, -0.5),
    ]
    assert lines(items=items) == [
        ("falling reputation", "Mug: polarity +0.80 before, -0.25 in the 12 reviews of the last 91 days"),
        (
            "falling reputation",
            "Green tea: polarity +0.80 before, +0.50 in the 12 reviews of the last 91 days",
        ),
    ]
