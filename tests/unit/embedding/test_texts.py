"""The frame layer: each text once, nothing twice."""

import polars as pl
import pytest

from python_ml.config import EmbeddingConfig
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.locate import embedding_model_name
from python_ml.embedding.texts import SCHEMA, embed_missing_texts
from python_ml.errors import ContractError, DeviceError

CONFIG = EmbeddingConfig(precision="float32")
ITEM_TEXTS = pl.DataFrame(
    {
        "item_id": ["1", "2", "3", "4"],
        "text": ["rye bread", "butter", "rye bread", "olive oil"],
        "text_hash": ["h3", "h1", "h3", "h2"],
    }
)


@pytest.fixture
def no_model(monkeypatch):
    """Any attempt to load a model fails the test."""

    def refuse(*_):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(Encoder, "load", refuse)


def test_each_distinct_text_once_ordered_by_hash(exact_encoder):
    found = embed_missing_texts(ITEM_TEXTS, set(), CONFIG, device="cpu")
    assert dict(found.frame.schema) == SCHEMA
    assert found.frame["text_hash"].to_list() == ["h1", "h2", "h3"]
    assert found.frame["embedding_model"].unique().to_list() == [embedding_model_name(CONFIG)]
    assert found.frame["dimension"].to_list() == [384, 384, 384]
    # [CLS] butter [SEP], [CLS] olive oil [SEP], [CLS] rye bread [SEP]
    assert (found.text_count, found.token_count) == (3, 3 + 4 + 4)
    assert (found.device, found.dtype) == ("cpu", "float32")
    bread = exact_encoder.encode(["rye bread"])[0]
    assert found.frame["embedding"][2].to_list() == pytest.approx(bread.tolist(), abs=2e-6)


def test_only_missing_texts_are_embedded():
    found = embed_missing_texts(ITEM_TEXTS, {"h1", "h3", "of another shop"}, CONFIG, device="cpu")
    assert found.frame["text_hash"].to_list() == ["h2"]


@pytest.mark.usefixtures("no_model")
def test_a_second_run_embeds_nothing_and_loads_no_model():
    found = embed_missing_texts(ITEM_TEXTS, {"h1", "h2", "h3"}, CONFIG, device="cpu")
    assert found.frame.is_empty()
    assert dict(found.frame.schema) == SCHEMA
    assert (found.text_count, found.token_count, found.dtype) == (0, 0, "none")


def test_one_item_is_enough():
    one = embed_missing_texts(ITEM_TEXTS.head(1), set(), CONFIG, device="cpu").frame
    assert one.select("text_hash", "dimension").rows() == [("h3", 384)]
    assert sum(value**2 for value in one["embedding"][0]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.usefixtures("no_model")
def test_no_items_at_all():
    assert embed_missing_texts(ITEM_TEXTS.clear(), set(), CONFIG, device="cpu").frame.is_empty()


def test_the_order_of_rows_does_not_matter():
    forwards = embed_missing_texts(ITEM_TEXTS, set(), CONFIG, device="cpu")
    backwards = embed_missing_texts(ITEM_TEXTS.reverse(), set(), CONFIG, device="cpu")
    assert forwards.frame.equals(backwards.frame)


def test_one_hash_for_two_texts_is_refused():
    doubled = ITEM_TEXTS.with_columns(pl.lit("h").alias("text_hash"))
    with pytest.raises(ContractError, match="'butter' and for 'olive oil'"):
        embed_missing_texts(doubled, set(), CONFIG, device="cpu")


def test_null_text_is_refused():
    holed = ITEM_TEXTS.with_columns(pl.when(pl.col("item_id") != "2").then("text").alias("text"))
    with pytest.raises(ContractError, match="null"):
        embed_missing_texts(holed, set(), CONFIG, device="cpu")


def test_a_missing_column_is_named():
    with pytest.raises(ContractError, match="text_hash is missing"):
        embed_missing_texts(ITEM_TEXTS.drop("text_hash"), set(), CONFIG, device="cpu")


@pytest.mark.usefixtures("no_model")
def test_an_unknown_device_is_refused_even_with_nothing_to_do():
    with pytest.raises(DeviceError):
        embed_missing_texts(ITEM_TEXTS, {"h1", "h2", "h3"}, CONFIG, device="abacus")


def test_progress_ends_at_the_number_of_new_texts():
    seen = []
    embed_missing_texts(ITEM_TEXTS, {"h1"}, CONFIG, device="cpu", progress=lambda *step: seen.append(step))
    assert seen[-1] == (2, 2)
