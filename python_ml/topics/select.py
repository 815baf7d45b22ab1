"""How many topics: try several numbers, measure each, choose by a rule written down beforehand.

Shapes: N texts, V words, K topics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array
from sklearn.metrics import adjusted_rand_score

from python_ml.topics.describe import topic_words

_SCORED_WORDS = 10
# Each next number is this many times the last, one more at least: 19 topics or 20 is no question worth a fit.
_STEP = 1.15
_HALVES = 3


class TopicFit(Protocol):
    """A fitted model of topics, whatever the method."""

    def probabilities(self, rows_N: np.ndarray) -> np.ndarray:
        """Of each topic for these texts, float64 (N, K)."""


# Fits on some texts (positions) with a number of topics and a seed; None where the method finds no topics.
Fit = Callable[[np.ndarray, int, int], TopicFit | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One number of topics, tried.

    Args:
        setting: what was asked of the method: topics, or the least texts of one (HDBSCAN).
        topic_count: topics that have a text.
        coherence: mean over topics of how much their ten first words occur together (NPMI), -1..1.
        diversity: distinct words among all topics' first ten / all of them, 0..1.
        stability: mean adjusted Rand index with fits on halves of the texts.
        score: coherence x diversity x stability, 0 where one of them is negative.
    """

    setting: int
    topic_count: int
    coherence: float
    diversity: float
    stability: float
    score: float


def topic_counts(least: int, most: int, texts: int) -> list[int]:
    """Numbers of topics to try, ascending: all small ones, then wider and wider apart.

    Args:
        least, most: bounds, both tried.
        texts: there are fewer topics than half the distinct texts.
    """
    most = min(most, texts // 2)
    counts = []
    while least <= most:
        counts.append(least)
        least = max(least + 1, round(least * _STEP))
    return counts


def try_settings(
    fit: Fit,
    settings: Sequence[int],
    counts_NV: csr_array,
    *,
    min_lift: float,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Candidate]:
    """Fit and measure each setting.

    Args:
        fit: the method.
        settings: what to ask of it.
        counts_NV: integer, words of the texts it is fitted on.
        min_lift: as in `topic_words`.
        seed: of fits and halves.
        progress: called with (settings tried, settings).

    Returns:
        Those settings that gave two topics or more.
    """
    tried = []
    for done, setting in enumerate(settings, start=1):
        fitted = fit(np.arange(counts_NV.shape[0]), setting, seed)
        if fitted is not None:
            tried.append(_measure(fitted, fit, setting, counts_NV, min_lift, seed))
        if progress is not None:
            progress(done, len(settings))
    return [candidate for candidate in tried if candidate.topic_count > 1]


def choose(candidates: Sequence[Candidate], tolerance: float) -> Candidate | None:
    """The most topics whose score is at most `tolerance` (a share of the best score) below the best.

    More topics say more, if they are as clear and come back as surely. Where no score is above 0 it is the
    fewest.

    Returns:
        None without candidates.
    """
    if not candidates:
        return None
    best = max(candidate.score for candidate in candidates)
    if best <= 0:
        return min(candidates, key=lambda candidate: candidate.topic_count)
    good = [candidate for candidate in candidates if candidate.score >= best * (1 - tolerance)]
    return max(good, key=lambda candidate: (candidate.topic_count, candidate.score))


def coherence(words: Sequence[Sequence[int]], has_NV: csr_array) -> float:
    """Mean normalised pointwise mutual information of two words of a topic, over pairs, then topics.

    Args:
        words: for each topic, columns of its first words.
        has_NV: 1 where the text has the word.

    Returns:
        -1 (never together) to 1 (never apart); -1 without a topic of two words or more.

    Source:
        Bouma: Normalized (Pointwise) Mutual Information in Collocation Extraction, 2009. Lau, Newman,
        Baldwin: Machine Reading Tea Leaves, 2014.
    """
    columns = sorted({column for own in words for column in own})
    place = {column: position for position, column in enumerate(columns)}
    chosen = has_NV[:, columns].astype(np.float64)
    together = np.asarray((chosen.T @ chosen).todense()) / max(has_NV.shape[0], 1)
    means = []
    for own in words:
        pairs = [(place[one], place[other]) for one, other in combinations(own, 2)]
        if pairs:
            means.append(np.mean([_npmi(together, one, other) for one, other in pairs]))
    return float(np.mean(means)) if means else -1.0


def _npmi(together: np.ndarray, one: int, other: int) -> float:
    both = together[one, other]
    if both <= 0:
        return -1.0
    if both >= 1:
        return 1.0  # both words in every text: log 1 / log 1
    return float(np.log(both / (together[one, one] * together[other, other])) / -np.log(both))


def _measure(
    fitted: TopicFit, fit: Fit, setting: int, counts_NV: csr_array, min_lift: float, seed: int
) -> Candidate:
    labels_N = _renumber(fitted.probabilities(np.arange(counts_NV.shape[0])).argmax(axis=1))
    topics = int(labels_N.max()) + 1
    # Columns stand for their words: padded, so that they sort as they count.
    names = [f"{column:09}" for column in range(counts_NV.shape[1])]
    limits = {"limit": _SCORED_WORDS, "min_lift": min_lift}
    words = topic_words(counts_NV, labels_N, topics, names, **limits)
    own_columns = [[int(word) for word in own] for own in words]
    every = [column for own in own_columns for column in own]
    measured = {
        "coherence": coherence(own_columns, counts_NV.astype(bool)),
        "diversity": len(set(every)) / max(len(every), 1),
        "stability": _stability(labels_N, fit, setting, seed),
    }
    score = float(np.prod([max(value, 0.0) for value in measured.values()]))
    return Candidate(setting=setting, topic_count=topics, score=score, **measured)


def _stability(labels_N: np.ndarray, fit: Fit, setting: int, seed: int) -> float:
    """Agreement of all texts' topics with those that a fit on half of them gives."""
    everything = np.arange(len(labels_N))
    agreements = []
    for half in range(_HALVES):
        generator = np.random.default_rng([seed, setting, half])
        part = np.sort(generator.permutation(everything)[: -(-len(everything) // 2)])
        other = fit(part, setting, int(generator.integers(2**31)))
        # A method that finds topics in all texts and none in half of them has found nothing that lasts.
        agreements.append(
            0.0
            if other is None
            else adjusted_rand_score(labels_N, other.probabilities(everything).argmax(axis=1))
        )
    return float(np.mean(agreements))


def _renumber(labels_N: np.ndarray) -> np.ndarray:
    """Labels without gaps: a topic that no text belongs to is not counted."""
    return np.unique(labels_N, return_inverse=True)[1]
