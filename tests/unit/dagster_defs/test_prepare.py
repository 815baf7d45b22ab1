"""Preparing a run: dbt parses when something it reads has changed, and only then."""

import dataclasses
import os
from datetime import date
from pathlib import Path

import pytest
import yaml

from dagster_defs import prepare
from dagster_defs.settings import Settings, load_settings
from python_ml.errors import BuildError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = dataclasses.replace(load_settings({}), var=tmp_path / "var", data=tmp_path / "data")
    settings.paths.dbt_target.mkdir(parents=True)
    return settings


@pytest.fixture
def parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """A project of one model, and every parse that was really done."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "users.sql").write_text("select 1")
    (tmp_path / "dbt_project.yml").write_text("name: shoal")
    done: list[Settings] = []

    def parse(settings: Settings) -> None:
        if (tmp_path / "broken").exists():
            raise BuildError("broken", where="here", remedy="mend it")
        settings.paths.manifest.write_text("{}")
        done.append(settings)

    monkeypatch.setattr(prepare, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(prepare, "_run_dbt_parse", parse)
    return done


def test_the_same_project_is_parsed_once(settings: Settings, parses: list[Settings]):
    prepare.parse_dbt(settings)
    prepare.parse_dbt(settings)
    assert len(parses) == 1


def test_a_changed_file_setting_or_lost_manifest_is_parsed(
    settings: Settings, parses: list[Settings], tmp_path: Path
):
    prepare.parse_dbt(settings)
    (tmp_path / "models" / "users.sql").write_text("select 2")
    prepare.parse_dbt(settings)
    assert len(parses) == 2
    (tmp_path / "models" / "orders.sql").write_text("select 1")
    prepare.parse_dbt(settings)
    assert len(parses) == 3
    prepare.parse_dbt(dataclasses.replace(settings, as_of_date=date(2017, 11, 1)))
    assert len(parses) == 4
    prepare.parse_dbt(settings)
    settings.paths.manifest.unlink()
    prepare.parse_dbt(settings)
    assert len(parses) == 6


def test_a_failed_parse_is_tried_again(settings: Settings, parses: list[Settings], tmp_path: Path):
    prepare.parse_dbt(settings)
    (tmp_path / "broken").touch()
    (tmp_path / "models" / "users.sql").write_text("select")
    with pytest.raises(BuildError):
        prepare.parse_dbt(settings)
    (tmp_path / "broken").unlink()
    (tmp_path / "models" / "users.sql").write_text("select 1")
    prepare.parse_dbt(settings)
    assert len(parses) == 2


def test_only_the_newest_targets_stay(tmp_path: Path):
    for age in range(14):
        target = tmp_path / f"dbt_features-{age}"
        target.mkdir()
        (target / "dbt.log").touch()
        os.utime(target, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "manifest.json").touch()
    prepare.remove_old_targets(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "manifest.json",
        *(f"dbt_features-{age}" for age in range(10)),
    }


def test_every_folder_that_dbt_reads_is_looked_at(project_root: Path):
    read = yaml.safe_load((project_root / "dbt_project.yml").read_text())
    folders = {folder for key, value in read.items() if key.endswith("-paths") for folder in value}
    assert len(folders) >= 4
    assert folders - set(prepare.DBT_FOLDERS) == set()
