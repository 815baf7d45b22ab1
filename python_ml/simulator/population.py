"""Who shops: hidden groups with their habits, and users drawn from them block by block.

A guest is a user the shop never gets to know: drawn the same way, of few visits, without an account.
"""

from dataclasses import dataclass

import numpy as np

from python_ml.simulator.catalogue import CATEGORY_OF_TYPE, ITEM_TYPES
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.vocabulary import (
    ACQUISITION_CHANNELS,
    AGE_BANDS,
    CATEGORIES,
    CITIES,
    DISTRICTS_PER_CITY,
    FAMILY_NAMES,
    GIVEN_NAMES,
    HOUSEHOLD_SIZES,
    INCOME_BANDS,
    STREETS,
    STYLES,
)

MAIN_CATEGORIES = 3  # of each group; neighbouring groups share one
MAIN_TASTE = 0.8  # share of looks that go there
TASTE_CONCENTRATION = 25.0  # how closely a user follows the group
VISITS_SPREAD = 0.7  # standard deviation of the logarithm, within a group
BUYING_SPREAD = 0.3
GUEST_VISITS = 2.5
SIGNED_UP_BEFORE = 0.7  # share of users with an account before the first day
EARLIER_DAYS = 700
CHINESE_SHARE = 0.4
UTC_OFFSET_HOURS = 8  # the shop's clock, Asia/Singapore
SEASON_PEAK = 0.35  # how much busier the last weeks of a year are
WEEKDAY_WEIGHT = np.array([0.95, 0.9, 0.9, 0.95, 1.05, 1.2, 1.15])
MOST_VISITORS = 4  # browsers of one user
KIOSK = 1 << 60  # visitor numbers from here on are shared devices
USERS_PER_KIOSK = 250


@dataclass(frozen=True, slots=True)
class Groups:
    """Hidden groups as parallel arrays; G groups, D days.

    Args:
        share: (G,) share of users.
        taste: (G, item types) share of looks, each row sums to 1.
        visit_rate: (G,) visits against the mean of all users.
        buying: (G,) factor on the probability to buy.
        price_sensitivity: (G,) power with which looks fall with the list price.
        coupon_use: (G,) probability to redeem a coupon that fits an order.
        growth: (G,) growth of visits over the year, as a logarithm.
        peak_hour: (G,) busiest hour on the shop's clock.
        effect: (G,) logarithm of the factor that a campaign puts on the probability to buy.
        days: (G, D + 1) running share of visits up to each day.
        hours: (G, 25) running share of visits up to each hour UTC.
    """

    share: np.ndarray
    taste: np.ndarray
    visit_rate: np.ndarray
    buying: np.ndarray
    price_sensitivity: np.ndarray
    coupon_use: np.ndarray
    growth: np.ndarray
    peak_hour: np.ndarray
    effect: np.ndarray
    days: np.ndarray
    hours: np.ndarray


def make_groups(config: SimulatorConfig) -> Groups:
    """Groups that differ in everything: each trait is spread evenly over its range, in random order.

    `group_noise` draws every trait to the middle of its range, and tastes to that of all users.
    """
    random = config.stream("groups")
    count, noise = config.groups, config.group_noise

    def spread(low: float, high: float) -> np.ndarray:
        return (1 - noise) * random.permutation(np.linspace(low, high, count)) + noise * (low + high) / 2

    share = random.dirichlet(np.full(count, 30.0))
    visit_rate = np.exp(spread(-0.6, 0.6))
    growth = spread(-0.5, 0.9)
    peak_hour = spread(8, 22)
    taste = _tastes(random, count)
    return Groups(
        share=share,
        taste=(1 - noise) * taste + noise * (share @ taste),
        visit_rate=visit_rate / (share @ visit_rate),
        buying=np.exp(spread(-0.3, 0.3)),
        price_sensitivity=spread(-0.5, 1.5),
        coupon_use=spread(0.1, 0.9),
        growth=growth,
        peak_hour=peak_hour,
        effect=spread(-0.15, 0.9),
        days=np.stack([_running_days(config, rate) for rate in growth]),
        hours=np.stack([_running_hours(peak) for peak in peak_hour]),
    )


def _tastes(random: np.random.Generator, count: int) -> np.ndarray:
    order = random.permutation(len(CATEGORIES))
    taste = np.empty((count, len(ITEM_TYPES)))
    for group in range(count):
        main = order[(group * (MAIN_CATEGORIES - 1) + np.arange(MAIN_CATEGORIES)) % len(CATEGORIES)]
        by_category = np.full(len(CATEGORIES), (1 - MAIN_TASTE) / (len(CATEGORIES) - MAIN_CATEGORIES))
        by_category[main] = MAIN_TASTE / MAIN_CATEGORIES
        inside = random.dirichlet(np.full(len(CATEGORIES[0].item_types), 4.0), len(CATEGORIES))
        taste[group] = (by_category[:, None] * inside).ravel()
    return taste


def _running_days(config: SimulatorConfig, growth: float) -> np.ndarray:
    day = np.arange(config.days)
    year = day / 365
    weight = WEEKDAY_WEIGHT[day % 7] * np.exp(growth * year)
    weight *= 1 + SEASON_PEAK * np.exp(-(((year % 1) - 0.93) ** 2) / 0.002)
    return np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])


def _running_hours(peak: float) -> np.ndarray:
    hour = (np.arange(24) + UTC_OFFSET_HOURS) % 24
    weight = 0.05 + np.exp(1.6 * np.cos(2 * np.pi * (hour + 0.5 - peak) / 24))
    return np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])


@dataclass(frozen=True, slots=True)
class Shoppers:
    """A block of users or guests as parallel arrays; N shoppers.

    Args:
        block: number of the block; users' blocks come first, then guests'.
        number: (N,) int, unique over all blocks.
        is_guest: whether the whole block is of guests.
        group, style: (N,) int.
        taste: (N, item types) share of looks.
        visits: (N,) expected visits over the days of the account.
        buying: (N,) factor on the probability to buy.
        signup_day: (N,) int, day of the account, negative before the start.
        visitor_count: (N,) browsers of one's own.
        visitor_device: (N, MOST_VISITORS) place in DEVICES.
        location: (N,) int.
        is_chinese: (N,) whether the language is Chinese, not English.
        has_marketing_consent, has_profiling_consent: (N,) bool.
    """

    block: int
    number: np.ndarray
    is_guest: bool
    group: np.ndarray
    style: np.ndarray
    taste: np.ndarray
    visits: np.ndarray
    buying: np.ndarray
    signup_day: np.ndarray
    visitor_count: np.ndarray
    visitor_device: np.ndarray
    location: np.ndarray
    is_chinese: np.ndarray
    has_marketing_consent: np.ndarray
    has_profiling_consent: np.ndarray

    @property
    def kind(self) -> np.ndarray:
        """(N,) int, group and style in one number, as `Choice` counts them."""
        return self.group * len(STYLES) + self.style


def block_ranges(config: SimulatorConfig) -> list[tuple[int, int, bool]]:
    """First number, the one after the last, and whether they are guests, for every block."""
    ranges = []
    users, everybody = config.user_count, config.user_count + config.guest_count
    for low, high, guests in ((0, users, False), (users, everybody, True)):
        ranges += [
            (first, min(first + config.block_users, high), guests)
            for first in range(low, high, config.block_users)
        ]
    return ranges


def make_shoppers(config: SimulatorConfig, groups: Groups, block: int, visits_a_user: float) -> Shoppers:
    """Draw one block.

    Args:
        config: size and make-up.
        groups: the hidden groups.
        block: place in `block_ranges`.
        visits_a_user: expected visits of a mean user with an account from the first day.
    """
    first, last, guests = block_ranges(config)[block]
    random = config.stream("shoppers", block)
    count = last - first
    group = random.choice(config.groups, p=groups.share, size=count)
    taste = random.gamma(groups.taste[group] * TASTE_CONCENTRATION) + 1e-12
    late = random.random(count) >= SIGNED_UP_BEFORE
    early_day, late_day = -random.integers(1, EARLIER_DAYS, count), random.integers(0, config.days - 7, count)
    signup = np.where(late, late_day, early_day)
    signup = np.full(count, -1) if guests else signup
    present = 1 - groups.days[group, np.maximum(signup, 0)]
    visits = visits_a_user * groups.visit_rate[group] * _lognormal(random, VISITS_SPREAD, count) * present
    return Shoppers(
        block=block,
        number=np.arange(first, last),
        is_guest=guests,
        group=group,
        style=random.integers(0, len(STYLES), count),
        taste=taste / taste.sum(axis=1, keepdims=True),
        visits=np.full(count, GUEST_VISITS) if guests else visits,
        buying=groups.buying[group] * _lognormal(random, BUYING_SPREAD, count),
        signup_day=signup,
        visitor_count=np.ones(count, np.int64) if guests else 1 + np.minimum(random.poisson(0.6, count), 3),
        visitor_device=random.choice(4, p=(0.45, 0.3, 0.2, 0.05), size=(count, MOST_VISITORS)),
        location=random.integers(0, len(CITIES) * DISTRICTS_PER_CITY, count),
        is_chinese=random.random(count) < CHINESE_SHARE,
        has_marketing_consent=random.random(count) >= config.no_marketing_share,
        has_profiling_consent=random.random(count) >= config.no_profiling_share,
    )


def _lognormal(random: np.random.Generator, spread: float, count: int) -> np.ndarray:
    """Factors with mean 1."""
    return random.lognormal(-(spread**2) / 2, spread, count)


def mean_presence(config: SimulatorConfig, groups: Groups) -> float:
    """Expected share of a user's yearly visits that fall after the account was opened, weighted by visits."""
    after = 1 - groups.days[:, : config.days - 7].mean(axis=1)
    by_group = SIGNED_UP_BEFORE + (1 - SIGNED_UP_BEFORE) * after
    return float((groups.share * groups.visit_rate) @ by_group)


def user_ids(shoppers: Shoppers) -> np.ndarray:
    """(N,) str."""
    return np.array([f"U{number:08d}" for number in shoppers.number])


def visitor_ids(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Cookies as the shop sees them: 16 hexadecimal digits that tell nothing; no two numbers share one.

    Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, mix64.
    """
    mixed = numbers.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.array([f"{value:016x}" for value in mixed.tolist()])


def user_columns(config: SimulatorConfig, shoppers: Shoppers) -> dict[str, list]:
    """Columns of the raw user list, with the personal ones that must go no further than staging."""
    random = config.stream("people", shoppers.block)
    count = len(shoppers.number)
    given = random.choice(GIVEN_NAMES, count).tolist()
    family = random.choice(FAMILY_NAMES, count).tolist()
    phone, house = random.integers(0, 10**8, count).tolist(), random.integers(1, 200, count).tolist()
    # Visits begin on the sign-up day, so the account was opened in the 24 hours before it.
    second = shoppers.signup_day * 86_400 - random.integers(1, 86_400, count)
    signed_up = config.start + second * np.timedelta64(1, "s")
    numbers = shoppers.number.tolist()
    return {
        "user_id": user_ids(shoppers).tolist(),
        "full_name": [f"{a} {b}" for a, b in zip(given, family, strict=True)],
        "email": [f"{a}.{b}.{n}@example.com".lower() for a, b, n in zip(given, family, numbers, strict=True)],
        "phone": [f"+65 {number // 10**4:04d} {number % 10**4:04d}" for number in phone],
        "street": [f"{n} {s}" for n, s in zip(house, random.choice(STREETS, count).tolist(), strict=True)],
        "location_id": [f"L{place:03d}" for place in shoppers.location],
        "country": [CITIES[place // DISTRICTS_PER_CITY][0] for place in shoppers.location],
        "language": ["zh" if chinese else "en" for chinese in shoppers.is_chinese],
        "age_band": random.choice(AGE_BANDS, count).tolist(),
        "income_band": random.choice(INCOME_BANDS, count).tolist(),
        "household_size": random.choice(HOUSEHOLD_SIZES, count).tolist(),
        "acquisition_channel": random.choice(ACQUISITION_CHANNELS, count).tolist(),
        "marketing_consent": ["yes" if given else "no" for given in shoppers.has_marketing_consent],
        "profiling_consent": ["yes" if given else "no" for given in shoppers.has_profiling_consent],
        "signed_up_at": [str(moment).replace("T", " ") for moment in signed_up.astype("datetime64[s]")],
    }


def location_columns(config: SimulatorConfig) -> dict[str, list]:
    """Columns of the raw locations: districts scattered around the middle of their city."""
    random = config.stream("locations")
    rows = [city for city in CITIES for _ in range(DISTRICTS_PER_CITY)]
    north, east = random.normal(0, 0.03, (2, len(rows)))
    return {
        "location_id": [f"L{place:03d}" for place in range(len(rows))],
        "country": [row[0] for row in rows],
        "region": [row[1] for row in rows],
        "city": [row[2] for row in rows],
        "postal_prefix": [row[3] for row in rows],
        "latitude": (np.array([row[4] for row in rows]) + north).round(6).tolist(),
        "longitude": (np.array([row[5] for row in rows]) + east).round(6).tolist(),
    }


def category_taste(taste: np.ndarray) -> np.ndarray:
    """(rows, categories) sums of (rows, item types)."""
    return np.stack(
        [taste[:, place == CATEGORY_OF_TYPE].sum(axis=1) for place in range(len(CATEGORIES))], axis=1
    )
