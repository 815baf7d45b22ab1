"""The shop's raw tables as assets: looked at before anything runs, never changed.

Every file must be there, readable to the end, and have the columns and types that the source's YAML
names; so a bad file stops the run before the warehouse is touched. How a format is read stands in
`raw_formats.py`. Single malformed lines stop nothing: they are recorded in landing.malformed_lines, and dbt
reads a copy without them (`raw_repair.py`).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from dagster_defs.contracts import landing_contracts, written_contracts
from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.raw_formats import FORMATS, RawFile, RawTable
from dagster_defs.raw_repair import repair
from dagster_defs.resources import Shop
from dagster_defs.settings import Settings
from dagster_defs.warehouse import Warehouse
from python_ml.errors import ContractError, SettingError, SourceError

MALFORMED_LINES = dg.AssetKey(["landing", "malformed_lines"])


def raw_tables(manifest: dict[str, Any]) -> list[RawTable]:
    """The raw tables of the shop: every source of dbt's manifest but those Python writes."""
    return [
        RawTable(
            source=node["source_name"],
            name=node["name"],
            columns={column["name"]: column["data_type"] for column in node["columns"].values()},
            aliases={
                column["name"]: tuple(column["config"]["meta"].get("aliases", ()))
                for column in node["columns"].values()
            },
            event_time=_meta(node, "event_time", node.get("loaded_at_field")),
            file_format=_meta(node, "format", "parquet"),
            pattern=_meta(node, "file", f"{node['name']}.parquet"),
            is_required=_meta(node, "required", True),
            optional=frozenset(
                column["name"]
                for column in node["columns"].values()
                if not column["config"]["meta"].get("required", True)
            ),
            by_position=_meta(node, "by_position", False),
        )
        for node in manifest["sources"].values()
        if node["source_name"] not in written_contracts()
    ]


def _meta(node: dict[str, Any], key: str, default: Any) -> Any:
    """What the YAML says of a table, or else of its whole source."""
    return node["config"]["meta"].get(key, node["source_meta"].get(key, default))


def check_raw_files(tables: list[RawTable], settings: Settings) -> list[RawFile]:
    """Look at every file; also refuse an as_of_date outside the events.

    Raises:
        SourceError: a file is missing or corrupt, or a column is missing or of another type.
        SettingError: the as_of_date is outside the data.
    """
    check_data_folder(settings)
    files = [file for table in tables for file in _check_table(table, settings.data_folder)]
    if not files:
        patterns = ", ".join(table.pattern for table in tables)
        raise _no_file("source " + settings.source, settings.data_folder / patterns, settings.source)
    if settings.as_of_date is not None:
        _check_as_of_date(settings.as_of_date, files)
    return files


def check_data_folder(settings: Settings) -> None:
    """Refuse a run without files; it takes no time, so it can be done before anything is loaded.

    Raises:
        SourceError: the folder is not there.
    """
    if not settings.data_folder.is_dir():
        raise SourceError(
            "the folder with the raw files is not there",
            where=str(settings.data_folder),
            remedy=f"name the folder: `make run SOURCE={settings.source} DATA=<folder>`",
        )


def _check_table(table: RawTable, folder: Path) -> list[RawFile]:
    paths = sorted(path for path in folder.glob(table.pattern) if path.is_file())
    if not paths and table.is_required:
        raise _no_file(f"table {table.source}.{table.name}", folder / table.pattern, table.source)
    return [FORMATS[table.file_format](table, path) for path in paths]


def _no_file(what: str, where: Path, source: str) -> SourceError:
    return SourceError(
        f"no file for {what}",
        where=str(where),
        remedy=f"put the file there, or name its folder: `make run SOURCE={source} DATA=<folder>`",
    )


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
            kinds={table.file_format},
            description=descriptions[table.name],
        )
        for table in tables
    ]

    specs.append(
        dg.AssetSpec(
            MALFORMED_LINES,
            deps=[spec.key for spec in specs],
            group_name="raw",
            kinds={"python"},
            description="Lines of raw text files that are no rows; core.rejected_rows counts them.",
        )
    )

    @dg.multi_asset(specs=specs, name="raw_files", pool=WRITER_POOL, retry_policy=RETRIES)
    def raw_files(context: dg.AssetExecutionContext, shop: Shop) -> Iterator[dg.MaterializeResult]:
        settings = shop.settings()
        with errors_as_failures():
            files = check_raw_files(tables, settings)
            repair(files, settings.data_folder, settings.paths)
            malformed = malformed_lines(files, settings.data_folder)
            record_malformed_lines(shop.warehouse(), malformed)
        if malformed.height:
            context.log.warning(_told(malformed))
        for table in tables:
            yield dg.MaterializeResult(
                asset_key=[table.source, table.name],
                metadata=_metadata([file for file in files if file.table == table]),
            )
        yield dg.MaterializeResult(
            asset_key=MALFORMED_LINES, metadata={"dagster/row_count": malformed.height}
        )

    return raw_files


def malformed_lines(files: list[RawFile], data_folder: Path) -> pl.DataFrame:
    """The table landing.malformed_lines of these files."""
    rows = [
        {
            "table_name": f"{file.table.source}.{file.table.name}",
            "file_name": file.path.relative_to(data_folder).as_posix(),
            "line_number": line.number,
            "reason_code": line.reason_code,
            "byte_count": line.byte_count,
            "line_sha256": line.sha256,
        }
        for file in files
        for line in file.malformed
    ]
    return pl.DataFrame(rows, schema=landing_contracts()["malformed_lines"].columns)


def record_malformed_lines(warehouse: Warehouse, malformed: pl.DataFrame) -> None:
    """Replace the table, unless it says the same already.

    Raises:
        WarehouseBusyError: another process holds the warehouse.
    """
    try:
        is_known = warehouse.read("landing", "malformed_lines").equals(malformed)
    except ContractError:
        is_known = malformed.is_empty()  # dbt makes the empty table
    if not is_known:
        warehouse.replace({"malformed_lines": malformed}, schema="landing")


def _told(malformed: pl.DataFrame) -> str:
    first = malformed.row(0, named=True)
    return (
        f"{malformed.height:,} malformed lines were left out, the first is line {first['line_number']} of"
        f" {first['file_name']} ({first['reason_code']}); core.rejected_rows has all of them"
    )


def _metadata(files: list[RawFile]) -> dict[str, Any]:
    found = {
        "dagster/row_count": sum(file.rows for file in files),
        "megabytes": round(sum(file.size_bytes for file in files) / 1e6, 2),
        "files": len(files),
        "malformed lines": sum(len(file.malformed) for file in files),
    }
    timed = [file for file in files if file.first_event is not None]
    if timed:
        found["first event"] = str(min(file.first_event for file in timed))
        found["last event"] = str(max(file.last_event for file in timed))
    return found
