"""Reviews about known things, for the topic tests."""

import hashlib

import numpy as np
import polars as pl

THINGS = {
    "hotel": ["room", "hotel", "breakfast", "bed", "staff", "lobby", "shower", "towel"],
    "fruit": ["apple", "banana", "juicy", "ripe", "sweet", "orchard", "peel", "mango"],
    "phone": ["battery", "screen", "charger", "camera", "android", "signal", "speaker", "phone"],
    "book": ["novel", "chapter", "author", "story", "reading", "plot", "character", "page"],
}
FILLER = ["the", "and", "it", "was", "very", "really", "this", "that"]
DIMENSIONS = 16


def make_reviews(per_thing: int, seed: int = 0, things: tuple[str, ...] = tuple(THINGS)):
    """review_texts and text_embeddings: `per_thing` reviews of each thing; the thing begins the review_id."""
    generator = np.random.default_rng(seed)
    centres = dict(zip(THINGS, np.eye(DIMENSIONS)[2:], strict=False))
    rows, vectors = [], []
    for thing in things:
        for number in range(per_thing):
            words = [*generator.choice(THINGS[thing], 4), *generator.choice(FILLER, 3)]
            rows.append((f"{thing}-{seed}-{number}", " ".join(words)))
            vectors.append(centres[thing] + 0.15 * generator.normal(size=DIMENSIONS))
    return frames(rows, np.array(vectors))


def frames(rows: list[tuple[str, str]], vectors: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables as the warehouse has them, from (review_id, text) and one vector each."""
    hashes = [hashlib.sha256(text.encode()).hexdigest() for _, text in rows]
    schema = {"review_id": pl.String, "text": pl.String, "text_hash": pl.String}
    reviews = pl.DataFrame(
        [(review_id, text, key) for (review_id, text), key in zip(rows, hashes, strict=True)],
        schema=schema,
        orient="row",
    )
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    embeddings = pl.DataFrame(
        {
            "text_hash": pl.Series(hashes, dtype=pl.String),
            "embedding_model": pl.Series(["test"] * len(rows), dtype=pl.String),
            "embedding": pl.Series(unit.astype(np.float32), dtype=pl.Array(pl.Float32, DIMENSIONS)),
        }
    ).unique("text_hash", maintain_order=True)
    return reviews, embeddings
