"""Small shops with known answers, for the cohort tests."""

from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import polars as pl

LONG_AGO = datetime(2023, 6, 1)


@dataclass(frozen=True, slots=True)
class Shop:
    """The seven tables `build_cohorts` reads, in the order of its arguments."""

    user_features: pl.DataFrame
    user_department_features: pl.DataFrame
    user_attributes: pl.DataFrame
    interactions: pl.DataFrame
    item_features: pl.DataFrame
    item_texts: pl.DataFrame
    text_embeddings: pl.DataFrame

    def tables(self) -> list[pl.DataFrame]:
        return [getattr(self, field.name) for field in fields(self)]

    def shuffled(self, seed: int) -> "Shop":
        return Shop(*(table.sample(fraction=1.0, shuffle=True, seed=seed) for table in self.tables()))

    def only_users(self, user_ids: list[str]) -> "Shop":
        *of_users, items, texts, vectors = self.tables()
        kept = (table.filter(pl.col("user_id").is_in(user_ids)) for table in of_users)
        return Shop(*kept, items, texts, vectors)


def planted_shop(users_per_group: int = 40, seed: int = 5) -> Shop:
    """Three groups of users that differ in spend, discounts and what they buy.

    Item i is of department i // 4. Group 0 spends a lot at night on fuel, group 1 hunts discounts on produce,
    group 2 comes rarely for toys. The group of user "u<number>" is number % 3. User "new" has not ordered.
    Group 0 came through search, group 1 through friends, of group 2 it is not known; all are of one country.
    """
    rng = np.random.default_rng(seed)
    departments = ["FUEL", "PRODUCE", "TOYS"]
    users, lines = [], []
    for number in range(3 * users_per_group):
        group = number % 3
        orders = int(rng.poisson([60, 20, 4][group])) + 1
        users.append(_user(f"u{number:03d}", group, orders, rng))
        for line in range(12):
            home = rng.random() < 0.85
            department = group if home else int(rng.integers(3))
            item = 4 * department + int(rng.integers(4))
            spend = round(float(rng.gamma(4.0, 3.0)), 2)
            lines.append((f"u{number:03d}", f"i{item}", f"o{number}-{line}", "purchase", spend, LONG_AGO))
    users.append({**_user("new", 2, 0, rng), "monetary_amount": 0.0, "mean_order_amount": None})
    interactions = pl.DataFrame(
        lines,
        schema=["user_id", "item_id", "order_id", "event_type", "sales_amount", "interacted_at"],
        orient="row",
    )
    items = pl.DataFrame(
        {
            "item_id": [f"i{item}" for item in range(12)],
            "title": [f"Thing {item}" for item in range(12)],
            "department": [departments[item // 4] for item in range(12)],
            "category": [f"{departments[item // 4]} {item % 2}" for item in range(12)],
        }
    )
    vectors = np.eye(3, 8)[np.arange(12) // 4] + rng.normal(0.0, 0.05, (12, 8))
    spend = interactions.join(items, on="item_id").group_by("user_id", "department")
    return Shop(
        user_features=pl.DataFrame(users),
        user_department_features=spend.agg(
            pl.len().cast(pl.Int64).alias("line_count"), pl.col("sales_amount").sum()
        )
        .with_columns(sales_share=pl.col("sales_amount") / pl.col("sales_amount").sum().over("user_id"))
        .sort("user_id", "department"),
        user_attributes=pl.DataFrame(
            {
                "user_id": [user["user_id"] for user in users],
                "country": "SG",
                "region": pl.Series([None] * len(users), dtype=pl.String),
                "acquisition_channel": [
                    ["search", "friends", None][number % 3] for number in range(len(users))
                ],
            }
        ),
        interactions=interactions,
        item_features=items,
        item_texts=items.select("item_id", pl.concat_str(pl.lit("h"), "item_id").alias("text_hash")),
        text_embeddings=pl.DataFrame(
            {
                "text_hash": [f"hi{item}" for item in range(12)],
                "embedding_model": "tiny#0",
                "embedding": vectors.tolist(),
            },
            schema_overrides={"embedding": pl.List(pl.Float32)},
        ),
    )


def _user(user_id: str, group: int, orders: int, rng: np.random.Generator) -> dict[str, object]:
    order_amount = float(rng.normal([40, 25, 10][group], 2.0))
    return {
        "user_id": user_id,
        "as_of_date": "2018-01-02",
        "order_count": orders,
        "monetary_amount": round(orders * order_amount, 2),
        "mean_order_amount": order_amount,
        "recency_days": int(rng.poisson([3, 10, 60][group])),
        "discount_share": float(rng.beta(2, 18) + 0.4 * (group == 1)),
        "promoted_line_share": float(rng.beta(2, 18) + 0.3 * (group == 1)),
        "night_order_share": float(rng.beta(2, 8) + 0.4 * (group == 0)),
        "store_count": 1,
        "monetary_score": 5 - 2 * group,
    }
