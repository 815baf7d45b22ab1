"""The frame layer: reviews and their vectors in, topics out.

Shapes: N distinct texts, S dimensions, V words, K topics, D embedding dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from scipy.sparse import csr_array, vstack
from threadpoolctl import threadpool_limits

from python_ml.config import TopicConfig
from python_ml.identity import assign_ids, match_groups
from python_ml.reviews import check_reviews
from python_ml.topics.assign import Assignment, Topics, assign_texts, fit_topics
from python_ml.topics.describe import name_topics, pick_representatives, topic_words
from python_ml.topics.fits import LdaFit, Material
from python_ml.topics.inputs import Texts, distinct_texts
from python_ml.topics.match import OUTLIER, centre_similarity, word_similarity
from python_ml.topics.model import TopicModel
from python_ml.topics.plots import plot_map, plot_selection, plot_sizes
from python_ml.topics.space import Space, fit_space
from python_ml.topics.words import (
    WordCounts,
    count_known_words,
    count_words,
    find_languages,
    split_words,
    stop_words,
)

METHOD_ONE = "one topic"  # too few texts, or texts too alike, to tell topics apart
_BLOCK_TEXTS = 16_384
# Of few texts a word need not be in ten: one in a thousand is as common.
_WORD_SHARE = 1_000
_LEAST_WORD_TEXTS = 2

_REVIEW_SCHEMA = {"review_id": pl.String, "topic_id": pl.String, "topic_probability": pl.Float64}
_PROFILE_SCHEMA = {
    "topic_id": pl.String,
    "topic_name": pl.String,
    "topic_method": pl.String,
    "review_count": pl.Int64,
    "review_share": pl.Float64,
    "topic_words": pl.String,
    "representative_review_ids": pl.String,
    "is_outlier": pl.Boolean,
}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TopicResult:
    """What `build_topics` found.

    Args:
        review_topics: review_id, topic_id ("t1" ... or "outlier"), topic_probability (0 for outliers, as no
            topic has them); one row per review, by review_id.
        topic_profiles: one row per topic, largest first, the outliers last: topic_id, topic_name,
            topic_method, review_count, review_share, topic_words (comma list, most typical first),
            representative_review_ids (comma list, closest to the centre first, of distinct texts),
            is_outlier.
        model: for the next run.
        plots: "sizes", "map", "selection".
    """

    review_topics: pl.DataFrame
    topic_profiles: pl.DataFrame
    model: TopicModel
    plots: dict[str, Figure]


def build_topics(
    review_texts: pl.DataFrame,
    text_embeddings: pl.DataFrame,
    *,
    previous: TopicModel | None,
    config: TopicConfig,
    seed: int,
    progress: Progress | None = None,
) -> TopicResult:
    """Group reviews by what they are about, describe the groups, and give them the ids they had before.

    The same tables, previous model and seed give the same result, whatever the order of rows; reviews of the
    same text have the same topic. Texts without a word, and texts far from every topic, are outliers.

    Args:
        review_texts: review_id, text, text_hash; one row per review.
        text_embeddings: text_hash, embedding_model, embedding; of one model. Not looked at by "lda".
        previous: what the last run returned as `model`; None for the first run.
        config: how.
        seed: of starts and samples.
        progress: called with (numbers of topics tried, to try).

    Raises:
        ContractError: a table lacks a column, repeats a review, mixes models, or a review has no vector.
    """
    use_vectors = config.method != "lda"
    check_reviews(review_texts, text_embeddings, needs_vectors=use_vectors)
    texts = distinct_texts(review_texts, text_embeddings, use_vectors=use_vectors)
    # One thread: the order of summation, and so the last bit of a number, depends on how many there are.
    with threadpool_limits(limits=1):
        words, word_counts_N = _count_words(texts, config)
        space, points_NS = _project(texts, config)
        material = Material(points_NS, words.counts, config.concentration)
        topics = fit_topics(material, config, seed, progress)
        assigned = assign_texts(topics, material, word_counts_N, config)
        mean_D, centres_KD = _centres(texts, assigned, config)
    described = topic_words(
        words.counts,
        assigned.labels,
        assigned.topics,
        words.vocabulary,
        limit=config.topic_word_count,
        min_lift=config.min_lift,
    )
    ids, last_number = _ids(texts, described, mean_D, centres_KD, previous, config)
    model = TopicModel(
        method=METHOD_ONE if topics.fit is None else config.method,
        embedding_model=texts.embedding_model,
        topic_ids=ids,
        topic_names=name_topics(described, ids),
        topic_words=described,
        last_number=last_number,
        mean=mean_D,
        centres=centres_KD,
        vocabulary=words.vocabulary,
        fitted=_fitted_arrays(space, topics, assigned),
    )
    found = _topics_of_texts(texts, assigned, model)
    reviews = _topics_of_reviews(review_texts, found)
    profiles = _profiles(review_texts, reviews, texts, assigned, word_counts_N, model, config)
    return TopicResult(
        review_topics=reviews,
        topic_profiles=profiles,
        model=model,
        plots={
            "sizes": plot_sizes(profiles),
            "map": plot_map(assigned.map_points, found["topic_id"].to_numpy(), profiles),
            "selection": plot_selection(topics.candidates, topics.chosen),
        },
    )


def _count_words(texts: Texts, config: TopicConfig) -> tuple[WordCounts, np.ndarray]:
    """Counts of the words worth counting in all texts; how many words of any kind each has, integer (N,).

    Languages and vocabulary come from the texts that topics are fitted on.
    """
    fitted = split_words(texts.texts[: config.fit_reviews])
    stop = stop_words(config.stop_word_languages or find_languages(fitted))
    least = max(min(config.min_word_reviews, len(fitted) // _WORD_SHARE), _LEAST_WORD_TEXTS)
    first = count_words(fitted, stop=stop, min_texts=least, max_share=config.max_word_share)
    counts, totals = [first.counts], [fitted.list.len().to_numpy()]
    for start in range(len(fitted), len(texts.texts), _BLOCK_TEXTS):
        words = split_words(texts.texts[start : start + _BLOCK_TEXTS])
        counts.append(count_known_words(words, first.vocabulary).counts)
        totals.append(words.list.len().to_numpy())
    return WordCounts(first.vocabulary, csr_array(vstack(counts))), np.concatenate(totals).astype(np.int64)


def _project(texts: Texts, config: TopicConfig) -> tuple[Space | None, np.ndarray]:
    """The space and all texts in it; neither without vectors."""
    count = len(texts.texts)
    if texts.vectors is None:
        return None, np.zeros((count, 0), dtype=np.float32)
    fitted_ND = texts.take(0, min(config.fit_reviews, count))
    space = fit_space(fitted_ND, drop=config.drop_directions, dimensions=config.dimensions)
    blocks = [
        space.project(texts.take(start, min(start + _BLOCK_TEXTS, count)))
        for start in range(0, count, _BLOCK_TEXTS)
    ]
    return space, np.concatenate(blocks)


def _centres(texts: Texts, assigned: Assignment, config: TopicConfig) -> tuple[np.ndarray, np.ndarray]:
    """Mean vector of the fitted texts, float32 (D,), and of each topic, float32 (K, D); D = 0 for LDA."""
    count = len(texts.texts)
    if texts.vectors is None:
        return np.zeros(0, dtype=np.float32), np.zeros((assigned.topics, 0), dtype=np.float32)
    mean_D = texts.take(0, min(config.fit_reviews, count)).mean(axis=0, dtype=np.float64)
    sums_KD = np.zeros((assigned.topics, len(mean_D)))
    for start in range(0, count, _BLOCK_TEXTS):
        stop = min(start + _BLOCK_TEXTS, count)
        members_NK = assigned.labels[start:stop, None] == np.arange(assigned.topics)
        sums_KD += members_NK.T.astype(np.float64) @ texts.take(start, stop)
    sizes_K = np.bincount(assigned.labels[assigned.labels >= 0], minlength=assigned.topics)
    return mean_D.astype(np.float32), (sums_KD / sizes_K[:, None]).astype(np.float32)


def _ids(
    texts: Texts,
    words: list[list[str]],
    mean_D: np.ndarray,
    centres_KD: np.ndarray,
    previous: TopicModel | None,
    config: TopicConfig,
) -> tuple[list[str], int]:
    """Ids of the topics, and the highest number ever given."""
    if previous is None:
        return assign_ids([None] * len(words), [], 0, letter="t")
    if len(words) == len(previous.topic_ids) == 1:  # all reviews then, all reviews now
        return list(previous.topic_ids), previous.last_number
    if texts.embedding_model is not None and texts.embedding_model == previous.embedding_model:
        similarity_KP = centre_similarity(centres_KD, previous.centres, previous.mean)
        matches = match_groups(similarity_KP, config.match_similarity)
    else:
        matches = match_groups(word_similarity(words, previous.topic_words), config.match_word_share)
    return assign_ids(matches, previous.topic_ids, previous.last_number, letter="t")


def _fitted_arrays(space: Space | None, topics: Topics, assigned: Assignment) -> dict[str, np.ndarray]:
    """What places a later text, topics in the order of their ids."""
    arrays = {} if space is None else {"space.mean": space.mean, "space.directions": space.directions}
    if isinstance(topics.fit, LdaFit):
        arrays["lda.components"] = topics.fit.model.components_[assigned.order]
    elif topics.fit is not None:
        mixture = topics.fit.mixture
        for name in ("log_share", "centres", "log_words"):
            arrays[f"mixture.{name}"] = getattr(mixture, name)[assigned.order].astype(np.float32)
        arrays["mixture.concentration"] = np.array([mixture.concentration])
    return arrays


def _topics_of_texts(texts: Texts, assigned: Assignment, model: TopicModel) -> pl.DataFrame:
    """text_hash, topic_id, topic_probability, in the order of `texts`."""
    ids = np.array([*model.topic_ids, OUTLIER], dtype=object)  # label -1 is the last
    return pl.DataFrame(
        {
            "text_hash": texts.hashes,
            "topic_id": pl.Series(ids[assigned.labels].tolist(), dtype=pl.String),
            "topic_probability": pl.Series(assigned.probability, dtype=pl.Float64),
        }
    )


def _topics_of_reviews(review_texts: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    joined = review_texts.select("review_id", "text_hash").join(found, on="text_hash").sort("review_id")
    return joined.select(*_REVIEW_SCHEMA).cast(_REVIEW_SCHEMA)


def _profiles(
    review_texts: pl.DataFrame,
    reviews: pl.DataFrame,
    texts: Texts,
    assigned: Assignment,
    word_counts_N: np.ndarray,
    model: TopicModel,
    config: TopicConfig,
) -> pl.DataFrame:
    """Rows of topic_profiles: topics by the number of their reviews, outliers last."""
    first_review = dict(review_texts.group_by("text_hash").agg(pl.col("review_id").min()).iter_rows())
    sizes = dict(reviews.group_by("topic_id").len().iter_rows())
    shown = pick_representatives(
        assigned.labels, assigned.closeness, word_counts_N, assigned.topics, config.representatives
    )
    described = list(zip(model.topic_ids, model.topic_names, model.topic_words, shown, strict=True))
    described.sort(key=lambda topic: -sizes[topic[0]])
    if OUTLIER in sizes:
        described.append((OUTLIER, OUTLIER, [], []))
    rows = [
        {
            "topic_id": topic_id,
            "topic_name": name,
            "topic_method": model.method,
            "review_count": sizes[topic_id],
            "review_share": sizes[topic_id] / len(reviews),
            "topic_words": ", ".join(words),
            "representative_review_ids": ", ".join(first_review[texts.hashes[place]] for place in places),
            "is_outlier": topic_id == OUTLIER,
        }
        for topic_id, name, words, places in described
    ]
    return pl.DataFrame(rows, schema=_PROFILE_SCHEMA)
