"""The published copy: what readers open, swapped in whole after everything before it succeeded.

Readers that have the old file open go on reading the old data; whoever opens it next sees the new.
"""

import os
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.paths import ShopPaths
from dagster_defs.resources import Shop
from dagster_defs.warehouse import Warehouse
from python_ml.errors import BuildError

PUBLISHED_SCHEMAS = ("core", "serving")
PUBLISHED_KEY = dg.AssetKey(["published", "warehouse"])


def build_publish_asset(manifest: dict[str, Any]) -> dg.AssetsDefinition:
    """The last asset of the graph: it depends on every table that is copied."""
    deps = [
        dg.AssetKey([node["schema"], node["name"]])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in PUBLISHED_SCHEMAS
    ]

    @dg.asset(
        key=PUBLISHED_KEY,
        deps=deps,
        group_name="published",
        kinds={"duckdb"},
        pool=WRITER_POOL,
        retry_policy=RETRIES,
        description="The copy of `core` and `serving` that BI tools open: never locked, never half-written.",
    )
    def published_warehouse(shop: Shop) -> dg.MaterializeResult:
        with errors_as_failures():
            counts = publish(shop)
        rows = "\n".join(f"| {table} | {rows:,} |" for table, rows in sorted(counts.items()))
        paths = shop.settings().paths
        return dg.MaterializeResult(
            metadata={
                "tables": dg.MetadataValue.md(f"| table | rows |\n| --- | ---: |\n{rows}"),
                "path": dg.MetadataValue.path(str(paths.published)),
                "megabytes": round(paths.published.stat().st_size / 1e6, 1),
            }
        )

    return published_warehouse


def publish(shop: Shop) -> dict[str, int]:
    """Copy, compare the row counts, swap in; returns the rows of every published table.

    Raises:
        BuildError: the copy differs from the warehouse; the old copy stays.
        WarehouseBusyError: another process holds the warehouse.
    """
    paths = shop.settings().paths
    fresh = paths.published.with_suffix(f".{os.getpid()}.partial")
    _remove_leftovers(paths)
    shop.warehouse().copy_to(fresh, schemas=PUBLISHED_SCHEMAS)
    counts = _compare(shop.warehouse(), fresh)
    fresh.replace(paths.published)
    return counts


def _remove_leftovers(paths: ShopPaths) -> None:
    """Copies of runs that were killed while they wrote them."""
    for leftover in paths.folder.glob("published.*.partial*"):
        leftover.unlink(missing_ok=True)


def _compare(warehouse: Warehouse, fresh: Path) -> dict[str, int]:
    expected = {
        table: rows
        for table, rows in warehouse.row_counts().items()
        if table.split(".")[0] in PUBLISHED_SCHEMAS
    }
    copied = Warehouse(path=fresh).row_counts()
    if copied != expected:
        differing = sorted(table for table in expected | copied if expected.get(table) != copied.get(table))
        raise BuildError(
            f"the copy differs from the warehouse in {', '.join(differing)}",
            where=str(fresh),
            remedy="run again; readers still have the last good copy",
        )
    return copied
