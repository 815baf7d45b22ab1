"""The look at the raw files before anything runs."""

import dataclasses
import gzip
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dagster_defs import raw_formats
from dagster_defs.raw_files import check_raw_files
from dagster_defs.raw_formats import RawFile, RawTable
from dagster_defs.settings import Settings, load_settings
from python_ml.errors import SettingError, SourceError


def raw_table(name: str, columns: dict[str, str], event_time: str | None = None, **more) -> RawTable:
    defaults = {"aliases": {}, "file_format": "parquet", "pattern": f"{name}.parquet"}
    return RawTable(
        source="corner_shop", name=name, columns=columns, event_time=event_time, **defaults | more
    )


SALES = raw_table("sales", {"sale_id": "bigint", "price": "double", "sold_at": "timestamp"}, "sold_at")
STAFF = raw_table("staff", {"name": "varchar"})
TILL = raw_table(
    "till",
    {"InvoiceNo": "varchar", "UnitPrice": "varchar", "InvoiceDate": "varchar"},
    "InvoiceDate",
    aliases={"InvoiceNo": ("Invoice",), "UnitPrice": ("Price",)},
    file_format="csv",
    pattern="*.csv*",
)


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """Three sales on 1, 5 and 9 May, and one member of staff."""
    days = [datetime(2017, 5, day, 12) for day in (1, 5, 9)]
    pl.DataFrame(
        {"sale_id": [1, 2, 3], "price": [1.0, 2.0, None], "sold_at": days, "more": ["a", "b", "c"]}
    ).write_parquet(tmp_path / "sales.parquet", row_group_size=1)
    pl.DataFrame({"name": ["Ada"]}).write_parquet(tmp_path / "staff.parquet")
    return dataclasses.replace(load_settings({}), data=tmp_path)


def test_what_is_found(shop: Settings):
    sales, staff = check_raw_files([SALES, STAFF], shop)
    assert (sales.rows, sales.first_event, sales.last_event) == (
        3,
        datetime(2017, 5, 1, 12),
        datetime(2017, 5, 9, 12),
    )
    assert (staff.rows, staff.first_event, staff.size_bytes) == (
        1,
        None,
        (shop.data / "staff.parquet").stat().st_size,
    )


@pytest.mark.parametrize("as_of", [date(2017, 5, 2), date(2017, 5, 9), date(2017, 5, 10)])
def test_dates_with_an_event_before_them_are_good(shop: Settings, as_of: date):
    check_raw_files([SALES], dataclasses.replace(shop, as_of_date=as_of))


@pytest.mark.parametrize("as_of", [date(2017, 5, 1), date(2016, 1, 1), date(2017, 5, 11)])
def test_dates_outside_the_events_are_refused(shop: Settings, as_of: date):
    with pytest.raises(SettingError, match="from 2017-05-01 to 2017-05-09") as caught:
        check_raw_files([SALES], dataclasses.replace(shop, as_of_date=as_of))
    assert "2017-05-02 to 2017-05-10" in caught.value.remedy


def test_a_column_of_another_type_is_named(shop: Settings):
    wrong = dataclasses.replace(SALES, columns=SALES.columns | {"more": "double"})
    with pytest.raises(SourceError, match=r"'more' has type large_string, expected double"):
        check_raw_files([wrong], shop)


def test_damage_inside_a_page_is_found(shop: Settings):
    file = shop.data / "staff.parquet"
    content = bytearray(file.read_bytes())
    content[4:30] = b"\xff" * 26
    file.write_bytes(content)
    with pytest.raises(SourceError, match="not a readable parquet file") as caught:
        check_raw_files([STAFF], shop)
    assert caught.value.where == str(file)


FIRST = "InvoiceNo,UnitPrice,InvoiceDate\n1,2.50,2010-12-01 08:26:00\n2,3,2010-12-09 10:00:00\n"
SECOND = 'Invoice,Price,InvoiceDate\n3,"1,000",12/31/2009 9:30\n'


@pytest.fixture
def till(tmp_path: Path) -> Settings:
    (tmp_path / "a.csv").write_text(FIRST)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(SECOND.encode()))
    return dataclasses.replace(load_settings({}), data=tmp_path)


def test_csv_files_of_both_editions_are_read(till: Settings):
    first, second = check_raw_files([TILL], till)
    assert (first.rows, first.first_event, first.last_event) == (
        2,
        datetime(2010, 12, 1, 8, 26),
        datetime(2010, 12, 9, 10),
    )
    assert (second.rows, second.first_event) == (1, datetime(2009, 12, 31, 9, 30))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n" + FIRST.encode(), "line 1 holds no column names"),
        (b"Invoice\xff,UnitPrice\n", "line 1 holds no column names"),
        (b'"InvoiceNo,UnitPrice\n1,2\n', "line 1 holds no column names"),
        (b"InvoiceNo,InvoiceDate\n1,2010-12-01 08:26:00\n", "column 'UnitPrice' is missing"),
        (b"InvoiceNo,InvoiceDate\n", "column 'UnitPrice' is missing"),
        (b"InvoiceNo,Price,Price,InvoiceDate\n", "two columns are called 'Price'"),
        (FIRST.replace(",", ";").encode(), "column 'InvoiceNo' is missing"),
    ],
)
def test_bad_csv_is_told_with_its_file(till: Settings, content: bytes, said: str):
    (till.data / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        check_raw_files([TILL], till)
    assert caught.value.where.endswith("a.csv")


@pytest.mark.parametrize(
    "header", ["UnitPrice,InvoiceNo,InvoiceDate", "InvoiceNo,More,UnitPrice,InvoiceDate"]
)
def test_columns_read_by_position_must_stand_there(till: Settings, header: str):
    (till.data / "a.csv").write_text(header + "\n")
    check_raw_files([TILL], till)
    with pytest.raises(SourceError, match="is not number"):
        check_raw_files([dataclasses.replace(TILL, by_position=True)], till)


def test_a_column_more_than_are_read_by_position_is_told(till: Settings):
    (till.data / "a.csv").write_text("InvoiceNo,UnitPrice,InvoiceDate,More\n")
    with pytest.raises(SourceError, match="more columns than 3"):
        check_raw_files([dataclasses.replace(TILL, by_position=True)], till)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_gzip_cut_short_is_told_with_its_line(till: Settings, suffix: str):
    """Half of the packed bytes still unpack to lines, which must not pass for the whole file."""
    file = till.data / f"c.{suffix}.gz"
    content = (SECOND * 5000).encode() if suffix == "csv" else b'{"stars": 5, "at": 1}\n' * 5000
    file.write_bytes(gzip.compress(content)[:-20])
    with pytest.raises(SourceError, match=r"cannot be read beyond line \d+") as caught:
        check_raw_files([TILL if suffix == "csv" else STARS], till)
    assert caught.value.where == str(file)


STARS = raw_table(
    "stars",
    {"stars": "varchar", "at": "varchar", "vote": "varchar"},
    "at",
    aliases={"stars": ("overall",)},
    file_format="jsonl",
    pattern="*.jsonl*",
    optional=frozenset({"vote"}),
)


def found_in_json(folder: Path, *lines: str, name: str = "stars.jsonl") -> RawFile:
    content = "".join(f"{line}\n" for line in lines).encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (file,) = check_raw_files([STARS], dataclasses.replace(load_settings({}), data=folder))
    return file


@pytest.mark.parametrize("name", ["stars.jsonl", "stars.jsonl.gz"])
def test_json_lines_are_read_whatever_the_types(tmp_path: Path, name: str):
    """1,500,000,000 seconds after 1970 began is 2017-07-14 02:40:00 UTC."""
    file = found_in_json(
        tmp_path,
        '{"overall": 5.0}',
        '{"overall": [1], "at": 1500000000}',
        "",
        '{"at": 1500000060000}',
        name=name,
    )
    assert (file.rows, file.malformed, file.needs_copy) == (3, (), False)
    assert (file.first_event, file.last_event) == (
        datetime(2017, 7, 14, 2, 40),
        datetime(2017, 7, 14, 2, 41),
    )


def test_a_key_in_none_of_the_lines_is_told(tmp_path: Path):
    with pytest.raises(SourceError, match="column 'stars' is missing; the file has at, star"):
        found_in_json(tmp_path, '{"at": 1, "star": 5}', '{"at": 2}')
    with pytest.raises(SourceError, match="the file is empty"):
        found_in_json(tmp_path)


def test_line_breaks_inside_quotes_are_no_rows(till: Settings, monkeypatch: pytest.MonkeyPatch):
    """Also where a block of the file ends inside the quotes."""
    monkeypatch.setattr(raw_formats, "_BLOCK_BYTES", 64)
    rows = "".join(f'"{number}\n\n""a"", b",1,2010-12-{number:02} 10:00:00\n' for number in range(1, 31))
    (till.data / "a.csv").write_text("InvoiceNo,UnitPrice,InvoiceDate\n" + rows)
    (till.data / "b.csv.gz").unlink()
    (found,) = check_raw_files([TILL], till)
    assert (found.rows, found.last_event) == (30, datetime(2010, 12, 30, 10))


def test_an_empty_folder_is_told(till: Settings, tmp_path: Path):
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="no file for table"):
        check_raw_files([TILL], dataclasses.replace(till, data=tmp_path / "none"))


def test_a_table_that_is_not_required_may_have_no_file(till: Settings):
    absent = dataclasses.replace(STAFF, is_required=False)
    assert [file.table for file in check_raw_files([TILL, absent], till)] == [TILL, TILL]


def test_a_folder_without_any_file_is_told(till: Settings, tmp_path: Path):
    (tmp_path / "none").mkdir()
    absent = [dataclasses.replace(table, is_required=False) for table in (TILL, STAFF)]
    with pytest.raises(SourceError, match="no file for source") as caught:
        check_raw_files(absent, dataclasses.replace(till, data=tmp_path / "none"))
    assert caught.value.where.endswith("*.csv*, staff.parquet")
