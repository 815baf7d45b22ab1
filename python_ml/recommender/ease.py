"""EASE for few users and many items, through the user-by-user Gram matrix.

With X (users x items), P = (X'X + l I)^-1 and M = (XX' + l I)^-1 one has X P = M X and
diag(P) = (1 - diag(X'MX)) / l, so X B = X - (M X) / diag(P): the item-by-item matrix is never formed.

Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019 (eq. 8 and 9); the identity is
Woodbury's.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.linalg import lapack

from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Explainer
from python_ml.recommender.threads import map_blocks

BLOCK_ITEMS = 4096
BLOCK_USERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class EaseSettings:
    """Settings of one EASE model.

    Args:
        l2: ridge penalty on the item weights.
        half_life_days: a purchase this old counts half; 0 = plain counts.
    """

    l2: float
    half_life_days: float


@dataclass(frozen=True, slots=True)
class UserGram:
    """The part of EASE that does not depend on l2, shared by every value of it.

    Args:
        x: (n_users, n_items) CSR float32, log(1 + decayed count).
        gram: (n_users, n_users) float64, XX'.
    """

    x: sparse.csr_matrix
    gram: np.ndarray

    @classmethod
    def of(cls, past: Interactions, half_life_days: float, *, now: float) -> "UserGram":
        """Multiply out the purchases before `now`."""
        x = past.matrix(now=now, half_life_days=half_life_days)
        x.data = np.log1p(x.data)
        by_item = x.T.tocsr()
        blocks = map_blocks(lambda rows: (x[rows] @ by_item).toarray(), x.shape[0], BLOCK_USERS)
        return cls(x.astype(np.float32), np.concatenate(blocks))


@dataclass(frozen=True, slots=True)
class Ease:
    """A fitted EASE.

    Args:
        x: (n_users, n_items) CSR float32.
        offset: (n_users, n_items) float32, -M X / diag(P): scores are X plus this.
        l2: the ridge penalty.
    """

    x: sparse.csr_matrix
    offset: np.ndarray
    l2: float

    @classmethod
    def fit(
        cls, past: Interactions, settings: EaseSettings, *, now: float, gram: UserGram | None = None
    ) -> "Ease":
        """Solve for one l2.

        Args:
            past: purchases before `now`.
            settings: penalty and decay.
            now: days since 1970-01-01.
            gram: that of the same purchases and half-life, when it is at hand.
        """
        gram = gram or UserGram.of(past, settings.half_life_days, now=now)
        mx = _product(_ridge_inverse(gram.gram, settings.l2).astype(np.float32), gram.x)
        user = np.repeat(np.arange(past.n_users), np.diff(gram.x.indptr))
        item = gram.x.indices
        explained = np.bincount(item, gram.x.data * mx[user, item].astype(np.float64), minlength=past.n_items)
        precision = (1.0 - explained) / settings.l2
        mx *= (-1.0 / precision).astype(np.float32)
        return cls(gram.x, mx, settings.l2)

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32, the rows of X B."""
        scores = self.offset[users]
        rows = self.x[users]
        row = np.repeat(np.arange(len(users)), np.diff(rows.indptr))
        scores[row, rows.indices] += rows.data
        return torch.from_numpy(scores)

    def explainer(self) -> Explainer:
        """Splits scores over the history: x_uh * B_hi, 0 where h = i."""
        columns = self.x.tocsc()

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            row = self.x[user]
            history = row.indices.astype(np.int64)
            # P_hi = -x_h' M x_i / l for h != i, and B_hi = -P_hi / P_ii.
            weight = (columns[:, history].T @ self.offset[:, items]) * (row.data[:, None] / -self.l2)
            weight[history[:, None] == items[None, :]] = 0.0
            return history, weight

        return contributions


def _ridge_inverse(gram: np.ndarray, l2: float) -> np.ndarray:
    """(gram + l2 I)^-1 by Cholesky: cheaper for each l2 than one eigendecomposition for three of them."""
    ridge = gram.copy(order="F")
    ridge[np.diag_indices_from(ridge)] += l2
    factor, failed = lapack.dpotrf(ridge, lower=1, overwrite_a=1)
    assert not failed, "a Gram matrix plus a positive ridge is positive definite"
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    return np.tril(inverse) + np.tril(inverse, -1).T


def _product(inverse: np.ndarray, x: sparse.csr_matrix) -> np.ndarray:
    """(n_users, n_items) float32, inverse @ x, by blocks of items."""
    by_item = x.T.tocsr()
    result = torch.empty(x.shape, dtype=torch.float32)

    def fill(items: slice) -> None:
        # Torch transposes in blocks, several times as fast as numpy.
        result[:, items].copy_(torch.from_numpy(by_item[items] @ inverse).t())

    map_blocks(fill, x.shape[1], BLOCK_ITEMS)
    return result.numpy()
