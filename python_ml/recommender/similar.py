"""The items most like each item: by the item tower where buyers taught it something, by text where not.

Shapes: I items of the catalogue, C candidates, K places, D dimensions, V distinct texts. The largest
array is a block's cosines, BLOCK_CELLS at most (C where that is more).
"""

import numpy as np
import torch
from torch.nn import functional

from python_ml.recommender.data import TextVectors
from python_ml.recommender.ranking import top_k
from python_ml.recommender.two_tower import all_item_vectors
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender

BLOCK_ROWS = 1024
BLOCK_CELLS = 2**27  # cosines of a block: 512 MB
# Both chosen by who bought both items of a found pair in the validation weeks, and by what is planted in the
# simulated shop. Buyers over an item's ten, means of several trainings, by (power, share): at the grocer 1.55
# at (.25, 1), 1.56 at (.35, 1), 1.54 at (.35, .7), 1.54 at (.35, .6); at the wholesaler, who knows no
# attributes, 26.9, 26.9, 26.4, 26.0; of the planted neighbours found .793, .794, .801, .802.
TASTE_POWER = 0.35
OWN_SHARE = 0.7
ROUNDING = 1e-5  # of sums of float32: less than this is no difference between users


def similar_items(
    item_vectors: torch.Tensor,
    has_own_vector: np.ndarray,
    texts: TextVectors,
    candidates: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest candidates of every item by cosine.

    Items with a vector of their own are compared with candidates that have one; the others by text with all
    candidates that have a text.

    Args:
        item_vectors: (I, D) float32, see `vectors_of_likeness`, on any device.
        has_own_vector: (I,) bool, items whose vector behaviour has shaped.
        texts: text vectors of the catalogue.
        candidates: (C,) int64 items that may be offered, best seller first: of equals, the first wins.
        k: K.

    Returns:
        items (I, K) int64, best first, never the item itself, -1 where nothing is left; cosines, same shape,
        float32.
    """
    items = np.full((len(has_own_vector), k), -1, dtype=np.int64)
    scores = np.zeros(items.shape, dtype=np.float32)
    warm = np.flatnonzero(has_own_vector)
    _by_behaviour(items, scores, warm, item_vectors, candidates[has_own_vector[candidates]])
    cold = np.flatnonzero(~has_own_vector & (texts.of_item >= 0))
    _by_text(items, scores, cold, texts, candidates[texts.of_item[candidates] >= 0], item_vectors.device)
    return items, scores


def vectors_of_likeness(towers: TwoTowerRecommender) -> torch.Tensor:
    """(I, D) vectors of the catalogue for `similar_items`.

    Items are alike in what they share with others, text and attributes. What an item's buyers say of it alone
    is partly chance, and partly nothing but its price and where it stood: it counts OWN_SHARE.
    """
    known = np.count_nonzero(np.diff(towers.counts.indptr))
    return by_taste(all_item_vectors(towers.tower, OWN_SHARE), towers.user_vectors, known)


def by_taste(item_vectors: torch.Tensor, user_vectors: torch.Tensor, known: int) -> torch.Tensor:
    """Item vectors that lie close where the same users like both.

    A direction in which users hardly differ tells nobody's taste, whatever it says of the items. So vectors
    are multiplied with the users' covariance to the power of TASTE_POWER / 2, which makes v'Cw of their dot
    products, C being the covariance to the power of TASTE_POWER. A power of 1 would give how the scores of
    two items vary together from user to user.

    Args:
        item_vectors: (I, D) float32.
        user_vectors: (U, D) float32 on the same device, zero for users without history.
        known: number of users with history.

    Returns:
        (I, D) float32; the vectors as they are where users do not differ.
    """
    # Sums and no centred copy: there are millions of users.
    mean_D = user_vectors.sum(dim=0).double() / max(known, 1)
    square_DD = (user_vectors.T @ user_vectors).double() / max(known, 1)
    spread_D, direction_DD = torch.linalg.eigh(square_DD - torch.outer(mean_D, mean_D))
    if spread_D.max() <= ROUNDING * square_DD.trace():
        return item_vectors
    weight_D = (spread_D.clamp_min(0.0) / spread_D.max()) ** (TASTE_POWER / 2)
    return item_vectors @ ((direction_DD * weight_D) @ direction_DD.T).to(item_vectors.dtype)


def _by_behaviour(items, scores, rows, vectors, candidates) -> None:
    unit = functional.normalize(vectors, dim=1)
    pool = unit[torch.from_numpy(candidates).to(unit.device)]
    position = np.full(len(items), -1, dtype=np.int64)
    position[candidates] = np.arange(len(candidates))
    step = _block_rows(len(candidates))
    for block in np.split(rows, range(step, len(rows), step)):
        cosine = unit[torch.from_numpy(block).to(unit.device)] @ pool.T
        inside = np.flatnonzero(position[block] >= 0)
        cosine[torch.from_numpy(inside), torch.from_numpy(position[block][inside])] = -torch.inf
        best, value = top_k(cosine, items.shape[1])
        width = best.shape[1]
        items[block, :width] = np.where(best >= 0, candidates[best], -1) if width else best
        scores[block, :width] = np.where(best >= 0, value, 0.0)


def _by_text(items, scores, rows, texts, candidates, device) -> None:
    # Thousands of items share a text: distinct texts are compared, and stand for their best sellers.
    k = items.shape[1]
    offered, members = _best_of_each_text(texts.of_item[candidates], candidates, k + 1)
    asked, place = np.unique(texts.of_item[rows], return_inverse=True)
    vectors = torch.from_numpy(texts.vectors).to(device)
    pool = vectors[torch.from_numpy(offered).to(device)]
    step = _block_rows(len(offered))
    for start in range(0, len(asked), step):
        query = vectors[torch.from_numpy(asked[start : start + step]).to(device)]
        text, value = top_k(query @ pool.T, k + 1)
        mine = np.flatnonzero((place >= start) & (place < start + step))
        found = members[text].reshape(len(text), -1)
        # The item itself goes too, which is why k + 1 are looked at; it is one of the first k + 1 at most.
        head = _leading(found, np.repeat(value, members.shape[1], axis=1), k + 1)
        chosen, cosine = (part[place[mine] - start] for part in head)
        chosen = np.where(chosen == rows[mine, None], -1, chosen)
        items[rows[mine]], scores[rows[mine]] = _leading(chosen, cosine, k)


def _block_rows(columns: int) -> int:
    return max(min(BLOCK_ROWS, BLOCK_CELLS // max(columns, 1)), 1)


def _best_of_each_text(text: np.ndarray, candidates: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct texts (V,), and the first `width` candidates of each, (V, width), -1 where there are fewer."""
    offered, group, size = np.unique(text, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    rank = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
    members = np.full((len(offered), width), -1, dtype=np.int64)
    keep = rank < width
    members[group[order][keep], rank[keep]] = candidates[order][keep]
    return offered, members


def _leading(items: np.ndarray, values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `width` items of every row that are not -1, with their values, 0 beside -1."""
    short = max(width - items.shape[1], 0)
    items = np.pad(items, ((0, 0), (0, short)), constant_values=-1)
    values = np.pad(values, ((0, 0), (0, short)))
    order = np.argsort(items < 0, axis=1, kind="stable")[:, :width]
    items = np.take_along_axis(items, order, 1)
    return items, np.where(items >= 0, np.take_along_axis(values, order, 1), 0.0)
