"""Which lines are rows, which are malformed and why; and that DuckDB reads what is called clean."""

import csv
import dataclasses
import gzip
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagster_defs.paths import ShopPaths
from dagster_defs.raw_files import check_raw_files, malformed_lines, record_malformed_lines
from dagster_defs.raw_formats import RawFile, RawTable
from dagster_defs.raw_lines import MAX_RECORD_BYTES, MAX_RECORD_LINES, StrictCsvStream, UncommonCsvError
from dagster_defs.raw_repair import folder_to_read, repair
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse
from python_ml.errors import SourceError

TILL = RawTable(
    source="corner_shop",
    name="till",
    columns=dict.fromkeys("abc", "varchar"),
    aliases={},
    event_time=None,
    file_format="csv",
    pattern="*.csv*",
)
STARS = dataclasses.replace(
    TILL, name="stars", columns={"a": "varchar"}, file_format="jsonl", pattern="*.jsonl*"
)
HEADER = b"a,b,c\n"


def looked_at(folder: Path, content: bytes, *, table: RawTable = TILL, name: str | None = None) -> RawFile:
    name = name or ("till.csv" if table is TILL else "stars.jsonl")
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (file,) = check_raw_files([table], dataclasses.replace(load_settings({}), data=folder))
    return file


def reasons(file: RawFile) -> dict[int, str]:
    return {line.number: line.reason_code for line in file.malformed}


@pytest.mark.parametrize(
    ("lines", "rows", "bad"),
    [
        (b"1,2,3\n4,5,6", 2, {}),
        (b'1,"2\n2",3\n4,5,6\n', 2, {}),
        (b'1,"2, ""two""",3\n', 1, {}),
        (b'1,12" ruler,3\n', 1, {}),
        (b"1,2,3\n\n\n4,5,6\n", 2, {}),
        (b"1,2,3\n4,5\n7,8,9\n", 2, {3: "ragged_line"}),
        (b"1,2,3\n4,5,6,6\n7,8,9\n", 2, {3: "ragged_line"}),
        (b"1,2,3\n   \n7,8,9\n", 2, {3: "ragged_line"}),
        (b"1,2\r2,3\n7,8,9\n", 1, {2: "ragged_line"}),
        (b"1,2,3\n4,\xff,6\n7,8,9\n", 2, {3: "bad_encoding"}),
        (b'1,"\xff\n2",3\n7,8,9\n', 1, {2: "bad_encoding", 3: "bad_encoding"}),
        (b'1,"2"2,3\n7,8,9\n', 1, {2: "broken_quoting"}),
        (b'1,"2,3\n7,8,9\n', 1, {2: "broken_quoting"}),
        (b'1,2,3"\n4,5,"6\n', 1, {3: "broken_quoting"}),
        # The quote of line 2 would close at that of line 4, were it not for the text behind it.
        (b'1,"2,3\n4,5,6\n7,"8, eight",9\n', 2, {2: "broken_quoting"}),
        (b'1,2,3\n4,5,"', 1, {3: "broken_quoting"}),
        (b"1,2,3\n4," + b"5" * MAX_RECORD_BYTES + b",6\n7,8,9\n", 2, {3: "oversized_line"}),
        (
            b'1,"' + b"\n" * MAX_RECORD_LINES + b'",3\n7,8,9\n',
            1,
            {2: "broken_quoting", MAX_RECORD_LINES + 2: "broken_quoting"},
        ),
    ],
)
@pytest.mark.parametrize("name", ["till.csv", "till.csv.gz"])
def test_one_bad_line_costs_no_other(tmp_path: Path, lines: bytes, rows: int, bad: dict[int, str], name: str):
    file = looked_at(tmp_path, HEADER + lines, name=name)
    assert (file.rows, reasons(file), file.needs_copy) == (rows, bad, bool(bad))


@pytest.mark.parametrize(
    ("lines", "rows", "bad"),
    [
        (b'{"a": 1}\n{"a": "x"}\n', 2, {}),
        (b'{"a": 1}\n{"a": 2\n{"a": 3}\n', 2, {2: "broken_json"}),
        (
            b'{"a": 1}\n[1]\n"a"\n7\nnull\n',
            1,
            {2: "broken_json", 3: "broken_json", 4: "broken_json", 5: "broken_json"},
        ),
        (b'{"a": 1}\n{"a": NaN}\n', 1, {2: "broken_json"}),
        (b'{"a": 1}\n{"a": 1, "a": 2}\n', 1, {2: "broken_json"}),
        (b'{"a": 1}\n{"a": "\\ud800"}\n', 1, {2: "broken_json"}),
        (b'{"a": 1}\n{"a": "\\ud835\\udd4a"}\n', 2, {}),
        (b'{"a": 1}\n{"a": "\xff"}\n', 1, {2: "bad_encoding"}),
        (b'{"a": 1}\n{"a": ' + b"[" * 100_000 + b"}\n", 1, {2: "broken_json"}),
        (b'{"a": 1}\n{"a": "' + b"x" * MAX_RECORD_BYTES + b'"}\n{"a": 3}\n', 2, {2: "oversized_line"}),
    ],
)
def test_one_bad_json_line_costs_no_other(tmp_path: Path, lines: bytes, rows: int, bad: dict[int, str]):
    file = looked_at(tmp_path, lines, table=STARS)
    assert (file.rows, reasons(file), file.needs_copy) == (rows, bad, bool(bad))


def test_too_many_malformed_lines_are_another_file(tmp_path: Path):
    """Ten are let through however short the file; of 110 lines eleven are a tenth, twelve are more."""
    assert len(looked_at(tmp_path, HEADER + b"1,2\n" * 10).malformed) == 10
    assert len(looked_at(tmp_path, HEADER + b"1,2,3\n" * 99 + b"1,2\n" * 11).malformed) == 11
    with pytest.raises(
        SourceError, match=r"12 of 110 lines are malformed, the first is line 100 \(ragged_line\)"
    ):
        looked_at(tmp_path, HEADER + b"1,2,3\n" * 98 + b"1,2\n" * 12)


# What readers of CSV disagree on, and what a slip of the keyboard leaves.
SCRAPS = [
    b"1",
    b"x y",
    b",",
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b'"',
    b'""',
    b' "',
    b"\xff",
    "é".encode(),
    b"\0",
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scraps=st.lists(st.sampled_from(SCRAPS), max_size=24))
@example(scraps=[b"1,2,3\r\n", b"4,5,6\n"])
@example(scraps=[b'1,"2\r\n2",3\n', b"4,5,6\r\n"])
@example(scraps=[b'1,"2\n2",3\r\n', b"4,5,6"])
def test_duckdb_reads_every_row_that_is_let_through(tmp_path: Path, scraps: list[bytes]):
    """Whatever is in the file: what dbt is given has as many rows as were counted, no error and no guess."""
    file = looked_at(tmp_path, HEADER + b"".join(scraps))
    paths = ShopPaths(root=tmp_path / "var", source="corner_shop")
    repair([file], tmp_path, paths)
    (path,) = folder_to_read(tmp_path, paths).glob("*.csv")
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"from read_csv('{path}', auto_detect = false, header = true, delim = ',', quote = '\"',"
            " escape = '\"', columns = struct_pack(a := 'varchar', b := 'varchar', c := 'varchar'))"
        ).fetchall()
    assert len(rows) == file.rows


JSON_SCRAPS = [
    b'{"a":',
    b'{"a":1}',
    b"1",
    b'"x"',
    b"}",
    b"\n",
    b"\n",
    b" ",
    b"[",
    b"]",
    b"\xff",
    b"\\u0000",
    b",",
    b"\r",
    b"null",
]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scraps=st.lists(st.sampled_from(JSON_SCRAPS), max_size=16), mark=st.booleans())
def test_duckdb_reads_every_object_that_is_let_through(tmp_path: Path, scraps: list[bytes], mark: bool):
    file = looked_at(tmp_path, b"\xef\xbb\xbf" * mark + b'{"a": 0}\n' + b"".join(scraps), table=STARS)
    paths = ShopPaths(root=tmp_path / "var", source="corner_shop")
    repair([file], tmp_path, paths)
    (path,) = folder_to_read(tmp_path, paths).glob("*.jsonl")
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"from read_json('{path}', format = 'newline_delimited', columns = struct_pack(a := 'varchar'))"
        ).fetchall()
    assert len(rows) == file.rows


ROWS = st.lists(st.lists(st.text(alphabet='ab,"\n ', max_size=5), min_size=3, max_size=3), max_size=20)


@given(rows=ROWS, size=st.integers(1, 40))
def test_the_watch_sees_the_same_however_the_bytes_arrive(rows: list[list[str]], size: int):
    """What Python's csv module writes is common; a quote put before the last byte is not."""

    def common(content: bytes) -> bool:
        stream = StrictCsvStream(io.BytesIO(content))
        try:
            while stream.read(size):
                pass
            stream.check_end()
        except UncommonCsvError:
            return False
        return True

    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    content = out.getvalue().encode()
    assert common(content)
    assert not common(content[:-1] + b'x"\n')
    assert not common(content + b"1,2,3\r\n")


def test_clean_files_are_read_in_place_and_linked_beside_repaired_ones(tmp_path: Path):
    data, paths = tmp_path / "files", ShopPaths(root=tmp_path / "var", source="corner_shop")
    data.mkdir()
    (data / "b.csv").write_bytes(HEADER + b"1,2,3\n")
    settings = dataclasses.replace(load_settings({}), data=data)
    repair(check_raw_files([TILL], settings), data, paths)
    assert folder_to_read(data, paths) == data

    (data / "a.csv").write_bytes(HEADER + b"1,2,3\r\n4,5\r\n7,8,9\r\n")
    repair(check_raw_files([TILL], settings), data, paths)
    folder = folder_to_read(data, paths)
    assert (folder / "a.csv").read_bytes() == b"a,b,c\n1,2,3\n7,8,9\n"
    assert (folder / "b.csv").resolve() == data / "b.csv"

    (data / "a.csv").write_bytes(HEADER + b"1,2,3\n4,5,5\n7,8,9\n")
    with pytest.raises(SourceError, match="the file has changed since") as caught:
        folder_to_read(data, paths)
    assert caught.value.where == str(data / "a.csv")
    repair(check_raw_files([TILL], settings), data, paths)
    assert folder_to_read(data, paths) == data
    assert not paths.repaired.exists()


def test_malformed_lines_are_recorded_without_their_text(tmp_path: Path):
    """The hash is what `printf '1,2\\r\\n' | sha256sum` prints."""
    file = looked_at(tmp_path, HEADER + b"1,2\r\n")
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    record_malformed_lines(warehouse, malformed_lines([file], tmp_path))
    (row,) = warehouse.read("landing", "malformed_lines").rows()
    digest = "0f43783b6b198a2189413a1938e1dbd205399584db3aaa9deb7ce453d9f7cbba"
    assert row == ("corner_shop.till", "till.csv", 2, "ragged_line", 5, digest)
    record_malformed_lines(warehouse, malformed_lines([], tmp_path))
    assert warehouse.read("landing", "malformed_lines").height == 0
