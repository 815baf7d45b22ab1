"""Why an item is in a list, in the terms of the model that put it there."""

from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from python_ml.recommender.best_sellers import BestSellers
from python_ml.recommender.judge import Explainer, Scorer
from python_ml.recommender.serve import Lists


class Reason(IntEnum):
    """Reason codes; the lower-case names are published."""

    BOUGHT_BEFORE = 0
    BECAUSE_YOU_BOUGHT = 1
    POPULAR_IN_COHORT = 2
    POPULAR_OVERALL = 3
    VIEWED_BEFORE = 4
    BECAUSE_YOU_VIEWED = 5
    CHOSEN_BY_SHOP = 6  # pinned, and nothing else speaks for it


@runtime_checkable
class Explained(Protocol):
    """A model whose scores are sums over the user's history."""

    def explainer(self) -> Explainer:
        """Prepare to split scores over the history."""


def explainer_of(model: Scorer) -> Explainer | None:
    """What splits the model's scores over a history; None where they are no such sum."""
    return model.explainer() if isinstance(model, Explained) else None


def explain(
    explainer: Explainer | None,
    lists: Lists,
    owned: sparse.csr_matrix,
    seen: sparse.csr_matrix,
    sellers: BestSellers,
    cohort: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """One reason for each place of each list.

    An owned item is there because it was bought before, one that was looked at because of that. Otherwise the
    history item that adds most to the score is named, bought or looked at, if the model's scores split over
    the history and it adds anything; else the item is popular: in the cohort, if more of the cohort's buyers
    than of all buyers buy it, or overall.

    Args:
        explainer: of the model that made the lists.
        lists: (U, K) items of users with history.
        owned: (n_users, n_items) CSR, what was bought.
        seen: (n_users, n_items) CSR, what was bought, looked at, put into a cart ...
        sellers: popularity overall and by cohort.
        cohort: (n_users,) int64, -1 = none.

    Returns:
        reason (U, K) int64 of `Reason`; reason item (U, K) int64, -1 where the reason names none.
    """
    reason = np.full(lists.items.shape, int(Reason.POPULAR_OVERALL))
    reason_item = np.full(lists.items.shape, -1, dtype=np.int64)
    for row, user in enumerate(lists.users):
        bought, known = (part.indices[part.indptr[user] : part.indptr[user + 1]] for part in (owned, seen))
        items = lists.items[row]
        place = np.flatnonzero(items >= 0)
        is_known = np.isin(items[place], known)
        before, place = place[is_known], place[~is_known]
        reason[row, before] = np.where(
            np.isin(items[before], bought), Reason.BOUGHT_BEFORE, Reason.VIEWED_BEFORE
        )
        reason_item[row, before] = items[before]
        named = _strongest(explainer, int(user), items[place])
        reason[row, place] = np.where(
            np.isin(named, bought), Reason.BECAUSE_YOU_BOUGHT, Reason.BECAUSE_YOU_VIEWED
        )
        reason[row, place[named < 0]] = Reason.POPULAR_OVERALL
        reason_item[row, place] = named
        place = place[named < 0]
        in_cohort = sellers.is_liked_more(int(cohort[user]), items[place])
        reason[row, place[in_cohort]] = Reason.POPULAR_IN_COHORT
    return reason, reason_item


def mix_explainers(*parts: tuple[float, Explainer]) -> Explainer:
    """What several models say of an item, each scaled to a largest contribution of 1 to it.

    Args:
        parts: weight and explainer of each model. They may look at different parts of a user's history; where
            one does not look, it says 0.
    """

    def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        told = [(weight, *explainer(user, items)) for weight, explainer in parts]
        history = np.unique(np.concatenate([own for _, own, _ in told]))
        mixed = np.zeros((len(history), len(items)))
        for weight, own, part in told:
            mixed[np.searchsorted(history, own)] += weight * part / _largest(part)
        return history, mixed.astype(np.float32)

    return contributions


def _largest(part: np.ndarray) -> np.ndarray:
    """(K,) the largest contribution to each item; of an item that all take from, the largest loss."""
    added, moved = part.max(axis=0, initial=0.0), np.abs(part).max(axis=0, initial=0.0)
    return np.where(added > 0, added, np.maximum(moved, 1e-12))


def _strongest(explainer: Explainer | None, user: int, items: np.ndarray) -> np.ndarray:
    """(K,) the history item that adds most to each item's score, -1 where none adds anything."""
    if explainer is None or len(items) == 0:
        return np.full(len(items), -1, dtype=np.int64)
    history, weight = explainer(user, items)
    best = weight.argmax(axis=0)
    return np.where(weight[best, np.arange(len(items))] > 0, history[best], -1)
