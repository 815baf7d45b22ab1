"""Tables of reviews that nobody should go on with, and those that only look wrong."""

import polars as pl
import pytest

from python_ml.errors import ContractError
from python_ml.reviews import check_reviews

REVIEWS = pl.DataFrame(
    {"review_id": ["r1", "r2", "r3"], "text": ["a", "b", "a"], "text_hash": ["a", "b", "a"]}
)
VECTORS = pl.DataFrame(
    {
        "text_hash": ["a", "b", "c"],
        "embedding_model": "tiny",
        "embedding": [[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]],
    }
)
WITHOUT_A = VECTORS.filter(pl.col("text_hash") != "a")


def test_equal_texts_and_vectors_of_other_texts_are_in_order():
    check_reviews(REVIEWS, VECTORS, needs_vectors=True)
    check_reviews(REVIEWS, VECTORS.cast({"embedding": pl.Array(pl.Float32, 2)}), needs_vectors=True)
    check_reviews(REVIEWS.clear(), VECTORS.clear(), needs_vectors=True)


def test_vectors_are_asked_for_only_where_they_are_needed():
    check_reviews(REVIEWS, VECTORS.clear(), needs_vectors=False)
    with pytest.raises(ContractError, match="3 of 3 reviews have no vector"):
        check_reviews(REVIEWS, VECTORS.clear(), needs_vectors=True)


@pytest.mark.parametrize(
    ("reviews", "vectors", "said"),
    [
        (REVIEWS.drop("text"), VECTORS, "column text is missing\n  where: review_texts"),
        (REVIEWS, VECTORS.drop("embedding"), "column embedding is missing\n  where: text_embeddings"),
        (pl.concat([REVIEWS, REVIEWS[:1]]), VECTORS, "null or occurs more than once"),
        (REVIEWS.with_columns(review_id=pl.lit(None, pl.String)), VECTORS, "null or occurs more than once"),
        (
            REVIEWS,
            pl.concat([VECTORS, VECTORS.with_columns(embedding_model=pl.lit("new"))]),
            "vectors of 2 models are mixed: new, tiny",
        ),
        (REVIEWS, WITHOUT_A, "2 of 3 reviews have no vector"),
        (REVIEWS, VECTORS.with_columns(pl.col("embedding").shift(1)), "2 of 3 reviews have no vector"),
        (
            REVIEWS,
            pl.concat([WITHOUT_A, VECTORS[:1].with_columns(pl.col("embedding").list.head(1))]),
            "vectors differ in length",
        ),
    ],
)
def test_what_is_wrong_is_said(reviews: pl.DataFrame, vectors: pl.DataFrame, said: str):
    with pytest.raises(ContractError, match=said):
        check_reviews(reviews, vectors, needs_vectors=True)


def test_a_reader_may_need_more_columns():
    with pytest.raises(ContractError, match="column rating, language is missing"):
        check_reviews(
            REVIEWS, VECTORS, needs_vectors=True, columns=("review_id", "text_hash", "rating", "language")
        )
