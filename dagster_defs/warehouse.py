"""The one module that talks to the warehouse.

It goes through ibis, so that another engine is another connection and not another module.
Connections are short: DuckDB lets one process write, and dbt, a process of its own, must get its turn.
"""

import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import ibis
import polars as pl
import pyarrow as pa

from dagster_defs.contracts import conform, ml_contracts, written_contracts
from python_ml.errors import ContractError, WarehouseBusyError

ROWS_AT_A_TIME = 1_000_000
# The oldest file format that DuckDB 1.x drivers, such as those in BI tools, can all read.
PUBLISHED_FORMAT = "v1.0.0"
# While tables are written by a process that holds models: DuckDB keeps what it wrote, and at times joins the
# rows that came in bits, and would take most of the machine's memory for it.
WRITING_MEMORY = "1GB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """Reads and replaces whole tables.

    Args:
        path: the DuckDB file.
        memory_limit: what DuckDB may keep in memory, such as "8GB", beyond which it spills to disk; None is
            its own limit.
        patience_seconds: how long to wait while another process holds the file.
    """

    path: Path
    memory_limit: str | None = None
    patience_seconds: float = 60.0

    @contextmanager
    def _connect(self, *, read_only: bool) -> Iterator[ibis.BaseBackend]:
        connection = self._open(read_only=read_only)
        try:
            _limit_memory(connection, self.memory_limit)
            yield connection
        finally:
            connection.disconnect()

    def _open(self, *, read_only: bool) -> ibis.BaseBackend:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return ibis.duckdb.connect(self.path, read_only=read_only)
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise
                if time.monotonic() >= deadline:
                    raise self._busy(error) from error
                time.sleep(0.5)

    def _busy(self, error: duckdb.IOException) -> WarehouseBusyError:
        return WarehouseBusyError(
            f"another process holds the warehouse ({_holder(str(error))})",
            where=str(self.path),
            remedy="close that program, or let it open published.duckdb beside it, which is never locked",
        )

    def check_free(self) -> None:
        """Raise WarehouseBusyError when another process holds the file; a file that is not there is free."""
        if self.path.exists():
            with self._connect(read_only=False):
                pass

    def read(
        self, schema: str, table: str, *, columns: list[str] | None = None, limit: int | None = None
    ) -> pl.DataFrame:
        """The whole table, or some of its columns, or so many of its rows.

        Raises:
            ContractError: the table is not there.
        """
        if not self.path.exists():
            raise _missing(schema, table)
        with self._connect(read_only=True) as connection:
            expression = _table(connection, schema, table)
            chosen = expression if columns is None else expression.select(columns)
            chosen = chosen if limit is None else chosen.limit(limit)
            return pl.from_arrow(chosen.to_pyarrow())

    def read_distinct(self, schema: str, table: str, *, columns: list[str]) -> pl.DataFrame:
        """The combinations of values that some columns of a table have, each once.

        Raises:
            ContractError: the table is not there.
        """
        if not self.path.exists():
            raise _missing(schema, table)
        with self._connect(read_only=True) as connection:
            return pl.from_arrow(_table(connection, schema, table).select(columns).distinct().to_pyarrow())

    def read_batches(
        self, schema: str, table: str, *, columns: list[str], rows: int = 50_000
    ) -> Iterator[pl.DataFrame]:
        """Some columns of a table in frames of about so many rows, for tables that do not fit into memory.

        Raises:
            ContractError: the table is not there.
        """
        with self._connect(read_only=True) as connection:
            expression = _table(connection, schema, table).select(columns)
            for batch in expression.to_pyarrow_batches(chunk_size=rows):
                yield pl.from_arrow(pa.Table.from_batches([batch]))

    def read_compact(self, schema: str, table: str, *, columns: list[str]) -> pl.DataFrame:
        """Some columns of a long table, strings as categories: each distinct one is in memory once.

        Raises:
            ContractError: the table is not there.
        """
        empty = self.read(schema, table, columns=columns, limit=0)
        batches = self.read_batches(schema, table, columns=columns, rows=ROWS_AT_A_TIME)
        return pl.concat([batch.cast({pl.String: pl.Categorical}) for batch in (empty, *batches)])

    def texts_without_vector(
        self, features: Sequence[str], version: str, *, after: str = "", limit: int | None = None
    ) -> pa.Table:
        """Texts no vector of this version stands for yet, one row a text, in the order of text_hash.

        Args:
            features: tables of schema `features` with text_hash and text.
            version: model_version of the vectors that count.
            after: only hashes beyond this one.
            limit: rows at most; None for all of them.

        Raises:
            ContractError: a table is not there.
        """
        with self._connect(read_only=True) as connection:
            rows = _texts_without_vector(connection, features, version)
            rows = rows.filter(rows.text_hash > after).order_by("text_hash", "text")
            return (rows if limit is None else rows.limit(limit)).to_pyarrow()

    def count_texts_without_vector(self, features: Sequence[str], version: str) -> int:
        """How many rows `texts_without_vector` would give."""
        with self._connect(read_only=True) as connection:
            return int(_texts_without_vector(connection, features, version).count().execute())

    def row_counts(self) -> dict[str, int]:
        """Rows of every table, by "schema.table"; views are left out, they may read whole raw files."""
        with self._connect(read_only=True) as connection:
            return {
                f"{schema}.{table}": int(connection.table(table, database=schema).count().execute())
                for schema, table in _base_tables(connection, connection.current_catalog)
            }

    def columns(self, schema: str) -> dict[str, list[str]]:
        """Names of the columns of every table and view of a schema; empty where there is no such schema."""
        if not self.path.exists():
            return {}
        with self._connect(read_only=True) as connection:
            columns = connection.table("columns", database="information_schema")
            found = columns.filter(columns.table_schema == schema)
            rows = found.select("table_name", "column_name", "ordinal_position").to_polars()
        return {
            name: group.sort("ordinal_position")["column_name"].to_list()
            for (name,), group in rows.group_by("table_name")
        }

    def read_vectors(self, texts: str, version: str) -> pl.DataFrame:
        """The vectors of one feature table's texts by one encoder, and no others, in the order of text_hash.

        Args:
            texts: table of schema `features` with text_hash.
            version: model_version of the vectors.

        Raises:
            ContractError: a table is not there.
        """
        with self._connect(read_only=True) as connection:
            wanted = _table(connection, "features", texts).select("text_hash").distinct()
            vectors = _table(connection, "ml", "text_embeddings")
            found = vectors.filter(vectors.model_version == version).semi_join(wanted, "text_hash")
            return pl.from_arrow(found.to_pyarrow()).sort("text_hash")

    def copy_to(self, file: Path, *, schemas: Sequence[str]) -> None:
        """Copy the tables of some schemas into a new file that DuckDB 1.x drivers can read.

        Args:
            file: must not exist yet.
            schemas: whose tables are copied; views are left out.

        Raises:
            WarehouseBusyError: another process holds the warehouse.
        """
        self.check_free()
        copy = ibis.duckdb.connect(file, storage_compatibility_version=PUBLISHED_FORMAT)
        try:
            _limit_memory(copy, self.memory_limit)
            copy.attach(self.path, name="working", read_only=True)
            for schema in schemas:
                copy.create_database(schema)
            for schema, table in _base_tables(copy, "working"):
                if schema in schemas:
                    # ibis itself would take every row through a temporary table.
                    copy.con.table(f"working.{schema}.{table}").create(f"{schema}.{table}")
        finally:
            copy.disconnect()

    def replace(self, tables: Mapping[str, pl.DataFrame], *, schema: str = "ml") -> None:
        """Replace whole tables of one schema, all of them or none, each checked against its contract.

        Raises:
            ContractError: a frame breaks its contract; nothing is written.
        """
        checked = [
            (name, conform(frame, written_contracts()[schema][name])) for name, frame in tables.items()
        ]
        with self._connect(read_only=False) as connection, _transaction(connection):
            _create_schema(connection, schema)
            for name, frame in checked:
                connection.create_table(name, frame.to_arrow(), database=schema, overwrite=True)

    def replace_in_parts(self, table: str, parts: Iterable[pl.DataFrame]) -> int:
        """Replace a table of schema `ml` by rows that are never in memory together.

        Until the last part is made they wait in files beside the warehouse: nobody finds half a table, and
        nobody waits for the warehouse meanwhile.

        Args:
            table: its name.
            parts: at least one; each is checked against the contract, the key within the part included.

        Returns:
            The number of rows.

        Raises:
            ContractError: a part breaks the contract; nothing is written.
        """
        contract, folder = ml_contracts()[table], self.path.with_suffix(f".{table}.parts")
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        folder.mkdir(parents=True)
        try:
            for number, part in enumerate(parts):
                conform(part, contract).write_parquet(folder / f"{number:06d}.parquet")
            with self._sparing()._connect(read_only=False) as connection, _transaction(connection):
                rows = connection.read_parquet(folder / "*.parquet")
                _create_schema(connection, "ml")
                created = connection.create_table(table, rows, database="ml", overwrite=True)
                return int(created.count().execute())
        finally:
            shutil.rmtree(folder)

    def keep_versions(self, table: str, versions: Collection[str]) -> None:
        """Drop the rows of a table of schema `ml` that other versions wrote; nothing passes through memory.

        Args:
            versions: of the rows that stay.
        """
        with self._sparing()._connect(read_only=False) as connection, _transaction(connection):
            rows = _table(connection, "ml", table)
            kept = rows.filter(rows.model_version.isin(list(versions)))
            connection.create_table(table, kept, database="ml", overwrite=True)

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Add rows to a table of schema `ml`, all of them or none, checked against its contract.

        Raises:
            ContractError: the frame breaks the contract, the table's key within the frame included.
        """
        checked = conform(frame, ml_contracts()[table])
        with self._sparing()._connect(read_only=False) as connection, _transaction(connection):
            connection.insert(table, checked.to_arrow(), database="ml")

    def _sparing(self) -> "Warehouse":
        return replace(self, memory_limit=self.memory_limit or WRITING_MEMORY)


def _limit_memory(connection: ibis.BaseBackend, limit: str | None) -> None:
    if limit is not None:
        connection.con.execute("set memory_limit = ?", [limit])


def _create_schema(connection: ibis.BaseBackend, schema: str) -> None:
    if schema not in connection.list_databases():
        connection.create_database(schema)


def _table(connection: ibis.BaseBackend, schema: str, name: str) -> ibis.Table:
    try:
        return connection.table(name, database=schema)
    except ibis.common.exceptions.TableNotFound:
        raise _missing(schema, name) from None


def _texts_without_vector(connection: ibis.BaseBackend, features: Sequence[str], version: str) -> ibis.Table:
    texts = [_table(connection, "features", name).select("text_hash", "text") for name in features]
    vectors = _table(connection, "ml", "text_embeddings")
    known = vectors.filter(vectors.model_version == version).select("text_hash")
    return ibis.union(*texts, distinct=True).anti_join(known, "text_hash")


def _base_tables(connection: ibis.BaseBackend, catalog: str) -> list[tuple[str, str]]:
    """(schema, table) of every table of a catalog that is no view."""
    tables = connection.table("tables", database="information_schema")
    found = tables.filter((tables.table_catalog == catalog) & (tables.table_type == "BASE TABLE"))
    return found.select("table_schema", "table_name").to_polars().sort("table_schema", "table_name").rows()


@contextmanager
def _transaction(connection: ibis.BaseBackend) -> Iterator[None]:
    raw = connection.con
    raw.begin()
    try:
        yield
    except BaseException:
        raw.rollback()
        raise
    raw.commit()


def _holder(message: str) -> str:
    """The part of DuckDB's message that names the process, for example "PID 4242"."""
    return f"PID {message.split('PID ')[1].split(')')[0]}" if "PID " in message else "process unknown"


def _missing(schema: str, table: str) -> ContractError:
    return ContractError(
        f"table {schema}.{table} is not in the warehouse",
        where=f"{schema}.{table}",
        remedy="build what comes before it first: `make run`, or materialise its upstream assets",
    )
