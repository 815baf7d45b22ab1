"""A thousand spoiled shops: each ends in rejected rows that add up, or in one clear SourceError.

dbt compiles each source once, on files that are as they should be. Its SQL, models and tests alike, then
runs on every spoiled shop, and on the sound one, in a database in memory, in dbt's own order.
"""

import dataclasses
import gzip
import json
import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import pytest
import yaml

from dagster_defs.raw_files import check_raw_files, malformed_lines, raw_tables
from dagster_defs.raw_formats import RawFile, RawTable
from dagster_defs.raw_repair import folder_to_read, repair
from dagster_defs.settings import Settings, load_settings
from python_ml.errors import SourceError
from tests.shops import FILES_AS_DBT_KNOWS_THEM, ROOT, TestShop, as_dbt, put
from tests.spoiled import LAYOUTS, Layout, Spoiled, sound_files, spoil

pytestmark = pytest.mark.slow

CASES = 1000
CASES_AT_ONCE = 25
PER_SOURCE = -(-CASES // len(LAYOUTS))
COUNTRY_NAMES = ROOT / "seeds" / "country_names.csv"


@dataclass(frozen=True)
class Compiled:
    """What dbt made of one source: its raw tables, and the SQL of every model and test of the cleaning."""

    layout: Layout
    tables: list[RawTable]
    folder: str
    schemas: set[str]
    models: list[tuple[str, str]]  # name, query
    tests: list[tuple[str, str]]  # name, query of failing rows


@pytest.fixture(scope="module", params=LAYOUTS)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """One source as dbt compiles it upon files that are as they should be."""
    layout = LAYOUTS[request.param]()
    folder = tmp_path_factory.mktemp(layout.source)
    put(folder / "files", sound_files(layout))
    shop = TestShop(data=folder / "files", var=folder / "var", source=layout.source)
    name_staged_columns(shop)
    only = ("--select", "+path:models/core", "--indirect-selection", "cautious")
    shop.dbt("compile", *only, "--exclude", "resource_type:unit_test", source=layout.source)
    return read_compiled(shop, layout)


def name_staged_columns(shop: TestShop) -> None:
    """Empty tables in place of the source's views, whose columns the models of the shop contract ask for."""
    shop.folder.mkdir(parents=True)
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute("create schema staging")
        for file in (ROOT / "models" / "staging" / shop.source).glob("*__models.yml"):
            for model in yaml.safe_load(file.read_text())["models"]:
                columns = ", ".join(f'"{column["name"]}" varchar' for column in model["columns"])
                connection.execute(f"create table staging.{model['name']} ({columns})")


def read_compiled(shop: TestShop, layout: Layout) -> Compiled:
    manifest = json.loads((shop.target / "manifest.json").read_text())
    results = json.loads((shop.target / "run_results.json").read_text())["results"]
    built = {result["unique_id"]: manifest["nodes"].get(result["unique_id"]) for result in results}
    sql = {result["unique_id"]: result["compiled_code"] for result in results if result.get("compiled_code")}
    order = TopologicalSorter(
        {key: node["depends_on"]["nodes"] for key, node in built.items() if key.startswith("model.")}
    )
    models = [manifest["nodes"][key] for key in order.static_order() if key.startswith("model.")]
    return Compiled(
        layout=layout,
        tables=raw_tables(manifest),
        folder=str(FILES_AS_DBT_KNOWS_THEM),
        schemas={model["schema"] for model in models},
        models=[(f"{model['schema']}.{model['name']}", sql[model["unique_id"]]) for model in models],
        tests=[
            (node["name"], sql[key])
            for key, node in built.items()
            if key.startswith("test.") and node["config"]["severity"].lower() == "error"
        ],
    )


def build(source: Compiled, settings: Settings, files: list[RawFile]) -> duckdb.DuckDBPyConnection:
    """What a run does between the raw files and the core tables."""
    repair(files, settings.data_folder, settings.paths)
    folder = str(folder_to_read(settings.data_folder, settings.paths))
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
    for schema in sorted(source.schemas | {"landing", "staging"}):
        connection.execute(f"create schema {schema}")
    # Views that hash and clean work where dbt's plugin has prepared the session.
    as_dbt(connection)
    connection.execute(f"create table staging.country_names as from '{COUNTRY_NAMES}'")
    connection.register("malformed", malformed_lines(files, settings.data_folder).to_arrow())
    connection.execute("create table landing.malformed_lines as from malformed")
    for name, query in source.models:
        # Views too are tables here: each is run once, not once for every test on it.
        connection.execute(f"create table {name} as {query.replace(source.folder, folder)}")
    return connection


def number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return connection.execute(query).fetchone()[0]


def try_one(source: Compiled, spoiled: Spoiled, settings: Settings) -> str:
    """How it ended: refused, repaired or built; anything else is an error of ours."""
    put(
        settings.data_folder,
        {name: content for name, content in spoiled.files.items() if content is not None},
    )
    refusal = None
    try:
        files = check_raw_files(source.tables, settings)
    except SourceError as error:
        refusal = error
    if refusal is not None:
        assert str(settings.data_folder) in refusal.where
        assert refusal.remedy
        return "refused"
    with build(source, settings, files) as connection:
        for name, query in source.tests:
            assert connection.execute(query).fetchmany(3) == [], name
        check_nothing_lost(connection, files, source)
        check_whole_orders(connection, source.layout, spoiled)
    return "repaired" if any(file.malformed for file in files) else "built"


def check_nothing_lost(connection: duckdb.DuckDBPyConnection, files: list[RawFile], source: Compiled) -> None:
    """Every line of a text file is a row or a malformed line; every row of a table is staged."""
    for entities, pattern in source.layout.staged.items():
        staged = sum(
            number(connection, f"select count(*) from staging.stg_shop__{name}") for name in entities.split()
        )
        rows = sum(file.rows for file in files if re.fullmatch(pattern, file.path.name))
        assert staged == rows, f"{entities} of {pattern}"
    for file in files:
        if file.path.suffix == ".parquet":
            continue
        content, is_csv = read_bytes(file.path), file.table.file_format == "csv"
        if not is_csv:
            lines = [line for line in content.split(b"\n") if line.strip()]
        elif b'"' in content:
            continue  # quoted fields may hold line breaks
        else:
            lines = [line for line in content.split(b"\n") if line.strip(b"\r")][1:]
        assert file.rows + len(file.malformed) == len(lines), file.path.name


def read_bytes(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def check_whole_orders(connection: duckdb.DuckDBPyConnection, layout: Layout, spoiled: Spoiled) -> None:
    """Whatever else was spoiled, an order that was not touched has its amount, to the cent."""
    name = layout.core_column
    amounts = connection.execute(
        "select name, sum(amount) from ("
        f"select {name} as name, sales_amount as amount from core.order_lines"
        f" union all select {name.replace('order_id', 'return_order_id')}, 0 - refund_amount"
        " from core.order_returns"
        f" union all select payload ->> '{name}', amount from core.rejected_rows"
        " where table_name = 'order_lines') group by 1"
    ).fetchall()
    found = dict(amounts)
    wrong = {
        order for order in spoiled.whole_orders if found.get(layout.core_id(order)) != layout.amounts[order]
    }
    assert not wrong, f"wrong amounts of orders {sorted(wrong)}"


@pytest.mark.parametrize("first_seed", range(0, PER_SOURCE, CASES_AT_ONCE))
def test_spoiled_files_end_in_rejected_rows_or_one_clear_error(
    compiled: Compiled, first_seed: int, tmp_path: Path
):
    settings = dataclasses.replace(load_settings({}), source=compiled.layout.source)
    for seed in range(first_seed, min(first_seed + CASES_AT_ONCE, PER_SOURCE)):
        folder = tmp_path / str(seed)
        spoiled = spoil(compiled.layout, seed)
        try:
            try_one(compiled, spoiled, dataclasses.replace(settings, data=folder, var=folder / "var"))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {', '.join(spoiled.done)}: {error}") from error


def test_sound_files_are_built_whole(compiled: Compiled, tmp_path: Path):
    layout = compiled.layout
    sound = Spoiled(sound_files(layout), whole_orders=set(layout.amounts))
    settings = dataclasses.replace(
        load_settings({}), source=layout.source, data=tmp_path, var=tmp_path / "var"
    )
    assert try_one(compiled, sound, settings) == "built"
    with build(compiled, settings, check_raw_files(compiled.tables, settings)) as connection:
        assert number(connection, "select count(*) from core.rejected_rows") == 0
        assert number(connection, "select count(*) from core.orders") == len(layout.amounts)
