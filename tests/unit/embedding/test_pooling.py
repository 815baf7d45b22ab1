"""Pooling, by hand."""

import torch

from python_ml.embedding.pooling import mean_pool, to_unit_length


def test_mean_leaves_padding_out():
    hidden_BLD = torch.tensor(
        [[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]], [[5.0, 0.0], [9.0, 9.0], [9.0, 9.0]]]
    )
    mask_BL = torch.tensor([[1, 1, 0], [1, 0, 0]])
    expected = torch.tensor([[(1 + 3) / 2, (2 + 6) / 2], [5.0, 0.0]])
    assert torch.equal(mean_pool(hidden_BLD, mask_BL), expected)


def test_a_text_without_tokens_becomes_zeros():
    pooled = mean_pool(torch.ones(1, 2, 3), torch.zeros(1, 2, dtype=torch.int64))
    assert torch.equal(pooled, torch.zeros(1, 3))
    assert torch.equal(to_unit_length(pooled), torch.zeros(1, 3))


def test_bfloat16_is_summed_in_float32():
    # 256 + 1 is 256 in bfloat16, so a bfloat16 running sum of 257 ones would stop at 256.
    hidden_BLD = torch.ones(1, 257, 1, dtype=torch.bfloat16)
    hidden_BLD[0, 0, 0] = 256.0
    pooled = mean_pool(hidden_BLD, torch.ones(1, 257))
    assert pooled.dtype is torch.float32
    assert pooled.item() == torch.tensor((256 + 256) / 257).item()


def test_unit_length():
    unit = to_unit_length(torch.tensor([[3.0, 4.0], [0.0, -2.0]]))
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.8], [0.0, -1.0]]))
