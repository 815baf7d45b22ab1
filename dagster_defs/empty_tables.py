"""Why a published table may have no rows: a reason that stands in the data itself, read from the copy.

An empty table without such a reason is an error.
"""

from datetime import date

import polars as pl

from dagster_defs.warehouse import Warehouse
from python_ml.cohorts.methods import RULES

NO_USERS = "no user is known"
NOT_TOLD_APART = "users were not told apart: serving.cohort_selection says why"
FEW_USERS = "no cohort has as many users as a profile must stand on (setting min_profile_users)"
FEW_EXAMPLES = (
    "no cohort has as many users who have ordered as examples are told of (variable min_cohort_users)"
)
NO_RULE = "the shop has written down no business rule (seeds/business_rules.csv)"
NOTHING_DONE = "no known user has bought or looked at anything"
ONE_ITEM = "no two items can stand beside each other"
NO_PAIRS = (
    "no two items are often enough in one order (variables together_min_orders, together_min_buyers, "
    "together_min_log_likelihood_ratio)"
)
ONE_ITEM_EACH = "every order holds one item"
NO_CARTS = "the shop logs no carts of known users"
NO_OPEN_BASKET = "no cart was open on the as-of date that bought items go with (variable open_basket_days)"
NO_BROWSERS = "the shop logs no browser that no user is known behind"
NO_ANONYMOUS_SESSION = (
    "no such browser has looked at an item in the last days before the as-of date (variable"
    " anonymous_session_days)"
)
NOBODY_TO_WRITE_TO = "no user who has bought or looked at something agreed to marketing"
NO_AUDIENCE_ITEMS = (
    "seeds/audience_items.csv names no item of the shop, and none that may be recommended was sold"
)
NOBODY_EXPECTED = "the model of list discover expects nobody who agreed to marketing to want these items"
NO_REVIEWS = "the shop has no reviews"
NO_REVIEW = "no review of a known item was written before the as-of date"
NO_REVIEWER = "no known user who may be profiled has written a review before the as-of date"
FEW_WRITERS = (
    "no opinion is held by as many users of a cohort as one must be told of (variable min_opinion_users)"
)
NO_TEXT = "no review written before the as-of date has a text"
NO_ASPECT = "no review speaks of price, quality, delivery, fit, service or packaging"
NO_RATED_TEXT = "too few reviews have both a text and stars for any to be held out"
NO_INTERESTS = "no number of interests was chosen: serving.interest_selection says why"
FEW_OF_AN_INTEREST = "no interest has a category that enough of its users bought (setting min_profile_users)"
FEW_OF_A_COHORT = "no cohort has enough users with an own mixture of interests (variable min_interest_users)"
NO_MONTH = "no month with an order of a known user is complete yet"
OF_REVIEWS = ("item_reputation", "item_opinions", "user_opinions", "cohort_opinions")
OF_TEXTS = ("review_sentiment", "review_aspects", "sentiment_evaluation", "topic_profiles", "topic_sizes")
BY_USER = (
    *(
        "user_cohorts",
        "cohorts",
        "cohort_profiles",
        "cohort_memberships",
        "cohort_changes",
        "cohort_examples",
    ),
    *("cohort_migrations", "cohort_rules", "cohort_drift", "rfm_segments", "recommendations"),
)
OF_INTERESTS = ("user_interests", "interest_profiles", "cohort_interests")
OF_CLUSTERED = ("cohort_rules", "cohort_drift")


def why_empty(published: Warehouse) -> dict[str, str]:
    """The reason for each empty table of `serving` that has one, by "schema.table".

    Args:
        published: the published copy.
    """
    counts = published.row_counts()
    empty = sorted(table for table, rows in counts.items() if table.startswith("serving.") and not rows)
    reasons = {table: _reason(table.removeprefix("serving."), published, counts) for table in empty}
    return {table: reason for table, reason in reasons.items() if reason}


def unexplained(counts: dict[str, int], reasons: dict[str, str]) -> list[str]:
    """Tables of `serving` that are empty without a reason.

    Args:
        counts: rows by "schema.table".
        reasons: from `why_empty`.
    """
    return sorted(
        table
        for table, rows in counts.items()
        if table.startswith("serving.") and not rows and table not in reasons
    )


def _reason(table: str, published: Warehouse, counts: dict[str, int]) -> str | None:
    if table in BY_USER and not counts["core.users"]:
        return NO_USERS
    if table == "acquisition_cohorts" and not _has_complete_month(published):
        return NO_MONTH
    if table in OF_CLUSTERED and not _are_told_apart(published):
        return NOT_TOLD_APART
    if table in OF_INTERESTS and not _has_interests(published):
        return NO_INTERESTS if counts["serving.interest_selection"] else None
    # Written by one step with the mixtures, which show that it has run.
    if table == "interest_profiles" and counts["serving.user_interests"]:
        return FEW_OF_AN_INTEREST
    if table == "cohort_interests" and counts["serving.user_interests"] and counts["serving.user_cohorts"]:
        return FEW_OF_A_COHORT
    # Written by one step with the cohorts, which show that it has run.
    if table == "cohort_profiles" and counts["serving.cohorts"]:
        return FEW_USERS
    if table == "cohort_examples" and counts["serving.cohorts"]:
        return FEW_EXAMPLES
    if table == "business_rule_effects":  # a row for each rule, whatever becomes of it
        return NO_RULE
    if table == "recommendations" and not _has_interaction(published):
        return NOTHING_DONE
    if table in OF_TEXTS + OF_REVIEWS and not counts["core.reviews"]:
        return NO_REVIEWS
    if table in OF_TEXTS and not _has_review_text(published):
        return NO_TEXT
    # Written by one step with the opinions, which show that it has run.
    if table == "review_aspects" and counts["serving.review_sentiment"]:
        return NO_ASPECT
    if table == "sentiment_evaluation" and counts["serving.review_sentiment"]:
        return NO_RATED_TEXT
    if table in ("item_reputation", "item_opinions") and not _has_review_of_an_item(published):
        return NO_REVIEW
    if table in ("user_opinions", "cohort_opinions") and not _has_reviewer(published):
        return NO_REVIEWER
    # Made of what the reviews' step wrote and of cohorts, which show that both have run.
    if table == "cohort_opinions" and counts["serving.review_sentiment"] and counts["serving.cohorts"]:
        return FEW_WRITERS
    if table == "similar_items" and not _has_neighbours(published):
        return ONE_ITEM
    if table == "session_recommendations":
        return _reason_of_no_sessions(published, counts)
    if table in ("bought_together", "basket_completions", "item_audiences"):
        return _reason_of_pairs_and_audiences(table, published, counts)
    return None


def _reason_of_pairs_and_audiences(table: str, published: Warehouse, counts: dict[str, int]) -> str | None:
    # dbt alone makes the first two: they are always built, and empty only for what is in the data.
    if table == "bought_together":
        return NO_PAIRS if _has_order_of_two(published) else ONE_ITEM_EACH
    if table == "basket_completions":
        if not _has_cart(published):
            return NO_CARTS
        return NO_OPEN_BASKET if counts["serving.bought_together"] else NO_PAIRS
    if not _has_interaction_to_write_about(published):
        return NOBODY_TO_WRITE_TO
    if not _has_item_sold(published):
        return NO_AUDIENCE_ITEMS
    # Written right after the lists, which show that the step has run.
    return NOBODY_EXPECTED if counts["serving.recommendations"] else None


def _reason_of_no_sessions(published: Warehouse, counts: dict[str, int]) -> str | None:
    if not _has_browser_of_nobody(published):
        return NO_BROWSERS
    if not counts["serving.recommendations"]:
        return None if _has_interaction(published) else NOTHING_DONE
    # Written right after the lists, which show that the step has run.
    return NO_ANONYMOUS_SESSION


def _has_complete_month(published: Warehouse) -> bool:
    """Whether a known user ordered in a month that ended before the as-of date."""
    orders = published.read("core", "orders", columns=["user_id", "ordered_at"]).drop_nulls("user_id")
    as_of = _as_of(published)
    if orders.is_empty() or as_of is None:
        return False
    month_end = orders["ordered_at"].min().replace(day=1).date()
    return pl.Series([month_end]).dt.offset_by("1mo").item() <= as_of


def _are_told_apart(published: Warehouse) -> bool:
    methods = published.read("serving", "cohorts", columns=["cohort_method"])["cohort_method"]
    return any(method not in RULES for method in methods)


def _has_interests(published: Warehouse) -> bool:
    return bool(published.read("serving", "interest_selection", columns=["is_chosen"])["is_chosen"].any())


def _as_of(published: Warehouse) -> date | None:
    return published.read("serving", "rfm_segments", columns=["as_of_date"])["as_of_date"].max()


def _reviews(published: Warehouse, *columns: str) -> pl.DataFrame:
    """Reviews before the as-of date; all of them where no user tells that date."""
    reviews = published.read("core", "reviews", columns=[*columns, "reviewed_at"])
    as_of = _as_of(published)
    return reviews if as_of is None else reviews.filter(pl.col("reviewed_at") < as_of)


def _has_review_text(published: Warehouse) -> bool:
    reviews = _reviews(published, "title", "body")
    return not reviews.filter(pl.col("title").is_not_null() | pl.col("body").is_not_null()).is_empty()


def _has_review_of_an_item(published: Warehouse) -> bool:
    """Whether a review names an item, or an order with one."""
    reviews = _reviews(published, "item_id", "order_id")
    lines = published.read("core", "order_lines", columns=["order_id"])
    named = reviews["item_id"].drop_nulls().len()
    return bool(named) or not reviews.join(lines, on="order_id", how="semi").is_empty()


def _has_reviewer(published: Warehouse) -> bool:
    users = published.read("core", "users", columns=["user_id", "has_profiling_consent"])
    profiled = users.filter(pl.col("has_profiling_consent"))
    return not _reviews(published, "user_id").join(profiled, on="user_id", how="semi").is_empty()


def _has_interaction(published: Warehouse) -> bool:
    events = published.read("core", "events", columns=["user_id", "item_id"])
    return not events.drop_nulls().is_empty()


def _has_neighbours(published: Warehouse) -> bool:
    """Whether an item can stand beside another: there are two, and one that may be shown was acted on."""
    items = published.read("core", "items", columns=["item_id", "is_recommendable"])
    events = published.read("core", "events", columns=["user_id", "item_id"]).drop_nulls()
    shown = items.filter(pl.col("is_recommendable")).join(events, on="item_id", how="semi")
    return items.height > 1 and not shown.is_empty()


def _has_order_of_two(published: Warehouse) -> bool:
    lines = published.read("core", "order_lines", columns=["order_id", "item_id"]).unique()
    return bool(lines["order_id"].is_duplicated().any())


def _has_cart(published: Warehouse) -> bool:
    events = published.read("core", "events", columns=["user_id", "event_type"])
    return not events.filter(pl.col("user_id").is_not_null(), event_type="cart").is_empty()


def _has_browser_of_nobody(published: Warehouse) -> bool:
    events = published.read("core", "events", columns=["user_id", "visitor_id", "item_id"])
    acts = events.filter(pl.col("user_id").is_null()).drop_nulls(["visitor_id", "item_id"])
    return not acts.is_empty()


def _has_interaction_to_write_about(published: Warehouse) -> bool:
    """Whether somebody who may be profiled and written to has done something."""
    users = published.read(
        "core", "users", columns=["user_id", "has_profiling_consent", "has_marketing_consent"]
    )
    willing = users.filter("has_profiling_consent", "has_marketing_consent")
    events = published.read("core", "events", columns=["user_id", "item_id"]).drop_nulls()
    return not events.join(willing, on="user_id", how="semi").is_empty()


def _has_item_sold(published: Warehouse) -> bool:
    items = published.read("core", "items", columns=["item_id", "is_recommendable"])
    lines = published.read("core", "order_lines", columns=["item_id"])
    return not items.filter("is_recommendable").join(lines, on="item_id", how="semi").is_empty()
