"""The lists that are published: the best items of every user, under the rules of publishing.

Shapes: U users, K places, I items of the catalogue.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.arrange import Arrangement, arrange, candidates
from python_ml.recommender.judge import Scorer, SparseScorer, VectorScorer
from python_ml.recommender.ranking import in_columns, mask_items, top_k

VECTOR_BLOCKS = 2  # with 128 users in a block instead of 64, lists take a sixth less time; more gain nothing
FILLER = 1e-9  # the best-seller's score where a model knows nothing: below whatever it does know
# From so many items on, lists of a model that knows few of them are made from those.
LARGE_CATALOGUE = 20_000
SPARSE_USERS, PART_USERS = 512, 16  # scored at once; ranked on the items known for any of them
SELLERS = 1_000  # that are looked at for everybody: more than rules, owned items and a list take away


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of some users.

    Args:
        users: (U,) int64.
        items: (U, K) int64, best first, -1 where the catalogue ran out.
        scores: (U, K) float32.
        removed: (U,) bool, an item that must not be published would have been in the list.
        touched: (U, K, bytes) uint8, the business rules that shaped a place, a bit each (`np.packbits`); None
            without rules.
        drawn_from: (U, K) int32, from how many candidates a place was drawn by lot, 0 where it was not; None
            where none was.
    """

    users: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    removed: np.ndarray
    touched: np.ndarray | None = None
    drawn_from: np.ndarray | None = None

    @classmethod
    def concatenate(cls, parts: Sequence["Lists"]) -> "Lists":
        """The lists of several blocks of users, at least one, all of one width and one set of rules."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def put(self, rows: np.ndarray, other: "Lists") -> None:
        """Write other lists over those of some rows (B,)."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)

    def rules(self, rule_count: int) -> np.ndarray:
        """(U, K, R) bool: which of the business rules shaped a place."""
        if self.touched is None:
            return np.zeros((*self.items.shape, rule_count), dtype=bool)
        return np.unpackbits(self.touched, axis=2, count=rule_count).astype(bool)

    def is_exploration(self) -> np.ndarray:
        """(U, K) bool: which places were drawn by lot."""
        return np.zeros(self.items.shape, bool) if self.drawn_from is None else self.drawn_from > 0

    def propensity(self) -> np.ndarray:
        """(U, K) float64: the probability that the user's item of a place stands at that place."""
        return np.ones(self.items.shape) if self.drawn_from is None else 1.0 / np.maximum(self.drawn_from, 1)


@dataclass(frozen=True, slots=True)
class Offer:
    """What lists are made from, but for the scores.

    Args:
        owned: (n_users, I) CSR, what users bought before; never in `discover`.
        is_publishable: (I,) bool.
        list_name: "for_you" or "discover".
        plan: length, business rules, diversity and exploration of the list.
    """

    owned: sparse.csr_matrix
    is_publishable: np.ndarray
    list_name: str
    plan: Arrangement

    def of_part(self, users: np.ndarray, items: np.ndarray) -> "Offer":
        """The same of some users (B,) and some items (C,), ascending, both numbered anew from 0."""
        return Offer(
            in_columns(self.owned[users], items),
            self.is_publishable[items],
            self.list_name,
            self.plan.of_part(users, items),
        )

    def lists(self, scores: torch.Tensor, users: np.ndarray) -> tuple[Lists, np.ndarray]:
        """The lists of a block of users.

        Args:
            scores: (B, I) float32, written into.
            users: (B,) int64.

        Returns:
            the lists; (B,) float, the lowest score that had a say in each, -inf where items ran out. What is
            pinned has its place whatever its score.
        """
        if self.list_name == "discover":
            mask_items(scores, self.owned, users)
        hidden = torch.from_numpy(np.flatnonzero(~self.is_publishable)).to(scores.device)
        removed, lowest = np.zeros(len(users), bool), np.full(len(users), np.inf)
        # Behind a pin an item may have been crowded out that had a say: it is one that must not be shown.
        if len(hidden) or self.plan.rules.pins:
            unruled, value = top_k(scores, self.plan.length)
            removed = ((unruled >= 0) & ~self.is_publishable[unruled]).any(axis=1)
            lowest = value.min(axis=1, initial=np.inf)
            scores[:, hidden] = -torch.inf
        pool = candidates(scores, users, self.plan)
        is_pinned = pool.touched[:, :, [pin.rule for pin in self.plan.rules.pins]].any(axis=2)
        lowest = np.minimum(lowest, np.where(is_pinned, np.inf, pool.scores).min(axis=1, initial=np.inf))
        shown = arrange(pool, users, self.plan)
        touched = np.packbits(shown.touched, axis=2)
        return Lists(users, shown.items, shown.scores, removed, touched, shown.drawn_from), lowest


def filler_of(sellers: np.ndarray, highest: float = FILLER) -> np.ndarray:
    """(I,) float32 scores from 0 to `highest`, in the order of (I,) `sellers` and with the same ties."""
    # Of scores that differ in a far decimal float32 would make ties; of places it does not.
    place = np.unique(sellers, return_inverse=True)[1]
    return (highest * place / max(place.max(initial=0), 1)).astype(np.float32)


def serve(
    model: Scorer,
    users: np.ndarray,
    owned: sparse.csr_matrix,
    is_publishable: np.ndarray,
    *,
    list_name: str,
    plan: Arrangement,
    block_users: int,
    filler: np.ndarray | None = None,
    progress: Callable[[int], None] | None = None,
) -> Lists:
    """Rank the publishable catalogue for users with history.

    Args:
        model: fitted on everything before the as-of date.
        users: (U,) int64.
        owned: (n_users, I) CSR, what they bought before; never in `discover`.
        is_publishable: (I,) bool.
        list_name: "for_you" or "discover".
        plan: length, business rules, diversity and exploration of this list.
        block_users: users scored at once; the largest array is this by I, VECTOR_BLOCKS times that where
            scores are one matrix product.
        filler: (I,) float32 of `filler_of`: best-sellers fill up the list of a user for whom a `SparseScorer`
            knows too few items. None leaves items without a score in the order of their ids.
        progress: called with the number of users of each block.
    """
    offer = Offer(owned, is_publishable, list_name, plan)
    if filler is None:
        filler = np.zeros(len(is_publishable), np.float32)
    parts = []
    for lists in _lists(model, users, offer, block_users, filler):
        parts.append(lists)
        if progress:
            progress(len(lists.users))
    if not parts:
        width = min(plan.length, len(is_publishable))
        empty = np.empty((0, width))
        return Lists(users, empty.astype(np.int64), empty.astype(np.float32), np.empty(0, bool))
    return Lists.concatenate(parts)


def _lists(
    model: Scorer, users: np.ndarray, offer: Offer, block_users: int, filler: np.ndarray
) -> Iterator[Lists]:
    if isinstance(model, SparseScorer) and len(filler) >= LARGE_CATALOGUE:
        sellers = np.sort(np.argsort(-filler, kind="stable")[: SELLERS + offer.plan.depth])
        for block in _blocks(users, SPARSE_USERS):
            yield _sparse_lists(model, block, offer, block_users, filler, sellers)
        return
    for block, score in _scored(model, users, block_users, filler):
        yield offer.lists(score, block)[0]


def _sparse_lists(
    model: SparseScorer,
    users: np.ndarray,
    offer: Offer,
    block_users: int,
    filler: np.ndarray,
    sellers: np.ndarray,
) -> Lists:
    """The same lists without looking at items that have no say in them.

    A few users at a time are ranked on the items that the model knows for any of them, the best-sellers and
    what is pinned. Where a list went down to what the items left out would score, it is made once more from
    the whole catalogue.

    Args:
        sellers: (S,) int64, ascending: the items of the largest fillers.
    """
    sparse_score = model.sparse_scores(users)
    rules = offer.plan.rules
    always = np.union1d(sellers, [pin.item for pin in rules.pins]).astype(np.int64)
    most_boosted = np.prod([max(boost.factor, 1.0) for boost in rules.boosts])
    left_out = most_boosted * np.delete(filler, always).max(initial=0.0)
    parts, lowest = [], []
    for rows in _blocks(np.arange(len(users)), PART_USERS):
        known = sparse_score[rows]
        items, place = np.unique(np.concatenate([always, known.indices]), return_inverse=True)
        score = np.repeat(filler[None, items], len(rows), axis=0)
        score[np.repeat(np.arange(len(rows)), np.diff(known.indptr)), place[len(always) :]] = known.data
        part = offer.of_part(users[rows], items)
        lists, least = part.lists(torch.from_numpy(score), np.arange(len(rows)))
        listed = np.where(lists.items >= 0, items[lists.items], -1)
        parts.append(replace(lists, users=users[rows], items=listed))
        lowest.append(least)
    lists = Lists.concatenate(parts)
    again = np.flatnonzero(np.concatenate(lowest) <= left_out)
    for rows in _blocks(again, block_users):
        score = _filled(model.score(users[rows]), filler)
        lists.put(rows, offer.lists(score, users[rows])[0])
    return lists


def _scored(
    model: Scorer, users: np.ndarray, block_users: int, filler: np.ndarray
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Users block by block, with their scores, which last until the next block is asked for."""
    if isinstance(model, VectorScorer):
        block_users = min(VECTOR_BLOCKS * block_users, max(len(users), 1))
        buffer = model.buffer(block_users)
        for block in _blocks(users, block_users):
            yield block, model.score(block, buffer)
        return
    for block in _blocks(users, block_users):
        score = model.score(block)
        yield block, _filled(score, filler) if isinstance(model, SparseScorer) else score


def _filled(scores: torch.Tensor, filler: np.ndarray) -> torch.Tensor:
    return torch.where(scores == 0.0, torch.from_numpy(filler).to(scores.device), scores)


def _blocks(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
