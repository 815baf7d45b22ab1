"""The same group, a topic or a cohort, keeps its id from run to run.

Shapes: K groups now, P groups before.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment


def match_groups(similarity_KP: np.ndarray, min_similarity: float) -> list[int | None]:
    """The previous group that each group goes on from.

    One to one, the largest sum of similarities (Hungarian method). Pairs below the limit are worth nothing
    in that sum, so that a hopeless pair never takes a group from a good one.

    Args:
        similarity_KP: float.
        min_similarity: a pair below this is no match.

    Returns:
        Position of the previous group for each group, None for a new one.
    """
    worth_KP = np.where(similarity_KP >= min_similarity, similarity_KP, 0.0)
    now_M, before_M = linear_sum_assignment(worth_KP, maximize=True)
    matches: list[int | None] = [None] * len(similarity_KP)
    for now, before in zip(now_M.tolist(), before_M.tolist(), strict=True):
        if similarity_KP[now, before] >= min_similarity:
            matches[now] = before
    return matches


def assign_ids(
    matches: Sequence[int | None], previous_ids: Sequence[str], last_number: int, *, letter: str
) -> tuple[list[str], int]:
    """Ids of matched groups go on; new groups get numbers that no group ever had.

    Args:
        matches: from `match_groups`.
        previous_ids: P ids.
        last_number: the highest number ever given, by this or any run before.
        letter: ids begin with it.

    Returns:
        K ids (such as "t1"); the highest number given now.
    """
    ids = []
    for before in matches:
        if before is None:
            last_number += 1
            ids.append(f"{letter}{last_number}")
        else:
            ids.append(previous_ids[before])
    return ids, last_number
