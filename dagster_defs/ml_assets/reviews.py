"""What the steps that read reviews share: their texts, and vectors of no other texts."""

import polars as pl

from dagster_defs.ml_assets.step import read_inputs
from dagster_defs.resources import Shop
from python_ml.reviews import check_reviews

NO_TEXTS = "nothing to read: no review written before the as-of date has a text"


def read_reviews(shop: Shop) -> dict[str, pl.DataFrame]:
    """Review texts and their vectors, by table name.

    Raises:
        ContractError: a review has no vector, or the tables break another rule of `check_reviews`.
    """
    inputs = read_inputs(shop, ["review_texts"], vectors_of="review_texts")
    check_reviews(**inputs, needs_vectors=True)
    return inputs


def named_by_hash(inputs: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same inputs for a fingerprint: text and encoder say all that a vector would."""
    return inputs | {"text_embeddings": inputs["text_embeddings"].drop("embedding")}
