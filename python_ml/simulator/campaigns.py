"""Randomised campaigns: who was contacted, who was held out, and what the contact truly did to each user."""

from dataclasses import dataclass

import numpy as np

from python_ml.simulator.catalogue import Choice
from python_ml.simulator.config import CAMPAIGN_WEEKS, SimulatorConfig
from python_ml.simulator.population import Groups, Shoppers
from python_ml.simulator.vocabulary import CATEGORIES

FIRST_WEEK = 3
THEME_SHARE = 0.6  # share of a visit's looks that go to the one item type it is about
NEXT_LOOK = 0.8  # probability that one more item is looked at: looks a visit are geometric, mean 5


@dataclass(frozen=True, slots=True)
class Campaigns:
    """The plan of all campaigns; C campaigns, W weeks.

    Args:
        start_week: (C,) int; each runs CAMPAIGN_WEEKS weeks, no two at once.
        category: (C,) int, whose items the coupon takes a tenth off.
        of_week: (W,) int, campaign running in each week, -1 for none.
    """

    start_week: np.ndarray
    category: np.ndarray
    of_week: np.ndarray

    @property
    def campaign_id(self) -> list[str]:
        return [f"C{number + 1:02d}" for number in range(len(self.start_week))]

    @property
    def coupon_code(self) -> list[str]:
        return [f"SAVE10-{number + 1:02d}" for number in range(len(self.start_week))]


def plan_campaigns(config: SimulatorConfig) -> Campaigns:
    """Evenly spread campaigns, each with a coupon for one category."""
    random = config.stream("campaigns")
    spacing = (config.weeks - FIRST_WEEK - 1) / config.campaigns
    start = FIRST_WEEK + (np.arange(config.campaigns) * spacing).astype(np.int64)
    of_week = np.full(config.weeks, -1)
    for number, week in enumerate(start):
        of_week[week : week + CAMPAIGN_WEEKS] = number
    category = np.resize(random.permutation(len(CATEGORIES)), config.campaigns)
    return Campaigns(start_week=start, category=category, of_week=of_week)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who of a block takes part; N shoppers, C campaigns.

    Args:
        is_eligible: (N, C) bool: an account before the first day, and consent to marketing.
        is_treated: (N, C) bool: eligible and contacted, by chance alone.
        factor: (N, C + 1) float, factor on the probability to buy while the campaign runs; the last
            column is for weeks without one.
    """

    is_eligible: np.ndarray
    is_treated: np.ndarray
    factor: np.ndarray


def assign(config: SimulatorConfig, groups: Groups, campaigns: Campaigns, shoppers: Shoppers) -> Assignment:
    """Toss a coin for every eligible user of a block and campaign."""
    random = config.stream("assignment", shoppers.block)
    known = shoppers.signup_day[:, None] <= campaigns.start_week * 7
    eligible = known & shoppers.has_marketing_consent[:, None] & (not shoppers.is_guest)
    treated = eligible & (random.random(eligible.shape) < config.treated_share)
    effect = np.exp(groups.effect[shoppers.group])[:, None]
    factor = np.ones((len(eligible), len(campaigns.start_week) + 1))
    factor[:, :-1] = np.where(treated, effect, 1.0)
    return Assignment(is_eligible=eligible, is_treated=treated, factor=factor)


def buying_probabilities(
    config: SimulatorConfig, groups: Groups, campaigns: Campaigns, choice: Choice, shoppers: Shoppers
) -> tuple[np.ndarray, np.ndarray]:
    """Each user's true probability of at least one kept order in each campaign's window, by arm.

    Visits are a Poisson process, and each leads to an order or not by itself, so orders are one too. A visit
    is about one item type t; each of its looks goes to t with probability THEME_SHARE and else to any type by
    the user's taste; the number of looks is geometric, so the probability of no purchase is its generating
    function at 1 - p.

    Returns:
        (N, C) probability when not contacted, and (N, C) when contacted.
    """
    share = np.zeros((len(shoppers.number), len(campaigns.start_week), 2))
    present = 1 - groups.days[shoppers.group, np.maximum(shoppers.signup_day, 0)]
    for number, start in enumerate(campaigns.start_week):
        for week in range(start, start + CAMPAIGN_WEEKS):
            mass = groups.days[shoppers.group, week * 7 + 7] - groups.days[shoppers.group, week * 7]
            visits = shoppers.visits * mass / present
            for arm, effect in enumerate((0.0, groups.effect[shoppers.group])):
                buying = shoppers.buying * np.exp(effect)
                share[:, number, arm] += visits * visit_converts(choice, shoppers, buying, week)
    probability = 1 - np.exp(-share * (1 - config.cancelled_share))
    return probability[..., 0], probability[..., 1]


def visit_converts(choice: Choice, shoppers: Shoppers, buying: np.ndarray, week: int) -> np.ndarray:
    """(N,) probability that a visit in that week ends in an order."""
    by_type = choice.bought[shoppers.kind, :, week]
    anywhere = (shoppers.taste * by_type).sum(axis=1, keepdims=True)
    missed = 1 - buying[:, None] * (THEME_SHARE * by_type + (1 - THEME_SHARE) * anywhere)
    nothing = (1 - NEXT_LOOK) * missed / (1 - NEXT_LOOK * missed)
    return (shoppers.taste * (1 - nothing)).sum(axis=1)
