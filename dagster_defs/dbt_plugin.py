"""What dbt's sessions in DuckDB know beyond SQL: the pads of the key that hashes ids, and functions on text.

profiles.yml names this module, and dbt-duckdb calls it for every connection. The pads are session variables:
they stand in no compiled SQL, no log and no file, and whoever opens the warehouse later does not have them.
"""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from dagster_defs.pseudonyms import key_warning, load_key
from dagster_defs.settings import load_settings
from python_ml.errors import ShoalError
from python_ml.privacy.clean import clean_texts
from python_ml.privacy.mask import mask_texts
from python_ml.privacy.pseudonym import fingerprint, pads

TEXT_FUNCTIONS = {"shoal_clean_text": clean_texts, "shoal_mask_personal": mask_texts}


class Plugin(BasePlugin):
    """dbt-duckdb looks for a class of this name."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        try:
            settings = load_settings()
            key = load_key(settings)
        except ShoalError as error:
            raise DbtRuntimeError(str(error)) from error
        self._warning = key_warning(settings)
        self._memory_limit = settings.memory_limit
        inner, outer = pads(key)
        self._variables = {
            "shoal_inner_pad": inner,
            "shoal_outer_pad": outer,
            "shoal_key_fingerprint": fingerprint(key),
        }

    def configure_connection(self, conn: Any) -> None:
        """Once a process: functions are known to all its sessions, and lost with it."""
        if self._memory_limit is not None:
            conn.execute("set memory_limit = ?", [self._memory_limit])
        for name, function in TEXT_FUNCTIONS.items():
            conn.create_function(
                name, function, ["VARCHAR"], "VARCHAR", type="arrow", null_handling="special"
            )
        if self._warning is not None:
            AdapterLogger("Shoal").warning(self._warning)

    def configure_cursor(self, cursor: Any) -> None:
        """Once a thread and more: variables belong to a session."""
        for name, value in self._variables.items():
            cursor.execute(f"set variable {name} = ?", [value])
