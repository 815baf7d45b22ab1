"""The frame layer: what was bought in, each user's mixture of interests out.

Shapes: N users, V categories, K interests.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from python_ml.config import InterestConfig
from python_ml.identity import assign_ids, match_groups
from python_ml.interests.lda import infer_mixtures, probabilities
from python_ml.interests.likeness import interest_similarity
from python_ml.interests.model import InterestModel, Kept, columns_of
from python_ml.interests.names import name_interests
from python_ml.interests.plots import plot_interests, plot_selection
from python_ml.interests.profile import list_categories
from python_ml.interests.purchases import Counts, count_orders, known_categories, read_purchases
from python_ml.interests.select import Progress, fit_from_groups, fitted_users, select_count

USER_SCHEMA = {
    "user_id": pl.String,
    "interest_id": pl.String,
    "interest_name": pl.String,
    "share": pl.Float64,
    "is_prior": pl.Boolean,
}
PROFILE_SCHEMA = {
    "interest_id": pl.String,
    "interest_name": pl.String,
    "user_share": pl.Float64,
    "user_count": pl.Int64,
    "category_rank": pl.Int64,
    "category": pl.String,
    "category_label": pl.String,
    "probability": pl.Float64,
    "lift": pl.Float64,
    "relevance": pl.Float64,
    "category_user_count": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class InterestResult:
    """What `build_interests` found.

    Args:
        user_interests: `USER_SCHEMA`, a row for every user who has ordered and every interest, by user_id and
            number of the interest. Shares of a user sum to 1. is_prior is true of users with too few orders,
            or none of a category that counts: they have the mean mixture of all others.
        interest_profiles: `PROFILE_SCHEMA`, by number of the interest and rank. user_share is the mean share
            over users whose mixture is their own, user_count how many of them have the interest (as
            `backing_share` says), category_user_count how many of those bought the category.
        interest_selection: `SELECTION_SCHEMA`, how the number of interests was chosen, or why there are none;
            both other tables are then empty.
        model: for later runs; None without interests.
        plots: "selection", "interests".
        is_held: whether these are the interests of an earlier run, and nothing was tried.
    """

    user_interests: pl.DataFrame
    interest_profiles: pl.DataFrame
    interest_selection: pl.DataFrame
    model: InterestModel | None
    plots: dict[str, Figure]
    is_held: bool


def build_interests(
    interactions: pl.DataFrame,
    item_features: pl.DataFrame,
    *,
    kept: Kept,
    config: InterestConfig,
    seed: int,
    day: date,
    fitted_with: str = "",
    progress: Progress | None = None,
) -> InterestResult:
    """Find interests in what users bought, and each user's mixture of them.

    Interests are found once, and users of later days put into them, until they are `refit_days` old, or
    settings, code or the names of categories change.

    The same tables, kept models and seed give the same result bit for bit, whatever the order of rows. What
    happened on the day or later does not count.

    Args:
        interactions: user_id, item_id, order_id, event_type, interacted_at; purchases alone are counted.
        item_features: item_id, category.
        kept: models of earlier runs, from `read_kept`.
        config: how.
        seed: of starts and resamples.
        day: the as-of date.
        fitted_with: changes when settings or code do, which is a reason to find interests anew.
        progress: called with (numbers of interests tried, to try).

    Raises:
        ContractError: a table lacks a column, or repeats an item.
    """
    purchases = read_purchases(interactions, item_features).filter(pl.col("bought_on") < day)
    # One thread: the order of summation, and so the last bit of a number, depends on how many there are.
    with threadpool_limits(limits=1):
        held = _held(kept.before, purchases, day, fitted_with, config)
        selection = select_count(purchases, day, config, seed, progress) if held is None else held.selection
        chosen = selection.filter("is_chosen")["interest_count"]
        if chosen.is_empty():
            return _nothing(selection, config)
        if held is None:
            categories, strength_KV = _find(purchases, chosen.item(), config, seed)
        else:
            categories, strength_KV = held.categories, held.strength
        users = purchases["user_id"].unique().sort().to_list()
        counts = count_orders(purchases, categories, users)
        popularity_V = counts.orders.sum(axis=0) / counts.orders.sum()
        mixtures_NK, is_prior_N = _mix(purchases, counts, strength_KV, config)
    # Those of most users come first: they have the lower numbers, and the first choice of names.
    shares_K = mixtures_NK[~is_prior_N].mean(axis=0)
    order_K = np.argsort(-shares_K, kind="stable")
    strength_KV, mixtures_NK = strength_KV[order_K], mixtures_NK[:, order_K]
    has_NK = (mixtures_NK >= config.backing_share) & ~is_prior_N[:, None]
    found_KV = probabilities(strength_KV)
    rows = list_categories(found_KV, popularity_V, categories, has_NK, counts.orders, config)
    listed = [rows.filter(interest=number)["category"].to_list() for number in range(len(found_KV))]
    ids, names, last_number = _identify(found_KV, popularity_V, categories, listed, kept, config)
    heads = pl.DataFrame(
        {
            "interest": range(len(ids)),
            "interest_id": ids,
            "interest_name": names,
            "user_share": shares_K[order_K],
            "user_count": has_NK.sum(axis=0),
        },
        {"interest": pl.Int64} | {name: PROFILE_SCHEMA[name] for name in list(PROFILE_SCHEMA)[:4]},
    )
    number = pl.col("interest_id").str.slice(1).cast(pl.Int64)
    profiles = heads.join(rows, on="interest").sort(number, "category_rank").select(*PROFILE_SCHEMA)
    lifts = _lifts(found_KV / popularity_V, ids, categories)
    return InterestResult(
        user_interests=_user_rows(users, ids, names, mixtures_NK, is_prior_N),
        interest_profiles=profiles,
        interest_selection=selection,
        model=InterestModel(
            fitted_on=day,
            fitted_with=fitted_with,
            interest_ids=ids,
            interest_names=names,
            last_number=last_number,
            categories=categories,
            selection=selection,
            strength=strength_KV,
            popularity=popularity_V,
        ),
        plots={
            "selection": plot_selection(selection, config.min_stability),
            "interests": plot_interests(profiles, lifts),
        },
        is_held=held is not None,
    )


def _held(
    model: InterestModel | None,
    purchases: pl.DataFrame,
    day: date,
    fitted_with: str,
    config: InterestConfig,
) -> InterestModel | None:
    """The model whose interests still hold, None where they must be found anew.

    Found anew on every run they would not stay what they are: many mixtures explain the same purchases nearly
    as well, and a fit that goes on from the last one wanders between them.
    """
    if model is None or model.fitted_with != fitted_with:
        return None
    # Renamed, say: interests in what nobody buys would be those of nobody.
    if not set(model.categories) <= set(purchases["category"].unique()):
        return None
    age = (day - model.selection["selected_on"].max()).days
    return model if age < config.refit_days else None


def _find(
    purchases: pl.DataFrame, count: int, config: InterestConfig, seed: int
) -> tuple[list[str], np.ndarray]:
    """Categories that count, and strengths (K, V) fitted on all that was bought."""
    limits = {"min_support": config.min_support, "min_users": config.min_profile_users}
    categories = known_categories(purchases, **limits)
    known = purchases.filter(pl.col("category").is_in(categories))
    orders_NV = count_orders(known, categories, fitted_users(known, config)).orders
    return categories, fit_from_groups(orders_NV, count, config, seed)


def _mix(
    purchases: pl.DataFrame, counts: Counts, strength_KV: np.ndarray, config: InterestConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Each user's mixture, float64 (N, K), and whether it is that of all others, boolean (N,)."""
    orders = purchases.group_by("user_id").agg(pl.col("order_id").n_unique()).sort("user_id")["order_id"]
    counts_any_N = counts.orders.sum(axis=1) > 0
    is_own_N = counts_any_N & (orders.to_numpy() >= config.min_user_orders)
    mixtures_NK = infer_mixtures(counts.orders, strength_KV, user_prior=config.user_prior)
    if is_own_N.any():
        mixtures_NK[~is_own_N] = mixtures_NK[is_own_N].mean(axis=0)
        return mixtures_NK, ~is_own_N
    # Nobody has enough orders: the little there is must do.
    mixtures_NK[~counts_any_N] = mixtures_NK[counts_any_N].mean(axis=0)
    return mixtures_NK, ~counts_any_N


def _identify(
    found_KV: np.ndarray,
    popularity_V: np.ndarray,
    categories: list[str],
    listed: Sequence[Sequence[str]],
    kept: Kept,
    config: InterestConfig,
) -> tuple[list[str], list[str], int]:
    """Ids, names, and the highest number ever given; an interest that was there before goes on."""
    last, matches = kept.same_or_before, [None] * len(found_KV)
    if last is not None:
        every = sorted({*categories, *last.categories})
        now = replace(last, categories=categories)
        similarity_KP = interest_similarity(
            columns_of(every, now, found_KV),
            columns_of(every, last, probabilities(last.strength)),
            columns_of(every, now, popularity_V[None])[0],
        )
        matches = match_groups(similarity_KP, config.match_similarity)
    previous_ids = [] if last is None else last.interest_ids
    ids, last_number = assign_ids(matches, previous_ids, kept.last_number, letter="i")
    names = [None if match is None else last.interest_names[match] for match in matches]
    return ids, name_interests(listed, names), last_number


def _user_rows(
    users: list[str], ids: list[str], names: list[str], mixtures_NK: np.ndarray, is_prior_N: np.ndarray
) -> pl.DataFrame:
    order = sorted(range(len(ids)), key=lambda interest: int(ids[interest][1:]))
    count = len(users)
    rows = pl.DataFrame(
        {
            "user_id": np.repeat(np.array(users, dtype=object), len(ids)),
            "interest_id": [ids[interest] for interest in order] * count,
            "interest_name": [names[interest] for interest in order] * count,
            "share": mixtures_NK[:, order].ravel(),
            "is_prior": np.repeat(is_prior_N, len(ids)),
        },
        USER_SCHEMA,
    )
    return rows


def _lifts(lift_KV: np.ndarray, ids: list[str], categories: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "interest_id": np.repeat(ids, len(categories)),
            "category": categories * len(ids),
            "lift": lift_KV.ravel(),
        }
    )


def _nothing(selection: pl.DataFrame, config: InterestConfig) -> InterestResult:
    return InterestResult(
        user_interests=pl.DataFrame(schema=USER_SCHEMA),
        interest_profiles=pl.DataFrame(schema=PROFILE_SCHEMA),
        interest_selection=selection,
        model=None,
        plots={"selection": plot_selection(selection, config.min_stability)},
        is_held=False,
    )
