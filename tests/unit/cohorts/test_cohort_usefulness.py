"""Whether cohorts say what is bought later, worked by hand and on a planted shop."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.cohorts.history import LOG_SCHEMA, record
from python_ml.cohorts.usefulness import (
    SCHEMA,
    beyond_chance,
    explained_share,
    judge_cohorts,
    measure_usefulness,
)
from python_ml.config import CohortConfig

DAY = date(2024, 3, 1)
CONFIG = CohortConfig(judged_days=30)
ITEMS = pl.DataFrame({"item_id": ["tea", "cup", "gift"], "category": ["TEA", "CUPS", None]})


def test_explained_share_by_hand():
    # Means 1, 5 and, of all, 3: between 2 * 4 + 2 * 4 = 16, in all 9 + 1 + 1 + 9 = 20.
    values_NK = np.array([[0.0], [2.0], [4.0], [6.0]])
    assert explained_share(values_NK, np.array([0, 0, 1, 1])) == pytest.approx([16 / 20])
    assert explained_share(values_NK, np.array([0, 1, 2, 3])) == pytest.approx([1.0])
    assert explained_share(values_NK, np.array([0, 1, 1, 0])) == pytest.approx([0.0])


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=12).filter(lambda each: np.ptp(each) > 1e-3),
    st.data(),
)
def test_it_is_a_share_and_splitting_a_group_never_lowers_it(values, data):
    coarse = np.array([data.draw(st.integers(0, 1)) for _ in values])
    fine = 2 * coarse + np.array([data.draw(st.integers(0, 1)) for _ in values])
    column = np.array(values)[:, None]
    less, more = explained_share(column, coarse)[0], explained_share(column, fine)[0]
    assert -1e-9 <= less <= more + 1e-9 <= 1 + 2e-9


def lines(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """User, item, days since DAY, amount; every line is an order of its own."""
    return pl.DataFrame(
        [
            (user, item, f"o{number}", "purchase", amount, datetime(2024, 3, 1) + timedelta(days=days))
            for number, (user, item, days, amount) in enumerate(rows)
        ],
        ["user_id", "item_id", "order_id", "event_type", "sales_amount", "interacted_at"],
        orient="row",
    )


MEMBERS = pl.DataFrame({"user_id": [*"abcd", "late"], "cohort_id": ["c1", "c1", "c2", "c2", "c1"]})
FIRST = [(user, "tea", -9, 5.0) for user in "abcd"]


def test_what_was_spent_after_that_day_is_what_counts():
    bought = lines(
        *FIRST,
        ("a", "tea", 0, 1.0), ("b", "tea", 29, 3.0),  # the first and the last day that count
        ("c", "tea", 5, 5.0), ("d", "tea", 5, 3.0), ("d", "tea", 6, 4.0),
        ("d", "tea", 30, 99.0),  # too late
        ("late", "tea", 3, 50.0),  # no order before: nothing to be grouped by
        ("a", "gift", 3, 50.0),  # of no category
        ("a", "cup", 3, 2.0),  # of one user
    )  # fmt: skip
    found = measure_usefulness(MEMBERS, bought, ITEMS, DAY, CONFIG, seed=1)
    cohorts = found.filter(grouping_name="cohorts")
    # 1, 3 | 5, 7 are spent on tea: between 2 * 4 + 2 * 4 = 16, in all 9 + 1 + 1 + 9 = 20.
    assert cohorts.select("category", "group_count", "user_count", "sales_amount").rows() == [
        ("all", 2, 4, 16.0), ("TEA", 2, 4, 16.0)
    ]  # fmt: skip
    assert cohorts["explained_share"].to_list() == pytest.approx([0.8, 0.8])
    # Tea is all that counts of what any of them bought.
    assert found["explained_mix_share"].null_count() == found.height
    random = found.filter(grouping_name="random")
    assert random["explained_share"].to_list() == pytest.approx([1 / 3, 1 / 3])
    # All four bought once, on one day, for five: no group by recency, frequency and spend tells them apart.
    rfm = found.filter(grouping_name="rfm")
    assert rfm["explained_share"].to_list() == pytest.approx([0.0, 0.0])
    assert found["judged_until"].unique().to_list() == [date(2024, 3, 31)]


def test_groupings_are_measured_against_lot():
    """Tea for 1, 3, 5 and 7 as above, of which 1, 3 | 5, 7 explain 0.8 and 1, 7 | 3, 5 nothing; lot 1/3."""
    spent = zip("abcd", (1.0, 3.0, 5.0, 7.0), strict=True)
    bought = lines(*FIRST, *((user, "tea", 1, amount) for user, amount in spent))
    labels = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0], [0, 1, 2, 3]])
    found = beyond_chance([*"abcd"], labels, bought, ITEMS, DAY, CONFIG)
    # Left by lot are (4 - 2) / (4 - 1) = 2/3: 1 - 0.2 / (2/3) = 0.7 and 1 - 1 / (2/3) = -0.5. As many groups
    # as users explain all, and so does lot.
    assert found == pytest.approx([0.7, -0.5, 0.0, 0.0])
    assert beyond_chance([*"abcd"], labels, lines(*FIRST), ITEMS, DAY, CONFIG) is None


def test_rfm_groups_are_of_the_day_not_of_what_came_later():
    """Before the day a and c bought often; afterwards b and d do. Cohorts are split the other way."""
    often = [(user, "tea", -days, 5.0) for user in "ac" for days in range(1, 9)]
    then = [("a", "tea", 1, 9.0), ("c", "tea", 1, 9.0), ("b", "tea", 1, 1.0), ("d", "tea", 1, 1.0)]
    once = [("b", "tea", -50, 1.0), ("d", "tea", -50, 1.0)]
    more = [(user, "tea", 2, 0.0) for user in "bd" for _ in range(50)]
    found = measure_usefulness(MEMBERS, lines(*often, *once, *then, *more), ITEMS, DAY, CONFIG, seed=1)
    overall = dict(found.filter("is_overall").select("grouping_name", "explained_share").rows())
    assert overall["rfm"] == pytest.approx(1.0)
    assert overall["cohorts"] == pytest.approx(0.0)


def test_categories_weigh_as_much_as_is_spent_on_them():
    bought = lines(
        *FIRST,
        *((user, "tea", 1, amount) for user, amount in zip("abcd", (1.0, 1.0, 3.0, 3.0), strict=True)),
        *((user, "cup", 1, amount) for user, amount in zip("abcd", (1.0, 3.0, 1.0, 3.0), strict=True)),
    )
    found = measure_usefulness(MEMBERS, bought, ITEMS, DAY, CONFIG, seed=1).filter(grouping_name="cohorts")
    assert dict(found.select("category", "explained_share").rows()) == pytest.approx(
        {"TEA": 1.0, "CUPS": 0.0, "all": 0.5}
    )


def test_what_is_bought_is_told_apart_from_how_much():
    """a and b buy little, c and d ten times as much; a and c tea and cups as 3 to 1, b and d as 1 to 3."""
    amounts = {"a": (3.0, 1.0), "b": (1.0, 3.0), "c": (30.0, 10.0), "d": (10.0, 30.0)}
    bought = lines(
        *FIRST, *((user, item, 1, spent) for user, both in amounts.items()
                  for item, spent in zip(("tea", "cup"), both, strict=True)),
    )  # fmt: skip

    def judged(*cohorts: str) -> tuple[float, float]:
        members = pl.DataFrame({"user_id": [*"abcd"], "cohort_id": cohorts})
        found = measure_usefulness(members, bought, ITEMS, DAY, CONFIG, seed=1)
        overall = found.filter("is_overall", grouping_name="cohorts")
        return overall.select("explained_share", "explained_mix_share").row(0)

    by_size, by_taste = judged("c1", "c1", "c2", "c2"), judged("c1", "c2", "c1", "c2")
    # Of tea, 3, 1, 30, 10, the mean is 11; by size 2 and 20: 2 * 81 * 2 = 324 of 64 + 100 + 361 + 1 = 526.
    assert by_size == pytest.approx((324 / 526, 0.0))
    # By taste 16.5 and 5.5: 4 * 5.5 ** 2 = 121.
    assert by_taste == pytest.approx((121 / 526, 1.0))


def test_the_order_of_rows_does_not_matter():
    """Tenths, whose sums as floating point depend on the order they are added in."""
    amounts = [0.1, 0.2, 0.3, 0.7, 1.1, 2.3]
    bought = lines(
        *FIRST, *((user, "tea", 1, (1 + "abcd".index(user)) * each) for user in "abcd" for each in amounts)
    )
    found = measure_usefulness(MEMBERS, bought, ITEMS, DAY, CONFIG, seed=1)
    for seed in range(5):
        shuffled = bought.sample(fraction=1.0, shuffle=True, seed=seed)
        members = MEMBERS.sample(fraction=1.0, shuffle=True, seed=seed)
        assert measure_usefulness(members, shuffled, ITEMS, DAY, CONFIG, seed=1).equals(found)


def test_without_anything_to_judge_by_the_reason_stands_there():
    (row,) = measure_usefulness(MEMBERS, lines(*FIRST), ITEMS, DAY, CONFIG, seed=1).to_dicts()
    assert row["explained_share"] is None
    assert row["reason"] == "from 2024-03-01 to 2024-03-31 no category was bought by enough users"
    one = MEMBERS.with_columns(cohort_id=pl.lit("c1"))
    bought = lines(*FIRST, ("a", "tea", 1, 1.0), ("b", "tea", 1, 2.0))
    found = measure_usefulness(one, bought, ITEMS, DAY, CONFIG, seed=1)
    assert found["reason"].to_list() == ["on 2024-03-01 users were not told apart"]
    assert dict(found.schema) == SCHEMA


def test_the_last_cohorts_are_judged_whose_time_has_passed():
    second = DAY + timedelta(days=20)
    log = record(pl.DataFrame(schema=LOG_SCHEMA), MEMBERS, DAY, [])
    swapped = MEMBERS.with_columns(cohort_id=pl.Series(["c1", "c2", "c1", "c2", "c1"]))
    log = record(log, swapped, second, [DAY])
    bought = lines(
        *FIRST,
        *(
            (user, "tea", day, amount)
            for day in (1, 31)
            for user, amount in zip("abcd", (1, 1, 3, 3), strict=True)
        ),
    )
    known = pl.Series([DAY, second])

    def judged(days: int) -> pl.DataFrame:
        on = DAY + timedelta(days=days)
        return judge_cohorts(log, known, bought, ITEMS, on, CONFIG, seed=1).filter(grouping_name="cohorts")

    assert judged(29)["reason"].to_list() == ["no cohorts are 30 days old: the first are of 2024-03-01"]
    for days, grouped_on, share in ((30, DAY, 1.0), (49, DAY, 1.0), (50, second, 0.0)):
        found = judged(days)
        assert found["grouped_on"].unique().to_list() == [grouped_on]
        assert found["explained_share"].to_list() == pytest.approx([share, share])
