"""How wrong the next-item vectors are about the items that came next.

A pair is a position of a history and an item that came after it: the very next one, or one of several with
less weight. All losses are means over pairs by weight; what depends on a position alone is computed once for
all its pairs.

Shapes: T positions, P pairs, N sampled negatives, D dimensions, C items of the catalogue.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from python_ml.recommender.sequence.sequences import Sequences

EXCLUDED = -1e9  # not -inf, whose gradient is nan where nothing else is left


@dataclass(frozen=True, slots=True)
class Pairs:
    """What came after which position.

    Args:
        position: (P,) int64 in [0, T).
        item: (P,) int64, what came after it.
        weight: (P,) float32, above 0.
    """

    position: torch.Tensor
    item: torch.Tensor
    weight: torch.Tensor

    def mean(self, loss_P: torch.Tensor) -> torch.Tensor:
        """Scalar mean by weight."""
        return (loss_P * self.weight).sum() / self.weight.sum()


def future_pairs(histories: Sequences, horizon: int, power: float, device: torch.device) -> Pairs:
    """Every item with each of the `horizon` items after it, weighing distance ** -power.

    Positions are those of `histories.without_last(1)`: nothing comes after the last items, and every history
    has one.

    With a horizon above 1 the network is asked what a user takes soon rather than only what they take next:
    the order of neighbouring items is largely chance, and rare items get more to learn from.
    """
    back, place, user = histories.back(), np.arange(len(histories.item)), histories.user
    found = [(place[back >= distance], distance) for distance in range(1, horizon + 1)]
    position = np.concatenate([earlier - user[earlier] for earlier, _ in found])
    item = np.concatenate([histories.item[earlier + distance] for earlier, distance in found])
    weight = np.concatenate([np.full(len(earlier), distance**-power) for earlier, distance in found])
    return Pairs(*(torch.from_numpy(part).to(device) for part in (position, item, weight.astype(np.float32))))


def pair_weight(histories: Sequences, horizon: int, power: float) -> float:
    """The sum of the weights of `future_pairs`, without making them."""
    size = histories.size
    return float(
        sum(np.maximum(size - distance, 0).sum() * distance**-power for distance in range(1, horizon + 1))
    )


def full_softmax(hidden_TD: torch.Tensor, item_CD: torch.Tensor, pairs: Pairs) -> torch.Tensor:
    """Cross-entropy over the whole catalogue.

    Args:
        hidden_TD: next-item vectors.
        item_CD: all item vectors.
        pairs: what came next.
    """
    logit_TC = (hidden_TD @ item_CD.T).float()
    total_T = logit_TC.logsumexp(1)
    return pairs.mean(total_T[pairs.position] - logit_TC[pairs.position, pairs.item])


def sampled_softmax(
    hidden_TD: torch.Tensor,
    target_PD: torch.Tensor,
    negative_ND: torch.Tensor,
    pairs: Pairs,
    negative_N: torch.Tensor,
    log_inclusion_N: torch.Tensor,
) -> torch.Tensor:
    """Cross-entropy over the target and a sample that all positions share.

    Args:
        hidden_TD: next-item vectors.
        target_PD: vectors of the pairs' items.
        negative_ND: vectors of the sample.
        pairs: what came next.
        negative_N: distinct items of the sample; a pair leaves out its own.
        log_inclusion_N: what is taken from their logits: with the log probability of being in the sample a
            negative stands for all those not drawn, and the loss estimates that over the catalogue.

    Source: Bengio and Senecal, "Adaptive importance sampling to accelerate training of a neural probabilistic
        language model", 2008.
    """
    target_P = _target_logits(hidden_TD, target_PD, pairs)
    negative_TN = (hidden_TD @ negative_ND.T).float() - log_inclusion_N
    rest_P = negative_TN.logsumexp(1)[pairs.position]
    # Few pairs find their own item in the sample: only theirs are summed again.
    clash = torch.isin(pairs.item, negative_N).nonzero()[:, 0]
    own_KN = negative_N == pairs.item[clash, None]
    again_K = negative_TN[pairs.position[clash]].masked_fill(own_KN, EXCLUDED).logsumexp(1)
    rest_P = rest_P.index_put((clash,), again_K)
    return pairs.mean(functional.softplus(rest_P - target_P))


def calibrated_cross_entropy(
    hidden_TD: torch.Tensor,
    target_PD: torch.Tensor,
    negative_ND: torch.Tensor,
    pairs: Pairs,
    negative_N: torch.Tensor,
    *,
    target_power: float,
) -> torch.Tensor:
    """-power * log sigmoid(target) - mean over negatives of log(1 - sigmoid(negative)).

    Arguments as for `sampled_softmax`.

    Args:
        target_power: 1 = binary cross-entropy; `calibration` makes up for leaving most negatives out.

    Source: Petrov and Macdonald, "gSASRec: reducing overconfidence in sequential recommendation trained with
        negative sampling", 2023; the negatives' mean instead of their sum keeps the two parts comparable
        when there are hundreds.
    """
    target_P = _target_logits(hidden_TD, target_PD, pairs)
    refused_TN = functional.softplus((hidden_TD @ negative_ND.T).float())
    own_PN = negative_N == pairs.item[:, None]
    refused_P = refused_TN.sum(1)[pairs.position] - (refused_TN[pairs.position] * own_PN).sum(1)
    refused_P = refused_P / (len(negative_N) - own_PN.sum(1)).clamp(min=1)
    return pairs.mean(target_power * functional.softplus(-target_P) + refused_P)


def calibration(sampling_rate: float, strength: float) -> float:
    """Power of the target's probability in `calibrated_cross_entropy`.

    Args:
        sampling_rate: negatives over catalogue, in (0, 1].
        strength: 0 = none, which is power 1; 1 = complete, which is power `sampling_rate`.
    """
    return sampling_rate * (strength * (1.0 - 1.0 / sampling_rate) + 1.0 / sampling_rate)


def _target_logits(hidden_TD: torch.Tensor, target_PD: torch.Tensor, pairs: Pairs) -> torch.Tensor:
    return (hidden_TD[pairs.position] * target_PD).sum(1, dtype=torch.float32)
