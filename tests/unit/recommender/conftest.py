"""The small shop as frames and as arrays, and settings to match."""

import numpy as np
import polars as pl
import pytest
import torch
from recommender_shop import BUYERS, ITEMS, NEWCOMERS, NOT_RECOMMENDABLE, WITHOUT_TEXT, purchases

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions, TextVectors


@pytest.fixture(scope="session")
def tables() -> dict[str, pl.DataFrame]:
    """Feature tables as the assets read them."""
    users, items, times = (list(column) for column in zip(*purchases(), strict=True))
    interactions = pl.DataFrame(
        {
            "interaction_id": [f"e{number}" for number in range(len(users))],
            "user_id": users,
            "item_id": items,
            "event_type": "purchase",
            "weight": 1.0,
            "interacted_at": pl.Series(times, dtype=pl.Datetime("us")),
        }
    )
    texts = [f"text {number // 3}" for number in range(14)]
    vectors = np.eye(5) + 0.1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        "interactions": interactions,
        "user_features": pl.DataFrame({"user_id": BUYERS + NEWCOMERS}),
        "item_features": pl.DataFrame(
            {
                "item_id": ITEMS,
                "is_recommendable": [item != NOT_RECOMMENDABLE for item in ITEMS],
                "category": [None if item == WITHOUT_TEXT else f"k{int(item[1:]) % 3}" for item in ITEMS],
            }
        ),
        "item_texts": pl.DataFrame({"item_id": ITEMS, "text_hash": texts}).filter(
            pl.col("item_id") != WITHOUT_TEXT
        ),
        "text_embeddings": pl.DataFrame(
            {
                "text_hash": [f"text {number}" for number in range(5)],
                "embedding_model": "m",
                "embedding": vectors.tolist(),
            },
            schema_overrides={"embedding": pl.List(pl.Float32)},
        ),
        "user_cohorts": pl.DataFrame(
            {
                "user_id": [*BUYERS, "u90", "u91"],
                "cohort_id": ["c1", "c2"] * 8 + ["c1", "c9"],
                "cohort_name": ["Even", "Odd"] * 8 + ["Even", "Tiny"],
            }
        ),
    }


@pytest.fixture(scope="session")
def small_config() -> RecommenderConfig:
    """Seconds instead of minutes; lists shorter than the catalogue."""
    return RecommenderConfig(
        min_judged_users=1,
        cutoffs=(2, 5),
        list_length=5,
        similar_length=3,
        block_users=7,
        popularity_window_days=(28, 56),
        frequency_half_life_days=(0.0, 30.0),
        knn_neighbours=(3, 6),
        knn_min_buyers=2,
        ease_l2=(1.0, 10.0),
        ease_half_life_days=(0.0,),
        dimension=4,
        min_buyers=2,
        personal_weights=(0.5, 1.0),
        blend_weights=(0.5,),
        second_stage_depth=4,
        second_stage_min_users=1,
        second_stage_epochs=2,
        epochs=4,
        judge_every=2,
        batch_users=8,
        negatives=8,
        transformer_devices=("cpu",),
        transformer_dimension=8,
        transformer_heads=2,
        transformer_length=10,
        transformer_epochs=4,
        transformer_batch_users=8,
        transformer_negatives=8,
        repeat_windows=2,
        repeat_batch_pairs=64,
        min_cohort_buyers=2,
    )


@pytest.fixture
def toy() -> Interactions:
    """Three users, four items (the last never sold), days counted from 0; user 0 bought item 0 twice."""
    return Interactions.of(
        user=[0, 0, 0, 1, 1, 2],
        item=[0, 0, 1, 0, 2, 2],
        day=[90.0, 100.0, 80.0, 99.0, 60.0, 95.0],
        weight=np.ones(6),
        n_users=3,
        n_items=4,
    )


@pytest.fixture
def toy_texts() -> TextVectors:
    """Items 0 and 3 share a text, item 2 has none."""
    return TextVectors(np.array([[1.0, 0.0], [0.6, 0.8]], np.float32), np.array([0, 1, -1, 0]))


@pytest.fixture
def cpu() -> torch.device:
    return torch.device("cpu")
