"""Cohen's d by hand, and laws of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.cohorts.effect import Moments, cohens_d

# Whole numbers: of values that differ by rounding alone an effect would be one of rounding.
VALUES = st.lists(st.integers(-1000, 1000), max_size=12)


def moments(values: list[float]) -> Moments:
    """By the definition."""
    if not values:
        return Moments()
    mean = sum(values) / len(values)
    return Moments(len(values), mean, sum((value - mean) ** 2 for value in values))


def test_two_groups_by_hand():
    # 2 4 6: mean 4, squared deviations 4 + 0 + 4; 1 3: mean 2, 1 + 1; over 3 + 2 - 2.
    assert cohens_d(moments([2, 4, 6]), moments([1, 3])) == pytest.approx((4 - 2) / math.sqrt((8 + 2) / 3))


def test_one_value_has_a_mean_and_no_variance_of_its_own():
    assert cohens_d(moments([5]), moments([1, 3])) == pytest.approx((5 - 2) / math.sqrt((0 + 2) / 1))


@pytest.mark.parametrize(
    ("group", "rest"), [([], [1, 2]), ([1, 2], []), ([], []), ([1], [2]), ([1, 1], [1, 1]), ([1, 1], [2, 2])]
)
def test_where_it_is_not_defined(group, rest):
    assert cohens_d(moments(group), moments(rest)) is None


def test_values_that_differ_by_rounding_alone_do_not_vary():
    tenth = [0.1, 0.1, 0.3 - 0.2]  # the last is 0.09999999999999998
    assert cohens_d(moments(tenth), moments([0.1] * 4)) is None


@given(VALUES, VALUES)
def test_two_groups_as_one_are_the_group_of_all(first, second):
    both, expected = moments(first) + moments(second), moments(first + second)
    assert both.count == expected.count
    np.testing.assert_allclose((both.mean, both.squares), (expected.mean, expected.squares), atol=1e-6)


@given(VALUES, VALUES, st.integers(-50, 50), st.integers(1, 9))
def test_the_unit_does_not_matter_and_sides_change_the_sign(group, rest, shift, factor):
    def scaled(values: list[int]) -> Moments:
        return moments([shift + factor * value for value in values])

    effect = cohens_d(moments(group), moments(rest))
    if effect is None:
        assert cohens_d(scaled(group), scaled(rest)) is None
    else:
        assert cohens_d(scaled(group), scaled(rest)) == pytest.approx(effect, abs=1e-9)
        assert cohens_d(moments(rest), moments(group)) == pytest.approx(-effect)
