"""Feature preparation, by hand."""

import numpy as np
import pytest

from python_ml.cohorts.prepare import fit_features, measure_reliability, weigh_collinear
from python_ml.config import CohortConfig

# Nothing is drawn, bent or clipped unless a test asks for it.
PLAIN = {"share_prior_orders": 0.0, "skew_limit": 1e6, "clip_sd": 1e6}
MANY_ORDERS = np.full(4, 1e9)


def test_standardise_by_hand():
    # Mean 4, variance (9 + 1 + 1 + 9) / 4 = 5.
    values_NF = np.array([[1.0], [3.0], [5.0], [7.0]])
    fitted = fit_features(values_NF, MANY_ORDERS, ["size"], CohortConfig(**PLAIN))
    expected = np.array([[-3.0], [-1.0], [1.0], [3.0]]) / np.sqrt(5.0)
    np.testing.assert_allclose(fitted.standardise(values_NF, MANY_ORDERS), expected)


def test_unknown_becomes_the_median():
    # Known: 0, 2, 10; median 2, so the four are 0, 2, 10, 2: mean 3.5.
    values_NF = np.array([[0.0], [2.0], [10.0], [np.nan]])
    fitted = fit_features(values_NF, MANY_ORDERS, ["days"], CohortConfig(**PLAIN))
    assert fitted.fill.tolist() == [2.0]
    assert fitted.mean.tolist() == [3.5]
    z_NK = fitted.standardise(values_NF, MANY_ORDERS)
    assert z_NK[3, 0] == z_NK[1, 0]


def test_long_tails_are_bent_around_the_median_positive_value():
    # Positive values 1, 3, 99: median 3; log(1 + x / 3).
    values_NF = np.array([[0.0], [1.0], [3.0], [99.0]])
    config = CohortConfig(**{**PLAIN, "skew_limit": 1.0})
    fitted = fit_features(values_NF, MANY_ORDERS, ["spend"], config)
    assert fitted.log_scale.tolist() == [3.0]
    bent = np.log([1.0, 4 / 3, 2.0, 34.0])
    np.testing.assert_allclose(fitted.mean, bent.mean())
    np.testing.assert_allclose(
        fitted.standardise(values_NF, MANY_ORDERS)[:, 0], (bent - bent.mean()) / bent.std()
    )


def test_bending_does_not_depend_on_the_unit():
    values_NF = np.array([[0.0], [1.0], [3.0], [99.0]])
    config = CohortConfig(**{**PLAIN, "skew_limit": 1.0})
    dollars = fit_features(values_NF, MANY_ORDERS, ["spend"], config)
    cents = fit_features(100 * values_NF, MANY_ORDERS, ["spend"], config)
    np.testing.assert_allclose(
        dollars.standardise(values_NF, MANY_ORDERS), cents.standardise(100 * values_NF, MANY_ORDERS)
    )


@pytest.mark.parametrize("values", [[-1.0, 0.0, 1.0, 99.0], [1.0, 2.0, 3.0, 4.0]])
def test_negative_or_even_columns_are_not_bent(values):
    config = CohortConfig(**{**PLAIN, "skew_limit": 1.0})
    fitted = fit_features(np.array(values)[:, None], MANY_ORDERS, ["x"], config)
    assert fitted.log_scale.tolist() == [0.0]


def test_shares_of_few_orders_are_drawn_to_the_mean():
    # Mean share 0.5; as if it stood on 3 more orders: (1 x 1.0 + 3 x 0.5) / 4 = 0.625.
    values_NF = np.array([[1.0, 1.0], [0.0, 0.0]])
    orders = np.array([1.0, 3.0])
    config = CohortConfig(**{**PLAIN, "share_prior_orders": 3.0})
    fitted = fit_features(values_NF, orders, ["monday_order_share", "monday_orders"], config)
    drawn = np.array([(1 * 1.0 + 3 * 0.5) / 4, (3 * 0.0 + 3 * 0.5) / 6])
    np.testing.assert_allclose(fitted.mean, [drawn.mean(), 0.5])
    np.testing.assert_allclose(fitted.deviation, [drawn.std(), 0.5])


def test_outliers_are_cut():
    values_NF = np.array([[0.0]] * 99 + [[1000.0]])
    config = CohortConfig(**{**PLAIN, "clip_sd": 2.0})
    orders = np.full(100, 1e9)
    fitted = fit_features(values_NF, orders, ["x"], config)
    assert fitted.standardise(values_NF, orders).max() == 2.0


def test_constant_and_empty_columns_are_left_out():
    values_NF = np.array([[1.0, 0.1, np.nan], [2.0, 0.1, np.nan], [4.0, 0.1, np.nan], [5.0, 0.1, np.nan]])
    fitted = fit_features(values_NF, MANY_ORDERS, ["a", "constant", "unknown"], CohortConfig(**PLAIN))
    assert fitted.names == ("a",)
    assert fitted.standardise(values_NF, MANY_ORDERS).shape == (4, 1)


def test_a_group_saying_one_thing_counts_once():
    rng = np.random.default_rng(3)
    size, other = rng.normal(size=(2, 500))
    noise = 0.05 * rng.normal(size=(2, 500))
    z_NK = np.column_stack([size, size + noise[0], -size + noise[1], other])
    np.testing.assert_allclose(weigh_collinear(z_NK, 0.7), [3**-0.5, 3**-0.5, 3**-0.5, 1.0])
    np.testing.assert_allclose(weigh_collinear(z_NK, 1.0), np.ones(4))


def test_later_users_are_placed_with_the_fitted_numbers():
    values_NF = np.array([[1.0], [3.0], [5.0], [7.0]])
    fitted = fit_features(values_NF, MANY_ORDERS, ["size"], CohortConfig(**PLAIN))
    alone = fitted.standardise(np.array([[9.0]]), np.array([1e9]))
    np.testing.assert_allclose(alone, [[5.0 / np.sqrt(5.0)]])


def test_reliability_by_hand():
    """Columns: one order each, of which chance explains all; many orders; unknown of one user; alike."""
    orders_N = np.array([1.0, 1.0, 1.0, 1.0])
    once_NF = np.array([[1.0], [0.0], [0.0], [0.0]])
    # Mean 1/4 and variance 3/16 are those of chance, drawn to the mean or not.
    for prior in (0.0, 10.0):
        assert measure_reliability(once_NF, orders_N, np.array([prior])).tolist() == [0.0]
    # Of 100 orders 0.2 and 0.8: mean 0.5, chance 0.25 / 100, variance 0.09.
    often_NF = np.array([[0.2, 0.2, 0.3], [0.8, 0.8, 0.3], [0.2, np.nan, 0.3], [0.8, np.nan, 0.3]])
    found = measure_reliability(often_NF, np.full(4, 100.0), np.zeros(3))
    np.testing.assert_allclose(found, [1.0 - 0.0025 / 0.09, 1.0 - 0.0025 / 0.09, 1.0])
    # Drawn by as many orders to the mean, 0.35 and 0.65: 100 * 0.25 / 200^2 of 0.0225 is the same.
    drawn = measure_reliability(often_NF[:, :1], np.full(4, 100.0), np.full(1, 100.0))
    np.testing.assert_allclose(drawn, found[:1])


def test_what_chance_explains_does_not_count():
    """Three orders a user on days drawn by lot, beside a feature that differs."""
    rng = np.random.default_rng(2)
    orders_N = np.full(3_000, 3.0)
    values_NF = np.column_stack([rng.binomial(3, 0.2, 3_000) / 3, rng.binomial(3, 0.2, 3_000) / 3])
    names = ["monday_order_share", "discount_share"]
    fitted = fit_features(values_NF, orders_N, names, CohortConfig(**PLAIN))
    deviations = fitted.standardise(values_NF, orders_N).std(axis=0)
    assert deviations[0] < 0.25
    assert deviations[1] == pytest.approx(1.0)  # a share of spend is no count of orders


def test_habits_are_kept():
    """Half of the users order on Mondays four times of five, the others one time of five."""
    rng = np.random.default_rng(2)
    habit_N = np.where(np.arange(2_000) % 2, 0.8, 0.2)
    orders_N = np.full(2_000, 50.0)
    values_NF = (rng.binomial(50, habit_N) / 50)[:, None]
    # Variance of habits 0.09; of 50 orders 0.25 / 50 is what one habit of all would leave.
    found = measure_reliability(values_NF, orders_N, np.zeros(1)).item()
    expected = 1.0 - 0.005 / (0.09 + 0.16 / 50)
    assert found == pytest.approx(expected, abs=0.01)
