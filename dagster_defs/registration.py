"""Where a source is registered in `dbt_project.yml`: lines of text, so that comments and layout stay.

Three places: its adapter under `vars`, and one switch each under `models` and `sources`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from dagster_defs.paths import PROJECT_ROOT
from python_ml.errors import SettingError

PROJECT_FILE = PROJECT_ROOT / "dbt_project.yml"
_ADAPTERS = ("vars", "adapters")
_SWITCHES = (("models", "shoal", "staging"), ("sources", "shoal", "staging"))


def registered(project: str, *, source: str, currency: str, time_zone: str, tables: Sequence[str]) -> str:
    """The text of `dbt_project.yml` with one source more.

    Args:
        project: the text as it is.
        source, currency, time_zone, tables: of the new source.

    Raises:
        SettingError: the source is there already, or the file is not laid out as expected.
    """
    if missing_places(project, source) != [*map(_spelled, (_ADAPTERS, *_SWITCHES))]:
        raise SettingError(
            f"the source {source!r} is registered already",
            where=PROJECT_FILE.name,
            remedy="choose another NAME, or take those lines out first",
        )
    switch = [f"{source}:", f"  +enabled: {_switch(project, source)}"]
    changed = _inserted(
        project,
        _ADAPTERS,
        [
            f"{source}:",
            f"  currency: {currency}",
            f"  time_zone: {time_zone}",
            f"  tables: [{', '.join(tables)}]",
        ],
    )
    for path in _SWITCHES:
        changed = _inserted(changed, path, switch)
    if missing_places(changed, source):
        raise _unexpected(_spelled(_ADAPTERS))
    return changed


def missing_places(project: str, source: str) -> list[str]:
    """Where in `dbt_project.yml` a source is not registered, in words such as "vars: adapters:"."""
    document = yaml.safe_load(project)
    return [_spelled(path) for path in (_ADAPTERS, *_SWITCHES) if source not in (_at(document, path) or {})]


def adapter_of(project: str, source: str) -> dict[str, Any]:
    """What `dbt_project.yml` says of a source; nothing where it is not registered."""
    return dict((_at(yaml.safe_load(project), _ADAPTERS) or {}).get(source) or {})


def wrong_switches(project: str, source: str) -> list[str]:
    """The places whose switch does not name the source, so that it would be on or off at the wrong time."""
    document = yaml.safe_load(project)
    entries = {path: (_at(document, path) or {}).get(source) for path in _SWITCHES}
    return [
        _spelled(path)
        for path, entry in entries.items()
        if entry is not None and f"== '{source}'" not in str(entry.get("+enabled", ""))
    ]


def _switch(project: str, source: str) -> str:
    default = yaml.safe_load(project)["vars"]["source"]
    return f"\"{{{{ var('every_source', var('source', '{default}') == '{source}') }}}}\""


def _spelled(path: Sequence[str]) -> str:
    return " ".join(f"{key}:" for key in path)


def _at(document: Any, path: Sequence[str]) -> Any:
    for key in path:
        document = (document or {}).get(key)
    return document


def _inserted(project: str, path: Sequence[str], entry: Sequence[str]) -> str:
    """The text with an entry more at the end of the block that a path of keys leads to."""
    lines = project.splitlines()
    place, indent = 0, -1
    for key in path:
        place = next(
            (
                n
                for n in range(place, len(lines))
                if lines[n].strip() == f"{key}:" and _indent(lines[n]) == indent + 1 + (indent >= 0)
            ),
            -1,
        )
        if place < 0:
            raise _unexpected(_spelled(path))
        indent, place = _indent(lines[place]), place + 1
    end = last = place
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
        last = end if lines[end - 1].strip() else last
    return "\n".join([*lines[:last], *(" " * (indent + 2) + line for line in entry), *lines[last:]]) + "\n"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _unexpected(place: str) -> SettingError:
    return SettingError(
        f"the block `{place}` was not found",
        where=PROJECT_FILE.name,
        remedy="put that file back as it was in git, or register the source by hand",
    )


def read_project(file: Path = PROJECT_FILE) -> str:
    return file.read_text(encoding="utf-8")
