import numpy as np
import pytest

from python_ml.topics.match import centre_similarity, word_similarity


def test_cosine_is_seen_from_the_mean_of_all_texts():
    # From the origin these centres look alike (cosine 0.98); from their mean one lies opposite the other.
    centres, mean = np.array([[1.0, 0.1], [1.0, -0.1], [1.0, 0.0]]), np.array([1.0, 0.0])
    assert centre_similarity(centres, centres[:2], mean) == pytest.approx(
        np.array([[1, -1], [-1, 1], [0, 0]])
    )


def test_word_similarity_as_worked_by_hand():
    found = word_similarity([["a", "b", "c"], []], [["b", "c", "d", "e"], []])
    assert found == pytest.approx(np.array([[2 / 5, 0], [0, 0]]))
