"""What goes wrong on the way from a shop to its files: rows sent twice, values nobody can read."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def repeat_rows(random: np.random.Generator, rows: pa.Table, share: float) -> np.ndarray:
    """Places of the rows as they are delivered: all in order, some of them twice in a row."""
    return np.repeat(np.arange(rows.num_rows), 1 + (random.random(rows.num_rows) < share))


def spoil(
    random: np.random.Generator, rows: pa.Table, share: float, garbage: Mapping[str, str | None]
) -> tuple[pa.Table, int]:
    """Replace one value in some rows.

    Args:
        random: the source of chance.
        rows: the rows, before any is repeated.
        share: share of rows to spoil.
        garbage: what stands in a column's place where it is spoilt; a row is spoilt in one of them.

    Returns:
        The rows, and how many were spoilt.
    """
    chosen = random.random(rows.num_rows) < share
    victim = random.integers(0, len(garbage), rows.num_rows)
    for place, (name, value) in enumerate(garbage.items()):
        mask = chosen & (victim == place)
        if mask.any():
            column = rows.column(name).combine_chunks()
            kind = column.type
            spoilt = pa.array(mask)
            new = pc.if_else(spoilt, pa.scalar(value, kind), column)
            rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), new)
    return rows, int(chosen.sum())
