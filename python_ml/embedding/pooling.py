"""From one vector a token to one vector a text.

Shapes: B texts, L tokens, D dimensions.
"""

import torch


def mean_pool(hidden_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Average the token vectors of each text, padding left out.

    Args:
        hidden_BLD: the encoder's last layer, any float type.
        mask_BL: 1 for a token, 0 for padding.

    Returns:
        float32 (B, D). A text without a single token becomes zeros.

    Source:
        Reimers and Gurevych 2019, Sentence-BERT, section 3 (MEAN strategy).
    """
    # float32 from here on: summing hundreds of bfloat16 values would lose the digits that tell texts apart.
    weight_BL1 = mask_BL.to(torch.float32).unsqueeze(-1)
    total_BD = (hidden_BLD.to(torch.float32) * weight_BL1).sum(dim=1)
    return total_BD / weight_BL1.sum(dim=1).clamp(min=1.0)


def to_unit_length(vectors_BD: torch.Tensor) -> torch.Tensor:
    """Scale each row to length 1, so that a dot product is a cosine; a row of zeros stays zeros.

    Args:
        vectors_BD: float32 (B, D).

    Returns:
        float32 (B, D).
    """
    return torch.nn.functional.normalize(vectors_BD, dim=-1)
