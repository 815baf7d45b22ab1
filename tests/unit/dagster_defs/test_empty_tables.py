"""An empty table is explained by the data, or it is an error."""

from pathlib import Path

import duckdb
import pytest

from dagster_defs.empty_tables import (
    FEW_EXAMPLES,
    FEW_OF_A_COHORT,
    FEW_OF_AN_INTEREST,
    FEW_USERS,
    FEW_WRITERS,
    NO_ANONYMOUS_SESSION,
    NO_ASPECT,
    NO_AUDIENCE_ITEMS,
    NO_BROWSERS,
    NO_CARTS,
    NO_INTERESTS,
    NO_MONTH,
    NO_OPEN_BASKET,
    NO_PAIRS,
    NO_RATED_TEXT,
    NO_REVIEW,
    NO_REVIEWER,
    NO_REVIEWS,
    NO_RULE,
    NO_TEXT,
    NO_USERS,
    NOBODY_EXPECTED,
    NOBODY_TO_WRITE_TO,
    NOT_TOLD_APART,
    NOTHING_DONE,
    ONE_ITEM,
    ONE_ITEM_EACH,
    unexplained,
    why_empty,
)
from dagster_defs.warehouse import Warehouse
from python_ml.cohorts.methods import clustered_by

TABLES = """
create schema core; create schema serving;
create table core.users (user_id varchar);
create table core.items (item_id varchar, is_recommendable boolean);
create table core.events (user_id varchar, item_id varchar);
create table core.orders (user_id varchar, ordered_at timestamp);
create table serving.rfm_segments (user_id varchar, as_of_date date);
create table serving.acquisition_cohorts (cohort_month date);
create table serving.similar_items (item_id varchar);
create table serving.recommendations (user_id varchar);
create table serving.cohorts (cohort_id varchar, cohort_method varchar);
create table serving.cohort_drift (subject_name varchar);
create table serving.cohort_rules (cohort_id varchar);
"""
WEEK = """
insert into core.users values ('a'); insert into serving.rfm_segments values ('a', date '2024-02-01');
insert into serving.cohorts values ('c1', 'none'); insert into serving.recommendations values ('a');
insert into serving.cohort_drift values ('recency_days'); insert into serving.cohort_rules values ('c1');
"""
ONE = "insert into core.items values ('tea', true); insert into core.events values ('a', 'tea');"
TWO = ONE + "insert into core.items values ('mug', false);"


def published(folder: Path, *statements: str) -> Warehouse:
    with duckdb.connect(folder / "p.duckdb") as connection:
        for statement in (TABLES, *statements):
            connection.execute(statement)
    return Warehouse(path=folder / "p.duckdb")


@pytest.mark.parametrize(
    ("ordered_at", "explained"),
    [
        ("2024-01-31 23:59:59", False),  # January is over on the first of February
        ("2024-02-01 00:00:00", True),
        (None, True),
    ],
)
def test_retention_needs_a_complete_month(tmp_path: Path, ordered_at: str | None, explained: bool):
    order = f"insert into core.orders values ('a', '{ordered_at}')" if ordered_at else ""
    guest = "insert into core.orders values (null, '2023-01-01')"
    warehouse = published(tmp_path, WEEK, TWO, guest, order)
    reasons = why_empty(warehouse)
    assert (reasons.get("serving.acquisition_cohorts") == NO_MONTH) == explained
    expected = {"serving.similar_items"} | (set() if explained else {"serving.acquisition_cohorts"})
    assert set(unexplained(warehouse.row_counts(), reasons)) == expected


def test_one_item_is_like_no_other(tmp_path: Path):
    assert why_empty(published(tmp_path, WEEK, ONE))["serving.similar_items"] == ONE_ITEM


def test_no_list_where_nobody_did_anything(tmp_path: Path):
    warehouse = published(
        tmp_path, WEEK, "delete from serving.recommendations", "insert into core.events values (null, 'tea')"
    )
    reasons = why_empty(warehouse)
    assert reasons["serving.recommendations"] == NOTHING_DONE
    assert unexplained(warehouse.row_counts(), reasons) == []


@pytest.mark.parametrize(
    ("method", "explained"), [("none", True), ("rule: no order yet", True), (clustered_by("k-means"), False)]
)
@pytest.mark.parametrize("table", ["cohort_drift", "cohort_rules"])
def test_without_clustered_cohorts_there_is_no_drift_and_no_rule(tmp_path: Path, table, method, explained):
    added = f"insert into serving.cohorts values ('c2', '{method}')"
    warehouse = published(tmp_path, WEEK, TWO, added, f"delete from serving.{table}")
    reasons = why_empty(warehouse)
    assert (reasons.get(f"serving.{table}") == NOT_TOLD_APART) == explained
    assert (f"serving.{table}" in unexplained(warehouse.row_counts(), reasons)) != explained


@pytest.mark.parametrize("has_run", [True, False])
def test_where_no_cohort_has_enough_users_there_is_no_profile(tmp_path: Path, has_run: bool):
    """Cohorts and profiles are written together: cohorts show that their step has run."""
    profiles = "create table serving.cohort_profiles (cohort_id varchar)"
    cohorts = "select 1" if has_run else "delete from serving.cohorts"
    warehouse = published(tmp_path, WEEK, TWO, profiles, cohorts)
    reasons = why_empty(warehouse)
    assert (reasons.get("serving.cohort_profiles") == FEW_USERS) == has_run
    assert ("serving.cohort_profiles" in unexplained(warehouse.row_counts(), reasons)) != has_run


def test_a_cohort_of_few_users_has_no_examples(tmp_path: Path):
    warehouse = published(tmp_path, WEEK, TWO, "create table serving.cohort_examples (user_id varchar)")
    assert why_empty(warehouse)["serving.cohort_examples"] == FEW_EXAMPLES
    with duckdb.connect(tmp_path / "p.duckdb") as connection:
        connection.execute("delete from serving.cohorts")
    without = Warehouse(path=tmp_path / "p.duckdb")
    assert "serving.cohort_examples" in unexplained(without.row_counts(), why_empty(without))


INTERESTS = """
create table serving.user_interests (user_id varchar);
create table serving.interest_profiles (interest_id varchar);
create table serving.interest_selection (is_chosen boolean);
create table serving.cohort_interests (cohort_id varchar);
create table serving.user_cohorts (user_id varchar); insert into serving.user_cohorts values ('a');
"""


@pytest.mark.parametrize("tried", ["(false)", "(false), (false)", None])
def test_where_no_number_was_chosen_there_are_no_interests(tmp_path: Path, tried: str | None):
    """Without a row of the selection the step has not run, and nothing is explained."""
    added = "select 1" if tried is None else f"insert into serving.interest_selection values {tried}"
    warehouse = published(tmp_path, WEEK, TWO, INTERESTS, added)
    reasons = why_empty(warehouse)
    for table in ("user_interests", "interest_profiles", "cohort_interests"):
        assert reasons.get(f"serving.{table}") == (None if tried is None else NO_INTERESTS)
        assert (f"serving.{table}" in unexplained(warehouse.row_counts(), reasons)) == (tried is None)


def test_a_cohort_of_few_users_is_told_no_interests(tmp_path: Path):
    chosen = "insert into serving.interest_selection values (false), (true)"
    warehouse = published(
        tmp_path, WEEK, TWO, INTERESTS, chosen, "insert into serving.user_interests values ('a')"
    )
    reasons = why_empty(warehouse)
    assert reasons["serving.cohort_interests"] == FEW_OF_A_COHORT
    assert reasons["serving.interest_profiles"] == FEW_OF_AN_INTEREST


def test_a_shop_of_guests(tmp_path: Path):
    warehouse = published(tmp_path, "insert into core.orders values (null, '2023-01-01')")
    reasons = why_empty(warehouse)
    assert reasons["serving.cohorts"] == reasons["serving.rfm_segments"] == NO_USERS
    assert unexplained(warehouse.row_counts(), reasons) == []


def test_an_empty_table_without_a_reason_is_none(tmp_path: Path):
    warehouse = published(tmp_path, WEEK, TWO, "delete from serving.cohorts")
    assert "serving.cohorts" in unexplained(warehouse.row_counts(), why_empty(warehouse))


OPINIONS = """
alter table core.users add column has_profiling_consent boolean default true;
create table core.reviews (
    user_id varchar, item_id varchar, order_id varchar, title varchar, body varchar, reviewed_at timestamp
);
create table core.order_lines (order_id varchar);
create table serving.review_sentiment (review_id varchar);
create table serving.review_aspects (review_id varchar);
create table serving.sentiment_evaluation (candidate varchar);
create table serving.topic_profiles (topic_id varchar);
create table serving.item_reputation (item_id varchar);
create table serving.user_opinions (user_id varchar);
create table serving.cohort_opinions (cohort_id varchar);
"""
OF_TEXTS = {"review_sentiment", "review_aspects", "sentiment_evaluation", "topic_profiles"}
OF_REVIEWS = {"item_reputation", "user_opinions", "cohort_opinions"}


def opinions_explained(folder: Path, *statements: str) -> dict[str, str]:
    """Reasons for the empty tables of opinions, by table name."""
    reasons = why_empty(published(folder, WEEK, TWO, OPINIONS, *statements))
    named = {table.removeprefix("serving."): why for table, why in reasons.items()}
    return {table: why for table, why in named.items() if table in OF_TEXTS | OF_REVIEWS}


def review(user: str = "null", item: str = "null", order: str = "null", title: str = "null") -> str:
    return f"insert into core.reviews values ({user}, {item}, {order}, {title}, null, '2024-01-31 23:59:59')"


def test_a_shop_without_reviews_has_no_opinions(tmp_path: Path):
    explained = opinions_explained(tmp_path)
    assert explained == dict.fromkeys(OF_TEXTS | OF_REVIEWS, NO_REVIEWS)


def test_reviews_that_are_stars_alone_have_no_text(tmp_path: Path):
    assert opinions_explained(tmp_path, review(user="'a'", item="'tea'")) == dict.fromkeys(OF_TEXTS, NO_TEXT)


def test_a_review_of_an_order_is_one_of_its_items_if_the_order_is_known(tmp_path: Path):
    unknown = opinions_explained(tmp_path, review(order="'o1'"))
    assert unknown["item_reputation"] == NO_REVIEW
    with duckdb.connect(tmp_path / "p.duckdb") as connection:
        connection.execute("insert into core.order_lines values ('o1')")
    assert "serving.item_reputation" not in why_empty(Warehouse(path=tmp_path / "p.duckdb"))


def test_texts_that_nobody_read_are_an_error(tmp_path: Path):
    """As when a step wrote nothing: the texts are there."""
    assert opinions_explained(tmp_path, review(user="'a'", item="'tea'", title="'Good'")) == {}


def test_the_opinions_show_that_their_step_has_run(tmp_path: Path):
    read = "insert into serving.review_sentiment values ('r')"
    assert opinions_explained(tmp_path, review(user="'a'", item="'tea'", title="'Good'"), read) == {
        "review_aspects": NO_ASPECT,
        "sentiment_evaluation": NO_RATED_TEXT,
        "cohort_opinions": FEW_WRITERS,
    }


def test_reviews_of_the_future_explain_nothing(tmp_path: Path):
    future = "insert into core.reviews values ('a', 'tea', null, 'Good', null, '2024-02-01 00:00:00')"
    explained = opinions_explained(tmp_path, future)
    assert (explained["review_sentiment"], explained["user_opinions"]) == (NO_TEXT, NO_REVIEWER)
    assert explained["cohort_opinions"] == NO_REVIEWER


def test_a_shop_without_business_rules_has_no_effects_of_them(tmp_path: Path):
    shop = published(tmp_path, WEEK, TWO, "create table serving.business_rule_effects (rule_id varchar);")
    assert why_empty(shop)["serving.business_rule_effects"] == NO_RULE


TOGETHER = """
alter table core.events add column event_type varchar default 'purchase';
create table core.order_lines (order_id varchar, item_id varchar);
create table serving.bought_together (item_id varchar);
create table serving.basket_completions (user_id varchar);
"""


@pytest.mark.parametrize(
    ("second_line", "reason"),
    [("('o2', 'mug')", ONE_ITEM_EACH), ("('o1', 'tea')", ONE_ITEM_EACH), ("('o1', 'mug')", NO_PAIRS)],
)
def test_orders_of_one_item_have_nothing_bought_together(tmp_path: Path, second_line: str, reason: str):
    lines = f"insert into core.order_lines values ('o1', 'tea'), {second_line}"
    assert why_empty(published(tmp_path, WEEK, TWO, TOGETHER, lines))["serving.bought_together"] == reason


@pytest.mark.parametrize(
    ("user", "event_type", "pair", "reason"),
    [
        ("'a'", "view", "('tea')", NO_CARTS),
        ("null", "cart", "('tea')", NO_CARTS),
        ("'a'", "cart", "('tea')", NO_OPEN_BASKET),
        ("'a'", "cart", None, NO_PAIRS),
    ],
)
def test_what_no_basket_is_completed_for(tmp_path: Path, user, event_type, pair, reason):
    act = f"insert into core.events values ({user}, 'mug', '{event_type}')"
    found = f"insert into serving.bought_together values {pair}" if pair else "select 1"
    explained = why_empty(published(tmp_path, WEEK, TWO, TOGETHER, act, found))
    assert explained["serving.basket_completions"] == reason


SESSIONS = """
create table serving.session_recommendations (session_id varchar);
alter table core.events add column visitor_id varchar;
"""


@pytest.mark.parametrize(
    ("user", "visitor", "item", "lists", "reason"),
    [
        ("null", "null", "'tea'", True, NO_BROWSERS),
        ("'a'", "'v'", "'tea'", True, NO_BROWSERS),
        ("null", "'v'", "null", True, NO_BROWSERS),
        ("null", "'v'", "'tea'", True, NO_ANONYMOUS_SESSION),
        ("null", "'v'", "'tea'", False, None),  # the step has not run
    ],
)
def test_where_no_session_is_nobodys(tmp_path: Path, user, visitor, item, lists: bool, reason):
    act = f"insert into core.events values ({user}, {item}, {visitor})"
    run = "select 1" if lists else "delete from serving.recommendations"
    explained = why_empty(published(tmp_path, WEEK, TWO, SESSIONS, act, run))
    assert explained.get("serving.session_recommendations") == reason


def test_no_session_has_a_list_where_no_user_did_anything(tmp_path: Path):
    act = "delete from core.events; delete from serving.recommendations;"
    visit = "insert into core.events values (null, 'tea', 'v')"
    shop = published(tmp_path, WEEK, TWO, SESSIONS, act, visit)
    assert why_empty(shop)["serving.session_recommendations"] == NOTHING_DONE


AUDIENCES = """
create table serving.item_audiences (item_id varchar);
alter table core.users add column has_profiling_consent boolean default true;
"""


@pytest.mark.parametrize(
    ("agreed", "sold", "has_run", "reason"),
    [
        (False, "tea", True, NOBODY_TO_WRITE_TO),
        (True, "mug", True, NO_AUDIENCE_ITEMS),  # which is not one to recommend
        (True, "tea", True, NOBODY_EXPECTED),
        (True, "tea", False, None),
    ],
)
def test_what_nobody_is_an_audience_of(tmp_path: Path, agreed: bool, sold: str, has_run: bool, reason):
    consent = f"alter table core.users add column has_marketing_consent boolean default {agreed}"
    line = f"insert into core.order_lines values ('o1', '{sold}')"
    lists = "select 1" if has_run else "delete from serving.recommendations"
    shop = published(tmp_path, WEEK, TWO, TOGETHER, AUDIENCES, consent, line, lists)
    reasons = why_empty(shop)
    assert reasons.get("serving.item_audiences") == reason
    assert ("serving.item_audiences" in unexplained(shop.row_counts(), reasons)) == (reason is None)
