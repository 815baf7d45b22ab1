"""Sequential kNN and the transformer together: a weighted mean of their scores.

The two err differently: the kNN remembers pairs of items that were bought one after the other, the
transformer generalises over the whole history. Each history's scores are scaled so that its best item outside
the history has 1: the kNN's by division, the transformer's, which are log odds, by a softmax that is
flattened by a temperature. Weight and temperature are those that rank the validation items best.

Tried and lost on the validation items of Amazon Beauty: shares of a whole instead of the best item's (NDCG@10
-.0013), adding logarithms (-.0014), and as a third model a ridge regression of what comes later on what came
before (-.0005 at its best weight above zero; Choi et al., "Session-aware linear item-item models", 2021).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from python_ml.recommender.sequence.judge_next import (
    BLOCK_USERS,
    NextScorer,
    block_ranks,
    mask_histories,
    ndcg_of,
)
from python_ml.recommender.sequence.sequences import NextItems, Sequences

WEIGHTS = tuple(step / 10 for step in range(11))
TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0)
JUDGED_USERS = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceBlendSettings:
    """Settings of one blend.

    Args:
        knn_weight: weight of the kNN in [0, 1], the rest is the transformer's.
        temperature: what the transformer's logits are divided by, above 0.
    """

    knn_weight: float
    temperature: float


@dataclass(frozen=True, slots=True)
class SequenceBlend:
    """Two fitted models and how they are mixed.

    Args:
        knn: scores at least 0, where 0 is nothing.
        transformer: scores are logits.
        settings: see there.
    """

    knn: NextScorer
    transformer: NextScorer
    settings: SequenceBlendSettings

    def score(self, histories: Sequences) -> torch.Tensor:
        """(B, n_items) float32; 1 is both models' favourite. Items of the history score -inf."""
        counted, logits = masked_scores(self.knn, self.transformer, histories)
        return mix(counted, logits, self.settings)


def masked_scores(
    knn: NextScorer, transformer: NextScorer, histories: Sequences
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, n_items) float32 of both models, -inf for the items of the histories."""
    logits = transformer.score(histories)
    counted = knn.score(histories).to(logits.device)
    for scores in (counted, logits):
        mask_histories(scores, histories)
    return counted, logits


def mix(counted: torch.Tensor, logits: torch.Tensor, settings: SequenceBlendSettings) -> torch.Tensor:
    """What `SequenceBlend.score` returns, from `masked_scores`."""
    best_counted, best_logit = counted.amax(1, keepdim=True), logits.amax(1, keepdim=True)
    return mix_scaled(counted.clamp(min=0.0), best_counted, logits, best_logit, settings) + _hidden(logits)


def mix_scaled(
    counted: torch.Tensor,
    best_counted: torch.Tensor,
    logits: torch.Tensor,
    best_logit: torch.Tensor,
    settings: SequenceBlendSettings,
) -> torch.Tensor:
    """The weighted mean of two models' scores, on a scale where those named best are 1.

    Logits above the best go on in a straight line instead of exponentially, which keeps their order: an item
    that is not looked for may have far more than the best of those that are.

    Args:
        counted, logits: (B, n_items) float32 of the kNN, at least 0, and of the transformer.
        best_counted, best_logit: (B, 1) of each row; not above 0, or -inf, where there is none.
        settings: see there.
    """
    counted = counted / torch.where(best_counted > 0, best_counted, 1.0)
    gap = (logits - torch.where(best_logit.isfinite(), best_logit, 0.0)) / settings.temperature
    shares = torch.where(gap > 0, 1.0 + gap, torch.exp(gap.clamp(max=0.0)))
    return settings.knn_weight * counted + (1.0 - settings.knn_weight) * shares


def _hidden(masked: torch.Tensor) -> torch.Tensor:
    return torch.where(masked == -torch.inf, -torch.inf, 0.0)


def choose_blend(
    knn: NextScorer, transformer: NextScorer, validation: NextItems, *, seed: int
) -> tuple[SequenceBlendSettings, float]:
    """The blend that ranks the items of at most JUDGED_USERS validation users best.

    Args:
        knn, transformer: fitted without the validation items.
        validation: what is ranked.
        seed: draws the users.

    Returns:
        settings, of equals those with the least weight and temperature; their NDCG@10.
    """
    tried = [
        SequenceBlendSettings(knn_weight=weight, temperature=temperature)
        for weight, temperature in product(WEIGHTS, TEMPERATURES)
    ]
    users = np.random.default_rng(seed).permutation(len(validation.target))[:JUDGED_USERS]
    gain = np.zeros(len(tried))
    for start in range(0, len(users), BLOCK_USERS):
        block = users[start : start + BLOCK_USERS]
        histories = validation.history.take(block)
        counted, logits = masked_scores(knn, transformer, histories)
        for place, settings in enumerate(tried):
            rank = block_ranks(mix(counted, logits, settings), histories, validation.target[block])
            gain[place] += ndcg_of(rank).sum()
    best = int(gain.argmax())
    return tried[best], float(gain[best] / max(len(users), 1))
