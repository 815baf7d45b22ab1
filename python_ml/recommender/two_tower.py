"""A user tower and an item tower whose dot product says what a user likes beyond what everybody buys.

The item vector is a projection of the item's text vector, plus vectors of its attributes that it shares with
others, plus a vector of its own that starts at zero: an item nobody has bought yet still has a place. The
user vector is made of the items in the user's history alone, so a user who buys something new gets a new
vector without training.

Shapes: B users, C items, H history entries of all B users, V distinct texts, T text dimensions, D dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy import sparse
from torch import nn
from torch.nn import functional

from python_ml.recommender.data import TextVectors
from python_ml.recommender.item_attributes import AttributeVectors, ItemAttributes

BLOCK_USERS = 512
BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class HistoryBatch:
    """The histories of B users, flattened.

    Args:
        item: (H,) int64 item indices.
        weight: (H,) float32, unit length for each user.
        offset: (B + 1,) int64, where each user's entries start, and the end.
    """

    item: torch.Tensor
    weight: torch.Tensor
    offset: torch.Tensor

    @classmethod
    def of(cls, rows: sparse.csr_matrix, device: torch.device) -> "HistoryBatch":
        """Flatten CSR rows (float32), scaling each to unit length."""
        size = np.diff(rows.indptr)
        row = np.repeat(np.arange(rows.shape[0]), size)
        square = np.bincount(row, rows.data.astype(np.float64) ** 2, minlength=rows.shape[0])
        weight = rows.data / np.sqrt(np.maximum(square, 1e-12))[row]
        return cls(
            torch.from_numpy(rows.indices.astype(np.int64)).to(device),
            torch.from_numpy(weight.astype(np.float32)).to(device),
            torch.from_numpy(rows.indptr.astype(np.int64)).to(device),
        )


class TwoTower(nn.Module):
    """Both towers.

    Args:
        texts: text vectors of the catalogue.
        has_own_vector: (n_items,) bool, items with enough buyers to learn a vector of their own; the others
            live off their text and attributes.
        dimension: D.
        generator: makes the initial projection; on the CPU.
        attributes: of the catalogue's items; None where nothing is known.
    """

    def __init__(
        self,
        texts: TextVectors,
        has_own_vector: np.ndarray,
        dimension: int,
        generator: torch.Generator,
        attributes: ItemAttributes | None = None,
    ) -> None:
        super().__init__()
        vectors, of_item = _with_blank(texts)
        slot = np.where(has_own_vector, np.cumsum(has_own_vector), 0)
        self.register_buffer("text_VT", torch.from_numpy(vectors), persistent=False)
        self.register_buffer("text_of_item", torch.from_numpy(of_item), persistent=False)
        self.register_buffer("slot_of_item", torch.from_numpy(slot))
        self.item_projection = nn.Linear(vectors.shape[1], dimension, bias=False)
        self.user_projection = nn.Linear(vectors.shape[1], dimension)
        self.item_own = nn.Embedding(int(has_own_vector.sum()) + 1, dimension, padding_idx=0)
        self.history_own = nn.Embedding(int(has_own_vector.sum()) + 1, dimension, padding_idx=0)
        self.item_attribute = AttributeVectors.of(attributes, dimension)
        self.history_attribute = AttributeVectors.of(attributes, dimension)
        self.level = nn.Parameter(torch.zeros(()))
        with torch.no_grad():
            self.item_projection.weight.normal_(std=dimension**-0.5, generator=generator)
        # With the user side at zero the untrained model is the popularity prior: training starts from there.
        own = (self.item_own.weight, self.history_own.weight)
        for parameter in (*self.user_projection.parameters(), *own, *self.of_attributes()):
            nn.init.zeros_(parameter)
        if (texts.of_item < 0).all():
            # Nothing but zeros on both sides, and neither would ever learn: items begin somewhere.
            with torch.no_grad():
                self.item_own.weight[1:].normal_(std=dimension**-0.5, generator=generator)

    def of_attributes(self) -> list[nn.Parameter]:
        """The vectors of attributes on both sides, as far as there are attributes."""
        parts = (self.item_attribute, self.history_attribute)
        return [part.weight for part in parts if part is not None]

    def item_vectors(self, item_C: torch.Tensor, own_share: float = 1.0) -> torch.Tensor:
        """(C, D) vectors of items, in which their own vectors count `own_share`."""
        vector_CD = self.item_projection(self.text_VT[self.text_of_item[item_C]])
        vector_CD = vector_CD + own_share * self.item_own(self.slot_of_item[item_C])
        return vector_CD if self.item_attribute is None else vector_CD + self.item_attribute(item_C)

    def user_vectors(self, history: HistoryBatch) -> torch.Tensor:
        """(B, D) vectors of users, from the weighted sums of what they bought."""
        profile_BT = self._sum(self.text_VT, self.text_of_item[history.item], history)
        vector_BD = self.user_projection(profile_BT)
        vector_BD = vector_BD + self._sum(self.history_own.weight, self.slot_of_item[history.item], history)
        if self.history_attribute is None:
            return vector_BD
        return vector_BD + self.history_attribute.sums(history.item, history.weight, history.offset)

    def history_vectors(self, item_C: torch.Tensor) -> torch.Tensor:
        """(C, D) what one purchase of each item puts into a user vector, before its weight."""
        text_CT = self.text_VT[self.text_of_item[item_C]]
        vector_CD = functional.linear(text_CT, self.user_projection.weight)
        vector_CD = vector_CD + self.history_own(self.slot_of_item[item_C])
        return vector_CD if self.history_attribute is None else vector_CD + self.history_attribute(item_C)

    @staticmethod
    def _sum(table: torch.Tensor, row_H: torch.Tensor, history: HistoryBatch) -> torch.Tensor:
        return functional.embedding_bag(
            row_H,
            table,
            history.offset,
            mode="sum",
            per_sample_weights=history.weight,
            include_last_offset=True,
        )


def all_user_vectors(tower: TwoTower, counts: sparse.csr_matrix) -> torch.Tensor:
    """(n_users, D) float32 vectors; zero without history: the projection's bias would speak about nobody."""
    device = tower.level.device
    with torch.no_grad():
        vectors = [
            tower.user_vectors(HistoryBatch.of(counts[start : start + BLOCK_USERS], device))
            for start in range(0, counts.shape[0], BLOCK_USERS)
        ]
    known = torch.from_numpy(np.diff(counts.indptr) > 0).to(device)
    return torch.cat(vectors) * known[:, None]


def all_item_vectors(tower: TwoTower, own_share: float = 1.0) -> torch.Tensor:
    """(n_items, D) float32 vectors of the whole catalogue, in which their own vectors count `own_share`."""
    return _over_catalogue(tower, partial(tower.item_vectors, own_share=own_share))


def all_history_vectors(tower: TwoTower) -> torch.Tensor:
    """(n_items, D) float32, what a purchase of each item puts into a user vector."""
    return _over_catalogue(tower, tower.history_vectors)


def _over_catalogue(tower: TwoTower, vectors_of: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        items = torch.arange(len(tower.slot_of_item), device=tower.level.device)
        return torch.cat([vectors_of(block) for block in items.split(BLOCK_ITEMS)])


def _with_blank(texts: TextVectors) -> tuple[np.ndarray, np.ndarray]:
    # Items without a text share one more row, of zeros.
    vectors = np.vstack([texts.vectors, np.zeros((1, texts.vectors.shape[1]), np.float32)])
    return vectors.astype(np.float32), np.where(texts.of_item < 0, len(vectors) - 1, texts.of_item)
