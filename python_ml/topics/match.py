"""The same topic keeps its id from run to run.

Shapes: K topics now, P topics before, D dimensions, V words.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from python_ml.embedding.vectors import to_unit_length

OUTLIER = "outlier"


def centre_similarity(centres_KD: np.ndarray, previous_PD: np.ndarray, mean_D: np.ndarray) -> np.ndarray:
    """Cosine of topic centres, seen from the mean of all texts.

    Encoders put all texts into one narrow cone: from the origin any two centres look alike (0.9 and more).

    Args:
        centres_KD, previous_PD: means of the vectors of each topic.
        mean_D: the previous mean of all vectors, the one place both are seen from.

    Returns:
        float64 (K, P), -1..1; 0 for a centre at the mean itself.
    """
    now_KD = to_unit_length((centres_KD - mean_D).astype(np.float64))
    before_PD = to_unit_length((previous_PD - mean_D).astype(np.float64))
    return now_KD @ before_PD.T


def word_similarity(words: Sequence[Sequence[str]], previous: Sequence[Sequence[str]]) -> np.ndarray:
    """Share of words that two topics have in common: intersection / union (Jaccard).

    Returns:
        float64 (K, P), 0..1; 0 for two topics without words.
    """
    similarity_KP = np.zeros((len(words), len(previous)))
    for now, own in enumerate(map(set, words)):
        for before, other in enumerate(map(set, previous)):
            similarity_KP[now, before] = len(own & other) / max(len(own | other), 1)
    return similarity_KP


def match_topics(similarity_KP: np.ndarray, min_similarity: float) -> list[int | None]:
    """The previous topic that each topic goes on from.

    One to one, the largest sum of similarities (Hungarian method). Pairs below the limit are worth nothing
    in that sum, so that a hopeless pair never takes a topic from a good one.

    Args:
        similarity_KP: float.
        min_similarity: a pair below this is no match.

    Returns:
        Position of the previous topic for each topic, None for a new one.
    """
    worth_KP = np.where(similarity_KP >= min_similarity, similarity_KP, 0.0)
    now_M, before_M = linear_sum_assignment(worth_KP, maximize=True)
    matches: list[int | None] = [None] * len(similarity_KP)
    for now, before in zip(now_M.tolist(), before_M.tolist(), strict=True):
        if similarity_KP[now, before] >= min_similarity:
            matches[now] = before
    return matches


def assign_ids(
    matches: Sequence[int | None], previous_ids: Sequence[str], last_number: int
) -> tuple[list[str], int]:
    """Ids of matched topics go on; new topics get numbers that no topic ever had.

    Args:
        matches: from `match_topics`.
        previous_ids: P ids.
        last_number: the highest number ever given, by this or any run before.

    Returns:
        K ids ("t1"); the highest number given now.
    """
    ids = []
    for before in matches:
        if before is None:
            last_number += 1
            ids.append(f"t{last_number}")
        else:
            ids.append(previous_ids[before])
    return ids, last_number
