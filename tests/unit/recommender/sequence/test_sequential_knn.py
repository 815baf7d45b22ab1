"""Transitions counted by hand, and settings chosen on validation."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markov import planted

from python_ml.recommender.data import Interactions
from python_ml.recommender.sequence import sequential_knn
from python_ml.recommender.sequence.judge_next import hit_of, target_ranks
from python_ml.recommender.sequence.sequences import LeaveOneOut, NextItems, Sequences
from python_ml.recommender.sequence.sequential_knn import (
    GRID,
    SequentialKnn,
    SequentialKnnSettings,
    choose_settings,
)
from python_ml.recommender.sequence.sequential_recommender import SequentialRecommender, histories_of

PLAIN = SequentialKnnSettings(length=300, window=20)
SETTINGS = SequentialKnnSettings(
    length=300,
    window=2,
    gap_power=1.0,
    backward=0.5,
    source_power=1.0,
    target_power=0.5,
    shrinkage=0.0,
    decay=0.5,
)


def toy() -> Sequences:
    """User 0 buys 0, 1, 2, 3; user 1 buys 1, 0; item 4 is never sold."""
    return Sequences.listed([0, 0, 0, 0, 1, 1], [0, 1, 2, 3, 1, 0], n_users=2, n_items=5)


def test_transitions_by_hand():
    found = SequentialKnn.fit(toy(), SETTINGS).transition.toarray()
    # Items 0 and 1 were bought twice, 2 and 3 once. From 0 to 1: one place ahead for user 0 (1), one place
    # behind for user 1 (.5), over 2 ** 1 for the source and 2 ** .5 for the target.
    assert found[0, 1] == pytest.approx(1.5 / 2 / 2**0.5)
    # From 0 to 2: two places ahead (1 / 2), target bought once. From 2 to 0: the same backward, source once.
    assert found[0, 2] == pytest.approx(0.5 / 2)
    assert found[2, 0] == pytest.approx(0.5 * 0.5 / 2**0.5)
    # Three places are outside the window; nothing is known of item 4.
    assert found[0, 3] == 0.0
    assert not found[4].any()
    assert not found[:, 4].any()


def test_scores_by_hand():
    model = SequentialKnn.fit(toy(), SETTINGS)
    history = Sequences.listed([0, 0], [0, 1], n_users=2, n_items=5)
    found = model.score(history).numpy()
    # Item 2 after item 0, one place back (weight .5), and after item 1, the latest: 1 ahead over 2.
    assert found[0, 2] == pytest.approx(0.5 * 0.5 / 2 + 1.0 * 1 / 2)
    assert not found[1].any()


def test_nothing_counts_backward_where_it_is_told_to():
    ahead = SequentialKnnSettings(length=300, window=1, backward=0.0)
    found = SequentialKnn.fit(toy(), ahead).transition.toarray()
    assert sorted(zip(*np.nonzero(found), strict=True)) == [(0, 1), (1, 0), (1, 2), (2, 3)]


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=7), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_all_pairs_within_the_window_are_counted_block_by_block(histories, window, block):
    user = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    sequences = Sequences.listed(user, np.concatenate([[], *histories]), n_users=len(histories), n_items=5)
    wanted = np.zeros((5, 5))
    for history in histories:
        for start in range(len(history)):
            for end in range(start + 1, min(start + window, len(history) - 1) + 1):
                wanted[history[start], history[end]] += 1.0 / (end - start)
                wanted[history[end], history[start]] += 0.5 / (end - start)
    plain = replace(SETTINGS, window=window, source_power=0.0, target_power=0.0)
    with mock.patch.object(sequential_knn, "BLOCK_PLACES", block):
        found = SequentialKnn.fit(sequences, plain).transition.toarray()
    assert found == pytest.approx(wanted, abs=1e-6)


def test_the_latest_items_are_read_and_the_strongest_transitions_kept():
    fit, short = SequentialKnn.fit, replace(SETTINGS, length=2, backward=0.0)
    # Of user 0 what is read is 2, 3, of user 1 all: 1, 0.
    found = fit(toy(), short)
    assert sorted(zip(*np.nonzero(found.transition.toarray()), strict=True)) == [(1, 0), (2, 3)]
    # The history 1, 2, 9 times 0: nothing follows 0 here, and 1 and 2 are too long ago.
    long = Sequences.listed(np.zeros(11), [1, 2, *[0] * 9], n_users=1, n_items=5)
    assert not found.score(long).any()
    assert found.target_ranks(NextItems(long, np.array([3]))).tolist() == [5]
    kept = fit(toy(), replace(SETTINGS, neighbours=1)).transition
    whole = fit(toy(), SETTINGS).transition.toarray()
    assert np.diff(kept.indptr).max() == 1
    assert kept.toarray().max(axis=1) == pytest.approx(whole.max(axis=1))


def test_sparse_ranks_are_the_dense_ones_of_targets_with_a_score():
    split = LeaveOneOut.of(planted(users=60, length=6, n_items=30, seed=3))
    model = SequentialKnn.fit(split.train, PLAIN)
    dense, found = target_ranks(model, split.test), model.target_ranks(split.test)
    own = model.score(split.test.history).numpy()[np.arange(60), split.test.target]
    in_history = dense == 30
    assert in_history.any()
    assert (own == 0).any()
    assert found.tolist() == np.where((own > 0) & ~in_history, dense, 30).tolist()


def test_short_and_long_histories_and_a_catalogue_of_one():
    long = Sequences.listed(np.zeros(10_001), np.arange(10_001) % 7, n_users=1, n_items=7)
    model = SequentialKnn.fit(long, PLAIN)
    both = Sequences.listed([0, *np.ones(10_000)], [3, *(np.arange(10_000) % 7)], n_users=2, n_items=7)
    scores = model.score(both).numpy()
    assert np.isfinite(scores).all()
    assert scores[0].argmax() == 4
    one = Sequences.listed([0, 0, 0], [0, 0, 0], n_users=1, n_items=1)
    assert SequentialKnn.fit(one, PLAIN).score(one).shape == (1, 1)
    nothing = Sequences.listed([], [], n_users=2, n_items=3)
    assert not SequentialKnn.fit(nothing, PLAIN).score(nothing).any()


def test_settings_are_chosen_for_what_is_planted():
    split = LeaveOneOut.of(planted(users=400, length=8, n_items=50, seed=1))
    start = SequentialKnnSettings(length=300, window=3, decay=1.0, backward=1.0, gap_power=0.25)
    chosen, quality = choose_settings(split.train, split.validation, start)
    # Only the latest item matters, and what follows it.
    assert chosen.decay == min(GRID["decay"])
    assert chosen.backward < 1.0
    rank = target_ranks(SequentialKnn.fit(split.train, chosen), split.test)
    # The likeliest next item comes in 80 % of cases; a target the user has already is out of reach.
    assert hit_of(rank, 1).mean() > 0.7
    assert quality > 0.7
    assert choose_settings(split.train, split.validation, start) == (chosen, quality)


def test_a_shops_scores_split_over_the_history():
    """User 0 buys 0, looks at 1, buys 0 again; user 1 buys 1, then 2. Asked of user 0 at the end."""
    past = Interactions.of(
        [0, 0, 0, 1, 1], [0, 1, 0, 1, 2], [3.0, 2.0, 1.0, 5.0, 6.0], [1.0, 0.1, 1.0, 1.0, 1.0],
        n_users=3, n_items=4, is_purchase=[True, False, True, True, True],
    )  # fmt: skip
    histories = histories_of(past)
    assert histories.take(np.array([0])).item.tolist() == [0, 1, 0]
    model = SequentialRecommender(histories, SequentialKnn.fit(histories, SETTINGS))
    scores = model.score(np.array([0, 2])).numpy()
    history, parts = model.explainer()(0, np.array([0, 2, 3]))
    assert history.tolist() == [0, 1]
    # Item 2 comes one place after item 1, which was the last but one (.5) and is known twice (source).
    assert parts[:, 1].tolist() == pytest.approx([0.0, 0.5 * 1 / 2])
    assert parts[:, 1:].sum(axis=0) == pytest.approx(scores[0, 2:])
    # What an item adds to itself is no reason.
    assert parts[0, 0] == 0.0
    assert parts[1, 0] > 0.0
    assert not scores[1].any()
    nothing, no_parts = model.explainer()(2, np.array([0]))
    assert (len(nothing), no_parts.shape) == (0, (0, 1))
