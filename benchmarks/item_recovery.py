"""Are an item's planted neighbours found in the simulated shop, and items that nobody bought yet ranked?"""

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.features import features_of
from benchmarks.results import Figure, record
from dagster_defs.simulate import write_shop
from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.recommender.data import Interactions
from python_ml.recommender.frames import Inputs, read_inputs
from python_ml.recommender.models import two_tower_settings
from python_ml.recommender.publish import similar_frame
from python_ml.recommender.similar import similar_items
from python_ml.recommender.split import day_of
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender
from python_ml.simulator.config import SimulatorConfig

SEED, NEAREST = 0, 10
SHOP = SimulatorConfig(events=1_000_000, seed=SEED)
# The simulator lists more items where there are more users: here only the users grow, and with them what is
# known of each item.
BUSY_SHOP = SimulatorConfig(events=4_000_000, seed=SEED, items=SHOP.item_count)
OTHER_SHOP = SimulatorConfig(events=1_000_000, seed=SEED + 1)
SHOPS = {"": SHOP, ", busy shop": BUSY_SHOP, ", other shop": OTHER_SHOP}
HIDDEN_SHARE, TOP = 0.1, 20
ABOUT = (
    f"A simulated shop of {SHOP.events:,} events, {SHOP.user_count:,} users and {SHOP.item_count:,} items,"
    " and a busy one with as many items and four times the events and users, default noise, seed"
    f" {SEED}; and another of the first one's size, seed {OTHER_SHOP.seed}, which nothing was chosen by."
    " Through dbt to features and item vectors; towers with the default"
    f" RecommenderConfig. Recall@{NEAREST}: of an item's {NEAREST} nearest in the hidden"
    " space, the share that is among its first similar items; mean over items. A part of that space is"
    " chance of each item alone, which nothing in the shop tells: the limit is what one finds who knows the"
    " mean place of every item type in every style, but not that part. New items: a tenth of all items sold"
    " in the last 28 days loses every sign it was bought or looked at, towers learn from the days before, and"
    " each purchase of such an item in those 28 days is looked up among all items (percentile, 1 is the"
    f" first place) and among the new ones alone (share in the first {TOP})."
)


def main() -> None:
    figures = []
    for suffix, shop in SHOPS.items():
        for figure in measure(shop):
            figures.append(replace(figure, case=figure.case + suffix))
            print(f"  {figures[-1].case}: {figure.metric} {figure.value:.4f}", flush=True)
    record("item_recovery", ABOUT, figures)


def measure(shop: SimulatorConfig) -> list[Figure]:
    """Everything that is asked about one shop."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        write_shop(shop, files)
        tables = features_of("simulated", files, Path(folder), {})
        items = pl.read_parquet(files / "truth" / "items.parquet")
        nearest = pl.read_parquet(files / "truth" / "similar_items.parquet")
    inputs, as_of = arrays(tables)
    return [*neighbours(inputs, items, nearest, as_of), *new_items(inputs, as_of)]


def arrays(tables: dict[str, pl.DataFrame]) -> tuple[Inputs, date]:
    """What the recommender reads, and the as-of date."""
    as_of = tables["user_features"]["as_of_date"].max()
    nobody = pl.DataFrame(schema=dict.fromkeys(("user_id", "cohort_id", "cohort_name"), pl.String))
    names = ("interactions", "user_features", "item_features", "item_texts", "text_embeddings")
    return read_inputs({name: tables[name] for name in names} | {"user_cohorts": nobody}, as_of=as_of), as_of


def neighbours(inputs: Inputs, items: pl.DataFrame, nearest: pl.DataFrame, as_of: date) -> list[Figure]:
    """Recall of the planted neighbours by towers, by text, by chance, and the limit."""
    config = RecommenderConfig(similar_length=NEAREST)
    towers = fit(inputs, inputs.interactions, day_of(as_of))
    found = similar_frame(inputs, towers, config, as_of=as_of).select("item_id", "similar_item_id")
    place = {item_id: number for number, item_id in enumerate(inputs.item_ids)}
    everything = np.arange(len(place))
    by_text, _ = similar_items(
        towers.item_vectors, np.zeros(len(place), bool), inputs.texts, everything, NEAREST
    )
    chance = np.random.default_rng(SEED).integers(0, len(place), by_text.shape)
    cases = {
        "similar items": found,
        "by text alone": pairs(inputs, by_text),
        "limit": pairs(inputs, known_structure(inputs, items)),
        "chance": pairs(inputs, chance),
    }
    metric = f"recall@{NEAREST} of planted neighbours"
    return [Figure(metric=metric, case=case, value=recall(pair, nearest)) for case, pair in cases.items()]


def fit(inputs: Inputs, past: Interactions, now: float) -> TwoTowerRecommender:
    """Towers with the default settings."""
    config = RecommenderConfig()
    settings = two_tower_settings(config, config.personal_weights[-1], config.window_days)
    return TwoTowerRecommender.fit(
        past,
        settings,
        now=now,
        texts=inputs.texts,
        attributes=inputs.attributes,
        seed=SEED,
        device=resolve_device("auto"),
    )


def pairs(inputs: Inputs, found: np.ndarray) -> pl.DataFrame:
    """item_id and similar_item_id of (n_items, K) positions, -1 left out."""
    item, column = np.nonzero(found >= 0)
    ids = inputs.item_ids
    return pl.DataFrame({"item_id": ids.gather(item), "similar_item_id": ids.gather(found[item, column])})


def recall(found: pl.DataFrame, nearest: pl.DataFrame) -> float:
    """Share of the planted pairs that are among the found ones."""
    keys = ["item_id", "similar_item_id"]
    return nearest.join(found.unique(keys), on=keys, how="semi").height / nearest.height


def known_structure(inputs: Inputs, items: pl.DataFrame) -> np.ndarray:
    """(n_items, NEAREST) nearest by the mean vector of item type and style; equals in a random order."""
    cells = items.with_columns(pl.concat_str("item_type", "style", separator="/").alias("cell"))
    cells = pl.DataFrame({"item_id": inputs.item_ids}).join(
        cells, on="item_id", how="left", maintain_order="left"
    )
    vector = np.stack(cells["vector"].to_numpy())
    _, cell = np.unique(cells["cell"].to_numpy(), return_inverse=True)
    mean = np.stack([np.bincount(cell, vector[:, part]) for part in range(vector.shape[1])], axis=1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    cosine = (mean @ mean.T)[cell][:, cell]
    np.fill_diagonal(cosine, -2.0)
    is_other = cells["category"].to_numpy()[:, None] != cells["category"].to_numpy()
    shuffle = np.random.default_rng(SEED).permutation(len(cell))
    ranked = np.argsort(-np.where(is_other, -2.0, cosine)[:, shuffle], axis=1, kind="stable")
    return shuffle[ranked[:, :NEAREST]]


def new_items(inputs: Inputs, as_of: date) -> list[Figure]:
    """Where purchases of items that were hidden from training stand."""
    cut = day_of(as_of) - RecommenderConfig().window_days
    later = inputs.interactions.between(cut, np.inf).purchases()
    sold = np.unique(later.item)
    hidden = np.random.default_rng(SEED).permutation(sold)[: round(len(sold) * HIDDEN_SHARE)]
    past = without(inputs.interactions.before(cut), hidden)
    model, owned = fit(inputs, past, cut), past.pairs()
    has_history = np.diff(past.matrix().indptr) > 0
    is_asked = np.isin(later.item, hidden) & has_history[later.user]
    percentile, is_first = [], []
    for user in np.unique(later.user[is_asked]):
        score = model.score(np.array([user]))[0].cpu().numpy()
        score[owned[user].indices] = -np.inf
        for item in np.unique(later.item[is_asked & (later.user == user)]):
            percentile.append(np.mean(score <= score[item]))
            is_first.append(np.sum(score[hidden] >= score[item]) <= TOP)
    among_all, among_new = "percentile among all items", f"in the first {TOP} of new items"
    return [
        Figure(metric=among_all, case="new items", value=float(np.mean(percentile))),
        Figure(metric=among_all, case="chance", value=0.5),
        Figure(metric=among_new, case="new items", value=float(np.mean(is_first))),
        Figure(metric=among_new, case="chance", value=TOP / len(hidden)),
        Figure(metric="purchases of new items", case="new items", value=len(percentile)),
        Figure(metric="new items", case="new items", value=len(hidden)),
    ]


def without(past: Interactions, items: np.ndarray) -> Interactions:
    """The same without what was done to some items."""
    keep = ~np.isin(past.item, items)
    return Interactions.of(
        past.user[keep],
        past.item[keep],
        past.day[keep],
        past.weight[keep],
        n_users=past.n_users,
        n_items=past.n_items,
        is_purchase=past.is_purchase[keep],
    )
