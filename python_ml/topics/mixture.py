"""A mixture of topics, each with a direction in the space of texts and with words of its own.

k-means on sentence vectors alone groups texts of one tone and length as well as of one thing; the words of a
group then tell which texts belong to it. Expectation maximisation goes back and forth until neither moves.

Shapes: N texts, S dimensions, V words, K topics.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from python_ml.embedding.vectors import to_unit_length

_BLOCK_TEXTS = 16_384
_MOST_ROUNDS = 30
# Rounds end when the texts change topic no more than this share of them.
_STILL_MOVING = 0.001
# Each topic has seen every word this often (Dirichlet smoothing), so that no word rules a topic out.
_SEEN_BEFORE = 0.1


@dataclass(frozen=True, slots=True)
class Mixture:
    """A fitted mixture.

    Args:
        log_share: float64 (K,), log of the share of texts.
        centres: float64 (K, S), unit vectors.
        log_words: float64 (K, V), log of the probability of each word.
        concentration: weight of a cosine of 1 against log-probabilities of words.
    """

    log_share: np.ndarray
    centres: np.ndarray
    log_words: np.ndarray
    concentration: float

    def log_joint(self, points_NS: np.ndarray, has_NV: csr_array) -> np.ndarray:
        """Log of the probability of topic and text together, but for a constant; float64 (N, K)."""
        directions_NK = points_NS.astype(np.float64) @ self.centres.T
        return self.log_share + self.concentration * directions_NK + has_NV @ self.log_words.T

    def probabilities(self, points_NS: np.ndarray, has_NV: csr_array) -> np.ndarray:
        """Probability of each topic for each text, float64 (N, K).

        The model takes each word for independent evidence, which it is not: twenty words are not twenty
        witnesses. The log-odds are divided by the root of 1 + words, which changes no text's best topic, but
        how sure it is.
        """
        blocks = [np.zeros((0, len(self.log_share)))]
        for start in range(0, len(points_NS), _BLOCK_TEXTS):
            part = slice(start, start + _BLOCK_TEXTS)
            words_N1 = np.asarray(has_NV[part].sum(axis=1)).reshape(-1, 1)
            blocks.append(_softmax(self.log_joint(points_NS[part], has_NV[part]) / np.sqrt(1 + words_N1)))
        return np.concatenate(blocks)


def fit_mixture(
    points_NS: np.ndarray, has_NV: csr_array, labels_N: np.ndarray, topics: int, *, concentration: float
) -> Mixture:
    """Expectation maximisation from a first grouping.

    Args:
        points_NS: unit vectors.
        has_NV: float64, 1 where the text has the word: a word said twice is no second piece of evidence.
        labels_N: integer, the first grouping; -1 for texts that belong to none yet.
        topics: K.
        concentration: see `Mixture`; shared and fixed, or small tight topics would draw in all short texts.

    Source:
        Nigam, McCallum, Thrun, Mitchell: Text Classification from Labeled and Unlabeled Documents using EM,
        2000 (mixture of unigrams); Banerjee et al.: Clustering on the Unit Hypersphere using von Mises-Fisher
        Distributions, 2005.
    """
    members_NK = (labels_N[:, None] == np.arange(topics)).astype(np.float64)
    best_N = labels_N
    for _ in range(_MOST_ROUNDS):
        mixture = _maximise(points_NS, has_NV, members_NK, concentration)
        members_NK = _softmax(mixture.log_joint(points_NS, has_NV))
        before_N, best_N = best_N, members_NK.argmax(axis=1)
        if np.mean(best_N != before_N) <= _STILL_MOVING:
            break
    return mixture


def _maximise(
    points_NS: np.ndarray, has_NV: csr_array, members_NK: np.ndarray, concentration: float
) -> Mixture:
    sums_KS = members_NK.T @ points_NS
    words_KV = np.asarray((has_NV.T @ members_NK).T) + _SEEN_BEFORE
    size_K = members_NK.sum(axis=0) + 1
    return Mixture(
        log_share=np.log(size_K / size_K.sum()),
        centres=to_unit_length(sums_KS),
        log_words=np.log(words_KV / words_KV.sum(axis=1, keepdims=True)),
        concentration=concentration,
    )


def _softmax(scores_NK: np.ndarray) -> np.ndarray:
    odds_NK = np.exp(scores_NK - scores_NK.max(axis=1, keepdims=True))
    return odds_NK / odds_NK.sum(axis=1, keepdims=True)
