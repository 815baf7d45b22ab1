"""Small warehouse files with feature tables as dbt would leave them."""

from pathlib import Path

import duckdb

from dagster_defs.warehouse import Warehouse


def with_texts(path: Path, **tables: list[tuple[str, str]]) -> Warehouse:
    """A warehouse whose tables of schema features hold (text_hash, text)."""
    with duckdb.connect(path) as connection:
        connection.execute("create schema features")
        for name, rows in tables.items():
            connection.execute(
                f"create table features.{name} (item_id varchar, text_hash varchar, text varchar)"
            )
            if rows:
                connection.executemany(f"insert into features.{name} values ('1', ?, ?)", rows)
    return Warehouse(path=path)
