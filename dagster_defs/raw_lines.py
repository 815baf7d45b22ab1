"""Text files line by line: which lines can be read as rows, and which are malformed and why.

What is accepted here is what DuckDB reads in strict mode, so that a file without malformed lines, and a
copy of one without them, is read to its last row. The rules are RFC 4180 for CSV (a quoted field may hold
line breaks; quotes inside it are doubled) and RFC 8259 for JSON, one object a line; both in UTF-8. A quote
in the middle of an unquoted field (`12" ruler`) is a character like any other.
"""

import gzip
import hashlib
import io
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from python_ml.errors import SourceError

# DuckDB reads CSV lines of up to 2,000,000 bytes; nothing in a shop needs half of that.
MAX_RECORD_BYTES = 1 << 20
# A quoted field with more lines than this is a quote that was never closed.
MAX_RECORD_LINES = 1000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

RAGGED, BROKEN_JSON, BAD_ENCODING = "ragged_line", "broken_json", "bad_encoding"
BROKEN_QUOTING, OVERSIZED = "broken_quoting", "oversized_line"

_QUOTE_OPENS = re.compile(rb' *"')
_QUOTED_TEXT = re.compile(rb'[^"]*(?:""[^"]*)*')
_MAY_STAND_BEFORE_A_QUOTE = np.frombuffer(b',\n"', np.uint8)
_MAY_STAND_AFTER_A_QUOTE = np.frombuffer(b',\r\n"', np.uint8)
_SPACES = re.compile(rb" *")


class Line(NamedTuple):
    """A physical line, with its line break; of one that is too long only size and hash are kept."""

    number: int
    raw: bytes
    byte_count: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line that is no row. Not its text: that may hold personal data.

    Attributes:
        number: counts physical lines from 1, the header included.
        reason_code: one of the five above.
        byte_count: length with its line break.
        sha256: of its bytes, in hexadecimal: the same line is known again.
    """

    number: int
    reason_code: str
    byte_count: int
    sha256: str


class Record(NamedTuple):
    """Lines that are one row, or one malformed line.

    Attributes:
        lines: the physical lines; several where a quoted field holds line breaks.
        reason_code: why it is no row; None for a row.
        document: keys and values of a JSON object; None otherwise.
    """

    lines: tuple[Line, ...]
    reason_code: str | None = None
    document: dict[str, object] | None = None

    @property
    def raw(self) -> bytes:
        if len(self.lines) == 1:
            return self.lines[0].raw
        return b"".join(line.raw for line in self.lines)

    @property
    def text(self) -> bytes:
        """Without the line break at its end."""
        return without_break(self.raw)


def without_break(raw: bytes) -> bytes:
    return raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw


def open_raw(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked if its name ends in .gz."""
    # gzip reads lines in Python; the buffer around it does so in C.
    return io.BufferedReader(gzip.open(path), 1 << 20) if path.suffix == ".gz" else path.open("rb")


def read_lines(path: Path) -> Iterator[Line]:
    """Every physical line; without the byte order mark that may stand before the first.

    Raises:
        SourceError: the file cannot be read to its end, as a gzip file that was cut short.
    """
    number = 0
    try:
        with open_raw(path) as stream:
            while raw := stream.readline(MAX_RECORD_BYTES + 1):
                number += 1
                if number == 1:
                    raw = raw.removeprefix(BYTE_ORDER_MARK)
                if len(raw) > MAX_RECORD_BYTES and not raw.endswith(b"\n"):
                    yield _skip_rest(stream, number, raw)
                else:
                    yield Line(number, raw, len(raw))
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"the file cannot be read beyond line {number}: {' '.join(str(error).split())[:200]}",
            where=str(path),
            remedy="fetch or export the file again; the warehouse was not touched",
        ) from error


def _skip_rest(stream: BinaryIO, number: int, raw: bytes) -> Line:
    digest, size = hashlib.sha256(raw), len(raw)
    while not raw.endswith(b"\n") and (raw := stream.readline(MAX_RECORD_BYTES)):
        digest.update(raw)
        size += len(raw)
    return Line(number, b"", size, digest.hexdigest())


def malformed_lines(record: Record) -> Iterator[MalformedLine]:
    for line in record.lines:
        digest = line.sha256 or hashlib.sha256(line.raw).hexdigest()
        yield MalformedLine(line.number, record.reason_code, line.byte_count, digest)


def json_records(lines: Iterator[Line]) -> Iterator[Record]:
    """A record a line that is not blank."""
    for line in lines:
        if line.sha256 is not None:
            yield Record((line,), OVERSIZED)
        elif line.raw.strip():
            yield _json_record(line)


def _json_record(line: Line) -> Record:
    try:
        text = line.raw.decode()
    except UnicodeDecodeError:
        return Record((line,), BAD_ENCODING)
    try:
        # Objects become tuples of pairs: so a key that stands twice is seen, and an array is none.
        pairs = json.loads(text, object_pairs_hook=tuple, parse_int=float, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(pairs, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError):
        return Record((line,), BROKEN_JSON)
    if not isinstance(pairs, tuple) or len(document := dict(pairs)) < len(pairs):
        return Record((line,), BROKEN_JSON)
    return Record((line,), document=document)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def csv_records(lines: Iterator[Line], field_count: int) -> Iterator[Record]:
    """Records of so many fields, and the lines that belong to none; blank lines are left out.

    A quote that is opened and never properly closed costs the line it stands on and no other: the lines
    read after it are looked at again, each as the possible start of a record.
    """
    ahead: deque[Line] = deque()
    while True:
        line = ahead.popleft() if ahead else next(lines, None)
        if line is None:
            return
        raw = line.raw
        if b'"' not in raw and raw.count(b",") == field_count - 1 and raw.isascii() and _ends_once(raw):
            yield Record((line,))  # as nearly all are
        elif line.sha256 is not None:
            yield Record((line,), OVERSIZED)
        elif without_break(raw):
            yield _csv_record(line, lines, ahead, field_count)


def _ends_once(raw: bytes) -> bool:
    """Whether a line that is not blank ends in a line break and holds none."""
    return raw.endswith(b"\n") and raw.find(b"\r", 0, -2) < 0 and len(raw) > 2


def _csv_record(line: Line, lines: Iterator[Line], ahead: deque[Line], field_count: int) -> Record:
    fields, state = _count_fields(without_break(line.raw), inside=False)
    taken = [line]
    size = line.byte_count
    if state == "open":
        fields, state, size = _read_on(taken, lines, ahead, fields)
    if state == "closed" and fields == field_count and size <= MAX_RECORD_BYTES:
        record = Record(tuple(taken))
        return record if _is_utf8(record.raw) else Record(tuple(taken), BAD_ENCODING)
    ahead.extendleft(reversed(taken[1:]))
    if not _is_utf8(line.raw):
        return Record((line,), BAD_ENCODING)
    if len(taken) > 1 or state in ("open", "broken"):
        return Record((line,), BROKEN_QUOTING)
    return Record((line,), RAGGED)


def _read_on(
    taken: list[Line], lines: Iterator[Line], ahead: deque[Line], fields: int
) -> tuple[int, str, int]:
    """Take lines until the open quote closes, is found broken, or is open for too long."""
    size, state = taken[0].byte_count, "open"
    while state == "open" and len(taken) < MAX_RECORD_LINES and size <= MAX_RECORD_BYTES:
        line = ahead.popleft() if ahead else next(lines, None)
        if line is None:
            break
        taken.append(line)
        size += line.byte_count
        more, state = _count_fields(without_break(line.raw), inside=True)
        fields += more - 1  # the first of them was counted where it opened
        if line.sha256 is not None:
            state = "broken"
    return fields, state, size


def _count_fields(text: bytes, *, inside: bool) -> tuple[int, str]:
    """Fields of a line, and how it ends: closed, open (inside quotes), ragged or broken.

    Args:
        text: a line without its line break.
        inside: whether it begins inside a quoted field.
    """
    if not inside and b'"' not in text:
        return text.count(b",") + 1, "ragged" if b"\r" in text else "closed"
    fields, place = 0, 0
    while True:
        fields += 1
        opens = _QUOTE_OPENS.match(text, place)
        if inside or opens:
            end = _QUOTED_TEXT.match(text, place if inside else opens.end()).end()
            if end == len(text):
                return fields, "open"
            place, inside = _SPACES.match(text, end + 1).end(), False
            if place < len(text) and text[place] != ord(","):
                return fields, "broken"
        else:
            comma = text.find(b",", place)
            end = len(text) if comma < 0 else comma
            if text.find(b"\r", place, end) >= 0:  # DuckDB takes it for a line break
                return fields, "ragged"
            place = end
        if place == len(text):
            return fields, "closed"
        place += 1


class UncommonCsvError(Exception):
    """The file may be well-formed, but only a reading line by line can tell."""


class StrictCsvStream(io.RawIOBase):
    """Lets the bytes of a CSV file through and watches what other readers overlook: quotes and line breaks.

    Arrow reads on over text behind a closing quote, line breaks of two kinds, and half a file inside one
    quoted field; DuckDB does not. The stream raises at anything but quoted fields that begin at a comma or
    line break and end before one, hold no more than MAX_RECORD_LINES lines, and line breaks of one kind.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._tail = b"\n"  # the last byte looked at, and the one after it, whose meaning depends on its next
        self._inside = 0  # 1 while a quote is open
        self._lines_inside = 0
        self._breaks: set[bytes] = set()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if data:
            self._look_at(self._tail + data)
        return data

    def check_end(self) -> None:
        """Look at the last byte.

        Raises:
            UncommonCsvError: a quote is still open, or the file ends within a line break.
        """
        if self._tail.endswith(b"\r"):
            raise UncommonCsvError("the file ends within a line break")
        self._look_at(self._tail + b"\n")
        if self._inside:
            raise UncommonCsvError("a quote is never closed")

    def _look_at(self, data: bytes) -> None:
        """Look at all bytes but the first and the last, which are here as their neighbours."""
        self._tail = data[-2:]
        self._check_breaks(data)
        if self._inside or b'"' in data[1:-1]:
            self._check_quotes(np.frombuffer(data, np.uint8))

    def _check_breaks(self, data: bytes) -> None:
        both = data.count(b"\r\n", 0, -1)
        feeds, returns = data.count(b"\n", 1, -1), data.count(b"\r", 1, -1)
        self._breaks |= ({b"\r\n"} if both else set()) | ({b"\n"} if feeds > both else set())
        if len(self._breaks) > 1 or returns != data.count(b"\r\n", 1):
            raise UncommonCsvError("line breaks of several kinds")

    def _check_quotes(self, data: np.ndarray) -> None:
        quotes = np.flatnonzero(data[1:-1] == ord('"')) + 1
        opening, closing = quotes[self._inside :: 2], quotes[1 - self._inside :: 2]
        before = np.isin(data[opening - 1], _MAY_STAND_BEFORE_A_QUOTE)
        after = np.isin(data[closing + 1], _MAY_STAND_AFTER_A_QUOTE)
        if not (before.all() and after.all()):
            raise UncommonCsvError("a quote inside a field")
        breaks = np.flatnonzero(data[1:-1] == ord("\n")) + 1
        self._count_lines((np.searchsorted(quotes, breaks) + self._inside) % 2 == 1)
        self._inside = (self._inside + len(quotes)) % 2

    def _count_lines(self, is_inside: np.ndarray) -> None:
        """Line breaks within one record; `is_inside` says of each break whether it stands inside quotes."""
        ends = np.flatnonzero(~is_inside)
        if not len(ends):
            longest = self._lines_inside = self._lines_inside + len(is_inside)
        else:
            longest = max(self._lines_inside + ends[0], int(np.diff(ends).max(initial=1)) - 1)
            self._lines_inside = len(is_inside) - 1 - int(ends[-1])
        if max(longest, self._lines_inside) >= MAX_RECORD_LINES:
            raise UncommonCsvError("a quoted field of too many lines")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
