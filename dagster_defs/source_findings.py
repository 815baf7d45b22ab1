"""What `make check-source` says, from what it has seen: each finding a sentence and perhaps a remedy.

Pure: it reads no file and no warehouse. `check_source.py` looks, this module judges.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

import polars as pl

from dagster_defs.column_guesses import spelled
from dagster_defs.shop_contract import ContractTable
from dagster_defs.source_skeleton import PLACEHOLDER

# A defect of single rows is one of the data, and they are rejected; of one row in twenty, it is the view's.
MANY_SHARE = 0.05
# No shop of this kind sold before; a time read in a wrong unit or format often falls there.
FIRST_YEAR = 1990
# Reasons that a flag of the source asked for.
ASKED_FOR = ("cancelled_order", "test_order", "no_marketing_consent", "no_accepted_line")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the list; `must_mend` ones stand between the source and its first run."""

    what: str
    remedy: str = ""
    must_mend: bool = True


def nearest(name: str, known: Iterable[str]) -> str:
    """The nearest known names, to be put behind a sentence, or nothing."""
    by_spelling = {spelled(other): other for other in known}
    close = get_close_matches(spelled(name), by_spelling, n=3, cutoff=0.6)
    return f"; nearest: {', '.join(by_spelling[other] for other in close)}" if close else ""


def registration_findings(source: str, missing: Collection[str], wrong: Collection[str]) -> list[Finding]:
    """The places of dbt_project.yml where the source is not, or has another's switch."""
    switch = f"\"{{{{ var('every_source', var('source', 'complete_journey') == '{source}') }}}}\""
    found = [
        Finding(
            f"{source} is not registered in dbt_project.yml under `{place}`",
            "add it there with currency, time_zone and tables"
            if place.startswith("vars")
            else f"add `{source}:` there and below it `+enabled: {switch}`",
        )
        for place in missing
    ]
    return found + [
        Finding(
            f"the switch of {source} in dbt_project.yml under `{place}` does not ask for it",
            f"+enabled: {switch}",
        )
        for place in wrong
    ]


def adapter_findings(
    source: str, adapter: Mapping[str, object], views: Collection[str], contract: Mapping[str, ContractTable]
) -> list[Finding]:
    """What is missing in the source's adapter; tables without view and views without table."""
    found = [
        Finding(f"the adapter of {source} in dbt_project.yml has no {key}", f"add `{key}:`")
        for key in ("currency", "time_zone", "tables")
        if adapter and not adapter.get(key)
    ]
    tables = list(adapter.get("tables") or [])
    for table in tables:
        if table not in contract:
            found.append(
                Finding(
                    f"`tables` of {source} names {table!r}, which the shop contract does not know"
                    f"{nearest(table, contract)}",
                    "correct the name in dbt_project.yml",
                )
            )
        elif table not in views:
            found.append(
                Finding(
                    f"`tables` of {source} names {table}, but there is no stg_{source}__{table}.sql",
                    f"write that view in models/staging/{source}/, or take the name out",
                )
            )
    for view in views:
        if view in contract and adapter and view not in tables:
            found.append(
                Finding(
                    f"there is a view stg_{source}__{view}.sql, but `tables` of {source} does not name"
                    f" {view}: nothing would read it",
                    f"add {view} to `tables` in dbt_project.yml",
                )
            )
    return found


def column_findings(source: str, table: ContractTable, given: Collection[str]) -> list[Finding]:
    """Required columns that a view does not deliver, and columns that the contract does not know."""
    view = f"stg_{source}__{table.name}"
    unknown = [name for name in given if name not in table.columns]
    found = [
        Finding(
            f"{view} lacks {name}, which {table.name} must have: {table.columns[name].description}",
            "add it to the view; a comment there says where",
        )
        for name in table.required
        if name not in given
    ]
    return found + [
        Finding(
            f"{view} delivers {name}, which the shop contract does not know{nearest(name, table.columns)}",
            "rename it, or leave it out of the last step of the view",
        )
        for name in unknown
    ]


def description_findings(undescribed: Mapping[str, Collection[str]]) -> list[Finding]:
    """Columns whose YAML says nothing yet, by table."""
    return [
        Finding(
            f"{table}: {len(columns)} column{'s' if len(columns) > 1 else ''} not described yet"
            f" ({', '.join(list(columns)[:5])}{', ...' if len(columns) > 5 else ''})",
            "say in its YAML what each holds; `make test` asks for it",
            must_mend=False,
        )
        for table, columns in undescribed.items()
        if columns
    ]


def is_described(text: str | None) -> bool:
    return bool(text and text.strip()) and not str(text).startswith(PLACEHOLDER)


def without_findings(tables: Collection[str], contract: Mapping[str, ContractTable]) -> list[Finding]:
    """What this source cannot feed, and for want of which table."""
    return [
        Finding(
            f"no {table.name}: {table.without}",
            f"write the view and add {table.name} to `tables`" if table.is_needed else "",
            must_mend=table.is_needed,
        )
        for table in contract.values()
        if table.name not in tables
    ]


def measure_findings(
    source: str, measures: pl.DataFrame, contract: Mapping[str, ContractTable], now: datetime
) -> list[Finding]:
    """What the counts say.

    Args:
        source: its name.
        measures: the table that the macro measure_source writes.
        contract: the shop contract.
        now: UTC; later times are not read right.
    """
    rows = {row["table_name"]: row["row_count"] for row in _of(measures, "rows")}
    found = [
        Finding(f"stg_{source}__{table} has no row", "look at what the view leaves out")
        for table, count in rows.items()
        if not count
    ]
    judges = {"nulls": _nulls, "unmatched": _unmatched, "repeated_key": _repeated}
    for name, judge in judges.items():
        for row in _of(measures, name):
            total = rows.get(row["table_name"], 0)
            if row["row_count"] and total:
                found += judge(source, row, total, contract[row["table_name"]])
    for row in _of(measures, "nulls"):
        found += _range(row, now)
    return found + _rejections(measures, rows)


def _of(measures: pl.DataFrame, name: str) -> list[dict]:
    return measures.filter(measure_name=name).sort("table_name", "subject").to_dicts()


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} rows ({count / total:.1%})"


def _where(source: str, row: dict) -> str:
    return f"for example rows {row['places']} of stg_{source}__{row['table_name']}"


def _nulls(source: str, row: dict, total: int, table: ContractTable) -> list[Finding]:
    column, count = row["subject"], row["row_count"]
    if not table.columns[column].is_required:
        empty = f"{table.name}.{column} is null in every row"
        return [Finding(empty, must_mend=False)] if count == total else []
    return [
        Finding(
            f"{table.name}.{column} is missing or cannot be read in {_share(count, total)},"
            f" {_where(source, row)}",
            "look at these rows in the raw file: another date format, decimal sign or name?",
            must_mend=count / total >= MANY_SHARE,
        )
    ]


def _unmatched(source: str, row: dict, total: int, table: ContractTable) -> list[Finding]:
    column, count = row["subject"], row["row_count"]
    parent = f"{column.removesuffix('_id')}s"
    is_item = column == "item_id"
    return [
        Finding(
            f"{table.name}.{column} is not in {parent} in {_share(count, total)}, {_where(source, row)}",
            f"compare how both write {column}: leading zeros, blanks, capitals, another id?",
            must_mend=count == total or (is_item and count / total >= MANY_SHARE),
        )
    ]


def _repeated(source: str, row: dict, total: int, table: ContractTable) -> list[Finding]:
    return [
        Finding(
            f"{table.name}: {_share(row['row_count'], total)} repeat {row['subject']}, {_where(source, row)}",
            "number equal rows by copy_number, and an item that stands twice on an order by line_number",
        )
    ]


def _range(row: dict, now: datetime) -> list[Finding]:
    if row["first_time"] is None:
        return []
    name = f"{row['table_name']}.{row['subject']}"
    first, last = (datetime.fromisoformat(row[edge]) for edge in ("first_time", "last_time"))
    found = [Finding(f"{name} runs from {row['first_time']} to {row['last_time']}", must_mend=False)]
    if first.year < FIRST_YEAR:
        found.append(Finding(f"{name} begins in {first.year}", "is it read in the right format and unit?"))
    if last > now + timedelta(days=1) and row["subject"].endswith("_at") and "promised" not in name:
        found.append(Finding(f"{name} ends in the future", "is it read in the right format and time zone?"))
    return found


def _rejections(measures: pl.DataFrame, rows: Mapping[str, int]) -> list[Finding]:
    own = {(row["table_name"], row["subject"]) for row in _of(measures, "own_reason")}
    found, rejected = [], dict.fromkeys(rows, 0)
    for row in _of(measures, "rejected"):
        table, reason, count = row["table_name"], row["subject"], row["row_count"]
        total = rows.get(table, 0)
        if not total:
            continue
        rejected[table] += count
        is_asked_for = (table, reason) in own or reason in ASKED_FOR
        found.append(
            Finding(
                f"core would reject {_share(count, total)} of {table} as {reason}",
                must_mend=not is_asked_for and count / total >= MANY_SHARE,
            )
        )
    return found + [
        Finding(f"core would reject every row of {table}", "mend what is named above")
        for table, count in rejected.items()
        if rows[table] and count >= rows[table]
    ]
