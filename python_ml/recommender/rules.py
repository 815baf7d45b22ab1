"""Business rules on the lists: what is hidden from whom, pushed, pinned to a place, or capped.

Order of strength: what is hidden is hidden from pins too, a pin holds whatever a cap says, a cap whatever the
scores say. Rules speak at serving alone: models are fitted, chosen and judged without them.

Shapes: U users, B users of a block, K places, I items of the catalogue, R rules.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.ranking import entries_of, in_columns, mask_items, top_k


@dataclass(frozen=True, slots=True)
class Hidden:
    """Items that nobody is shown, or nobody but some users.

    Args:
        rule: number of the rule.
        items: (I,) bool.
        but_for: (n_users,) bool, users who are shown them nevertheless; None is nobody.
    """

    rule: int
    items: np.ndarray
    but_for: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Recent:
    """Items that a user is not shown because of a recent purchase.

    Args:
        rule: number of the rule.
        pairs: (n_users, I) CSR with an entry for each such pair.
    """

    rule: int
    pairs: sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class Boost:
    """Items whose scores are multiplied.

    Args:
        rule: number of the rule.
        items: (I,) bool.
        factor: above 0; above 1 moves the items up, below 1 down.
    """

    rule: int
    items: np.ndarray
    factor: float


@dataclass(frozen=True, slots=True)
class Pin:
    """An item at a place of every list whose user may see it.

    Args:
        rule: number of the rule.
        item: index in the catalogue.
        place: from 1.
    """

    rule: int
    item: int
    place: int


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many items of one group in a list.

    Args:
        rule: number of the rule.
        group: (I,) int64 from 0, -1 for items that are not counted.
        most: at least 1.
    """

    rule: int
    group: np.ndarray
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one list, compiled against the catalogue. No two pins have one place, or one item.

    Args:
        rule_ids: (R,) in the order of their numbers.
    """

    rule_ids: tuple[str, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    recent: tuple[Recent, ...] = ()
    boosts: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()
    caps: tuple[Cap, ...] = ()

    def patterns(self, users: np.ndarray) -> np.ndarray:
        """(U,) int64: users of one number are shown the same items, as far as they bought nothing lately."""
        seen = [hidden.but_for[users] for hidden in self.hidden if hidden.but_for is not None]
        if not seen:
            return np.zeros(len(users), dtype=np.int64)
        return np.unique(np.stack(seen, axis=1), axis=0, return_inverse=True)[1].reshape(-1)

    def of_part(self, users: np.ndarray, items: np.ndarray) -> "Rules":
        """The same for some users (B,) and some items (C,), both numbered anew from 0.

        Args:
            users: int64.
            items: int64, ascending, pinned ones among them.
        """
        return replace(
            self,
            hidden=tuple(
                replace(
                    hidden,
                    items=hidden.items[items],
                    but_for=None if hidden.but_for is None else hidden.but_for[users],
                )
                for hidden in self.hidden
            ),
            recent=tuple(replace(each, pairs=in_columns(each.pairs[users], items)) for each in self.recent),
            boosts=tuple(replace(boost, items=boost.items[items]) for boost in self.boosts),
            pins=tuple(replace(pin, item=int(np.searchsorted(items, pin.item))) for pin in self.pins),
            caps=tuple(replace(cap, group=cap.group[items]) for cap in self.caps),
        )

    def for_strangers(self) -> "Rules":
        """The same for somebody who is no user: not known to be of any age, and never bought anything."""
        hidden = tuple(replace(hidden, but_for=None) for hidden in self.hidden)
        return replace(self, hidden=hidden, recent=())


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Lists of a block of users.

    Args:
        items: (B, K) int64, -1 where the catalogue ran out.
        scores: (B, K) float, after boosts; they fall with the place, but for pinned items.
        touched: (B, K, R) bool, whether the rule put the item there, moved it up by taking out a better one,
            or multiplied its score.
    """

    items: np.ndarray
    scores: np.ndarray
    touched: np.ndarray


def choose(scores: torch.Tensor, users: np.ndarray, k: int, rules: Rules) -> Chosen:
    """The best k items of each user under the rules.

    Args:
        scores: (B, I) float, -inf for what must not be published; written into.
        users: (B,) int64.
        k: K, or the size of the catalogue where that is smaller.
        rules: of this list.
    """
    for boost in rules.boosts:
        _multiply(scores, boost)
    has_hidden = bool(rules.hidden or rules.recent)
    wished, value = top_k(scores, k) if has_hidden else (None, None)
    for hidden in rules.hidden:
        _hide(scores, users, hidden)
    for recent in rules.recent:
        mask_items(scores, recent.pairs, users)
    chosen = _fill(scores, k, rules) if rules.pins or rules.caps else _best(scores, k, rules)
    for boost in rules.boosts:
        chosen.touched[:, :, boost.rule] = (chosen.items >= 0) & boost.items[chosen.items]
    if has_hidden:
        for rule, is_out in _taken_out(wished, users, rules):
            chosen.touched[:, :, rule] = _is_behind(chosen, wished, value, is_out)
        for pin in rules.pins:  # a pinned item stands where it does for one reason alone
            is_pinned = chosen.touched[:, :, pin.rule]
            for rule in [each.rule for each in (*rules.hidden, *rules.recent)]:
                chosen.touched[:, :, rule] &= ~is_pinned
    return chosen


def _best(scores: torch.Tensor, k: int, rules: Rules) -> Chosen:
    items, value = top_k(scores, k)
    return Chosen(items, value, np.zeros((*items.shape, len(rules.rule_ids)), dtype=bool))


def _multiply(scores: torch.Tensor, boost: Boost) -> None:
    # A score below zero is divided, so that a factor above 1 moves it up as well.
    columns = torch.from_numpy(np.flatnonzero(boost.items)).to(scores.device)
    part = scores[:, columns]
    scores[:, columns] = torch.where(part >= 0, part * boost.factor, part / boost.factor)


def _hide(scores: torch.Tensor, users: np.ndarray, hidden: Hidden) -> None:
    is_out = hidden.items[None]
    if hidden.but_for is not None:
        is_out = is_out & ~hidden.but_for[users][:, None]
    scores.masked_fill_(torch.from_numpy(is_out).to(scores.device), -torch.inf)


def _taken_out(wished: np.ndarray, users: np.ndarray, rules: Rules) -> list[tuple[int, np.ndarray]]:
    """By rule that hides items, (B, K) bool, which of the wished items it hides from the user."""
    found = []
    for hidden in rules.hidden:
        is_out = (wished >= 0) & hidden.items[wished]
        if hidden.but_for is not None:
            is_out &= ~hidden.but_for[users][:, None]
        found.append((hidden.rule, is_out))
    for recent in rules.recent:
        row, item = (part.numpy() for part in entries_of(recent.pairs, users, torch.device("cpu")))
        width = recent.pairs.shape[1] + 1
        key = np.arange(len(users))[:, None] * width + wished + 1
        found.append((recent.rule, (wished >= 0) & np.isin(key, row * width + item + 1)))
    return found


def _is_behind(chosen: Chosen, wished: np.ndarray, value: np.ndarray, is_out: np.ndarray) -> np.ndarray:
    """(B, K) bool: whether the first item taken out would have stood before this one."""
    if is_out.shape[1] == 0:
        return np.zeros(chosen.items.shape, dtype=bool)
    first = is_out.argmax(axis=1)[:, None]
    score = np.take_along_axis(value, first, axis=1)
    item = np.take_along_axis(wished, first, axis=1)
    is_lower = (chosen.scores < score) | ((chosen.scores == score) & (chosen.items > item))
    return is_out.any(axis=1)[:, None] & (chosen.items >= 0) & is_lower


def _fill(scores: torch.Tensor, k: int, rules: Rules) -> Chosen:
    """Pinned items at their places, the best of the others in what is left, as far as caps allow."""
    k = min(k, scores.shape[1])
    pins = [pin for pin in rules.pins if pin.place <= k]
    columns = torch.tensor([pin.item for pin in pins], dtype=torch.int64, device=scores.device)
    pinned_score = scores[:, columns].cpu().numpy()
    is_pinned = ~np.isneginf(pinned_score)
    scores[:, columns] = -torch.inf
    others = _Filling(scores, k, is_pinned, pins, rules).run()
    is_free = np.ones((len(scores), k), dtype=bool)
    for number, pin in enumerate(pins):
        is_free[is_pinned[:, number], pin.place - 1] = False
    place = np.where(is_free, is_free.cumsum(axis=1) - 1, 0)
    items = np.take_along_axis(others.items, place, axis=1)
    value = np.take_along_axis(others.scores, place, axis=1)
    touched = np.take_along_axis(others.touched, place[:, :, None], axis=1)
    for number, pin in enumerate(pins):
        rows = is_pinned[:, number]
        items[rows, pin.place - 1] = pin.item
        value[rows, pin.place - 1] = pinned_score[rows, number]
        touched[rows, pin.place - 1] = np.arange(len(rules.rule_ids)) == pin.rule
    # Where the catalogue ran out, what is pinned further down moves up.
    order = np.argsort(items < 0, axis=1, kind="stable")
    return Chosen(
        np.take_along_axis(items, order, axis=1),
        np.take_along_axis(value, order, axis=1),
        np.take_along_axis(touched, order[:, :, None], axis=1),
    )


class _Filling:
    """Takes the best items of each row, one after the other, while no group has more than its cap allows.

    Args:
        scores: (B, I) float; written into.
        k: K.
        is_pinned: (B, P) bool, which pins hold in a row: they leave that many places less, and count.
        pins: (P,).
        rules: of the list.
    """

    def __init__(
        self, scores: torch.Tensor, k: int, is_pinned: np.ndarray, pins: list[Pin], rules: Rules
    ) -> None:
        rows = len(scores)
        self.scores, self.caps = scores, rules.caps
        self.wanted = k - is_pinned.sum(axis=1)
        self.taken = np.zeros(rows, dtype=np.int64)
        self.items = np.full((rows, k), -1, dtype=np.int64)
        self.value = np.full((rows, k), -np.inf, dtype=str(scores.dtype).removeprefix("torch."))
        self.touched = np.zeros((rows, k, len(rules.rule_ids)), dtype=bool)
        self.counts = [np.zeros((rows, cap.group.max(initial=-1) + 1), dtype=np.int32) for cap in self.caps]
        # Groups of which an item was refused.
        self.is_refused = [np.zeros(counts.shape, dtype=bool) for counts in self.counts]
        for number, pin in enumerate(pins):
            having = np.flatnonzero(is_pinned[:, number])
            self._count(having, np.full(len(having), pin.item))

    def _count(self, rows: np.ndarray, items: np.ndarray) -> None:
        """Count items, one for each of some rows, under every cap."""
        for cap, counts in zip(self.caps, self.counts, strict=True):
            group = cap.group[items]
            counts[rows[group >= 0], group[group >= 0]] += 1

    def run(self) -> Chosen:
        """Take items until every row has what it wants or nothing is left."""
        rows = np.flatnonzero(self.taken < self.wanted)
        while len(rows):
            at = torch.from_numpy(rows).to(self.scores.device)
            best, value = top_k(self.scores[at], self.items.shape[1])
            for place in range(best.shape[1]):
                self._offer(rows, best[:, place], value[:, place])
            is_left = (best[:, -1] >= 0) & (self.taken[rows] < self.wanted[rows])
            rows, best = rows[is_left], best[is_left]
            self._pass_over(rows, best)
        return Chosen(self.items, self.value, self.touched)

    def _offer(self, rows: np.ndarray, items: np.ndarray, value: np.ndarray) -> None:
        is_live = (items >= 0) & (self.taken[rows] < self.wanted[rows])
        rows, items, value = rows[is_live], items[is_live], value[is_live]
        is_refused = np.zeros(len(rows), dtype=bool)
        for cap, counts, refused in zip(self.caps, self.counts, self.is_refused, strict=True):
            group = cap.group[items]
            is_full = (group >= 0) & (counts[rows, group] >= cap.most) if counts.shape[1] else group >= 0
            refused[rows[is_full], group[is_full]] = True
            is_refused |= is_full
        rows, items, value = rows[~is_refused], items[~is_refused], value[~is_refused]
        place = self.taken[rows]
        self.items[rows, place], self.value[rows, place] = items, value
        for cap, refused in zip(self.caps, self.is_refused, strict=True):
            self.touched[rows, place, cap.rule] = refused[rows].any(axis=1)
        self._count(rows, items)
        self.taken[rows] += 1

    def _pass_over(self, rows: np.ndarray, offered: np.ndarray) -> None:
        """Never offer again what was offered, nor any item of a group that was refused."""
        at = torch.from_numpy(rows).to(self.scores.device)
        left = self.scores[at].scatter_(1, torch.from_numpy(offered).to(self.scores.device), -torch.inf)
        for cap, refused in zip(self.caps, self.is_refused, strict=True):
            is_out = np.pad(refused[rows], ((0, 0), (0, 1)))[:, cap.group]  # group -1 is the column added
            left.masked_fill_(torch.from_numpy(is_out).to(left.device), -torch.inf)
        self.scores[at] = left
