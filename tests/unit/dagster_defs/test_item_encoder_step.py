"""The step that lets the encoder of items learn what is bought together, and who uses what it learned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_defs.contracts import ml_contracts
from dagster_defs.ml_assets import embeddings, item_encoder
from dagster_defs.ml_assets.step import UNCHANGED, encoder_of, encoder_version, read_inputs
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse
from python_ml.config import FineTuningConfig
from python_ml.errors import SettingError
from python_ml.finetuning import build
from python_ml.finetuning.build import FineTuned
from python_ml.finetuning.verdict import Verdict

ON = FineTuningConfig(
    objectives=("sessions",), min_examples=20, pairs_per_session=1, retrain_growth=2.0, held_out_share=0.1
)
START = datetime(2024, 1, 1)
TEXTS = {"tea": "green tea", "cup": "tea cup", "nut": "brazil nuts"}


class StubShop:
    """A shop of one warehouse file whose encoder of items may learn from orders."""

    def __init__(self, folder: Path, config: FineTuningConfig = ON) -> None:
        self.folder, self.config = folder, config

    def settings(self):
        settings = load_settings({})
        recommender = replace(settings.recommender, window_days=2)
        return replace(
            settings, var=self.folder, finetuning=self.config, recommender=recommender, device="cpu"
        )

    def warehouse(self) -> Warehouse:
        return Warehouse(path=self.folder / "w.duckdb")

    def write(self, days: int) -> None:
        """An order of tea and a cup each day; a review says what one of the items is called."""
        rows = [
            {"item_id": item, "order_id": f"o{day:03}", "event_type": "purchase"}
            | {"interacted_at": START + timedelta(days=day)}
            for day in range(days)
            for item in ("tea", "cup")
        ]
        texts = {"item_id": [*TEXTS], "text": [*TEXTS.values()], "text_hash": [f"#{item}" for item in TEXTS]}
        reviews = {"review_id": ["r1", "r2"], "text": ["green tea", "lovely"], "text_hash": ["#tea", "#r"]}
        as_of = {"as_of_date": [(START + timedelta(days=days)).date()]}
        frames = {"interactions": rows, "item_texts": texts, "review_texts": reviews, "as_of_dates": as_of}
        with duckdb.connect(self.warehouse().path) as connection:
            connection.execute("create schema if not exists features")
            for name, content in frames.items():
                connection.register("frame", pl.DataFrame(content).to_arrow())
                connection.execute(f"create or replace table features.{name} as from frame")


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Puts a quick teacher in the place of training: its adapter gains what is asked for."""

    def put(gain: float) -> list[tuple]:
        lessons: list[tuple] = []

        def fine_tune_on_sessions(train, held_out, *_, **__) -> FineTuned:
            lessons.append((train, held_out))
            verdict = Verdict(
                metric="mrr", frozen=0.2, adapted=0.2 + gain, gain_lower=gain - 0.01,
                gain_upper=gain + 0.01, rows=len(held_out[0]),
            )  # fmt: skip
            return FineTuned(
                arrays={"a": np.full(1, len(lessons), dtype=np.float32)},
                settings={},
                head={},
                verdict=verdict,
                training_rows=len(train[0]),
                trainable_parameters=1,
                losses=[],
                seconds=1.0,
            )

        monkeypatch.setattr(build, "fine_tune_on_sessions", fine_tune_on_sessions)
        return lessons

    return put


def materialise(shop: StubShop) -> dg.MaterializeResult:
    (result,) = item_encoder._build(dg.build_asset_context(), shop)
    return result


def evaluation(shop: StubShop) -> dict:
    return shop.warehouse().read("ml", "item_encoder_evaluations").row(0, named=True)


def test_nothing_is_learned_unless_asked_for(tmp_path, taught):
    lessons = taught(0.1)
    shop = StubShop(tmp_path, FineTuningConfig())
    shop.write(40)
    materialise(shop)
    assert lessons == []
    assert evaluation(shop)["verdict"].startswith("not asked for")
    assert encoder_of(shop, "item_texts") == shop.settings().embedding
    assert materialise(shop).metadata["work done"] == UNCHANGED


def test_orders_before_the_windows_of_the_recommender_teach_and_items_alone_use_it(tmp_path, taught):
    lessons = taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(40)
    materialise(shop)
    (((left, right), (held_left, _)),) = lessons
    # Two windows of two days at the end: four orders judge, though the setting would leave it at a tenth
    # of 40; of the 36 before, each gives its one pair.
    assert len(held_left) == 4
    assert set(zip(left, right, strict=True)) == {("tea cup", "green tea")}
    assert len(left) == 36
    row = evaluation(shop)
    assert (row["objective"], row["is_used"], row["training_rows"], row["held_out_rows"]) == (
        "sessions", True, 36, 4
    )  # fmt: skip
    adapter = encoder_of(shop, "item_texts").adapter
    assert Path(adapter, "adapter_model.safetensors").is_file()
    assert encoder_of(shop, "review_texts").adapter is None
    assert materialise(shop).metadata["work done"] == UNCHANGED
    assert len(lessons) == 1


def test_an_encoder_that_is_no_better_is_refused(tmp_path, taught):
    taught(0.005)
    shop = StubShop(tmp_path)
    shop.write(40)
    materialise(shop)
    assert evaluation(shop)["verdict"].startswith("the adapter is refused: mrr 0.2000 frozen, 0.2050 adapted")
    assert encoder_of(shop, "item_texts").adapter is None


def test_it_learns_anew_when_orders_have_doubled_or_the_day_is_an_earlier_one(tmp_path, taught):
    lessons = taught(0.1)
    shop = StubShop(tmp_path)
    shop.write(44)
    materialise(shop)
    first = encoder_version(encoder_of(shop, "item_texts"))
    shop.write(46)
    materialise(shop)
    assert encoder_version(encoder_of(shop, "item_texts")) == first
    shop.write(40)
    materialise(shop)
    assert len(lessons) == 2
    # What it learned is other weights in the same place: old vectors must not be taken for theirs.
    assert encoder_version(encoder_of(shop, "item_texts")) != first
    shop.write(80)
    materialise(shop)
    assert len(lessons) == 3


def test_items_and_reviews_are_embedded_by_their_own_encoders(tmp_path, taught, monkeypatch):
    taught(0.1)
    calls = []

    def embed_missing(warehouse, tables, config, device, version, as_of, progress) -> dict[str, str]:
        texts = warehouse.texts_without_vector(tables, version)
        calls.append((tables, config.adapter is not None, texts["text"].to_pylist()))
        frame = pl.from_arrow(texts).select(
            "text_hash",
            embedding_model=pl.lit(version),
            dimension=pl.lit(1, pl.Int32),
            embedding=pl.lit([1.0], pl.List(pl.Float32)),
            model_version=pl.lit(version),
            as_of_date=pl.lit(as_of),
        )
        warehouse.append("text_embeddings", frame)
        progress(frame.height)
        return {"device": device}

    monkeypatch.setattr(embeddings, "embed_missing", embed_missing)
    shop = StubShop(tmp_path, FineTuningConfig())
    shop.write(40)
    materialise(shop)
    embeddings._embed(dg.build_asset_context(), shop)
    everything = ["brazil nuts", "green tea", "lovely", "tea cup"]
    assert [(call[0], call[1], sorted(call[2])) for call in calls] == [
        (["item_texts", "review_texts"], False, everything)
    ]
    calls.clear()
    shop.config = ON
    materialise(shop)
    result = embeddings._embed(dg.build_asset_context(), shop)
    # Reviews keep the vectors they have; "green tea" is an item and a review, and has one of each encoder.
    assert [(call[0], call[1], sorted(call[2])) for call in calls] == [
        (["item_texts"], True, ["brazil nuts", "green tea", "tea cup"])
    ]
    assert result.metadata["texts embedded now"] == 3
    items = read_inputs(shop, ["item_texts"])["text_embeddings"]
    reviews = read_inputs(shop, ["review_texts"], vectors_of="review_texts")["text_embeddings"]
    assert items["text_hash"].to_list() == ["#cup", "#nut", "#tea"]
    assert reviews["text_hash"].to_list() == ["#r", "#tea"]
    assert not set(items["model_version"]) & set(reviews["model_version"])
    assert shop.warehouse().read("ml", "text_embeddings").columns == list(
        ml_contracts()["text_embeddings"].columns
    )


def test_a_lesson_upon_a_lesson_is_refused():
    settings = load_settings({})
    with pytest.raises(SettingError, match="has an adapter, and is to learn another"):
        replace(settings, finetuning=ON, embedding=replace(settings.embedding, adapter="folder"))
