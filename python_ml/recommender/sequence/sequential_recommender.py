"""Sequential kNN as a recommender of a shop: the order of everything a user bought or looked at is read."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.data import Interactions
from python_ml.recommender.item_knn import split_scores
from python_ml.recommender.judge import Explainer
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.sequential_knn import SequentialKnn


@dataclass(frozen=True, slots=True)
class SequentialRecommender:
    """A fitted sequential kNN and the histories it is asked about.

    Args:
        histories: of all users, looks and purchases alike: what a user looked at tells what comes next as
            well as what they bought.
        model: fitted on the same.
    """

    histories: Sequences
    model: SequentialKnn

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32, summed transitions from the user's history."""
        return self.model.score(self.histories.take(users))

    def sparse_scores(self, users: np.ndarray) -> sparse.csr_matrix:
        """(B, n_items) CSR float32, the same without the zeros."""
        return self.model.sparse_scores(self.histories.take(users))

    def explainer(self) -> Explainer:
        """Splits scores over the history."""
        length, decay = self.model.length, self.model.decay

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            recent = self.histories.take(np.array([user])).tail(length)
            history, place = np.unique(recent.item, return_inverse=True)
            weight = np.bincount(place, decay ** recent.back().astype(np.float64), len(history))
            return split_scores(history, weight, self.model.transition, items)

        return contributions


def histories_of(past: Interactions) -> Sequences:
    """Everything each user bought or looked at, earliest first."""
    return Sequences.of(past.user, past.item, past.day, n_users=past.n_users, n_items=past.n_items)
