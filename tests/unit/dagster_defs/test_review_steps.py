"""The steps that read reviews: whose vectors they see, what they do without a text, and the run before."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_defs.checks import every_review_text_has_a_topic, every_review_text_is_read
from dagster_defs.contracts import ml_contracts
from dagster_defs.ml_assets import sentiment, topics
from dagster_defs.ml_assets.step import ITEM_ENCODER, UNCHANGED, encoder_version, read_inputs
from dagster_defs.paths import ShopPaths
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse
from python_ml.config import EmbeddingConfig
from python_ml.errors import ContractError

STAMP = {"model_version": encoder_version(EmbeddingConfig()), "as_of_date": date(2024, 2, 1)}
REVIEWS = {"r1": "warm", "r2": "cold", "r3": "warm"}
SCHEMA = {
    "review_id": pl.String, "user_id": pl.String, "item_id": pl.String, "text": pl.String,
    "text_hash": pl.String, "language": pl.String, "rating": pl.Float64, "as_of_date": pl.Date,
    "reviewed_at": pl.Datetime("us"),
}  # fmt: skip


class StubShop:
    """A shop of one warehouse file, with the settings as they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labelled_texts: str | None = None

    def settings(self) -> SimpleNamespace:
        settings = load_settings({})
        return SimpleNamespace(
            paths=ShopPaths(root=self.folder, source="shop"),
            seed=0,
            embedding=settings.embedding,
            sentiment=replace(settings.sentiment, labelled_texts=self.labelled_texts),
            topics=settings.topics,
        )

    def warehouse(self) -> Warehouse:
        return Warehouse(path=self.folder / "w.duckdb")


def shop_of(
    folder: Path, reviews: dict[str, str], *, embedded: tuple[str, ...] = ("warm", "cold")
) -> StubShop:
    """Reviews by id with the hash of their text; items have the texts "tea" and "warm"."""
    shop = StubShop(folder)
    rows = [
        (review, None, None, text, text, None, None, STAMP["as_of_date"], datetime(2024, 1, 1))
        for review, text in reviews.items()
    ]
    review_texts = pl.DataFrame(rows, SCHEMA, orient="row")
    item_texts = pl.DataFrame({"item_id": ["a", "b"], "text_hash": ["tea", "warm"]})
    as_of_dates = pl.DataFrame({"as_of_date": [STAMP["as_of_date"]]})
    with duckdb.connect(shop.warehouse().path) as connection:
        connection.execute("create schema if not exists features")
        for name, frame in (
            ("review_texts", review_texts), ("item_texts", item_texts), ("as_of_dates", as_of_dates)
        ):  # fmt: skip
            connection.register("frame", frame.to_arrow())
            connection.execute(f"create or replace table features.{name} as from frame")
    vectors = [
        {"text_hash": text, "embedding_model": "tiny", "dimension": 1, "embedding": [1.0]} | STAMP
        for text in ("tea", *embedded)
    ]
    scores = {"text_hash": pl.String, "score": pl.Float64, "is_held_out": pl.Boolean}
    scores |= {"model_version": pl.String, "as_of_date": pl.Date}
    shop.warehouse().replace(
        {
            "text_embeddings": pl.DataFrame(vectors),
            "tuned_scores": pl.DataFrame(schema=scores),
            ITEM_ENCODER: pl.DataFrame(schema=ml_contracts()[ITEM_ENCODER].columns),
        }
    )
    return shop


def materialise(step, shop: StubShop) -> dict[str, dg.MaterializeResult]:
    results = list(step._build(dg.build_asset_context(), shop))
    return {result.asset_key.path[-1]: result for result in results}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Puts functions in the place of python_ml's, which have tests of their own."""

    def put(module: str, **functions) -> None:
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(**functions))

    return put


def put_sentiment(stub: Callable) -> list[dict]:
    """Everybody is happy."""
    calls = []

    def build_sentiment(**inputs) -> SimpleNamespace:
        calls.append(inputs)
        ids = inputs["review_texts"]["review_id"]
        return SimpleNamespace(
            review_sentiment=pl.DataFrame({"review_id": ids}).with_columns(
                language=None, polarity=1.0, sentiment_label=pl.lit("positive"), confidence=0.9,
                sentiment_method=pl.lit("embedding"),
            ),
            review_aspects=pl.DataFrame(
                {"review_id": ids[:1], "aspect": ["price"], "polarity": [0.5], "evidence": ["cheap"]}
            ),
            sentiment_evaluation=pl.DataFrame(
                {"candidate": ["ngrams"], "metric_name": ["accuracy"], "metric_value": [0.8], "reviews": [9]}
            ).with_columns(is_chosen=True),
            model_arrays={"weights": np.ones(2)},
            plots={},
        )  # fmt: skip

    stub("python_ml.sentiment.build", build_sentiment=build_sentiment)
    return calls


def put_topics(stub: Callable) -> list[dict]:
    """One topic more each time."""
    calls = []

    class TopicModel:
        def __init__(self, count: int) -> None:
            self.count = count

        def arrays(self) -> dict[str, np.ndarray]:
            return {"count": np.array([self.count])}

        @classmethod
        def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "TopicModel":
            return cls(int(arrays["count"][0]))

    def build_topics(*, previous: TopicModel | None, **inputs) -> SimpleNamespace:
        calls.append(inputs | {"previous": previous})
        count = 1 if previous is None else previous.count + 1
        review_topics = inputs["review_texts"].select("review_id", topic_id=pl.lit(f"t{count}"))
        profile = {
            "topic_id": f"t{count}", "topic_name": "Tea", "topic_method": "k-means", "review_count": 3,
            "review_share": 1.0, "topic_words": "tea, cup", "representative_review_ids": "r1",
            "is_outlier": False,
        }  # fmt: skip
        return SimpleNamespace(
            review_topics=review_topics.with_columns(topic_probability=0.5),
            topic_profiles=pl.DataFrame([profile]),
            model=TopicModel(count),
            plots={},
        )

    stub("python_ml.topics.build", build_topics=build_topics)
    stub("python_ml.topics.model", TopicModel=TopicModel)
    return calls


def test_items_and_reviews_see_their_own_vectors(tmp_path: Path, stub: Callable):
    shop, calls = shop_of(tmp_path, REVIEWS), put_sentiment(stub)
    items = read_inputs(shop, ["item_texts"])
    assert items["text_embeddings"]["text_hash"].to_list() == ["tea", "warm"]
    materialise(sentiment, shop)
    assert calls[0]["text_embeddings"]["text_hash"].to_list() == ["cold", "warm"]
    # A step on items cannot tell that reviews came.
    shop_of(tmp_path, {}, embedded=("warm",))
    assert read_inputs(shop, ["item_texts"])["text_embeddings"].equals(items["text_embeddings"])


@pytest.mark.parametrize(("step", "put"), [(sentiment, put_sentiment), (topics, put_topics)])
def test_nothing_is_read_twice(tmp_path: Path, stub: Callable, step, put: Callable):
    shop, calls = shop_of(tmp_path, REVIEWS), put(stub)
    first, second = materialise(step, shop), materialise(step, shop)
    assert set(first) == set(second) == set(step.DESCRIPTIONS)
    assert len(calls) == 1
    assert {result.metadata["work done"] for result in second.values()} == {UNCHANGED}
    shop_of(tmp_path, REVIEWS | {"r4": "cold"})
    materialise(step, shop)
    assert len(calls) == 2


@pytest.mark.parametrize(("step", "put"), [(sentiment, put_sentiment), (topics, put_topics)])
def test_without_a_text_the_tables_are_empty_and_say_why(tmp_path: Path, stub: Callable, step, put: Callable):
    shop, calls = shop_of(tmp_path, REVIEWS), put(stub)
    materialise(step, shop)
    shop_of(tmp_path, {})
    results = materialise(step, shop)
    assert len(calls) == 1
    for table in step.DESCRIPTIONS:
        assert shop.warehouse().read("ml", table).is_empty()
        assert "no review written before the as-of date has a text" in results[table].metadata["work done"]


@pytest.mark.parametrize("step", [sentiment, topics])
def test_a_text_without_a_vector_stops_the_step(tmp_path: Path, step):
    shop = shop_of(tmp_path, REVIEWS, embedded=("cold",))
    with pytest.raises(ContractError, match="2 of 3 reviews have no vector"):
        materialise(step, shop)


def test_labelled_texts_and_scores_of_a_tuned_encoder_reach_sentiment_and_count_as_its_input(
    tmp_path: Path, stub: Callable
):
    shop, calls = shop_of(tmp_path, REVIEWS), put_sentiment(stub)
    file = tmp_path / "texts.csv"
    shop.labelled_texts = str(file)
    file.write_text("text,is_positive\nlovely,1\nawful,0\n")
    materialise(sentiment, shop)
    file.write_text("text,is_positive\nlovely,1\nawful,0\nbroken,0\n")
    materialise(sentiment, shop)
    scores = {"text_hash": ["warm", "cold"], "score": [1.5, -0.5], "is_held_out": [True, False]}
    shop.warehouse().replace(
        {
            "tuned_scores": pl.DataFrame([STAMP] * 2).with_columns(
                **{name: pl.Series(values) for name, values in scores.items()}
            )
        }
    )
    materialise(sentiment, shop)
    assert [call["labelled"].height for call in calls] == [2, 3, 3]
    assert [call["tuned_scores"].height for call in calls] == [0, 0, 2]
    assert calls[2]["tuned_scores"].columns == ["text_hash", "score", "is_held_out"]


def test_topics_go_on_from_the_run_before(tmp_path: Path, stub: Callable):
    shop, calls = shop_of(tmp_path, REVIEWS), put_topics(stub)
    materialise(topics, shop)
    shop_of(tmp_path, REVIEWS | {"r4": "cold"})
    materialise(topics, shop)
    shop_of(tmp_path, REVIEWS | {"r4": "cold", "r5": "cold"})
    materialise(topics, shop)
    assert [call["previous"] and call["previous"].count for call in calls] == [None, 1, 2]


def test_the_encoder_is_not_loaded_before_it_is_asked_for(tmp_path: Path, stub: Callable, monkeypatch):
    """Loading takes seconds: a shop whose step asks for no vector must not pay for them."""
    shop, calls = shop_of(tmp_path, REVIEWS), put_sentiment(stub)
    monkeypatch.setitem(sys.modules, "python_ml.embedding.encoder", None)
    materialise(sentiment, shop)
    with pytest.raises(ImportError):
        calls[0]["encode"](["good price"])


@pytest.mark.parametrize(
    ("step", "put", "check"),
    [
        (sentiment, put_sentiment, every_review_text_is_read),
        (topics, put_topics, every_review_text_has_a_topic),
    ],
)
def test_a_review_that_was_left_out_is_seen(tmp_path: Path, stub: Callable, step, put: Callable, check):
    shop, _ = shop_of(tmp_path, REVIEWS), put(stub)
    materialise(step, shop)
    judge = check.op.compute_fn.decorated_fn
    assert judge(shop).passed
    shop_of(tmp_path, REVIEWS | {"r4": "cold"})
    assert not judge(shop).passed
