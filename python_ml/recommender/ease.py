"""EASE through the smaller of two Gram matrices: by items (its own form), or by users where they are fewer.

With X (users x items), P = (X'X + l I)^-1 and B = I - P / diag(P), the scores are X B. By users, with
M = (XX' + l I)^-1 one has X P = M X and diag(P) = (1 - diag(X'MX)) / l, so X B = X - (M X) / diag(P): the
item-by-item matrix is never formed. Both are exact; what differs is rounding.

Memory, with U users and I items that have any interaction (the others have neither row nor column), and
n = min(U, I): n x n float64 twice and float32 once while solving, and n x I float32 that are kept; a shop for
which that is too much has no EASE (`too_large`).

Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019 (eq. 8 and 9); the identity is
Woodbury's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.linalg import lapack

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Explainer
from python_ml.recommender.threads import map_blocks

BLOCK_ITEMS = 4096
BLOCK_ROWS = 256
FLOAT32_BYTES = 4

# Called with places of H history items, places of K items and the history's amounts (H, 1): (H, K) float32.
Weigher = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class EaseSettings:
    """Settings of one EASE model.

    Args:
        l2: ridge penalty on the item weights.
        half_life_days: a purchase this old counts half; 0 = plain counts.
    """

    l2: float
    half_life_days: float


def too_large(past: Interactions, config: RecommenderConfig) -> str | None:
    """Why EASE is not fitted to these interactions, or None: fewer of them never need more.

    Args:
        past: all that will ever be fitted.
        config: for `ease_max_side` and `ease_max_bytes`.
    """
    users, items = len(np.unique(past.user)), len(np.unique(past.item))
    what = f"{users:,} users by {items:,} items"
    side = min(users, items)
    if side > config.ease_max_side:
        return (
            f"{what}: a matrix of side {side:,} to invert; at most {config.ease_max_side:,} (ease_max_side)"
        )
    size = side * items * FLOAT32_BYTES
    if size > config.ease_max_bytes:
        return (
            f"{what}: a matrix of {size:,} bytes to keep; at most {config.ease_max_bytes:,} (ease_max_bytes)"
        )
    return None


@dataclass(frozen=True, slots=True)
class Gram:
    """The part of EASE that does not depend on l2, shared by every value of it.

    U users and I items have interactions.

    Args:
        x: (n_users, n_items) CSR float32, log(1 + decayed count).
        users: (U,) int64.
        items: (I,) int64.
        by_items: which of the two forms.
        product: float64, X'X (I, I) by items, XX' (U, U) by users.
    """

    x: sparse.csr_matrix
    users: np.ndarray
    items: np.ndarray
    by_items: bool
    product: np.ndarray

    @classmethod
    def of(
        cls, past: Interactions, half_life_days: float, *, now: float, by_items: bool | None = None
    ) -> "Gram":
        """Multiply out the interactions before `now`.

        Args:
            past: interactions before `now`.
            half_life_days: see the settings.
            now: days since 1970-01-01.
            by_items: None takes the smaller form.
        """
        x = past.matrix(now=now, half_life_days=half_life_days)
        x.data = np.log1p(x.data)
        users, items = np.unique(past.user), np.unique(past.item)
        by_items = len(items) < len(users) if by_items is None else by_items
        dense = x[users][:, items]
        left, right = (dense.T.tocsr(), dense) if by_items else (dense, dense.T.tocsr())
        product = np.empty((left.shape[0], left.shape[0]))
        map_blocks(lambda rows: (left[rows] @ right).toarray(out=product[rows]), left.shape[0], BLOCK_ROWS)
        return cls(x.astype(np.float32), users, items, by_items, product)

    def compact(self) -> sparse.csr_matrix:
        """(U, I) CSR float32, x without empty rows and columns."""
        return self.x[self.users][:, self.items]


@dataclass(frozen=True, slots=True)
class Ease(ABC):
    """A fitted EASE of either form.

    Args:
        x: (n_users, n_items) CSR float32.
        items: (I,) int64, items with interactions; the others score 0.
        place: (n_items,) int64 position in `items`, -1 = none.
    """

    x: sparse.csr_matrix
    items: np.ndarray
    place: np.ndarray

    @staticmethod
    def fit(past: Interactions, settings: EaseSettings, *, now: float, gram: Gram | None = None) -> "Ease":
        """Solve for one l2, in the form of the Gram matrix.

        Args:
            past: purchases before `now`.
            settings: penalty and decay.
            now: days since 1970-01-01.
            gram: that of the same purchases and half-life, when it is at hand.
        """
        gram = gram or Gram.of(past, settings.half_life_days, now=now)
        place = _places(gram.items, past.n_items)
        if gram.by_items:
            return EaseByItems(gram.x, gram.items, place, _item_weights(gram.product, settings.l2))
        offset = _user_offset(gram, settings.l2)
        row_of = _places(gram.users, past.n_users)
        return EaseByUsers(gram.x, gram.items, place, offset, gram.users, row_of, settings.l2)

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32, the rows of X B."""
        scores = np.zeros((len(users), len(self.place)), np.float32)
        rows = self.x[users]
        shape = (len(users), len(self.items))
        rows = sparse.csr_matrix((rows.data, self.place[rows.indices], rows.indptr), shape=shape)
        scores[:, self.items] = self._score_sold(users, rows)
        return torch.from_numpy(scores)

    @abstractmethod
    def _score_sold(self, users: np.ndarray, rows: sparse.csr_matrix) -> np.ndarray:
        """(B, I) float32 scores of users whose rows of x, on these items, are (B, I) CSR."""

    @abstractmethod
    def _weigher(self) -> Weigher:
        """What each of some items in a history adds to each of some others."""

    def explainer(self) -> Explainer:
        """Splits scores over the history: x_uh * B_hi, 0 where h = i."""
        weigh = self._weigher()

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            row = self.x[user]
            history = row.indices.astype(np.int64)
            weight = np.zeros((len(history), len(items)), np.float32)
            sold = self.place[items] >= 0
            weight[:, sold] = weigh(self.place[history], self.place[items[sold]], row.data[:, None])
            weight[history[:, None] == items[None, :]] = 0.0
            return history, weight

        return contributions


@dataclass(frozen=True, slots=True)
class EaseByItems(Ease):
    """A fitted EASE of fewer items than users.

    Args:
        weights: (I, I) float32, B between the items with interactions.
    """

    weights: np.ndarray

    def _score_sold(self, users: np.ndarray, rows: sparse.csr_matrix) -> np.ndarray:
        del users
        return rows @ self.weights

    def _weigher(self) -> Weigher:
        return lambda history, items, amount: self.weights[np.ix_(history, items)] * amount


@dataclass(frozen=True, slots=True)
class EaseByUsers(Ease):
    """A fitted EASE of at least as many items as users.

    Args:
        offset: (U, I) float32, -M X / diag(P): scores are X plus this.
        users: (U,) int64, users with interactions.
        row_of: (n_users,) int64 position in `users`, -1 = none.
        l2: the ridge penalty.
    """

    offset: np.ndarray
    users: np.ndarray
    row_of: np.ndarray
    l2: float

    def _score_sold(self, users: np.ndarray, rows: sparse.csr_matrix) -> np.ndarray:
        place = self.row_of[users]
        scores = self.offset[place]
        scores[place < 0] = 0.0
        row = np.repeat(np.arange(len(users)), np.diff(rows.indptr))
        scores[row, rows.indices] += rows.data
        return scores

    def _weigher(self) -> Weigher:
        columns = self.x[self.users][:, self.items].tocsc()

        def weigh(history: np.ndarray, items: np.ndarray, amount: np.ndarray) -> np.ndarray:
            # P_hi = -x_h' M x_i / l for h != i, and B_hi = -P_hi / P_ii.
            return (columns[:, history].T @ self.offset[:, items]) * (amount / -self.l2)

        return weigh


def _places(kept: np.ndarray, count: int) -> np.ndarray:
    """(count,) int64 position of each number among the kept ones, -1 = not kept."""
    place = np.full(count, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return place


def _item_weights(product: np.ndarray, l2: float) -> np.ndarray:
    """(I, I) float32, B."""
    weights, diagonal = _ridge_inverse(product, l2)
    weights *= (-1.0 / diagonal).astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    return weights


def _user_offset(gram: Gram, l2: float) -> np.ndarray:
    """(U, I) float32, -M X / diag(P)."""
    x = gram.compact()
    mx = _product(_ridge_inverse(gram.product, l2)[0], x)
    user = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    explained = np.bincount(x.indices, x.data * mx[user, x.indices].astype(np.float64), minlength=x.shape[1])
    precision = (1.0 - explained) / l2
    mx *= (-1.0 / precision).astype(np.float32)
    return mx


def _ridge_inverse(gram: np.ndarray, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """(gram + l2 I)^-1 by Cholesky: cheaper for each l2 than one eigendecomposition for three of them.

    Returns:
        the inverse, float32; its diagonal, float64. At most one float64 and one float32 array of the size of
        `gram` are made.
    """
    inverse = gram.copy(order="F")
    if not len(inverse):
        return inverse.astype(np.float32), np.empty(0)
    inverse[np.diag_indices_from(inverse)] += l2
    inverse, failed = lapack.dpotrf(inverse, lower=1, overwrite_a=1)
    assert not failed, "a Gram matrix plus a positive ridge is positive definite"
    inverse, _ = lapack.dpotri(inverse, lower=1, overwrite_c=1)
    # Only the lower triangle is written; the upper one mirrors it.
    whole = np.empty(inverse.shape, np.float32)
    for start in range(0, len(whole), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        whole[rows, :start] = inverse[rows, :start]
        whole[:start, rows] = inverse[rows, :start].T
        corner = np.tril(inverse[rows, rows])
        whole[rows, rows] = corner + np.tril(corner, -1).T
    return whole, inverse.diagonal().copy()


def _product(inverse: np.ndarray, x: sparse.csr_matrix) -> np.ndarray:
    """(U, I) float32, inverse @ x, by blocks of items."""
    by_item = x.T.tocsr()
    result = torch.empty(x.shape, dtype=torch.float32)

    def fill(items: slice) -> None:
        # Torch transposes in blocks, several times as fast as numpy.
        result[:, items].copy_(torch.from_numpy(by_item[items] @ inverse).t())

    map_blocks(fill, x.shape[1], BLOCK_ITEMS)
    return result.numpy()
