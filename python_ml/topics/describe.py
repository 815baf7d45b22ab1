"""What a topic is about, in words: class-based TF-IDF, and a name made of the first few.

Shapes: N texts, V words, K topics.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

_NAME_WORDS = 3
_NAME_JOIN = " / "
# Two forms of one word ("dress", "dresses") say one thing: one begins with the other, this much shorter.
_FORM_ENDING = 2
_FORM_STEM = 3
# A text of a word or two is often closest to a centre, and shows nothing.
_SHOWN_MIN_WORDS = 5


def class_tfidf(counts_NV: csr_array, labels_N: np.ndarray, topics: int) -> np.ndarray:
    """Class-based TF-IDF: all texts of a topic are read as one.

    weight = (share of the topic's words that are this word) x ln(1 + A / f), where A is the mean number of
    words of a topic and f how often the word occurs in all topics.

    Args:
        counts_NV: integer, how often each text has each word.
        labels_N: integer, -1 for texts of no topic, which do not count.
        topics: K.

    Returns:
        float64 (K, V); zeros for a topic without words.

    Source:
        Grootendorst, BERTopic: Neural topic modeling with a class-based TF-IDF procedure, 2022, section 3.3.
    """
    words_KV = sum_by_topic(counts_NV, labels_N, topics)
    length_K1 = words_KV.sum(axis=1, keepdims=True)
    total_V = words_KV.sum(axis=0)
    mean_length = length_K1.sum() / max(topics, 1)
    share_KV = words_KV / np.maximum(length_K1, 1)
    return share_KV * np.log1p(mean_length / np.maximum(total_V, 1))


def sum_by_topic(counts_NV: csr_array, labels_N: np.ndarray, topics: int) -> np.ndarray:
    """Rows summed by topic, float64 (K, V); rows of label -1 are left out."""
    own = np.flatnonzero(labels_N >= 0)
    members_KN = csr_array((np.ones(len(own)), (labels_N[own], own)), shape=(topics, counts_NV.shape[0]))
    return np.asarray((members_KN @ counts_NV).todense(), dtype=np.float64)


def topic_words(
    counts_NV: csr_array,
    labels_N: np.ndarray,
    topics: int,
    vocabulary: Sequence[str],
    *,
    limit: int,
    min_lift: float,
) -> list[list[str]]:
    """The most typical words of each topic, most typical first.

    A word counts for a topic if texts of the topic have it `min_lift` times as often as all texts: a word
    that all customers write says nothing about any topic, however often it is written. Ties go by alphabet.

    Args:
        counts_NV: integer, how often each text has each word.
        labels_N: integer, -1 for texts of no topic.
        topics: K.
        vocabulary: V words.
        limit: words per topic, at most.
        min_lift: 1 or more; not asked of an only topic, which is all texts.

    Returns:
        K lists; a topic without words has an empty one.
    """
    weights_KV = class_tfidf(counts_NV, labels_N, topics)
    if topics > 1:
        weights_KV = np.where(_lift(counts_NV, labels_N, topics) >= min_lift, weights_KV, 0.0)
    found = []
    for weight_V in weights_KV:
        order = sorted(np.flatnonzero(weight_V), key=lambda v: (-weight_V[v], vocabulary[v]))
        found.append(_without_forms([vocabulary[v] for v in order], limit))
    return found


def _lift(counts_NV: csr_array, labels_N: np.ndarray, topics: int) -> np.ndarray:
    """Share of a topic's texts that have the word / share of all texts that have it; float64 (K, V)."""
    has_NV = counts_NV.astype(bool).astype(np.int64)
    sizes_K1 = np.bincount(labels_N[labels_N >= 0], minlength=topics)[:, None]
    own_KV = sum_by_topic(has_NV, labels_N, topics) / np.maximum(sizes_K1, 1)
    all_V = np.asarray(has_NV.sum(axis=0)).ravel() / max(has_NV.shape[0], 1)
    return own_KV / np.maximum(all_V, np.finfo(float).tiny)


def _without_forms(words: Sequence[str], limit: int) -> list[str]:
    """The first `limit` words, of two forms of one word the first."""
    kept: list[str] = []
    for word in words:
        if len(kept) == limit:
            break
        if not any(_is_form(word, other) for other in kept):
            kept.append(word)
    return kept


def _is_form(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    # Chinese words of like beginnings are different things ("洗发", "洗发水").
    has_endings = not unicodedata.name(short[0], "").startswith("CJK")
    return (
        has_endings
        and len(short) >= _FORM_STEM
        and len(long) - len(short) <= _FORM_ENDING
        and long.startswith(short)
    )


def name_topics(words: Sequence[Sequence[str]], ids: Sequence[str]) -> list[str]:
    """A readable and distinct name for each topic: its first words, more of them where two would be alike.

    Args:
        words: from `topic_words`.
        ids: what a topic without words is called, and what tells apart topics whose words are all the same.
    """
    names: list[str] = []
    for own, topic_id in zip(words, ids, strict=True):
        lengths = range(_NAME_WORDS, max(len(own), _NAME_WORDS) + 1)
        tried = (_NAME_JOIN.join(own[:length]) or topic_id for length in lengths)
        free = (name for name in tried if name not in names)
        names.append(next(free, _NAME_JOIN.join([*own[:_NAME_WORDS], topic_id])))
    return names


def pick_representatives(
    labels_N: np.ndarray, closeness_N: np.ndarray, word_counts_N: np.ndarray, topics: int, limit: int
) -> list[list[int]]:
    """Texts closest to the centre of their topic, closest first; those of five words or more come first.

    Args:
        labels_N: integer, -1 for texts of no topic.
        closeness_N: float, higher is closer; ties go by position.
        word_counts_N: integer, words of each text.
        topics: K.
        limit: texts per topic, at most.

    Returns:
        K lists of positions.
    """
    order = np.lexsort((np.arange(len(labels_N)), -closeness_N, word_counts_N < _SHOWN_MIN_WORDS))
    return [order[labels_N[order] == topic][:limit].tolist() for topic in range(topics)]
