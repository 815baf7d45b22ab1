"""Whether an adapter pays for itself: frozen against adapted on texts that taught neither.

Shapes: N texts or pairs held out, B of them at a time, D dimensions, C distinct texts.
"""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from python_ml.finetuning.verdict import Verdict

PAIRS_AT_ONCE = 1024  # a catalogue of 100,000 texts: 400 MB of scores


def fit_probe(train_ND: np.ndarray, is_positive_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A logistic regression on vectors: how much they know of opinions.

    Args:
        train_ND: vectors of one encoder.
        is_positive_N: boolean.

    Returns:
        float32 weight (D,) and bias (1,): vectors @ weight + bias are log odds.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    scaler, line = (step for _, step in model.fit(train_ND, is_positive_N).steps)
    weight_D = line.coef_[0] / scaler.scale_
    bias = line.intercept_ - scaler.mean_ @ weight_D
    return weight_D.astype(np.float32), bias.astype(np.float32)


def judge_ratings(
    frozen_N: np.ndarray, adapted_N: np.ndarray, is_positive_N: np.ndarray, *, resamples: int, seed: int
) -> Verdict:
    """Compare two scores of the same held-out texts by the area under the ROC curve.

    Args:
        frozen_N, adapted_N: of the same texts.
        is_positive_N: boolean; both kinds must occur.
        resamples: bootstrap resamples.
        seed: of the resampling.
    """
    return _judge("roc_auc", roc_auc_score, frozen_N, adapted_N, is_positive_N, resamples, seed)


def reciprocal_ranks(vectors_CD: np.ndarray, left_N: np.ndarray, right_N: np.ndarray) -> np.ndarray:
    """1 / rank of each text's partner among all other texts, by cosine.

    Args:
        vectors_CD: vectors of length 1, each distinct text once.
        left_N, right_N: integer, the rows of the texts of each pair.

    Returns:
        float64 (N,). Texts that tie with the partner count as ahead of it.
    """
    ranks_N = np.empty(len(left_N))
    for start in range(0, len(left_N), PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        scores_BC = vectors_CD[left_N[some]] @ vectors_CD.T
        pairs = np.arange(len(scores_BC))
        scores_BC[pairs, left_N[some]] = -np.inf
        ranks_N[some] = (scores_BC >= scores_BC[pairs, right_N[some]][:, None]).sum(axis=1)
    return 1.0 / ranks_N


def judge_sessions(frozen_N: np.ndarray, adapted_N: np.ndarray, *, resamples: int, seed: int) -> Verdict:
    """Compare two encoders by the mean reciprocal rank of held-out partners, see `reciprocal_ranks`."""
    return _judge("mrr", lambda _, ranks: ranks.mean(), frozen_N, adapted_N, frozen_N, resamples, seed)


def _judge(
    metric: str,
    measure: Callable[[np.ndarray, np.ndarray], float],
    frozen_N: np.ndarray,
    adapted_N: np.ndarray,
    truth_N: np.ndarray,
    resamples: int,
    seed: int,
) -> Verdict:
    randomness = np.random.default_rng(seed)
    gains = []
    while len(gains) < resamples:
        rows = randomness.integers(0, len(truth_N), len(truth_N))
        if metric == "roc_auc" and len(np.unique(truth_N[rows])) < 2:
            continue  # a resample of one kind alone has no such area
        gains.append(measure(truth_N[rows], adapted_N[rows]) - measure(truth_N[rows], frozen_N[rows]))
    lower, upper = np.quantile(gains, [0.025, 0.975])
    return Verdict(
        metric=metric,
        frozen=float(measure(truth_N, frozen_N)),
        adapted=float(measure(truth_N, adapted_N)),
        gain_lower=float(lower),
        gain_upper=float(upper),
        rows=len(truth_N),
    )
