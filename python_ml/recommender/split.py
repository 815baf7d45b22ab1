"""Cuts in global time: what a model may see, and what it is asked to predict.

No random split and no leave-one-out: both let a model learn from other users' future.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import sparse

from python_ml.errors import ModelError
from python_ml.recommender.data import Interactions

EPOCH = date(1970, 1, 1)


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
        past: the purchases before the cut.
        cut: day of the cut.
        truth: (n_users, n_items) CSR, 1 where the user bought the item in the window.
        owned: (n_users, n_items) CSR, 1 where the user bought the item before the cut.
        users: (U,) int64, users with a purchase both before the cut and in the window.
        users_without_history: number of buyers in the window with no purchase before the cut.
    """

    past: Interactions
    cut: float
    truth: sparse.csr_matrix
    owned: sparse.csr_matrix
    users: np.ndarray
    users_without_history: int


def day_of(moment: date) -> float:
    """Days since 1970-01-01 at the start of a date."""
    return float((moment - EPOCH).days)


def time_splits(as_of: date, window_days: int) -> tuple[TimeSplit, TimeSplit]:
    """The validation and the test split: two neighbouring windows that end at `as_of`.

    Args:
        as_of: the day recommendations are made for; nothing on or after it is seen.
        window_days: length of each window in days.
    """
    end = day_of(as_of)
    test = TimeSplit("test", end - window_days, end)
    return TimeSplit("validation", test.cut - window_days, test.cut), test


def split_data(interactions: Interactions, split: TimeSplit) -> SplitData:
    """Cut the interactions at one split.

    Raises:
        ModelError: nothing lies before the cut, or nobody known buys in the window.
    """
    past = interactions.before(split.cut)
    truth = interactions.between(split.cut, split.end).pairs()
    owned = past.pairs()
    buys = np.diff(truth.indptr) > 0
    known = np.diff(owned.indptr) > 0
    if not (buys & known).any():
        raise ModelError(
            f"no user has purchases both before and in the {split.name} window",
            where="features.interactions",
            remedy="shorten recommender.window_days, or load a longer history",
        )
    return SplitData(past, split.cut, truth, owned, np.flatnonzero(buys & known), int((buys & ~known).sum()))
