"""The first rows of the files in a folder: what a person sees who opens them for the first time.

Used to write the skeleton of a source and to name every column a file lacks. Whether a whole file is sound
is the business of `raw_formats.py`.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from python_ml.errors import SourceError

ROWS = 5000
_DELIMITERS = (",", ";", "\t", "|")
_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_FORMATS |= {".parquet": "parquet"}
_NUMBER_OR_DATE = re.compile(r"[-+]?[\d.,:/\sT-]+(Z|UTC)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSample:
    """What the beginning of the files of one raw table shows.

    Attributes:
        name: for the table, in lower case with underscores.
        paths: its files.
        file_format: "csv", "jsonl", "parquet", or "lines" for text that is cut by position or not at all.
        delimiter: between the fields of a "csv".
        has_header: whether the first line of a "csv" holds the names.
        columns: SQL type by column name; made-up names where the file has none.
        values: the first values of each column as text, blank where there is none.
        cuts: first character (from 1) and length of each field of lines of fixed width.
    """

    name: str
    paths: tuple[Path, ...]
    file_format: str
    delimiter: str = ","
    has_header: bool = True
    columns: dict[str, str]
    values: dict[str, list[str]]
    cuts: tuple[tuple[int, int], ...] = ()


def named_folder(text: str) -> Path:
    """The folder that DATA names.

    Raises:
        SourceError: nothing is named, or there is no such folder.
    """
    folder = Path(text).expanduser().resolve()
    if not text or not folder.is_dir():
        raise SourceError(
            "the folder with the raw files is not there",
            where=str(folder) if text else "DATA",
            remedy="name it: DATA=<folder>",
        )
    return folder


def sample_folder(folder: Path) -> list[RawSample]:
    """The raw tables of a folder; files with one name but for digits and one shape are one table.

    Raises:
        SourceError: no file that can be read, or a file is not what its name says.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file() and format_of(path) is not None)
    if not paths:
        raise SourceError(
            f"no file that ends in {', '.join(_FORMATS)} (or one of these and .gz)",
            where=str(folder),
            remedy="export the shop's tables into that folder",
        )
    groups: dict[tuple, list[RawSample]] = {}
    for path in paths:
        sample = sample_file(path)
        shape = (_stem(path), sample.file_format, sample.delimiter, sample.has_header, tuple(sample.columns))
        groups.setdefault((shape, _ending(path)), []).append(sample)
    tables = [_joined(samples) for samples in groups.values()]
    return [_renamed(table, tables) for table in tables]


def format_of(path: Path) -> str | None:
    """The format that a file's name promises; None for a file that is no table."""
    return _FORMATS.get(Path(path.name.lower().removesuffix(".gz")).suffix)


def sample_file(path: Path) -> RawSample:
    """The first rows of one file.

    Raises:
        SourceError: it is not what its name says, or holds nothing.
    """
    readers = {"csv": _sample_text, "jsonl": _sample_json, "parquet": _sample_parquet}
    try:
        return readers[format_of(path) or "csv"](path)
    except UnicodeDecodeError as error:
        raise _not_a_table(path, "not UTF-8", _conversion(path)) from error
    except (pa.ArrowException, OSError, EOFError, ValueError, csv.Error) as error:
        raise _not_a_table(path, " ".join(str(error).split())[:200], "fetch or export it again") from error


def _conversion(path: Path) -> str:
    """How to make UTF-8 of a file; a name is given only where the file's first two bytes give it away."""
    with pa.input_stream(str(path), compression="gzip" if path.name.endswith(".gz") else None) as raw:
        if raw.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "it is UTF-16: convert it with `iconv -f UTF-16 -t UTF-8`"
    return (
        "convert it from the encoding it was written in, for example `iconv -f LATIN1 -t UTF-8` (western"
        " Europe) or `iconv -f GB18030 -t UTF-8` (Chinese), and look at the result: a wrong one is no error,"
        " but gives wrong letters"
    )


def pattern_of(sample: RawSample) -> str:
    """A glob that finds the files of a table: the name itself, or what they begin and end with."""
    names = [path.name for path in sample.paths]
    if len(names) == 1:
        return names[0]
    return f"{_common_start(names)}*{_ending(sample.paths[0])}"


def _joined(samples: list[RawSample]) -> RawSample:
    first = samples[0]
    values = {
        name: [value for sample in samples for value in sample.values[name]][:ROWS] for name in first.columns
    }
    paths = tuple(path for sample in samples for path in sample.paths)
    return replace(first, paths=paths, values=values)


def _renamed(table: RawSample, tables: list[RawSample]) -> RawSample:
    """Tables of one name but different shapes are told apart by a number."""
    alike = [other for other in tables if other.name == table.name]
    place = alike.index(table) + 1
    return table if place == 1 else replace(table, name=f"{table.name}_{place}")


def _table_name(path: Path) -> str:
    """A file's name in small Latin letters without accents; "table" where it has none, as in Chinese."""
    plain = unicodedata.normalize("NFKD", _stem(path)).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return name if name[:1].isalpha() else f"table_{name}".rstrip("_")


def _stem(path: Path) -> str:
    """A file's name in lower case without endings and what numbers or dates one file of many."""
    stem = path.name.split(".")[0]
    spelled = re.sub(r"[\W_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower()).strip("_")
    bare = re.sub(r"(_?(part|of|page)?_?\d+)+$|_(data|dataset|export|table)$", "", spelled)
    return bare or spelled


def _ending(path: Path) -> str:
    return "." + path.name.split(".", 1)[1] if "." in path.name else ""


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return re.sub(r"\d+$", "", first[:length])


def _read_lines(path: Path) -> list[str]:
    compression = "gzip" if path.name.endswith(".gz") else None
    with pa.input_stream(str(path), compression=compression) as raw:
        lines = list(islice(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), ROWS + 1))
    if not lines:
        raise ValueError("the file is empty")
    return lines


def _sample_text(path: Path) -> RawSample:
    lines = _read_lines(path)
    read = {delimiter: list(csv.reader(lines, delimiter=delimiter)) for delimiter in _DELIMITERS}
    # Decimal commas can be in every line as well: the separator is what parts a line into most fields.
    delimiter = max(_DELIMITERS, key=lambda sign: _common_width(read[sign]))
    if _common_width(read[delimiter]) > 1:
        return _delimited(path, delimiter, [row for row in read[delimiter] if row])
    bare = [line.rstrip("\r\n") for line in lines]
    if path.name.lower().removesuffix(".gz").endswith(".csv") and not _looks_like_data(bare[:1]):
        return _delimited(path, ",", list(csv.reader(lines)))
    return RawSample(
        name=_table_name(path),
        paths=(path,),
        file_format="lines",
        has_header=False,
        columns={"line": "varchar"},
        values={"line": bare[:ROWS]},
        cuts=_cuts(bare),
    )


def _common_width(rows: list[list[str]]) -> int:
    """Fields of every row; 0 where rows differ. The last row may be cut off by the sample's end."""
    widths = {len(row) for row in (rows[:-1] or rows) if row}
    return widths.pop() if len(widths) == 1 else 0


def _delimited(path: Path, delimiter: str, rows: list[list[str]]) -> RawSample:
    has_header = not _looks_like_data(rows[0])
    names = (
        [name.strip() for name in rows[0]]
        if has_header
        else [f"column_{n}" for n in range(1, len(rows[0]) + 1)]
    )
    body = rows[1:] if has_header else rows
    values = {
        name: [row[place].strip() if place < len(row) else "" for row in body[:ROWS]]
        for place, name in enumerate(names)
        if name  # the row numbers that a spreadsheet or pandas put in front have none
    }
    return RawSample(
        name=_table_name(path),
        paths=(path,),
        file_format="csv",
        delimiter=delimiter,
        has_header=has_header,
        columns=dict.fromkeys(values, "varchar"),
        values=values,
    )


def _looks_like_data(fields: Iterable[str]) -> bool:
    """Names are words, each another; a number, a date or a blank is no name."""
    fields = [field.strip() for field in fields]
    names = fields if fields[0] else fields[1:]  # a column of row numbers may have no name
    return len(set(names)) < len(names) or any(not name or _NUMBER_OR_DATE.match(name) for name in names)


def _cuts(lines: list[str]) -> tuple[tuple[int, int], ...]:
    """Fields of lines of one length, parted where every line has a blank; none where lengths differ."""
    lines = [line for line in lines if line]
    width = len(lines[0])
    if any(len(line) != width for line in lines):
        return ()
    filled = [any(line[place] != " " for line in lines) for place in range(width)]
    cuts, begin = [], 0
    for place in range(width):
        if filled[place] and (place + 1 == width or not filled[place + 1]):
            cuts.append((begin + 1, place + 1 - begin))
            begin = place + 1
    return tuple(cuts) if len(cuts) > 1 else ()


def _sample_json(path: Path) -> RawSample:
    rows = [json.loads(line) for line in _read_lines(path)[:ROWS] if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no JSON object; each line must be one")
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = {name: [_json_text(row.get(name)) for row in rows] for name in names}
    return RawSample(
        name=_table_name(path),
        paths=(path,),
        file_format="jsonl",
        columns=dict.fromkeys(names, "varchar"),
        values=values,
    )


def _json_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _sample_parquet(path: Path) -> RawSample:
    with pq.ParquetFile(path) as parquet:
        schema = parquet.schema_arrow
        batch = next(parquet.iter_batches(batch_size=ROWS), None)
    rows = {} if batch is None else batch.to_pydict()
    values = {
        name: ["" if value is None else str(value) for value in rows.get(name, [])] for name in schema.names
    }
    columns = {name: _sql_type(schema.field(name).type) for name in schema.names}
    return RawSample(
        name=_table_name(path), paths=(path,), file_format="parquet", columns=columns, values=values
    )


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    named = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "bigint"),
        (pa.types.is_floating, "double"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_date, "date"),
    )
    return next((name for is_kind, name in named if is_kind(kind)), "varchar")


def _not_a_table(path: Path, what: str, remedy: str) -> SourceError:
    return SourceError(f"the file cannot be read as a table: {what}", where=str(path), remedy=remedy)
