"""The whole shop, block of users by block of users, as a stream of pieces of tables.

Memory holds one block and the catalogue, whatever the number of events.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from python_ml.simulator.behaviour import (
    DAY_MILLISECONDS,
    events_a_visit,
    make_bots,
    make_events,
    make_identities,
    make_visits,
)
from python_ml.simulator.blemishes import repeat_rows, spoil
from python_ml.simulator.campaigns import Assignment, Campaigns, assign, plan_campaigns
from python_ml.simulator.catalogue import DISCOUNTS, Catalogue, Choice, item_columns, make_catalogue, make_choice
from python_ml.simulator.config import CAMPAIGN_WEEKS, SimulatorConfig
from python_ml.simulator.frames import Piece, texts
from python_ml.simulator.orders import line_rows, make_orders, order_rows, redemption_rows
from python_ml.simulator.population import (
    GUEST_VISITS,
    USERS_PER_KIOSK,
    Groups,
    Shoppers,
    block_ranges,
    location_columns,
    make_groups,
    make_shoppers,
    mean_presence,
    user_columns,
)
from python_ml.simulator.reviews import Personal, make_reviews
from python_ml.simulator.stock import make_stock
from python_ml.simulator.support import make_messages
from python_ml.simulator.truth import block_truth, other_visitors, shop_truth, truth_piece

LEAFLET_DISCOUNT = DISCOUNTS[2]  # from here on an item is in the leaflet, the largest on its front page
# What a spoilt value looks like, by table and column; a time without a value is unreadable too.
GARBAGE: dict[str, dict[str, str | None]] = {
    "events": {"occurred_at": None, "event_type": "vi?w"},
    "order_lines": {"quantity": "two", "amount": "free", "booked_at": "n/a"},
    "reviews": {"written_at": "yesterday"},
    "support_messages": {"sent_at": "soon"},
}


@dataclass(slots=True)
class _Shop:
    """What all blocks share, and what is counted over them."""

    config: SimulatorConfig
    groups: Groups
    catalogue: Catalogue
    choice: Choice
    campaigns: Campaigns
    visits_a_user: float
    sold: np.ndarray
    personal: Personal = field(default_factory=Personal)
    blemishes: dict[tuple[str, str], int] = field(default_factory=dict)
    events: int = 0

    def note(self, table: str, kind: str, rows: int) -> None:
        self.blemishes[table, kind] = self.blemishes.get((table, kind), 0) + rows


def simulate(config: SimulatorConfig, progress: Callable[[int, int], None] | None = None) -> Iterator[Piece]:
    """Raw tables of the shop and, as "truth/<table>", what is true of them.

    Args:
        config: size and make-up; the same values give the same pieces.
        progress: called with the events made so far and the events expected.

    Returns:
        Pieces; those of one table come in a fixed order and may be written one after the other.
    """
    shop = _open(config)
    yield from _lists(shop)
    yield from shop_truth(config, shop.groups, shop.catalogue, shop.campaigns)
    for block in range(len(block_ranges(config))):
        yield from _block(shop, block)
        if progress is not None:
            progress(min(shop.events, config.events - 1), config.events)
    yield from _rest(shop)
    if progress is not None:
        progress(config.events, config.events)


def _open(config: SimulatorConfig) -> _Shop:
    groups, catalogue = make_groups(config), make_catalogue(config)
    choice = make_choice(catalogue, groups.price_sensitivity)
    rows_wanted = config.events * (1 - config.bot_event_share) / (1 + config.duplicate_share)
    visits = rows_wanted / events_a_visit(choice) - config.guest_count * GUEST_VISITS
    return _Shop(
        config=config,
        groups=groups,
        catalogue=catalogue,
        choice=choice,
        campaigns=plan_campaigns(config),
        visits_a_user=max(visits, 0.0) / (config.user_count * mean_presence(config, groups)),
        sold=np.zeros((config.item_count, config.weeks), np.int64),
    )


def _lists(shop: _Shop) -> Iterator[Piece]:
    """Tables that do not depend on what anybody does."""
    config, catalogue, campaigns = shop.config, shop.catalogue, shop.campaigns
    yield Piece("locations", None, pa.table(location_columns(config)))
    columns = {"item_id": catalogue.item_id, **item_columns(catalogue, config.stream("names"))}
    columns["list_price"] = catalogue.list_cents / 100
    columns["price_now"] = catalogue.price_cents[:, -1] / 100
    yield Piece("items", None, pa.table(columns))
    first = config.start.astype("datetime64[D]") + campaigns.start_week * 7
    yield Piece(
        "campaigns",
        None,
        pa.table(
            {
                "campaign_id": campaigns.campaign_id,
                "kind": ["coupon by mail"] * len(first),
                "starts_on": first,
                "ends_on": first + CAMPAIGN_WEEKS * 7 - 1,
            }
        ),
    )
    covered, campaign = np.nonzero(catalogue.category[:, None] == campaigns.category)
    order = np.lexsort((covered, campaign))
    yield Piece(
        "coupons",
        None,
        pa.table(
            {
                "campaign_id": texts(campaigns.campaign_id, campaign[order]),
                "coupon_code": texts(campaigns.coupon_code, campaign[order]),
                "item_id": texts(catalogue.item_id, covered[order]),
            }
        ),
    )
    yield _promotions(config, catalogue)


def _promotions(config: SimulatorConfig, catalogue: Catalogue) -> Piece:
    discount = 1 - catalogue.price_cents / catalogue.list_cents[:, None]
    item, week = np.nonzero(discount > LEAFLET_DISCOUNT - 0.05)
    is_front = discount[item, week] > DISCOUNTS[-1] - 0.05
    return Piece(
        "promotions",
        None,
        pa.table(
            {
                "item_id": texts(catalogue.item_id, item),
                "week_start": config.start.astype("datetime64[D]") + week * 7,
                "leaflet_page": texts(("inside", "front"), is_front),
            }
        ),
    )


def _block(shop: _Shop, block: int) -> Iterator[Piece]:
    """Everything of one block of users or guests."""
    config, catalogue = shop.config, shop.catalogue
    shoppers = make_shoppers(config, shop.groups, block, shop.visits_a_user)
    assignment = assign(config, shop.groups, shop.campaigns, shoppers)
    visits = make_visits(
        config, shop.groups, catalogue, shop.choice, shop.campaigns, shoppers, assignment
    )
    orders = make_orders(config, shop.groups, catalogue, shop.campaigns, shoppers, assignment, visits)
    kept = orders.is_kept[orders.order]
    np.add.at(shop.sold, (orders.item[kept], orders.week[kept]), orders.quantity[kept])
    if not shoppers.is_guest:
        yield Piece("users", None, pa.table(user_columns(config, shoppers)))
        yield _assignments(shop, shoppers, assignment)
        yield Piece("logins", None, make_identities(config, shoppers, visits))
        yield Piece(
            "coupon_redemptions", None, redemption_rows(config, shop.campaigns, shoppers, orders)
        )
    events, received = make_events(config, catalogue, shoppers, visits)
    yield from _events(shop, events, received, block)
    yield Piece("orders", None, order_rows(config, shoppers, visits, orders))
    yield _blemished(shop, "order_lines", line_rows(config, catalogue, shoppers, orders), block)
    if not shoppers.is_guest:
        reviews, true_reviews = make_reviews(config, catalogue, shoppers, orders, shop.personal)
        yield _blemished(shop, "reviews", reviews, block)
        yield Piece("truth/reviews", None, true_reviews)
    messages, true_messages = make_messages(config, catalogue, shoppers, orders, shop.personal)
    yield _blemished(shop, "support_messages", messages, block)
    yield Piece("truth/support_messages", None, true_messages)
    counts = np.bincount(visits.shopper, minlength=len(shoppers.number))
    yield from block_truth(config, shop.groups, shop.campaigns, shop.choice, shoppers, assignment, counts)


def _assignments(shop: _Shop, shoppers: Shoppers, assignment: Assignment) -> Piece:
    user, campaign = np.nonzero(assignment.is_eligible)
    from python_ml.simulator.population import user_ids

    return Piece(
        "campaign_assignments",
        None,
        pa.table(
            {
                "campaign_id": texts(shop.campaigns.campaign_id, campaign),
                "user_id": texts(user_ids(shoppers), user),
                "arm": texts(("holdout", "treated"), assignment.is_treated[user, campaign]),
            }
        ),
    )


def _blemished(shop: _Shop, table: str, rows: pa.Table, block: int) -> Piece:
    rows, places = _blemish(shop, table, rows, block)
    return Piece(table, None, rows.take(pa.array(places)))


def _blemish(shop: _Shop, table: str, rows: pa.Table, block: int) -> tuple[pa.Table, np.ndarray]:
    """Rows with some values spoilt, and the places of the rows as delivered."""
    random = shop.config.stream(f"blemishes of {table}", block)
    rows, spoilt = spoil(random, rows, shop.config.unreadable_share, GARBAGE[table])
    places = repeat_rows(random, rows, shop.config.duplicate_share)
    shop.note(table, "unreadable value", spoilt)
    shop.note(table, "repeated row", len(places) - rows.num_rows)
    return rows, places


def _events(shop: _Shop, rows: pa.Table, received: np.ndarray, block: int) -> Iterator[Piece]:
    """Events by the month they were received in."""
    rows, places = _blemish(shop, "events", rows, block)
    shop.events += len(places)
    month = (shop.config.start + received[places].astype("timedelta64[ms]")).astype("datetime64[M]")
    edges = np.flatnonzero(month[1:] != month[:-1]) + 1
    for first, last in zip([0, *edges], [*edges, len(month)], strict=True):
        if last > first:
            yield Piece("events", str(month[first]), rows.take(pa.array(places[first:last])))


def _rest(shop: _Shop) -> Iterator[Piece]:
    """What is known at the end only: bots, stock, and the sums of the truth."""
    config = shop.config
    block = len(block_ranges(config))
    rows, received, bots = make_bots(config, shop.catalogue, block)
    yield from _events(shop, rows, received, block)
    yield Piece("stock_counts", None, make_stock(config, shop.catalogue, shop.sold))
    yield other_visitors(config, bots, max(1, config.user_count // USERS_PER_KIOSK))
    yield Piece("truth/personal_data", None, shop.personal.table())
    kinds = sorted(shop.blemishes)
    yield truth_piece(
        "blemishes",
        {
            "table_name": [table for table, _ in kinds],
            "kind": [kind for _, kind in kinds],
            "row_count": [shop.blemishes[kind] for kind in kinds],
        },
    )
