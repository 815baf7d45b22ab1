import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import pytest

from dagster_defs.dbt_assets import ACQUISITION_COHORTS, _observe_retention, raise_when_failed
from dagster_defs.resources import dbt_resource
from dagster_defs.warehouse import Warehouse
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


def test_a_build_of_acquisition_cohorts_shows_their_retention(tmp_path: Path):
    """Only a build of that very model, and only if it has rows."""
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    shop = SimpleNamespace(warehouse=lambda: warehouse)
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("create schema serving")
        connection.execute(
            "create table serving.acquisition_cohorts (cohort_month date, cohort_month_number integer, "
            "user_count bigint, retention_share double)"
        )
    others = [dg.AssetKey(["serving", "rfm_segments"])]
    assert list(_observe_retention([*others, ACQUISITION_COHORTS], shop)) == []
    with duckdb.connect(warehouse.path) as connection:
        connection.execute(
            "insert into serving.acquisition_cohorts "
            "values ('2024-01-01', 0, 5, 1.0), ('2024-01-01', 1, 5, 0.4)"
        )
    assert list(_observe_retention(others, shop)) == []
    (seen,) = _observe_retention([*others, ACQUISITION_COHORTS], shop)
    assert seen.asset_key == ACQUISITION_COHORTS
    assert seen.metadata["retention"].value.startswith("![](data:image/png;base64,")


def test_definitions_load_without_a_drawing_library():
    code = "import sys; sys.modules['matplotlib'] = None; import dagster_defs.definitions"
    subprocess.run([sys.executable, "-c", code], check=True)
