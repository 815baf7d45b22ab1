"""Rules: said, written and counted alike; found where they are planted, refused where there is none."""

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from python_ml.cohorts import rules
from python_ml.cohorts.rule_words import Condition, Feature, round_bounds, say_rule, write_sql
from python_ml.cohorts.rules import find_rules
from python_ml.config import CohortConfig
from python_ml.errors import ContractError, SettingError

ORDERS = Feature("order_count", is_whole=True)
RECENT = Feature("order_count_91d", is_whole=True)
COUPONS = Feature("coupon_order_share")
CATEGORIES = Feature("distinct_category_count", is_whole=True)
VALUE = Feature("mean_order_amount")
MEAT = Feature("FRZN MEAT", is_department=True)
DEPARTMENTS_SCHEMA = {"user_id": pl.String, "department": pl.String, "sales_share": pl.Float64}
NO_DEPARTMENTS = pl.DataFrame(schema=DEPARTMENTS_SCHEMA)
# What a department may be called.
ODD = ['Men\'s "wear"', "a''b", "--", "%;", "Käse\n", "FUEL"]


def select(sql: str, users: pl.DataFrame, departments: pl.DataFrame = NO_DEPARTMENTS) -> list[str]:
    """The ids that a statement gives in a warehouse which holds these two tables."""
    with duckdb.connect() as connection:
        connection.register("user_features", users)
        connection.register("user_department_features", departments)
        return sorted(user_id for (user_id,) in connection.execute(sql).fetchall())


def shop(count: int = 600, seed: int = 3) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Users with noise in every column, one in ten without an order, and their departments."""
    rng = np.random.default_rng(seed)
    user_ids = [f"u{number}" for number in range(count)]
    orders = np.where(rng.random(count) < 0.1, 0, rng.integers(1, 20, count))
    share = rng.random(count)
    users = pl.DataFrame(
        {
            "user_id": user_ids,
            "order_count": orders,
            "order_count_91d": rng.integers(0, 12, count),
            "coupon_order_share": rng.random(count),
            "mean_order_amount": pl.Series(rng.gamma(4.0, 6.0, count)).set(
                pl.Series(np.arange(count) % 7 == 0), None
            ),
        }
    )
    departments = pl.DataFrame(
        {"user_id": user_ids * 2, "department": [ODD[0]] * count + ["FUEL"] * count}
    ).with_columns(sales_share=np.concatenate([share, 1.0 - share]))
    return users, departments


def assign(users: pl.DataFrame, is_first: pl.Expr) -> pl.DataFrame:
    """Buyers for whom the expression is true are c1, all others c2."""
    cohort = pl.when(is_first).then(pl.lit("c1")).otherwise(pl.lit("c2"))
    return users.filter(pl.col("order_count") > 0).select("user_id", cohort_id=cohort)


def find_one(
    users: pl.DataFrame, departments: pl.DataFrame, assigned: pl.DataFrame, **changes: object
) -> dict:
    found = find_rules(users, departments, assigned, CohortConfig(**changes), seed=1)
    return found.row(by_predicate=pl.col("cohort_id") == "c1", named=True)


def test_the_planted_rule_is_found():
    users, departments = shop()
    is_first = (pl.col("order_count_91d") >= 4) & (pl.col("coupon_order_share") > 0.3)
    row = find_one(users, departments, assign(users, is_first))
    orders, coupons = "at least 4 orders in the last 91 days", "at least 30 % of orders with a coupon"
    assert row["rule_text"] in (f"Buyers with {orders} and {coupons}", f"Buyers with {coupons} and {orders}")
    assert row["condition_count"] == 2
    assert row["is_simple"]
    assert row["reason"] is None
    assert min(row["rule_precision"], row["rule_recall"]) > 0.97


def test_a_department_with_quotes_in_its_name_survives():
    users, departments = shop()
    share = departments.filter(pl.col("department") == ODD[0]).select("user_id", "sales_share")
    buyers = users.join(share, on="user_id")
    assigned = assign(buyers, pl.col("sales_share") >= 0.6)
    row = find_one(users, departments.filter(pl.col("department") == ODD[0]), assigned)
    # Cut anywhere in the gap of the values around 0.6, then rounded to two digits.
    assert row["rule_text"] == 'Buyers with at least 60 % of spend on men\'s "wear"'
    chosen = select(row["rule_sql"], users, departments)
    wanted = buyers.filter(pl.col("order_count") > 0, pl.col("sales_share") >= 0.6)["user_id"].sort()
    assert chosen == wanted.to_list()


def test_two_sides_of_one_feature_are_one_condition():
    users, departments = shop()
    row = find_one(users, departments, assign(users, pl.col("order_count_91d").is_between(3, 7)))
    assert row["rule_text"] == "Buyers with between 3 and 7 orders in the last 91 days"
    assert row["condition_count"] == 1
    assert (row["rule_precision"], row["rule_recall"]) == (1.0, 1.0)


def test_users_without_an_order_are_not_selected():
    users, departments = shop()
    row = find_one(users, departments, assign(users, pl.col("order_count_91d") <= 5))
    chosen = select(row["rule_sql"], users)
    wanted = users.filter(pl.col("order_count") > 0, pl.col("order_count_91d") <= 5)["user_id"].sort()
    assert chosen == wanted.to_list()


def test_buyers_of_no_cohort_count_against_a_rule():
    users, departments = shop()
    assigned = assign(users, pl.col("order_count_91d") <= 5)
    unknown = users.filter(pl.col("order_count_91d") <= 5, pl.col("coupon_order_share") > 0.5)["user_id"]
    row = find_one(users, departments, assigned.filter(~pl.col("user_id").is_in(unknown.to_list())))
    assert "orders with a coupon" in row["rule_text"]
    assert row["condition_count"] == 2


def test_no_rule_where_chance_decides():
    users, departments = shop(1200)
    rng = np.random.default_rng(8)
    buyers = users.filter(pl.col("order_count") > 0)
    assigned = buyers.select("user_id").with_columns(
        cohort_id=pl.Series(np.where(rng.random(len(buyers)) < 0.5, "c1", "c2"))
    )
    row = find_one(users, departments, assigned, rule_conditions=2)
    assert row["reason"].startswith(
        "no rule of up to 2 conditions has a precision of 0.8 and a recall of 0.6; the best has precision 0."
    )
    told = ("rule_text", "rule_sql", "condition_count", "rule_precision", "rule_recall")
    assert [row[name] for name in told] == [None] * 5
    assert row["is_simple"] is False


def test_the_limits_decide():
    """One in five of c1's box is of c2: a precision of about 0.8, enough for 0.7 and too little for 0.9."""
    users, departments = shop(1200)
    is_first = (pl.col("order_count_91d") >= 6) & (pl.col("user_id").str.slice(1).cast(pl.Int64) % 5 != 0)
    assigned = assign(users, is_first)
    easy = find_one(users, departments, assigned, rule_precision=0.7)
    assert easy["is_simple"]
    assert 0.7 <= easy["rule_precision"] < 0.9
    hard = find_one(users, departments, assigned, rule_precision=0.9)
    assert not hard["is_simple"]
    assert "a precision of 0.9 and a recall of 0.6" in hard["reason"]


def test_more_conditions_are_allowed_where_the_settings_say_so():
    users, departments = shop(2000)
    is_first = (
        (pl.col("order_count_91d") >= 4) & (pl.col("coupon_order_share") > 0.4) & (pl.col("order_count") >= 6)
    )
    assigned = assign(users, is_first)
    assert find_one(users, departments, assigned)["condition_count"] == 3
    assert not find_one(users, departments, assigned, rule_conditions=1)["is_simple"]


def test_precision_and_recall_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Ten held-out users: the rule selects five, four of them of c1, which has six."""
    monkeypatch.setattr(rules, "_FEWEST_HELD_OUT", 6)
    monkeypatch.setattr(rules, "place", lambda user_id: 0.0 if user_id.startswith("h") else 0.9)
    held_out = [("c1", 9)] * 4 + [("c2", 9)] + [("c1", 1)] * 2 + [("c2", 1)] * 3
    others = [("c1", 9), ("c2", 1)] * 30
    users = pl.DataFrame(
        {
            "user_id": [f"h{number}" for number in range(10)] + [f"t{number}" for number in range(60)],
            "order_count": [orders for _, orders in held_out + others],
        }
    )
    assigned = users.select("user_id").with_columns(
        cohort_id=pl.Series([cohort for cohort, _ in held_out + others])
    )
    row = find_one(users, NO_DEPARTMENTS, assigned)
    assert row["rule_text"] == "Buyers with at least 6 orders"
    assert row["rule_precision"] == 4 / 5
    assert row["rule_recall"] == 4 / 6
    assert row["held_out_user_count"] == 6
    assert row["is_simple"]


def test_held_out_users_do_not_make_the_rule(monkeypatch: pytest.MonkeyPatch):
    """Other cohorts of held-out users change the figures, and not one word of the rule."""
    users, departments = shop(900)
    assigned = assign(users, pl.col("order_count_91d") >= 5)
    held_out = pl.col("user_id").map_elements(rules.place, return_dtype=pl.Float64) < 0.3
    # One in ten of them goes over to the other cohort.
    mixed = assigned.with_columns(
        cohort_id=pl.when(held_out & pl.col("user_id").str.ends_with("7"))
        .then(pl.lit("c1"))
        .otherwise("cohort_id")
    )
    before, after = (find_one(users, departments, rows) for rows in (assigned, mixed))
    assert before["rule_sql"] == after["rule_sql"]
    assert before["rule_recall"] == 1.0 > after["rule_recall"]


def test_a_large_shop_grows_its_trees_from_some_of_its_users(monkeypatch: pytest.MonkeyPatch):
    users, departments = shop()
    assigned = assign(users, pl.col("order_count_91d") >= 4)
    monkeypatch.setattr(rules, "_MOST_GROWN_ON", 50)
    buyers = rules._line_up(users, departments, assigned, 0.1)
    assert buyers.is_grown_on.sum() == 50
    assert not (buyers.is_grown_on & buyers.is_held_out).any()
    # All who are held out still judge: about three of ten of the 540 who have ordered.
    assert buyers.is_held_out.sum() == pytest.approx(0.3 * 540, abs=40)


def test_a_cohort_of_few_has_no_figures():
    users, departments = shop()
    few = users.filter(pl.col("order_count") > 0)["user_id"].sort().head(20).to_list()
    row = find_one(users, departments, assign(users, pl.col("user_id").is_in(few)))
    held_out = sum(rules.place(user_id) < 0.3 for user_id in few)
    assert row["reason"] == (
        f"too few users to judge a rule by: {held_out} of the cohort were held out, needs 20"
    )
    assert row["rule_precision"] is None
    assert row["held_out_user_count"] == held_out


def test_a_cohort_of_too_few_users_to_be_told_of_has_no_rule():
    """What tells 99 users from the others is told, but not where a hundred must stand behind it."""
    users, departments = shop()
    first = users.filter(pl.col("order_count") > 0)["user_id"].sort().head(99).to_list()
    marked = users.with_columns(visit_count=pl.col("user_id").is_in(first).cast(pl.Int64))
    assigned = assign(marked, pl.col("visit_count") == 1)
    assert find_one(marked, departments, assigned, min_profile_users=99)["is_simple"]
    row = find_one(marked, departments, assigned, min_profile_users=100)
    assert row["reason"] == "too few users to be told of: the cohort has 99, needs 100"
    told = ("rule_text", "rule_sql", "condition_count", "rule_precision", "rule_recall")
    assert [row[name] for name in told] == [None] * 5
    assert row["is_simple"] is False


def test_one_cohort_of_all_has_no_rule():
    users, departments = shop()
    row = find_one(users, departments, assign(users, pl.lit(True)))
    assert row["reason"] == "no condition tells its users from others"


def test_no_cohort_no_row():
    users, departments = shop()
    nobody = pl.DataFrame(schema={"user_id": pl.String, "cohort_id": pl.String})
    assert find_rules(users, departments, nobody, CohortConfig(), seed=1).height == 0


def test_the_order_of_rows_does_not_matter():
    users, departments = shop()
    assigned = assign(users, (pl.col("order_count_91d") >= 4) & (pl.col("mean_order_amount") > 20.0))
    tables = (users, departments, assigned)
    shuffled = (table.sample(fraction=1.0, shuffle=True, seed=4) for table in tables)
    config = CohortConfig()
    first = find_rules(*tables, config, seed=1)
    assert first["is_simple"].any()
    assert_frame_equal(first, find_rules(*shuffled, config, seed=1), check_exact=True)


def test_the_figures_are_those_of_the_statement():
    """What the SQL selects among held-out users, counted here, has the precision and recall that are told."""
    users, departments = shop(1200)
    is_first = (pl.col("mean_order_amount") <= 25.0) & (pl.col("coupon_order_share") <= 0.7)
    assigned = assign(users, is_first.fill_null(False))
    row = find_one(users, departments, assigned)
    members = assigned.filter(pl.col("cohort_id") == "c1")["user_id"]
    held_out = {user_id for user_id in users["user_id"] if rules.place(user_id) < 0.3}
    chosen = held_out & set(select(row["rule_sql"], users, departments))
    wanted = held_out & set(members)
    assert row["rule_precision"] == len(chosen & wanted) / len(chosen)
    assert row["rule_recall"] == len(chosen & wanted) / len(wanted)


def test_a_missing_column_and_a_user_twice_are_refused():
    users, departments = shop(60)
    assigned = assign(users, pl.col("order_count_91d") >= 4)
    with pytest.raises(ContractError, match="sales_share"):
        find_rules(users, departments.drop("sales_share"), assigned, CohortConfig(), seed=1)
    with pytest.raises(ContractError, match="more than once"):
        find_rules(users, departments, pl.concat([assigned, assigned]), CohortConfig(), seed=1)


@pytest.mark.parametrize(
    "wrong", [{"rule_precision": 1.1}, {"rule_recall": -0.1}, {"rule_conditions": 0}, {"rule_conditions": 11}]
)
def test_settings_out_of_range_are_refused(wrong: dict):
    with pytest.raises(SettingError):
        CohortConfig(**wrong)


@pytest.mark.parametrize(
    ("feature", "above", "up_to", "low", "high"),
    [
        (ORDERS, 3.5, None, 4.0, None),
        (ORDERS, None, 3.5, None, 3.0),
        (ORDERS, 2.5, 6.5, 3.0, 6.0),
        (ORDERS, 1234.5, None, 1200.0, None),
        (ORDERS, 99.5, None, 100.0, None),
        (COUPONS, 0.30321, None, 0.3, None),
        (COUPONS, None, 0.0456, None, 0.046),
        (VALUE, 24.37, 1874.2, 24.0, 1900.0),
        (VALUE, None, -0.00001, None, -0.00001),
    ],
)
def test_readable_bounds(feature: Feature, above: float, up_to: float, low: float, high: float):
    assert round_bounds(feature, above, up_to) == Condition(feature, low, high)


def test_nothing_between_two_bounds_is_no_condition():
    # Rounded, at least 1,000 and at most 1,000; no whole number is above 3.5 and up to 3.9.
    assert round_bounds(VALUE, 1040.0, 1049.0) == Condition(VALUE, 1000.0, 1000.0)
    assert round_bounds(ORDERS, 3.5, 3.9) is None


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition(RECENT, low=4.0), "at least 4 orders in the last 91 days"),
        (Condition(RECENT, low=1.0), "at least 1 order in the last 91 days"),
        (Condition(RECENT, low=1.0, high=2.0), "between 1 and 2 orders in the last 91 days"),
        (Condition(Feature("line_count", is_whole=True), high=1.0), "at most 1 order line"),
        (Condition(CATEGORIES, high=1.0), "at most 1 different category"),
        (Condition(CATEGORIES, low=1200.0), "at least 1,200 different categories"),
        (Condition(COUPONS, low=0.3), "at least 30 % of orders with a coupon"),
        (Condition(COUPONS, low=0.3, high=0.55), "between 30 and 55 % of orders with a coupon"),
        (Condition(Feature("private_brand_share"), high=0.065), "own-brand share of spend of at most 6.5 %"),
        (Condition(VALUE, low=24.0), "mean order value of at least 24"),
        (Condition(VALUE, low=24.0, high=55.0), "mean order value between 24 and 55"),
        (Condition(MEAT, low=0.12), "at least 12 % of spend on frozen meat"),
        (Condition(MEAT, high=0.0012), "at most 0.12 % of spend on frozen meat"),
    ],
)
def test_conditions_in_words(condition: Condition, said: str):
    assert say_rule([condition]) == f"Buyers with {said}"


def test_several_conditions_in_words():
    few, value = Condition(RECENT, high=2.0), Condition(VALUE, low=24.0)
    assert say_rule([few, value]) == (
        "Buyers with at most 2 orders in the last 91 days and mean order value of at least 24"
    )
    assert say_rule([few, value, Condition(MEAT, low=0.5)]).endswith(
        "of at least 24 and at least 50 % of spend on frozen meat"
    )


def test_sql_is_what_one_would_write():
    assert write_sql([Condition(ORDERS, low=4.0), Condition(COUPONS, low=0.3, high=0.5)]) == (
        "SELECT user_id FROM user_features WHERE order_count >= 4 AND coupon_order_share BETWEEN 0.3 AND 0.5"
    )
    assert write_sql([Condition(ORDERS, high=4.0), Condition(Feature("My col"), low=-0.5)]) == (
        'SELECT user_id FROM user_features WHERE order_count > 0 AND order_count <= 4 AND "My col" >= -0.5'
    )


CONDITIONS = st.builds(
    lambda feature, bounds: Condition(feature, *bounds),
    st.sampled_from(
        [ORDERS, COUPONS, VALUE, Feature('odd "name"'), *(Feature(name, is_department=True) for name in ODD)]
    ),
    st.one_of(
        st.tuples(st.floats(-2.0, 2.0).map(lambda bound: float(f"{bound:.1e}")), st.none()),
        st.tuples(st.none(), st.floats(0.0, 2.0).map(lambda bound: float(f"{bound:.1e}"))),
        st.tuples(st.sampled_from([-1.0, 0.0, 0.1, 0.5]), st.sampled_from([0.5, 0.7, 1.0])),
    ),
)
NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0, -1.0]), st.floats(-2.0, 2.0))
SHARES = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]), st.floats(0.0, 1.0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CONDITIONS, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 3), NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=6),
    st.dictionaries(st.tuples(st.integers(0, 6), st.sampled_from(ODD)), SHARES, max_size=12),
)
def test_the_statement_selects_whom_the_rule_selects(
    conditions: list[Condition],
    people: list[tuple],
    shares: dict[tuple[int, str], float | None],
):
    users = pl.DataFrame(
        [(f"u{number}", *values) for number, values in enumerate(people)],
        schema={
            "user_id": pl.String,
            "order_count": pl.Int64,
            "coupon_order_share": pl.Float64,
            "mean_order_amount": pl.Float64,
            'odd "name"': pl.Float64,
        },
        orient="row",
    )
    departments = pl.DataFrame(
        [(f"u{number}", name, share) for (number, name), share in shares.items()],
        schema=DEPARTMENTS_SCHEMA,
        orient="row",
    )

    def fulfils(user: dict, condition: Condition) -> bool:
        feature = condition.feature
        value = user.get(feature.name)
        if feature.is_department:
            value = shares.get((int(user["user_id"][1:]), feature.name)) or 0.0
        low = -np.inf if condition.low is None else condition.low
        return value is not None and bool(
            low <= value <= (np.inf if condition.high is None else condition.high)
        )

    wanted = [
        user["user_id"]
        for user in users.iter_rows(named=True)
        if user["order_count"] > 0 and all(fulfils(user, condition) for condition in conditions)
    ]
    assert select(write_sql(conditions), users, departments) == wanted
    buyers = rules._line_up(users, departments, users.select("user_id", cohort_id=pl.lit("c1")), 0.0)
    known = {feature.name for feature in buyers.features}
    if {condition.feature.name for condition in conditions} <= known:
        matched = buyers.selected(tuple(conditions), np.ones(len(buyers.values), dtype=bool))
        ids = users.filter(pl.col("order_count") > 0)["user_id"].sort()
        assert ids.filter(pl.Series(matched, dtype=pl.Boolean)).to_list() == wanted


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (None, 0.5, ["u0", "u1", "u3", "u4"]),
        (0.5, None, ["u1", "u2"]),
        (0.5, 0.6, ["u1"]),
        (0.0, 0.2, ["u0", "u3", "u4"]),
    ],
)
def test_a_share_at_the_bound_is_within_it(low: float | None, high: float | None, wanted: list[str]):
    """Shares 0.2, 0.5 and 0.7, one unknown, and one user without a row: the last two count as 0."""
    users = pl.DataFrame({"user_id": [f"u{number}" for number in range(5)], "order_count": [1] * 5})
    rows = [("u0", ODD[0], 0.2), ("u1", ODD[0], 0.5), ("u2", ODD[0], 0.7), ("u3", ODD[0], None)]
    departments = pl.DataFrame(rows, schema=DEPARTMENTS_SCHEMA, orient="row")
    condition = Condition(Feature(ODD[0], is_department=True), low, high)
    assert select(write_sql([condition]), users, departments) == wanted
