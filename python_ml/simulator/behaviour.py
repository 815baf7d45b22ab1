"""Visits of a block of shoppers and what they did there; purchases are drawn here too.

V visits, L looks; every array is parallel to one of the two.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from python_ml.simulator.campaigns import NEXT_LOOK, THEME_SHARE, Assignment, Campaigns
from python_ml.simulator.catalogue import ITEM_TYPES, Catalogue, Choice
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import moments, texts
from python_ml.simulator.population import (
    KIOSK,
    MOST_VISITORS,
    USERS_PER_KIOSK,
    Groups,
    Shoppers,
    user_ids,
    visitor_ids,
)
from python_ml.simulator.vocabulary import CHANNELS, DEVICES

MEAN_GAP_SECONDS = 38.0
SHORTEST_GAP_SECONDS = 10.0
LONGEST_GAP_SECONDS = 1_500.0  # below half an hour, so a visit is never cut
KIOSK_SHARE = 0.03  # of users' visits, on a device that many share
KNOWN_SHARE, LOGIN_SHARE = 0.68, 0.2  # visits known from their start, and visits with a login in the middle
CLICK, CART, REMOVE, WISHLIST, SHARE, SEARCH = 0.3, 0.05, 0.4, 0.03, 0.006, 0.35
EVENT_TYPES = ("view", "click", "cart", "remove_from_cart", "wishlist", "share", "search")
# When each follows the look, in milliseconds: all before the next look, and never a second event at once.
DELAYS = (0, -2_000, 4_000, 7_000, 5_000, 6_000, -5_000)
LIST_LENGTH = 40
KNOWN, LOGIN, UNKNOWN = 0, 1, 2
DAY_MILLISECONDS = 86_400_000
LONGEST_DELAY_DAYS = 20


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits and looks of a block.

    Args:
        shopper, day, login, channel, device: (V,) int; login is KNOWN, LOGIN or UNKNOWN.
        visitor: (V,) int, number of the browser.
        started, ended: (V,) int, milliseconds from the start of the history to the first and last look.
        looks: (V,) int.
        visit, item, week: (L,) int.
        looked: (L,) int, milliseconds from the start.
        is_known: (L,) bool, whether the shop knew who it was.
        is_bought: (L,) bool.
    """

    shopper: np.ndarray
    day: np.ndarray
    login: np.ndarray
    channel: np.ndarray
    device: np.ndarray
    visitor: np.ndarray
    started: np.ndarray
    ended: np.ndarray
    looks: np.ndarray
    visit: np.ndarray
    item: np.ndarray
    week: np.ndarray
    looked: np.ndarray
    is_known: np.ndarray
    is_bought: np.ndarray


def events_a_visit(choice: Choice) -> float:
    """Expected rows of the raw events for a visit, copies left out."""
    bought = float(choice.bought.mean())
    carts = bought + (1 - bought) * CART * (1 + REMOVE)
    return SEARCH + (1 + CLICK + carts + WISHLIST + SHARE) / (1 - NEXT_LOOK)


def make_visits(
    config: SimulatorConfig, groups: Groups, catalogue: Catalogue, choice: Choice, campaigns: Campaigns,
    shoppers: Shoppers, assignment: Assignment,
) -> Visits:  # fmt: skip
    """Draw when shoppers come, what they look at and what they buy."""
    random = config.stream("visits", shoppers.block)
    shopper = np.repeat(np.arange(len(shoppers.number)), random.poisson(shoppers.visits))
    day, begun = _times(random, groups, shoppers, shopper)
    looks = random.geometric(1 - NEXT_LOOK, len(shopper))
    visit = np.repeat(np.arange(len(shopper)), looks)
    first = np.cumsum(looks) - looks
    passed = _passed(random, visit, first)
    item = _items(random, choice, shoppers, shopper, visit)
    week = (day // 7)[visit]
    buying = shoppers.buying[shopper[visit]] * assignment.factor[shopper[visit], campaigns.of_week[week]]
    is_bought = random.random(len(visit)) < buying * catalogue.buy[item, week]
    visitor, device = _visitors(random, config, shoppers, shopper)
    login = _logins(random, shoppers, visitor, begun)
    looked = begun[visit] + passed
    login_look = (random.random(len(shopper)) * looks).astype(np.int64)
    order_in_visit = np.arange(len(visit)) - first[visit]
    is_known = (login[visit] == KNOWN) | (
        (login[visit] == LOGIN) & (order_in_visit >= login_look[visit])
    )
    return Visits(
        shopper=shopper,
        day=day,
        login=login,
        channel=random.choice(len(CHANNELS), p=(0.34, 0.26, 0.14, 0.14, 0.12), size=len(shopper)),
        device=device,
        visitor=visitor,
        started=begun,
        ended=looked[first + looks - 1],
        looks=looks,
        visit=visit,
        item=item,
        week=week,
        looked=looked,
        is_known=is_known,
        is_bought=is_bought,
    )


def _times(
    random: np.random.Generator, groups: Groups, shoppers: Shoppers, shopper: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Day and millisecond of each visit's start, by the group's habits and after the account was opened."""
    group = shoppers.group[shopper]
    before = groups.days[group, np.maximum(shoppers.signup_day[shopper], 0)]
    day = _draw_row(groups.days, group, before + (1 - before) * random.random(len(shopper)))
    hour = _draw_row(groups.hours, group, random.random(len(shopper)))
    inside = random.integers(0, 3_600_000, len(shopper))
    return day, day * DAY_MILLISECONDS + hour * 3_600_000 + inside


def _draw_row(running: np.ndarray, row: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """For each chance the step of that row's running sum it falls into; rows begin at 0 and end at 1."""
    steps = running.shape[1] - 1
    edges = (running[:, 1:] + np.arange(len(running))[:, None]).ravel()
    place = np.searchsorted(edges, row + chance * (1 - 1e-9), side="right") - row * steps
    return np.minimum(place, steps - 1)


def _passed(random: np.random.Generator, visit: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Milliseconds from a visit's first look to each of its looks."""
    gap = SHORTEST_GAP_SECONDS + random.exponential(MEAN_GAP_SECONDS, len(visit))
    running = np.cumsum(np.minimum(gap, LONGEST_GAP_SECONDS) * 1000).astype(np.int64)
    return running - running[first][visit]


def _items(
    random: np.random.Generator, choice: Choice, shoppers: Shoppers, shopper: np.ndarray, visit: np.ndarray
) -> np.ndarray:
    """A visit has a theme, an item type; a look goes there or to any type, both by the user's taste."""
    running = np.cumsum(shoppers.taste, axis=1)
    running = np.concatenate([np.zeros((len(running), 1)), running / running[:, -1:]], axis=1)
    theme = _draw_row(running, shopper, random.random(len(shopper)))
    item_type = theme[visit]
    elsewhere = np.flatnonzero(random.random(len(visit), dtype=np.float32) >= THEME_SHARE)
    item_type[elsewhere] = _draw_row(running, shopper[visit[elsewhere]], random.random(len(elsewhere)))
    return choice.draw(shoppers.kind[shopper[visit]], item_type, random.random(len(visit)))


def _visitors(
    random: np.random.Generator, config: SimulatorConfig, shoppers: Shoppers, shopper: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One of the user's own browsers, or the device that users of the same neighbourhood share."""
    own = (random.random(len(shopper)) * shoppers.visitor_count[shopper]).astype(np.int64)
    visitor = shoppers.number[shopper] * MOST_VISITORS + own
    device = shoppers.visitor_device[shopper, own]
    if shoppers.is_guest:
        return visitor, device
    shared = random.random(len(shopper)) < KIOSK_SHARE
    kiosks = max(1, config.user_count // USERS_PER_KIOSK)
    visitor = np.where(shared, KIOSK + shoppers.number[shopper] % kiosks, visitor)
    return visitor, np.where(shared, DEVICES.index("desktop"), device)


def _logins(
    random: np.random.Generator, shoppers: Shoppers, visitor: np.ndarray, begun: np.ndarray
) -> np.ndarray:
    """How each visit is known; nobody is known on a browser before a first login there."""
    if shoppers.is_guest:
        return np.full(len(visitor), UNKNOWN)
    chance = random.random(len(visitor))
    login = np.where(chance < KNOWN_SHARE, KNOWN, np.where(chance < KNOWN_SHARE + LOGIN_SHARE, LOGIN, UNKNOWN))
    login[(login == KNOWN) & (visitor >= KIOSK)] = LOGIN
    identified = np.flatnonzero(login != UNKNOWN)
    order = identified[np.lexsort((begun[identified], visitor[identified]))]
    is_first = np.ones(len(order), bool)
    is_first[1:] = visitor[order][1:] != visitor[order][:-1]
    login[order[is_first]] = LOGIN
    return login


EVENT_COLUMNS = {
    "event_id": pa.int64(),
    "visitor_id": pa.string(),
    "user_id": pa.string(),
    "item_id": pa.string(),
    "event_type": pa.string(),
    "channel": pa.string(),
    "device": pa.string(),
    "search_text": pa.string(),
    "list_position": pa.int32(),
    "quantity": pa.int32(),
    "price": pa.float64(),
    "occurred_at": pa.timestamp("us"),
    "received_at": pa.timestamp("us"),
}


def make_events(
    config: SimulatorConfig, catalogue: Catalogue, shoppers: Shoppers, visits: Visits
) -> tuple[pa.Table, np.ndarray]:
    """The block's raw events, sorted by when they were received.

    Returns:
        The rows, and the millisecond each was received at.
    """
    random = config.stream("events", shoppers.block)
    look, kind = _acts(random, visits)
    visit = visits.visit[look]
    occurred = visits.looked[look] + np.array(DELAYS)[kind]
    is_search = kind == EVENT_TYPES.index("search")
    occurred = np.maximum(occurred, 0)  # nobody searches before the first midnight
    delay = np.where(
        random.random(len(look)) < config.late_share,
        random.integers(DAY_MILLISECONDS, LONGEST_DELAY_DAYS * DAY_MILLISECONDS, len(look)),
        random.integers(50, 4_000, len(look)),
    )
    order = np.argsort(occurred + delay, kind="stable")
    look, kind, visit, occurred, delay, is_search = (
        column[order] for column in (look, kind, visit, occurred, delay, is_search)
    )
    is_cart = (kind == EVENT_TYPES.index("cart")) | (kind == EVENT_TYPES.index("remove_from_cart"))
    is_click = kind == EVENT_TYPES.index("click")
    visitors, visitor_place = np.unique(visits.visitor, return_inverse=True)
    item = visits.item[look]
    price = catalogue.price_cents[item, visits.week[look]] / 100
    columns = (
        pa.array(shoppers.block * 2**32 + np.arange(len(look))),
        texts(visitor_ids(visitors, config.seed), visitor_place[visit]),
        texts(user_ids(shoppers), visits.shopper[visit], visits.is_known[look]),
        texts(catalogue.item_id, item, ~is_search),
        texts(EVENT_TYPES, kind),
        texts(CHANNELS, visits.channel[visit]),
        texts(DEVICES, visits.device[visit]),
        _queries(random, catalogue, shoppers, visits, look, is_search),
        pa.array(random.integers(1, LIST_LENGTH + 1, len(look)), pa.int32(), mask=~is_click),
        pa.array(np.ones(len(look), np.int32), mask=~is_cart),
        pa.array(price, mask=is_search),
        moments(config.start, occurred),
        moments(config.start, occurred + delay),
    )
    return pa.table(list(columns), schema=pa.schema(list(EVENT_COLUMNS.items()))), occurred + delay


def _acts(random: np.random.Generator, visits: Visits) -> tuple[np.ndarray, np.ndarray]:
    """For each event the look it belongs to and its kind; a search belongs to the visit's first look."""
    count = len(visits.item)

    def some(share: float) -> np.ndarray:
        return random.random(count, dtype=np.float32) < share

    every = np.arange(count)
    left = some(CART) & ~visits.is_bought
    removed = left & some(REMOVE)
    first = np.cumsum(visits.looks) - visits.looks
    searched = first[random.random(len(first)) < SEARCH]
    masks = (some(CLICK), visits.is_bought | left, removed, some(WISHLIST), some(SHARE))
    looks = [every, *(np.flatnonzero(mask) for mask in masks), searched]
    kinds = [np.full(len(places), kind) for kind, places in enumerate(looks)]
    return np.concatenate(looks), np.concatenate(kinds)


def _queries(
    random: np.random.Generator, catalogue: Catalogue, shoppers: Shoppers, visits: Visits, look: np.ndarray,
    is_search: np.ndarray,
) -> pa.Array:  # fmt: skip
    """What was typed: the item type in the user's language, or the brand and the item type."""
    words = [name for _, english, chinese in ITEM_TYPES for name in (english.lower(), chinese)]
    item = visits.item[look]
    chinese = shoppers.is_chinese[visits.shopper[visits.visit[look]]]
    place = catalogue.item_type[item] * 2 + chinese
    brands, brand_place = np.unique(catalogue.brand, return_inverse=True)
    texts_known = [*words, *(f"{brand.lower()} {word}" for brand in brands for word in words)]
    with_brand = random.random(len(look), dtype=np.float32) < 0.3
    place = np.where(with_brand, (1 + brand_place[item]) * len(words) + place, place)
    return texts(texts_known, place, is_search)


IDENTITY_COLUMNS = {
    "visitor_id": pa.string(),
    "user_id": pa.string(),
    "link_type": pa.string(),
    "linked_at": pa.timestamp("us"),
}


def make_identities(config: SimulatorConfig, shoppers: Shoppers, visits: Visits) -> pa.Table:
    """One row per login, and per order of a visitor who had not logged in."""
    first_known = np.full(len(visits.shopper), -1)
    known = np.flatnonzero(visits.is_known)[::-1]
    first_known[visits.visit[known]] = known  # written backwards, so the first look stays
    logged_in = np.flatnonzero((visits.login == LOGIN) & (first_known >= 0))
    bought = np.unique(visits.visit[visits.is_bought])
    at_order = np.empty(0, np.int64) if shoppers.is_guest else bought[visits.login[bought] == UNKNOWN]
    visit = np.concatenate([logged_in, at_order])
    at = np.concatenate([visits.looked[first_known[logged_in]] - 1, visits.ended[at_order] + 60_000])
    order = np.lexsort((visits.visitor[visit], at))
    visitors, place = np.unique(visits.visitor[visit[order]], return_inverse=True)
    is_order = np.repeat([0, 1], [len(logged_in), len(at_order)])[order]
    return pa.table(
        [
            texts(visitor_ids(visitors, config.seed), place),
            texts(user_ids(shoppers), visits.shopper[visit[order]]),
            texts(("login", "order"), is_order),
            moments(config.start, at[order]),
        ],
        schema=pa.schema(list(IDENTITY_COLUMNS.items())),
    )


def make_bots(config: SimulatorConfig, catalogue: Catalogue, block: int) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Programs that read the catalogue a few items a second, for a few hundred looks at a time.

    Returns:
        The rows, the millisecond each was received at, and the visitor numbers.
    """
    random = config.stream("bots")
    wanted = max(1, round(config.events * config.bot_event_share))
    looks = random.integers(300, 1_200, -(-wanted // 750))
    bot = np.repeat(np.arange(len(looks)), looks)
    number = KIOSK * 2 + np.arange(len(looks))
    begun = random.integers(0, (config.days - 1) * DAY_MILLISECONDS, len(looks))
    running = np.cumsum(random.integers(150, 600, len(bot)))
    first = np.cumsum(looks) - looks
    occurred = begun[bot] + running - running[first][bot]
    item = (random.integers(0, config.item_count, len(looks))[bot] + np.arange(len(bot))) % config.item_count
    received = occurred + random.integers(50, 4_000, len(bot))
    order = np.argsort(received, kind="stable")
    bot, item, occurred, received = (column[order] for column in (bot, item, occurred, received))
    nothing = np.zeros(len(bot), bool)
    columns = (
        pa.array(block * 2**32 + np.arange(len(bot))),
        texts(visitor_ids(number, config.seed), bot),
        pa.nulls(len(bot), pa.string()),
        texts(catalogue.item_id, item),
        texts(EVENT_TYPES, np.where(random.random(len(bot)) < 0.2, EVENT_TYPES.index("click"), 0)),
        texts(("direct",), np.zeros(len(bot))),
        texts(("desktop",), np.zeros(len(bot))),
        pa.nulls(len(bot), pa.string()),
        pa.nulls(len(bot), pa.int32()),
        pa.nulls(len(bot), pa.int32()),
        pa.array(catalogue.price_cents[item, occurred // DAY_MILLISECONDS // 7] / 100, mask=nothing),
        moments(config.start, occurred),
        moments(config.start, received),
    )
    return pa.table(list(columns), schema=pa.schema(list(EVENT_COLUMNS.items()))), received, number
