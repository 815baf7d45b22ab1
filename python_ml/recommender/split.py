"""Cuts in global time: what a model may see, and what it is asked to predict.

The windows' length fits the history: a window takes a quarter of it at most, so that half of it is left to
learn from when settings are chosen.

No random split and no leave-one-out: both let a model learn from other users' future.
"""

from dataclasses import dataclass
from datetime import date
from math import floor

import numpy as np
from scipy import sparse

from python_ml.recommender.data import Interactions, is_entry

EPOCH = date(1970, 1, 1)
HOURS_A_DAY = 24
WINDOWS_A_HISTORY = 4  # validation, test, and as much again before them


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """One cut: everything before `cut` is known, [cut, end) is to be predicted. Days since 1970-01-01."""

    name: str
    cut: float
    end: float


@dataclass(frozen=True, slots=True)
class SplitData:
    """What one split gives a model and its judge.

    Args:
        past: the interactions before the cut.
        cut: day of the cut.
        truth: (n_users, n_items) CSR, 1 where the user bought the item in the window.
        owned: (n_users, n_items) CSR, 1 where the user bought the item before the cut.
        users: (U,) int64, users with a purchase in the window and any interaction before the cut, or a sample
            of them: who is judged.
        known_buyers: how many of them there are.
        newcomers: (W,) int64, users with a purchase in the window and no interaction before the cut, or a
            sample of them.
    """

    past: Interactions
    cut: float
    truth: sparse.csr_matrix
    owned: sparse.csr_matrix
    users: np.ndarray
    known_buyers: int
    newcomers: np.ndarray

    def new(self) -> sparse.csr_matrix:
        """(n_users, n_items) CSR, the truth without what the user owned before the cut."""
        new = self.truth.copy()
        new.data[is_entry(new, self.owned)] = 0.0
        new.eliminate_zeros()
        return new


@dataclass(frozen=True, slots=True)
class Windows:
    """How a history is cut.

    Args:
        history_hours: its length, in whole days from four days on, else in whole hours.
        days: length of a window; a whole number from one day on, else a fraction of whole hours; 0 if the
            history is too short for any.
        splits: validation and test; none if the history is too short.
    """

    history_hours: int
    days: float
    splits: tuple[TimeSplit, ...]


def day_of(moment: date) -> float:
    """Days since 1970-01-01 at the start of a date."""
    return float((moment - EPOCH).days)


def choose_windows(day_M: np.ndarray, as_of: date, window_days: int) -> Windows:
    """Two neighbouring windows at the end of the history, each a quarter of it or `window_days`, if shorter.

    The history runs from the day of the first interaction to the end of the day of the last; one of fewer
    than four days is counted in hours, and below four hours there is no window.

    Args:
        day_M: when each interaction before `as_of` was, in days since 1970-01-01.
        as_of: the day recommendations are made for; nothing on or after it is seen.
        window_days: the longest a window may be.
    """
    if len(day_M) == 0:
        return Windows(0, 0, ())
    first, last = float(day_M.min()), float(day_M.max())
    end = min(floor(last) + 1, day_of(as_of))
    days = int(end - floor(first))
    if days >= WINDOWS_A_HISTORY:
        length = min(window_days, days // WINDOWS_A_HISTORY)
        return Windows(days * HOURS_A_DAY, length, _time_splits(end, length))
    last_hour = floor(round(last * HOURS_A_DAY, 6)) + 1
    hours = last_hour - floor(round(first * HOURS_A_DAY, 6))
    length = min(window_days, hours // WINDOWS_A_HISTORY / HOURS_A_DAY)
    return Windows(hours, length, _time_splits(last_hour / HOURS_A_DAY, length) if length else ())


def _time_splits(end: float, length: float) -> tuple[TimeSplit, TimeSplit]:
    test = TimeSplit("test", end - length, end)
    return TimeSplit("validation", test.cut - length, test.cut), test


def split_data(interactions: Interactions, split: TimeSplit, *, max_users: int, seed: int) -> SplitData:
    """Cut the interactions at one split.

    Args:
        interactions: of the whole history.
        split: where.
        max_users: of more known users, or newcomers, than this a random sample is judged.
        seed: of that sample.
    """
    past = interactions.before(split.cut)
    truth = interactions.between(split.cut, split.end).pairs()
    owned = past.pairs()
    buys = np.diff(truth.indptr) > 0
    known = np.zeros(past.n_users, dtype=bool)
    known[past.user] = True
    buyers, newcomers = np.flatnonzero(buys & known), np.flatnonzero(buys & ~known)
    judged, measured = (_sample(users, max_users, seed) for users in (buyers, newcomers))
    return SplitData(past, split.cut, truth, owned, judged, len(buyers), measured)


def _sample(users: np.ndarray, at_most: int, seed: int) -> np.ndarray:
    if len(users) <= at_most:
        return users
    return np.sort(np.random.default_rng(seed).choice(users, at_most, replace=False))


def duration(hours: int) -> str:
    """ "36 hours", "1 hour", "28 days": days where they are whole."""
    if hours % HOURS_A_DAY:
        return f"{hours:,} hour{'s' if hours != 1 else ''}"
    days = hours // HOURS_A_DAY
    return f"{days:,} day{'s' if days != 1 else ''}"
