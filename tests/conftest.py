"""Shared by all tests: the project parsed once, and nothing of the caller's own settings."""

import os
from pathlib import Path

import pytest

from tests.shops import REAL_FILES, TestShop, cut_down

for name in [name for name in os.environ if name.startswith("SHOAL_")]:
    del os.environ[name]
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """dbt's manifest of the project as it is now."""
    from dagster_defs.dbt_assets import load_manifest
    from dagster_defs.prepare import link_demo_files, parse_dbt
    from dagster_defs.resources import point_dbt_at
    from dagster_defs.settings import load_settings

    os.environ["SHOAL_VAR"] = str(tmp_path_factory.mktemp("var"))  # where build_defs() looks for it
    settings = load_settings()
    link_demo_files(settings.data_folder)
    point_dbt_at(settings)
    parse_dbt(settings)
    return load_manifest(settings.paths.manifest)


@pytest.fixture(scope="session")
def project_root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of 40 real households."""
    return cut_down(tmp_path_factory.mktemp("small") / "files", households=40)


@pytest.fixture(scope="session")
def built_shop(small_files: Path, tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """The small shop after one whole run; tests that change it must copy its var folder."""
    shop = TestShop(data=small_files, var=tmp_path_factory.mktemp("built"))
    done = shop.run()
    assert done.returncode == 0, done.stderr[-4000:]
    return shop


@pytest.fixture
def empty_shop(small_files: Path, tmp_path: Path) -> TestShop:
    """The small shop before any run."""
    return TestShop(data=small_files, var=tmp_path / "var")


@pytest.fixture
def real_shop(tmp_path: Path) -> TestShop:
    """The whole grocer, before any run."""
    return TestShop(data=REAL_FILES, var=tmp_path / "var")
