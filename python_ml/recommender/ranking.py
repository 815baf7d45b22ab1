"""Exact top-k of dense score blocks, with ties broken by the lower item index, and parts of sparse ones."""

import numpy as np
import torch
from scipy import sparse

GROUP = 128  # items a group of `_largest`: a group's maximum is found in cache, at the speed of memory


def entries_of(
    matrix: sparse.csr_matrix, users: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where some users' entries of a sparse matrix lie in a dense block of those users.

    Args:
        matrix: (n_users, n_items) CSR.
        users: (B,) int64 row numbers.
        device: of the result.

    Returns:
        row (H,) int64 in [0, B); item (H,) int64.
    """
    rows = matrix[users]
    row = np.repeat(np.arange(len(users)), np.diff(rows.indptr))
    return torch.from_numpy(row).to(device), torch.from_numpy(rows.indices.astype(np.int64)).to(device)


def in_columns(rows: sparse.csr_matrix, columns: np.ndarray) -> sparse.csr_matrix:
    """Some columns of a few rows: `rows[:, columns]`, in time that does not grow with the number of columns.

    Args:
        rows: (B, n_items) CSR.
        columns: (C,) int64, ascending, none twice.

    Returns:
        (B, C) CSR of the same numbers.
    """
    place = np.searchsorted(columns, rows.indices)
    is_in = np.append(columns, -1)[place] == rows.indices
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))[is_in]
    return sparse.csr_matrix((rows.data[is_in], (row, place[is_in])), shape=(rows.shape[0], len(columns)))


def dense_part(matrix: sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(R, C) float32, a few rows and columns of a sparse matrix.

    Asked for once for every user, and so without scipy's indexing, ten times as slow for so little.

    Args:
        matrix: (n, m) CSR.
        rows: (R,) int64.
        columns: (C,) int64, none twice.
    """
    size = matrix.indptr[rows + 1] - matrix.indptr[rows]
    row = np.repeat(np.arange(len(rows)), size)
    entry = np.arange(len(row)) + np.repeat(matrix.indptr[rows] - (np.cumsum(size) - size), size)
    order = np.argsort(columns)
    ascending = np.append(columns[order], -1)
    place = np.searchsorted(ascending[:-1], matrix.indices[entry])
    is_in = ascending[place] == matrix.indices[entry]
    part = np.zeros((len(rows), len(columns)), np.float32)
    part[row[is_in], order[place[is_in]]] = matrix.data[entry[is_in]]
    return part


def mask_items(scores: torch.Tensor, owned: sparse.csr_matrix, users: np.ndarray) -> None:
    """Set the scores of items the users already own to -inf, in place.

    Args:
        scores: (B, n_items) float32.
        owned: (n_users, n_items) CSR.
        users: (B,) int64 row numbers in `owned`.
    """
    scores[entries_of(owned, users, scores.device)] = -torch.inf


def best_outside(scores: torch.Tensor, owned: sparse.csr_matrix, users: np.ndarray) -> torch.Tensor:
    """(B, 1) float32, the best score of each row among the items the user does not own, -inf without any.

    Args:
        scores: (B, n_items) float32.
        owned: (n_users, n_items) CSR.
        users: (B,) int64 row numbers in `owned`.
    """
    place = entries_of(owned, users, scores.device)
    kept = scores[place]
    scores[place] = -torch.inf  # in place and put back: a block is large
    best = scores.amax(dim=1, keepdim=True)
    scores[place] = kept
    return best


def top_k(scores: torch.Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best items of every row.

    Args:
        scores: (B, n_items) float32; -inf means never.
        k: wanted length; the result is shorter when the catalogue is.

    Returns:
        items (B, min(k, n_items)) int64, -1 where only -inf was left; their scores, float32. Best first,
        equal scores by item index.
    """
    k = min(k, scores.shape[1])
    if k == 0:
        return np.empty((len(scores), 0), np.int64), np.empty((len(scores), 0), np.float32)
    # One more than wanted shows which rows tie at the last place; counting ties costs ten times as much.
    value, item = _largest(scores, min(k + 1, scores.shape[1]))
    tied = value[:, -1] == value[:, k - 1] if value.shape[1] > k else torch.zeros(0)
    value, item = value[:, :k], item[:, :k]
    for row in torch.nonzero(tied).ravel().tolist():
        _settle_last_place(scores[row], value[row], item[row])
    value, item = value.cpu().numpy(), item.cpu().numpy()
    order = np.lexsort((item, -value), axis=1)
    value, item = np.take_along_axis(value, order, 1), np.take_along_axis(item, order, 1)
    return np.where(np.isneginf(value), -1, item), value


def _largest(scores: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k largest values of every row and where they are, as of `torch.topk`, several times as fast.

    Whatever is among the k largest is in one of the k groups of the largest maxima: of every other group,
    k values elsewhere are at least as large as its maximum. So only those groups are looked into.
    """
    rows, columns = scores.shape
    groups = columns // GROUP
    if groups <= 2 * k or scores.device.type != "cpu":  # little is left out, or the device sorts at once
        return torch.topk(scores, k, dim=1)
    grouped = scores[:, : groups * GROUP].unflatten(1, (groups, GROUP))
    best = torch.topk(grouped.amax(dim=2), k, dim=1).indices
    inside = grouped[torch.arange(rows)[:, None], best].flatten(1)
    candidates = torch.cat([inside, scores[:, groups * GROUP :]], dim=1)  # what is left of the last group
    value, place = torch.topk(candidates, k, dim=1)
    within = place < k * GROUP
    group = best.gather(1, torch.where(within, place // GROUP, 0))
    rest = place - k * GROUP + groups * GROUP
    return value, torch.where(within, group * GROUP + place % GROUP, rest)


def _settle_last_place(scores: torch.Tensor, value: torch.Tensor, item: torch.Tensor) -> None:
    # topk picks any of the items that tie at the last place: take those with the lowest index instead.
    last = value == value[-1]
    item[last] = torch.nonzero(scores == value[-1]).ravel()[: int(last.sum())]
