"""A file of texts with an opinion, and what is wrong with it."""

from pathlib import Path

import polars as pl
import pytest

from python_ml.errors import ContractError
from python_ml.sentiment.labelled import read_labelled_texts


def write(folder: Path, content: str) -> str:
    file = folder / "texts.csv"
    file.write_text(content, encoding="utf-8")
    return str(file)


def test_every_way_to_write_an_opinion(tmp_path: Path):
    file = write(
        tmp_path, 'id,text,is_positive\n1,很好,1\n2,"bad, very",False\n3,, true\n4,12,TRUE\n5,no,0\n'
    )
    found = read_labelled_texts(file)
    # The third text is empty; a number is a text too.
    assert found.rows() == [("很好", True), ("bad, very", False), ("12", True), ("no", False)]


def test_parquet_with_booleans(tmp_path: Path):
    file = tmp_path / "texts.parquet"
    pl.DataFrame({"text": ["good", "bad"], "is_positive": [True, False]}).write_parquet(file)
    assert read_labelled_texts(str(file)).rows() == [("good", True), ("bad", False)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,label\ngood,1\n", "column is_positive is missing"),
        ("text,is_positive\ngood,1\nbad,no\n", "row 2, is_positive is 'no'"),
        ("text,is_positive\ngood,1\nbad,\n", "row 2, is_positive is None"),
        ("text,is_positive\ngood,1\nfine,1\n", "2 texts of one opinion"),
        ("", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, said: str):
    with pytest.raises(ContractError, match=said) as caught:
        read_labelled_texts(write(tmp_path, content))
    assert "texts.csv, from labelled_texts under [sentiment]" in caught.value.where


def test_a_file_that_is_not_there():
    with pytest.raises(ContractError, match="cannot be read"):
        read_labelled_texts("/no/such/file.csv")
