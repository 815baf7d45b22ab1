"""The contracts of the tables that cross the border between dbt and Python, read from dbt's YAML.

The YAML is the only place where a column's name and type stand: dbt enforces it on its side,
`conform` checks a frame against it before Python writes.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import yaml

from dagster_defs.paths import PROJECT_ROOT
from python_ml.errors import ContractError

ML_SOURCES_FILE = PROJECT_ROOT / "models" / "serving" / "_ml__sources.yml"
LANDING_SOURCES_FILE = PROJECT_ROOT / "models" / "core" / "_landing__sources.yml"
FEATURES_FILE = PROJECT_ROOT / "models" / "features" / "_features__models.yml"

_POLARS_TYPES = {
    "varchar": pl.String,
    "text": pl.String,
    "double": pl.Float64,
    "float": pl.Float32,
    "bigint": pl.Int64,
    "integer": pl.Int32,
    "smallint": pl.Int16,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "float[]": pl.List(pl.Float32),
}


@dataclass(frozen=True, slots=True)
class TableContract:
    """The columns of one table: name to polars type, in order; the key; the columns that may not be null."""

    schema: str
    table: str
    columns: dict[str, pl.DataType]
    key: tuple[str, ...]
    required: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


@cache
def ml_contracts() -> dict[str, TableContract]:
    """Contracts of the tables the learning steps write, by table name."""
    return _source_contracts("ml", ML_SOURCES_FILE)


@cache
def landing_contracts() -> dict[str, TableContract]:
    """Contracts of the tables written while the raw files are looked at, by table name."""
    return _source_contracts("landing", LANDING_SOURCES_FILE)


def written_contracts() -> dict[str, dict[str, TableContract]]:
    """Contracts of all tables Python writes, by schema and table name; each schema is a source of dbt."""
    return {"ml": ml_contracts(), "landing": landing_contracts()}


def _source_contracts(name: str, file: Path) -> dict[str, TableContract]:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    (source,) = (source for source in document["sources"] if source["name"] == name)
    return {table["name"]: _contract(name, table, file) for table in source["tables"]}


@cache
def feature_contracts() -> dict[str, TableContract]:
    """Contracts of the tables Python reads, by table name."""
    document = yaml.safe_load(FEATURES_FILE.read_text(encoding="utf-8"))
    return {model["name"]: _contract("features", model, FEATURES_FILE) for model in document["models"]}


def _contract(schema: str, table: dict, file: Path) -> TableContract:
    columns = {
        column["name"]: _polars_type(column["data_type"], f"{schema}.{table['name']}.{column['name']}", file)
        for column in table["columns"]
    }
    required = _columns_of_test(table, "never_null")
    return TableContract(schema, table["name"], columns, _key(table), frozenset(required))


def _polars_type(data_type: str, where: str, file: Path) -> pl.DataType:
    try:
        return _POLARS_TYPES[data_type.lower()]
    except KeyError:
        raise ContractError(
            f"data_type {data_type!r} has no counterpart in Python",
            where=f"{where} in {file.name}",
            remedy=f"use one of {', '.join(_POLARS_TYPES)}",
        ) from None


def _key(table: dict) -> tuple[str, ...]:
    """The key is what the table's uniqueness test says it is: a combination, or one column."""
    alone = tuple(column["name"] for column in table["columns"] if "unique" in column.get("data_tests", []))
    return _columns_of_test(table, "unique_combination") or alone


def _columns_of_test(table: dict, test_name: str) -> tuple[str, ...]:
    """Columns that a data test of the whole table names: what is the key, what may not be null."""
    for test in table.get("data_tests", []):
        if isinstance(test, dict) and test_name in test:
            return tuple(test[test_name]["arguments"]["columns"])
    return ()


def conform(frame: pl.DataFrame, contract: TableContract) -> pl.DataFrame:
    """The frame with the contract's columns, in its order and types.

    Raises:
        ContractError: a column is missing or unknown, a value does not fit its type, a required column has
            nulls, or two rows share a key.
    """
    _check_names(frame, contract)
    conformed = _cast(frame, contract)
    for column in contract.required:
        if nulls := conformed[column].null_count():
            raise _broken(contract, f"{nulls} null values in column {column!r}")
    if contract.key and (duplicates := conformed.height - conformed.n_unique(subset=contract.key)):
        raise _broken(contract, f"{duplicates} rows repeat a key ({', '.join(contract.key)})")
    return conformed


def _check_names(frame: pl.DataFrame, contract: TableContract) -> None:
    if missing := [name for name in contract.columns if name not in frame.columns]:
        raise _broken(contract, f"missing columns {missing}")
    if unknown := [name for name in frame.columns if name not in contract.columns]:
        raise _broken(contract, f"columns {unknown} are not in the contract")


def _cast(frame: pl.DataFrame, contract: TableContract) -> pl.DataFrame:
    casts = []
    for name, kind in contract.columns.items():
        seen = frame.schema[name]
        if seen != kind and not _may_become(seen, kind):
            raise _broken(contract, f"column {name!r} is {seen}, the contract says {kind}")
        casts.append(pl.col(name).cast(kind))
    try:
        return frame.select(casts)
    except pl.exceptions.InvalidOperationError as error:
        raise _broken(contract, f"a value does not fit its type: {error}") from error


def _may_become(seen: pl.DataType, wanted: pl.DataType) -> bool:
    """Casts that keep the meaning: within integers, within floats, from integer to float, from null."""
    if seen == pl.Null:
        return True
    if seen.is_integer():
        return wanted.is_numeric()
    if seen.is_float():
        return wanted.is_float()
    if isinstance(seen, pl.Array | pl.List) and isinstance(wanted, pl.List):
        return _may_become(seen.inner, wanted.inner)
    return isinstance(seen, pl.Datetime) and isinstance(wanted, pl.Datetime) and seen.time_zone is None


def _broken(contract: TableContract, what: str) -> ContractError:
    return ContractError(
        what,
        where=f"table {contract.name}",
        remedy="make the step's result and the contract's YAML agree; nothing was written",
    )
