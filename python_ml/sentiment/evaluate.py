"""How good held-out probabilities are."""

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from python_ml.sentiment.calibrate import expected_calibration_error, log_loss

EVALUATION_SCHEMA = {
    "candidate": pl.String,
    "metric_name": pl.String,
    "metric_value": pl.Float64,
    "reviews": pl.Int64,
    "is_chosen": pl.Boolean,
}


def measure(probability_N: np.ndarray, is_positive_N: np.ndarray) -> dict[str, float]:
    """Every metric of held-out probabilities; a text counts as positive from one half.

    Args:
        probability_N: float64, P(positive).
        is_positive_N: bool, both kinds present.

    Returns:
        auc, average_precision_negative, accuracy, macro_f1, log_loss (natural logarithm) and
        expected_calibration_error, see `calibrate`.
    """
    said_positive = probability_N >= 0.5
    return {
        "auc": float(roc_auc_score(is_positive_N, probability_N)),
        "average_precision_negative": float(average_precision_score(~is_positive_N, 1 - probability_N)),
        "accuracy": float(np.mean(said_positive == is_positive_N)),
        "macro_f1": float(f1_score(is_positive_N, said_positive, average="macro", zero_division=0)),
        "log_loss": log_loss(probability_N, is_positive_N),
        "expected_calibration_error": expected_calibration_error(probability_N, is_positive_N),
    }


def evaluation_frame(held_out: dict[str, np.ndarray], is_positive_N: np.ndarray, chosen: str) -> pl.DataFrame:
    """`sentiment_evaluation`: one row per candidate and metric.

    Args:
        held_out: by candidate, P(positive) of texts it was not fitted on.
        is_positive_N: bool.
        chosen: the candidate that is used.
    """
    rows = [
        (name, metric, value, len(is_positive_N), name == chosen)
        for name, probability in held_out.items()
        for metric, value in measure(probability, is_positive_N).items()
    ]
    return pl.DataFrame(rows, schema=EVALUATION_SCHEMA, orient="row")
