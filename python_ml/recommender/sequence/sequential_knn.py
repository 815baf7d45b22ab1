"""Sequential kNN: which items were bought soon after, or before, those in the history. Nothing is trained.

An item a followed by an item b at a distance of d places gives the transition from a to b d ** -gap_power,
and that from b to a `backward` times as much. A transition is divided by powers of how often both items were
bought; a history counts its items by how recent they are. A table of items by items in which most entries
are zero is all there is.

Tried and lost on the validation items of Amazon Beauty: pairs of longer histories counting less (NDCG@10
-.0004 with size ** -.25) or more (-.0026 with size ** .2), and distances that do not matter (-.0044).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.item_knn import keep_largest
from python_ml.recommender.sequence.judge_next import ndcg_of
from python_ml.recommender.sequence.sequences import NextItems, Sequences
from python_ml.recommender.threads import map_blocks

BLOCK_USERS = 64
BLOCK_RANKED = 1024
BLOCK_PLACES = 2**16
ROUNDS = 2
# What `choose_settings` tries for each setting, one setting after the other.
GRID = {
    "decay": (0.35, 0.5, 0.65, 0.8, 0.9, 1.0),
    "backward": (0.0, 0.1, 0.3, 0.5, 1.0),
    "gap_power": (0.0, 0.25, 0.5, 0.75, 1.0),
    "target_power": (0.0, 0.15, 0.25, 0.35, 0.5),
    "source_power": (0.2, 0.35, 0.5, 0.65, 0.8, 1.0),
    "shrinkage": (5.0, 10.0, 20.0, 40.0, 80.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialKnnSettings:
    """Settings of one sequential kNN. What `RecommenderConfig` sets once has no default here.

    Args:
        length: latest items of a user that are read.
        window: places between two items of a user that are still counted together.
        gap_power: how fast a pair counts less with the places between; 0 = not at all.
        backward: what counts for the transition against the order of buying, 1 = as much as with it.
        source_power: an item bought often says less about what follows; 0 = it does not.
        target_power: an item bought often is worth less as a suggestion; 0 = it is not.
        shrinkage: added to how often an item was bought, which keeps rare items from winning by chance.
        neighbours: transitions that are kept of an item, the strongest.
        decay: weight of an item of the history relative to the one after it, in (0, 1].
    """

    length: int
    window: int
    gap_power: float = 0.5
    backward: float = 0.3
    source_power: float = 0.35
    target_power: float = 0.25
    shrinkage: float = 10.0
    neighbours: int = 1_000
    decay: float = 0.65


@dataclass(frozen=True, slots=True)
class SequentialKnn:
    """A fitted sequential kNN.

    Args:
        transition: (n_items, n_items) CSR float32, from the item of the history to the next one.
        decay, length: see the settings.
    """

    transition: sparse.csr_matrix
    decay: float
    length: int

    @classmethod
    def fit(cls, train: Sequences, settings: SequentialKnnSettings) -> "SequentialKnn":
        """Count.

        Args:
            train: histories.
            settings: how.
        """
        return cls(transitions(train.tail(settings.length), settings), settings.decay, settings.length)

    def score(self, histories: Sequences) -> torch.Tensor:
        """(B, n_items) float32, summed transitions from the history; zeros for an empty one."""
        query = recency_matrix(histories.tail(self.length), self.decay)
        scores = np.empty(query.shape, np.float32)

        def fill(rows: slice) -> None:
            (query[rows] @ self.transition).toarray(out=scores[rows])

        map_blocks(fill, len(histories), BLOCK_USERS)
        return torch.from_numpy(scores)

    def sparse_scores(self, histories: Sequences) -> sparse.csr_matrix:
        """(B, n_items) CSR float32, the same without the zeros."""
        return recency_matrix(histories.tail(self.length), self.decay) @ self.transition

    def target_ranks(self, judged: NextItems) -> np.ndarray:
        """As of `judge_next`, but without a dense row, and n_items for every target without a score.

        Most of a row is zero: choosing settings this way takes a fifth of the time.
        """
        rank = np.empty(len(judged.target), np.int64)

        def fill(rows: slice) -> None:
            users = np.arange(rows.start, rows.stop)
            rank[rows] = self._sparse_ranks(judged.history.take(users), judged.target[rows])

        map_blocks(fill, len(rank), BLOCK_RANKED)
        return rank

    def _sparse_ranks(self, histories: Sequences, target: np.ndarray) -> np.ndarray:
        scores = self.sparse_scores(histories)
        owned = recency_matrix(histories, 1.0)
        owned.sum_duplicates()
        row_of_owned, row = (
            np.repeat(np.arange(len(target)), np.diff(part.indptr)) for part in (owned, scores)
        )
        own = _entries(scores, np.arange(len(target)), target)

        def better(row: np.ndarray, item: np.ndarray, score: np.ndarray) -> np.ndarray:
            is_better = (score > own[row]) | ((score == own[row]) & (item < target[row]))
            return np.bincount(row[is_better], minlength=len(target))

        rank = better(row, scores.indices, scores.data)
        rank -= better(row_of_owned, owned.indices, _entries(scores, row_of_owned, owned.indices))
        is_owned = np.bincount(row_of_owned[owned.indices == target[row_of_owned]], minlength=len(target)) > 0
        return np.where((own > 0) & ~is_owned, rank, histories.n_items)


def _entries(matrix: sparse.csr_matrix, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(K,) entries of a sparse matrix, 0 where it has none."""
    return np.asarray(matrix[row, column]).ravel()


def transitions(train: Sequences, settings: SequentialKnnSettings) -> sparse.csr_matrix:
    """(n_items, n_items) CSR float32, `neighbours` entries a row at most.

    Counted by blocks of items: of all pairs within the window, of which there are as many as items in
    histories times twice the window, only those of a block exist at a time on each thread.
    """
    level = np.maximum(train.count() + settings.shrinkage, 1e-12)
    source, target = level**-settings.source_power, level**-settings.target_power
    after = train.back()
    before = np.arange(len(train.item)) - np.repeat(train.offset[:-1], train.size)
    by_item = np.argsort(train.item, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(train.item, minlength=train.n_items))])
    edges = np.searchsorted(start, np.arange(0, len(by_item), BLOCK_PLACES))
    blocks = list(pairwise(np.unique([0, *edges, train.n_items]).tolist()))

    def count_block(number: slice) -> sparse.csr_matrix:
        (first, end), *_ = blocks[number]
        place = by_item[start[first] : start[end]]
        parts = list(_pairs(place, after[place], before[place], settings))
        weight, at, near = (np.concatenate(part) for part in zip(*parts, strict=True))
        position = (train.item[at] - first, train.item[near])
        found = sparse.csr_matrix((weight, position), shape=(end - first, train.n_items))
        found.data *= target[found.indices] * np.repeat(source[first:end], np.diff(found.indptr))
        return keep_largest(found.astype(np.float32), settings.neighbours)

    return sparse.vstack(map_blocks(count_block, len(blocks), 1), format="csr")


def _pairs(
    place: np.ndarray, after: np.ndarray, before: np.ndarray, settings: SequentialKnnSettings
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Strength, place and the other's place, of what lies within the window around some places.

    Args:
        place: (K,) int64.
        after, before: (K,) int64, how many items of the same user follow and precede each.
        settings: window and strengths.
    """
    widest = max(after.max(initial=0), before.max(initial=0))
    for gap in range(1, max(min(settings.window, int(widest)), 1) + 1):
        strength = gap**-settings.gap_power
        ahead, behind = place[after >= gap], place[before >= gap]
        yield np.full(len(ahead), strength), ahead, ahead + gap
        if settings.backward > 0:
            yield np.full(len(behind), settings.backward * strength), behind, behind - gap


def recency_matrix(histories: Sequences, decay: float) -> sparse.csr_matrix:
    """(B, n_items) CSR float32, decay ** (items that came after it), summed where an item repeats."""
    weight = decay ** histories.back().astype(np.float64)
    return sparse.csr_matrix(
        (weight.astype(np.float32), histories.item, histories.offset),
        shape=(len(histories), histories.n_items),
    )


def choose_settings(
    train: Sequences, validation: NextItems, start: SequentialKnnSettings
) -> tuple[SequentialKnnSettings, float]:
    """The settings that rank the validation items best, going through `GRID` setting by setting, twice.

    Args:
        train: what is fitted.
        validation: what is ranked.
        start: where the search starts; its length and window stay.

    Returns:
        settings; their NDCG@10.
    """
    best = start
    known: dict[SequentialKnnSettings, float] = {}

    def quality(settings: SequentialKnnSettings) -> float:
        if settings not in known:
            model = SequentialKnn.fit(train, settings)
            known[settings] = float(ndcg_of(model.target_ranks(validation)).mean())
        return known[settings]

    for _ in range(ROUNDS):
        before = best
        for name, values in GRID.items():
            # The present value first: of equals it stays.
            best = max([best, *(replace(best, **{name: value}) for value in values)], key=quality)
        if best == before:
            break
    return best, quality(best)
