"""Sequential kNN and the transformer together as a recommender of a shop: a weighted mean of their scores.

Scaled as in `blend_sequence`, but by the best item the user does not own, not by the best outside the
history: here what was looked at, and what was bought, may come again.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.explain import mix_explainers
from python_ml.recommender.judge import Explainer
from python_ml.recommender.ranking import best_outside
from python_ml.recommender.sequence.blend_sequence import SequenceBlendSettings, mix_scaled
from python_ml.recommender.sequence.sequential_knn import SequentialKnnSettings
from python_ml.recommender.sequence.sequential_recommender import SequentialRecommender
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer_recommender import TransformerRecommender


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerKnnSettings:
    """Settings of one blend.

    Args:
        blend: weight and temperature.
        sequential_knn: settings of the kNN.
        transformer: settings of the transformer.
    """

    blend: SequenceBlendSettings
    sequential_knn: SequentialKnnSettings
    transformer: SequenceTrainSettings


@dataclass(frozen=True, slots=True)
class TransformerKnn:
    """Two fitted models and how they are mixed.

    Args:
        knn: fitted on the same histories as
        transformer: the other one.
        owned: (n_users, n_items) CSR, what each user bought.
        settings: see there.
    """

    knn: SequentialRecommender
    transformer: TransformerRecommender
    owned: sparse.csr_matrix
    settings: SequenceBlendSettings

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32; 1 is both models' favourite among the items new to the user."""
        logits = self.transformer.score(users)
        counted = self.knn.score(users).to(logits.device)
        best_counted, best_logit = (best_outside(scores, self.owned, users) for scores in (counted, logits))
        return mix_scaled(counted, best_counted, logits, best_logit, self.settings)

    def explainer(self) -> Explainer:
        """Mixes what both models say."""
        weight = self.settings.knn_weight
        return mix_explainers((weight, self.knn.explainer()), (1.0 - weight, self.transformer.explainer()))
