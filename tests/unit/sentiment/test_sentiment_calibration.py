"""Calibration and metrics, worked out by hand."""

import numpy as np
import pytest
from scipy.special import expit

from python_ml.sentiment.calibrate import (
    cross_calibrate,
    expected_calibration_error,
    fit_calibration,
    reliability,
)
from python_ml.sentiment.evaluate import evaluation_frame, measure


def test_calibration_error_by_hand():
    said = np.array([0.95, 0.97, 0.1, 0.1, 0.11, 0.5])
    was = np.array([True, False, False, False, True, True])
    # Fifteen bins of 1/15: 0.95 and 0.97 share the last, 0.1 to 0.11 the second, 0.5 stands alone.
    last, second, middle = 2 / 6 * abs(0.96 - 1 / 2), 3 / 6 * abs(0.31 / 3 - 1 / 3), 1 / 6 * abs(0.5 - 1)
    assert expected_calibration_error(said, was) == pytest.approx(last + second + middle)


def test_probabilities_at_the_ends_have_a_bin():
    said, was, texts = reliability(np.array([0.0, 1.0]), np.array([False, True]), bins=2)
    assert said.tolist() == was.tolist() == [0.0, 1.0]
    assert texts.tolist() == [1, 1]
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0.0


def test_scores_on_a_wrong_scale_are_put_right():
    random = np.random.default_rng(0)
    logit = random.normal(0, 2, 20_000)
    is_positive = random.random(20_000) < expit(logit)
    shouted = 7 * logit + 3
    assert expected_calibration_error(expit(shouted), is_positive) > 0.05
    fitted = fit_calibration(shouted[:, None], is_positive)
    # logit = (shouted - 3) / 7
    assert fitted.weights[0] == pytest.approx(1 / 7, rel=0.05)
    assert fitted.intercept[0] == pytest.approx(-3 / 7, abs=0.06)
    assert expected_calibration_error(fitted.probability(shouted[:, None]), is_positive) < 0.015


def test_a_text_does_not_calibrate_itself():
    scores, fold = np.array([[-1.0], [1.0], [-2.0], [2.0]]), np.array([0, 0, 1, 1])
    is_positive = np.array([False, True, False, True])
    before = cross_calibrate(scores, is_positive, fold)
    turned = is_positive.copy()
    turned[:2] = ~turned[:2]
    after = cross_calibrate(scores, turned, fold)
    assert after[:2] == pytest.approx(before[:2])
    assert after[2:] != pytest.approx(before[2:])


def test_metrics_by_hand():
    found = measure(np.array([0.9, 0.4, 0.6, 0.2]), np.array([True, True, False, False]))
    # Of four pairs of a positive and a negative, (0.4, 0.6) alone is the wrong way round.
    assert found["auc"] == 3 / 4
    assert found["accuracy"] == 1 / 2
    assert found["macro_f1"] == 1 / 2
    # Least positive first: negative, positive, negative, positive.
    assert found["average_precision_negative"] == pytest.approx(1 / 2 * (1 / 1 + 2 / 3))
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.8]).mean())


def test_evaluation_has_a_row_for_each_candidate_and_metric():
    is_positive = np.array([True, False])
    frame = evaluation_frame({"a": np.array([0.9, 0.1]), "b": np.array([0.1, 0.9])}, is_positive, "a")
    assert frame.height == 2 * 6
    assert frame.filter(metric_name="auc")["metric_value"].to_list() == [1.0, 0.0]
    assert frame.filter("is_chosen")["candidate"].unique().to_list() == ["a"]
    assert frame["reviews"].unique().to_list() == [2]
