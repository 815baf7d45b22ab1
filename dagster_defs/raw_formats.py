"""How a raw file of each format is looked at: read to its end, its columns compared with the YAML.

A format is a function from a table of the YAML and a path to a `RawFile`; nothing here keeps rows.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from python_ml.errors import SourceError

_DBT_TYPES = {"bigint": pa.types.is_integer, "integer": pa.types.is_integer, "double": pa.types.is_floating}
_DBT_TYPES |= {"varchar": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)}
_DBT_TYPES |= {"decimal": pa.types.is_decimal}
_DBT_TYPES |= {"timestamp": pa.types.is_timestamp, "date": pa.types.is_date, "boolean": pa.types.is_boolean}

# Ways a time is written in text files; the staging views read the same ones (macro read_time).
_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S UTC", "%m/%d/%Y %H:%M")
_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """What the source's YAML says of one raw table.

    Args:
        source, name: as in the YAML.
        columns: dbt type by column name.
        aliases: other names a column goes by in some editions of the file.
        event_time: the column with the time of each event, if the table logs events.
        file_format: a key of `FORMATS`.
        pattern: which files of the folder hold the table, as a glob.
    """

    source: str
    name: str
    columns: dict[str, str]
    aliases: dict[str, tuple[str, ...]]
    event_time: str | None
    file_format: str
    pattern: str


@dataclass(frozen=True, slots=True)
class RawFile:
    """What was found: rows, bytes, and the range of event times where the table has one."""

    table: RawTable
    rows: int
    size_bytes: int
    first_event: datetime | None
    last_event: datetime | None


def check_parquet(table: RawTable, path: Path) -> RawFile:
    """Read every page, and compare columns and types.

    Raises:
        SourceError: not readable, or a column is missing or of another type.
    """
    try:
        with pq.ParquetFile(path) as parquet:
            _check_types(table, parquet.schema_arrow, path)
            for _ in parquet.iter_batches(batch_size=1 << 18):
                pass  # reading to the end is the check: a truncated or damaged page raises
            first, last = _range_in_statistics(table, parquet)
            return RawFile(table, parquet.metadata.num_rows, path.stat().st_size, first, last)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable("parquet file", path, error) from error


def check_csv(table: RawTable, path: Path) -> RawFile:
    """Read every line, compressed or not, as text, and compare the names in the first one.

    Raises:
        SourceError: not readable as UTF-8, cut short, a line has too many or too few fields, or a column is
            missing.
    """
    try:
        return _read_csv(table, path)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise _unreadable("CSV file", path, error) from error


def check_text(table: RawTable, path: Path) -> RawFile:
    """Read every line, compressed or not, of text without names in the first, or without commas.

    Which columns it has, dbt finds out; here it is only read to its end and its lines are counted.

    Raises:
        SourceError: not readable as UTF-8, or cut short.
    """
    compression = "gzip" if path.suffix == ".gz" else None
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            rows = sum(1 for line in io.TextIOWrapper(stream, encoding="utf-8") if line.strip())
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise _unreadable("text file", path, error) from error
    return RawFile(table, rows, path.stat().st_size, None, None)


def _read_csv(table: RawTable, path: Path) -> RawFile:
    rows, first, last = 0, None, None
    header: list[str] = []
    for batch in _csv_batches(path, header):
        if not rows:
            _check_header(table, header, path)
        rows += batch.num_rows
        if table.event_time is not None:
            low, high = _range_of_times(batch.column(_place(table, table.event_time, header)))
            first, last = (_either(min, first, low), _either(max, last, high))
    if not rows:
        _check_header(table, header, path)
    return RawFile(table, rows, path.stat().st_size, first, last)


def _csv_batches(path: Path, header: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches of text; `header` is filled with the names before the first."""
    compression = "gzip" if path.suffix == ".gz" else None
    with pa.input_stream(str(path), compression=compression) as probe:
        first_line = probe.read(1 << 16).split(b"\n", 1)[0].decode("utf-8-sig").rstrip("\r")
    header += [name.strip().strip('"') for name in first_line.split(",")]
    with pa.input_stream(str(path), compression=compression) as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES, column_names=header, skip_rows=1),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
        yield from reader


def _check_header(table: RawTable, header: list[str], path: Path) -> None:
    for name in table.columns:
        if not {name, *table.aliases.get(name, ())} & set(header):
            raise _missing_column(name, header, path)


def _place(table: RawTable, name: str, header: list[str]) -> int:
    return next(header.index(alias) for alias in (name, *table.aliases.get(name, ())) if alias in header)


def _range_of_times(column: pa.Array) -> tuple[datetime | None, datetime | None]:
    for form in _TIME_FORMATS:
        times = pc.strptime(column, format=form, unit="us", error_is_null=True)
        if times.null_count < len(times):
            found = pc.min_max(times).as_py()
            return found["min"], found["max"]
    return None, None


def _either(choose: Callable, seen: datetime | None, found: datetime | None) -> datetime | None:
    present = [value for value in (seen, found) if value is not None]
    return choose(present) if present else None


def _check_types(table: RawTable, schema: pa.Schema, path: Path) -> None:
    for name, expected in table.columns.items():
        if name not in schema.names:
            raise _missing_column(name, schema.names, path)
        seen = schema.field(name).type
        if not _DBT_TYPES[expected.split("(")[0].lower()](seen):
            raise SourceError(
                f"column {name!r} has type {seen}, expected {expected}",
                where=str(path),
                remedy="export the column with that type, or adapt the staging folder of this source",
            )


def _range_in_statistics(table: RawTable, parquet: pq.ParquetFile) -> tuple[datetime | None, datetime | None]:
    if table.event_time is None:
        return None, None
    column = parquet.schema_arrow.names.index(table.event_time)
    groups = (
        parquet.metadata.row_group(group).column(column) for group in range(parquet.metadata.num_row_groups)
    )
    ranges = [group.statistics for group in groups if group.statistics and group.statistics.has_min_max]
    if not ranges:
        return None, None
    return min(group.min for group in ranges), max(group.max for group in ranges)


def _missing_column(name: str, seen: list[str], path: Path) -> SourceError:
    return SourceError(
        f"column {name!r} is missing; the file has {', '.join(seen)}",
        where=str(path),
        remedy="export the file with that column, or adapt the staging folder of this source",
    )


def _unreadable(kind: str, path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"not a readable {kind}: {' '.join(str(error).split())[:200]}",
        where=str(path),
        remedy="fetch or export the file again; the warehouse was not touched",
    )


FORMATS: dict[str, Callable[[RawTable, Path], RawFile]] = {
    "parquet": check_parquet,
    "csv": check_csv,
    "text": check_text,
}
