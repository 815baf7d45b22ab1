"""Texts of items bought together: what the contrastive objective learns from, and what judges it."""

from datetime import datetime

import numpy as np
import polars as pl

from python_ml.config import FineTuningConfig


def find_baskets(interactions: pl.DataFrame, item_texts: pl.DataFrame) -> pl.DataFrame:
    """Orders whose items have at least two different texts: what one session bought.

    Args:
        interactions: item_id, order_id, event_type, interacted_at; rows that are no purchase, or of no order,
            are left out.
        item_texts: item_id and text_hash; an item without a text is left out.

    Returns:
        basket_id, bought_at, text_hashes (a sorted list of distinct ones), oldest basket first.
    """
    bought = interactions.filter(
        (pl.col("event_type") == "purchase") & pl.col("order_id").is_not_null()
    ).join(item_texts.select("item_id", "text_hash"), on="item_id")
    return (
        bought.group_by(basket_id="order_id")
        .agg(bought_at=pl.col("interacted_at").min(), text_hashes=pl.col("text_hash").unique().sort())
        .filter(pl.col("text_hashes").list.len() > 1)
        .sort("bought_at", "basket_id")
    )


def split_baskets(
    baskets: pl.DataFrame, config: FineTuningConfig, *, before: datetime | None, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The baskets that teach and the newer ones that judge, no more of either than the setting asks for.

    Args:
        baskets: from `find_baskets`.
        config: `held_out_share` judge at least; `max_examples` pairs at most teach, and of those that judge
            there are as many less as the share says.
        before: nothing teaches that was bought at this moment or later; None for no such moment. It is for
            models that use the vectors and are judged on what came later.
        seed: of the samples.
    """
    newest = baskets.height - round(baskets.height * config.held_out_share)
    first_judge = newest if before is None else min(newest, int((baskets["bought_at"] < before).sum()))
    most = max(config.max_examples // config.pairs_per_session, 1)
    return (
        _sample(baskets.head(first_judge), most, seed),
        _sample(baskets.slice(first_judge), max(round(most * config.held_out_share), 1), seed),
    )


def draw_pairs(baskets: pl.DataFrame, *, pairs_per_session: int, seed: int) -> pl.DataFrame:
    """Pairs of different texts that were bought together.

    Args:
        baskets: basket_id and text_hashes, sorted lists.
        pairs_per_session: drawn from a basket at most; one of n texts has n (n - 1) / 2.
        seed: of the draw.

    Returns:
        left_hash and right_hash; no pair of a basket twice; in the order of basket_id.
    """
    randomness = np.random.default_rng(seed)
    rows = []
    for hashes in baskets.sort("basket_id")["text_hashes"].to_list():
        possible = len(hashes) * (len(hashes) - 1) // 2
        drawn = randomness.choice(possible, min(pairs_per_session, possible), replace=False)
        rows += [(hashes[left], hashes[right]) for left, right in zip(*_corner(drawn), strict=True)]
    return pl.DataFrame(rows, {"left_hash": pl.String, "right_hash": pl.String}, orient="row")


def _corner(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of places above a diagonal, column by column: 0 is (0, 1), 1 (0, 2), 2 (1, 2)."""
    right = ((1 + np.sqrt(1 + 8 * numbers)) // 2).astype(np.int64)
    return numbers - right * (right - 1) // 2, right


def _sample(baskets: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    return baskets if baskets.height <= most else baskets.sample(most, seed=seed)
