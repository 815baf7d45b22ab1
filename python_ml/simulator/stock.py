"""Stock of every item at the start of each week, which adds up: what was there, less sold, plus received."""

import numpy as np
import pyarrow as pa

from python_ml.simulator.catalogue import Catalogue
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import table_of, texts

COVER_WEEKS = 4.0  # stock that is aimed at, in weeks of mean sales
REVIEW_WEEKS = 2  # how often an item is ordered from its maker
STOCK_COLUMNS = {
    "item_id": pa.string(), "counted_on": pa.date32(), "pieces": pa.int64(), "received_pieces": pa.int64(),
}  # fmt: skip


def make_stock(config: SimulatorConfig, catalogue: Catalogue, sold: np.ndarray) -> pa.Table:
    """Raw stock counts.

    Args:
        config: size and make-up.
        catalogue: the items.
        sold: (I, W) int, pieces of kept orders.
    """
    random = config.stream("stock")
    items, weeks = sold.shape
    target = np.ceil(sold.mean(axis=1) * COVER_WEEKS + 3).astype(np.int64)
    level = target + random.integers(0, 5, items)
    phase = random.integers(0, REVIEW_WEEKS, items)
    pieces, received = np.empty((2, items, weeks), np.int64)
    for week in range(weeks):
        pieces[:, week] = level
        due = (week + phase) % REVIEW_WEEKS == 0
        # Never more is sold than there was: what would be missing comes in during the week.
        ordered = np.where(due, np.maximum(target - level, 0), 0)
        received[:, week] = np.maximum(ordered, sold[:, week] - level)
        level = level + received[:, week] - sold[:, week]
    counted = config.start.astype("datetime64[D]") + np.arange(weeks) * 7
    return table_of(
        {
            "item_id": texts(catalogue.item_id, np.repeat(np.arange(items), weeks)),
            "counted_on": pa.array(np.tile(counted, items)),
            "pieces": pieces.ravel(),
            "received_pieces": received.ravel(),
        },
        STOCK_COLUMNS,
    )
