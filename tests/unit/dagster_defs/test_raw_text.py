"""Raw files of text without names: read to the end, lines counted, columns not looked at."""

import gzip
from pathlib import Path

import pytest

from dagster_defs.raw_formats import FORMATS, RawTable
from python_ml.errors import SourceError

TABLE = RawTable(
    source="mine",
    name="lines",
    columns={"line": "varchar"},
    aliases={},
    event_time=None,
    file_format="text",
    pattern="*",
)


def test_lines_are_counted_without_blank_ones(tmp_path: Path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("1 ä\n2 b\n\n3 c".encode()))
    assert FORMATS["text"](TABLE, tmp_path / "a.txt.gz").rows == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", "ä".encode("latin-1")), ("a.txt.gz", gzip.compress(b"1\n" * 99_999)[:-20])],
)
def test_what_cannot_be_read_to_its_end_is_told(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=r"not a readable text file|cannot be read beyond line"):
        FORMATS["text"](TABLE, tmp_path / name)
