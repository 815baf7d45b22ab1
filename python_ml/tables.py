"""What every step asks of the tables it is handed, before it relies on them."""

from collections.abc import Sequence

import polars as pl

from python_ml.errors import ContractError


def check_columns(table: str, frame: pl.DataFrame, needed: Sequence[str]) -> None:
    """Raise ContractError where a column is missing.

    Args:
        table: its name, for the message.
        frame: its rows.
        needed: names of columns.
    """
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise ContractError(
            f"column {', '.join(missing)} is missing", where=table, remedy="rebuild the feature tables"
        )


def check_key(table: str, frame: pl.DataFrame, key: str) -> None:
    """Raise ContractError where a key is null or occurs twice; arguments as in `check_columns`."""
    if frame[key].null_count() or frame[key].is_duplicated().any():
        raise ContractError(
            f"{key} is null or occurs more than once",
            where=table,
            remedy="pass the rows of one as_of_date, and vectors of one embedding_model",
        )


def check_one_model(text_embeddings: pl.DataFrame) -> None:
    """Raise ContractError where vectors of several models are mixed: they cannot be compared.

    Args:
        text_embeddings: embedding_model.
    """
    names = text_embeddings["embedding_model"].unique().sort().to_list()
    if len(names) > 1:
        raise ContractError(
            f"vectors of {len(names)} models are mixed: {', '.join(map(str, names))}",
            where="text_embeddings.embedding_model",
            remedy="pass the rows of one embedding_model",
        )
