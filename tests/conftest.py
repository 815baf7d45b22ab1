"""Shared by all tests: the project parsed once, and nothing of the caller's own settings."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.shops import REAL_FILES, TestShop, cut_down

for name in [name for name in os.environ if name.startswith("SHOAL_")]:
    del os.environ[name]
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")

# How long an example takes depends on what else the machine does: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker to need it makes, while the other waits."""
    finished = folder.with_suffix(".finished")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a worker that failed has left
            make(folder)
            finished.touch()
    return folder


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
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder for both workers of pytest-xdist, each of which has its own beneath it."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def small_files(shared_folder: Path) -> Path:
    """Raw files of 40 real households."""
    return made_once(shared_folder / "small_files", lambda folder: cut_down(folder, households=40))


@pytest.fixture(scope="session")
def built_shop(small_files: Path, shared_folder: Path) -> TestShop:
    """The small shop after one whole run, to be read alone: tests that write to it must copy it first."""

    def run(var: Path) -> None:
        done = TestShop(data=small_files, var=var).run()
        assert done.returncode == 0, done.stderr[-4000:]

    return TestShop(data=small_files, var=made_once(shared_folder / "built", run))


@pytest.fixture
def empty_shop(small_files: Path, tmp_path: Path) -> TestShop:
    """The small shop before any run."""
    return TestShop(data=small_files, var=tmp_path / "var")


@pytest.fixture
def real_shop(tmp_path: Path) -> TestShop:
    """The whole grocer, before any run."""
    return TestShop(data=REAL_FILES, var=tmp_path / "var")
