"""Texts of items bought together: what the contrastive objective learns from."""

import numpy as np
import polars as pl


def session_pairs(
    purchases: pl.DataFrame, item_texts: pl.DataFrame, *, pairs_per_session: int, seed: int
) -> pl.DataFrame:
    """Pairs of different texts whose items one session bought.

    Args:
        purchases: session_id and item_id, a row a purchase.
        item_texts: item_id, text_hash and text.
        pairs_per_session: drawn from a session at most; a session of n texts has n (n - 1) / 2.
        seed: of the draw.

    Returns:
        left_hash, left_text, right_hash, right_text; no pair of a session twice; in no order that tells.
    """
    texts = item_texts.select("item_id", "text_hash", "text").unique("item_id")
    bought = (
        purchases.select("session_id", "item_id")
        .join(texts, on="item_id")
        .select("session_id", "text_hash", "text")
        .unique(["session_id", "text_hash"])
    )
    left = bought.rename({"text_hash": "left_hash", "text": "left_text"})
    right = bought.rename({"text_hash": "right_hash", "text": "right_text"})
    pairs = left.join(right, on="session_id").filter(pl.col("left_hash") < pl.col("right_hash"))
    pairs = pairs.sort("session_id", "left_hash", "right_hash")
    draw = np.random.default_rng(seed).random(pairs.height)
    drawn = (
        pairs.with_columns(draw=pl.lit(pl.Series(draw, dtype=pl.Float64)))
        .sort("draw")
        .group_by("session_id", maintain_order=True)
        .head(pairs_per_session)
    )
    return drawn.sort("draw").select("left_hash", "left_text", "right_hash", "right_text")
