"""What sells best, overall and in each cohort: for users without history, and for reasons."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from python_ml.recommender.arrange import Arranged, Arrangement, arrange, candidates
from python_ml.recommender.data import Interactions
from python_ml.recommender.ranking import top_k
from python_ml.recommender.rules import Chosen
from python_ml.recommender.serve import Lists

# Weights of what orders items with equally many buyers: buyers elsewhere, then interest of all time.
ELSEWHERE = 1e-3
ALL_TIME = 1e-6
BLOCK_USERS = 4096


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

    @classmethod
    def of_shop(cls, past: Interactions, *, now: float, window_days: float) -> "BestSellers":
        """As `count`, of the whole shop alone: no cohort has any."""
        return cls.count(past, np.full(past.n_users, -1), 0, now=now, window_days=window_days)

    def scores(self, cohort: int = -1) -> np.ndarray:
        """(I,) float64 what orders the best-sellers of one cohort, or of the whole shop (-1)."""
        buyers = self.overall if cohort < 0 else self.by_cohort[cohort]
        elsewhere = self.overall / max(self.overall.max(initial=0.0), 1.0)
        level = self.all_time / max(self.all_time.max(initial=0.0), 1.0)
        return buyers + ELSEWHERE * elsewhere + ALL_TIME * level

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
    plan: Arrangement,
    min_cohort_buyers: int,
) -> tuple[Lists, np.ndarray]:
    """The same list for every user of a cohort to whom the rules show the same, but for places drawn by lot.

    Args:
        sellers: the counts.
        users: (U,) int64, users without history.
        cohort: (n_users,) int64, -1 = none.
        is_publishable: (I,) bool.
        plan: length, business rules and exploration of this list.
        min_cohort_buyers: with fewer buyers in the window a cohort gets the overall list.

    Returns:
        the lists; (U, K) bool, whether the place is filled by the cohort's own buyers.
    """
    large = np.flatnonzero(sellers.buyers_by_cohort >= min_cohort_buyers)
    group = np.where(np.isin(cohort[users], large), cohort[users], -1)
    width, rules = min(plan.length, len(is_publishable)), plan.rules
    items = np.full((len(users), width), -1, dtype=np.int64)
    scores = np.zeros((len(users), width), dtype=np.float32)
    removed = np.zeros(len(users), dtype=bool)
    touched = np.zeros((len(users), width, -(-len(rules.rule_ids) // 8)), dtype=np.uint8)
    from_cohort = np.zeros((len(users), width), dtype=bool)
    drawn_from = np.zeros((len(users), width), dtype=np.int32)
    kinds = np.stack([group, rules.patterns(users)], axis=1)
    for number, pattern in np.unique(kinds, axis=0):
        rows = np.flatnonzero((kinds == (number, pattern)).all(axis=1))
        buyers = sellers.overall if number < 0 else sellers.by_cohort[number]
        score = torch.from_numpy(sellers.scores(number))[None]
        unruled = top_k(score, plan.length)[0][0]
        removed[rows] = not is_publishable[unruled].all()
        score[:, torch.from_numpy(~is_publishable)] = -torch.inf
        pool = candidates(score, users[rows][:1], plan)
        for block, shown in _blocks(pool, users, rows, plan):
            items[block], scores[block], drawn_from[block] = shown.items, shown.scores, shown.drawn_from
            touched[block] = np.packbits(shown.touched, axis=2)
            from_cohort[block] = (number >= 0) & (shown.items >= 0) & (buyers[shown.items] > 0)
    return Lists(users, items, scores, removed, touched, drawn_from), from_cohort


def _blocks(
    pool: Chosen, users: np.ndarray, rows: np.ndarray, plan: Arrangement
) -> Iterator[tuple[np.ndarray, Arranged]]:
    """The list of each of some users, all of one row of candidates: row numbers and lists, block by block."""
    for start in range(0, len(rows), BLOCK_USERS):
        block = rows[start : start + BLOCK_USERS]
        parts = (np.repeat(part, len(block), axis=0) for part in (pool.items, pool.scores, pool.touched))
        yield block, arrange(Chosen(*parts), users[block], plan)
