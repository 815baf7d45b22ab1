"""Lists for a session that is nobody's: what comes after the items looked at in it.

The sequential kNN needs items in order and nothing else, so it answers for any list of items: those of a
visitor who never logged in, of the page somebody is on, of a basket. Where it knows no further item,
best-sellers fill up.

Measured on sessions of people the model had not seen, the last new item of each hidden, NDCG@10: in rees46
.081 to .092 by four settings against .024 of best-sellers and .075 of item-kNN; in the simulated shop .187 to
.201, .016 and .167.

Shapes: S sessions, B sessions of a block, K places, I items of the catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from python_ml.recommender.item_knn import split_scores
from python_ml.recommender.rules import NO_RULES, Rules, choose
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.sequential_knn import SequentialKnn, recency_matrix
from python_ml.recommender.serve import filler_of

FILLER = 1e-6  # the best seller's score, where the item most likely to come next has 1


@dataclass(frozen=True, slots=True)
class SessionLists:
    """Lists of some sessions.

    Args:
        items: (S, K) int64, best first, never one of the session, -1 where nothing was left.
        scores: (S, K) float32, 1 for what is most likely to come next, before boosts.
        reason_items: (S, K) int64, the item of the session that speaks most for it, -1 of best-sellers.
        is_pinned: (S, K) bool, whether a business rule put it there.
    """

    items: np.ndarray
    scores: np.ndarray
    reason_items: np.ndarray
    is_pinned: np.ndarray


def recommend_for_items(
    model: SequentialKnn,
    items: Sequence[int],
    sellers: np.ndarray,
    is_publishable: np.ndarray,
    rules: Rules = NO_RULES,
    *,
    length: int,
) -> SessionLists:
    """One list for items in the order they were looked at, or put into a basket; no user id is needed.

    Args:
        items: numbers of items, the latest last; without any the list is of best-sellers.
        model, sellers, is_publishable, rules, length: see `recommend_for_sessions`.
    """
    session = Sequences.listed(np.zeros(len(items)), items, n_users=1, n_items=len(sellers))
    return recommend_for_sessions(
        model, session, sellers, is_publishable, rules, length=length, block_sessions=1
    )


def recommend_for_sessions(
    model: SequentialKnn,
    sessions: Sequences,
    sellers: np.ndarray,
    is_publishable: np.ndarray,
    rules: Rules = NO_RULES,
    *,
    length: int,
    block_sessions: int,
) -> SessionLists:
    """A list for each session.

    Args:
        model: fitted on the histories of users.
        sessions: items of each session in order.
        sellers: (I,) float, what orders best-sellers, at least 0.
        is_publishable: (I,) bool.
        rules: business rules, as they hold for somebody nothing is known of: see `for_strangers`.
        length: K, or the size of the catalogue where that is smaller.
        block_sessions: sessions scored at once; the largest array is this by I.
    """
    rules = rules.for_strangers()
    filler = torch.from_numpy(filler_of(sellers, FILLER))
    hidden = torch.from_numpy(np.flatnonzero(~is_publishable))
    parts = []
    for start in range(0, max(len(sessions), 1), block_sessions):
        numbers = np.arange(start, min(start + block_sessions, len(sessions)))
        block = sessions.take(numbers)
        of_session = torch.from_numpy(block.user), torch.from_numpy(block.item)
        score = model.score(block)
        score[:, hidden] = 0.0  # what is not shown is no measure for what is
        score[of_session] = 0.0
        score /= score.amax(dim=1, keepdim=True).clamp_min(1e-30)
        score += filler
        score[:, hidden] = -torch.inf
        score[of_session] = -torch.inf
        chosen = choose(score, np.zeros(len(block), dtype=np.int64), length, rules)
        is_pinned = chosen.touched[:, :, [pin.rule for pin in rules.pins]].any(axis=2)
        parts.append((chosen.items, chosen.scores, _reasons(model, block, chosen.items), is_pinned))
    return SessionLists(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _reasons(model: SequentialKnn, sessions: Sequences, items: np.ndarray) -> np.ndarray:
    """(B, K) int64, the item of each session that adds most to the score of each item of its list, or -1."""
    reasons = np.full(items.shape, -1, dtype=np.int64)
    recent = recency_matrix(sessions.tail(model.length), model.decay)
    recent.sum_duplicates()
    for number, listed in enumerate(items):
        places = np.flatnonzero(listed >= 0)
        row = recent[number]
        known = row.indices.astype(np.int64)
        history, weight = split_scores(known, row.data, model.transition, listed[places])
        if len(history) and len(places):
            best = weight.argmax(axis=0)
            speaks = weight[best, np.arange(len(places))] > 0
            reasons[number, places] = np.where(speaks, history[best], -1)
    return reasons
