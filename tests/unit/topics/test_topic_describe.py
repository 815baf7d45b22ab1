import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from python_ml.topics.describe import class_tfidf, name_topics, pick_representatives, topic_words

# Words: apple, good, hotel. Two texts of topic 0, two of topic 1, one of none.
COUNTS = csr_array(np.array([[2, 1, 0], [1, 0, 0], [0, 1, 3], [0, 0, 1], [5, 5, 5]]))
LABELS = np.array([0, 0, 1, 1, -1])


def test_class_tfidf_as_worked_by_hand():
    # Topic 0 has 3 apple + 1 good = 4 words, topic 1 has 1 good + 4 hotel = 5: A = 4.5; f = 3, 2, 4.
    assert class_tfidf(COUNTS, LABELS, 2) == pytest.approx(
        np.array(
            [
                [3 / 4 * math.log(1 + 4.5 / 3), 1 / 4 * math.log(1 + 4.5 / 2), 0.0],
                [0.0, 1 / 5 * math.log(1 + 4.5 / 2), 4 / 5 * math.log(1 + 4.5 / 4)],
            ]
        )
    )


def test_a_topic_without_words_has_no_weights():
    assert class_tfidf(COUNTS, LABELS, 3)[2].tolist() == [0, 0, 0]


def test_a_word_everybody_writes_describes_nothing():
    # "good" is in half the texts of either topic, and in 3 of 5 of all: lift 0.83.
    words = topic_words(COUNTS, LABELS, 2, ["apple", "good", "hotel"], limit=3, min_lift=1.2)
    assert words == [["apple"], ["hotel"]]


def test_the_only_topic_is_described_by_what_is_written_most():
    words = topic_words(COUNTS, np.zeros(5, int), 1, ["apple", "good", "hotel"], limit=2, min_lift=1.2)
    # 8 of 24, 7 of 24, 9 of 24 words; the weight grows with how often.
    assert words == [["hotel", "apple"]]


def test_two_forms_of_a_word_are_one():
    counts = csr_array(np.array([[3, 2, 1, 1]]))
    names = ["dress", "dresses", "洗发", "洗发水"]
    assert topic_words(counts, np.array([0]), 1, names, limit=4, min_lift=1.0) == [
        ["dress", "洗发", "洗发水"]
    ]


def test_names_are_distinct():
    words = [["a", "b", "c", "d"], ["a", "b", "c", "e"], ["a", "b", "c"], [], ["x"]]
    names = name_topics(words, ["t1", "t2", "t3", "t4", "t5"])
    assert names == ["a / b / c", "a / b / c / e", "a / b / c / t3", "t4", "x"]


def test_representatives_are_closest_and_long_enough_to_show_something():
    labels = np.array([0, 0, 0, -1, 1])
    closeness = np.array([0.5, 0.9, 0.7, 1.0, 0.1])
    words = np.array([9, 1, 9, 9, 9])
    assert pick_representatives(labels, closeness, words, 2, 3) == [[2, 0, 1], [4]]
    assert pick_representatives(labels, closeness, words, 2, 1) == [[2], [4]]
