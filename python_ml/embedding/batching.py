"""Which texts are encoded together."""

import numpy as np


def plan_batches(lengths: np.ndarray, tokens_per_batch: int) -> list[np.ndarray]:
    """Group texts of like length, so that little of a batch is padding.

    Unsorted batches were four times slower: each is padded to its longest text.

    Args:
        lengths: integer (N,), tokens in each text.
        tokens_per_batch: texts x longest text of a batch stays at or under this. A text longer than the
            budget gets a batch of its own.

    Returns:
        Batches, longest texts first (what does not fit in memory shows at once), each an integer array of
        positions in `lengths`. Every position occurs exactly once.
    """
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        size = max(tokens_per_batch // longest, 1)
        batches.append(order[start : start + size])
        start += size
    return batches


def pad_batch(token_ids: list[list[int]], pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay token lists of a batch side by side.

    Args:
        token_ids: B lists of token ids.
        pad_id: the id that fills shorter texts up.

    Returns:
        ids int64 (B, L) and mask int64 (B, L), 1 for a token; L is the longest list.
    """
    longest = max((len(ids) for ids in token_ids), default=0)
    ids_BL = np.full((len(token_ids), longest), pad_id, dtype=np.int64)
    mask_BL = np.zeros((len(token_ids), longest), dtype=np.int64)
    for row, ids in enumerate(token_ids):
        ids_BL[row, : len(ids)] = ids
        mask_BL[row, : len(ids)] = 1
    return ids_BL, mask_BL
