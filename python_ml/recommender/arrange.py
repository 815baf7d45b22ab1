"""From the candidates the rules allow to the list as it is shown: made diverse, and its last places drawn.

Candidates are chosen under the rules first, more of them than a list has places. Any part of what obeys caps
obeys them, nothing hidden is among them, and pins stay where they are: no step after that can break a rule.

Shapes: B users of a block, K places, D candidates, R rules.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from python_ml.recommender.diversify import Diversity
from python_ml.recommender.explore import NO_EXPLORATION, Exploration
from python_ml.recommender.rules import NO_RULES, Chosen, Rules, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What becomes of the candidates of one list.

    Args:
        length: K.
        rules: business rules of the list.
        diversity: None leaves them in the order of their scores.
        exploration: which places are drawn.
    """

    length: int
    rules: Rules = NO_RULES
    diversity: Diversity | None = None
    exploration: Exploration = NO_EXPLORATION

    @property
    def depth(self) -> int:
        """D: candidates that are needed."""
        drawn = self.length + self.exploration.pool if self.exploration.slots else self.length
        return drawn if self.diversity is None else max(drawn, self.diversity.candidates)

    def of_part(self, users: np.ndarray, items: np.ndarray) -> "Arrangement":
        """The same for some users (B,) and some items (C,), ascending, both numbered anew from 0."""
        return replace(
            self,
            rules=self.rules.of_part(users, items),
            diversity=self.diversity and self.diversity.of_part(items),
            exploration=self.exploration.of_part(users),
        )


@dataclass(frozen=True, slots=True)
class Arranged:
    """Lists of a block of users.

    Args:
        items: (B, K) int64, -1 where the catalogue ran out.
        scores: (B, K) float.
        touched: (B, K, R) bool, see `rules.Chosen`.
        drawn_from: (B, K) int32, from how many candidates the place was drawn; 0 where it was not.
    """

    items: np.ndarray
    scores: np.ndarray
    touched: np.ndarray
    drawn_from: np.ndarray


def candidates(scores: torch.Tensor, users: np.ndarray, plan: Arrangement) -> Chosen:
    """The best D items of each user under the rules, pins at their places.

    Args:
        scores: (B, n_items) float, -inf for what must not be published; written into.
        users: (B,) int64.
        plan: of the list.
    """
    within = tuple(pin for pin in plan.rules.pins if pin.place <= plan.length)
    return choose(scores, users, plan.depth, replace(plan.rules, pins=within))


def arrange(pool: Chosen, users: np.ndarray, plan: Arrangement) -> Arranged:
    """The list of each user.

    Args:
        pool: from `candidates`, a row for each user.
        users: (B,) int64.
        plan: of the list.
    """
    is_pinned = pool.touched[:, :, [pin.rule for pin in plan.rules.pins]].any(axis=2)
    width = min(plan.length, pool.items.shape[1])
    place = np.broadcast_to(np.arange(width), (len(users), width))
    if plan.diversity is not None:
        place = _diversified(pool, is_pinned, width, plan.diversity)
    drawn_from = np.zeros(place.shape, dtype=np.int32)
    if plan.exploration.slots:
        place, drawn_from = _explored(pool, is_pinned, place, users, plan)
    is_filled = (place >= 0) & (np.take_along_axis(pool.items, place, axis=1) >= 0)
    return Arranged(
        np.where(is_filled, np.take_along_axis(pool.items, place, axis=1), -1),
        np.where(is_filled, np.take_along_axis(pool.scores, place, axis=1), -np.inf),
        np.take_along_axis(pool.touched, place[:, :, None], axis=1) & is_filled[:, :, None],
        np.where(is_filled, drawn_from, 0),
    )


def _diversified(pool: Chosen, is_pinned: np.ndarray, width: int, diversity: Diversity) -> np.ndarray:
    """(B, width) int64, which candidate stands at each place; pinned ones stay."""
    best = slice(diversity.candidates)
    order = diversity.order(pool.items[:, best], pool.scores[:, best], width, is_pinned[:, best])
    return _fill(is_pinned[:, :width], np.broadcast_to(np.arange(width), order.shape), order)


def _explored(
    pool: Chosen, is_pinned: np.ndarray, place: np.ndarray, users: np.ndarray, plan: Arrangement
) -> tuple[np.ndarray, np.ndarray]:
    """The same with its last places drawn, and from how many candidates each was, 0 where it was not."""
    size, depth = plan.exploration.pool, pool.items.shape[1]
    stays = np.broadcast_to(np.arange(place.shape[1]) < plan.length - plan.exploration.slots, place.shape)
    stays = stays | is_pinned[:, : place.shape[1]]
    is_open = (pool.items >= 0) & ~is_pinned
    row, column = np.nonzero(stays & (place >= 0))
    is_open[row, place[row, column]] = False
    # The open candidates of each user come first, best first.
    offered = np.argsort(~is_open, axis=1, kind="stable")[:, :size]
    sizes = np.minimum(is_open.sum(axis=1), size)
    order = plan.exploration.shuffled(users, sizes)[:, : min(size, depth)]
    drawn = np.take_along_axis(offered, order, axis=1)
    drawn[np.arange(drawn.shape[1]) >= sizes[:, None]] = -1
    return _fill(stays, place, drawn), np.where(stays, 0, sizes[:, None]).astype(np.int32)


def _fill(stays: np.ndarray, place: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(B, K) int64: the places that stay as they are, and in the rest the others one after the other."""
    number = np.where(stays, 0, (~stays).cumsum(axis=1) - 1)
    short = max(stays.shape[1] - others.shape[1], 0)
    others = np.pad(others, ((0, 0), (0, short)), constant_values=-1)
    return np.where(stays, place, np.take_along_axis(others, number, axis=1))
