"""Settings: what a profile and the environment may say, and what they may not."""

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from dagster_defs.settings import load_settings
from python_ml.errors import SettingError


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(
        '[full]\nsource = "complete_journey"\ndevice = "auto"\nseed = 3\n[full.embedding]\nmax_tokens = 64\n'
    )
    return file


def test_profile_values_arrive(settings_file: Path):
    settings = load_settings({}, file=settings_file)
    assert (settings.source, settings.device, settings.seed) == ("complete_journey", "auto", 3)
    assert settings.embedding.max_tokens == 64
    assert settings.dbt_vars() == {"source": "complete_journey", "is_run": True}


def test_environment_overrides_the_profile(settings_file: Path, tmp_path: Path):
    settings = load_settings(
        {
            "SHOAL_SOURCE": "my_shop",
            "SHOAL_DEVICE": "cpu",
            "SHOAL_AS_OF_DATE": "2017-11-01",
            "SHOAL_DATA": str(tmp_path),
            "SHOAL_VAR": str(tmp_path / "var"),
        },
        file=settings_file,
    )
    assert (settings.source, settings.device, settings.as_of_date) == ("my_shop", "cpu", date(2017, 11, 1))
    assert settings.data_folder == tmp_path
    assert settings.paths.published == tmp_path / "var" / "my_shop" / "published.duckdb"
    assert settings.dbt_vars() == {"source": "my_shop", "is_run": True, "as_of_date": "2017-11-01"}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("2017-11-01", "2017-11-01", "2017-11-01"), ("2017-11-01..2017-12-31", "2017-11-01", "2017-12-31")],
)
def test_a_back_fill_is_a_day_or_a_span_of_days(settings_file: Path, text: str, first: str, last: str):
    settings = load_settings({"SHOAL_BACKFILL": text}, file=settings_file)
    assert settings.dbt_vars() == {
        "is_run": True,
        "source": "complete_journey",
        "backfill_from": first,
        "backfill_to": last,
    }


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SHOAL_PROFILE": "fast"}, "'fast'"),
        ({"SHOAL_AS_OF_DATE": "1 Nov"}, "'1 Nov'"),
        ({"SHOAL_SAUCE": "olist"}, "SHOAL_SAUCE"),
        ({"SHOAL_BACKFILL": "2017-11-01..soon"}, "'soon'"),
        ({"SHOAL_BACKFILL": "2017-11-02..2017-11-01"}, "ends on 2017-11-01"),
    ],
)
def test_wrong_variables_are_named(settings_file: Path, environment: dict[str, str], named: str):
    with pytest.raises(SettingError, match=named) as caught:
        load_settings(environment, file=settings_file)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("[full.embedding]\nmax_token = 64", "'max_token'"),
        ("[full.embeddings]\nmax_tokens = 64", "'embeddings'"),
        ("colour = 3", "'colour'"),
        ('seed = "three"', "'three'"),
        ("seed = ", "not valid TOML"),
    ],
)
def test_unknown_keys_and_wrong_types_are_named(tmp_path: Path, line: str, named: str):
    file = tmp_path / "settings.toml"
    seed = "" if line.startswith("seed") else "seed = 0\n"
    file.write_text(f'[full]\nsource = "a"\ndevice = "auto"\n{seed}{line}\n')
    with pytest.raises(SettingError, match=named):
        load_settings({}, file=file)


@pytest.mark.parametrize("profile", ["full", "dev"])
def test_shipped_profiles_load(profile: str):
    settings = load_settings({"SHOAL_PROFILE": profile})
    assert all(
        dataclasses.is_dataclass(part)
        for part in (settings.embedding, settings.cohorts, settings.recommender)
    )


def test_the_address_of_mlflow_is_read_and_not_printed():
    settings = load_settings({"MLFLOW_TRACKING_URI": "http://user:secret@host"})
    assert settings.tracking_uri == "http://user:secret@host"
    assert "secret" not in repr(settings)
    assert load_settings({"MLFLOW_TRACKING_URI": ""}).tracking_uri is None
