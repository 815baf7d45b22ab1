"""The shop contract as Python sees it: what a source may deliver, read from the YAML beside the views.

`models/staging/shop/_shop__models.yml` is the only place where a table or column of the contract stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from dagster_defs.paths import PROJECT_ROOT

CONTRACT_FILE = PROJECT_ROOT / "models" / "staging" / "shop" / "_shop__models.yml"
PREFIX = "stg_shop__"


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """One column: its SQL type, what it means, and whether a source must deliver it."""

    name: str
    data_type: str
    description: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class ContractTable:
    """One table: its grain, what is missing without it, whether every source needs it, its columns."""

    name: str
    description: str
    without: str
    is_needed: bool
    columns: dict[str, ContractColumn]

    @property
    def required(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.is_required]


def shop_contract(file: Path = CONTRACT_FILE) -> dict[str, ContractTable]:
    """The tables of the contract by name, in its order."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    tables = [_table(model) for model in document["models"]]
    return {table.name: table for table in tables}


def _table(model: Mapping) -> ContractTable:
    columns = {column["name"]: _column(column) for column in model["columns"]}
    return ContractTable(
        name=model["name"].removeprefix(PREFIX),
        description=model["description"],
        without=model["config"]["meta"]["without"],
        is_needed=bool(model["config"]["meta"].get("needed")),
        columns=columns,
    )


def _column(column: Mapping) -> ContractColumn:
    meta = column.get("config", {}).get("meta", {})
    return ContractColumn(
        column["name"], column["data_type"], column["description"], bool(meta.get("required"))
    )
