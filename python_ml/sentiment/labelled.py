"""Texts with an opinion from a file: what a shop without stars may learn from."""

from pathlib import Path

import polars as pl

from python_ml.errors import ContractError

_COLUMNS = ("text", "is_positive")
_OPINIONS = {"1": True, "true": True, "0": False, "false": False}


def read_labelled_texts(file: str) -> pl.DataFrame:
    """Read texts and the opinion of each.

    Args:
        file: CSV with a header line, or Parquet (`.parquet`), with columns text and is_positive (true, false,
            1 or 0); others are ignored.

    Returns:
        text (string) and is_positive (boolean), without rows whose text is empty.

    Raises:
        ContractError: the file is not there or cannot be read, lacks a column, has another value in
            is_positive, or knows one opinion alone.
    """
    frame = _read(Path(file).expanduser())
    if missing := [name for name in _COLUMNS if name not in frame.columns]:
        raise _wrong(file, f"column {', '.join(missing)} is missing", "name the columns text and is_positive")
    said = frame.select(pl.col("text").cast(pl.String), pl.col("is_positive").cast(pl.String))
    known = said.with_columns(
        is_positive=pl.col("is_positive")
        .str.strip_chars()
        .str.to_lowercase()
        .replace_strict(_OPINIONS, default=None, return_dtype=pl.Boolean)
    )
    if known["is_positive"].null_count():
        row = known["is_positive"].is_null().arg_max()
        value = said["is_positive"][row]
        raise _wrong(file, f"row {row + 1}, is_positive is {value!r}", "write true, false, 1 or 0")
    found = known.filter(pl.col("text").str.strip_chars() != "")
    if found["is_positive"].n_unique() < 2:
        raise _wrong(file, f"{found.height} texts of one opinion", "add texts of the other")
    return found


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _wrong(
            str(path), f"cannot be read: {str(error).splitlines()[0]}", "give a CSV or Parquet file"
        ) from error


def _wrong(file: str, what: str, remedy: str) -> ContractError:
    return ContractError(what, where=f"{file}, from labelled_texts under [sentiment]", remedy=remedy)
