"""A small shop whose reviews are easy to read, and an encoder that knows one thing about them."""

import hashlib

import numpy as np
import polars as pl

from python_ml.config import SentimentConfig

QUICK = SentimentConfig(
    min_ratings=100,
    min_class_ratings=20,
    simulated_reviews=600,
    ngram_bits=14,
    ngram_costs=(3.0,),
    ngram_weightings=("tfidf",),
    hidden_units=16,
    dropouts=(0.3,),
    epochs=8,
    batch_size=32,
    folds=3,
)
GOOD = ("love it", "great quality", "works perfectly", "very happy", "fast delivery", "很好", "非常满意")
BAD = ("hate it", "poor quality", "broke at once", "very sad", "slow delivery", "很差", "非常失望")
NOUNS = ("lamp", "kettle", "jacket", "phone", "水壶", "外套")


def review_texts(texts: list[str | None], ratings: list[float | None]) -> pl.DataFrame:
    """Rows of features.review_texts."""
    hashes = [hashlib.sha256((text or "").encode()).hexdigest() for text in texts]
    return pl.DataFrame(
        {
            "review_id": [f"r{number:05d}" for number in range(len(texts))],
            "text": texts,
            "text_hash": hashes,
            "language": [None] * len(texts),
            "rating": ratings,
        },
        schema={
            "review_id": pl.String,
            "text": pl.String,
            "text_hash": pl.String,
            "language": pl.String,
            "rating": pl.Float64,
        },
    )


def rated_reviews(count: int, seed: int = 0) -> pl.DataFrame:
    """Reviews rated 1, 2, 4 or 5 as they read, but one in ten, and some rated 3 that say both."""
    random = np.random.default_rng(seed)
    texts, ratings = [], []
    for number in range(count):
        good, noun = random.random() < 0.6, NOUNS[random.integers(len(NOUNS))]
        phrases = [random.choice(GOOD if good else BAD) for _ in range(2)]
        if number % 10 == 9:
            phrases, rating = [random.choice(GOOD), random.choice(BAD)], 3.0
        else:
            rating = float(random.choice([4, 5] if good ^ (random.random() < 0.1) else [1, 2]))
        texts.append(f"The {noun} number {number}: {', '.join(phrases)}.")
        ratings.append(rating)
    return review_texts(texts, ratings)


def encode(texts: list[str]) -> np.ndarray:
    """Unit vectors of eight numbers: the first tells good words from bad, the others are noise."""
    vectors = np.zeros((len(texts), 8), dtype=np.float32)
    for row, text in enumerate(texts):
        noise = np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype=np.uint8) / 255 - 0.5
        tone = sum(word in text for word in GOOD) - sum(word in text for word in BAD)
        vectors[row] = noise
        vectors[row, 0] += np.sign(tone)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def embeddings(reviews: pl.DataFrame) -> pl.DataFrame:
    """Rows of ml.text_embeddings for the reviews."""
    distinct = reviews.unique("text_hash").sort("text_hash")
    return pl.DataFrame(
        {
            "text_hash": distinct["text_hash"],
            "embedding_model": ["toy"] * distinct.height,
            "embedding": encode(distinct["text"].fill_null("").to_list()),
        },
        schema={"text_hash": pl.String, "embedding_model": pl.String, "embedding": pl.Array(pl.Float32, 8)},
    )


NO_EMBEDDINGS = pl.DataFrame(
    schema={"text_hash": pl.String, "embedding_model": pl.String, "embedding": pl.Array(pl.Float32, 8)}
)
