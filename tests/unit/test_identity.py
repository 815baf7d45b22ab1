"""Which group goes on from which, and the ids of those that go on from none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from python_ml.identity import assign_ids, match_groups


def test_the_largest_sum_is_matched_not_the_largest_pair():
    # Greedy would take 0-0 (0.9) and be left with 1-1 (0.1): 1.0. The other way round is 1.6.
    assert match_groups(np.array([[0.9, 0.8], [0.8, 0.1]]), 0.5) == [1, 0]


def test_a_hopeless_pair_takes_no_group_from_a_good_one():
    # Without the limit 0.6 + 0.4 would win over 0.7 alone.
    assert match_groups(np.array([[0.7, 0.6], [0.4, 0.0]]), 0.5) == [0, None]


def test_more_groups_than_before_and_fewer():
    assert match_groups(np.array([[0.2], [0.9], [0.8]]), 0.5) == [None, 0, None]
    assert match_groups(np.array([[0.2, 0.9, 0.8]]), 0.5) == [1]
    assert match_groups(np.zeros((0, 3)), 0.5) == []
    assert match_groups(np.zeros((2, 0)), 0.5) == [None, None]


def test_new_groups_get_numbers_never_given():
    assert assign_ids([1, None, 0, None], ["t2", "t5"], 7, letter="t") == (["t5", "t8", "t2", "t9"], 9)


@given(
    st.integers(0, 6).flatmap(
        lambda before: st.lists(st.one_of(st.none(), st.integers(0, max(before - 1, 0))), unique=True).map(
            lambda matches: (before, matches if before else [None for _ in matches])
        )
    ),
    st.integers(6, 20),
)
def test_no_id_is_given_twice(case, last_number):
    before, matches = case
    # unique=True allows one None at most: several new groups are added here.
    matches = [*matches, None, None]
    previous = [f"t{number}" for number in range(1, before + 1)]
    ids, last = assign_ids(matches, previous, last_number, letter="t")
    assert len(set(ids)) == len(ids)
    fresh = {group_id for group_id, match in zip(ids, matches, strict=True) if match is None}
    assert all(int(group_id[1:]) > last_number for group_id in fresh)
    assert last == last_number + len(fresh)
