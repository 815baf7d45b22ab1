"""From one vector a token to one vector a window, and from windows to texts.

Shapes: B texts or windows, L tokens, D dimensions, W windows, N texts.
"""

import numpy as np
import torch

from python_ml.embedding.vectors import to_unit_length


def mean_pool(hidden_BLD: torch.Tensor, mask_BL: torch.Tensor | None = None) -> torch.Tensor:
    """Average the token vectors of each text, padding left out.

    Args:
        hidden_BLD: the encoder's last layer, any float type.
        mask_BL: 1 for a token, 0 for padding; None where nothing is padded.

    Returns:
        float32 (B, D). A text without a single token becomes zeros.

    Source:
        Reimers and Gurevych 2019, Sentence-BERT, section 3 (MEAN strategy).
    """
    # float32 from here on: summing hundreds of bfloat16 values would lose the digits that tell texts apart.
    if mask_BL is None:
        return hidden_BLD.to(torch.float32).mean(dim=1)
    weight_BL1 = mask_BL.to(torch.float32).unsqueeze(-1)
    total_BD = (hidden_BLD.to(torch.float32) * weight_BL1).sum(dim=1)
    return total_BD / weight_BL1.sum(dim=1).clamp(min=1.0)


def cls_pool(hidden_BLD: torch.Tensor, mask_BL: torch.Tensor | None = None) -> torch.Tensor:
    """The vector of each text's start mark, float32 (B, D): the CLS strategy of the same paper."""
    return hidden_BLD[:, 0].to(torch.float32)


POOLINGS = {"mean": mean_pool, "cls": cls_pool}


def average_windows(vectors_WD: np.ndarray, text_of: np.ndarray, text_count: int) -> np.ndarray:
    """One vector a text: the mean of its windows' directions.

    Args:
        vectors_WD: float32, the windows' vectors.
        text_of: integer (W,), the text of each window.
        text_count: N; every text has a window.

    Returns:
        float32 (N, D). A text of one window keeps that window's vector as it is.
    """
    if len(vectors_WD) == text_count:
        return vectors_WD[np.argsort(text_of, kind="stable")]
    windows_N = np.bincount(text_of, minlength=text_count)
    several_W = windows_N[text_of] > 1
    directions_WD = vectors_WD.copy()
    directions_WD[several_W] = to_unit_length(vectors_WD[several_W])
    total_ND = np.zeros((text_count, vectors_WD.shape[1]), dtype=np.float32)
    np.add.at(total_ND, text_of, directions_WD)
    return total_ND / windows_N[:, None].astype(np.float32)
