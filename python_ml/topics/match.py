"""How alike two topics are; who goes on from whom is for `python_ml.identity`.

Shapes: K topics now, P topics before, D dimensions, V words.
"""

from collections.abc import Sequence

import numpy as np

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
