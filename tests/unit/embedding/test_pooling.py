"""Pooling, by hand."""

import numpy as np
import pytest
import torch

from python_ml.embedding.pooling import average_windows, cls_pool, mean_pool
from python_ml.embedding.vectors import to_unit_length


def test_mean_leaves_padding_out():
    hidden_BLD = torch.tensor(
        [[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]], [[5.0, 0.0], [9.0, 9.0], [9.0, 9.0]]]
    )
    mask_BL = torch.tensor([[1, 1, 0], [1, 0, 0]])
    expected = torch.tensor([[(1 + 3) / 2, (2 + 6) / 2], [5.0, 0.0]])
    assert torch.equal(mean_pool(hidden_BLD, mask_BL), expected)


def test_mean_without_padding_needs_no_mask():
    hidden_BLD = torch.tensor([[[1.0, 2.0], [3.0, 6.0]]])
    assert torch.equal(mean_pool(hidden_BLD), torch.tensor([[2.0, 4.0]]))


def test_cls_is_the_first_token():
    hidden_BLD = torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[5.0, 0.0], [9.0, 9.0]]])
    assert torch.equal(cls_pool(hidden_BLD), torch.tensor([[1.0, 2.0], [5.0, 0.0]]))


def test_a_text_without_tokens_becomes_zeros():
    pooled = mean_pool(torch.ones(1, 2, 3), torch.zeros(1, 2, dtype=torch.int64))
    assert torch.equal(pooled, torch.zeros(1, 3))
    np.testing.assert_array_equal(to_unit_length(pooled.numpy()), np.zeros((1, 3)))


def test_bfloat16_is_summed_in_float32():
    # 256 + 1 is 256 in bfloat16, so a bfloat16 running sum of 257 ones would stop at 256.
    hidden_BLD = torch.ones(1, 257, 1, dtype=torch.bfloat16)
    hidden_BLD[0, 0, 0] = 256.0
    for pooled in (mean_pool(hidden_BLD, torch.ones(1, 257)), mean_pool(hidden_BLD)):
        assert pooled.dtype is torch.float32
        assert pooled.item() == torch.tensor((256 + 256) / 257).item()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_length(dtype: type):
    unit = to_unit_length(np.array([[3.0, 4.0], [0.0, -2.0], [0.0, 0.0]], dtype=dtype))
    assert unit.dtype == dtype
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0.0, -1.0], [0.0, 0.0]], rtol=1e-6)


def test_windows_of_one_text_are_averaged_as_directions():
    vectors_WD = np.array([[3.0, 4.0], [0.0, 9.0], [10.0, 0.0]], dtype=np.float32)
    found = average_windows(vectors_WD, np.array([1, 0, 1]), 2)
    # Text 0 keeps its only window. Text 1: (0.6, 0.8) and (1, 0), whatever their lengths were.
    np.testing.assert_allclose(found, [[0.0, 9.0], [(0.6 + 1.0) / 2, 0.4]], rtol=1e-6)


def test_one_window_a_text_only_puts_them_in_order():
    vectors_WD = np.array([[1.0], [2.0], [3.0]], dtype=np.float32)
    assert average_windows(vectors_WD, np.array([2, 0, 1]), 3).ravel().tolist() == [2.0, 3.0, 1.0]
