"""How a raw file of each format is looked at: read to its end, its columns compared with the YAML.

A format is a function from a table of the YAML and a path to a `RawFile`; nothing here keeps rows. What
makes a line of a text file a row stands in `raw_lines.py`.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dagster_defs.raw_lines import (
    BYTE_ORDER_MARK,
    MAX_RECORD_BYTES,
    Line,
    MalformedLine,
    Record,
    StrictCsvStream,
    UncommonCsvError,
    csv_records,
    json_records,
    malformed_lines,
    open_raw,
    read_lines,
    without_break,
)
from python_ml.errors import SourceError

_DBT_TYPES = {"bigint": pa.types.is_integer, "integer": pa.types.is_integer, "double": pa.types.is_floating}
_DBT_TYPES |= {"varchar": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)}
_DBT_TYPES |= {"decimal": pa.types.is_decimal}
_DBT_TYPES |= {"timestamp": pa.types.is_timestamp, "date": pa.types.is_date, "boolean": pa.types.is_boolean}

# Ways a time is written in text files; the staging views read the same ones (macro read_time).
_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S UTC", "%m/%d/%Y %H:%M", "%Y-%m-%dT%H:%M:%S")
_TIME_FORMATS += ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")
# Arrow refuses a record that reaches over a whole block, so what it reads is never longer than the limit.
_BLOCK_BYTES = MAX_RECORD_BYTES // 2
_MILLISECONDS_FROM = 1e11
_ROWS_AT_ONCE = 1 << 16
_MAX_MALFORMED_SHARE = 0.1
_MAX_MALFORMED_FREE = 10  # so few are never too many: a short file may well hold one bad line in five
_MAX_MALFORMED_LINES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """What the source's YAML says of one raw table.

    Args:
        source, name: as in the YAML.
        columns: dbt type by column name.
        aliases: other names a column goes by in some editions of the file.
        optional: columns that a file need not have; those of JSON lines alone may be optional.
        event_time: the column with the time of each event, if the table logs events.
        file_format: a key of `FORMATS`.
        pattern: which files of the folder hold the table, as a glob.
        by_position: whether the staging views take the columns by their place, not by their name.
        is_required: whether the folder must hold such a file.
    """

    source: str
    name: str
    columns: dict[str, str]
    aliases: dict[str, tuple[str, ...]]
    event_time: str | None
    file_format: str
    pattern: str
    optional: frozenset[str] = frozenset()
    by_position: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class RawFile:
    """What was found.

    Attributes:
        rows: without the malformed lines.
        first_event, last_event: range of event times where the table has one.
        malformed: lines that are no rows, in their order.
        needs_copy: whether dbt must read a copy without those lines, with line breaks of one kind.
    """

    table: RawTable
    path: Path
    rows: int
    size_bytes: int
    first_event: datetime | None
    last_event: datetime | None
    malformed: tuple[MalformedLine, ...] = ()
    needs_copy: bool = False


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
            return RawFile(table, path, parquet.metadata.num_rows, path.stat().st_size, first, last)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable("parquet file", path, error) from error


def check_csv(table: RawTable, path: Path) -> RawFile:
    """Read every line, compressed or not, as text, and compare the names in the first one.

    Raises:
        SourceError: empty, cut short, a column is missing, or too many lines are malformed.
    """
    header = _read_header(path)
    _check_header(table, header, path)
    try:
        return _read_clean_csv(table, path, header)
    except (pa.ArrowException, OSError, UncommonCsvError):
        # Whatever it was, the slower reading finds the line, or finds that it is none.
        return _read_any_csv(table, path, header)


def _read_header(path: Path) -> list[str]:
    line = next(read_lines(path), None)
    if line is None:
        raise SourceError(
            "the file is empty",
            where=str(path),
            remedy="export the file again; one without rows still has a first line with the column names",
        )
    try:
        names = next(csv.reader([without_break(line.raw).decode()], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _no_header(path, str(error)) from error
    if not names:
        raise _no_header(path, "it is blank")
    return [name.strip() for name in names]


def check_text(table: RawTable, path: Path) -> RawFile:
    """Read every line, compressed or not, of text without names in the first, or without commas.

    Which columns it has, dbt finds out; here it is only read to its end and its lines are counted.

    Raises:
        SourceError: not UTF-8, or cut short.
    """
    rows = 0
    for line in read_lines(path):
        try:
            rows += bool(line.raw.decode().strip())
        except UnicodeDecodeError as error:
            raise _unreadable(f"text file: line {line.number}", path, error) from error
    return RawFile(table, path, rows, path.stat().st_size, None, None)


def _no_header(path: Path, why: str) -> SourceError:
    return SourceError(
        f"line 1 holds no column names: {why}",
        where=str(path),
        remedy="export the file as CSV with commas, in UTF-8, with the column names in its first line",
    )


def _read_clean_csv(table: RawTable, path: Path, header: list[str]) -> RawFile:
    """Many threads, hundreds of megabytes a second; stops at the first thing that is not plain."""
    rows, times = 0, _TimeRange()
    place = None if table.event_time is None else _place(table, table.event_time, header)
    with pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as unpacked:
        stream = StrictCsvStream(unpacked)
        names = [str(index) for index in range(len(header))]
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES, column_names=names, skip_rows=1),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        for batch in reader:
            rows += batch.num_rows
            if place is not None:
                times.add(batch.column(place))
        stream.check_end()
    return RawFile(table, path, rows, path.stat().st_size, times.first, times.last)


def _read_any_csv(table: RawTable, path: Path, header: list[str]) -> RawFile:
    """Line by line, some tens of megabytes a second: every line is judged by itself."""
    kinds: set[bool] = set()
    lines = _note_breaks(read_lines(path), kinds)
    next(lines)
    place = None if table.event_time is None else _place(table, table.event_time, header)
    records = csv_records(lines, len(header))
    found = _read_records(table, path, records, lambda record: _csv_field(record, place))
    # DuckDB stops at a line break of another kind than that of the first line.
    return found.as_file(needs_copy=bool(found.malformed) or len(kinds) > 1)


def _note_breaks(lines: Iterator[Line], kinds: set[bool]) -> Iterator[Line]:
    for line in lines:
        if line.raw.endswith(b"\n"):
            kinds.add(line.raw.endswith(b"\r\n"))
        yield line


def _csv_field(record: Record, place: int | None) -> str | None:
    if place is None:
        return None
    if b'"' in record.raw:
        return next(csv.reader([record.text.decode()], skipinitialspace=True))[place]
    return record.raw.split(b",", place + 1)[place].rstrip().decode()


def rows_of(file: RawFile) -> Iterator[bytes]:
    """The good lines of a text file, the first line of a CSV among them, without their line breaks."""
    lines = read_lines(file.path)
    if file.table.file_format == "csv":
        yield without_break(next(lines).raw)
        records = csv_records(lines, len(_read_header(file.path)))
    else:
        records = json_records(lines)
    yield from (record.text for record in records if record.reason_code is None)


def check_jsonl(table: RawTable, path: Path) -> RawFile:
    """Read every line, compressed or not, as one JSON object, and compare the keys of all of them.

    Raises:
        SourceError: empty, cut short, a key is in none of the lines, or too many lines are malformed.
    """
    names = () if table.event_time is None else (table.event_time, *table.aliases.get(table.event_time, ()))
    keys: dict[str, None] = {}

    def note(record: Record) -> object:
        keys.update(dict.fromkeys(record.document))
        return next((record.document[name] for name in names if name in record.document), None)

    found = _read_records(table, path, json_records(read_lines(path)), note)
    if not found.rows and not found.malformed:
        raise SourceError("the file is empty", where=str(path), remedy="export the file again, or remove it")
    _check_header(table, list(keys), path)
    with open_raw(path) as stream:
        has_mark = stream.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK  # which DuckDB refuses in JSON
    return found.as_file(needs_copy=bool(found.malformed) or has_mark)


@dataclass(slots=True)
class _TimeRange:
    """The first and the last of all times seen."""

    first: datetime | None = None
    last: datetime | None = None

    def add(self, column: pa.Array) -> None:
        low, high = _range_of_times(column)
        self.first, self.last = _either(min, self.first, low), _either(max, self.last, high)


@dataclass(slots=True)
class _Found:
    """What a reading record by record has seen so far."""

    table: RawTable
    path: Path
    rows: int = 0
    times: _TimeRange = field(default_factory=_TimeRange)
    malformed: list[MalformedLine] = field(default_factory=list)

    def as_file(self, *, needs_copy: bool) -> RawFile:
        size = self.path.stat().st_size
        times = (self.times.first, self.times.last)
        return RawFile(self.table, self.path, self.rows, size, *times, tuple(self.malformed), needs_copy)


def _read_records(
    table: RawTable, path: Path, records: Iterable[Record], time_of: Callable[[Record], object]
) -> _Found:
    """Count rows and malformed lines; `time_of` is called with every row, in order.

    Raises:
        SourceError: more malformed lines than a file of this table can have.
    """
    found = _Found(table, path)
    for some in _batched(records, _ROWS_AT_ONCE):
        times = []
        for record in some:
            if record.reason_code is None:
                times.append(time_of(record))
            else:
                found.malformed += malformed_lines(record)
        found.rows += len(times)
        if table.event_time is not None:
            found.times.add(_as_texts(times))
        if len(found.malformed) > _MAX_MALFORMED_LINES:
            break
    _refuse_too_many(found)
    return found


def _batched(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    source = iter(records)
    while some := list(islice(source, size)):
        yield some


def _refuse_too_many(found: _Found) -> None:
    count = len(found.malformed)
    allowed = max(_MAX_MALFORMED_FREE, _MAX_MALFORMED_SHARE * (found.rows + count))
    if count > min(allowed, _MAX_MALFORMED_LINES):
        first = found.malformed[0]
        raise SourceError(
            f"{count:,} of {found.rows + count:,} lines are malformed, the first is line {first.number}"
            f" ({first.reason_code})",
            where=str(found.path),
            remedy="probably another delimiter, encoding or file than this table's: look at that line and"
            " export again; single malformed lines would be left out and recorded",
        )


def _check_header(table: RawTable, header: list[str], path: Path) -> None:
    for place, (name, *aliases) in enumerate((name, *table.aliases.get(name, ())) for name in table.columns):
        found = [seen for seen in header if seen in (name, *aliases)]
        if not found and name not in table.optional:
            raise _missing_column(name, header, path)
        if len(found) != len(set(found)):
            raise _misplaced(f"two columns are called {found[0]!r}", path)
        if table.by_position and header[place : place + 1] != found[:1]:
            raise _misplaced(
                f"column {name!r} is not number {place + 1}: the file has {', '.join(header)}", path
            )
    if table.by_position and len(header) > len(table.columns):
        raise _misplaced(f"there are more columns than {len(table.columns)}: {', '.join(header)}", path)


def _place(table: RawTable, name: str, header: list[str]) -> int:
    return next(header.index(alias) for alias in (name, *table.aliases.get(name, ())) if alias in header)


def _range_of_times(column: pa.Array) -> tuple[datetime | None, datetime | None]:
    for form in _TIME_FORMATS:
        times = pc.strptime(column, format=form, unit="us", error_is_null=True)
        if times.null_count < len(times):
            found = pc.min_max(times).as_py()
            return found["min"], found["max"]
    return None, None


def _as_texts(times: Iterable[object]) -> pa.Array:
    return pa.array([_time_text(time) for time in times], pa.string())


def _time_text(time: object) -> str | None:
    """A number is seconds since 1970, or thousandths of them where seconds would be after the year 5138."""
    if isinstance(time, str):
        return time
    if not isinstance(time, float):
        return None
    try:
        seconds = time / 1000 if abs(time) >= _MILLISECONDS_FROM else time
        return datetime.fromtimestamp(seconds, UTC).strftime(_TIME_FORMATS[0])
    except (ValueError, OverflowError, OSError):
        return None


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


def _misplaced(what: str, path: Path) -> SourceError:
    return SourceError(
        what,
        where=str(path),
        remedy="export the file with the columns that the source's YAML names, in that order",
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
    "jsonl": check_jsonl,
    "text": check_text,
}
