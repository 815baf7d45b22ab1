"""What assets are given: the shop (settings, paths, warehouse) and the dbt command line.

Nothing is read or opened at import: the environment is read when a step starts.
"""

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource

from dagster_defs.paths import PROFILES_DIR, PROJECT_ROOT
from dagster_defs.settings import Settings, load_settings, parse_backfill
from dagster_defs.warehouse import Warehouse


class Shop(dg.ConfigurableResource):
    """The shop this run is about.

    Attributes:
        backfill: days to build again, as SHOAL_BACKFILL spells them, which it goes before; empty for none.
    """

    backfill: str = ""

    def settings(self) -> Settings:
        settings = load_settings()
        if self.backfill:
            settings = dataclasses.replace(settings, backfill=parse_backfill(self.backfill))
        return settings

    def warehouse(self) -> Warehouse:
        settings = self.settings()
        return Warehouse(path=settings.paths.warehouse, memory_limit=settings.memory_limit)


class DbtChild(DbtCliResource):
    """dbt in a process of its own, so that its connection never outlives its command."""

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:
        """dagster-dbt would load dbt into this process too, for row counts that are taken elsewhere."""


def dbt_resource() -> DbtCliResource:
    """dbt as the graph runs it."""
    return DbtChild(
        project_dir=str(PROJECT_ROOT),
        profiles_dir=str(PROFILES_DIR),
        dbt_executable=str(Path(sys.executable).parent / "shoal-dbt"),
    )


def point_dbt_at(settings: Settings, *, raw_files: Path | None = None) -> None:
    """Tell dbt where this shop's files are; profiles.yml and the sources read these variables.

    Args:
        raw_files: the folder to read in place of the shop's own, see `raw_repair.folder_to_read`.
    """
    settings.paths.folder.mkdir(parents=True, exist_ok=True)
    os.environ["SHOAL_WAREHOUSE"] = str(settings.paths.warehouse)
    os.environ["SHOAL_DATA"] = str(raw_files or settings.data_folder)
    os.environ["DBT_TARGET_PATH"] = os.environ["DBT_LOG_PATH"] = str(settings.paths.dbt_target)
