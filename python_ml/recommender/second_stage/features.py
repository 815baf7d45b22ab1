"""What is known of a candidate at a moment: of the pair, the item, the user, and how they go together.

Everything is counted from the interactions before that moment and the catalogue's texts. There are no
prices: the catalogue knows today's alone, which a cut in the past must not see.

Shapes: M candidates, P models, F features, T numbers of a text vector.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from python_ml.recommender import repeat
from python_ml.recommender.data import Interactions, TextVectors, is_entry
from python_ml.recommender.second_stage.candidates import Candidates

ITEM_DAYS = (28.0, 91.0)  # an item's buyers are counted over these, and over all time
BLOCK_PAIRS = 2**16
FLOOR = 1e-4  # the least share of the best score that is told from nothing


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the features are looked up in.

    Args:
        bought: (n_users, n_items) CSR, purchases alone.
        owned: (n_users, n_items) CSR, weaker signs as well; the entries of
        of_pair: (nnz, repeat.FEATURES) float32, see `repeat.pair_features`.
        of_item: (n_items, .) float32.
        of_user: (n_users, .) float32.
        taste: (n_users, T) float32, unit length, or zero: the mean text of what the user had.
        vectors: (V, T) float32, of
        text_of_item: (n_items,) int64, -1 = none.
    """

    bought: sparse.csr_matrix
    owned: sparse.csr_matrix
    of_pair: np.ndarray
    of_item: np.ndarray
    of_user: np.ndarray
    taste: np.ndarray
    vectors: np.ndarray
    text_of_item: np.ndarray

    @classmethod
    def of(cls, past: Interactions, now: float, texts: TextVectors, window_days: float) -> "Knowledge":
        """Count everything once.

        Args:
            past: interactions before `now`.
            now: days since 1970-01-01.
            texts: text vectors of the catalogue.
            window_days: the horizon of what is to be foreseen.
        """
        owned, pair_MF = repeat.pair_features(past, now)
        return cls(
            bought=past.pairs(),
            owned=owned,
            of_pair=pair_MF,
            of_item=_item_features(past, now),
            of_user=_user_features(past, now, owned, window_days),
            taste=_tastes(owned, texts),
            vectors=texts.vectors,
            text_of_item=texts.of_item,
        )

    def features(self, candidates: Candidates) -> np.ndarray:
        """(M, F) float32; the first P are the models' scores over the user's best, see `relative_scores`."""
        user, item = candidates.user, candidates.item
        relative_MP = relative_scores(candidates)
        return np.concatenate(
            [
                relative_MP,
                np.log(relative_MP + FLOOR),
                1.0 / candidates.rank,
                np.log(candidates.rank),
                self._pair_features(user, item),
                self.of_item[item],
                self.of_user[user],
                self._text_cosine(user, item)[:, None],
            ],
            axis=1,
            dtype=np.float32,
        )

    def _pair_features(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """(M, repeat.FEATURES + 1) float32, zero where the user never had the item; then whether they had."""
        place = entry_places(self.owned, user, item)
        feature_MF = np.zeros((len(user), self.of_pair.shape[1] + 1), np.float32)
        known = place >= 0
        feature_MF[known, :-1] = self.of_pair[place[known]]
        feature_MF[:, -1] = known
        return feature_MF

    def _text_cosine(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        cosine = np.zeros(len(user), np.float32)
        for start in range(0, len(user), BLOCK_PAIRS):
            part = slice(start, start + BLOCK_PAIRS)
            text = self.text_of_item[item[part]]
            known = text >= 0
            product = np.einsum("mt,mt->m", self.taste[user[part][known]], self.vectors[text[known]])
            cosine[part][known] = product
        return cosine


def relative_scores(candidates: Candidates) -> np.ndarray:
    """(M, P) float32, each model's scores over its best for the user; 0 where nothing is above zero."""
    start = np.flatnonzero(np.diff(candidates.user, prepend=-1))
    if len(start) == 0:
        return candidates.score
    best = np.maximum.reduceat(candidates.score, start, axis=0)
    best = np.repeat(np.where(best > 0, best, np.inf), np.diff(start, append=len(candidates.user)), axis=0)
    return np.clip(candidates.score / best, 0.0, 1.0)


def entry_places(matrix: sparse.csr_matrix, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(M,) int64 where the entries stand in `matrix.data`, -1 where there is none. Indices are sorted."""
    width = matrix.shape[1]
    row_of_entry = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    key, wanted = row_of_entry * width + matrix.indices, row * width + column
    place = np.searchsorted(key, wanted)
    if len(key) == 0:
        return np.full(len(row), -1, dtype=np.int64)
    return np.where(key[np.minimum(place, len(key) - 1)] == wanted, place, -1)


def _item_features(past: Interactions, now: float) -> np.ndarray:
    """Log buyers by window and of all time, log days since first and since last seen; 0 if never seen."""
    buyers = [past.between(now - days, now).buyers() for days in ITEM_DAYS] + [past.buyers()]
    first, last = np.full(past.n_items, now), np.full(past.n_items, -np.inf)
    np.minimum.at(first, past.item, past.day)
    np.maximum.at(last, past.item, past.day)
    last = np.where(np.isneginf(last), now, last)
    columns = [np.log1p(count) for count in buyers] + [np.log1p(now - first), np.log1p(now - last)]
    return np.stack(columns, axis=1).astype(np.float32)


def _user_features(
    past: Interactions, now: float, owned: sparse.csr_matrix, window_days: float
) -> np.ndarray:
    """Logs: items had, how many in the last window, how many of these were new; days since the last act."""
    lately = past.between(now - window_days, now).pairs()
    is_new = ~is_entry(lately, past.before(now - window_days).matrix())
    of_user = np.repeat(np.arange(past.n_users), np.diff(lately.indptr))
    last = np.full(past.n_users, -np.inf)
    np.maximum.at(last, past.user, past.day)
    columns = [
        np.log1p(np.diff(owned.indptr)),
        np.log1p(np.diff(lately.indptr)),
        np.log1p(np.bincount(of_user, is_new, minlength=past.n_users)),
        np.log1p(np.where(np.isneginf(last), 0.0, now - last)),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _tastes(owned: sparse.csr_matrix, texts: TextVectors) -> np.ndarray:
    has_text = texts.of_item >= 0
    items = np.flatnonzero(has_text)
    which = sparse.csr_matrix(
        (np.ones(len(items), np.float32), (items, texts.of_item[items])),
        shape=(owned.shape[1], len(texts.vectors)),
    )
    total = owned.log1p().astype(np.float32) @ which @ texts.vectors
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
