"""From tables that `python_ml.reviews` has checked to distinct texts with vectors.

Shapes: N distinct texts, D embedding dimensions.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True, slots=True)
class Texts:
    """Distinct texts, in the order of their hashes.

    The first n of them are a sample as good as any, for a SHA-256 says nothing about its text, and one that a
    new review hardly changes.

    Args:
        hashes: string, N.
        texts: string, N.
        embedding_model: None without vectors.
        vectors: float32 arrays (N of them, D wide), None for a method that uses none.
    """

    hashes: pl.Series
    texts: pl.Series
    embedding_model: str | None
    vectors: pl.Series | None

    def take(self, start: int, stop: int) -> np.ndarray:
        """Vectors of these texts, float32 (stop - start, D)."""
        part = self.vectors[start:stop]
        return part.explode().to_numpy().reshape(len(part), -1).astype(np.float32, copy=False)


def distinct_texts(review_texts: pl.DataFrame, text_embeddings: pl.DataFrame, *, use_vectors: bool) -> Texts:
    """Each text once, with its vector.

    Args:
        review_texts: text, text_hash.
        text_embeddings: text_hash, embedding_model, embedding; with a vector of each text, if they are used.
        use_vectors: whether they are.
    """
    texts = review_texts.select("text_hash", "text").unique("text_hash").sort("text_hash")
    if not use_vectors or texts.is_empty():
        return Texts(texts["text_hash"], texts["text"], None, None)
    vectors = text_embeddings.select("text_hash", "embedding").unique("text_hash")
    joined = texts.join(vectors, on="text_hash", how="left", maintain_order="left")
    model = text_embeddings["embedding_model"][0]
    return Texts(joined["text_hash"], joined["text"], model, joined["embedding"])
