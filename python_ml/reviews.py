"""What all who read reviews ask of their two tables, texts and vectors."""

from collections.abc import Sequence

import polars as pl

from python_ml.errors import ContractError
from python_ml.tables import check_columns, check_key, check_one_model

REVIEW_COLUMNS = ("review_id", "text", "text_hash")
_VECTOR_COLUMNS = ("text_hash", "embedding_model", "embedding")


def check_reviews(
    review_texts: pl.DataFrame,
    text_embeddings: pl.DataFrame,
    *,
    needs_vectors: bool,
    columns: Sequence[str] = REVIEW_COLUMNS,
) -> None:
    """Refuse tables that cannot be relied on.

    Args:
        review_texts: review_id, text_hash and whatever else is needed; one row per review.
        text_embeddings: text_hash, embedding_model, embedding; of one model.
        needs_vectors: whether every review must have one.
        columns: what is needed of `review_texts`.

    Raises:
        ContractError: a column is missing, a review_id is null or occurs twice, vectors are of several models
            or lengths, or a review has none.
    """
    check_columns("review_texts", review_texts, columns)
    check_columns("text_embeddings", text_embeddings, _VECTOR_COLUMNS)
    check_key("review_texts", review_texts, "review_id")
    check_one_model(text_embeddings)
    if needs_vectors:
        _check_vectors(review_texts, text_embeddings)


def _check_vectors(review_texts: pl.DataFrame, text_embeddings: pl.DataFrame) -> None:
    vectors = text_embeddings["embedding"]
    known = text_embeddings.select("text_hash").filter(vectors.is_not_null())
    without = review_texts.join(known, on="text_hash", how="anti").height
    lengths = vectors.drop_nulls().cast(pl.List(pl.Float32)).list.len()
    if without or lengths.n_unique() > 1:
        said = f"{without:,} of {review_texts.height:,} reviews have no vector"
        raise ContractError(
            said if without else "vectors differ in length",
            where="text_embeddings",
            remedy="embed review_texts with one model first: the step text_embeddings, or run everything",
        )
