"""Orders of a block: lines, what became of them, what came back and which coupons were used.

O orders, N lines; amounts are whole cents throughout and become text only when written.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from python_ml.simulator.behaviour import DAY_MILLISECONDS, Visits
from python_ml.simulator.campaigns import Assignment, Campaigns
from python_ml.simulator.catalogue import Catalogue
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import money, moments, spelled, table_of, texts, times_as_text
from python_ml.simulator.population import Groups, Shoppers, user_ids
from python_ml.simulator.vocabulary import CHANNELS, DEVICES, PAYMENTS

COUPON_SHARE = 0.1  # what a coupon takes off
MORE_PIECES = 0.15  # expected pieces beyond the first
TEST_SHARE = 0.04  # of guests' orders: the shop trying its own till
LATE_DELIVERY_SHARE = 0.12
FREE_SHIPPING_CENTS = 8_000
SHIPPING_CENTS = 490
CRISIS_RETURNED_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders and lines of a block.

    Args:
        order_id: (O,) str.
        visit, shopper: (O,) int.
        ordered: (O,) int, milliseconds from the start.
        is_cancelled, is_test: (O,) bool.
        promised, delivered: (O,) int, milliseconds from the start.
        used_coupon: (O,) bool.
        order, item, week, quantity, list_cents, discount_cents, coupon_cents: (N,) int; amounts are of the
            whole line.
        in_crisis: (N,) bool, whether it is of the brand in crisis, bought during it.
        returned: (N,) int, milliseconds from the start, -1 for a line that was kept.
    """

    order_id: np.ndarray
    visit: np.ndarray
    shopper: np.ndarray
    ordered: np.ndarray
    is_cancelled: np.ndarray
    is_test: np.ndarray
    promised: np.ndarray
    delivered: np.ndarray
    used_coupon: np.ndarray
    order: np.ndarray
    item: np.ndarray
    week: np.ndarray
    quantity: np.ndarray
    list_cents: np.ndarray
    discount_cents: np.ndarray
    coupon_cents: np.ndarray
    in_crisis: np.ndarray
    returned: np.ndarray

    @property
    def is_kept(self) -> np.ndarray:
        """(O,) bool, neither cancelled nor a test."""
        return ~self.is_cancelled & ~self.is_test


def make_orders(
    config: SimulatorConfig, groups: Groups, catalogue: Catalogue, campaigns: Campaigns, shoppers: Shoppers,
    assignment: Assignment, visits: Visits,
) -> Orders:  # fmt: skip
    """Everything a visit bought is one order; the same item bought at two looks is one line of two pieces."""
    random = config.stream("orders", shoppers.block)
    bought = np.flatnonzero(visits.is_bought)
    pairs, count = np.unique(visits.visit[bought] * config.item_count + visits.item[bought], return_counts=True)
    visit, order = np.unique(pairs // config.item_count, return_inverse=True)
    item = pairs % config.item_count
    shopper = visits.shopper[visit]
    week = (visits.day[visit] // 7)[order]
    ordered = visits.ended[visit] + random.integers(60_000, 180_000, len(visit))
    quantity = count + random.poisson(MORE_PIECES, len(item))
    list_cents = catalogue.list_cents[item] * quantity
    price_cents = catalogue.price_cents[item, week] * quantity
    used, covered = _coupons(random, groups, catalogue, campaigns, shoppers, assignment, visits, visit, order, item)
    promised = ordered + random.integers(2, 5, len(visit)) * DAY_MILLISECONDS
    late = random.random(len(visit)) < LATE_DELIVERY_SHARE
    days_late = np.where(late, random.uniform(0.5, 8, len(visit)), random.uniform(-1.5, 0, len(visit)))
    delivered = promised + (days_late * DAY_MILLISECONDS).astype(np.int64)
    is_test = (random.random(len(visit)) < TEST_SHARE) & shoppers.is_guest
    is_cancelled = (random.random(len(visit)) < config.cancelled_share) & ~is_test
    crisis = (week >= catalogue.crisis_weeks[0]) & (week < catalogue.crisis_weeks[1]) & catalogue.is_in_crisis[item]
    chance = np.where(crisis, CRISIS_RETURNED_SHARE, config.returned_share)
    returned = delivered[order] + random.integers(1, 21, len(item)) * DAY_MILLISECONDS
    comes_back = (random.random(len(item)) < chance) & ~(is_cancelled | is_test)[order]
    comes_back &= returned < config.days * DAY_MILLISECONDS
    return Orders(
        order_id=np.array([f"O{shoppers.block:05d}{number:07d}" for number in range(len(visit))]),
        visit=visit,
        shopper=shopper,
        ordered=ordered,
        is_cancelled=is_cancelled,
        is_test=is_test,
        promised=promised,
        delivered=delivered,
        used_coupon=used,
        order=order,
        item=item,
        week=week,
        quantity=quantity,
        list_cents=list_cents,
        discount_cents=list_cents - price_cents,
        coupon_cents=np.where(covered, np.round(price_cents * COUPON_SHARE).astype(np.int64), 0),
        in_crisis=crisis,
        returned=np.where(comes_back, returned, -1),
    )


def _coupons(
    random: np.random.Generator, groups: Groups, catalogue: Catalogue, campaigns: Campaigns, shoppers: Shoppers,
    assignment: Assignment, visits: Visits, visit: np.ndarray, order: np.ndarray, item: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """A contacted user may use the coupon once, on the first order that has an item it covers.

    Returns:
        (O,) bool, orders it was used on; (N,) bool, lines it took something off.
    """
    shopper = visits.shopper[visit]
    campaign = campaigns.of_week[visits.day[visit] // 7]
    category = np.append(campaigns.category, -1)[campaign]  # -1 is the last place: no category
    fits = catalogue.category[item] == category[order]
    order_fits = np.bincount(order, fits, len(visit)) > 0
    contacted = (campaign >= 0) & assignment.is_treated[shopper, campaign]
    willing = random.random(len(visit)) < groups.coupon_use[shoppers.group[shopper]]
    candidate = np.flatnonzero(order_fits & contacted & willing)
    by_time = candidate[np.lexsort((visits.started[visit[candidate]], campaign[candidate], shopper[candidate]))]
    pair = shopper[by_time] * (len(campaigns.category) + 1) + campaign[by_time]
    is_first = np.ones(len(pair), bool)
    is_first[1:] = pair[1:] != pair[:-1]
    used = np.zeros(len(visit), bool)
    used[by_time[is_first]] = True
    return used, fits & used[order]


_TEXT = pa.string()
ORDER_COLUMNS = {
    "order_id": _TEXT, "user_id": _TEXT, "channel": _TEXT, "device": _TEXT, "payment_method": _TEXT,
    "status": _TEXT, "shipping": _TEXT, "promised_at": pa.timestamp("us"), "delivered_at": pa.timestamp("us"),
}  # fmt: skip
# Text throughout, as the till writes it, so that a value may be unreadable.
LINE_COLUMNS = dict.fromkeys(
    (
        "order_id", "line_number", "user_id", "item_id", "kind", "quantity", "amount", "shelf_discount",
        "coupon_discount", "booked_at",
    ),
    _TEXT,
)  # fmt: skip


def order_rows(config: SimulatorConfig, shoppers: Shoppers, visits: Visits, orders: Orders) -> pa.Table:
    """Raw orders: what is known of each as a whole."""
    random = config.stream("order facts", shoppers.block)
    amount = np.bincount(orders.order, orders.list_cents - orders.discount_cents, len(orders.visit))
    shipping = np.where(amount >= FREE_SHIPPING_CENTS, 0, SHIPPING_CENTS)
    arrived = orders.is_kept & (orders.delivered < config.days * DAY_MILLISECONDS)
    status = np.select([orders.is_test, orders.is_cancelled, arrived], [0, 1, 2], 3)
    everyone = np.full(len(orders.visit), not shoppers.is_guest)
    return table_of(
        {
            "order_id": orders.order_id.tolist(),
            "user_id": texts(user_ids(shoppers), orders.shopper, everyone),
            "channel": texts(CHANNELS, visits.channel[orders.visit]),
            "device": texts(DEVICES, visits.device[orders.visit]),
            "payment_method": texts(PAYMENTS, random.integers(0, len(PAYMENTS), len(orders.visit))),
            "status": texts(("test", "cancelled", "delivered", "sent"), status),
            "shipping": money(shipping),
            "promised_at": moments(config.start, orders.promised),
            "delivered_at": moments(config.start, orders.delivered, arrived),
        },
        ORDER_COLUMNS,
    )


def line_rows(config: SimulatorConfig, catalogue: Catalogue, shoppers: Shoppers, orders: Orders) -> pa.Table:
    """Raw order lines: sales first, then what came back, with the amounts negative."""
    back = np.flatnonzero(orders.returned >= 0)
    line = np.concatenate([np.arange(len(orders.item)), back])
    is_return = np.arange(len(line)) >= len(orders.item)
    order = orders.order[line]
    first = np.searchsorted(orders.order, orders.order)  # lines of an order stand together
    sign = np.where(is_return, -1, 1)
    amount = orders.list_cents - orders.discount_cents - orders.coupon_cents
    booked = np.where(is_return, orders.returned[line], orders.ordered[order])
    prefix = np.where(is_return, "R", "")
    return table_of(
        {
            "order_id": [head + name for head, name in zip(prefix, orders.order_id[order], strict=True)],
            "line_number": spelled((np.arange(len(orders.item)) - first + 1)[line]),
            "user_id": texts(user_ids(shoppers), orders.shopper[order], np.full(len(line), not shoppers.is_guest)),
            "item_id": texts(catalogue.item_id, orders.item[line]),
            "kind": texts(("sale", "return"), is_return),
            "quantity": spelled(orders.quantity[line] * sign),
            "amount": money(amount[line] * sign),
            "shelf_discount": money(np.where(is_return, 0, orders.discount_cents[line])),
            "coupon_discount": money(np.where(is_return, 0, orders.coupon_cents[line])),
            "booked_at": times_as_text(config.start, booked),
        },
        LINE_COLUMNS,
    )


REDEMPTION_COLUMNS = {"user_id": _TEXT, "campaign_id": _TEXT, "coupon_code": _TEXT, "redeemed_at": pa.timestamp("us")}


def redemption_rows(
    config: SimulatorConfig, campaigns: Campaigns, shoppers: Shoppers, orders: Orders
) -> pa.Table:
    """Coupons used on orders that were kept."""
    used = np.flatnonzero(orders.used_coupon & orders.is_kept)
    first = np.searchsorted(orders.order, used)
    campaign = campaigns.of_week[orders.week[first]]
    return table_of(
        {
            "user_id": texts(user_ids(shoppers), orders.shopper[used]),
            "campaign_id": texts(campaigns.campaign_id, campaign),
            "coupon_code": texts(campaigns.coupon_code, campaign),
            "redeemed_at": moments(config.start, orders.ordered[used]),
        },
        REDEMPTION_COLUMNS,
    )
