"""Places of a list that are drawn by lot, with known odds, so that sales there can be counted fairly.

Uniform draws, and not ones that prefer better scores: the odds of every candidate at every place are then one
number that stands beside the row, whatever else was drawn, and the largest weight an estimate can give to one
purchase is the size of the pool. The odds of a softmax without replacement have no such form.

Source: Li, Chu, Langford and Wang, "Unbiased offline evaluation of contextual-bandit-based news article
recommendation algorithms", 2011; Horvitz and Thompson, "A generalization of sampling without replacement from
a finite universe", 1952.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

LAST = np.iinfo(np.uint64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """How many places of a list are drawn, and from how many candidates.

    Args:
        slots: the last places of a list; 0 for none.
        pool: M, candidates behind the places that are not drawn; at least `slots`.
        user_ids: (n_users,) ids: a user's draws depend on nothing but the id and
        label: what else they depend on: seed, list and day.
    """

    slots: int = 0
    pool: int = 1
    user_ids: Sequence[str] = ()
    label: str = ""

    def of_part(self, users: np.ndarray) -> "Exploration":
        """The same for some users (B,), numbered anew from 0."""
        if not self.slots:
            return self
        return replace(self, user_ids=[self.user_ids[user] for user in users.tolist()])

    def shuffled(self, users: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """The numbers of each user's candidates in an order drawn by lot, every order as likely as any other.

        Args:
            users: (B,) int64.
            sizes: (B,) int64, candidates of each, at most M.

        Returns:
            (B, M) int64; those below the user's size come first.
        """
        drawn = np.full((len(users), self.pool), LAST, dtype=np.uint64)
        for row, (user, size) in enumerate(zip(users.tolist(), sizes.tolist(), strict=True)):
            drawn[row, :size] = self._numbers(self.user_ids[user], size)
        return np.argsort(drawn, axis=1, kind="stable")

    def _numbers(self, user_id: str, size: int) -> np.ndarray:
        # A counter-based generator needs no state: its raw numbers are the same in every release and block.
        # A control character separates: ids do not hold it, so no two labels read alike.
        digest = hashlib.sha256(f"{self.label}\x1f{user_id}".encode()).digest()
        return np.random.Philox(key=int.from_bytes(digest[:16], "big")).random_raw(size)


NO_EXPLORATION = Exploration()


def draw_label(seed: int, list_name: str, as_of: str) -> str:
    """What the draws of one list depend on beside the user, as a label."""
    return "\x1f".join(("exploration", str(seed), list_name, as_of))
