"""The step that lets the encoder learn: off, taught once, used or refused, and only new texts read again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_defs.checks import every_review_text_is_scored_or_none
from dagster_defs.ml_assets import finetuning
from dagster_defs.ml_assets.step import UNCHANGED
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse
from python_ml.config import FineTuningConfig
from python_ml.finetuning import build, store
from python_ml.finetuning.build import FineTuned
from python_ml.finetuning.verdict import Verdict

ON = FineTuningConfig(objectives=("ratings",), min_examples=20, retrain_growth=2.0)


class StubShop:
    """A shop of one warehouse file that lets its encoder learn from ratings."""

    def __init__(self, folder: Path, config: FineTuningConfig = ON) -> None:
        self.folder, self.config = folder, config

    def settings(self):
        return replace(load_settings({}), var=self.folder, finetuning=self.config, device="cpu")

    def warehouse(self) -> Warehouse:
        return Warehouse(path=self.folder / "w.duckdb")

    def write(self, texts: int, as_of: date = date(2024, 3, 1)) -> None:
        """So many distinct texts of a day each, praise and blame in turn."""
        rows = {
            "review_id": [f"r{number}" for number in range(texts)],
            "text": [f"text {number}" for number in range(texts)],
            "text_hash": [f"#{number}" for number in range(texts)],
            "rating": [5.0 if number % 2 else 1.0 for number in range(texts)],
            "reviewed_at": [datetime(2024, 1, 1) + timedelta(hours=number) for number in range(texts)],
        }
        with duckdb.connect(self.warehouse().path) as connection:
            connection.execute("create schema if not exists features")
            for name, frame in (
                ("review_texts", pl.DataFrame(rows)),
                ("as_of_dates", pl.DataFrame({"as_of_date": [as_of]})),
            ):
                connection.register("frame", frame.to_arrow())
                connection.execute(f"create or replace table features.{name} as from frame")


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Puts a quick teacher in the place of training, whose adapter gains what is asked for."""

    def put(gain: float) -> SimpleNamespace:
        seen = SimpleNamespace(lessons=[], read=[])

        def fine_tune_on_ratings(train, held_out, *_, **__) -> FineTuned:
            seen.lessons.append((train[0], held_out[0]))
            verdict = Verdict(
                metric="roc_auc", frozen=0.8, adapted=0.8 + gain, gain_lower=gain - 0.01,
                gain_upper=gain + 0.01, rows=len(held_out[0]),
            )  # fmt: skip
            arrays = {"a": np.ones(1, dtype=np.float32)}
            head = {"weight": np.ones(1, dtype=np.float32), "bias": np.zeros(1, dtype=np.float32)}
            return FineTuned(
                arrays=arrays,
                settings={},
                head=head,
                verdict=verdict,
                training_rows=len(train[0]),
                trainable_parameters=1,
                losses=[],
                seconds=1.0,
            )

        def load_reader(*_) -> SimpleNamespace:
            def score(texts, progress) -> np.ndarray:
                seen.read.append(list(texts))
                return np.array([float(text.split()[1]) for text in texts])

            return SimpleNamespace(score=score)

        monkeypatch.setattr(build, "fine_tune_on_ratings", fine_tune_on_ratings)
        monkeypatch.setattr(store, "load_reader", load_reader)
        return seen

    return put


def materialise(shop: StubShop) -> dict[str, dg.MaterializeResult]:
    results = list(finetuning._build(dg.build_asset_context(), shop))
    return {result.asset_key.path[-1]: result for result in results}


def evaluation(shop: StubShop) -> dict:
    return shop.warehouse().read("ml", "encoder_evaluations").row(0, named=True)


def scores(shop: StubShop) -> pl.DataFrame:
    return shop.warehouse().read("ml", "tuned_scores").sort("score")


def test_nothing_is_learned_unless_asked_for(tmp_path, taught):
    seen = taught(0.1)
    shop = StubShop(tmp_path, FineTuningConfig())
    shop.write(60)
    materialise(shop)
    assert seen.lessons == []
    assert evaluation(shop)["verdict"].startswith("not asked for")
    assert scores(shop).is_empty()
    assert materialise(shop)["tuned_scores"].metadata["work done"] == UNCHANGED


def test_a_better_encoder_reads_every_text_and_says_which_taught_it(tmp_path, taught):
    seen = taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(60)
    materialise(shop)
    ((train, held_out),) = seen.lessons
    # A fifth of 60, the newest.
    assert sorted(held_out) == sorted(f"text {number}" for number in range(48, 60))
    assert len(train) == 48
    row = evaluation(shop)
    assert row["is_used"]
    assert row["verdict"].startswith("the adapter is used: roc_auc 0.8000 frozen, 0.9000 adapted")
    found = scores(shop)
    assert found["score"].to_list() == [float(number) for number in range(60)]
    assert found["is_held_out"].to_list() == [number >= 48 for number in range(60)]


def test_an_encoder_that_is_no_better_is_refused_with_its_numbers(tmp_path, taught):
    seen = taught(0.005)
    shop = StubShop(tmp_path)
    shop.write(60)
    materialise(shop)
    row = evaluation(shop)
    assert not row["is_used"]
    assert row["verdict"].startswith(
        "the adapter is refused: roc_auc 0.8000 frozen, 0.8050 adapted, gain -0.0050"
    )
    assert scores(shop).is_empty()
    assert seen.read == []
    materialise(shop)
    assert len(seen.lessons) == 1


def test_new_texts_are_read_and_old_ones_are_not_and_nothing_is_learned_anew(tmp_path, taught):
    seen = taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(40)
    materialise(shop)
    shop.write(44, as_of=date(2024, 3, 2))
    materialise(shop)
    assert len(seen.lessons) == 1
    assert sorted(seen.read[1]) == [f"text {number}" for number in range(40, 44)]
    found = scores(shop)
    assert found["is_held_out"].to_list() == [number >= 32 for number in range(44)]
    assert set(found["as_of_date"]) == {date(2024, 3, 2)}
    assert materialise(shop)["tuned_scores"].metadata["work done"] == UNCHANGED


def test_the_check_misses_no_text(tmp_path, taught):
    taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(40)
    materialise(shop)
    assert every_review_text_is_scored_or_none(shop).passed
    shop.write(41)
    assert not every_review_text_is_scored_or_none(shop).passed
    shop.write(40)
    kept = shop.warehouse().read("ml", "tuned_scores")
    broken = kept.with_columns(score=pl.when(pl.col("score") == 3.0).then(float("nan")).otherwise("score"))
    shop.warehouse().replace({"tuned_scores": broken})
    assert not every_review_text_is_scored_or_none(shop).passed
    judged = shop.warehouse().read("ml", "encoder_evaluations")
    shop.warehouse().replace(
        {"tuned_scores": kept, "encoder_evaluations": judged.with_columns(is_used=pl.lit(False))}
    )
    assert not every_review_text_is_scored_or_none(shop).passed


def test_it_learns_anew_when_texts_have_doubled_as_the_setting_says(tmp_path, taught):
    seen = taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(40)
    materialise(shop)
    shop.write(80)
    materialise(shop)
    assert [len(train) for train, _ in seen.lessons] == [32, 64]
    assert len(seen.read[1]) == 80


def test_a_run_for_an_earlier_day_does_not_use_what_was_learned_later(tmp_path, taught):
    seen = taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(44, as_of=date(2024, 3, 1))
    materialise(shop)
    shop.write(40, as_of=date(2024, 2, 1))
    materialise(shop)
    assert [len(train) for train, _ in seen.lessons] == [35, 32]
