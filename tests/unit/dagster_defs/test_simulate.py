"""The simulated shop as files: whole or not at all, and made where `make run` finds none."""

import dataclasses
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dagster_defs import prepare, simulate
from dagster_defs.settings import load_settings
from python_ml.simulator.config import SimulatorConfig

SMALL = SimulatorConfig(events=2_000)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_same_shop_is_the_same_bytes_on_disk(tmp_path: Path):
    simulate.write_shop(SMALL, tmp_path / "one")
    simulate.write_shop(SMALL, tmp_path / "two")
    one = files_of(tmp_path / "one")
    assert one == files_of(tmp_path / "two")
    assert {"users.csv", "items.parquet", "events/2024-01.parquet", "truth/uplift.parquet"} <= set(one)


def test_text_columns_are_read_as_text(tmp_path: Path):
    simulate.write_shop(SMALL, tmp_path / "shop")
    schema = pq.read_schema(tmp_path / "shop" / "events" / "2024-03.parquet")
    assert str(schema.field("visitor_id").type) == "string"
    assert str(schema.field("occurred_at").type) == "timestamp[us]"


def test_a_kill_leaves_the_old_shop(tmp_path: Path):
    folder = tmp_path / "shop"
    simulate.write_shop(SMALL, folder)
    before = files_of(folder)

    def killed(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate.write_shop(dataclasses.replace(SMALL, seed=9), folder, killed)
    assert files_of(folder) == before
    simulate.write_shop(dataclasses.replace(SMALL, seed=9), folder)
    assert files_of(folder) != before
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_somebody_elses_folder_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    (tmp_path / "thesis.txt").write_text("all of it")
    monkeypatch.setattr(sys, "argv", ["simulate", "--events", "2000", "--out", str(tmp_path)])
    assert simulate.main() == 1
    assert "something other than a simulated shop" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "all of it"


def test_a_run_without_files_simulates_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[Path] = []
    monkeypatch.setattr(
        prepare, "simulate_default_shop", lambda folder: (made.append(folder), folder.mkdir())
    )
    monkeypatch.setattr(prepare, "parse_dbt", lambda settings: None)
    monkeypatch.setattr(prepare, "point_dbt_at", lambda settings: None)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    folder = tmp_path / "raw"
    monkeypatch.setattr(type(settings := _settings(tmp_path)), "data_folder", property(lambda self: folder))
    prepare.prepare(settings)
    prepare.prepare(settings)
    assert made == [folder]
    prepare.prepare(dataclasses.replace(settings, data=tmp_path / "mine"))
    assert made == [folder]


def _settings(folder: Path):
    return dataclasses.replace(load_settings({"SHOAL_SOURCE": "simulated"}), var=folder / "var")
