"""Arrays, cuts and rankings."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from python_ml.recommender import ranking
from python_ml.recommender.data import Interactions, is_entry
from python_ml.recommender.ranking import mask_items, top_k
from python_ml.recommender.split import TimeSplit, split_data


def test_decay_halves_a_purchase_every_half_life(toy):
    matrix = toy.matrix(now=100.0, half_life_days=10.0).toarray()
    assert matrix[0].tolist() == [1 / 2 + 1, 1 / 4, 0, 0]
    assert matrix[1].tolist() == [pytest.approx(2 ** (-1 / 10)), 0, 1 / 16, 0]


def test_pairs_count_a_repeated_purchase_once(toy):
    assert toy.matrix().toarray()[0, 0] == 2.0
    assert toy.pairs().toarray()[0, 0] == 1.0
    assert toy.buyers().tolist() == [2, 1, 2, 0]


def test_cuts_include_the_start_and_exclude_the_end(toy):
    assert sorted(toy.between(90.0, 99.0).day) == [90.0, 95.0]
    assert sorted(toy.before(80.0).day) == [60.0]


@given(st.permutations(range(6)))
def test_order_of_rows_does_not_matter(order):
    columns = np.array([[0, 0, 0, 1, 1, 2], [0, 0, 1, 0, 2, 2], [90, 100, 80, 99, 60, 95]])
    sorted_rows, shuffled = (
        Interactions.of(*columns[:, list(rows)], np.ones(6), n_users=3, n_items=4)
        for rows in (range(6), order)
    )
    for name in ("user", "item", "day", "weight"):
        assert (getattr(sorted_rows, name) == getattr(shuffled, name)).all()


def test_is_entry_compares_positions_not_values():
    left = sparse.csr_matrix(np.array([[5.0, 0, 1], [0, 0, 2]]))
    right = sparse.csr_matrix(np.array([[1.0, 0, 0], [3, 0, 9]]))
    assert is_entry(left, right).tolist() == [True, False, True]
    assert is_entry(left, sparse.csr_matrix((2, 3))).tolist() == [False, False, False]


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1, 3), (2, 2), (0, 3)])
def test_users_are_cut_out_of_the_whole(toy, start, end):
    part = toy.of_users(start, end)
    assert part.matrix().toarray().tolist() == toy.matrix().toarray()[start:end].tolist()
    assert part.day.tolist() == toy.day[(toy.user >= start) & (toy.user < end)].tolist()


def test_nothing_at_or_after_the_cut_is_known(toy):
    data = split_data(toy, TimeSplit("test", 95.0, 100.0), max_users=100, seed=0)
    assert data.past.day.max() < 95.0
    assert data.owned.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    # The purchase on day 100 lies at the end of the window, and so outside.
    assert data.truth.toarray().tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_buyers_without_history_are_kept_apart(toy):
    data = split_data(toy, TimeSplit("test", 95.0, 100.0), max_users=100, seed=0)
    assert data.users.tolist() == [1]
    assert data.newcomers.tolist() == [2]


def test_of_many_buyers_a_sample_is_judged_and_all_are_known():
    buyers = np.arange(40)
    before, within = np.full(40, 90.0), np.full(40, 96.0)
    shop = Interactions.of(
        np.tile(buyers, 2), np.zeros(80), np.concatenate([before, within]), np.ones(80), n_users=50, n_items=1
    )
    split = TimeSplit("test", 95.0, 100.0)
    whole = split_data(shop, split, max_users=40, seed=0)
    assert whole.users.tolist() == buyers.tolist()
    some = [split_data(shop, split, max_users=10, seed=seed) for seed in (0, 0, 1)]
    assert [len(np.unique(data.users)) for data in some] == [10, 10, 10]
    assert some[0].users.tolist() == some[1].users.tolist() == sorted(some[0].users)
    assert some[0].users.tolist() != some[2].users.tolist()
    # What is learned from and what is true is of everybody.
    assert {data.known_buyers for data in (whole, *some)} == {40}
    assert all((data.truth != whole.truth).nnz == 0 and len(data.past) == 40 for data in some)


def test_of_many_newcomers_a_sample_is_measured():
    day = np.concatenate([[90.0], np.full(31, 96.0)])
    shop = Interactions.of(np.append(0, np.arange(31)), np.zeros(32), day, np.ones(32), n_users=31, n_items=1)
    whole, some = (
        split_data(shop, TimeSplit("test", 95.0, 100.0), max_users=most, seed=0) for most in (30, 10)
    )
    assert (whole.users.tolist(), whole.newcomers.tolist()) == ([0], list(range(1, 31)))
    assert len(some.newcomers) == 10
    assert set(some.newcomers) < set(whole.newcomers)


def test_ties_go_to_the_lower_item():
    items, scores = top_k(torch.tensor([[1.0, 2.0, 1.0, 2.0, 1.0]]), 3)
    assert items.tolist() == [[1, 3, 0]]
    assert scores.tolist() == [[2.0, 2.0, 1.0]]


def test_places_nothing_is_left_for_are_marked():
    scores = torch.tensor([[3.0, 1.0, 2.0]])
    mask_items(scores, sparse.csr_matrix(np.array([[1.0, 1, 0]])), np.array([0]))
    assert top_k(scores, 5)[0].tolist() == [[2, -1, -1]]


@given(
    st.lists(st.lists(st.integers(-2, 2), min_size=6, max_size=6), min_size=1, max_size=4),
    st.integers(1, 8),
)
def test_top_k_is_a_stable_sort(rows, k):
    expected = [sorted(range(6), key=lambda item, row=row: (-row[item], item))[:k] for row in rows]
    assert top_k(torch.tensor(rows, dtype=torch.float32), k)[0].tolist() == expected


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(1, 5), st.integers(1, 5))
def test_top_k_by_groups_is_a_stable_sort(seed, columns, k, levels):
    """Few levels: most scores tie, within groups, between them, at the last place and with what is left."""
    scores = np.random.default_rng(seed).integers(0, levels, (3, columns)).astype(np.float32)
    scores[scores == 0] = -np.inf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "GROUP", 4)
        items, values = top_k(torch.from_numpy(scores), k)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, expected, 1)
    assert values.tolist() == best.tolist()
    assert items.tolist() == np.where(np.isneginf(best), -1, expected).tolist()


def test_top_k_of_an_empty_catalogue_is_empty():
    assert top_k(torch.empty((2, 0)), 3)[0].shape == (2, 0)
