"""Hashed n-grams: what is counted, worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.sentiment.ngrams import count_ngrams

BUCKETS = 2**16  # so few n-grams do not meet


def counts(text: str, **lengths: int) -> list[int]:
    """How often each n-gram of a text occurs, in no particular order."""
    return sorted(count_ngrams([text], **({"characters": 0, "words": 0} | lengths), buckets=BUCKETS).data)


def test_characters_stand_between_two_spaces():
    # " aba ": space twice, a twice, b once.
    assert counts("aba", characters=1) == [1, 2, 2]
    # and pairs: " a", "ab", "ba", "a ".
    assert counts("aba", characters=2) == [1, 1, 1, 1, 1, 2, 2]


def test_words_and_their_pairs():
    # not, good, not, good; not good, good not, not good.
    assert counts("Not good, NOT good!", words=2) == [1, 2, 2, 2]
    assert counts("don't", words=1) == [1]


def test_each_chinese_character_is_a_word():
    # 很, 好 twice; 很好, 好好.
    assert counts("很好好", words=2) == [1, 1, 1, 2]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_of_nothing_there_are_no_words(text: str):
    assert counts(text, words=2) == []


def test_neighbours_in_different_texts_are_no_ngram():
    together = count_ngrams(["ab", "cd"], characters=3, words=2, buckets=BUCKETS)
    apart = [count_ngrams([text], characters=3, words=2, buckets=BUCKETS) for text in ("ab", "cd")]
    assert (together[0] != apart[0]).nnz == 0
    assert (together[1] != apart[1]).nnz == 0


def test_order_of_letters_counts():
    one, other = (count_ngrams([text], characters=0, words=1, buckets=BUCKETS) for text in ("ab", "ba"))
    assert (one != other).nnz == 2


def test_many_long_texts_are_counted_in_several_blocks():
    texts = ["x" * 10_000] * 500  # five million code points
    found = count_ngrams(texts, characters=1, words=0, buckets=BUCKETS)
    assert found.shape == (500, 2 * BUCKETS)
    assert np.array_equal(np.asarray(found.sum(axis=1)).ravel(), np.full(500, 10_002))


@given(st.lists(st.text(max_size=30), min_size=2, max_size=6))
def test_a_text_is_counted_the_same_whatever_stands_beside_it(texts: list[str]):
    found = count_ngrams(texts, characters=3, words=2, buckets=256)
    turned = count_ngrams(texts[::-1], characters=3, words=2, buckets=256)
    assert (found != turned[::-1]).nnz == 0
