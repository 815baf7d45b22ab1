"""Reviews of a block's orders: true sentiment by aspect first, then a text and a rating made from it."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from python_ml.simulator.behaviour import DAY_MILLISECONDS
from python_ml.simulator.catalogue import ITEM_TYPES, Catalogue
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import table_of, times_as_text
from python_ml.simulator.orders import Orders
from python_ml.simulator.population import Shoppers, user_ids
from python_ml.simulator.texts import ASPECTS, give_away, write_opinion, write_title
from python_ml.simulator.vocabulary import (
    CHINESE_FAMILY_NAMES,
    CHINESE_GIVEN_NAMES,
    FAMILY_NAMES,
    GIVEN_NAMES,
)

MENTION = (0.16, 0.3, 0.18, 0.14, 0.1, 0.12)  # how often a clause is about each aspect
MORE_CLAUSES = (0.35, 0.4, 0.25)  # one, two or three
CRISIS_REVIEWED = 3.0  # a crisis makes this many times as many people write
CRISIS_BAD = 0.9  # share of quality clauses that are bad on the brand in crisis
RATING_NOISE = 0.75
CARELESS_SHARE = 0.04  # ratings that have nothing to do with the text
UNRATED_SHARE = 0.02
LANGUAGE_TOLD_SHARE = 0.6
QUALITY, DELIVERY, PRICE = ASPECTS.index("quality"), ASPECTS.index("delivery"), ASPECTS.index("price")
NAMES = {
    "en": tuple(f"{given} {family}" for given in GIVEN_NAMES for family in FAMILY_NAMES),
    "zh": tuple(family + given for family in CHINESE_FAMILY_NAMES for given in CHINESE_GIVEN_NAMES),
}

_TEXT = pa.string()
REVIEW_COLUMNS = dict.fromkeys(
    (
        "review_id", "user_id", "item_id", "order_id", "title", "body", "language", "stars", "helpful_votes",
        "verified", "written_at",
    ),
    _TEXT,
)  # fmt: skip
TRUE_REVIEW_COLUMNS = (
    {"review_id": _TEXT, "language": _TEXT, "sentiment": _TEXT, "score": pa.float64()}
    | {f"{aspect}_sentiment": pa.int8() for aspect in ASPECTS}
    | {"has_negation": pa.bool_(), "has_emoji": pa.bool_(), "is_mixed": pa.bool_(), "in_crisis": pa.bool_()}
)
PERSONAL_COLUMNS = {"table_name": _TEXT, "row_id": _TEXT, "column_name": _TEXT, "kind": _TEXT, "value": _TEXT}


@dataclass(slots=True)
class Personal:
    """Personal values written into texts, to be looked for later."""

    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def table(self) -> pa.Table:
        """All rows found so far."""
        columns = list(zip(*self.rows, strict=True)) or [[]] * len(PERSONAL_COLUMNS)
        return table_of(dict(zip(PERSONAL_COLUMNS, map(list, columns), strict=True)), PERSONAL_COLUMNS)


def make_reviews(
    config: SimulatorConfig, catalogue: Catalogue, shoppers: Shoppers, orders: Orders, personal: Personal
) -> tuple[pa.Table, pa.Table]:
    """Raw reviews and what is true of them; what writers give away is added to `personal`."""
    random = config.stream("reviews", shoppers.block)
    line, written = _writers(random, config, shoppers, orders)
    first_day, end_day = catalogue.crisis_days()
    day = written // DAY_MILLISECONDS
    crisis = catalogue.is_in_crisis[orders.item[line]] & (
        orders.in_crisis[line] | ((day >= first_day) & (day < end_day))
    )
    aspects, polarity = _opinions(random, catalogue, orders, line, crisis)
    score = np.array([np.mean(one) for one in polarity]) if line.size else np.empty(0)
    rating = _ratings(random, score)
    users = user_ids(shoppers)
    rows, truths = [], []
    for place, number in enumerate(line):
        order = orders.order[number]
        language = "zh" if shoppers.is_chinese[orders.shopper[order]] else "en"
        item = ITEM_TYPES[catalogue.item_type[orders.item[number]]]
        noun = item[2] if language == "zh" else item[1].lower()
        text = write_opinion(random, language, noun, aspects[place], polarity[place])
        sentiment = int(np.sign(score[place]))
        review_id = f"V{shoppers.block:05d}{place:07d}"
        body = text.body
        if random.random() < config.personal_data_share:
            sentence, kind, value = give_away(random, language, NAMES[language])
            body += sentence
            personal.rows.append(("reviews", review_id, "body", kind, value))
        rows.append((
            review_id, users[orders.shopper[order]], catalogue.item_id[orders.item[number]],
            orders.order_id[order], write_title(random, language, sentiment), body,
            language if random.random() < LANGUAGE_TOLD_SHARE else None, rating[place],
            str(random.poisson(0.8)), "true",
        ))  # fmt: skip
        by_aspect = [0] * len(ASPECTS)
        for aspect, value in zip(aspects[place], polarity[place], strict=True):
            by_aspect[aspect] = value
        truths.append((
            review_id, language, ("negative", "neutral", "positive")[sentiment + 1], float(score[place]),
            *by_aspect, text.has_negation, text.has_emoji, text.is_mixed, bool(crisis[place]),
        ))  # fmt: skip
    columns = dict(zip(REVIEW_COLUMNS, _turned(rows, len(REVIEW_COLUMNS) - 1), strict=False))
    columns["written_at"] = times_as_text(config.start, written)
    return (
        table_of(columns, REVIEW_COLUMNS),
        table_of(
            dict(zip(TRUE_REVIEW_COLUMNS, _turned(truths, len(TRUE_REVIEW_COLUMNS)), strict=True)),
            TRUE_REVIEW_COLUMNS,
        ),
    )


def _turned(rows: list[tuple], width: int) -> list[list]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _writers(
    random: np.random.Generator, config: SimulatorConfig, shoppers: Shoppers, orders: Orders
) -> tuple[np.ndarray, np.ndarray]:
    """Lines that are reviewed and the millisecond of the review; guests cannot, and nobody in advance."""
    wish = np.where(orders.in_crisis, CRISIS_REVIEWED, 1.0) * config.reviewed_share
    after = np.where(
        orders.in_crisis, random.integers(1, 7, len(orders.item)), random.integers(1, 28, len(orders.item))
    )
    written = orders.delivered[orders.order] + after * DAY_MILLISECONDS
    writes = (random.random(len(orders.item)) < wish) & orders.is_kept[orders.order] & (not shoppers.is_guest)
    writes &= written < config.days * DAY_MILLISECONDS
    line = np.flatnonzero(writes)
    return line, written[line]


def _opinions(
    random: np.random.Generator, catalogue: Catalogue, orders: Orders, line: np.ndarray, crisis: np.ndarray
) -> tuple[list[list[int]], list[list[int]]]:
    """What each review is about, and whether it is good (1) or bad (-1) of it.

    Good items are praised for their quality, late parcels blamed for the delivery, discounts liked; a brand
    in crisis is always about quality, and nearly always bad.
    """
    item = orders.item[line]
    late = orders.delivered > orders.promised
    good = np.full((len(line), len(ASPECTS)), 0.72)
    good += 0.25 * catalogue.quality[item][:, None]
    good[:, QUALITY] += 0.15 * catalogue.quality[item]
    good[late[orders.order[line]], DELIVERY] = 0.08
    good[orders.discount_cents[line] > 0, PRICE] += 0.15
    good[crisis] -= 0.3
    good[crisis, QUALITY] = 1 - CRISIS_BAD
    keys = random.random((len(line), len(ASPECTS))) ** (1 / np.array(MENTION))  # weighted, without repeats
    keys[crisis, QUALITY] = 2.0
    order = np.argsort(-keys, axis=1)
    clauses = random.choice((1, 2, 3), p=MORE_CLAUSES, size=len(line))
    is_good = random.random(good.shape) < good
    aspects = [order[place, :count].tolist() for place, count in enumerate(clauses)]
    polarity = [[1 if is_good[place, aspect] else -1 for aspect in said] for place, said in enumerate(aspects)]
    return aspects, polarity


def _ratings(random: np.random.Generator, score: np.ndarray) -> list[str | None]:
    """Stars that follow the text, but not to the letter; a few are careless or missing."""
    stars = np.clip(np.round(3.1 + 1.6 * score + random.normal(0, RATING_NOISE, len(score))), 1, 5)
    careless = random.random(len(score)) < CARELESS_SHARE
    stars[careless] = random.integers(1, 6, int(careless.sum()))
    unrated = random.random(len(score)) < UNRATED_SHARE
    return [None if missing else str(int(value)) for missing, value in zip(unrated, stars, strict=True)]
