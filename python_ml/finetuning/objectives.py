"""What the encoder is taught: stars, or what is bought together.

Shapes: B texts or pairs, D dimensions.
"""

import torch
from torch.nn import functional

TEMPERATURE = 0.05


def rating_loss(logits_B: torch.Tensor, is_positive_B: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of "four stars or more" against "two or fewer", the mean over texts.

    Args:
        logits_B: of a linear head on the texts' vectors.
        is_positive_B: 1.0 or 0.0.
    """
    return functional.binary_cross_entropy_with_logits(logits_B.float(), is_positive_B)


def session_loss(
    left_BD: torch.Tensor, right_BD: torch.Tensor, left_id_B: torch.Tensor, right_id_B: torch.Tensor
) -> torch.Tensor:
    """Each text finds its partner among the partners of all others in the batch, both ways round.

    Args:
        left_BD, right_BD: vectors of length 1; row b of both were bought in one session.
        left_id_B, right_id_B: integer ids of the texts. The partner's own text in another pair, or the asking
            text itself, is no negative.

    Source:
        van den Oord et al. 2018, InfoNCE; Henderson et al. 2017 for negatives from the batch. Temperature as
        in Gao et al. 2021, SimCSE.
    """
    scores_BB = left_BD.float() @ right_BD.float().T / TEMPERATURE
    same_BB = (right_id_B[:, None] == right_id_B[None, :]) | (left_id_B[:, None] == right_id_B[None, :])
    back_BB = (left_id_B[:, None] == left_id_B[None, :]) | (right_id_B[:, None] == left_id_B[None, :])
    place_B = torch.arange(len(scores_BB), device=scores_BB.device)
    forth = functional.cross_entropy(_without(scores_BB, same_BB), place_B)
    back = functional.cross_entropy(_without(scores_BB.T, back_BB), place_B)
    return (forth + back) / 2


def _without(scores_BB: torch.Tensor, hidden_BB: torch.Tensor) -> torch.Tensor:
    own_BB = torch.eye(len(scores_BB), dtype=torch.bool, device=scores_BB.device)
    return scores_BB.masked_fill(hidden_BB & ~own_BB, float("-inf"))
