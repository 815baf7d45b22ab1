"""What the steps that read reviews share: their texts, and vectors of no other texts."""

import polars as pl

from dagster_defs.ml_assets.step import read_inputs
from dagster_defs.resources import Shop
from python_ml.errors import BuildError

NO_TEXTS = "nothing to read: no review written before the as-of date has a text"


def read_reviews(shop: Shop) -> dict[str, pl.DataFrame]:
    """Review texts and their vectors, by table name.

    Raises:
        BuildError: a text has no vector.
    """
    inputs = read_inputs(shop, ["review_texts"], vectors_of="review_texts")
    known = inputs["text_embeddings"]["text_hash"]
    unknown = inputs["review_texts"].filter(~pl.col("text_hash").is_in(known.implode()))
    if not unknown.is_empty():
        raise BuildError(
            f"{unknown.height:,} texts have no vector",
            where="features.review_texts",
            remedy="materialise text_embeddings first, or run everything",
        )
    return inputs


def named_by_hash(inputs: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same inputs for a fingerprint: text and encoder say all that a vector would."""
    return inputs | {"text_embeddings": inputs["text_embeddings"].drop("embedding")}
