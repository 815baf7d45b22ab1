"""Choose the number of topics, fit it, give every text a topic.

Shapes: N distinct texts, S dimensions, V words, K topics.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from python_ml.config import TopicConfig
from python_ml.topics.fits import LdaFit, Material, MixtureFit, fit_hdbscan, fit_kmeans, fit_lda
from python_ml.topics.select import Candidate, choose, topic_counts, try_settings

_METHODS = {"kmeans": fit_kmeans, "hdbscan": fit_hdbscan, "lda": fit_lda}
# LDA takes some ten times as long as the others for a text.
_LDA_SELECT_SHARE = 4


@dataclass(frozen=True, slots=True)
class Topics:
    """A fitted method.

    Args:
        fit: None where all texts are one topic.
        candidates: all that were tried.
        chosen: the one taken.
    """

    fit: MixtureFit | LdaFit | None
    candidates: list[Candidate]
    chosen: Candidate | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every text with its topic; topics are numbered by size, largest first.

    Args:
        labels: integer (N,), -1 for outliers.
        probability: float64 (N,), of that topic; 0 for outliers.
        closeness: float64 (N,), cosine to the centre of the topic, or the topic's share in the text (LDA).
        topics: K.
        order: integer (K,), what the fit calls each topic.
        map_points: float (N, S), to be drawn.
    """

    labels: np.ndarray
    probability: np.ndarray
    closeness: np.ndarray
    topics: int
    order: np.ndarray
    map_points: np.ndarray


def fit_topics(
    material: Material, config: TopicConfig, seed: int, progress: Callable[[int, int], None] | None = None
) -> Topics:
    """Try numbers of topics on a sample, fit the chosen one on a larger sample.

    Args:
        material: all texts; the first ones are the samples.
        config: method, bounds, sizes of samples.
        seed: of starts and halves.
        progress: called with (settings tried, settings).

    Returns:
        One topic where there are fewer than `min_reviews` texts, or no number within bounds can be had.
    """
    texts = material.counts.shape[0]
    if texts < config.min_reviews:
        return Topics(None, [], None)
    method = _METHODS[config.method]
    select = config.select_reviews // (_LDA_SELECT_SHARE if config.method == "lda" else 1)
    sample = material.first(max(select, config.min_reviews))
    tried = try_settings(
        partial(method, sample),
        _settings(sample, config),
        sample.counts,
        min_lift=config.min_lift,
        seed=seed,
        progress=progress,
    )
    # HDBSCAN finds a number of its own.
    within = [one for one in tried if config.min_topics <= one.topic_count <= config.max_topics]
    chosen = choose(within, config.score_tolerance)
    if chosen is None:
        return Topics(None, tried, None)
    rows_N = np.arange(min(config.fit_reviews, texts))
    fit = method(material, rows_N, chosen.setting, seed)
    return Topics(fit, tried, chosen if fit is not None else None)


def _settings(sample: Material, config: TopicConfig) -> list[int]:
    if config.method == "hdbscan":
        return sorted(config.density_shares)
    texts = sample.counts.shape[0]
    distinct = texts if config.method == "lda" else len(np.unique(sample.points, axis=0))
    return topic_counts(config.min_topics, config.max_topics, distinct)


def assign_texts(
    topics: Topics, material: Material, word_counts_N: np.ndarray, config: TopicConfig
) -> Assignment:
    """The most probable topic of each text, unless it is an outlier.

    An outlier is a text without a word (LDA: without one that is counted), or whose cosine to the centre of
    its topic is below Tukey's fence. HDBSCAN's fence is put around its own clusters, so what it calls noise
    stays out unless it lies where a cluster does.

    Args:
        topics: from `fit_topics`.
        material: all texts.
        word_counts_N: integer, words of each text, counted or not.
        config: outlier_fence.
    """
    rows_N = np.arange(material.counts.shape[0])
    odds_NK = np.ones((len(rows_N), 1)) if topics.fit is None else topics.fit.probabilities(rows_N)
    labels_N = odds_NK.argmax(axis=1)
    probability_N = odds_NK[rows_N, labels_N]
    said_N = word_counts_N > 0
    if isinstance(topics.fit, LdaFit):
        said_N = np.asarray(material.counts.sum(axis=1)).ravel() > 0
        closeness_N, far_N = probability_N, np.zeros(len(rows_N), dtype=bool)
    else:
        closeness_N, far_N = _measure_distance(topics.fit, material, labels_N, config)
    labels_N = np.where(said_N & ~far_N, labels_N, -1)
    sizes_K = np.bincount(labels_N[labels_N >= 0], minlength=odds_NK.shape[1])
    # Largest first, of equal ones the one with the first text; those without a text are no topics.
    first_K = [int(np.argmax(np.append(labels_N == topic, True))) for topic in range(len(sizes_K))]
    order = [topic for topic in np.lexsort((first_K, -sizes_K)) if sizes_K[topic]]
    place_K = np.full(len(sizes_K) + 1, -1)  # the last is what label -1 finds
    place_K[order] = np.arange(len(order))
    return Assignment(
        labels=place_K[labels_N],
        probability=np.where(labels_N >= 0, probability_N, 0.0),
        closeness=closeness_N,
        topics=len(order),
        order=np.array(order, dtype=np.int64),
        map_points=material.points if material.points.shape[1] else odds_NK,
    )


def _measure_distance(
    fit: MixtureFit | None, material: Material, labels_N: np.ndarray, config: TopicConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine to the centre of the topic, float64 (N,); whether it is below the fence, bool (N,)."""
    if fit is None:  # one topic has no outside
        centre_S = material.points.sum(axis=0, dtype=np.float64)
        return material.points @ centre_S, np.zeros(len(labels_N), dtype=bool)
    closeness_N = np.einsum("ns,ns->n", material.points, fit.mixture.centres[labels_N])
    core_N = labels_N if fit.core is None else fit.core
    fence_K = np.full(len(fit.mixture.centres), -np.inf)
    for topic in range(len(fence_K)):
        own = closeness_N[: len(core_N)][core_N == topic]
        if len(own):
            lower, upper = np.quantile(own, [0.25, 0.75])
            fence_K[topic] = lower - config.outlier_fence * (upper - lower)
    return closeness_N, closeness_N < fence_K[labels_N]
