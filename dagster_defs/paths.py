"""Where everything lives, relative to the project root; nothing here creates a file."""

from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PROFILES_DIR = PROJECT_ROOT / "profiles"
SETTINGS_FILE = PROFILES_DIR / "settings.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPaths:
    """The files of one shop under `var/` (or under the folder named by SHOAL_VAR)."""

    root: Path
    source: str

    @property
    def folder(self) -> Path:
        return self.root / self.source

    @property
    def warehouse(self) -> Path:
        """The working file: one process writes, nobody else reads."""
        return self.folder / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The copy that readers open; replaced whole, never written in place."""
        return self.folder / "published.duckdb"

    @property
    def repaired(self) -> Path:
        """Raw files without their malformed lines; there only while some file holds such lines."""
        return self.folder / "raw"

    @property
    def run_log(self) -> Path:
        """What dbt printed in the last run started from a terminal."""
        return self.folder / "run.log"

    @property
    def dbt_target(self) -> Path:
        """What dbt compiles for this source; a folder each, so that changing sources parses nothing anew."""
        return self.folder / "dbt"

    @property
    def manifest(self) -> Path:
        return self.dbt_target / "manifest.json"

    @property
    def models(self) -> Path:
        """Fitted models, a folder per model version."""
        return self.folder / "models"

    @property
    def checkpoints(self) -> Path:
        """Trainings that were interrupted, a folder per step; there only until the step has succeeded."""
        return self.folder / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """Learning curves, a folder per day and model version; there only where TensorBoard is installed."""
        return self.folder / "tensorboard"

    @property
    def dagster_home(self) -> Path:
        return self.root / "dagster"
