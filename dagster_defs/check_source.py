"""`make check-source`: everything a source still lacks, in one list, before its first run.

It builds the source's views and what core makes of them in a warehouse of its own that is thrown away; the
shop's files and its real warehouse stay as they are.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_defs.paths import PROFILES_DIR, PROJECT_ROOT
from dagster_defs.raw_files import raw_tables
from dagster_defs.raw_formats import FORMATS, RawTable
from dagster_defs.raw_samples import named_folder, sample_file
from dagster_defs.registration import adapter_of, missing_places, read_project, wrong_switches
from dagster_defs.shop_contract import PREFIX, ContractTable, shop_contract
from dagster_defs.source_findings import (
    Finding,
    adapter_findings,
    column_findings,
    description_findings,
    is_described,
    measure_findings,
    nearest,
    registration_findings,
    without_findings,
)
from dagster_defs.warehouse import Warehouse
from python_ml.errors import SettingError, ShoalError, SourceError

STAGING = PROJECT_ROOT / "models" / "staging"
# Stand-ins while the adapter lacks them, so that the rest can be looked at.
_NEUTRAL = {"currency": "EUR", "time_zone": "UTC"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a dbt command ended: whether it went well, what each node that failed said, what was printed."""

    succeeded: bool
    failed: dict[str, str]
    printed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """dbt on one source, in a folder that is thrown away.

    Args:
        folder: for the warehouse and what dbt compiles.
        source, data: the source and the folder of its files.
        adapter: what dbt_project.yml says of the source, without its tables.
    """

    folder: Path
    source: str
    data: Path
    adapter: Mapping[str, Any]

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(path=self.folder / "warehouse.duckdb")

    def manifest(self) -> dict[str, Any] | None:
        """dbt's manifest; None when it could not parse the project."""
        file = self.folder / "manifest.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def build(self, tables: Collection[str]) -> Outcome:
        """The views, and core as far as the rejected rows, with these tables alone."""
        select = ["--select", f"path:models/staging/{self.source}", "+rejected_rows"]
        kinds = ["--exclude-resource-type", "test", "unit_test"]
        return self._dbt(tables, "build", *kinds, *select)

    def measure(self, tables: Collection[str], measured: Collection[str]) -> Outcome:
        """Count the rows of some tables into source_check.measures."""
        return self._dbt(
            tables, "run-operation", "measure_source", "--args", json.dumps({"entities": sorted(measured)})
        )

    def _dbt(self, tables: Collection[str], *arguments: str) -> Outcome:
        results = self.folder / "run_results.json"
        results.unlink(missing_ok=True)
        adapters = {self.source: {**_NEUTRAL, **self.adapter, "tables": sorted(tables)}}
        command = [sys.executable, "-m", "dagster_defs.dbt_child", "--quiet", *arguments]
        command += ["--profiles-dir", str(PROFILES_DIR)]
        command += ["--vars", json.dumps({"source": self.source, "adapters": adapters})]
        environment = os.environ | {
            "SHOAL_DATA": str(self.data),
            "SHOAL_WAREHOUSE": str(self.warehouse.path),
            "DBT_TARGET_PATH": str(self.folder),
            "DBT_LOG_PATH": str(self.folder),
        }
        done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return Outcome(done.returncode == 0, _failed_nodes(results), done.stdout + done.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the list; 0 when nothing is to be mended, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="make check-source", description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True, help="a folder of models/staging/")
    parser.add_argument("--data", required=True, help="folder with its files")
    given = parser.parse_args(arguments)
    try:
        findings = check_source(given.source, named_folder(given.data))
    except ShoalError as error:
        sys.stderr.write(f"\nNothing was checked: {error}\n")
        return 1
    sys.stdout.write(_report(findings, given.source, given.data))
    return 1 if any(finding.must_mend for finding in findings) else 0


def check_source(source: str, data: Path) -> list[Finding]:
    """Everything that is missing or wrong, and what is worth knowing.

    Raises:
        SettingError: there is no such source.
    """
    if source in ("", "shop") or not (STAGING / source).is_dir():
        raise SettingError(
            f"there is no source {source!r}",
            where="SOURCE, a folder of models/staging/",
            remedy="begin one with `make new-source NAME=<name> DATA=<folder>`",
        )
    contract, project = shop_contract(), read_project()
    adapter = adapter_of(project, source)
    views = {file.stem.removeprefix(f"stg_{source}__") for file in (STAGING / source).glob("stg_*.sql")}
    found = registration_findings(source, missing_places(project, source), wrong_switches(project, source))
    found += adapter_findings(source, adapter, sorted(views), contract)
    tables = [table for table in contract if table in views]
    with tempfile.TemporaryDirectory(prefix="shoal_check_") as folder:
        trial = Trial(folder=Path(folder), source=source, data=data, adapter=adapter)
        found += _tried(trial, contract, tables)
    return found + without_findings(tables, contract)


def _tried(trial: Trial, contract: Mapping[str, ContractTable], tables: Sequence[str]) -> list[Finding]:
    outcome = trial.build(tables)
    manifest = trial.manifest()
    if manifest is None:
        return [
            Finding(
                f"dbt cannot read the project:\n{_without_content(_masked(outcome.printed))[-1500:]}",
                "mend that first; views and values can be looked at after it",
            )
        ]
    raw = [table for table in raw_tables(manifest) if table.source == trial.source]
    found = [] if raw else [_no_raw_table(trial.source)]
    for table in raw:
        found += _file_findings(table, trial.data)
    built = trial.warehouse.columns("staging")
    for table in tables:
        given = built.get(f"stg_{trial.source}__{table}")
        if given is not None:
            found += column_findings(trial.source, contract[table], given)
    found += _built_and_measured(trial, contract, tables, outcome)
    return found + description_findings(_undescribed(manifest, trial.source, built))


def _built_and_measured(
    trial: Trial, contract: Mapping[str, ContractTable], tables: Sequence[str], outcome: Outcome
) -> list[Finding]:
    """Leave out, table by table, what cannot be built or read, until the rest can be counted."""
    found: list[Finding] = []
    sound = list(tables)
    while sound:
        broken = _broken_tables(outcome, trial.source, sound)
        found += [
            Finding(f"stg_{trial.source}__{table} cannot be built: {message}", "mend that view")
            for table, message in broken.items()
            if message and "No files found" not in message  # told already, with the pattern
        ]
        if not broken:
            counted = trial.measure(sound, sound)
            if counted.succeeded:
                measures = trial.warehouse.read("source_check", "measures")
                found += measure_findings(
                    trial.source, measures, contract, datetime.now(UTC).replace(tzinfo=None)
                )
                return found + _other_failures(outcome, trial.source, tables)
            broken = {
                table: each.printed
                for table in sound
                if not (each := trial.measure(sound, [table])).succeeded
            } or dict.fromkeys(sound, counted.printed)
            found += [
                Finding(
                    f"stg_{trial.source}__{table} cannot be read: {_last_error(printed)}", "mend that view"
                )
                for table, printed in broken.items()
            ]
        sound = [table for table in sound if table not in broken]
        if sound:
            outcome = trial.build(sound)
    return found + _other_failures(outcome, trial.source, tables)


def _broken_tables(outcome: Outcome, source: str, tables: Iterable[str]) -> dict[str, str]:
    """Tables whose view failed, with what DuckDB said; nothing where the view broke the contract."""
    broken: dict[str, str] = {}
    for table in tables:
        own, shop = outcome.failed.get(f"stg_{source}__{table}"), outcome.failed.get(f"{PREFIX}{table}")
        if own is not None:
            broken[table] = _last_error(own)
        elif shop is not None:
            broken[table] = "" if "shop contract" in shop or "shop__models" in shop else _last_error(shop)
    return broken


def _other_failures(outcome: Outcome, source: str, tables: Iterable[str]) -> list[Finding]:
    """What failed besides the views that were told of one by one: the source's other views, and core."""
    told = {f"{prefix}{table}" for table in tables for prefix in (f"stg_{source}__", PREFIX)}
    return [
        Finding(f"{node} cannot be built: {_last_error(message)}", "mend it, or the view it reads")
        for node, message in outcome.failed.items()
        if node not in told
    ]


def _file_findings(table: RawTable, folder: Path) -> list[Finding]:
    """Missing files, every missing column with the nearest names, and files that are not sound."""
    paths = sorted(path for path in folder.glob(table.pattern) if path.is_file())
    if not paths:
        there = [path.name for path in folder.iterdir() if path.is_file()]
        return [
            Finding(
                f"no file {table.pattern} for the raw table {table.name}{nearest(table.pattern, there)}",
                f"put it into {folder}, or correct `meta: file` in the YAML of the raw tables",
            )
        ]
    if table.file_format not in FORMATS:
        return [
            Finding(
                f"the raw table {table.name} has the format {table.file_format!r}, which is none",
                f"use one of {', '.join(FORMATS)} as `meta: format` in its YAML",
            )
        ]
    found: list[Finding] = []
    for path in paths:
        lacking = _lacking_columns(table, path)
        found += lacking
        if not lacking:
            found += _unsound(table, path)
    return found


def _lacking_columns(table: RawTable, path: Path) -> list[Finding]:
    if table.file_format == "text":
        return []
    try:
        names = list(sample_file(path).columns)
    except SourceError as error:
        return [Finding(f"{path.name}: {error.what}", error.remedy)]
    return [
        Finding(
            f"{path.name} has no column {column!r}, which the YAML of {table.name} names"
            + nearest(column, names),
            "correct the name in the YAML and the views, or give it the file's name as an alias",
        )
        for column in table.columns
        if not {column, *table.aliases.get(column, ())} & set(names)
    ]


def _unsound(table: RawTable, path: Path) -> list[Finding]:
    try:
        FORMATS[table.file_format](table, path)
    except SourceError as error:
        return [Finding(f"{path.name}: {error.what}", error.remedy)]
    return []


def _no_raw_table(source: str) -> Finding:
    return Finding(
        f"no YAML of models/staging/{source} describes a raw table",
        f"write _{source}__sources.yml, as in models/staging/online_retail",
    )


def _undescribed(
    manifest: Mapping[str, Any], source: str, built: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Columns without a description, by raw table and by view."""
    silent = {
        f"raw table {node['name']}": [
            column["name"] for column in node["columns"].values() if not is_described(column["description"])
        ]
        for node in manifest["sources"].values()
        if node["source_name"] == source
    }
    for node in manifest["nodes"].values():
        name = node["name"]
        if node["resource_type"] == "model" and name.startswith((f"stg_{source}__", f"int_{source}__")):
            described = {
                column["name"].lower()
                for column in node["columns"].values()
                if is_described(column["description"])
            }
            silent[name] = [column for column in built.get(name, ()) if column.lower() not in described]
    return silent


def _failed_nodes(results: Path) -> dict[str, str]:
    if not results.exists():
        return {}
    document = json.loads(results.read_text(encoding="utf-8"))
    return {
        result["unique_id"].split(".")[-1]: result["message"] or ""
        for result in document["results"]
        if result["status"] == "error"
    }


def _last_error(printed: str) -> str:
    """The line of a dbt message that says what went wrong, and where it names the place."""
    lines = [line.strip() for line in _masked(printed).splitlines() if line.strip()]
    said = [line for line in lines if "Error:" in line or "Error in" in line] or lines
    return said[-1][:300] if said else "dbt said nothing"


def _masked(printed: str) -> str:
    """Without the values that a failed cast quotes: they may be somebody's."""
    return re.sub(r"(string|value|strptime) (\"[^\"]*\"|'[^']*')", r"\1 (not shown)", printed)


def _without_content(printed: str) -> str:
    """Without the whole content of a YAML file, which dbt puts between its name and what is wrong with it."""
    return re.sub(r" @ \w+: \{.*\}(?= - at path)", "", printed, flags=re.DOTALL)


def _report(findings: Sequence[Finding], source: str, data: str) -> str:
    to_mend = [finding for finding in findings if finding.must_mend]
    to_know = [finding for finding in findings if not finding.must_mend]
    lines = [""]
    if to_mend:
        lines.append("To mend")
        for number, finding in enumerate(to_mend, start=1):
            lines.append(f"  {number:>2}. {finding.what}")
            if finding.remedy:
                lines.append(f"      to do: {finding.remedy}")
        lines.append("")
    if to_know:
        lines.append("To know")
        for finding in to_know:
            lines.append(
                f"   -  {finding.what}" + (f"\n      to do: {finding.remedy}" if finding.remedy else "")
            )
        lines.append("")
    things = f"{len(to_mend)} thing{'s' if len(to_mend) > 1 else ''} to mend"
    lines.append(things if to_mend else f"ready: make run SOURCE={source} DATA={data}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
