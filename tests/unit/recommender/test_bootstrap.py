"""Intervals of means over users: worked by hand where few users can be drawn in few ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.recommender.bootstrap import Bootstrap

VALUES = st.lists(st.floats(0, 1) | st.just(np.nan), min_size=1, max_size=12)


def test_the_interval_of_four_users_by_hand():
    # All four are of the same kind in one resample of 16, 6.25 %: more than the 2.5 % that are cut off.
    found = Bootstrap(seed=0).intervals(np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert found.tolist() == [[0.5, 0.0, 1.0]]


def test_the_interval_of_many_users_is_the_binomial_one():
    # Of a fair coin thrown 400 times, 95 % of the shares of heads are within 0.4525 and 0.5475 or so.
    found = Bootstrap(seed=0, resamples=4000).intervals(np.array([[0.0, 1.0] * 200]))
    assert found[0].tolist() == pytest.approx([0.5, 0.451, 0.549], abs=0.005)


def test_who_a_metric_is_not_defined_for_counts_neither_way():
    nan = np.nan
    found = Bootstrap(seed=0).intervals(np.array([[1.0, nan, 0.0, nan], [nan] * 4, [nan, 0.25, nan, nan]]))
    # Of two users both are the same in half of the resamples; of one there is nothing to draw.
    assert found[0].tolist() == [0.5, 0.0, 1.0]
    assert np.isnan(found[1]).all()
    assert found[2].tolist() == [0.25, 0.25, 0.25]


@given(st.lists(VALUES, min_size=1, max_size=3), st.integers(0, 9))
def test_means_lie_within_intervals_and_those_within_the_values(rows: list[list[float]], seed: int):
    width = min(map(len, rows))
    values = np.array([row[:width] for row in rows])
    for row, (mean, low, high) in zip(values, Bootstrap(seed, resamples=50).intervals(values), strict=True):
        known = row[~np.isnan(row)]
        if len(known) == 0:
            assert np.isnan([mean, low, high]).all()
            continue
        assert mean == pytest.approx(known.mean())
        assert known.min() - 1e-12 <= low <= high <= known.max() + 1e-12


def test_a_metric_has_the_same_interval_alone_and_among_others():
    values = np.random.default_rng(0).random((3, 50))
    bootstrap = Bootstrap(seed=0)
    together = bootstrap.intervals(values)
    for row, found in zip(values, together, strict=True):
        assert bootstrap.intervals(row[None])[0] == pytest.approx(found)
    assert Bootstrap(seed=1).intervals(values)[0, 1] != together[0, 1]


def test_a_difference_ignores_what_both_share():
    # Users differ widely, but the champion is ahead by exactly 0.1 for each of them.
    baseline = np.array([0.0, 0.9, 0.3, 0.5])
    assert Bootstrap(seed=0).difference(baseline + 0.1, baseline) == pytest.approx((0.1, 0.1, 0.1))


def test_the_difference_of_opposite_users_contains_zero():
    mean, low, high = Bootstrap(seed=0).difference(np.array([1.0, 0.0] * 10), np.array([0.0, 1.0] * 10))
    assert mean == 0.0
    assert low < 0.0 < high
