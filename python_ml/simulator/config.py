"""Size and make-up of a simulated shop.

The number of events is the main setting; users and items follow from it unless they are given.
"""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from python_ml.errors import SettingError

EVENTS_PER_USER = 200
ITEMS_PER_ROOT_USER = 40  # a shop with four times the users lists twice the items
FEWEST_ITEMS = 360  # six in every sub-category
CAMPAIGN_WEEKS = 2
SHARES = (
    "guest_share", "bot_event_share", "late_share", "duplicate_share", "unreadable_share", "cancelled_share",
    "returned_share", "reviewed_share", "personal_data_share", "no_marketing_share", "no_profiling_share",
    "treated_share", "group_noise",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """A shop: the same values give the same bytes, on any machine with the same library versions.

    Args:
        events: expected rows of the raw events, within a few per cent (fewer users, more noise).
        seed: seed of every random choice.
        users: registered users; None is one for every 200 events.
        items: items listed; None is 40 times the square root of the users, at least 360.
        start_date: first day, a Monday, because prices hold for a week.
        days: length of the history.
        groups: hidden groups of users.
        group_noise: share of every habit that is everybody's and not the group's. 0: groups as far apart as
            they come, though users of one differ; 1: nothing a user does tells the group.
        campaigns: randomised campaigns of two weeks, spread over the history.
        crisis_weeks: length of one brand's crisis, which begins in the middle of the history.
        block_users: users simulated at once; bounds memory. Random streams belong to blocks, so another
            value gives another shop of the same make-up.
        guest_share: guests, who never open an account, for each user.
        bot_event_share: share of events made by bots.
        late_share: share of events that arrive days after they happened.
        duplicate_share: share of rows delivered twice, equal in everything.
        unreadable_share: share of rows with one value that cannot be read.
        cancelled_share: share of orders called off before delivery.
        returned_share: share of delivered lines sent back.
        reviewed_share: share of delivered lines reviewed, outside a crisis.
        personal_data_share: share of reviews and messages in which the writer gives away who they are.
        no_marketing_share, no_profiling_share: share of users who did not agree to it.
        treated_share: share of the eligible users that a campaign contacts; the others are held out.
    """

    events: int = 1_000_000
    seed: int = 0
    users: int | None = None
    items: int | None = None
    start_date: date = date(2024, 1, 1)
    days: int = 365
    groups: int = 6
    group_noise: float = 0.0
    campaigns: int = 8
    crisis_weeks: int = 4
    block_users: int = 2_000
    guest_share: float = 0.3
    bot_event_share: float = 0.008
    late_share: float = 0.005
    duplicate_share: float = 0.003
    unreadable_share: float = 0.0005
    cancelled_share: float = 0.025
    returned_share: float = 0.06
    reviewed_share: float = 0.12
    personal_data_share: float = 0.03
    no_marketing_share: float = 0.12
    no_profiling_share: float = 0.06
    treated_share: float = 0.5

    def __post_init__(self) -> None:
        self._check("events", self.events, 1_000, 10**10)
        self._check("seed", self.seed, 0, 2**63 - 1)
        self._check("users", self.user_count, 10, 10**8)
        self._check("items", self.item_count, FEWEST_ITEMS, 10**6)
        self._check("days", self.days, 112, 3_660)
        self._check("groups", self.groups, 2, 12)
        self._check("campaigns", self.campaigns, 1, (self.weeks - 4) // CAMPAIGN_WEEKS)
        self._check("crisis_weeks", self.crisis_weeks, 1, self.weeks // 2)
        self._check("block_users", self.block_users, 10, 100_000)
        for name in SHARES:
            self._check(name, getattr(self, name), 0.0, 1.0)
        if self.start_date.weekday() != 0:
            raise SettingError(
                f"start_date is {self.start_date}, no Monday", where="simulator", remedy="use a Monday"
            )

    @staticmethod
    def _check(name: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            raise SettingError(f"{name} is {value:,}", where="simulator", remedy=f"use {low:,} to {high:,}")

    @property
    def user_count(self) -> int:
        return max(10, self.events // EVENTS_PER_USER) if self.users is None else self.users

    @property
    def item_count(self) -> int:
        if self.items is not None:
            return self.items
        return max(FEWEST_ITEMS, round(ITEMS_PER_ROOT_USER * self.user_count**0.5))

    @property
    def guest_count(self) -> int:
        return round(self.user_count * self.guest_share)

    @property
    def weeks(self) -> int:
        """Weeks begun; the last may be cut short."""
        return -(-self.days // 7)

    @property
    def start(self) -> np.datetime64:
        """Midnight UTC of the first day, in microseconds."""
        return np.datetime64(self.start_date, "us")

    def stream(self, stage: str, block: int = 0) -> np.random.Generator:
        """The random numbers of one stage and block, independent of all others."""
        entropy = [self.seed, zlib.crc32(stage.encode()), block]
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))
