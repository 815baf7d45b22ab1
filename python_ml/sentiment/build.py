"""The frame layer: reviews in, opinions out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from matplotlib.figure import Figure

from python_ml.config import SentimentConfig
from python_ml.errors import ContractError
from python_ml.privacy.clean import clean_texts
from python_ml.reviews import check_reviews
from python_ml.sentiment.aspects import Encode, find_aspects
from python_ml.sentiment.evaluate import EVALUATION_SCHEMA, evaluation_frame
from python_ml.sentiment.language import detect_languages
from python_ml.sentiment.plots import plot_reliability
from python_ml.sentiment.polarity import (
    PolarityFit,
    count_features,
    fit_polarity,
    parts_known,
)
from python_ml.sentiment.reading import (
    LABELLED,
    OWN,
    SIMULATED,
    Reading,
    neutral_confidence,
    rarer,
    rated_rows,
    read_reviews,
)
from python_ml.sentiment.simulated import write_texts

NOTHING_TO_READ = "nothing to read"
NO_OPINION_CONFIDENCE = 1 / 3  # chance among three labels

_COLUMNS = ("review_id", "text", "text_hash", "language", "rating")
_SENTIMENT_SCHEMA = {
    "review_id": pl.String,
    "language": pl.String,
    "polarity": pl.Float64,
    "sentiment_label": pl.String,
    "confidence": pl.Float64,
    "sentiment_method": pl.String,
}
# A letter, a digit, a pictograph or a face of signs; all else is decoration.
_READABLE = r"[\p{L}\p{N}\p{So}]|[:;=8]['-]?[()DPp/\\|]|<3"
_MARKUP = r"<[a-zA-Z/!]|&[a-zA-Z#]"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SentimentResult:
    """What `build_sentiment` found.

    Args:
        review_sentiment: review_id, language (ISO 639-1; null for a text without letters), polarity (-1 to
            1),
            sentiment_label (negative, neutral, positive), confidence (0 to 1), sentiment_method; one row per
            review, by review_id.
        review_aspects: review_id, aspect, polarity, evidence; see `find_aspects`.
        sentiment_evaluation: candidate, metric_name, metric_value, reviews, is_chosen; measured on reviews of
            the shop that the model was not fitted on, empty where there are too few ratings for that.
        model_arrays: what `PolarityModel.from_arrays` takes.
        plots: "reliability".
    """

    review_sentiment: pl.DataFrame
    review_aspects: pl.DataFrame
    sentiment_evaluation: pl.DataFrame
    model_arrays: dict[str, np.ndarray]
    plots: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learned from: texts, their opinion, what else `Features` holds of them, where they are from."""

    texts: list[str]
    is_positive: np.ndarray
    vectors: np.ndarray | None
    tuned: np.ndarray | None
    source: str


def build_sentiment(
    review_texts: pl.DataFrame,
    text_embeddings: pl.DataFrame,
    *,
    config: SentimentConfig,
    seed: int,
    encode: Encode | None,
    labelled: pl.DataFrame | None = None,
    tuned_scores: pl.DataFrame | None = None,
    progress: Progress | None = None,
) -> SentimentResult:
    """Read every review: language, polarity, aspects.

    Ratings of the shop are weak labels of what goes with them. Polarity is 2 P(positive) - 1, the label
    neutral within `neutral_band` of 0. Confidence is the calibrated probability of the label among pleased
    and displeased writers; of "neutral" it is the share of middling ratings among reviews with such a
    polarity. A text without a letter, digit, pictograph or emoticon is neutral, of polarity 0, with the
    confidence of chance.

    The same tables and seed give the same result, whatever the order of rows.

    Args:
        review_texts: review_id, text, text_hash, language (as the shop says), rating (1 to 5 or null).
        text_embeddings: text_hash, embedding_model, embedding; of one model. Empty: letters alone are read.
        config: how.
        seed: of all that is random.
        encode: texts to vectors (N, D), float32 of unit length, by the model of `text_embeddings`; None where
            there is none: clauses, and shops without ratings, are then read by their letters.
        labelled: text and is_positive, learned from instead of simulated texts where ratings are too few.
        tuned_scores: text_hash, score, is_held_out; what an encoder fine-tuned on the shop's ratings says of
            every text, and whether it did not learn from it. None or empty where there is no such encoder.
        progress: called with a line on each step.

    Raises:
        ContractError: a table lacks a column, repeats a review, mixes models, or a review has no vector or,
            where others have, no score.
        ModelError: no folds can be made.
    """
    has_vectors = not text_embeddings.is_empty()
    check_reviews(review_texts, text_embeddings, needs_vectors=has_vectors, columns=_COLUMNS)
    reviews = _prepare(review_texts)
    vectors = _vectors_of(reviews, text_embeddings)
    scores, is_held_out = _tuned_of(reviews, tuned_scores)
    lesson = _choose_lesson(reviews, vectors, scores, is_held_out, labelled, config, seed, encode)
    fit = _learn(lesson, config, seed, progress)
    model = fit.model
    use = vectors if lesson.vectors is not None else None
    use_scores = scores if lesson.tuned is not None else None
    chosen = model.candidate(parts_known(use, use_scores))
    logit = model.logit(reviews["text"].to_list(), use, use_scores)
    reading = read_reviews(reviews, logit, chosen, fit, lesson.source, lesson.is_positive, config, seed)
    readable = reviews.filter("is_readable")
    return SentimentResult(
        review_sentiment=_sentiment(reviews, reading, config),
        review_aspects=find_aspects(
            readable.select("review_id", "text"), model, config, encode if use is not None else None
        ),
        sentiment_evaluation=_evaluation(reading),
        model_arrays=model.arrays(),
        plots={"reliability": plot_reliability(reading.held_out, reading.is_positive, reading.chosen)},
    )


def _prepare(review_texts: pl.DataFrame) -> pl.DataFrame:
    """By review_id, texts without what is left of markup, and whether there is anything to read."""
    reviews = review_texts.select(*_COLUMNS).sort("review_id")
    reviews = reviews.with_columns(pl.col("text").fill_null(""))
    has_markup = reviews["text"].str.contains(_MARKUP)
    if has_markup.any():
        dirty = reviews["text"].filter(has_markup).str.replace_all("\n", " . ", literal=True)
        clean = pl.Series(clean_texts(pa.array(dirty.to_list(), pa.string())).to_pylist(), dtype=pl.String)
        places = has_markup.arg_true()
        reviews = reviews.with_columns(text=reviews["text"].scatter(places, clean.fill_null("")))
    return reviews.with_columns(is_readable=pl.col("text").str.contains(_READABLE))


def _vectors_of(reviews: pl.DataFrame, text_embeddings: pl.DataFrame) -> np.ndarray | None:
    """float32 (N, D), a row a review; None where nothing is embedded."""
    if not text_embeddings.height or not reviews.height:
        return None
    places = text_embeddings.select("text_hash").with_row_index("place").unique("text_hash", keep="first")
    place = reviews.select("text_hash").join(places, on="text_hash", how="left", maintain_order="left")[
        "place"
    ]
    taken = text_embeddings["embedding"].gather(place)
    width = len(text_embeddings["embedding"][0])
    return taken.explode().to_numpy().astype(np.float32, copy=False).reshape(reviews.height, width)


def _tuned_of(
    reviews: pl.DataFrame, tuned_scores: pl.DataFrame | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """float64 (N,) scores and bool (N,) "did not teach it", a row a review; None where there are none."""
    if tuned_scores is None or tuned_scores.is_empty():
        return None, None
    scores = tuned_scores.select("text_hash", "score", "is_held_out")
    found = reviews.select("text_hash").join(scores, on="text_hash", how="left", maintain_order="left")
    if without := found["score"].null_count():
        raise ContractError(
            f"{without:,} of {reviews.height:,} reviews have no score by the fine-tuned encoder",
            where="tuned_scores",
            remedy="run the step finetuning again, or everything",
        )
    return found["score"].to_numpy(), found["is_held_out"].to_numpy()


def _choose_lesson(
    reviews: pl.DataFrame,
    vectors: np.ndarray | None,
    scores: np.ndarray | None,
    is_held_out: np.ndarray | None,
    labelled: pl.DataFrame | None,
    config: SentimentConfig,
    seed: int,
    encode: Encode | None,
) -> _Lesson:
    rows, is_positive = rated_rows(reviews, config)
    if len(rows) >= config.min_ratings and rarer(is_positive) >= config.min_class_ratings:
        if len(rows) > config.max_training_reviews:
            random = np.random.default_rng(seed)
            taken = np.sort(random.choice(len(rows), config.max_training_reviews, replace=False))
            rows, is_positive = rows[taken], is_positive[taken]
        texts = reviews["text"].gather(rows).to_list()
        own_vectors = None if vectors is None else vectors[rows]
        tuned = None if scores is None else np.where(is_held_out[rows], scores[rows], np.nan)
        return _Lesson(texts, is_positive, own_vectors, _enough(tuned, is_positive, config), OWN)
    if labelled is not None:
        texts, is_positive, source = labelled["text"].to_list(), labelled["is_positive"].to_numpy(), LABELLED
    else:
        texts, is_positive = write_texts(config.simulated_reviews, seed=seed)
        source = SIMULATED
    return _Lesson(texts, is_positive, _encode_lesson(texts, vectors, encode), None, source)


def _enough(tuned: np.ndarray | None, is_positive: np.ndarray, config: SentimentConfig) -> np.ndarray | None:
    """The scores, if enough texts of either kind are left to calibrate and judge them by."""
    if tuned is None:
        return None
    return tuned if rarer(is_positive[np.isfinite(tuned)]) >= config.min_class_ratings else None


def _encode_lesson(texts: list[str], vectors: np.ndarray | None, encode: Encode | None) -> np.ndarray | None:
    """Without vectors of the reviews, what was learned of vectors could not be used."""
    return encode(texts) if encode is not None and vectors is not None else None


def _learn(lesson: _Lesson, config: SentimentConfig, seed: int, progress: Progress | None) -> PolarityFit:
    numbers = {text: number for number, text in enumerate(dict.fromkeys(lesson.texts))}
    groups = np.array([numbers[text] for text in lesson.texts])
    features = count_features(lesson.texts, lesson.vectors, config, lesson.tuned)
    return fit_polarity(features, lesson.is_positive, groups, config, seed=seed, progress=progress)


def _sentiment(reviews: pl.DataFrame, reading: Reading, config: SentimentConfig) -> pl.DataFrame:
    neutral = neutral_confidence(reviews, reading, config)
    is_neutral = pl.col("polarity").abs() < config.neutral_band
    told = reviews.with_columns(
        language=_languages(reviews, config),
        polarity=pl.when("is_readable").then(pl.Series(2 * reading.probability - 1)).otherwise(0.0),
    )
    return (
        told.with_columns(
            sentiment_label=pl.when(is_neutral | ~pl.col("is_readable"))
            .then(pl.lit("neutral"))
            .when(pl.col("polarity") > 0)
            .then(pl.lit("positive"))
            .otherwise(pl.lit("negative")),
            confidence=pl.when(~pl.col("is_readable"))
            .then(NO_OPINION_CONFIDENCE)
            .when(is_neutral)
            .then(neutral)
            .otherwise((1 + pl.col("polarity").abs()) / 2),
            sentiment_method=pl.when("is_readable")
            .then(pl.lit(reading.method))
            .otherwise(pl.lit(NOTHING_TO_READ)),
        )
        .select(*_SENTIMENT_SCHEMA)
        .cast(_SENTIMENT_SCHEMA)
    )


def _languages(reviews: pl.DataFrame, config: SentimentConfig) -> pl.Series:
    found = detect_languages(
        reviews["text"].to_list(), config.languages, characters=config.language_characters
    )
    return pl.Series(found, dtype=pl.String)


def _evaluation(reading: Reading) -> pl.DataFrame:
    if not reading.is_of_reviews:
        return pl.DataFrame(schema=EVALUATION_SCHEMA)
    return evaluation_frame(reading.held_out, reading.is_positive, reading.chosen)
