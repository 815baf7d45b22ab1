"""Histories in order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.recommender.sequence.sequences import LeaveOneOut, Sequences

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from([1.0, 2.0, 2.5])), max_size=20
).map(lambda rows: np.array(rows, dtype=float).reshape(-1, 3))


def of_rows(rows: np.ndarray) -> Sequences:
    return Sequences.of(*rows.T, n_users=4, n_items=6)


def lists(sequences: Sequences) -> list[list[int]]:
    return [part.tolist() for part in np.split(sequences.item, sequences.offset[1:-1])]


def test_items_of_a_user_are_sorted_by_day():
    sequences = Sequences.of([1, 0, 1, 1], [4, 0, 5, 3], [7.0, 1.0, 2.0, 5.0], n_users=3, n_items=6)
    assert lists(sequences) == [[0], [5, 3, 4], []]
    assert sequences.day.tolist() == [1.0, 2.0, 5.0, 7.0]
    assert sequences.user.tolist() == [0, 1, 1, 1]
    assert sequences.back().tolist() == [0, 2, 1, 0]
    assert sequences.last().tolist() == [0, 4, -1]


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_never_matters(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    first, second = of_rows(rows), of_rows(rows[order])
    assert first.item.tolist() == second.item.tolist()
    assert first.day.tolist() == second.day.tolist()
    assert first.offset.tolist() == second.offset.tolist()


def test_a_day_shared_by_many_is_no_order_of_items():
    # Two items of one day, for 1,000 users: a fair coin has a standard deviation of 16 heads.
    user, item = np.repeat(np.arange(1000), 2), np.tile([3, 4], 1000)
    sequences = Sequences.of(user, item, np.full(2000, 5.0), n_users=1000, n_items=6)
    lower_first = (sequences.item[::2] == 3).sum()
    assert abs(lower_first - 500) < 5 * 16


def test_a_listed_file_keeps_its_order():
    sequences = Sequences.listed([1, 0, 1, 1], [4, 0, 3, 5], n_users=2, n_items=6)
    assert lists(sequences) == [[0], [4, 3, 5]]
    assert not sequences.has_days


def test_parts_of_histories():
    sequences = Sequences.listed([0, 0, 0, 2, 2], [1, 2, 3, 4, 5], n_users=3, n_items=6)
    assert lists(sequences.tail(2)) == [[2, 3], [], [4, 5]]
    assert lists(sequences.without_last(2)) == [[1], [], []]
    assert lists(sequences.without_last(np.array([0, 0, 1]))) == [[1, 2, 3], [], [4]]
    assert lists(sequences.take(np.array([2, 0, 2]))) == [[4, 5], [1, 2, 3], [4, 5]]
    assert sequences.count().tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_leave_one_out_hides_the_last_two_items_of_those_who_have_three():
    sequences = Sequences.listed([0, 0, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5], n_users=2, n_items=6)
    split = LeaveOneOut.of(sequences)
    assert lists(split.train) == [[0, 1], [2, 3]]
    assert lists(split.validation.history) == [[2, 3]]
    assert split.validation.target.tolist() == [4]
    assert lists(split.test.history) == [[2, 3, 4]]
    assert split.test.target.tolist() == [5]


@given(ROWS)
def test_train_and_targets_are_the_whole_history(rows):
    sequences = of_rows(rows)
    split = LeaveOneOut.of(sequences)
    judged = np.flatnonzero(sequences.size >= 3)
    whole = lists(sequences)
    for row, user in enumerate(judged):
        ends = [int(split.validation.target[row]), int(split.test.target[row])]
        assert lists(split.train)[user] + ends == whole[user]
    assert split.train.size.sum() + 2 * len(judged) == len(rows)


@pytest.mark.parametrize("count", [1, 5])
def test_no_rows_at_all(count):
    sequences = Sequences.of([], [], [], n_users=3, n_items=2)
    assert len(sequences.tail(count)) == len(sequences.without_last(count)) == 3
    assert sequences.last().tolist() == [-1, -1, -1]
    assert len(LeaveOneOut.of(sequences).test.target) == 0
