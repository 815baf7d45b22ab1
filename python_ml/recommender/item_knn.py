"""Item-kNN: items whose buyers overlap, by cosine or by BM25-weighted dot product, top K neighbours each.

An item counts among its own neighbours: on all purchases, having bought it is the best evidence there is.

Source: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", 2001; the BM25 weights
are those of Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, with items as documents
and users as terms.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Explainer
from python_ml.recommender.ranking import dense_part
from python_ml.recommender.threads import map_blocks

BM25_SATURATION = 1.2
BM25_LENGTH = 0.75
BLOCK_ITEMS = 1024
BLOCK_USERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKnnSettings:
    """Settings of one item-kNN.

    Args:
        weighting: "cosine" on bought or not, "bm25" on purchase counts.
        neighbours: how many neighbours an item keeps.
        min_buyers: items with fewer buyers have no neighbours and are nobody's neighbour.
    """

    weighting: str
    neighbours: int
    min_buyers: int


@dataclass(frozen=True, slots=True)
class ItemKnn:
    """A fitted item-kNN.

    Args:
        history: (n_users, n_items) CSR float32, the query rows.
        similarity: (n_items, n_items) CSR float32, `neighbours` entries a row.
    """

    history: sparse.csr_matrix
    similarity: sparse.csr_matrix

    @classmethod
    def fit(
        cls,
        past: Interactions,
        settings: ItemKnnSettings,
        *,
        now: float,
        widest: sparse.csr_matrix | None = None,
    ) -> "ItemKnn":
        """Find the neighbours.

        Args:
            past: purchases before `now`.
            settings: weighting and sizes.
            now: unused; every model takes it.
            widest: `neighbour_matrix` of the same purchases and weighting with at least as many neighbours.
        """
        history = query_matrix(past, settings.weighting)
        if widest is None:
            widest = neighbour_matrix(past, settings)
        return cls(history.astype(np.float32), keep_largest(widest, settings.neighbours))

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32, summed similarity to the user's history."""
        scores = np.empty((len(users), self.similarity.shape[1]), dtype=np.float32)

        def fill(rows: slice) -> None:
            (self.history[users[rows]] @ self.similarity).toarray(out=scores[rows])

        map_blocks(fill, len(users), BLOCK_USERS)
        return torch.from_numpy(scores)

    def sparse_scores(self, users: np.ndarray) -> sparse.csr_matrix:
        """(B, n_items) CSR float32, the same without the zeros."""
        return self.history[users] @ self.similarity

    def explainer(self) -> Explainer:
        """Splits scores over the history."""

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            row = self.history[user]
            return split_scores(row.indices.astype(np.int64), row.data, self.similarity, items)

        return contributions


def split_scores(
    history: np.ndarray, weight: np.ndarray, matrix: sparse.csr_matrix, items: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What an `Explainer` returns, of scores that are a user's row times a matrix.

    Args:
        history: (H,) int64, items of the row, none twice.
        weight: (H,) float, the numbers that stand there.
        matrix: (n_items, n_items) CSR float32.
        items: (K,) int64, none twice.
    """
    part = dense_part(matrix, history, items) * weight[:, None].astype(np.float32)
    part[history[:, None] == items[None, :]] = 0.0
    return history, part


def query_matrix(past: Interactions, weighting: str) -> sparse.csr_matrix:
    """(n_users, n_items) CSR float64: bought (1), less for a weaker sign, for cosine; counts for BM25."""
    return past.strongest() if weighting == "cosine" else past.matrix()


def item_vectors(past: Interactions, weighting: str) -> sparse.csr_matrix:
    """(n_items, n_users) CSR float64, rows whose dot products are the similarities."""
    counts = query_matrix(past, weighting).T.tocsr()
    if weighting == "cosine":
        square = np.asarray(counts.multiply(counts).sum(1)).ravel()
        return _scale_rows(counts, 1.0 / np.sqrt(np.where(square > 0, square, 1.0)))
    length = np.asarray(counts.sum(axis=1)).ravel()
    sold = length > 0
    inverse_frequency = np.log(sold.sum() / (1.0 + np.bincount(counts.indices, minlength=counts.shape[1])))
    norm = BM25_SATURATION * (1.0 - BM25_LENGTH + BM25_LENGTH * length / max(length[sold].mean(), 1e-12))
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    saturated = counts.data * (BM25_SATURATION + 1.0) / (norm[row] + counts.data)
    counts.data = saturated * inverse_frequency[counts.indices]
    return counts


def neighbour_matrix(past: Interactions, settings: ItemKnnSettings) -> sparse.csr_matrix:
    """(n_items, n_items) CSR float32 with the `neighbours` largest similarities of every row.

    Blocks of rows are multiplied and pruned one by one: the full item-by-item matrix never exists, only
    BLOCK_ITEMS x n_items entries of it at most on each thread.
    """
    vectors = item_vectors(past, settings.weighting).astype(np.float32)
    kept = np.flatnonzero(np.diff(vectors.indptr) >= settings.min_buyers)
    vectors = vectors[kept]
    columns = vectors.T.tocsr()

    blocks = map_blocks(
        lambda rows: keep_largest(vectors[rows] @ columns, settings.neighbours), len(kept), BLOCK_ITEMS
    )
    if not blocks:
        return sparse.csr_matrix((past.n_items, past.n_items), dtype=np.float32)
    pruned = sparse.vstack(blocks, format="coo")
    return sparse.csr_matrix(
        (pruned.data, (kept[pruned.row], kept[pruned.col])), shape=(past.n_items, past.n_items)
    )


def keep_largest(matrix: sparse.csr_matrix, k: int) -> sparse.csr_matrix:
    """The k largest entries of every row; equal entries by column index."""
    size = np.diff(matrix.indptr)
    if (size <= k).all():
        return matrix
    keep = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(size > k):
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        keep[start:end] = _largest(matrix.data[start:end], matrix.indices[start:end], k)
    row = np.repeat(np.arange(matrix.shape[0]), size)
    return sparse.csr_matrix(
        (matrix.data[keep], (row[keep], matrix.indices[keep])), shape=matrix.shape, dtype=matrix.dtype
    )


def _largest(value: np.ndarray, column: np.ndarray, k: int) -> np.ndarray:
    threshold = np.partition(value, len(value) - k)[len(value) - k]
    chosen = value > threshold
    level = np.flatnonzero(value == threshold)
    order = np.argsort(column[level], kind="stable")
    chosen[level[order[: k - int(chosen.sum())]]] = True
    return chosen


def _scale_rows(matrix: sparse.csr_matrix, factor: np.ndarray) -> sparse.csr_matrix:
    return (sparse.diags(factor) @ matrix).tocsr()
