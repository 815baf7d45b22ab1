"""The settings of a run: one profile of `profiles/settings.toml`, overridden by SHOAL_* variables.

This is the one place that reads the environment.
"""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dagster_defs.paths import PROJECT_ROOT, SETTINGS_FILE, ShopPaths
from python_ml.config import (
    CohortConfig,
    DescribeConfig,
    EmbeddingConfig,
    FineTuningConfig,
    InterestConfig,
    RecommenderConfig,
    SentimentConfig,
    TopicConfig,
)
from python_ml.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run may vary.

    Attributes:
        source: name of the shop's adapter, a folder of `models/staging/`.
        device: "auto", "cpu", "cuda", "cuda:<n>" or "mps".
        seed: seed of every random choice.
        as_of_date: features see only events before this date; None means the day after the last event.
        data: folder of the raw files; None means `var/raw/<source>`.
        var: folder that holds everything a run makes.
        memory_limit: what DuckDB may keep in memory, such as "8GB"; None is its own limit.
        full_refresh: whether dbt builds incremental tables anew.
        backfill: first and last day whose events are built again, and no others; None means the newest days.
        pseudonym_key: secret that ids are hashed with; None means the installation's own. Never printed.
        tracking_uri: where MLflow keeps evaluations; None means nowhere. Not printed: may hold a password.
        embedding, finetuning, cohorts, describe, interests, recommender, sentiment, topics: knobs of the
            Python steps.
    """

    source: str
    device: str
    seed: int
    as_of_date: date | None = None
    data: Path | None = None
    var: Path = PROJECT_ROOT / "var"
    memory_limit: str | None = None
    full_refresh: bool = False
    backfill: tuple[date, date] | None = None
    pseudonym_key: str | None = dataclasses.field(default=None, repr=False)
    tracking_uri: str | None = dataclasses.field(default=None, repr=False)
    embedding: EmbeddingConfig
    finetuning: FineTuningConfig
    cohorts: CohortConfig
    describe: DescribeConfig
    interests: InterestConfig
    recommender: RecommenderConfig
    sentiment: SentimentConfig
    topics: TopicConfig

    def __post_init__(self) -> None:
        if self.embedding.adapter is not None and self.finetuning.objectives:
            raise SettingError(
                "the encoder has an adapter, and is to learn another",
                where="settings, adapter under [embedding] and objectives under [finetuning]",
                remedy="leave one of them out",
            )

    @property
    def paths(self) -> ShopPaths:
        return ShopPaths(root=self.var, source=self.source)

    @property
    def data_folder(self) -> Path:
        return self.data or PROJECT_ROOT / "var" / "raw" / self.source

    @property
    def key_file(self) -> Path:
        """The key of this installation, for all shops; outside every warehouse."""
        return self.var / "pseudonym.key"

    def dbt_vars(self) -> dict[str, str | bool]:
        """The variables every dbt command of this run gets."""
        variables: dict[str, str | bool] = {"source": self.source, "is_run": True}
        if self.as_of_date is not None:
            variables["as_of_date"] = self.as_of_date.isoformat()
        if self.backfill is not None:
            first, last = self.backfill
            variables |= {"backfill_from": first.isoformat(), "backfill_to": last.isoformat()}
        return variables


_SECTIONS = {
    "embedding": EmbeddingConfig,
    "finetuning": FineTuningConfig,
    "cohorts": CohortConfig,
    "describe": DescribeConfig,
    "interests": InterestConfig,
    "recommender": RecommenderConfig,
    "sentiment": SentimentConfig,
    "topics": TopicConfig,
}
_SCALARS = {"source": str, "device": str, "seed": int}
KEY_VARIABLE = "SHOAL_PSEUDONYM_KEY"
MIN_KEY_LENGTH = 32
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"  # MLflow's own name for it


def load_settings(environment: Mapping[str, str] | None = None, *, file: Path = SETTINGS_FILE) -> Settings:
    """Read the profile named by SHOAL_PROFILE and apply the other SHOAL_* variables.

    Args:
        environment: variables to read; the process's own when None.
        file: the TOML file with a table for each profile.

    Raises:
        SettingError: a profile, key, value or variable is not known or has the wrong type.
    """
    environment = os.environ if environment is None else environment
    _refuse_unknown_variables(environment)
    profile = environment.get("SHOAL_PROFILE", "full")
    table = _read_profile(file, profile)
    where = f"{file.name}, table [{profile}]"
    scalars = {name: _typed(table.pop(name, None), kind, name, where) for name, kind in _SCALARS.items()}
    sections = {name: _section(table.pop(name, {}), kind, name, where) for name, kind in _SECTIONS.items()}
    if table:
        raise _unknown_key(next(iter(table)), where, [*_SCALARS, *_SECTIONS])
    settings = Settings(**scalars, **sections)
    return _override(settings, environment)


# The last two are read by profiles.yml alone.
_VARIABLES = (
    *("PROFILE", "SOURCE", "DEVICE", "AS_OF_DATE", "DATA", "VAR", "PSEUDONYM_KEY", "MEMORY_LIMIT"),
    *("FULL_REFRESH", "BACKFILL", "WAREHOUSE", "DBT_THREADS"),
)


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    known = {f"SHOAL_{name}" for name in _VARIABLES}
    for name in environment:
        if name.startswith("SHOAL_") and name not in known:
            raise SettingError(
                f"unknown variable {name}",
                where="the environment",
                remedy=f"unset it, or use one of {', '.join(sorted(known))}",
            )


def _read_profile(file: Path, profile: str) -> dict[str, Any]:
    try:
        profiles = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingError(
            "the settings file is missing", where=str(file), remedy="restore it from git"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"not valid TOML: {error}", where=str(file), remedy="correct that line") from error
    if profile not in profiles:
        raise SettingError(
            f"unknown profile {profile!r}",
            where="SHOAL_PROFILE",
            remedy=f"use one of {', '.join(sorted(profiles))}",
        )
    return dict(profiles[profile])


def _typed(value: Any, kind: type, name: str, where: str) -> Any:
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise SettingError(
        f"{name} = {value!r} is not of type {kind.__name__}",
        where=where,
        remedy=f"give {name} a {kind.__name__}",
    )


def _section(values: Any, kind: type, name: str, where: str) -> Any:
    where = f"{where[:-1]}.{name}]"
    if not isinstance(values, dict):
        raise SettingError(f"{name} is not a table", where=where, remedy=f"write its keys under {where}")
    fields = {field.name for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise _unknown_key(key, where, sorted(fields))
    lists_as_tuples = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    return kind(**lists_as_tuples)


def _unknown_key(key: str, where: str, known: list[str]) -> SettingError:
    return SettingError(f"unknown setting {key!r}", where=where, remedy=f"use one of {', '.join(known)}")


def _override(settings: Settings, environment: Mapping[str, str]) -> Settings:
    changes: dict[str, Any] = {}
    for variable, field in (("SHOAL_SOURCE", "source"), ("SHOAL_DEVICE", "device")):
        if environment.get(variable):
            changes[field] = environment[variable]
    for variable, field in (("SHOAL_DATA", "data"), ("SHOAL_VAR", "var")):
        if environment.get(variable):
            changes[field] = Path(environment[variable]).expanduser().resolve()
    if environment.get("SHOAL_MEMORY_LIMIT"):
        changes["memory_limit"] = environment["SHOAL_MEMORY_LIMIT"]
    if environment.get("SHOAL_FULL_REFRESH"):
        changes["full_refresh"] = environment["SHOAL_FULL_REFRESH"] != "0"
    if environment.get(TRACKING_VARIABLE):
        changes["tracking_uri"] = environment[TRACKING_VARIABLE]
    if KEY_VARIABLE in environment:
        changes["pseudonym_key"] = _checked_key(environment[KEY_VARIABLE])
    if environment.get("SHOAL_AS_OF_DATE"):
        changes["as_of_date"] = _parse_date(environment["SHOAL_AS_OF_DATE"], "SHOAL_AS_OF_DATE")
    if environment.get("SHOAL_BACKFILL"):
        changes["backfill"] = parse_backfill(environment["SHOAL_BACKFILL"])
    return dataclasses.replace(settings, **changes)


def _checked_key(text: str) -> str:
    """An empty key is refused too: a secret that did not arrive must not pass for none."""
    key = text.strip()
    if len(key) < MIN_KEY_LENGTH:
        raise SettingError(
            f"the key that hashes ids has {len(key)} characters, fewer than {MIN_KEY_LENGTH}",
            where=KEY_VARIABLE,
            remedy="give it a long random secret, such as what `openssl rand -hex 32` prints, or unset it",
        )
    return key


def parse_backfill(text: str) -> tuple[date, date]:
    """First and last day of "2017-03-01" or "2017-03-01..2017-03-31".

    Raises:
        SettingError: one of them is no date, or the last is before the first.
    """
    days = [_parse_date(day, "SHOAL_BACKFILL") for day in text.split("..", 1)]
    if days[-1] < days[0]:
        raise SettingError(
            f"the back-fill ends on {days[-1]}, before it begins on {days[0]}",
            where="SHOAL_BACKFILL",
            remedy="write the earlier day first, as in 2017-03-01..2017-03-31",
        )
    return days[0], days[-1]


def _parse_date(text: str, variable: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingError(
            f"{text!r} is not a date", where=variable, remedy="write it as YYYY-MM-DD"
        ) from error
