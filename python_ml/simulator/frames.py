"""What the simulator hands over: pieces of tables, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one table.

    Args:
        table: name of the raw table, "truth/..." for what no adapter may read.
        part: part file the rows belong to, such as "2024-03"; None where the table is one file.
        rows: the rows; every piece of a table has the same columns and types.
    """

    table: str
    part: str | None
    rows: pa.Table


def texts(values: np.ndarray | list, place: np.ndarray, present: np.ndarray | None = None) -> pa.Array:
    """values[place] as Arrow strings, null where not present."""
    indices = pa.array(place.astype(np.int32), mask=None if present is None else ~present)
    return pa.array(values, pa.string()).take(indices)


def moments(start: np.datetime64, milliseconds: np.ndarray, present: np.ndarray | None = None) -> pa.Array:
    """Milliseconds from the start as timestamps in UTC, without a zone; null where not present."""
    times = start + milliseconds.astype("timedelta64[ms]")
    return pa.array(times, pa.timestamp("us"), mask=None if present is None else ~present)


def times_as_text(start: np.datetime64, milliseconds: np.ndarray) -> list[str]:
    """The same to the second, as a text file writes it."""
    seconds = (start + milliseconds.astype("timedelta64[ms]")).astype("datetime64[s]")
    return [text.replace("T", " ") for text in np.datetime_as_string(seconds).tolist()]


def spelled(values: np.ndarray | list) -> list[str]:
    """Numbers as text."""
    return [str(value) for value in np.asarray(values).tolist()]


def money(cents: np.ndarray) -> list[str]:
    """Cents as text with two decimals: exact, whatever the amount."""
    return [f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}" for value in cents.tolist()]


def table_of(columns: Mapping[str, object], types: Mapping[str, pa.DataType]) -> pa.Table:
    """An Arrow table with exactly those columns and types, in the order of the types."""
    arrays = [
        column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column, kind)
        for column, kind in ((columns[name], kind) for name, kind in types.items())
    ]
    return pa.table(arrays, schema=pa.schema(list(types.items())))
