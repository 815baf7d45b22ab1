"""Interactions as arrays and as a sparse user-by-item matrix. Users and items are dense indices here.

Everything is sorted on the way in, so the order of the rows a caller hands over never matters.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True, slots=True)
class Interactions:
    """Purchases as parallel arrays, sorted by (user, item, day).

    Args:
        user: (M,) int64 in [0, n_users).
        item: (M,) int64 in [0, n_items).
        day: (M,) float64, days since 1970-01-01 UTC.
        weight: (M,) float64, how much one row counts.
        n_users: number of users, those without purchases included.
        n_items: size of the catalogue, never-sold items included.
    """

    user: np.ndarray
    item: np.ndarray
    day: np.ndarray
    weight: np.ndarray
    n_users: int
    n_items: int

    @classmethod
    def of(cls, user, item, day, weight, *, n_users: int, n_items: int) -> "Interactions":
        """Sort the rows; see the class for the arguments."""
        order = np.lexsort((weight, day, item, user))
        return cls(
            np.asarray(user, np.int64)[order],
            np.asarray(item, np.int64)[order],
            np.asarray(day, np.float64)[order],
            np.asarray(weight, np.float64)[order],
            n_users,
            n_items,
        )

    def __len__(self) -> int:
        return len(self.user)

    def between(self, start: float, end: float) -> "Interactions":
        """The rows with start <= day < end (days since 1970-01-01)."""
        keep = (self.day >= start) & (self.day < end)
        return Interactions(
            self.user[keep], self.item[keep], self.day[keep], self.weight[keep], self.n_users, self.n_items
        )

    def before(self, cut: float) -> "Interactions":
        """The rows with day < cut."""
        return self.between(-np.inf, cut)

    def matrix(self, *, now: float = 0.0, half_life_days: float = 0.0) -> sparse.csr_matrix:
        """Decayed purchase weight of every (user, item) pair.

        Args:
            now: the day the decay counts back from; unused without decay.
            half_life_days: a purchase this old counts half; 0 = no decay.

        Returns:
            (n_users, n_items) float64 CSR with sorted indices.
        """
        value = self.weight
        if half_life_days > 0:
            value = value * np.exp2(-(now - self.day) / half_life_days)
        matrix = sparse.csr_matrix((value, (self.user, self.item)), shape=(self.n_users, self.n_items))
        matrix.sum_duplicates()
        return matrix

    def pairs(self) -> sparse.csr_matrix:
        """(n_users, n_items) float64 CSR, 1 where the user bought the item at least once."""
        matrix = self.matrix()
        matrix.data[:] = 1.0
        return matrix

    def buyers(self) -> np.ndarray:
        """(n_items,) float64, distinct users of every item."""
        return np.asarray(self.pairs().sum(axis=0)).ravel()


def is_entry(pairs: sparse.csr_matrix, other: sparse.csr_matrix) -> np.ndarray:
    """Which entries of one matrix are also entries of another.

    Args:
        pairs, other: CSR of one shape, indices sorted.

    Returns:
        (nnz of `pairs`,) bool.
    """
    key, known = _keys(pairs), _keys(other)
    if len(known) == 0:
        return np.zeros(len(key), dtype=bool)
    return known[np.minimum(np.searchsorted(known, key), len(known) - 1)] == key


def _keys(matrix: sparse.csr_matrix) -> np.ndarray:
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return row * matrix.shape[1] + matrix.indices


@dataclass(frozen=True, slots=True)
class TextVectors:
    """What is known of every item from its text alone.

    Args:
        vectors: (V, T) float32, unit length, one row for each distinct text.
        of_item: (n_items,) int64 row of the item's text in `vectors`, -1 where it has none.
    """

    vectors: np.ndarray
    of_item: np.ndarray
