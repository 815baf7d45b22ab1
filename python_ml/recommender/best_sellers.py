"""What sells best, overall and in each cohort: for users without history, and for reasons."""

from dataclasses import dataclass

import numpy as np
import torch

from python_ml.recommender.data import Interactions
from python_ml.recommender.ranking import top_k
from python_ml.recommender.rules import NO_RULES, Rules, choose
from python_ml.recommender.serve import Lists

# Weights of what orders items with equally many buyers: buyers elsewhere, then interest of all time.
ELSEWHERE = 1e-3
ALL_TIME = 1e-6


@dataclass(frozen=True, slots=True)
class BestSellers:
    """Distinct buyers of a recent window.

    Args:
        overall: (I,) float64 buyers.
        by_cohort: (C, I) float64 buyers among the cohort's users.
        buyers_by_cohort: (C,) int64 users of the cohort who bought anything in the window.
        buyers_overall: users who bought anything in the window.
        all_time: (I,) float64 buyers of all time, and users who only looked by their smaller weight: this
            settles what is level.
    """

    overall: np.ndarray
    by_cohort: np.ndarray
    buyers_by_cohort: np.ndarray
    buyers_overall: int
    all_time: np.ndarray

    @classmethod
    def count(
        cls, past: Interactions, cohort: np.ndarray, cohort_count: int, *, now: float, window_days: int
    ) -> "BestSellers":
        """Count the window before `now`.

        Args:
            past: purchases before `now`.
            cohort: (n_users,) int64 in [0, cohort_count), -1 = none.
            cohort_count: C.
            now: days since 1970-01-01.
            window_days: length of the window.
        """
        pairs = past.between(now - window_days, now).pairs()
        active = np.diff(pairs.indptr) > 0
        by_cohort = [
            np.asarray(pairs[cohort == number].sum(axis=0)).ravel() for number in range(cohort_count)
        ]
        return cls(
            np.asarray(pairs.sum(axis=0)).ravel(),
            np.stack(by_cohort) if by_cohort else np.empty((0, past.n_items)),
            np.bincount(cohort[active & (cohort >= 0)], minlength=cohort_count),
            int(active.sum()),
            np.asarray(past.strongest().sum(axis=0)).ravel(),
        )

    def is_liked_more(self, cohort: int, items: np.ndarray) -> np.ndarray:
        """(K,) bool: whether a larger share of the cohort's buyers than of all buyers bought the item."""
        if cohort < 0:
            return np.zeros(len(items), dtype=bool)
        here = self.by_cohort[cohort, items] / max(self.buyers_by_cohort[cohort], 1)
        return here > self.overall[items] / max(self.buyers_overall, 1)


def serve_best_sellers(
    sellers: BestSellers,
    users: np.ndarray,
    cohort: np.ndarray,
    is_publishable: np.ndarray,
    *,
    length: int,
    min_cohort_buyers: int,
    rules: Rules = NO_RULES,
) -> tuple[Lists, np.ndarray]:
    """The same list for every user of a cohort to whom the rules show the same.

    Args:
        sellers: the counts.
        users: (U,) int64, users without history.
        cohort: (n_users,) int64, -1 = none.
        is_publishable: (I,) bool.
        length: K.
        min_cohort_buyers: with fewer buyers in the window a cohort gets the overall list.
        rules: business rules of this list.

    Returns:
        the lists; (U, K) bool, whether the place is filled by the cohort's own buyers.
    """
    large = np.flatnonzero(sellers.buyers_by_cohort >= min_cohort_buyers)
    group = np.where(np.isin(cohort[users], large), cohort[users], -1)
    width = min(length, len(is_publishable))
    items = np.full((len(users), width), -1, dtype=np.int64)
    scores = np.zeros((len(users), width), dtype=np.float32)
    removed = np.zeros(len(users), dtype=bool)
    touched = np.zeros((len(users), width, -(-len(rules.rule_ids) // 8)), dtype=np.uint8)
    from_cohort = np.zeros((len(users), width), dtype=bool)
    level = sellers.all_time / max(sellers.all_time.max(initial=0.0), 1.0)
    kinds = np.stack([group, rules.patterns(users)], axis=1)
    for number, pattern in np.unique(kinds, axis=0):
        rows = (kinds == (number, pattern)).all(axis=1)
        buyers = sellers.overall if number < 0 else sellers.by_cohort[number]
        elsewhere = sellers.overall / max(sellers.overall.max(initial=0.0), 1.0)
        score = torch.from_numpy(buyers + ELSEWHERE * elsewhere + ALL_TIME * level)[None]
        unruled = top_k(score, length)[0][0]
        removed[rows] = not is_publishable[unruled].all()
        score[:, torch.from_numpy(~is_publishable)] = -torch.inf
        chosen = choose(score, users[rows][:1], length, rules)
        best = chosen.items
        items[rows], scores[rows] = best, chosen.scores
        touched[rows] = np.packbits(chosen.touched, axis=2)
        from_cohort[rows] = (number >= 0) & (best >= 0) & (buyers[best] > 0)
    return Lists(users, items, scores, removed, touched), from_cohort
