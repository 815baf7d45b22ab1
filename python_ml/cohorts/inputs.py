"""From feature tables to the arrays that are clustered.

Shapes: N users who have ordered, F behaviour features, G and I categories, T texts, D embedding
dimensions. The largest arrays are N x D, N x I and N x G float64.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from python_ml.cohorts.buyers import BuyerArrays
from python_ml.errors import ContractError
from python_ml.tables import check_columns, check_key, check_one_model

# Money is summed as whole millionths: integer sums do not depend on the order of rows, float sums do.
MICROS = 1_000_000

_NEEDED = {
    "user_features": ("user_id", "order_count", "monetary_amount"),
    "user_department_features": ("user_id", "department", "sales_amount", "sales_share"),
    "user_attributes": ("user_id", "country", "region"),
    "interactions": ("user_id", "item_id", "event_type", "sales_amount"),
    "item_features": ("item_id", "category", "title"),
    "item_texts": ("item_id", "text_hash"),
    "text_embeddings": ("text_hash", "embedding_model", "embedding"),
}
_KEYS = {
    "user_features": "user_id",
    "user_attributes": "user_id",
    "item_texts": "item_id",
    "item_features": "item_id",
}


def check_inputs(tables: dict[str, pl.DataFrame]) -> None:
    """Refuse tables that lack a column, users that occur twice, vectors of several models.

    Raises:
        ContractError: naming table and column.
    """
    for table, needed in _NEEDED.items():
        check_columns(table, tables[table], needed)
    for table, key in _KEYS.items():
        check_key(table, tables[table], key)
    check_one_model(tables["text_embeddings"])


def behaviour_columns(user_features: pl.DataFrame) -> list[str]:
    """Numeric columns of user_features; quintile scores repeat what they are scores of, and stay out."""
    return [
        name
        for name, kind in user_features.schema.items()
        if kind.is_numeric() and not name.endswith(("_score", "_id"))
    ]


def attribute_columns(user_attributes: pl.DataFrame) -> list[str]:
    """Text columns of user_attributes, but for ids."""
    return [
        name
        for name, kind in user_attributes.schema.items()
        if kind == pl.String and not name.endswith("_id")
    ]


def purchase_pairs(interactions: pl.DataFrame) -> pl.DataFrame:
    """One row per (user_id, item_id) that was bought, sorted: sales_micros (Int64) and line_count."""
    return (
        interactions.filter(pl.col("event_type") == "purchase")
        .group_by("user_id", "item_id")
        .agg(
            (pl.col("sales_amount") * MICROS).round().cast(pl.Int64).sum().alias("sales_micros"),
            pl.len().alias("line_count"),
        )
        .sort("user_id", "item_id")
    )


def build_arrays(
    tables: dict[str, pl.DataFrame],
    pairs: pl.DataFrame,
    acts: pl.DataFrame,
    *,
    most_categories: int,
    also_categories: Sequence[str] = (),
    use_texts: bool,
) -> BuyerArrays:
    """Line up everything known about users who have ordered.

    Args:
        tables: the seven tables by name, checked.
        pairs: from `purchase_pairs`.
        acts: from `acts_by_category`; of none, `interest_roots` has no columns.
        most_categories: so many of those that most users bought are told apart in `spend`,
        also_categories: and these, which a model was fitted on.
        use_texts: without, `tastes` has no columns.

    Raises:
        ContractError: texts are wanted, and no purchase has a text with a vector.
    """
    buyers = tables["user_features"].filter(pl.col("order_count") > 0).sort("user_id")
    names = behaviour_columns(buyers)
    values = buyers.select(pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in names)
    index = pl.DataFrame({"user_id": buyers["user_id"]}).with_row_index("row")
    common, bought, spend_NG = _spend_by_category(
        pairs, tables["item_features"], index, most_categories, also_categories
    )
    tastes_ND = np.zeros((len(buyers), 0))
    if use_texts and len(buyers):
        tastes_ND = _tastes(tables["item_texts"], tables["text_embeddings"], pairs, index)
    seen, interests_NI = _interest_roots(acts, index)
    return BuyerArrays(
        user_ids=buyers["user_id"].to_list(),
        feature_names=names,
        values=values.to_numpy().reshape(len(buyers), len(names)),
        orders=buyers["order_count"].cast(pl.Float64).to_numpy(),
        common_categories=common,
        spend_categories=bought,
        spend=spend_NG,
        tastes=tastes_ND,
        interest_categories=seen,
        interest_roots=interests_NI,
    )


def _spend_by_category(
    pairs: pl.DataFrame, items: pl.DataFrame, index: pl.DataFrame, most: int, also: Sequence[str]
) -> tuple[list[str], list[str], np.ndarray]:
    """Categories to compare users by; those and others asked for; what each user spent on each, (N, G).

    The first are those that most users bought; both are sorted, and what each user spent is float64. Where a
    shop has one category there is none: what is spent on it is all that is spent, which behaviour tells. Who
    only had free items spent nothing; who bought nothing of a known category has NaN.
    """
    bought = (
        pairs.join(index, on="user_id")
        .join(items.select("item_id", "category").drop_nulls(), on="item_id")
        .group_by("row", "category")
        .agg(pl.col("sales_micros").sum().clip(lower_bound=0))
    )
    buyers = bought.group_by("category").len().sort("len", "category", descending=[True, False])
    if buyers.height < 2 and not also:
        return [], [], np.zeros((len(index), 0))
    common = sorted(buyers["category"].head(most)) if buyers.height > 1 else []
    kept = bought.filter(pl.col("category").is_in([*common, *also]))
    categories, micros_NG = spread(kept["row"], kept["category"], kept["sales_micros"], len(index))
    spend_NG = micros_NG / MICROS
    is_known_N = np.isin(np.arange(len(index)), bought["row"].to_numpy())
    spend_NG[~is_known_N] = np.nan
    return common, categories, spend_NG


def _interest_roots(acts: pl.DataFrame, index: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    """Counted act by act: a user looks at dozens of items for each one bought, so shares of it are exact."""
    acts = acts.join(index, on="user_id")
    categories, count_NI = spread(acts["row"], acts["category"], acts["act_count"], len(index))
    total_N = count_NI.sum(axis=1, keepdims=True)
    unknown_NI = np.full_like(count_NI, np.nan)
    return categories, np.sqrt(np.divide(count_NI, total_N, out=unknown_NI, where=total_N > 0))


def acts_by_category(interactions: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """user_id, category and act_count: acts that are no purchase, in no order; one row a user and category.

    Args:
        interactions: user_id, item_id, event_type.
        items: item_id, category; of an unknown category nothing counts.
    """
    return (
        interactions.filter(pl.col("event_type") != "purchase")
        .join(items.select("item_id", "category").drop_nulls(), on="item_id")
        .group_by("user_id", "category")
        .agg(pl.len().cast(pl.Int64).alias("act_count"))
    )


def spread(rows: pl.Series, names: pl.Series, amounts: pl.Series, count: int) -> tuple[list[str], np.ndarray]:
    """The names, sorted, and amounts as a table with a column for each: float64 (count, names).

    Args:
        rows, names, amounts: of each cell that is not 0; no two of one place.
        count: rows of the table.
    """
    known = names.unique().sort().to_list()
    column_of = {name: column for column, name in enumerate(known)}
    table = np.zeros((count, len(known)))
    table[rows.to_numpy(), [column_of[name] for name in names]] = amounts.to_numpy()
    return known, table


def _tastes(
    item_texts: pl.DataFrame, embeddings: pl.DataFrame, pairs: pl.DataFrame, index: pl.DataFrame
) -> np.ndarray:
    """Spend-weighted mean embedding of each user.

    Who has only had free items is weighted by lines; who bought nothing with a vector has no taste: NaN.
    """
    vectors = embeddings.select("text_hash", "embedding").sort("text_hash").with_row_index("column")
    bought = (
        pairs.join(index, on="user_id")
        .join(item_texts.select("item_id", "text_hash"), on="item_id")
        .join(vectors.select("text_hash", "column"), on="text_hash")
        .group_by("row", "column")
        .agg(pl.col("sales_micros").clip(lower_bound=0).sum(), pl.col("line_count").sum())
        .with_columns(pl.col("sales_micros").sum().over("row").alias("total"))
        .select(
            "row",
            "column",
            pl.when(pl.col("total") > 0).then("sales_micros").otherwise("line_count").alias("weight"),
        )
        .sort("row", "column")
    )
    if bought.is_empty():
        raise ContractError(
            "no purchased item has a text with a vector",
            where="text_embeddings",
            remedy="embed item_texts first, or set text_weight = 0",
        )
    place = (bought["row"].to_numpy(), bought["column"].to_numpy())
    weights = csr_array(
        (bought["weight"].cast(pl.Float64).to_numpy(), place), shape=(len(index), len(vectors))
    )
    vectors_TD = vectors["embedding"].explode().to_numpy().reshape(len(vectors), -1).astype(np.float64)
    total_N = weights.sum(axis=1)
    tastes_ND = np.asarray(weights @ vectors_TD) / np.where(total_N > 0, total_N, 1.0)[:, None]
    tastes_ND[total_N == 0] = np.nan
    return tastes_ND
