"""Interactions as arrays and as a sparse user-by-item matrix. Users and items are dense indices here.

What a model learns from is every interaction by its weight; what a user owns, what is to be foreseen and who
counts as a buyer are purchases alone. Where a shop logs nothing but purchases the two are the same.

Everything is sorted on the way in, so the order of the rows a caller hands over never matters.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True, slots=True)
class Interactions:
    """Purchases, and weaker signs of interest such as views, as parallel arrays, sorted by (user, item, day).

    Args:
        user: (M,) int64 in [0, n_users).
        item: (M,) int64 in [0, n_items).
        day: (M,) float64, days since 1970-01-01 UTC.
        weight: (M,) float64, how much one row counts; 1 for a purchase.
        is_purchase: (M,) bool.
        n_users: number of users, those without interactions included.
        n_items: size of the catalogue, never-sold items included.
    """

    user: np.ndarray
    item: np.ndarray
    day: np.ndarray
    weight: np.ndarray
    is_purchase: np.ndarray
    n_users: int
    n_items: int

    @classmethod
    def of(cls, user, item, day, weight, *, n_users: int, n_items: int, is_purchase=None) -> "Interactions":
        """Sort the rows; see the class for the arguments. Without `is_purchase` every row is one."""
        is_purchase = np.ones(len(user), bool) if is_purchase is None else np.asarray(is_purchase, bool)
        order = np.lexsort((is_purchase, weight, day, item, user))
        return cls(
            np.asarray(user, np.int64)[order],
            np.asarray(item, np.int64)[order],
            np.asarray(day, np.float64)[order],
            np.asarray(weight, np.float64)[order],
            is_purchase[order],
            n_users,
            n_items,
        )

    def __len__(self) -> int:
        return len(self.user)

    def between(self, start: float, end: float) -> "Interactions":
        """The rows with start <= day < end (days since 1970-01-01)."""
        return self._where((self.day >= start) & (self.day < end))

    def before(self, cut: float) -> "Interactions":
        """The rows with day < cut."""
        return self.between(-np.inf, cut)

    def of_users(self, start: int, end: int) -> "Interactions":
        """The rows of the users from `start` up to `end`, who are numbered from 0; no copy is made."""
        rows = slice(*np.searchsorted(self.user, (start, end)))
        return Interactions(
            self.user[rows] - start,
            self.item[rows],
            self.day[rows],
            self.weight[rows],
            self.is_purchase[rows],
            end - start,
            self.n_items,
        )

    def of_sample(self, users: int, seed: int) -> "Interactions":
        """The rows of so many users drawn at random, or all of them; users keep their numbers."""
        known = np.unique(self.user)
        if len(known) <= users:
            return self
        drawn = np.zeros(self.n_users, dtype=bool)
        drawn[np.random.default_rng(seed).choice(known, users, replace=False)] = True
        return self._where(drawn[self.user])

    def purchases(self) -> "Interactions":
        """The rows that are purchases."""
        return self if self.is_purchase.all() else self._where(self.is_purchase)

    def _where(self, keep: np.ndarray) -> "Interactions":
        return Interactions(
            self.user[keep],
            self.item[keep],
            self.day[keep],
            self.weight[keep],
            self.is_purchase[keep],
            self.n_users,
            self.n_items,
        )

    def matrix(self, *, now: float = 0.0, half_life_days: float = 0.0) -> sparse.csr_matrix:
        """Decayed weight of every (user, item) pair, purchases and weaker signs together.

        Args:
            now: the day the decay counts back from; unused without decay.
            half_life_days: what is this old counts half; 0 = no decay.

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
        matrix = self.purchases().matrix()
        matrix.data[:] = 1.0
        return matrix

    def strongest(self) -> sparse.csr_matrix:
        """(n_users, n_items) float64 CSR, the weight of every pair's strongest sign: 1 if it was bought."""
        matrix = self.matrix()
        row = np.repeat(np.arange(self.n_users), np.diff(matrix.indptr))
        # Rows are sorted by (user, item, ...): each pair is one run, in the order of the matrix's entries.
        start = np.searchsorted(self.user * self.n_items + self.item, row * self.n_items + matrix.indices)
        if len(start):
            matrix.data = np.maximum.reduceat(self.weight, start)
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
