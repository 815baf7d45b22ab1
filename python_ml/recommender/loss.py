"""Losses over a few positives and a shared sample of negatives.

Both estimate the loss over the whole catalogue: a negative that was sampled with probability pi stands for
1 / pi items.

Shapes: B users, P positive pairs, N sampled negatives.
"""

import torch
from torch.nn import functional

EXCLUDED = -1e9


def sampled_softmax(
    positive_P: torch.Tensor,
    negative_BN: torch.Tensor,
    user_P: torch.Tensor,
    weight_P: torch.Tensor,
    log_inclusion_N: torch.Tensor,
    excluded_BN: torch.Tensor,
) -> torch.Tensor:
    """-sum_p w_p log(exp(s_p) / (exp(s_p) + sum_n exp(s_n) / pi_n)).

    Args:
        positive_P: logits of the positive pairs.
        negative_BN: logits of every user with every negative.
        user_P: int64 row of the pair's user.
        weight_P: weight of each pair; the loss is divided by their sum.
        log_inclusion_N: log(pi), the log probability that the negative is in the sample.
        excluded_BN: bool, pairs that are no negatives (the user has the item).

    Returns:
        Scalar.

    Source: Bengio and Senecal, "Adaptive importance sampling to accelerate training of a neural probabilistic
        language model", 2008; the logQ correction of Yi et al., RecSys 2019.
    """
    corrected_BN = (negative_BN - log_inclusion_N).masked_fill(excluded_BN, EXCLUDED)
    rest_P = torch.logsumexp(corrected_BN, dim=1)[user_P]
    return (weight_P * (torch.logaddexp(positive_P, rest_P) - positive_P)).sum() / weight_P.sum()


def binary_cross_entropy(
    positive_P: torch.Tensor,
    negative_BN: torch.Tensor,
    user_P: torch.Tensor,
    weight_P: torch.Tensor,
    log_inclusion_N: torch.Tensor,
    excluded_BN: torch.Tensor,
) -> torch.Tensor:
    """-sum_p w_p log(sigmoid(s_p)) - sum_b w_b sum_n log(1 - sigmoid(s_bn)) / pi_n, w_b a user's mean w_p.

    Arguments and return value as for `sampled_softmax`.
    """
    total_B = torch.zeros(len(negative_BN), device=weight_P.device).index_add_(0, user_P, weight_P)
    count_B = torch.zeros_like(total_B).index_add_(0, user_P, torch.ones_like(weight_P))
    mean_weight_B = total_B / count_B.clamp(min=1.0)
    refused_B = (
        (functional.softplus(negative_BN) * torch.exp(-log_inclusion_N)).masked_fill(excluded_BN, 0.0).sum(1)
    )
    bought = (weight_P * functional.softplus(-positive_P)).sum()
    return (bought + (mean_weight_B * refused_B).sum()) / weight_P.sum()


OBJECTIVES = {"sampled_softmax": sampled_softmax, "binary_cross_entropy": binary_cross_entropy}
