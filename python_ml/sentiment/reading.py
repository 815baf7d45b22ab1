"""From log odds to probabilities that hold for this shop, and how well that is known.

Shapes: N reviews, J of them judged.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit

from python_ml.config import SentimentConfig
from python_ml.sentiment.calibrate import Calibration, cross_calibrate, fit_calibration
from python_ml.sentiment.polarity import NGRAMS, PolarityFit, grouped_folds, opinions_of_groups

OWN, LABELLED, SIMULATED = "own ratings", "labelled texts", "simulated texts"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and what is known of how good that is.

    Args:
        probability: float64 (N,), P(positive) of every review.
        chosen: the candidate that read them.
        method: in words, candidate and what it learned from.
        held_out: by candidate, P(positive) of texts that it was neither fitted nor calibrated on.
        is_positive: their opinions.
        is_of_reviews: whether those texts are reviews of the shop.
    """

    probability: np.ndarray
    chosen: str
    method: str
    held_out: dict[str, np.ndarray]
    is_positive: np.ndarray
    is_of_reviews: bool


def read_reviews(
    reviews: pl.DataFrame,
    logit: np.ndarray,
    chosen: str,
    fit: PolarityFit,
    source: str,
    is_positive_of_lesson: np.ndarray,
    config: SentimentConfig,
    seed: int,
) -> Reading:
    """What the log odds of every review say, calibrated on the shop's ratings if it was learned elsewhere.

    Args:
        reviews: text_hash, rating, is_readable; N rows.
        logit: float64 (N,), of `chosen`.
        chosen: the candidate that read them.
        fit: what was learned.
        source: where from.
        is_positive_of_lesson: bool, opinions of the texts it was learned from.
        config: how many ratings are enough.
        seed: of folds.
    """
    method = f"{chosen} on {source}"
    if source == OWN:
        judged = np.isfinite(fit.held_out[NGRAMS])
        held_out = {name: found[judged] for name, found in fit.held_out.items()}
        return Reading(
            expit(logit), chosen, method, held_out, is_positive_of_lesson[judged], is_of_reviews=True
        )
    rows, is_positive = rated_rows(reviews, config)
    own = _calibrate_on_own(logit[rows], is_positive, reviews["text_hash"].gather(rows), config, seed)
    if own is not None:
        calibration, held_out = own
        probability = calibration.probability(logit[:, None])
        method = f"{method}, calibrated on own ratings"
        return Reading(probability, chosen, method, {chosen: held_out}, is_positive, is_of_reviews=True)
    if rarer(is_positive) >= config.folds:
        held_out = {chosen: expit(logit[rows])}
        return Reading(expit(logit), chosen, method, held_out, is_positive, is_of_reviews=True)
    return Reading(expit(logit), chosen, method, fit.held_out, is_positive_of_lesson, is_of_reviews=False)


def _calibrate_on_own(
    logit: np.ndarray, is_positive: np.ndarray, text_hashes: pl.Series, config: SentimentConfig, seed: int
) -> tuple[Calibration, np.ndarray] | None:
    """A calibration, and held-out probabilities by calibrations fitted on other texts; None of too few texts.

    What was written elsewhere is pleased or displeased in other shares than what this shop's customers write.
    """
    if not len(is_positive):
        return None
    opinions, group = opinions_of_groups(is_positive, text_hashes.to_numpy())
    if rarer(opinions) < max(config.min_calibration_ratings, config.folds):
        return None
    fold = grouped_folds(is_positive, group, config.folds, seed)
    calibration = fit_calibration(logit[:, None], is_positive)
    # Against the stars: what was learned does not hold here, and turning it round would be guessing.
    if calibration.weights[0] <= 0:
        return None
    return calibration, cross_calibrate(logit[:, None], is_positive, fold)


def rarer(is_positive: np.ndarray) -> int:
    """How many texts the rarer opinion has."""
    return min(int(is_positive.sum()), int((~is_positive).sum()))


def rated_rows(reviews: pl.DataFrame, config: SentimentConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rows of reviews whose rating is an opinion, and whether it is a good one."""
    rating = reviews["rating"].fill_null(float("nan")).to_numpy()
    is_positive = rating >= config.positive_rating
    is_rated = (is_positive | (rating <= config.negative_rating)) & reviews["is_readable"].to_numpy()
    rows = np.flatnonzero(is_rated)
    return rows, is_positive[rows]


def neutral_confidence(reviews: pl.DataFrame, reading: Reading, config: SentimentConfig) -> float:
    """Share of middling ratings among reviews of neutral polarity, as if one of each had been seen before.

    Nothing was fitted on middling ratings; of the others the held-out polarity counts.
    """
    rating = reviews["rating"].fill_null(float("nan")).to_numpy()
    is_middling = (rating > config.negative_rating) & (rating < config.positive_rating)
    middling = reading.probability[is_middling & reviews["is_readable"].to_numpy()]
    rows, _ = rated_rows(reviews, config)
    others = reading.held_out[reading.chosen] if reading.is_of_reviews else reading.probability[rows]
    # Of a large shop's opinions, and of those a fine-tuned encoder learned from, only some were held out.
    weight = len(rows) / max(len(others), 1)
    among_middling, among_others = (
        int(np.sum(np.abs(2 * some - 1) < config.neutral_band)) for some in (middling, others)
    )
    return (among_middling + 1) / (among_middling + weight * among_others + 2)
