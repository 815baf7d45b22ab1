"""What each clause of a review is about, and whether it is pleased.

Shapes: C distinct clauses, D dimensions of an embedding, S seed phrases.
"""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from python_ml.config import SentimentConfig
from python_ml.embedding.vectors import to_unit_length
from python_ml.sentiment.clauses import split_clauses
from python_ml.sentiment.lexicon import ASPECTS, SEEDS, SPACED, UNSPACED
from python_ml.sentiment.polarity import PolarityModel

Encode = Callable[[list[str]], np.ndarray]

ASPECT_SCHEMA = {
    "review_id": pl.String,
    "aspect": pl.String,
    "polarity": pl.Float64,
    "evidence": pl.String,
}


def find_aspects(
    reviews: pl.DataFrame, model: PolarityModel, config: SentimentConfig, encode: Encode | None
) -> pl.DataFrame:
    """Which aspects each review speaks of.

    A clause is about the aspects whose words it has; with `encode`, a clause without any is about the aspect
    of the nearest seed phrase, where that is near enough and not a phrase about nothing in particular. Of
    several clauses about one aspect the most decided one is evidence. A shop's customers may be pleased by
    and large: a clause is read as if good and bad were equally common, else every short one would be praise.

    Args:
        reviews: review_id, text.
        model: what reads a clause.
        config: how.
        encode: texts to unit vectors of the model that `model` learned with; None to go without.

    Returns:
        review_id, aspect, polarity (-1 to 1) and evidence (the clause); one row per review and aspect, by
        review_id and aspect.
    """
    clauses = split_clauses(reviews["text"].to_list())
    distinct = clauses.group_by("clause").len("uses")
    distinct = distinct.with_columns(aspects=match_lexicon(distinct["clause"]))
    # Only the first are embedded: those that are surely about something, then the frequent ones.
    is_silent = pl.col("aspects").list.len() == 0
    distinct = distinct.sort(is_silent, "uses", "clause", descending=[False, True, False])
    vectors = _encode_clauses(distinct, config, encode)
    if vectors is not None and encode is not None:
        distinct = _fill_by_neighbours(distinct, vectors, config, encode)
    about = distinct.with_row_index("clause_row").filter(pl.col("aspects").list.len() > 0)
    about = about.with_columns(polarity=_read(about, model, vectors))
    rows = clauses.with_row_index("place").join(about.select("clause", "aspects", "polarity"), on="clause")
    best = (
        rows.explode("aspects")
        .sort(
            "text_row", "aspects", pl.col("polarity").abs(), "place", descending=[False, False, True, False]
        )
        .unique(["text_row", "aspects"], keep="first", maintain_order=True)
    )
    ids = reviews.select("review_id").with_row_index("text_row").cast({"text_row": pl.Int64})
    return (
        best.join(ids, on="text_row")
        .select(
            "review_id",
            pl.col("aspects").alias("aspect"),
            "polarity",
            pl.col("clause").str.slice(0, config.max_evidence_characters).alias("evidence"),
        )
        .sort("review_id", "aspect")
        .cast(ASPECT_SCHEMA)
    )


def match_lexicon(clauses: pl.Series) -> pl.Series:
    """The aspects whose words each clause has, in the order of `ASPECTS`.

    Args:
        clauses: strings.
    """
    frame = pl.DataFrame({"clause": clauses.cast(pl.String)})
    named = [
        pl.when(pl.col("clause").str.contains(_pattern(aspect))).then(pl.lit(aspect)).alias(aspect)
        for aspect in ASPECTS
    ]
    return frame.select(pl.concat_list(named).list.drop_nulls().alias("aspects"))["aspects"]


def nearest_aspects(
    vectors_CD: np.ndarray, seeds_SD: np.ndarray, seed_aspects: Sequence[str], similarity: float
) -> list[str]:
    """The aspect of the nearest seed of each clause; "" if it is about none or too far off.

    Vectors of one encoder all point more or less the same way, by how much depends on the encoder. So both
    are taken from the mean of all before they are compared.

    Args:
        vectors_CD, seeds_SD: float32, unit length, of one encoder.
        seed_aspects: S aspects, "" for seeds about none of them.
        similarity: the least cosine that counts.
    """
    if not len(vectors_CD):
        return []
    centre_D = np.concatenate([vectors_CD, seeds_SD]).mean(axis=0)
    cosine_CS = to_unit_length(vectors_CD - centre_D) @ to_unit_length(seeds_SD - centre_D).T
    nearest_C = cosine_CS.argmax(axis=1)
    is_near_C = cosine_CS[np.arange(len(nearest_C)), nearest_C] >= similarity
    return [seed_aspects[seed] if near else "" for seed, near in zip(nearest_C, is_near_C, strict=True)]


def _pattern(aspect: str) -> str:
    return rf"(?i)\b(?:{'|'.join(SPACED[aspect])})\b|{'|'.join(UNSPACED[aspect])}"


def _encode_clauses(
    distinct: pl.DataFrame, config: SentimentConfig, encode: Encode | None
) -> np.ndarray | None:
    """Vectors of the first clauses; None without an encoder or clauses."""
    first = distinct["clause"].head(config.max_encoded_clauses).to_list()
    return encode(first) if encode is not None and first else None


def _fill_by_neighbours(
    distinct: pl.DataFrame, vectors: np.ndarray, config: SentimentConfig, encode: Encode
) -> pl.DataFrame:
    seeds = [(phrase, aspect) for aspect, phrases in SEEDS.items() for phrase in phrases]
    found = nearest_aspects(
        vectors,
        encode([phrase for phrase, _ in seeds]),
        [aspect for _, aspect in seeds],
        config.neighbour_similarity,
    )
    nearest = pl.Series("nearest", found + [""] * (distinct.height - len(found)), dtype=pl.String)
    is_silent = (pl.col("aspects").list.len() == 0) & (pl.col("nearest") != "")
    return distinct.with_columns(nearest).with_columns(
        pl.when(is_silent).then(pl.concat_list("nearest")).otherwise("aspects").alias("aspects")
    )


def _read(about: pl.DataFrame, model: PolarityModel, vectors: np.ndarray | None) -> np.ndarray:
    """Polarity of each clause, by embedding where it was embedded and by its letters elsewhere."""
    texts, rows = about["clause"].to_list(), about["clause_row"].to_numpy()
    encoded = int(np.sum(rows < (0 if vectors is None else len(vectors))))
    logit = np.concatenate(
        [
            model.logit(texts[:encoded], vectors[rows[:encoded]] if vectors is not None else None),
            model.logit(texts[encoded:], None),
        ]
    )
    return np.tanh((logit - model.base_logit) / 2)  # 2 p - 1
