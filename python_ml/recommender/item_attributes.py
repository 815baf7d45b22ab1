"""What is known of items beside their text and their buyers, such as brand and category."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
