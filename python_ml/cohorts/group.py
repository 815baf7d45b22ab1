"""Who is in which cohort: by a model that is fitted now or was before, or by rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from python_ml.cohorts.buyers import BuyerArrays
from python_ml.cohorts.cluster import Clustering, Placement, cluster_buyers, place_users
from python_ml.cohorts.drift import fit_reference
from python_ml.cohorts.history import Before, match_before
from python_ml.cohorts.methods import METHOD_NO_ORDER, METHOD_NONE, clustered_by
from python_ml.cohorts.model import CohortModel, reason_to_fit
from python_ml.config import CohortConfig
from python_ml.identity import assign_ids

NOBODY_HAS_ORDERED = "nobody has ordered yet"

SELECTION_SCHEMA = {
    "clustering_method": pl.String,
    "cohort_count": pl.Int32,
    "silhouette": pl.Float64,
    "davies_bouldin": pl.Float64,
    "stability_ari": pl.Float64,
    "bootstrap_ari": pl.Float64,
    "usefulness": pl.Float64,
    "smallest_cohort_share": pl.Float64,
    "largest_cohort_share": pl.Float64,
    "inertia": pl.Float64,
    "is_eligible": pl.Boolean,
    "is_chosen": pl.Boolean,
    "reason": pl.String,
    "fitted_on": pl.Date,
}
_MEASURES = [name for name in SELECTION_SCHEMA if name not in ("clustering_method", "is_chosen", "fitted_on")]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Users in cohorts.

    Args:
        users: user_id, label, cohort_id, cohort_method, distance_to_centre; one row per user, by user_id.
            Label -1 is "no order yet", the others are rows of the centres.
        placement: users who have ordered among the centres; None if nobody has.
        selection: `SELECTION_SCHEMA`: what was tried.
        model: that put users into cohorts; None if they could not be told apart.
        fit_reason: why there was a fit; None if users were put into cohorts found before.
    """

    users: pl.DataFrame
    placement: Placement | None
    selection: pl.DataFrame
    model: CohortModel | None
    fit_reason: str | None


def group_users(
    users: pl.DataFrame,
    buyers: BuyerArrays,
    embedding_model: str | None,
    config: CohortConfig,
    *,
    seed: int,
    day: date,
    fitted_with: str,
    before: Before,
    model: CohortModel | None,
    judge: Callable[[CohortModel], Mapping[tuple[str, int], float]],
    device: str,
) -> Grouping:
    """Put every user into one cohort. A fit that is not stable enough leaves an earlier one in force.

    Args:
        users: user_id; one row per user.
        buyers: those who have ordered.
        embedding_model: whose vectors their tastes are means of.
        config: of the fit, of when there is one, and of which cohorts are the same as before.
        seed: of the fit.
        day: the as-of date.
        fitted_with: of settings and code as they are now.
        before: cohorts as they were last seen.
        model: in force.
        judge: tells what the candidates of its fit were worth, see `judge_trial`.
        device: of the fit, see `fit_partition`.
    """
    before = _numbered_after(before, model)
    if not buyers.user_ids:
        return _group_nobody(users, before, config, day)
    reason = reason_to_fit(model, buyers, embedding_model, day, fitted_with, config)
    if reason is None:
        return _group_by(model, users, buyers, before, config)
    # Under other settings or code the number is chosen anew: what was asked for must be heard.
    is_alike = model is not None and model.fitted_with == fitted_with
    in_force = (model.method, len(model.partition)) if is_alike else None
    fitted_on = buyers.to_fit_on()
    usefulness = judge(model) if is_alike else {}
    clustering = cluster_buyers(fitted_on, config, seed, device, in_force, usefulness)
    if model is not None and model.why_not_place(buyers, embedding_model) is None:
        if clustering.chosen.method is None:
            stays = _group_by(model, users, buyers, before, config)
            refused = _selection(clustering, day).with_columns(is_chosen=pl.lit(False))
            selection = pl.concat([stays.selection.filter("is_chosen"), refused])
            return replace(stays, selection=selection, fit_reason=reason)
        # Where yesterday's cohorts would be today: users who changed since do not make cohorts look new.
        before = replace(before, members=_members(model, buyers))
    found = _group_anew(clustering, users, fitted_on, before, config, day)
    return replace(
        found,
        model=_model(clustering, found, fitted_on, embedding_model, day, fitted_with),
        fit_reason=reason,
    )


def _group_anew(
    clustering: Clustering,
    users: pl.DataFrame,
    buyers: BuyerArrays,
    before: Before,
    config: CohortConfig,
    day: date,
) -> Grouping:
    """Into the cohorts found now; those that go on from earlier ones have their ids."""
    placement = place_users(clustering.space, clustering.partition, buyers)
    method = METHOD_NONE if clustering.chosen.method is None else clustered_by(clustering.chosen.method)
    found = _with_ids(_assign(users, buyers, placement, method), [], before, config)
    return Grouping(found, placement, _selection(clustering, day), None, None)


def _model(
    clustering: Clustering,
    found: Grouping,
    buyers: BuyerArrays,
    embedding_model: str | None,
    day: date,
    fitted_with: str,
) -> CohortModel | None:
    """What is kept of the fit; None where users could not be told apart, to try again next time."""
    if clustering.chosen.method is None:
        return None
    ids = dict(found.users.select("label", "cohort_id").unique().rows())
    return CohortModel(
        fitted_on=day,
        fitted_with=fitted_with,
        embedding_model=embedding_model,
        method=clustering.chosen.method,
        feature_names=buyers.feature_names,
        spend_categories=buyers.spend_categories,
        interest_categories=buyers.interest_categories,
        cohort_ids=[ids[label] for label in range(len(clustering.partition))],
        user_count=len(buyers.user_ids),
        selection=found.selection.drop("fitted_on").to_dicts(),
        space=clustering.space,
        partition=clustering.partition,
        reference=fit_reference(buyers.values, found.placement.labels, len(clustering.partition)),
        trial=clustering.trial,
    )


def _group_nobody(users: pl.DataFrame, before: Before, config: CohortConfig, day: date) -> Grouping:
    nothing = dict.fromkeys(SELECTION_SCHEMA) | {"cohort_count": 0, "is_eligible": False, "fitted_on": day}
    only = nothing | {
        "clustering_method": METHOD_NONE,
        "is_chosen": True,
        "reason": NOBODY_HAS_ORDERED,
    }
    found = _with_ids(_assign(users, None, None, METHOD_NONE), [], before, config)
    return Grouping(found, None, pl.DataFrame([only], schema=SELECTION_SCHEMA), None, None)


def _group_by(
    model: CohortModel, users: pl.DataFrame, buyers: BuyerArrays, before: Before, config: CohortConfig
) -> Grouping:
    """Into the cohorts of a fit as it was."""
    placement = model.place(buyers)
    assigned = _assign(users, buyers, placement, clustered_by(model.method))
    selection = pl.DataFrame(
        [row | {"fitted_on": model.fitted_on} for row in model.selection], schema=SELECTION_SCHEMA
    )
    found = _with_ids(assigned, model.cohort_ids, before, config)
    return Grouping(found, placement, selection, model, None)


def _selection(clustering: Clustering, day: date) -> pl.DataFrame:
    rows = [
        {name: getattr(candidate, name) for name in _MEASURES}
        | {
            "clustering_method": candidate.method or METHOD_NONE,
            "is_chosen": candidate is clustering.chosen,
            "fitted_on": day,
        }
        for candidate in clustering.candidates
    ]
    return pl.DataFrame(rows, schema=SELECTION_SCHEMA).with_columns(
        pl.col("silhouette", "davies_bouldin").fill_nan(None)
    )


def _assign(
    users: pl.DataFrame, buyers: BuyerArrays | None, placement: Placement | None, method: str
) -> pl.DataFrame:
    """user_id, label, cohort_method, distance_to_centre."""
    found = pl.DataFrame(
        {
            "user_id": [] if buyers is None else buyers.user_ids,
            "label": [] if placement is None else placement.labels,
            "distance_to_centre": [] if placement is None else placement.distances,
        },
        schema={"user_id": pl.String, "label": pl.Int64, "distance_to_centre": pl.Float64},
    )
    assigned = (
        users.select("user_id").sort("user_id").join(found, on="user_id", how="left", maintain_order="left")
    )
    by = pl.when(pl.col("label").is_null()).then(pl.lit(METHOD_NO_ORDER)).otherwise(pl.lit(method))
    return assigned.with_columns(by.alias("cohort_method"), pl.col("label").fill_null(-1))


def _with_ids(
    assigned: pl.DataFrame, known_ids: list[str], before: Before, config: CohortConfig
) -> pl.DataFrame:
    """The same with cohort_id: the known one, else that of the cohort a group goes on from, else a new one.

    Args:
        known_ids: of labels 0, 1, ...
    """
    by_size = assigned.group_by("label", "cohort_method").len()
    by_size = by_size.sort("len", "label", descending=[True, False])
    is_known = pl.col("label").is_between(0, len(known_ids) - 1)
    known, others = by_size.filter(is_known), by_size.filter(~is_known)
    matches = match_before(others, assigned, before, config.match_overlap)
    ids, _ = assign_ids(matches, before.cohorts["cohort_id"].to_list(), before.last_number, letter="c")
    id_of = {label: known_ids[label] for label in known["label"]} | dict(
        zip(others["label"], ids, strict=True)
    )
    cohort_ids = pl.Series("cohort_id", [id_of[label] for label in assigned["label"]], dtype=pl.String)
    return assigned.with_columns(cohort_ids)


def _members(model: CohortModel, buyers: BuyerArrays) -> pl.DataFrame:
    """user_id, cohort_id of today's users, by a model fitted before."""
    ids = [model.cohort_ids[label] for label in model.place(buyers).labels]
    return pl.DataFrame(
        {"user_id": buyers.user_ids, "cohort_id": ids}, schema={"user_id": pl.String, "cohort_id": pl.String}
    )


def _numbered_after(before: Before, model: CohortModel | None) -> Before:
    """Numbers of the model's ids are taken, also where the log was lost."""
    numbers = [] if model is None else [int(cohort_id[1:]) for cohort_id in model.cohort_ids]
    return replace(before, last_number=max([before.last_number, *numbers]))
