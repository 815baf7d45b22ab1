"""A shop whose users buy as latent Dirichlet allocation says, with known interests."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from python_ml.config import InterestConfig
from python_ml.interests.build import InterestResult, build_interests
from python_ml.interests.model import InterestModel, Kept

DAY = date(2024, 7, 1)
QUICK = InterestConfig(interest_counts=(2, 3, 4, 5, 6), resamples=1, profile_top=4)


@dataclass(frozen=True)
class Planted:
    """A shop with its truth.

    Args:
        interests: (K, V), distributions over categories.
        mixtures: (N, K), of each user.
        interactions, item_features: tables; user n is "u000n", category v is "cat 0v".
    """

    interests: np.ndarray
    mixtures: np.ndarray
    interactions: pl.DataFrame
    item_features: pl.DataFrame


@cache
def planted_shop(
    users: int = 300, interests: int = 3, categories: int = 18, purchases: int = 40, seed: int = 1
) -> Planted:
    """Each interest is at home in its own block of categories, with a tenth of its purchases elsewhere."""
    generator = np.random.default_rng(seed)
    home = np.arange(categories) * interests // categories
    found_KV = np.full((interests, categories), 0.1 / categories)
    for interest in range(interests):
        own = home == interest
        found_KV[interest, own] += 0.9 * generator.dirichlet(np.full(own.sum(), 3.0))
    mixtures_NK = generator.dirichlet(np.full(interests, 0.4), users)
    rows = []
    for user, mixture_K in enumerate(mixtures_NK):
        bought = generator.choice(categories, purchases, p=mixture_K @ found_KV)
        days = generator.integers(1, 365, purchases)
        for number, (category, before) in enumerate(zip(bought.tolist(), days.tolist(), strict=True)):
            at = datetime.combine(DAY, datetime.min.time()) - timedelta(days=before)
            rows.append((f"u{user:04}", f"item {category}", f"o{user}-{number}", "purchase", at))
    return Planted(found_KV, mixtures_NK, as_interactions(rows), catalogue(categories))


def as_interactions(rows: list[tuple]) -> pl.DataFrame:
    schema = {"user_id": pl.String, "item_id": pl.String, "order_id": pl.String, "event_type": pl.String}
    return pl.DataFrame(rows, schema | {"interacted_at": pl.Datetime("us")}, orient="row")


def catalogue(categories: int) -> pl.DataFrame:
    names = [f"cat {number:02}" for number in range(categories)]
    return pl.DataFrame({"item_id": [f"item {number}" for number in range(categories)], "category": names})


def build(
    shop: Planted, config: InterestConfig = QUICK, *, kept: Kept | None = None, day: date = DAY, **other
) -> InterestResult:
    return build_interests(
        other.pop("interactions", shop.interactions),
        shop.item_features,
        kept=kept or Kept(),
        config=config,
        seed=0,
        day=day,
        **other,
    )


def kept_of(*models: InterestModel | None, day: date) -> Kept:
    from python_ml.interests.model import read_kept

    return read_kept([model.arrays() for model in models], day)
