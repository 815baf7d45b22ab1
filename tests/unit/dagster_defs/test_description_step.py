"""The step that describes cohorts: what it reads, writes and shows, and when it has nothing to do."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import polars as pl
import pytest

from dagster_defs.contracts import ml_contracts
from dagster_defs.ml_assets import describe
from dagster_defs.ml_assets.step import UNCHANGED
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse
from python_ml.config import DescribeConfig
from python_ml.describe.language_model import Answer
from python_ml.errors import ModelError
from tests.unit.describe.profiles import PROFILE, RULE

STAMP = {"model_version": "v", "as_of_date": date(2024, 2, 1)}


class StubShop:
    """A shop of one warehouse file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.describe = DescribeConfig()

    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(describe=self.describe, device="cpu")

    def warehouse(self) -> Warehouse:
        return Warehouse(path=self.folder / "w.duckdb")


def as_contract(table: str, rows: list[dict]) -> pl.DataFrame:
    columns = ml_contracts()[table].columns
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns)


@pytest.fixture
def shop(tmp_path: Path) -> StubShop:
    shop = StubShop(tmp_path)
    with duckdb.connect(shop.warehouse().path) as connection:
        connection.execute("create schema features")
        connection.execute("create table features.as_of_dates as select date '2024-02-01' as as_of_date")
    users = [
        {"user_id": user, "cohort_id": cohort, "cohort_name": name, "cohort_method": "m"} | STAMP
        for user, cohort, name in (
            ("a", "c1", "Small-basket fuel shoppers"),
            ("b", "c1", "Small-basket fuel shoppers"),
            ("c", "c2", "Other shoppers"),
        )
    ]
    rank = {"attribute_rank": 1} | STAMP
    shop.warehouse().replace(
        {
            "user_cohorts": as_contract("user_cohorts", users),
            "cohort_profiles": as_contract("cohort_profiles", [row | rank for row in PROFILE]),
            "cohort_rules": as_contract(
                "cohort_rules", [RULE | {"held_out_user_count": 9, "is_simple": True} | STAMP]
            ),
        }
    )
    return shop


def materialise(shop: StubShop) -> dg.MaterializeResult:
    (result,) = describe._build(dg.build_asset_context(), shop)
    return result


def written(shop: StubShop) -> pl.DataFrame:
    return shop.warehouse().read("ml", "cohort_descriptions")


def test_what_is_written_and_shown(shop: StubShop):
    result = materialise(shop)
    (row,) = written(shop).rows(named=True)
    assert (row["cohort_id"], row["description_source"], row["as_of_date"]) == (
        "c1", "template", date(2024, 2, 1)
    )  # fmt: skip
    shown = result.metadata["descriptions"].value.splitlines()
    assert shown[2] == f"| Small-basket fuel shoppers | template | {row['description']} |"
    assert len(shown) == 3


def test_a_second_run_has_nothing_to_do(shop: StubShop):
    materialise(shop)
    assert materialise(shop).metadata["work done"] == UNCHANGED
    shop.describe = DescribeConfig(min_sd=0.5)
    assert "work done" not in materialise(shop).metadata


def test_a_model_is_loaded_when_one_is_set(shop: StubShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    loaded = []

    class LanguageModel:
        @classmethod
        def load(cls, folder: str, device, *, max_new_tokens: int) -> "LanguageModel":
            loaded.append((folder, str(device), max_new_tokens))
            return cls()

        def write(self, prompt: str) -> Answer:
            return Answer("They place 9.3 orders.")

    monkeypatch.setitem(
        sys.modules, "python_ml.describe.language_model", SimpleNamespace(LanguageModel=LanguageModel)
    )
    monkeypatch.setattr(describe, "language_model_name", lambda model: f"{model}#1")
    shop.describe = DescribeConfig(model="tiny", max_new_tokens=9)
    result = materialise(shop)
    assert loaded == [("tiny", "cpu", 9)]
    (row,) = written(shop).rows(named=True)
    assert (row["description_source"], row["language_model"]) == ("template", None)
    assert row["refused_text_reason"] == 'the text says "9.3", which is no number of the profile'
    assert '"9.3"' in result.metadata["refused texts"].value
    # Other weights in the same folder write other texts.
    monkeypatch.setattr(describe, "language_model_name", lambda model: f"{model}#2")
    assert "work done" not in materialise(shop).metadata


def test_no_model_is_loaded_where_no_cohort_has_a_profile(shop: StubShop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(describe, "language_model_name", lambda model: "tiny#1")
    monkeypatch.setattr(describe, "_load_writer", lambda *_: pytest.fail("loaded"))
    empty = {name: as_contract(name, []) for name in ("cohort_profiles", "cohort_rules")}
    shop.warehouse().replace(empty)
    shop.describe = DescribeConfig(model="tiny")
    materialise(shop)
    assert written(shop).is_empty()


def test_a_model_that_is_not_there_leaves_the_table_as_it_was(shop: StubShop):
    materialise(shop)
    before = written(shop)
    shop.describe = replace(shop.describe, model=str(shop.folder / "nowhere"))
    with pytest.raises(ModelError, match="the folder itself"):
        materialise(shop)
    assert written(shop).equals(before)


@pytest.mark.parametrize("profile", ["full", "dev"])
def test_no_model_is_set_as_it_comes(profile: str):
    assert load_settings({"SHOAL_PROFILE": profile}).describe.model is None
