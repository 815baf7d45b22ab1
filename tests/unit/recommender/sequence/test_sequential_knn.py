"""Transitions counted by hand, and settings chosen on validation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markov import planted

from python_ml.recommender.sequence.judge_next import hit_of, target_ranks
from python_ml.recommender.sequence.sequences import LeaveOneOut, Sequences
from python_ml.recommender.sequence.sequential_knn import (
    GRID,
    FollowedPairs,
    SequentialKnn,
    SequentialKnnSettings,
    choose_settings,
)

SETTINGS = SequentialKnnSettings(
    window=2, gap_power=1.0, backward=0.5, source_power=1.0, target_power=0.5, shrinkage=0.0, decay=0.5
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
    ahead = SequentialKnnSettings(window=1, backward=0.0)
    found = SequentialKnn.fit(toy(), ahead).transition.toarray()
    assert sorted(zip(*np.nonzero(found), strict=True)) == [(0, 1), (1, 0), (1, 2), (2, 3)]


@given(st.lists(st.lists(st.integers(0, 4), max_size=7), min_size=1, max_size=5), st.integers(1, 4))
def test_pairs_are_all_within_the_window(histories, window):
    user = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    sequences = Sequences.listed(user, np.concatenate([[], *histories]), n_users=len(histories), n_items=5)
    pairs = FollowedPairs.of(sequences, window)
    wanted = [
        (history[start], history[end], end - start)
        for history in histories
        for start in range(len(history))
        for end in range(start + 1, min(start + window, len(history) - 1) + 1)
    ]
    assert sorted(zip(pairs.earlier, pairs.later, pairs.gap, strict=True)) == sorted(wanted)


def test_sparse_ranks_are_the_dense_ones_of_targets_with_a_score():
    split = LeaveOneOut.of(planted(users=60, length=6, n_items=30, seed=3))
    model = SequentialKnn.fit(split.train, SequentialKnnSettings())
    dense, found = target_ranks(model, split.test), model.target_ranks(split.test)
    own = model.score(split.test.history).numpy()[np.arange(60), split.test.target]
    in_history = dense == 30
    assert in_history.any()
    assert (own == 0).any()
    assert found.tolist() == np.where((own > 0) & ~in_history, dense, 30).tolist()


def test_short_and_long_histories_and_a_catalogue_of_one():
    long = Sequences.listed(np.zeros(10_001), np.arange(10_001) % 7, n_users=1, n_items=7)
    model = SequentialKnn.fit(long, SequentialKnnSettings())
    both = Sequences.listed([0, *np.ones(10_000)], [3, *(np.arange(10_000) % 7)], n_users=2, n_items=7)
    scores = model.score(both).numpy()
    assert np.isfinite(scores).all()
    assert scores[0].argmax() == 4
    one = Sequences.listed([0, 0, 0], [0, 0, 0], n_users=1, n_items=1)
    assert SequentialKnn.fit(one, SequentialKnnSettings()).score(one).shape == (1, 1)
    nothing = Sequences.listed([], [], n_users=2, n_items=3)
    assert not SequentialKnn.fit(nothing, SequentialKnnSettings()).score(nothing).any()


def test_settings_are_chosen_for_what_is_planted():
    split = LeaveOneOut.of(planted(users=400, length=8, n_items=50, seed=1))
    start = SequentialKnnSettings(window=3, decay=1.0, backward=1.0, gap_power=0.25)
    chosen, quality = choose_settings(split.train, split.validation, start)
    # Only the latest item matters, and what follows it.
    assert chosen.decay == min(GRID["decay"])
    assert chosen.backward < 1.0
    rank = target_ranks(SequentialKnn.fit(split.train, chosen), split.test)
    # The likeliest next item comes in 80 % of cases; a target the user has already is out of reach.
    assert hit_of(rank, 1).mean() > 0.7
    assert quality > 0.7
    assert choose_settings(split.train, split.validation, start) == (chosen, quality)
