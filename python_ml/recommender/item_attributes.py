"""What is known of items beside their text and their buyers, such as brand and category; vectors for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class ItemAttributes:
    """The attributes of every item; two items that share one are alike in it.

    Args:
        of_item: (n_items, W) int64 numbers of the item's attributes in [0, count), -1 where it has fewer
            than W.
        count: of different attributes.
    """

    of_item: np.ndarray
    count: int

    @classmethod
    def listed(cls, lists: Sequence[Sequence[int]]) -> "ItemAttributes":
        """From the attributes of each item, numbered from 0."""
        width = max(map(len, lists), default=0)
        of_item = np.full((len(lists), width), -1, np.int64)
        for row, attributes in zip(of_item, lists, strict=True):
            row[: len(attributes)] = attributes
        return cls(of_item, int(of_item.max(initial=-1)) + 1)


class AttributeVectors(nn.EmbeddingBag):
    """A vector for every attribute. An item has the sum of those of its A attributes by the root of A.

    Args:
        attributes: of the catalogue's items.
        dimension: D.
    """

    def __init__(self, attributes: ItemAttributes, dimension: int) -> None:
        # Row 0 is of no attribute.
        super().__init__(attributes.count + 1, dimension, mode="sum", padding_idx=0)
        known = (attributes.of_item >= 0).sum(axis=1, keepdims=True)
        share = np.maximum(known, 1).astype(np.float32) ** -0.5
        self.register_buffer("attributes_IW", torch.from_numpy(attributes.of_item + 1), persistent=False)
        self.register_buffer("share_I1", torch.from_numpy(share), persistent=False)

    @classmethod
    def of(cls, attributes: ItemAttributes | None, dimension: int) -> "AttributeVectors | None":
        """None where nothing is known of any item."""
        return cls(attributes, dimension) if attributes is not None and attributes.count else None

    def forward(self, item: torch.Tensor | slice) -> torch.Tensor:
        """(M, D) vectors of items, (M,) int64 or a slice of the catalogue."""
        return super().forward(self.attributes_IW[item]) * self.share_I1[item]

    def sums(self, item_H: torch.Tensor, weight_H: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
        """(B, D) weighted sums of the vectors of items.

        Args:
            item_H: (H,) int64, the items of all B sums.
            weight_H: (H,) float32.
            offset: (B + 1,) int64, where each sum's items start, and the end.
        """
        row_HW = self.attributes_IW[item_H]
        weight_HW = (weight_H[:, None] * self.share_I1[item_H]).expand_as(row_HW)
        return functional.embedding_bag(
            row_HW.flatten(),
            self.weight,
            offset * row_HW.shape[1],
            mode="sum",
            per_sample_weights=weight_HW.flatten(),
            include_last_offset=True,
            padding_idx=0,
        )
