"""The steps of the recommender: what they keep while a training runs, and what they leave behind."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import polars as pl
import pytest

from dagster_defs.contracts import ml_contracts
from dagster_defs.ml_assets import recommender as step
from dagster_defs.ml_assets.step import checkpoint_folder, remove_checkpoints
from dagster_defs.paths import ShopPaths
from python_ml.recommender.sequence import train_sequence
from tests.unit.recommender.recommender_shop import (
    AS_OF,
    BUYERS,
    ITEMS,
    quick_config,
    rule_tables,
    shop_tables,
)

WRITTEN = (
    *("model_evaluations", "diversity_tradeoff", "recommendations", "similar_items", "item_audiences"),
    "session_recommendations",
)


class StubShop:
    """A shop whose tables are frames in memory."""

    def __init__(self, root: Path) -> None:
        rules = rule_tables()
        self.tables = shop_tables() | {
            "as_of_dates": pl.DataFrame({"as_of_date": [AS_OF]}),
            "business_rules_in_force": rules.business_rules_in_force,
            "business_rule_items": rules.business_rule_items,
            "user_ages": rules.user_ages,
            "audience_items_chosen": pl.DataFrame({"item_id": ITEMS[:1], "chosen_as": ["named"]}),
            "anonymous_session_acts": pl.DataFrame(
                {
                    "session_id": ["s1", "s1", "s2"],
                    "item_id": ["i03", "i04", "i06"],
                    "occurred_at": pl.Series(
                        [datetime(2024, 5, 31, hour) for hour in (1, 2, 3)], dtype=pl.Datetime("us")
                    ),
                }
            ),
            "contactable_users": pl.DataFrame({"user_id": BUYERS}),
        }
        for table in WRITTEN:
            self.tables[table] = pl.DataFrame(schema=ml_contracts()[table].columns)
        paths = ShopPaths(root=root, source="toy")
        self.values = SimpleNamespace(
            recommender=quick_config(), seed=0, device="cpu", paths=paths, tracking_uri=None
        )

    def settings(self) -> SimpleNamespace:
        return self.values

    def warehouse(self) -> "StubShop":
        return self

    def read(self, _schema: str, table: str, *, columns: list[str] | None = None) -> pl.DataFrame:
        return self.tables[table].select(columns or pl.all())

    def read_distinct(self, schema: str, table: str, *, columns: list[str]) -> pl.DataFrame:
        return self.read(schema, table, columns=columns).unique()

    def replace(self, tables: dict[str, pl.DataFrame]) -> None:
        self.tables |= tables

    def replace_in_parts(self, table: str, parts: Iterable[pl.DataFrame]) -> int:
        self.tables[table] = pl.concat(parts)
        return self.tables[table].height

    @property
    def checkpoints(self) -> list[str]:
        folder = self.values.paths.checkpoints
        return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.safetensors"))


class Log(logging.Handler):
    """Keeps lines; `stop_at` is the number of a transformer's epoch that is not survived."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.stop_at: int | None = None
        self.results: dict[str, dg.MaterializeResult] = {}

    def info(self, line: str) -> None:
        self.lines.append(line)
        if self.stop_at is not None and sum(": epoch" in each for each in self.lines) == self.stop_at:
            raise KeyboardInterrupt

    warning = info

    def of_epochs(self) -> list[str]:
        return [line.split(":")[1].strip() for line in self.lines if ": epoch" in line]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubShop:
    def read_inputs(
        shop: StubShop, features: list[str], *, compact: dict[str, list[str]], written: list[str]
    ) -> dict[str, pl.DataFrame]:
        return {name: shop.tables[name] for name in [*features, *compact, "text_embeddings", *written]}

    monkeypatch.setattr(step, "read_inputs", read_inputs)
    monkeypatch.setattr(train_sequence, "CHECKPOINT_STEPS", 1)
    return StubShop(tmp_path)


def run(what, shop: StubShop, stop_at: int | None = None) -> Log:
    log = Log()
    log.stop_at = stop_at
    log.results = {result.asset_key.path[1]: result for result in what(SimpleNamespace(log=log), shop)}
    return log


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What trackers are told."""
    heard = []

    def write_curves(folder: Path, history: pl.DataFrame) -> bool:
        assert folder.parent.name == "tensorboard"
        assert folder.name.startswith(f"{AS_OF}-")
        heard.append(", ".join(history["model_name"].unique(maintain_order=True)))
        return True

    def log_to_mlflow(uri: str | None, evaluations: pl.DataFrame, **others) -> None:
        assert uri is None
        assert evaluations.height > 0
        heard.append(others["experiment"])

    monkeypatch.setattr(step, "write_curves", write_curves)
    monkeypatch.setattr(step, "log_to_mlflow", log_to_mlflow)
    return heard


def test_an_interrupted_evaluation_goes_on_and_leaves_nothing(shop: StubShop, tmp_path: Path, told):
    (tmp_path / "other").mkdir()
    other = StubShop(tmp_path / "other")
    whole = run(step._evaluate, other)
    assert other.checkpoints == []
    assert told == ["two_tower, transformer", "shoal/toy"]
    with pytest.raises(KeyboardInterrupt):
        run(step._evaluate, shop, stop_at=2)
    assert [Path(file).parts[2:] for file in shop.checkpoints] == [("validation", "transformer.safetensors")]
    assert len(told) == 2  # nothing of what was interrupted
    again = run(step._evaluate, shop)
    assert told[2:] == told[:2]
    assert any(line.startswith("transformer: goes on from epoch 2 of") for line in again.lines)
    assert again.of_epochs() == whole.of_epochs()[1:]
    assert shop.tables["model_evaluations"].equals(other.tables["model_evaluations"])
    assert not (shop.values.paths.checkpoints / "model_evaluations").exists()
    assert any("steps of the transformer" in line for line in whole.lines)
    assert any("epochs of the towers" in line for line in whole.lines)


def test_other_data_starts_anew_and_a_changed_rule_trains_nothing(shop: StubShop):
    run(step._evaluate, shop)
    champion = pl.col("model_name") == "transformer_knn"
    # Whichever epoch was judged best: two are needed to be interrupted between them.
    twice = pl.col("model_config").str.replace(r'"epochs": ?\d+', '"epochs": 2')
    shop.tables["model_evaluations"] = shop.tables["model_evaluations"].with_columns(
        is_champion=champion, model_config=pl.when(champion).then(twice).otherwise("model_config")
    )
    with pytest.raises(KeyboardInterrupt):
        run(step._recommend, shop, stop_at=2)
    assert [Path(file).parts[0] for file in shop.checkpoints] == ["recommendations"]
    # One interaction less: another training, which finds nothing of its own.
    shop.tables["interactions"] = shop.tables["interactions"].head(-1)
    assert not any("goes on" in line or "anew" in line for line in run(step._recommend, shop).lines)
    assert shop.checkpoints == []
    before, sessions = shop.tables["recommendations"], shop.tables["session_recommendations"]
    shop.tables["business_rules_in_force"] = rule_tables(
        {"rule_id": "no", "rule_type": "exclude"}
    ).business_rules_in_force
    shop.tables["business_rule_items"] = rule_tables(items={"no": ["i03"]}).business_rule_items
    changed = run(step._recommend, shop)
    assert changed.of_epochs() == []
    shown, lists = changed.results["recommendations"].metadata, shop.tables["recommendations"]
    assert shown["dagster/row_count"] == lists.height
    sources = lists.group_by("list_name", "candidate_source", "reason_code").len()
    assert shown["sources and reasons"].value.count("\n") == 1 + sources.height
    assert f"| {sources['len'].max()} |" in shown["sources and reasons"].value.splitlines()[2]
    assert "| no |" in shown["rules applied"].value
    assert not any("epochs of the towers" in line for line in changed.lines)
    assert "i03" in before["item_id"].to_list()
    assert set(sessions["session_id"]) == {"s1", "s2"}
    assert "i03" in sessions.filter(session_id="s2")["item_id"].to_list()
    assert "i03" not in shop.tables["session_recommendations"]["item_id"].to_list()
    assert "i03" not in shop.tables["recommendations"]["item_id"].to_list()


def test_how_many_processes_train_makes_no_other_model():
    config = quick_config()
    assert step._of_models(replace(config, transformer_workers=8)) == step._of_models(config)
    assert step._of_models(replace(config, transformer_epochs=8)) != step._of_models(config)


def test_folders_are_of_a_version_and_a_day(tmp_path: Path):
    paths = ShopPaths(root=tmp_path, source="toy")
    folder = checkpoint_folder(paths, "step", "abc", date(2024, 6, 1))
    assert folder == tmp_path / "toy" / "checkpoints" / "step" / "abc-2024-06-01"
    remove_checkpoints(paths, "step")  # nothing there is nothing to do
    old = checkpoint_folder(paths, "step", "old", date(2024, 6, 1))
    beside = checkpoint_folder(paths, "beside", "abc", date(2024, 6, 1))
    for each in (folder, old, beside):
        each.mkdir(parents=True)
    remove_checkpoints(paths, "step")
    assert [path.name for path in paths.checkpoints.iterdir()] == ["beside"]
