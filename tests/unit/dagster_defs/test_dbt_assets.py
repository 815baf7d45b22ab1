from pathlib import Path

import pytest

from dagster_defs.dbt_assets import raise_when_failed
from dagster_defs.resources import dbt_resource
from python_ml.errors import BuildError


def test_what_dbt_said_is_told_when_no_model_was_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As when somebody breaks a YAML file while a run goes on."""
    monkeypatch.setenv("SHOAL_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("SHOAL_DATA", str(tmp_path))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path))
    arguments = ["build", "--select", "no_such_method:orders", "--vars", "{source: simulated}"]
    invocation = dbt_resource().cli(arguments, raise_on_error=False, target_path=tmp_path)
    list(invocation.stream_raw_events())
    with pytest.raises(BuildError, match="'no_such_method' is not a valid method name"):
        raise_when_failed(invocation)
