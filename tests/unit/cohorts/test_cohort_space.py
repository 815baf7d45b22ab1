"""Blocks: stated weights, whatever the number of columns."""

import numpy as np
import pytest

from python_ml.cohorts.space import fit_block

RNG = np.random.default_rng(1)


@pytest.mark.parametrize(("width", "scale", "weight"), [(3, 1.0, 1.0), (50, 1e-3, 0.7), (2, 1e4, 2.0)])
def test_root_mean_square_distance_is_the_weight(width, scale, weight):
    values_NF = RNG.normal(5.0, scale, size=(200, width))
    points_NP = fit_block(values_NF, keep=0.9, weight=weight).project(values_NF)
    np.testing.assert_allclose(np.sqrt((points_NP**2).sum(axis=1).mean()), weight)


def test_dimensions_kept():
    # Variances 81, 16, 1, 1, 1: the first holds 81 %, the first two 97 %.
    basis, _ = np.linalg.qr(RNG.normal(size=(400, 5)))
    values_NF = (basis - basis.mean(axis=0)) * np.array([9.0, 4.0, 1.0, 1.0, 1.0])
    assert fit_block(values_NF, keep=0.5, weight=1.0).components.shape == (1, 5)
    assert fit_block(values_NF, keep=0.95, weight=1.0).components.shape == (2, 5)
    assert fit_block(values_NF, keep=1.0, weight=1.0).components.shape == (5, 5)
    assert fit_block(values_NF, keep=3, weight=1.0).components.shape == (3, 5)
    assert fit_block(values_NF, keep=99, weight=1.0).components.shape == (5, 5)


@pytest.mark.parametrize(
    ("values_NF", "weight"),
    [(np.ones((5, 3)), 1.0), (np.zeros((5, 0)), 1.0), (RNG.normal(size=(5, 3)), 0.0), (np.ones((1, 3)), 1.0)],
)
def test_a_block_that_says_nothing_takes_no_dimension(values_NF, weight):
    block = fit_block(values_NF, keep=0.9, weight=weight)
    assert block.project(values_NF).shape == (len(values_NF), 0)
