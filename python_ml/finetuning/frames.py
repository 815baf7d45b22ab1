"""The frame layer: which texts teach, which judge, and the table of verdicts."""

import numpy as np
import polars as pl

from python_ml.config import FineTuningConfig, SentimentConfig
from python_ml.finetuning.verdict import Verdict

RATINGS, SESSIONS = "ratings", "sessions"
NOT_ASKED = "not asked for: name it in objectives under [finetuning]"
EVALUATION_SCHEMA = {
    "objective": pl.String,
    "method": pl.String,
    "metric_name": pl.String,
    "frozen_value": pl.Float64,
    "adapted_value": pl.Float64,
    "gain_lower_95": pl.Float64,
    "gain_upper_95": pl.Float64,
    "training_rows": pl.Int64,
    "held_out_rows": pl.Int64,
    "trainable_parameters": pl.Int64,
    "training_seconds": pl.Float64,
    "is_used": pl.Boolean,
    "verdict": pl.String,
}


def split_rated_texts(
    review_texts: pl.DataFrame, config: FineTuningConfig, sentiment: SentimentConfig, *, seed: int
) -> pl.DataFrame:
    """Distinct texts whose ratings are an opinion, and what each is for.

    A text is as old as its first review; the newest `held_out_share` judge, of the others at most
    `max_examples` teach. A text that was rated both ways has the opinion of most of its reviews, and is left
    out if there are as many of one as of the other.

    Args:
        review_texts: text, text_hash, rating (1 to 5 or null), reviewed_at.
        config: shares and sizes.
        sentiment: which ratings are an opinion.
        seed: of the sample.

    Returns:
        text_hash, text, is_positive, is_taught, is_judge; by text_hash.
    """
    is_positive = pl.col("rating") >= sentiment.positive_rating
    rated = review_texts.filter(is_positive | (pl.col("rating") <= sentiment.negative_rating))
    texts = (
        rated.group_by("text_hash")
        .agg(pl.col("text").first(), share=is_positive.mean(), first_seen=pl.col("reviewed_at").min())
        .filter(pl.col("share") != 0.5)
        .sort("first_seen", "text_hash")
    )
    judges = round(texts.height * config.held_out_share)
    taught = np.arange(texts.height - judges)
    if len(taught) > config.max_examples:
        taught = np.random.default_rng(seed).choice(taught, config.max_examples, replace=False)
    place = np.arange(texts.height)
    return texts.select(
        "text_hash",
        "text",
        is_positive=pl.col("share") > 0.5,
        is_taught=pl.Series(np.isin(place, taught), dtype=pl.Boolean),
        is_judge=pl.Series(place >= texts.height - judges, dtype=pl.Boolean),
    ).sort("text_hash")


def reason_to_stay(rated: pl.DataFrame, config: FineTuningConfig) -> str | None:
    """Why nothing is learned from these texts, or None if they suffice.

    Args:
        rated: from `split_rated_texts`.
        config: how many are needed.
    """
    if RATINGS not in config.objectives:
        return NOT_ASKED
    if rated.height < config.min_examples:
        return f"too few: {rated.height:,} texts with an opinion, {config.min_examples:,} are needed"
    for role, what in (("is_taught", "to learn from"), ("is_judge", "held out")):
        if rated.filter(role)["is_positive"].n_unique() < 2:
            return f"all texts {what} are of one opinion"
    return None


def reason_not_to_pair(
    baskets: pl.DataFrame, taught: pl.DataFrame, judges: pl.DataFrame, config: FineTuningConfig
) -> str | None:
    """Why nothing is learned from these orders, or None if they suffice.

    Args:
        baskets: from `find_baskets`.
        taught, judges: from `split_baskets`.
        config: how many are needed.
    """
    if baskets.height < config.min_examples:
        return f"too few: {baskets.height:,} orders of different texts, {config.min_examples:,} are needed"
    if taught.is_empty() or judges.is_empty():
        return "no order is old enough to learn from: the newest are kept to judge models by"
    return None


def evaluation_frame(
    objective: str, config: FineTuningConfig, facts: dict, verdict: Verdict | None
) -> pl.DataFrame:
    """`encoder_evaluations` and `item_encoder_evaluations`: one row.

    Args:
        objective: what it may learn from.
        config: its method.
        facts: training_rows, trainable_parameters, training_seconds; or "verdict", why there is none.
        verdict: on held-out texts, or None.
    """
    row = {"objective": objective, "method": config.method, "is_used": False} | facts
    if verdict is not None:
        row |= {
            "metric_name": verdict.metric,
            "frozen_value": verdict.frozen,
            "adapted_value": verdict.adapted,
            "gain_lower_95": verdict.gain_lower,
            "gain_upper_95": verdict.gain_upper,
            "held_out_rows": verdict.rows,
            "is_used": verdict.is_better,
            "verdict": verdict.sentence(),
        }
    return pl.DataFrame([row], schema=EVALUATION_SCHEMA)
