"""A first look at raw files: formats, separators, names in the first line, fixed width, groups of files."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from dagster_defs.raw_samples import named_folder, pattern_of, sample_file, sample_folder
from python_ml.errors import SourceError


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["sales.csv", "sales.txt.gz"])
def test_any_separator(tmp_path: Path, delimiter: str, name: str):
    lines = [["order", "name"], ["1", '"a, b; c"'], ["2", "d"]]
    sample = sample_file(write(tmp_path, name, "".join(delimiter.join(line) + "\r\n" for line in lines)))
    assert (sample.file_format, sample.delimiter, sample.has_header) == ("csv", delimiter, True)
    assert sample.values == {"order": ["1", "2"], "name": ["a, b; c", "d"]}


@pytest.mark.parametrize(
    ("first", "has_header"),
    [
        ("order,at,amount", True),
        (",order,at", True),  # row numbers in front
        ("17,2024-01-01,9.99", False),
        ("a,a,b", False),
        ("anna,,b", False),
    ],
)
def test_names_or_data_in_the_first_line(tmp_path: Path, first: str, has_header: bool):
    sample = sample_file(write(tmp_path, "a.csv", f"{first}\n0,18,x\n1,19,y\n"))
    assert sample.has_header is has_header
    assert len(sample.values[next(iter(sample.columns))]) == (2 if has_header else 3)
    assert "" not in sample.columns


def test_decimal_commas_part_no_fields(tmp_path: Path):
    sample = sample_file(write(tmp_path, "a.csv", "1;2024-01-01;3,50\n2;2024-01-02;4,50\n"))
    assert (sample.delimiter, sample.has_header) == (";", False)
    assert sample.values["column_3"] == ["3,50", "4,50"]


def test_fixed_width_is_cut_where_every_line_is_blank(tmp_path: Path):
    sample = sample_file(write(tmp_path, "a.txt", " 0001 19970101  1   11.77\n 0002 19970112 12  177.00\n"))
    assert sample.file_format == "lines"
    assert sample.columns == {"line": "varchar"}
    assert sample.cuts == ((1, 5), (6, 9), (15, 3), (18, 8))


def test_text_of_any_width_is_not_cut(tmp_path: Path):
    assert sample_file(write(tmp_path, "a.txt", "one\nthree four\n")).cuts == ()


def test_one_column_with_a_name(tmp_path: Path):
    sample = sample_file(write(tmp_path, "a.csv", "sku\nP1\nP2\n"))
    assert (sample.file_format, sample.values) == ("csv", {"sku": ["P1", "P2"]})


def test_json_lines_have_the_keys_of_all_lines(tmp_path: Path):
    sample = sample_file(write(tmp_path, "a.jsonl.gz", '{"a": 1}\n{"b": "x", "c": [1]}\n'))
    assert sample.values == {"a": ["1", ""], "b": ["", "x"], "c": ["", "[1]"]}


def test_parquet_keeps_its_types(tmp_path: Path):
    pl.DataFrame({"n": [1], "x": [0.5], "s": ["a"], "d": ["2.50"]}).with_columns(
        pl.col("d").cast(pl.Decimal(9, 2))
    ).write_parquet(tmp_path / "a.parquet")
    columns = sample_file(tmp_path / "a.parquet").columns
    assert columns == {"n": "bigint", "x": "double", "s": "varchar", "d": "decimal(9, 2)"}


def test_files_that_differ_by_a_number_are_one_table(tmp_path: Path):
    for name in ("sales_2023.csv", "sales_2024.csv"):
        write(tmp_path, name, "sku,qty\nP1,1\n")
    write(tmp_path, "Product List.csv", "sku,name\nP1,x\n")
    write(tmp_path, "readme.md", "nothing")
    products, sales = sample_folder(tmp_path)
    assert (products.name, pattern_of(products)) == ("product_list", "Product List.csv")
    assert (sales.name, pattern_of(sales), len(sales.paths)) == ("sales", "sales_*.csv", 2)
    assert sales.values["qty"] == ["1", "1"]


def test_files_of_one_name_and_two_shapes_are_two_tables(tmp_path: Path):
    write(tmp_path, "sales_1.csv", "sku,qty\nP1,1\n")
    write(tmp_path, "sales_2.csv", "sku,amount\nP1,1\n")
    assert [sample.name for sample in sample_folder(tmp_path)] == ["sales", "sales_2"]


def test_names_in_other_letters_are_tables_of_their_own(tmp_path: Path):
    for name in ("订单_2023.csv", "订单_2024.csv", "退货.csv", "Verkäufe.csv"):
        write(tmp_path, name, "sku,qty\nP1,1\n")
    tables = {sample.name: pattern_of(sample) for sample in sample_folder(tmp_path)}
    assert tables == {"verkaufe": "Verkäufe.csv", "table": "订单_*.csv", "table_2": "退货.csv"}


@pytest.mark.parametrize(
    ("content", "remedy"),
    [("bär;x\n".encode("utf-16"), "-f UTF-16 "), ("订单;x\n".encode("gbk"), "-f GB18030 ")],
)
def test_another_encoding_is_told_with_its_conversion(tmp_path: Path, content: bytes, remedy: str):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match="not UTF-8") as raised:
        sample_file(tmp_path / "a.csv")
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "b\xe4r,x\n1,2\n".encode("latin-1"), "not UTF-8"),
        ("a.csv", b"", "empty"),
        ("a.jsonl", b"[1]\n", "no JSON object"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.csv.gz", b"no gzip", "cannot be read"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, name: str, content: bytes, said: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said) as raised:
        sample_folder(tmp_path)
    assert raised.value.where.endswith(name)


def test_a_folder_without_tables_or_none_at_all(tmp_path: Path):
    with pytest.raises(SourceError, match="no file that ends in"):
        sample_folder(tmp_path)
    for named in ("", str(tmp_path / "none")):
        with pytest.raises(SourceError, match="not there"):
            named_folder(named)
