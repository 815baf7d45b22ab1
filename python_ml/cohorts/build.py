"""The frame layer: feature tables in, cohort tables out."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from python_ml.cohorts.cluster import Clustering, cluster_buyers
from python_ml.cohorts.history import Before, changes_of_cohorts, match_before, nothing_before
from python_ml.cohorts.inputs import MICROS, BuyerArrays, build_arrays, check_inputs, purchase_pairs
from python_ml.cohorts.names import ALL_BUYERS, ALL_USERS, NOT_YET_BUYING, CohortFacts, name_cohorts
from python_ml.cohorts.plots import plot_profiles, plot_selection, plot_user_map
from python_ml.cohorts.profile import measure_cohorts, profile_features, profile_groups
from python_ml.config import CohortConfig
from python_ml.identity import assign_ids

METHOD_CLUSTERED = "k-means on behaviour, departments and text"
METHOD_NO_ORDER = "rule: no order yet"
METHOD_NONE = "none"  # cohort_selection says why
NOBODY_HAS_ORDERED = "nobody has ordered yet"

_PROFILE_COLUMNS = [
    "cohort_id",
    "cohort_name",
    "attribute_type",
    "attribute_name",
    "attribute_label",
    "user_count",
    "user_share",
    "sales_share",
    "cohort_value",
    "population_value",
    "z_score",
    "lift",
    "attribute_rank",
]
_SELECTION_SCHEMA = {
    "cohort_count": pl.Int32,
    "silhouette": pl.Float64,
    "stability_ari": pl.Float64,
    "smallest_cohort_share": pl.Float64,
    "inertia": pl.Float64,
    "is_eligible": pl.Boolean,
    "is_chosen": pl.Boolean,
    "reason": pl.String,
}


@dataclass(frozen=True, slots=True)
class CohortResult:
    """What `build_cohorts` found.

    Args:
        user_cohorts: user_id, cohort_id, cohort_name, cohort_method, distance_to_centre (null for users
            without an order, who have no centre); one row per user, by user_id.
        cohort_profiles: one row per cohort, attribute_type and attribute_name, see `profile`.
        cohort_changes: what became of each cohort since it was last seen, see `changes_of_cohorts`.
        cohort_selection: one row per number of cohorts tried, with the reason against it; where none is
            eligible a row of one cohort is chosen, where nobody has ordered the only row is of none.
            silhouette is null where it is undefined.
        plots: "selection", "profiles", "user_map"; the first and last are left out when nobody has ordered.
        model_arrays: scaler, projections and centres; row i of "centres" is cohort `clustered_ids[i]`.
        model_facts: what belongs to the arrays and is not a number (JSON-able): encoder, names, cohort ids.
    """

    user_cohorts: pl.DataFrame
    cohort_profiles: pl.DataFrame
    cohort_changes: pl.DataFrame
    cohort_selection: pl.DataFrame
    plots: dict[str, Figure]
    model_arrays: dict[str, np.ndarray]
    model_facts: dict[str, object]


def build_cohorts(
    user_features: pl.DataFrame,
    user_department_features: pl.DataFrame,
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    item_texts: pl.DataFrame,
    text_embeddings: pl.DataFrame,
    config: CohortConfig,
    *,
    seed: int,
    day: date,
    before: Before | None = None,
) -> CohortResult:
    """Group users by behaviour and taste, profile the groups against all users who have ordered, name them.

    The same tables and seed give the same result bit for bit, whatever the order of rows. Users without an
    order, who may have looked at things, are a cohort of their own, by rule: zeros everywhere would otherwise
    pull a centre to themselves. Where no number of cohorts is eligible, all others are one cohort.

    Args:
        user_features: one row per user; every numeric column but `*_score` and `*_id` counts as behaviour.
        user_department_features: user_id, department, sales_amount.
        interactions: user_id, item_id, event_type, sales_amount; purchases count, other events do not.
        item_features: item_id, category.
        item_texts: item_id, text_hash.
        text_embeddings: text_hash, embedding_model, embedding; of one model.
        config: how.
        seed: of k-means and resamples.
        day: the as-of date.
        before: cohorts as they were last seen, whose ids and names go on; None for a first run.

    Raises:
        ContractError: a table lacks a column, repeats a key, mixes models, or no purchase has a vector.
    """
    tables = {
        "user_features": user_features,
        "user_department_features": user_department_features,
        "interactions": interactions,
        "item_features": item_features,
        "item_texts": item_texts,
        "text_embeddings": text_embeddings,
    }
    check_inputs(tables)
    pairs = purchase_pairs(interactions)
    arrays = build_arrays(tables, pairs, use_texts=config.text_weight > 0)
    clustering = _cluster(arrays, config, seed)
    before = nothing_before() if before is None else before
    assigned = _with_ids(_assign_users(user_features, arrays, clustering), before, config)
    profiles = _profile(tables, pairs, assigned, config)
    names = _name(profiles, assigned, before, config)
    user_cohorts = assigned.join(names, on="cohort_id", how="left", maintain_order="left").select(
        "user_id", "cohort_id", "cohort_name", "cohort_method", "distance_to_centre"
    )
    cohort_profiles = profiles.join(names, on="cohort_id", how="left", maintain_order="left").select(
        _PROFILE_COLUMNS
    )
    cohorts = user_cohorts.select("cohort_id", "cohort_name", "cohort_method").unique()
    clustered_ids = _clustered_ids(assigned)
    return CohortResult(
        user_cohorts=user_cohorts,
        cohort_profiles=cohort_profiles,
        cohort_changes=changes_of_cohorts(cohorts, user_cohorts.select("user_id", "cohort_id"), before, day),
        cohort_selection=_selection(clustering),
        plots=_plots(clustering, cohort_profiles, clustered_ids, names, config),
        model_arrays={} if clustering is None else clustering.arrays(),
        model_facts=_facts(arrays, clustering, text_embeddings, clustered_ids, names),
    )


def _cluster(arrays: BuyerArrays, config: CohortConfig, seed: int) -> Clustering | None:
    if not arrays.user_ids:
        return None
    return cluster_buyers(
        arrays.values,
        arrays.orders,
        arrays.feature_names,
        arrays.department_roots,
        arrays.tastes,
        config,
        seed,
    )


def _assign_users(users: pl.DataFrame, arrays: BuyerArrays, clustering: Clustering | None) -> pl.DataFrame:
    """user_id, label, cohort_method, distance_to_centre; label -1 is "no order yet"."""
    found = pl.DataFrame(
        {
            "user_id": arrays.user_ids,
            "label": [] if clustering is None else clustering.labels,
            "distance_to_centre": [] if clustering is None else clustering.distances,
        },
        schema={"user_id": pl.String, "label": pl.Int64, "distance_to_centre": pl.Float64},
    )
    assigned = (
        users.select("user_id").sort("user_id").join(found, on="user_id", how="left", maintain_order="left")
    )
    is_one = clustering is not None and clustering.chosen.cohort_count == 1
    found_by = pl.lit(METHOD_NONE if is_one else METHOD_CLUSTERED)
    method = pl.when(pl.col("label").is_null()).then(pl.lit(METHOD_NO_ORDER)).otherwise(found_by)
    return assigned.with_columns(method.alias("cohort_method"), pl.col("label").fill_null(-1))


def _with_ids(assigned: pl.DataFrame, before: Before, config: CohortConfig) -> pl.DataFrame:
    """The same with cohort_id: that of the cohort a group goes on from, else a new one, by size."""
    by_size = assigned.group_by("label").len().sort("len", "label", descending=[True, False])
    known = match_before(assigned, before, config.match_overlap)
    previous = before.cohorts["cohort_id"].to_list()
    matches = [previous.index(known[label]) if label in known else None for label in by_size["label"]]
    ids, _ = assign_ids(matches, previous, before.last_number, letter="c")
    by_label = by_size.select("label", cohort_id=pl.Series(ids, dtype=pl.String))
    return assigned.join(by_label, on="label", how="left", maintain_order="left")


def _profile(
    tables: dict[str, pl.DataFrame], pairs: pl.DataFrame, assigned: pl.DataFrame, config: CohortConfig
) -> pl.DataFrame:
    """Rows of cohort_profiles without the name, by cohort, type and rank."""
    cohorts = assigned.select("user_id", "cohort_id")
    users = tables["user_features"].join(cohorts, on="user_id").sort("user_id")
    sizes = measure_cohorts(users)
    departments = (
        tables["user_department_features"]
        .join(cohorts, on="user_id")
        .group_by("cohort_id", "user_id", pl.col("department").alias("name"))
        .agg((pl.col("sales_amount") * MICROS).round().cast(pl.Int64).sum().alias("sales_micros"))
    )
    categories = (
        pairs.join(cohorts, on="user_id")
        .join(tables["item_features"].select("item_id", pl.col("category").alias("name")), on="item_id")
        .group_by("cohort_id", "user_id", "name")
        .agg(pl.col("sales_micros").sum())
    )
    limits = {"min_support": config.min_support, "top": config.profile_top}
    rows = pl.concat(
        [
            profile_features(users),
            profile_groups(departments, sizes, attribute_type="department", **limits),
            profile_groups(categories, sizes, attribute_type="category", **limits),
        ]
    )
    number = pl.col("cohort_id").str.slice(1).cast(pl.Int32)
    return rows.join(sizes, on="cohort_id").sort(number, "attribute_type", "attribute_rank")


def _name(
    profiles: pl.DataFrame, assigned: pl.DataFrame, before: Before, config: CohortConfig
) -> pl.DataFrame:
    """cohort_id and cohort_name of every cohort."""
    if (assigned["cohort_method"] == METHOD_NONE).any():
        return _name_the_one(assigned)
    rows = profiles.select("cohort_id", "attribute_type", "attribute_name", "z_score", "cohort_value", "lift")
    facts = {cohort_id: CohortFacts({}, {}) for cohort_id in _clustered_ids(assigned)}
    for cohort_id, kind, name, z_score, share, lift in rows.iter_rows():
        if cohort_id in facts and kind == "feature" and z_score is not None:
            facts[cohort_id].z_scores[name] = z_score
        elif cohort_id in facts and kind == "department":
            facts[cohort_id].departments[name] = (share, lift)
    known = dict(before.cohorts.select("cohort_id", "cohort_name").rows())
    found = name_cohorts(
        list(facts.values()),
        [known.get(cohort_id) for cohort_id in facts],
        min_sd=config.name_min_sd,
        min_lift=config.name_min_lift,
        min_share=config.name_min_share,
    )
    names = dict(zip(facts, (name.text for name in found), strict=True))
    for cohort_id in assigned.filter(pl.col("label") == -1)["cohort_id"].unique():
        names[cohort_id] = NOT_YET_BUYING
    return pl.DataFrame(
        {"cohort_id": list(names), "cohort_name": list(names.values())},
        schema={"cohort_id": pl.String, "cohort_name": pl.String},
    )


def _name_the_one(assigned: pl.DataFrame) -> pl.DataFrame:
    """As `_name`, where users could not be told apart by more than whether they have ordered."""
    everybody = ALL_USERS if (assigned["label"] >= 0).all() else ALL_BUYERS
    name = pl.when(pl.col("label") == -1).then(pl.lit(NOT_YET_BUYING)).otherwise(pl.lit(everybody))
    return assigned.select("cohort_id", name.alias("cohort_name")).unique().sort("cohort_id")


def _clustered_ids(assigned: pl.DataFrame) -> list[str]:
    """cohort_id of each k-means label, in the order of labels: row i of the centres is the i-th id."""
    found = assigned.filter(pl.col("label") >= 0).select("label", "cohort_id").unique().sort("label")
    return found["cohort_id"].to_list()


def _selection(clustering: Clustering | None) -> pl.DataFrame:
    if clustering is None:
        nothing = dict.fromkeys(_SELECTION_SCHEMA) | {"cohort_count": 0, "is_eligible": False}
        only = nothing | {"is_chosen": True, "reason": NOBODY_HAS_ORDERED}
        return pl.DataFrame([only], schema=_SELECTION_SCHEMA)
    columns = [name for name in _SELECTION_SCHEMA if name != "is_chosen"]
    rows = [
        {name: getattr(candidate, name) for name in columns} | {"is_chosen": candidate is clustering.chosen}
        for candidate in clustering.candidates
    ]
    return pl.DataFrame(rows, schema=_SELECTION_SCHEMA).with_columns(pl.col("silhouette").fill_nan(None))


def _plots(
    clustering: Clustering | None,
    profiles: pl.DataFrame,
    clustered_ids: list[str],
    names: pl.DataFrame,
    config: CohortConfig,
) -> dict[str, Figure]:
    plots = {"profiles": plot_profiles(profiles)}
    if clustering is None:
        return plots
    legend = dict(names.rows())
    plots["selection"] = plot_selection(clustering.candidates, clustering.chosen, config.min_stability)
    plots["user_map"] = plot_user_map(
        clustering.points, clustering.labels, [legend[cohort_id] for cohort_id in clustered_ids]
    )
    return plots


def _facts(
    arrays: BuyerArrays,
    clustering: Clustering | None,
    embeddings: pl.DataFrame,
    clustered_ids: list[str],
    names: pl.DataFrame,
) -> dict[str, object]:
    return {
        "embedding_model": embeddings["embedding_model"].first() if embeddings.height else None,
        "feature_names": arrays.feature_names,
        "kept_feature_names": [] if clustering is None else list(clustering.features.names),
        "departments": arrays.departments,
        "clustered_ids": clustered_ids,
        "cohort_names": dict(names.sort("cohort_id").rows()),
    }
