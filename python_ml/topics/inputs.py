"""From tables to distinct texts with vectors.

Shapes: N distinct texts, D embedding dimensions.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from python_ml.errors import ContractError

_NEEDED = {
    "review_texts": ("review_id", "text", "text_hash"),
    "text_embeddings": ("text_hash", "embedding_model", "embedding"),
}


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


def check_inputs(review_texts: pl.DataFrame, text_embeddings: pl.DataFrame) -> None:
    """Refuse tables that lack a column, reviews that occur twice, vectors of several models.

    Raises:
        ContractError: naming table and column.
    """
    for table, frame in (("review_texts", review_texts), ("text_embeddings", text_embeddings)):
        missing = [name for name in _NEEDED[table] if name not in frame.columns]
        if missing:
            raise ContractError(
                f"column {', '.join(missing)} is missing", where=table, remedy="rebuild the table"
            )
    keys = review_texts["review_id"]
    if keys.null_count() or keys.is_duplicated().any():
        raise ContractError(
            "review_id is null or occurs more than once",
            where="review_texts",
            remedy="pass the rows of one as_of_date",
        )
    models = text_embeddings["embedding_model"].unique().sort().to_list()
    if len(models) > 1:
        raise ContractError(
            f"vectors of {len(models)} models are mixed: {', '.join(map(str, models))}",
            where="text_embeddings.embedding_model",
            remedy="pass the rows of one embedding_model",
        )


def distinct_texts(review_texts: pl.DataFrame, text_embeddings: pl.DataFrame, *, use_vectors: bool) -> Texts:
    """Each text once, with its vector.

    Args:
        review_texts: text, text_hash.
        text_embeddings: text_hash, embedding_model, embedding.
        use_vectors: whether every text must have one.

    Raises:
        ContractError: a text has no vector, or vectors differ in length.
    """
    texts = review_texts.select("text_hash", "text").unique("text_hash").sort("text_hash")
    if not use_vectors or texts.is_empty():
        return Texts(texts["text_hash"], texts["text"], None, None)
    vectors = text_embeddings.select("text_hash", "embedding").unique("text_hash")
    joined = texts.join(vectors, on="text_hash", how="left", maintain_order="left")
    lengths = joined["embedding"].cast(pl.List(pl.Float32)).list.len()
    without = int(joined["embedding"].null_count())
    if without or lengths.n_unique() > 1:
        said = f"{without:,} texts have no vector" if without else "vectors differ in length"
        raise ContractError(said, where="text_embeddings", remedy="embed review_texts with one model first")
    model = text_embeddings["embedding_model"][0]
    return Texts(joined["text_hash"], joined["text"], model, joined["embedding"])
