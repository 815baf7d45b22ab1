"""A search for values that must not be there: in every table, view, log and state file of a shop's runs."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from tests.shops import TestShop


def found_in(shop: TestShop, values: Iterable[str]) -> list[str]:
    """Where any of some values is found, as "value in place"; upper and lower case are the same.

    Looked at are the base tables of every schema in every DuckDB file under the shop's var folder, the SQL
    of their views, and the bytes of every file there. What a view over raw files would show is not looked at:
    it is not kept.

    Args:
        shop: whose var folder is searched.
        values: texts that only a raw file should hold; a few letters would be found by chance.

    Raises:
        ValueError: there is nothing to search, so that finding nothing would mean nothing.
    """
    wanted = sorted({value.lower() for value in values})
    databases = sorted(shop.var.rglob("*.duckdb"))
    if not wanted or not databases:
        raise ValueError(f"{len(wanted)} values to look for in {len(databases)} warehouses under {shop.var}")
    places = [place for file in databases for place in _in_database(file, wanted)]
    files = sorted(path for path in shop.var.rglob("*") if path.is_file() and not path.is_symlink())
    return places + [place for file in files for place in _in_bytes(file, wanted)]


def _in_database(file: Path, wanted: list[str]) -> Iterator[str]:
    with duckdb.connect(file, read_only=True) as connection:
        tables = connection.sql("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        for schema, table in tables:
            found = connection.execute(
                "select wanted.value from unnest($1::varchar[]) as wanted(value) where exists ("
                f' select 1 from "{schema}"."{table}" as held'
                " where contains(lower(held::varchar), wanted.value)) order by 1",
                [wanted],
            ).fetchall()
            yield from (f"{value} in table {schema}.{table} of {file.name}" for (value,) in found)
        views = connection.sql(
            "select view_name, lower(sql) from duckdb_views() where not internal"
        ).fetchall()
        for view, sql in views:
            yield from (f"{value} in view {view} of {file.name}" for value in wanted if value in sql)


def _in_bytes(file: Path, wanted: list[str]) -> Iterator[str]:
    held = file.read_bytes().lower()
    for value in wanted:
        spellings = {value.encode(), json.dumps(value)[1:-1].lower().encode()}
        if any(spelling in held for spelling in spellings):
            yield f"{value} in file {file.name}"
