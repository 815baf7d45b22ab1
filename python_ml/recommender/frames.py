"""Feature tables to arrays. With `read_rules`, `evaluate` and `recommend`, all that knows polars here."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from python_ml.errors import ContractError
from python_ml.recommender.data import Interactions, TextVectors
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.split import EPOCH, choose_windows
from python_ml.tables import check_columns, check_key, check_one_model

MICROSECONDS_A_DAY = 86_400_000_000

_NEEDED = {
    "interactions": ("user_id", "item_id", "event_type", "weight", "interacted_at"),
    "item_features": ("item_id", "is_recommendable", "category"),
    "item_texts": ("item_id", "text_hash"),
    "text_embeddings": ("text_hash", "embedding_model", "embedding"),
    "user_cohorts": ("user_id", "cohort_id", "cohort_name"),
}
ATTRIBUTES = ("manufacturer_id", "department", "category", "item_type", "brand")
_KEYS = {"item_features": "item_id", "item_texts": "item_id", "text_embeddings": "text_hash",
         "user_cohorts": "user_id"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inputs:
    """The feature tables as arrays; users and items are numbered in the order of their ids.

    Args:
        user_ids: (n_users,) sorted.
        item_ids: (n_items,) sorted, the whole catalogue.
        interactions: purchases, and weaker signs of interest, before the as-of date.
        texts: text vectors of the catalogue.
        attributes: of the catalogue's items, the values of those of ATTRIBUTES that the table has.
        is_recommendable: (n_items,) bool.
        category: (n_items,) int64, the number of the item's category in the order of their names, -1 = none.
        cohort: (n_users,) int64 index into `cohort_ids`, -1 = none.
        cohort_ids: sorted.
        cohort_names: of the same cohorts.
    """

    user_ids: pl.Series
    item_ids: pl.Series
    interactions: Interactions
    texts: TextVectors
    attributes: ItemAttributes
    is_recommendable: np.ndarray
    category: np.ndarray
    cohort: np.ndarray
    cohort_ids: list[str]
    cohort_names: list[str]


def read_inputs(tables: dict[str, pl.DataFrame], *, as_of: date) -> Inputs:
    """Number users and items, and turn the tables into arrays.

    Args:
        tables: interactions, item_features, item_texts, text_embeddings, user_cohorts; with user_features its
            users are known as well, else those of the interactions. The order of rows does not matter.
        as_of: interactions on or after this date are not seen.

    Raises:
        ContractError: a column is missing, a key is null or occurs twice, an id is unknown, or vectors of
            several models are mixed.
    """
    check_tables(tables)
    seen = _before(tables["interactions"], as_of)
    item_ids = tables["item_features"]["item_id"].sort()
    users = tables.get("user_features", seen)["user_id"]
    user_ids = users.unique().cast(pl.String).sort()
    interactions = Interactions.of(
        number(seen["user_id"], user_ids, "interactions.user_id"),
        number(seen["item_id"], item_ids, "interactions.item_id"),
        days_of(seen["interacted_at"]),
        seen["weight"].to_numpy(),
        is_purchase=(seen["event_type"] == "purchase").to_numpy(),
        n_users=len(user_ids),
        n_items=len(item_ids),
    )
    items = tables["item_features"].sort("item_id")
    cohort, cohort_ids, cohort_names = _read_cohorts(tables["user_cohorts"], user_ids)
    return Inputs(
        user_ids,
        item_ids,
        interactions,
        _read_texts(tables["item_texts"], tables["text_embeddings"], item_ids),
        _read_attributes(items),
        items["is_recommendable"].fill_null(False).to_numpy().astype(bool),
        (items["category"].rank("dense").cast(pl.Int64) - 1).fill_null(-1).to_numpy(),
        cohort,
        cohort_ids,
        cohort_names,
    )


def judged_from(interactions: pl.DataFrame, *, as_of: date, window_days: int) -> datetime | None:
    """When the windows begin on which settings are chosen and models judged; None for a history without any.

    Whatever a model is given, such as vectors, must have been learned from what happened before.

    Args:
        interactions: interacted_at.
        as_of, window_days: as in `choose_windows`.
    """
    windows = choose_windows(days_of(_before(interactions, as_of)["interacted_at"]), as_of, window_days)
    if not windows.splits:
        return None
    return datetime.combine(EPOCH, datetime.min.time()) + timedelta(days=windows.splits[0].cut)


def _before(interactions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    moment = pl.lit(as_of).cast(interactions.schema["interacted_at"])
    return interactions.filter(pl.col("interacted_at") < moment)


def days_of(moments: pl.Series) -> np.ndarray:
    """(M,) float64 days since 1970-01-01 of timestamps."""
    return moments.dt.epoch("us").to_numpy() / MICROSECONDS_A_DAY


def check_tables(tables: dict[str, pl.DataFrame]) -> None:
    """Refuse tables that break what the rest relies on; see `read_inputs`."""
    for table, needed in _NEEDED.items():
        check_columns(table, tables[table], needed)
    for table, key in _KEYS.items():
        check_key(table, tables[table], key)
    check_one_model(tables["text_embeddings"])


def number(ids: pl.Series, known: pl.Series, where: str) -> np.ndarray:
    """(M,) int64 position of each id among the sorted, distinct known ids.

    Args:
        ids: strings, or categories where there are many rows.
        known: strings.
        where: what an error names.

    Raises:
        ContractError: an id is null or not known.
    """
    if ids.dtype == pl.Categorical:
        return _number_categories(ids, known, where)
    lookup = pl.DataFrame({"id": known, "index": np.arange(len(known), dtype=np.int64)})
    index = pl.DataFrame({"id": ids}).join(lookup, on="id", how="left", maintain_order="left")["index"]
    if index.null_count():
        stranger = ids.filter(index.is_null())
        raise ContractError(
            f"{index.null_count()} ids are unknown, the first is {stranger.sort()[0]!r}",
            where=where,
            remedy="build the feature tables again so that they come from one run",
        )
    return index.to_numpy()


def _number_categories(ids: pl.Series, known: pl.Series, where: str) -> np.ndarray:
    # Each distinct string is looked up once; rows then go through their category's number.
    distinct = ids.unique()
    index = number(distinct.cast(pl.String), known, where)
    if len(distinct) == 0:
        return index
    code = distinct.to_physical().to_numpy()
    index_of_code = np.empty(int(code.max()) + 1, dtype=np.int64)
    index_of_code[code] = index
    return index_of_code[ids.to_physical().to_numpy()]


def _read_texts(item_texts: pl.DataFrame, embeddings: pl.DataFrame, item_ids: pl.Series) -> TextVectors:
    embeddings = embeddings.sort("text_hash")
    vectors = embeddings["embedding"].to_numpy()
    matrix = np.stack(vectors).astype(np.float32) if len(vectors) else np.empty((0, 1), np.float32)
    rows = embeddings.select("text_hash").with_row_index("row")
    of_item = (
        pl.DataFrame({"item_id": item_ids})
        .join(item_texts.select("item_id", "text_hash"), on="item_id", how="left")
        .join(rows, on="text_hash", how="left")
        .sort("item_id")["row"]
        .cast(pl.Int64)
        .fill_null(-1)
    )
    return TextVectors(matrix, of_item.to_numpy())


def _read_attributes(items: pl.DataFrame) -> ItemAttributes:
    """Values are numbered column by column, in the order of their names; what all share tells nothing."""
    columns, count = [np.empty((items.height, 0), np.int64)], 0
    for name in ATTRIBUTES:
        if name in items.columns and items[name].n_unique() > 1:
            place = items[name].rank("dense").cast(pl.Int64) - 1
            columns.append((place + count).fill_null(-1).to_numpy()[:, None])
            count += items[name].drop_nulls().n_unique()
    return ItemAttributes(np.concatenate(columns, axis=1), count)


def _read_cohorts(user_cohorts: pl.DataFrame, user_ids: pl.Series) -> tuple[np.ndarray, list[str], list[str]]:
    cohorts = user_cohorts.select("cohort_id", "cohort_name").unique("cohort_id").sort("cohort_id")
    numbers = cohorts.select("cohort_id").with_row_index("cohort")
    cohort = (
        pl.DataFrame({"user_id": user_ids})
        .join(user_cohorts.select("user_id", "cohort_id"), on="user_id", how="left")
        .join(numbers, on="cohort_id", how="left")
        .sort("user_id")["cohort"]
        .cast(pl.Int64)
        .fill_null(-1)
    )
    return cohort.to_numpy(), cohorts["cohort_id"].to_list(), cohorts["cohort_name"].to_list()
