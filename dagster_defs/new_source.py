"""`make new-source`: a first draft of a source's folder, from a look at its files.

It writes `models/staging/<source>/` and registers the source in `dbt_project.yml`; it never changes a source
that is there. `make check-source` then says what is left to do, docs/bring-your-own-shop.md how.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from zoneinfo import available_timezones

from dagster_defs.column_guesses import guess_tables
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.raw_samples import RawSample, named_folder, pattern_of, sample_folder
from dagster_defs.registration import PROJECT_FILE, read_project, registered
from dagster_defs.shop_contract import shop_contract
from dagster_defs.source_skeleton import View, models_yml, sources_yml, views_of
from python_ml.errors import SettingError, ShoalError

STAGING = PROJECT_ROOT / "models" / "staging"
TAKEN = ("shop", "ml")  # the contract, and what Python writes
DEFAULT_CURRENCY = "EUR"
DEFAULT_TIME_ZONE = "UTC"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the draft and say what it is; 0 when it was written, 1 with one clear message otherwise."""
    given = _arguments(arguments)
    try:
        check_name(given.name)
        samples = sample_folder(named_folder(given.data))
        currency = _checked_currency(
            _ask(given.currency, "Currency of all amounts (ISO 4217)", DEFAULT_CURRENCY)
        )
        zone = _ask(given.time_zone, "Time zone of the shop's clock (as in Europe/Berlin)", DEFAULT_TIME_ZONE)
        _write(given.name, given.data, samples, currency, _checked_zone(zone))
    except ShoalError as error:
        sys.stderr.write(f"\nNothing was written: {error}\n")
        return 1
    return 0


def check_name(name: str) -> None:
    """Refuse a name that cannot be a source, or is one.

    Raises:
        SettingError: not lower case letters, digits and single underscores, or taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise SettingError(
            f"{name!r} cannot be the name of a source",
            where="NAME",
            remedy="use lower case letters, digits and single underscores, as in my_shop",
        )
    if name in TAKEN or (STAGING / name).exists():
        raise SettingError(
            f"there is a source {name!r} already",
            where=f"models/staging/{name}",
            remedy="choose another NAME",
        )


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make new-source", description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, help="of the source: a folder of models/staging/")
    parser.add_argument("--data", required=True, help="folder with its files")
    parser.add_argument("--currency", default="", help="ISO 4217 code of all amounts")
    parser.add_argument(
        "--time-zone", default="", help="of the clock on the shop's wall, as in Europe/Berlin"
    )
    return parser.parse_args(arguments)


def _ask(given: str, question: str, default: str) -> str:
    """What was given, what a person at the terminal answers, or the default."""
    if given or not sys.stdin.isatty():
        return given or default
    return input(f"{question} [{default}]: ").strip() or default


def _checked_currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise SettingError(
            f"{text!r} is no currency", where="CURRENCY", remedy="write its ISO 4217 code, such as EUR or USD"
        )
    return text


def _checked_zone(text: str) -> str:
    if text not in available_timezones():
        raise SettingError(
            f"{text!r} is no time zone", where="TIME_ZONE", remedy="write it as in Europe/Berlin, or UTC"
        )
    return text


def _write(source: str, data: str, samples: list[RawSample], currency: str, zone: str) -> None:
    contract = shop_contract()
    guesses = guess_tables(samples, contract)
    views = views_of(source, samples, guesses, contract)
    tables = [view.table.name for view in views]
    project = registered(read_project(), source=source, currency=currency, time_zone=zone, tables=tables)
    folder = STAGING / source
    files = {f"_{source}__sources.yml": sources_yml(source, samples, guesses)}
    if views:
        files[f"_{source}__models.yml"] = models_yml(source, views)
    files |= {f"stg_{source}__{view.table.name}.sql": view.sql for view in views}
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    PROJECT_FILE.write_text(project, encoding="utf-8")
    sys.stdout.write(_report(source, data, samples, views, currency, zone))


def _report(
    source: str, data: str, samples: Sequence[RawSample], views: Sequence[View], currency: str, zone: str
) -> str:
    lines = [
        f"\nWritten: models/staging/{source}/, registered in dbt_project.yml ({currency}, {zone})",
        "",
        "Raw tables",
    ]
    for sample in samples:
        lines.append(f"  {sample.name:<28} {_shape(sample)}")
    lines += ["", "Views"]
    for view in views:
        left = f"; to fill in: {', '.join(view.missing)}" if view.missing else ""
        lines.append(f"  stg_{source}__{view.table.name:<20} {len(view.delivered)} columns guessed{left}")
    unread = [
        sample.name
        for sample in samples
        if not any(f"source('{source}', '{sample.name}')" in view.sql for view in views)
    ]
    if unread:
        lines += [
            "",
            f"Not recognised, so no view reads them: {', '.join(unread)}",
            "  Write the views that are missing; or give the files names that say what they hold, such as",
            "  users, items, order_lines and orders, and begin again: a view is then drafted for each.",
        ]
    lines += [
        "",
        "These are guesses from names and first rows. Read each view, then:",
        f"  make check-source SOURCE={source} DATA={data}",
        "",
    ]
    return "\n".join(lines)


def _shape(sample: RawSample) -> str:
    files = f", {len(sample.paths)} files" if len(sample.paths) > 1 else ""
    names = f"{pattern_of(sample)}{files}, {len(sample.columns)} columns"
    if sample.cuts:
        return f"fixed width, {len(sample.cuts)} fields: name them in the view"
    if sample.file_format == "lines":
        return "lines of text: cut them with substring in the view"
    if not sample.has_header:
        return f"{names}, no names in the first line: give them in `names = [...]` of the YAML"
    return names


if __name__ == "__main__":
    sys.exit(main())
