"""The hidden truth as tables of its own: what a finding may be held against, and no adapter reads."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from python_ml.simulator.campaigns import Assignment, Campaigns, buying_probabilities
from python_ml.simulator.catalogue import CRISIS_DEMAND, ITEM_TYPES, Catalogue, Choice
from python_ml.simulator.config import CAMPAIGN_WEEKS, SimulatorConfig
from python_ml.simulator.frames import Piece, texts
from python_ml.simulator.population import KIOSK, MOST_VISITORS, Groups, Shoppers, user_ids, visitor_ids
from python_ml.simulator.reviews import CRISIS_BAD
from python_ml.simulator.vocabulary import CATEGORIES, STYLES

SIMILAR_ITEMS = 10


def truth_piece(name: str, columns: dict[str, object]) -> Piece:
    """A table of the truth."""
    return Piece(f"truth/{name}", None, pa.table(columns))


def shop_truth(
    config: SimulatorConfig, groups: Groups, catalogue: Catalogue, campaigns: Campaigns
) -> Iterator[Piece]:
    """What is true of the shop as a whole."""
    settings = {name: str(value) for name, value in dataclasses.asdict(config).items()}
    yield truth_piece("settings", {"name": list(settings), "value": list(settings.values())})
    yield truth_piece(
        "groups",
        {
            "group": np.arange(config.groups),
            "user_share": groups.share,
            "visit_rate": groups.visit_rate,
            "buying_factor": groups.buying,
            "price_sensitivity": groups.price_sensitivity,
            "coupon_use": groups.coupon_use,
            "yearly_growth": np.expm1(groups.growth),
            "peak_hour": groups.peak_hour,
            "campaign_factor": np.exp(groups.effect),
        },
    )
    types = len(ITEM_TYPES)
    yield truth_piece(
        "group_tastes",
        {
            "group": np.repeat(np.arange(config.groups), types),
            "category": [CATEGORIES[place].name for place, _, _ in ITEM_TYPES] * config.groups,
            "item_type": [english for _, english, _ in ITEM_TYPES] * config.groups,
            "share": groups.taste.ravel(),
        },
    )
    yield truth_piece(
        "categories",
        {"category": [category.name for category in CATEGORIES], "price_elasticity": catalogue.elasticity},
    )
    yield _campaign_piece(config, campaigns)
    days = config.start.astype("datetime64[D]") + np.array(catalogue.crisis_days())
    yield truth_piece(
        "crisis",
        {
            "brand": [catalogue.crisis_brand],
            "first_date": days[:1],
            "last_date": days[1:] - 1,
            "demand_factor": [CRISIS_DEMAND],
            "bad_quality_share": [CRISIS_BAD],
        },
    )
    yield from _item_pieces(config, catalogue)


def _campaign_piece(config: SimulatorConfig, campaigns: Campaigns) -> Piece:
    first = config.start.astype("datetime64[D]") + campaigns.start_week * 7
    return truth_piece(
        "campaigns",
        {
            "campaign_id": campaigns.campaign_id,
            "coupon_code": campaigns.coupon_code,
            "category": [CATEGORIES[place].name for place in campaigns.category],
            "start_date": first,
            "end_date": first + CAMPAIGN_WEEKS * 7 - 1,
        },
    )


def _item_pieces(config: SimulatorConfig, catalogue: Catalogue) -> Iterator[Piece]:
    yield truth_piece(
        "items",
        {
            "item_id": catalogue.item_id,
            "category": [CATEGORIES[place].name for place in catalogue.category],
            "item_type": [ITEM_TYPES[place][1] for place in catalogue.item_type],
            "style": [STYLES[place] for place in catalogue.style],
            "brand": catalogue.brand,
            "popularity": catalogue.popularity,
            "quality": catalogue.quality,
            "vector": pa.array(list(catalogue.vector), pa.list_(pa.float64())),
        },
    )
    item, similar, cosine = nearest_items(catalogue)
    yield truth_piece(
        "similar_items",
        {
            "item_id": texts(catalogue.item_id, item),
            "similar_item_id": texts(catalogue.item_id, similar),
            "rank": np.tile(np.arange(1, SIMILAR_ITEMS + 1), len(item) // SIMILAR_ITEMS),
            "similarity": cosine,
        },
    )
    yield truth_piece(
        "prices",
        {
            "item_id": texts(catalogue.item_id, np.repeat(np.arange(config.item_count), config.weeks)),
            "week_start_date": np.tile(
                config.start.astype("datetime64[D]") + np.arange(config.weeks) * 7, config.item_count
            ),
            "list_price": np.repeat(catalogue.list_cents, config.weeks) / 100,
            "price": catalogue.price_cents.ravel() / 100,
        },
    )


def nearest_items(catalogue: Catalogue) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest items of each, by cosine, within its category; ties go to the first item."""
    found = []
    for category in np.unique(catalogue.category):
        items = np.flatnonzero(catalogue.category == category)
        cosine = np.round(catalogue.vector[items] @ catalogue.vector[items].T, 12)
        np.fill_diagonal(cosine, -2)
        near = np.argsort(-cosine, axis=1, kind="stable")[:, :SIMILAR_ITEMS]
        found.append(
            (np.repeat(items, SIMILAR_ITEMS), items[near].ravel(), np.take_along_axis(cosine, near, 1).ravel())
        )
    item, similar, cosine = (np.concatenate(column) for column in zip(*found, strict=True))
    return item, similar, cosine


def block_truth(
    config: SimulatorConfig, groups: Groups, campaigns: Campaigns, choice: Choice, shoppers: Shoppers,
    assignment: Assignment, visit_counts: np.ndarray,
) -> Iterator[Piece]:  # fmt: skip
    """What is true of a block's shoppers: group, habits, browsers, and what campaigns do to each."""
    own = np.arange(MOST_VISITORS) < shoppers.visitor_count[:, None]
    shopper, browser = np.nonzero(own)
    numbers = shoppers.number[shopper] * MOST_VISITORS + browser
    users = None if shoppers.is_guest else user_ids(shoppers)
    yield truth_piece(
        "visitors",
        {
            "visitor_id": visitor_ids(numbers, config.seed),
            "kind": ["guest" if shoppers.is_guest else "own"] * len(numbers),
            "user_id": pa.nulls(len(numbers), pa.string()) if users is None else pa.array(users[shopper]),
        },
    )
    if users is None:
        return
    yield truth_piece(
        "users",
        {
            "user_id": users,
            "group": shoppers.group,
            "style": [STYLES[place] for place in shoppers.style],
            "buying_factor": shoppers.buying,
            "expected_visits": shoppers.visits,
            "visits": visit_counts,
        },
    )
    without, treated = buying_probabilities(config, groups, campaigns, choice, shoppers)
    user, campaign = np.nonzero(assignment.is_eligible)
    yield truth_piece(
        "uplift",
        {
            "campaign_id": texts(campaigns.campaign_id, campaign),
            "user_id": texts(users, user),
            "is_treated": assignment.is_treated[user, campaign],
            "probability_if_held_out": without[user, campaign],
            "probability_if_treated": treated[user, campaign],
            "uplift": treated[user, campaign] - without[user, campaign],
        },
    )


def other_visitors(config: SimulatorConfig, bots: np.ndarray, kiosks: int) -> Piece:
    """Visitors who are no one shopper: programs, and devices that many users share."""
    numbers = np.concatenate([bots, KIOSK + np.arange(kiosks)])
    return truth_piece(
        "visitors",
        {
            "visitor_id": visitor_ids(numbers, config.seed),
            "kind": ["bot"] * len(bots) + ["shared"] * kiosks,
            "user_id": pa.nulls(len(numbers), pa.string()),
        },
    )
