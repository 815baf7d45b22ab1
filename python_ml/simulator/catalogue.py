"""What the shop sells: items in a hidden space, weekly prices with a true elasticity, one brand in crisis."""

from dataclasses import dataclass

import numpy as np

from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.vocabulary import (
    BRAND_HEADS,
    BRAND_TAILS,
    CATEGORIES,
    PRIVATE_BRAND,
    STYLE_WORDS,
    STYLES,
)

DISCOUNTS = (0.0, 0.1, 0.2, 0.3)
DISCOUNT_SHARES = (0.7, 0.12, 0.1, 0.08)
ELASTICITIES = (-0.6, -2.8)  # of the least and the most elastic category
BUY_PROBABILITY = 0.065  # of an ordinary item at its ordinary price, each time it is looked at
STYLE_PULL = 5.0  # an item of the user's style is looked at this many times as often
CRISIS_DEMAND = 0.35  # what is left of a brand's demand during its crisis
VECTOR_SIZE = 16
BRANDS_PER_CATEGORY = 6
PRIVATE_BRAND_SHARE = 0.1
ITEM_TYPES = tuple(
    (place, english, chinese)
    for place, category in enumerate(CATEGORIES)
    for english, chinese in category.item_types
)
CATEGORY_OF_TYPE = np.array([place for place, _, _ in ITEM_TYPES])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items as parallel arrays, sorted by item type; I items, W weeks.

    Args:
        item_id: (I,) str.
        item_type: (I,) int, place in ITEM_TYPES.
        style: (I,) int, place in STYLES.
        brand: (I,) str.
        popularity: (I,) float, how often it is looked at within its item type, mean 1.
        quality: (I,) float, about -1 to 1; moves purchases and opinions.
        vector: (I, VECTOR_SIZE) float, unit length; near means alike.
        list_cents: (I,) int, ordinary price.
        price_cents: (I, W) int, price of each week.
        buy: (I, W) float, probability to be bought when looked at by an ordinary user.
        elasticity: (categories,) float, true elasticity of purchases to price.
        is_in_crisis: (I,) bool, whether it is of the brand in crisis.
        crisis_brand: that brand.
        crisis_weeks: first week of the crisis and the first one after it.
    """

    item_id: np.ndarray
    item_type: np.ndarray
    style: np.ndarray
    brand: np.ndarray
    popularity: np.ndarray
    quality: np.ndarray
    vector: np.ndarray
    list_cents: np.ndarray
    price_cents: np.ndarray
    buy: np.ndarray
    elasticity: np.ndarray
    is_in_crisis: np.ndarray
    crisis_brand: str
    crisis_weeks: tuple[int, int]

    @property
    def category(self) -> np.ndarray:
        """(I,) int, place in CATEGORIES."""
        return CATEGORY_OF_TYPE[self.item_type]

    def crisis_days(self) -> tuple[int, int]:
        """First day of the crisis and the first one after it, counted from the start."""
        return self.crisis_weeks[0] * 7, self.crisis_weeks[1] * 7


def make_catalogue(config: SimulatorConfig) -> Catalogue:
    """Items, prices and what they do to demand.

    A purchase, given a look, has probability
    `BUY_PROBABILITY x exp(quality / 3) x (price / list price) ^ elasticity x crisis`; looks do not depend
    on the week's price, so units sold respond to the price with exactly the category's elasticity.
    """
    random = config.stream("catalogue")
    count, weeks = config.item_count, config.weeks
    # Every item type gets its share; the rest go where chance puts them.
    item_type = np.sort(np.resize(random.permutation(len(ITEM_TYPES)), count))
    style = random.integers(0, len(STYLES), count)
    brand = _brands(random, CATEGORY_OF_TYPE[item_type])
    popularity = random.lognormal(0.0, 0.9, count)
    quality = np.clip(random.normal(0.15, 0.45, count), -1, 1)
    typical = np.array([category.price for category in CATEGORIES])[CATEGORY_OF_TYPE[item_type]]
    list_cents = np.maximum(200, np.round(typical * random.lognormal(0.0, 0.4, count)).astype(np.int64) * 100 - 10)
    discount = random.choice(DISCOUNTS, p=DISCOUNT_SHARES, size=(count, weeks))
    price_cents = np.round(list_cents[:, None] * (1 - discount)).astype(np.int64)
    elasticity = np.round(random.permutation(np.linspace(*ELASTICITIES, len(CATEGORIES))), 3)
    crisis_brand = _largest_brand(brand, popularity)
    crisis = (weeks // 2, weeks // 2 + config.crisis_weeks)
    buy = BUY_PROBABILITY * np.exp(quality / 3)[:, None]
    buy = buy * (price_cents / list_cents[:, None]) ** elasticity[CATEGORY_OF_TYPE[item_type]][:, None]
    buy[brand == crisis_brand, crisis[0] : crisis[1]] *= CRISIS_DEMAND
    return Catalogue(
        item_id=np.array([f"P{number:06d}" for number in range(count)]),
        item_type=item_type,
        style=style,
        brand=brand,
        popularity=popularity,
        quality=quality,
        vector=_vectors(random, item_type, style),
        list_cents=list_cents,
        price_cents=price_cents,
        buy=buy,
        elasticity=elasticity,
        is_in_crisis=brand == crisis_brand,
        crisis_brand=crisis_brand,
        crisis_weeks=crisis,
    )


def _brands(random: np.random.Generator, category: np.ndarray) -> np.ndarray:
    """A category's brands are its own, but for the shop's private brand."""
    names = np.array([head + tail for head in BRAND_HEADS for tail in BRAND_TAILS])
    own = random.permutation(names)[: len(CATEGORIES) * BRANDS_PER_CATEGORY].reshape(len(CATEGORIES), -1)
    brand = own[category, random.integers(0, own.shape[1], len(category))].astype(object)
    brand[random.random(len(category)) < PRIVATE_BRAND_SHARE] = PRIVATE_BRAND
    return brand.astype(str)


def _largest_brand(brand: np.ndarray, popularity: np.ndarray) -> str:
    """The brand most looked at, the private one left out: a crisis that shows."""
    names, place = np.unique(brand, return_inverse=True)
    weight = np.bincount(place, popularity)
    weight[names == PRIVATE_BRAND] = 0
    return str(names[weight.argmax()])


def _vectors(random: np.random.Generator, item_type: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Category, then item type, then style, then chance: the nearest items share all three."""
    parts = (
        (1.0, CATEGORY_OF_TYPE[item_type], len(CATEGORIES)),
        (0.8, item_type, len(ITEM_TYPES)),
        (0.6, style, len(STYLES)),
        (0.2, np.arange(len(item_type)), len(item_type)),
    )
    vector = sum(weight * random.normal(size=(size, VECTOR_SIZE))[place] for weight, place, size in parts)
    return vector / np.linalg.norm(vector, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which item of an item type a kind of user looks at; a kind is a group and a style.

    Args:
        edges: (kinds x I,) float, right edges of each item's probability, kind after kind; those of the
            cell (kind, item type) lie between `kind x types + type` and one more.
        bought: (kinds, types, W) float, mean probability to buy what is looked at there.
    """

    edges: np.ndarray
    bought: np.ndarray

    def draw(self, kind: np.ndarray, item_type: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """One item for each (kind, item type), with chance uniform in [0, 1)."""
        kinds, types, _ = self.bought.shape
        cell = kind * types + item_type
        # An edge may be rounded down below its cell's end; no draw may fall behind it.
        place = np.searchsorted(self.edges, cell + chance * (1 - 1e-9), side="right")
        return place - kind * (len(self.edges) // kinds)


def make_choice(catalogue: Catalogue, price_sensitivity: np.ndarray) -> Choice:
    """Popular items, cheaper ones for the price-sensitive, and those of one's own style come first.

    Args:
        catalogue: the items.
        price_sensitivity: (groups,) float, power of the list price, against the typical one, with which
            looks fall.
    """
    first = np.searchsorted(catalogue.item_type, np.arange(len(ITEM_TYPES)))
    sizes = np.diff([*first, len(catalogue.item_type)])
    typical = np.add.reduceat(np.log(catalogue.list_cents), first) / sizes
    dearness = np.log(catalogue.list_cents) - typical[catalogue.item_type]
    edges, bought = [], []
    for sensitivity in price_sensitivity:
        for style in range(len(STYLES)):
            weight = catalogue.popularity * np.exp(-sensitivity * dearness)
            weight = np.where(catalogue.style == style, weight * STYLE_PULL, weight)
            weight = weight / np.add.reduceat(weight, first)[catalogue.item_type]
            edges.append(_edges_in_types(weight, first, sizes))
            bought.append(np.add.reduceat(weight[:, None] * catalogue.buy, first))
    types = len(ITEM_TYPES)
    shifted = [kind * types + kind_edges for kind, kind_edges in enumerate(edges)]
    return Choice(edges=np.concatenate(shifted), bought=np.stack(bought))


def _edges_in_types(weight: np.ndarray, first: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Running sums that begin anew with each item type, plus the type's place; each type ends exactly one up."""
    running = np.cumsum(weight)
    before = np.repeat(running[first] - weight[first], sizes)
    edges = running - before
    edges[first + sizes - 1] = 1.0
    return edges + np.repeat(np.arange(len(first)), sizes)


def item_columns(catalogue: Catalogue, random: np.random.Generator) -> dict[str, list]:
    """Columns of the raw item list: names and a sentence of what each item is."""
    words = [STYLE_WORDS[style][pick] for style, pick in zip(
        catalogue.style, random.integers(0, 3, len(catalogue.style)), strict=True)]  # fmt: skip
    types = [ITEM_TYPES[place] for place in catalogue.item_type]
    categories = [CATEGORIES[place] for place, _, _ in types]
    rows = list(zip(words, types, categories, catalogue.brand.tolist(), catalogue.style, strict=True))
    return {
        "title": [
            f"{brand} {word} {english.lower()} {catalogue.item_id[place][-4:]}"
            for place, (word, (_, english, _), _, brand, _) in enumerate(rows)
        ],
        "title_zh": [f"{brand} {chinese}" for _, (_, _, chinese), _, brand, _ in rows],
        "description": [
            f"{_article(word)} {word} {english.lower()} by {brand}, in the {STYLES[style].lower()} line of our "
            f"{category.name.lower()} range ({chinese})."
            for word, (_, english, chinese), category, brand, style in rows
        ],
        "department": [category.department for category in categories],
        "category": [category.name for category in categories],
        "item_type": [english for _, english, _ in types],
        "brand": catalogue.brand.tolist(),
    }


def _article(word: str) -> str:
    return "An" if word[0] in "aeiou" else "A"
