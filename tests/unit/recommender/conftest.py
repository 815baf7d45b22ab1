"""The small shop as frames and as arrays."""

import numpy as np
import polars as pl
import pytest
import torch
from recommender_shop import quick_config, shop_tables

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions, TextVectors


@pytest.fixture(scope="session")
def tables() -> dict[str, pl.DataFrame]:
    return shop_tables()


@pytest.fixture(scope="session")
def small_config() -> RecommenderConfig:
    return quick_config()


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
