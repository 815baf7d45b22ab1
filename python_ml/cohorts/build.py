"""The frame layer: feature tables in, cohort tables out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl
from matplotlib.figure import Figure

from python_ml.cohorts.buyers import BuyerArrays
from python_ml.cohorts.drift import DRIFT_SCHEMA, measure_drift
from python_ml.cohorts.group import Grouping, group_users
from python_ml.cohorts.history import Before, nothing_before
from python_ml.cohorts.inputs import (
    MICROS,
    acts_by_category,
    build_arrays,
    check_inputs,
    purchase_pairs,
)
from python_ml.cohorts.labels import group_label
from python_ml.cohorts.methods import METHOD_NO_ORDER, METHOD_NONE, RULES
from python_ml.cohorts.model import CohortModel
from python_ml.cohorts.names import (
    ALL_BUYERS,
    ALL_USERS,
    NOT_YET_BUYING,
    UNCLUSTERED,
    CohortFacts,
    name_cohorts,
)
from python_ml.cohorts.plots import plot_selection, plot_user_map
from python_ml.cohorts.plots_of_profiles import plot_profiles, plot_radar
from python_ml.cohorts.profile import (
    NUMBERS,
    measure_cohorts,
    profile_attributes,
    profile_features,
    profile_groups,
)
from python_ml.cohorts.rules import find_rules
from python_ml.cohorts.usefulness import judge_trial
from python_ml.cohorts.visitors import Guesses, guess_cohorts
from python_ml.config import CohortConfig

_USER_COLUMNS = [
    "user_id",
    "cohort_id",
    "cohort_name",
    "cohort_method",
    "distance_to_centre",
    "likely_cohort_id",
    "likely_cohort_probability",
]
_PROFILE_COLUMNS = [
    "cohort_id",
    "cohort_name",
    "attribute_type",
    "attribute_name",
    "attribute_label",
    "user_count",
    "user_share",
    "sales_share",
    *NUMBERS,
]


@dataclass(frozen=True, slots=True)
class CohortResult:
    """What `build_cohorts` found.

    Args:
        user_cohorts: user_id, cohort_id, cohort_name, cohort_method, distance_to_centre (null for users
            without an order, who have no centre), likely_cohort_id and likely_cohort_probability (of users
            without an order alone, see `visitors`); one row per user, by user_id.
        guesses: how good those are, or why there are none.
        cohort_profiles: one row per cohort, attribute_type and attribute_name, see `profile`; none of a
            cohort of fewer than min_profile_users.
        cohort_rules: one row per clustered cohort, see `find_rules`.
        cohort_drift: one row per feature and clustered cohort, see `measure_drift`.
        cohort_selection: one row per number of cohorts tried, with the reason against it, and the day of the
            fit. Where none is eligible the cohorts of the fit before stay, and so does the row that was
            chosen then; without one a row of one cohort is chosen. Where nobody has ordered the only row is
            of none.
        plots: "profiles", "radar", "selection", "user_map"; the last two only where somebody has ordered.
        model: that put users into cohorts, to be kept if fitted now; None if they could not be told apart.
        fit_reason: why there was a fit; None if users were put into the cohorts of an earlier one.
    """

    user_cohorts: pl.DataFrame
    guesses: Guesses
    cohort_profiles: pl.DataFrame
    cohort_rules: pl.DataFrame
    cohort_drift: pl.DataFrame
    cohort_selection: pl.DataFrame
    plots: dict[str, Figure]
    model: CohortModel | None
    fit_reason: str | None


def build_cohorts(
    user_features: pl.DataFrame,
    user_department_features: pl.DataFrame,
    user_attributes: pl.DataFrame,
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    item_texts: pl.DataFrame,
    text_embeddings: pl.DataFrame,
    config: CohortConfig,
    *,
    seed: int,
    day: date,
    fitted_with: str = "",
    before: Before | None = None,
    model: CohortModel | None = None,
    device: str = "cpu",
) -> CohortResult:
    """Group users by behaviour and taste, profile the groups against all users who have ordered, name them.

    The same tables and seed give the same result bit for bit, whatever the order of rows. Users without an
    order, who may have looked at things, are a cohort of their own, by rule: zeros everywhere would otherwise
    pull a centre to themselves. Where no number of cohorts is eligible, all others are one cohort.

    Cohorts are found once, and users put into them on later days, until `reason_to_fit` gives a reason.

    Args:
        user_features: one row per user; every numeric column but `*_score` and `*_id` counts as behaviour.
        user_department_features: user_id, department, line_count, sales_amount, sales_share.
        user_attributes: user_id, country, region and other text columns, which describe cohorts and do not
            form them; one row per user.
        interactions: user_id, item_id, event_type, sales_amount; what is no purchase tells of interest alone.
        item_features: item_id, category, title.
        item_texts: item_id, text_hash.
        text_embeddings: text_hash, embedding_model, embedding; of one model.
        config: how.
        seed: of k-means and resamples.
        day: the as-of date.
        fitted_with: changes when settings or code do, which is a reason to fit anew.
        before: cohorts as they were last seen, whose ids and names go on; None for a first run.
        model: fitted on that day or before; None for a first run.
        device: that finds centres of many users, "cpu" or "cuda:0" ..., see `fit_partition`.

    Raises:
        ContractError: a table lacks a column, repeats a key, mixes models, or no purchase has a vector.
    """
    tables = {
        "user_features": user_features,
        "user_department_features": user_department_features,
        "user_attributes": user_attributes,
        "interactions": interactions,
        "item_features": item_features,
        "item_texts": item_texts,
        "text_embeddings": text_embeddings,
    }
    check_inputs(tables)
    pairs = purchase_pairs(interactions)
    acts = acts_by_category(interactions, item_features)
    arrays = build_arrays(
        tables,
        pairs,
        acts if config.interest_weight > 0 else acts.clear(),
        most_categories=config.spend_categories,
        also_categories=() if model is None else model.spend_categories,
        use_texts=config.text_weight > 0,
    )
    before = nothing_before() if before is None else before
    embedding_model = text_embeddings["embedding_model"].first() if text_embeddings.height else None
    grouping = group_users(
        user_features,
        arrays,
        embedding_model,
        config,
        seed=seed,
        day=day,
        fitted_with=fitted_with,
        before=before,
        model=model,
        judge=lambda fitted: judge_trial(
            fitted.trial, interactions, item_features, fitted.fitted_on, day, config
        ),
        device=device,
    )
    assigned = grouping.users
    profiles = _profile(tables, pairs, assigned, config)
    unclustered = None if grouping.model is None else grouping.model.partition.unclustered
    names = _name(profiles, assigned, before, config, unclustered)
    clustered = assigned.filter(~pl.col("cohort_method").is_in(RULES))
    guesses = guess_cohorts(acts, clustered, assigned.filter(cohort_method=METHOD_NO_ORDER), seed)
    user_cohorts = (
        assigned.join(names, on="cohort_id", how="left", maintain_order="left")
        .join(guesses.visitors, on="user_id", how="left", maintain_order="left")
        .select(*_USER_COLUMNS)
    )
    cohort_profiles = profiles.join(names, on="cohort_id", how="left", maintain_order="left").select(
        _PROFILE_COLUMNS
    )
    return CohortResult(
        user_cohorts=user_cohorts,
        guesses=guesses,
        cohort_profiles=cohort_profiles,
        cohort_rules=find_rules(user_features, user_department_features, clustered, config, seed=seed),
        cohort_drift=_measure_drift(grouping, arrays, config),
        cohort_selection=grouping.selection,
        plots=_plots(grouping, cohort_profiles, names, config),
        model=grouping.model,
        fit_reason=grouping.fit_reason,
    )


def _measure_drift(grouping: Grouping, buyers: BuyerArrays, config: CohortConfig) -> pl.DataFrame:
    if grouping.model is None:
        return pl.DataFrame(schema=DRIFT_SCHEMA)
    model = grouping.model
    return measure_drift(
        model.reference,
        model.as_fitted(buyers).values,
        grouping.placement.labels,
        model.feature_names,
        model.cohort_ids,
        config,
    )


def _profile(
    tables: dict[str, pl.DataFrame], pairs: pl.DataFrame, assigned: pl.DataFrame, config: CohortConfig
) -> pl.DataFrame:
    """Rows of cohort_profiles without the name, by cohort, type and rank."""
    cohorts = assigned.select("user_id", "cohort_id")
    users = tables["user_features"].join(cohorts, on="user_id").sort("user_id")
    sizes = measure_cohorts(users)
    few = {"min_users": config.min_profile_users}
    limits = few | {"min_support": config.min_support, "top": config.profile_top}
    spend = _spend(tables, pairs, cohorts)
    rows = pl.concat(
        [
            profile_features(users, **few),
            *(
                profile_groups(spent, sizes, attribute_type=kind, label=label, **limits)
                for kind, (spent, label) in spend.items()
            ),
            profile_attributes(tables["user_attributes"], users, **limits),
        ]
    )
    number = pl.col("cohort_id").str.slice(1).cast(pl.Int32)
    return rows.join(sizes, on="cohort_id").sort(number, "attribute_type", "attribute_rank")


def _spend(
    tables: dict[str, pl.DataFrame], pairs: pl.DataFrame, cohorts: pl.DataFrame
) -> dict[str, tuple[pl.DataFrame, Callable[[str], str]]]:
    """By type of what was bought: what each user spent on each, for `profile_groups`, and its label."""
    departments = (
        tables["user_department_features"]
        .join(cohorts, on="user_id")
        .group_by("cohort_id", "user_id", pl.col("department").alias("name"))
        .agg((pl.col("sales_amount") * MICROS).round().cast(pl.Int64).sum().alias("sales_micros"))
    )
    items = tables["item_features"]
    bought = pairs.join(cohorts, on="user_id")
    categories = (
        bought.join(items.select("item_id", pl.col("category").alias("name")), on="item_id")
        .group_by("cohort_id", "user_id", "name")
        .agg(pl.col("sales_micros").sum())
    )
    titles = dict(items.select("item_id", "title").drop_nulls().rows())
    return {
        "department": (departments, group_label),
        "category": (categories, group_label),
        # Without a title, as models/core/items.sql says it.
        "item": (bought.rename({"item_id": "name"}), lambda name: titles.get(name, f"Item {name}")),
    }


def _name(
    profiles: pl.DataFrame,
    assigned: pl.DataFrame,
    before: Before,
    config: CohortConfig,
    unclustered: int | None,
) -> pl.DataFrame:
    """cohort_id and cohort_name of every cohort, also of those of too few users for a profile.

    Args:
        unclustered: label of those who are in no group, None where there are none.
    """
    if (assigned["cohort_method"] == METHOD_NONE).any():
        return _name_the_one(assigned)
    rows = profiles.select("cohort_id", "attribute_type", "attribute_name", "z_score", "cohort_value", "lift")
    # Those of most users come first: they have the first choice of names.
    in_none = [-1] if unclustered is None else [-1, unclustered]
    clustered = assigned.filter(~pl.col("label").is_in(in_none)).group_by("cohort_id").len()
    by_size = clustered.sort("len", "cohort_id", descending=[True, False])["cohort_id"]
    facts = {cohort_id: CohortFacts({}, {}) for cohort_id in by_size}
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
    for label, name in zip(in_none, (NOT_YET_BUYING, UNCLUSTERED), strict=False):
        for cohort_id in assigned.filter(pl.col("label") == label)["cohort_id"].unique():
            names[cohort_id] = name
    return pl.DataFrame(
        {"cohort_id": list(names), "cohort_name": list(names.values())},
        schema={"cohort_id": pl.String, "cohort_name": pl.String},
    )


def _name_the_one(assigned: pl.DataFrame) -> pl.DataFrame:
    """As `_name`, where users could not be told apart by more than whether they have ordered."""
    everybody = ALL_USERS if (assigned["label"] >= 0).all() else ALL_BUYERS
    name = pl.when(pl.col("label") == -1).then(pl.lit(NOT_YET_BUYING)).otherwise(pl.lit(everybody))
    return assigned.select("cohort_id", name.alias("cohort_name")).unique().sort("cohort_id")


def _plots(
    grouping: Grouping, profiles: pl.DataFrame, names: pl.DataFrame, config: CohortConfig
) -> dict[str, Figure]:
    plots = {"profiles": plot_profiles(profiles), "radar": plot_radar(profiles)}
    if grouping.placement is None:
        return plots
    found = grouping.users.filter(pl.col("label") >= 0).select("label", "cohort_id").unique()
    named = found.join(names, on="cohort_id").select("label", "cohort_id", "cohort_name")
    legend = {label: (cohort_id, name) for label, cohort_id, name in named.rows()}
    plots["selection"] = plot_selection(grouping.selection, config.min_stability)
    plots["user_map"] = plot_user_map(grouping.placement.points, grouping.placement.labels, legend)
    return plots
