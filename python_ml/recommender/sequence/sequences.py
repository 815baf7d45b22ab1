"""Histories in order, packed: the items of all users one after the other, and where each user's start.

Amazon's dates name a day, and its files are sorted by product: the order of rows within a day says nothing
about the buyer, yet a model that predicts the next item learns it. So items of one user and day are put in an
order drawn from a fixed hash of (user, item, day): the same for every order of the rows, and related to
neither item numbers nor popularity. A file without times (`listed`) has its own order and no other.
"""

from dataclasses import dataclass

import numpy as np

NOT_JUDGED = 3  # users with fewer items have no next item to hide


@dataclass(frozen=True, slots=True)
class Sequences:
    """The histories of U users.

    Args:
        item: (M,) int64 in [0, n_items), user by user, earliest first.
        day: (M,) float64, days since 1970-01-01 UTC; zeros where nothing is known.
        offset: (U + 1,) int64, where each user's items start, and the end.
        n_items: size of the catalogue, never-sold items included.
        has_days: whether `day` says anything.
    """

    item: np.ndarray
    day: np.ndarray
    offset: np.ndarray
    n_items: int
    has_days: bool

    @classmethod
    def of(cls, user, item, day, *, n_users: int, n_items: int) -> "Sequences":
        """Sort rows by user and day, ties by the hash; the order of the rows never matters.

        Args:
            user: (M,) integers in [0, n_users).
            item: (M,) integers in [0, n_items).
            day: (M,) days since 1970-01-01 UTC.
            n_users: number of users, those without rows included.
            n_items: size of the catalogue.
        """
        user, item, day = np.asarray(user, np.int64), np.asarray(item, np.int64), np.asarray(day, np.float64)
        order = np.lexsort((item, _shuffling_key(user, item, day), day, user))
        return cls(item[order], day[order], _offsets(user, n_users), n_items, True)

    @classmethod
    def listed(cls, user, item, *, n_users: int, n_items: int) -> "Sequences":
        """Rows without times: each user's items stay in the order in which they are listed."""
        user, item = np.asarray(user, np.int64), np.asarray(item, np.int64)
        order = np.argsort(user, kind="stable")
        return cls(item[order], np.zeros(len(item)), _offsets(user, n_users), n_items, False)

    def __len__(self) -> int:
        return len(self.offset) - 1

    @property
    def size(self) -> np.ndarray:
        """(U,) int64, items of each user."""
        return np.diff(self.offset)

    @property
    def user(self) -> np.ndarray:
        """(M,) int64, whose item each one is."""
        return np.repeat(np.arange(len(self)), self.size)

    def take(self, users: np.ndarray) -> "Sequences":
        """The histories of some users, in their order; a user may be taken twice.

        Args:
            users: (B,) int64.
        """
        return self._cut(self.offset[users], self.offset[users + 1] - self.offset[users])

    def without_last(self, count: np.ndarray | int) -> "Sequences":
        """Every history without its last `count` items: one number, or (U,) one for each user."""
        return self._cut(self.offset[:-1], np.maximum(self.size - count, 0))

    def tail(self, length: int) -> "Sequences":
        """The last `length` items of every history."""
        size = np.minimum(self.size, length)
        return self._cut(self.offset[1:] - size, size)

    def last(self) -> np.ndarray:
        """(U,) int64, the last item of every user, -1 where there is none."""
        last = np.full(len(self), -1, np.int64)
        known = self.size > 0
        last[known] = self.item[self.offset[1:][known] - 1]
        return last

    def count(self) -> np.ndarray:
        """(n_items,) float64, how often each item occurs."""
        return np.bincount(self.item, minlength=self.n_items).astype(np.float64)

    def back(self) -> np.ndarray:
        """(M,) int64, how many items of the same user follow each one: 0 for the latest."""
        return np.repeat(self.offset[1:], self.size) - 1 - np.arange(len(self.item))

    def _cut(self, start: np.ndarray, size: np.ndarray) -> "Sequences":
        offset = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        place = np.repeat(start - offset[:-1], size) + np.arange(offset[-1])
        return Sequences(self.item[place], self.day[place], offset, self.n_items, self.has_days)


@dataclass(frozen=True, slots=True)
class NextItems:
    """Histories, and the item that came after each.

    Args:
        history: of U users.
        target: (U,) int64.
    """

    history: Sequences
    target: np.ndarray


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The protocol of the published tables: models learn from `train`, settings from `validation`.

    Users with fewer than three items are not judged, and train with all they have.

    Args:
        train: histories of all users, without the last two items of those who are judged.
        validation: the second to last item of every judged user, after the items before it.
        test: the last item of every judged user, after all items before it.
    """

    train: Sequences
    validation: NextItems
    test: NextItems

    @classmethod
    def of(cls, sequences: Sequences) -> "LeaveOneOut":
        """Split every history of at least three items."""
        is_judged = sequences.size >= NOT_JUDGED
        judged = sequences.take(np.flatnonzero(is_judged))
        known = judged.without_last(1)
        return cls(
            sequences.without_last(np.where(is_judged, 2, 0)),
            NextItems(known.without_last(1), known.last()),
            NextItems(known, judged.last()),
        )


def _offsets(user: np.ndarray, n_users: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(user, minlength=n_users))]).astype(np.int64)


def _shuffling_key(user: np.ndarray, item: np.ndarray, day: np.ndarray) -> np.ndarray:
    """(M,) uint64, well mixed; a day's fraction counts too."""
    key = np.zeros(len(user), np.uint64)
    for part in (user, item, (day + 0.0).view(np.int64)):  # + 0.0 makes -0.0 the same day as 0.0
        key = _mix(key ^ part.astype(np.uint64))
    return key


def _mix(key: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    key = key + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))
