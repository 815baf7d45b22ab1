"""The torch recommender and EASE together: a weighted mean of their scores.

The two err differently: the towers generalise through text and low rank, EASE remembers exact pairs of
items. Each user's scores are divided by that user's best score among items they do not own, which puts both
models on one scale.
"""

from dataclasses import dataclass

import numpy as np
import torch

from python_ml.recommender.ease import Ease, EaseSettings
from python_ml.recommender.explain import mix_explainers
from python_ml.recommender.judge import Explainer
from python_ml.recommender.ranking import best_outside
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender, TwoTowerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendSettings:
    """Settings of one blend.

    Args:
        tower_weight: weight of the torch recommender, the rest is EASE's.
        two_tower: settings of the torch recommender.
        ease: settings of EASE.
    """

    tower_weight: float
    two_tower: TwoTowerSettings
    ease: EaseSettings


@dataclass(frozen=True, slots=True)
class Blend:
    """Two fitted models and the weight between them.

    Args:
        two_tower: fitted on the same purchases as
        ease: the other one.
        tower_weight: in [0, 1].
    """

    two_tower: TwoTowerRecommender
    ease: Ease
    tower_weight: float

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32; 1 is both models' favourite among the items new to the user."""
        return self.mix(self.two_tower.score(users), self.ease.score(users), users)

    def mix(self, of_tower: torch.Tensor, of_ease: torch.Tensor, users: np.ndarray) -> torch.Tensor:
        """As `score`, of what both models said of these users, which is written into."""
        mixed = self._scaled(of_tower, users).mul_(self.tower_weight)
        other = self._scaled(of_ease.to(mixed.device), users)
        return mixed.add_(other, alpha=1.0 - self.tower_weight)

    def explainer(self) -> Explainer:
        """Mixes what both models say."""
        return mix_explainers(
            (self.tower_weight, self.two_tower.explainer()), (1.0 - self.tower_weight, self.ease.explainer())
        )

    def _scaled(self, scores: torch.Tensor, users: np.ndarray) -> torch.Tensor:
        best = best_outside(scores, self.two_tower.repeat, users)
        # Nothing above zero is new to the user: leave the scores as they are.
        return scores.div_(torch.where(best > 0, best, torch.ones_like(best)))
