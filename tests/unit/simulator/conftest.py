"""One shop of 400,000 events, made once, for all tests of what can be found in it."""

import polars as pl
import pytest

from tests.unit.simulator.simulated import shop_of


@pytest.fixture(scope="session")
def shop() -> dict[str, pl.DataFrame]:
    return shop_of(events=400_000, seed=11)


@pytest.fixture(scope="session")
def small_shop() -> dict[str, pl.DataFrame]:
    return shop_of(events=30_000, seed=5, block_users=40, unreadable_share=0.01)
