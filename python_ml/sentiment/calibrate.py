"""From scores to probabilities that can be believed, and how far they can be.

Shapes: N texts, S scores of a text.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

BINS = 15
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression from scores to P(positive); with one score it is Platt's scaling.

    Args:
        weights, intercept: float64 (S,) and (1,).

    Source: Platt, "Probabilistic outputs for support vector machines", 1999; Wolpert, "Stacked
    generalization", 1992.
    """

    weights: np.ndarray
    intercept: np.ndarray

    def logit(self, scores_NS: np.ndarray) -> np.ndarray:
        """float64 (N,): log odds of being positive."""
        return scores_NS @ self.weights + self.intercept[0]

    def probability(self, scores_NS: np.ndarray) -> np.ndarray:
        """float64 (N,): P(positive)."""
        return expit(self.logit(scores_NS))


def fit_calibration(scores_NS: np.ndarray, is_positive_N: np.ndarray) -> Calibration:
    """Fit on scores of texts that the scorers were not fitted on.

    Args:
        scores_NS: float64.
        is_positive_N: bool, both kinds present.
    """
    # Scores of different scorers differ in size: without a common scale the (weak) penalty would favour one.
    scale_S = scores_NS.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=100.0, max_iter=1000).fit(scores_NS / scale_S, is_positive_N)
    return Calibration(fitted.coef_[0] / scale_S, np.asarray(fitted.intercept_, dtype=np.float64))


def cross_calibrate(scores_NS: np.ndarray, is_positive_N: np.ndarray, fold_N: np.ndarray) -> np.ndarray:
    """P(positive) of every text, by a calibration that was fitted on the other folds.

    Args:
        scores_NS: float64, each from a scorer that was fitted on the other folds.
        is_positive_N: bool.
        fold_N: which fold a text is in.
    """
    probability_N = np.empty(len(scores_NS))
    for fold in np.unique(fold_N):
        inside = fold_N == fold
        calibration = fit_calibration(scores_NS[~inside], is_positive_N[~inside])
        probability_N[inside] = calibration.probability(scores_NS[inside])
    return probability_N


def reliability(
    probability_N: np.ndarray, is_positive_N: np.ndarray, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per bin of equal width on P(positive) that is not empty: mean probability, share positive, texts.

    Args:
        probability_N: float64, 0 to 1.
        is_positive_N: bool.
        bins: how many; a probability on a border belongs to the bin above it, 1 to the last.
    """
    bin_N = np.minimum((probability_N * bins).astype(np.int64), bins - 1)
    texts = np.bincount(bin_N, minlength=bins)
    filled = texts > 0
    said = np.bincount(bin_N, weights=probability_N, minlength=bins)[filled] / texts[filled]
    was = np.bincount(bin_N, weights=is_positive_N, minlength=bins)[filled] / texts[filled]
    return said, was, texts[filled]


def expected_calibration_error(
    probability_N: np.ndarray, is_positive_N: np.ndarray, bins: int = BINS
) -> float:
    """Mean distance between what was said and what was, over bins of P(positive) weighted by their texts.

    Args:
        probability_N, is_positive_N, bins: see `reliability`.

    Source: Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015, on the probability of the positive class.
    """
    if not len(probability_N):
        return float("nan")
    said, was, texts = reliability(probability_N, is_positive_N, bins)
    return float(np.sum(texts * np.abs(said - was)) / texts.sum())


def log_loss(probability_N: np.ndarray, is_positive_N: np.ndarray) -> float:
    """Mean surprise, by the natural logarithm."""
    right_N = np.where(is_positive_N, probability_N, 1 - probability_N)
    return float(-np.mean(np.log(np.maximum(right_N, _SMALLEST))))
