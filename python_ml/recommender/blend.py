"""The torch recommender and EASE together: a weighted mean of their scores.

The two err differently: the towers generalise through text and low rank, EASE remembers exact pairs of
items. Each user's scores are divided by that user's best score among items they do not own, which puts both
models on one scale.
"""

from dataclasses import dataclass

import numpy as np
import torch

from python_ml.recommender.ease import Ease, EaseSettings
from python_ml.recommender.judge import Explainer
from python_ml.recommender.ranking import entries_of
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
        """Mixes what both models say, each scaled to a largest contribution of 1 to an item."""
        of_tower, of_ease = self.two_tower.explainer(), self.ease.explainer()

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            history, tower = of_tower(user, items)
            other_history, other = of_ease(user, items)
            assert np.array_equal(history, other_history)
            largest = [np.maximum(part.max(axis=0, initial=0.0), 1e-12) for part in (tower, other)]
            mixed = self.tower_weight * tower / largest[0] + (1.0 - self.tower_weight) * other / largest[1]
            return history, mixed.astype(np.float32)

        return contributions

    def _scaled(self, scores: torch.Tensor, users: np.ndarray) -> torch.Tensor:
        row, item = entries_of(self.two_tower.repeat, users, scores.device)
        owned = scores[row, item]
        scores[row, item] = -torch.inf
        best = scores.amax(dim=1, keepdim=True)
        scores[row, item] = owned
        # Nothing above zero is new to the user: leave the scores as they are.
        return scores.div_(torch.where(best > 0, best, torch.ones_like(best)))
