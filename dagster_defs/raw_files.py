"""The shop's raw files as assets: looked at before anything runs, never changed.

Every file must be there, readable to the end, and have the columns and types that the source's YAML
names; so a bad file stops the run before the warehouse is touched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_defs.failures import errors_as_failures
from dagster_defs.resources import Shop
from dagster_defs.settings import Settings
from python_ml.errors import SettingError, SourceError

_DBT_TYPES = {"bigint": pa.types.is_integer, "integer": pa.types.is_integer, "double": pa.types.is_floating}
_DBT_TYPES |= {"varchar": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)}
_DBT_TYPES |= {"timestamp": pa.types.is_timestamp, "date": pa.types.is_date, "boolean": pa.types.is_boolean}


@dataclass(frozen=True, slots=True)
class RawTable:
    """What the source's YAML says of one raw table."""

    source: str
    name: str
    columns: dict[str, str]
    event_time: str | None

    def file_in(self, folder: Path) -> Path:
        return folder / f"{self.name}.parquet"


@dataclass(frozen=True, slots=True)
class RawFile:
    """What was found: rows, bytes, and the range of event times where the table has one."""

    table: RawTable
    rows: int
    size_bytes: int
    first_event: datetime | None
    last_event: datetime | None


def raw_tables(manifest: dict[str, Any]) -> list[RawTable]:
    """The raw tables of the shop: every source of dbt's manifest but the one Python writes."""
    return [
        RawTable(
            node["source_name"],
            node["name"],
            {column["name"]: column["data_type"] for column in node["columns"].values()},
            node.get("loaded_at_field"),
        )
        for node in manifest["sources"].values()
        if node["source_name"] != "ml"
    ]


def check_raw_files(tables: list[RawTable], settings: Settings) -> list[RawFile]:
    """Look at every file; also refuse an as_of_date outside the events.

    Raises:
        SourceError: a file is missing or corrupt, or a column is missing or of another type.
        SettingError: the as_of_date is outside the data.
    """
    if not settings.data_folder.is_dir():
        raise SourceError(
            "the folder with the raw files is not there",
            where=str(settings.data_folder),
            remedy="run `make setup`, or name the folder: `make run DATA=<folder>`",
        )
    files = [_check_file(table, settings.data_folder) for table in tables]
    if settings.as_of_date is not None:
        _check_as_of_date(settings.as_of_date, files)
    return files


def _check_file(table: RawTable, folder: Path) -> RawFile:
    path = table.file_in(folder)
    if not path.is_file():
        raise SourceError(
            f"no file for table {table.source}.{table.name}",
            where=str(path),
            remedy="put the file there, or name another folder: `make run DATA=<folder>`",
        )
    try:
        with pq.ParquetFile(path) as parquet:
            _check_columns(table, parquet.schema_arrow, path)
            for _ in parquet.iter_batches(batch_size=1 << 18):
                pass  # reading to the end is the check: a truncated or damaged page raises
            first, last = _event_range(table, parquet)
            return RawFile(table, parquet.metadata.num_rows, path.stat().st_size, first, last)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"not a readable parquet file: {' '.join(str(error).split())[:200]}",
            where=str(path),
            remedy="fetch or export the file again; the warehouse was not touched",
        ) from error


def _check_columns(table: RawTable, schema: pa.Schema, path: Path) -> None:
    for name, expected in table.columns.items():
        if name not in schema.names:
            raise SourceError(
                f"column {name!r} is missing; the file has {', '.join(schema.names)}",
                where=str(path),
                remedy="export the file with that column, or adapt the staging folder of this source",
            )
        seen = schema.field(name).type
        if not _DBT_TYPES[expected.split("(")[0].lower()](seen):
            raise SourceError(
                f"column {name!r} has type {seen}, expected {expected}",
                where=str(path),
                remedy="export the column with that type, or adapt the staging folder of this source",
            )


def _event_range(table: RawTable, parquet: pq.ParquetFile) -> tuple[datetime | None, datetime | None]:
    if table.event_time is None:
        return None, None
    column = parquet.schema_arrow.names.index(table.event_time)
    groups = (
        parquet.metadata.row_group(group).column(column) for group in range(parquet.metadata.num_row_groups)
    )
    ranges = [group.statistics for group in groups if group.statistics and group.statistics.has_min_max]
    if not ranges:
        return None, None
    return min(group.min for group in ranges), max(group.max for group in ranges)


def _check_as_of_date(as_of: date, files: list[RawFile]) -> None:
    seen = [file for file in files if file.first_event is not None]
    if not seen:
        return
    first = min(file.first_event for file in seen).date()
    last = max(file.last_event for file in seen).date()
    if not first < as_of <= last + timedelta(days=1):
        raise SettingError(
            f"as_of_date {as_of} is outside the data, whose events run from {first} to {last}",
            where="SHOAL_AS_OF_DATE",
            remedy=f"choose {first + timedelta(days=1)} to {last + timedelta(days=1)}, or leave it out",
        )


def build_raw_file_assets(manifest: dict[str, Any]) -> dg.AssetsDefinition:
    """One asset a raw file, keyed as dbt keys its source, so that the graph begins at the files."""
    tables = raw_tables(manifest)
    descriptions = {node["name"]: node["description"] for node in manifest["sources"].values()}
    specs = [
        dg.AssetSpec(
            [table.source, table.name],
            group_name="raw",
            kinds={"parquet"},
            description=descriptions[table.name],
        )
        for table in tables
    ]

    @dg.multi_asset(specs=specs, name="raw_files")
    def raw_files(shop: Shop) -> Iterator[dg.MaterializeResult]:
        with errors_as_failures():
            files = check_raw_files(tables, shop.settings())
        for file in files:
            yield dg.MaterializeResult(
                asset_key=[file.table.source, file.table.name], metadata=_metadata(file)
            )

    return raw_files


def _metadata(file: RawFile) -> dict[str, Any]:
    found = {"dagster/row_count": file.rows, "megabytes": round(file.size_bytes / 1e6, 2)}
    if file.first_event is not None:
        found |= {"first event": str(file.first_event), "last event": str(file.last_event)}
    return found
