"""The likely cohort of users who have not ordered."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from python_ml.cohorts.inputs import acts_by_category
from python_ml.cohorts.visitors import SCHEMA, Guesses, _thin, guess_cohorts

ITEMS = pl.DataFrame({"item_id": ["tea", "cup", "odd"], "category": ["drinks", "china", None]})
NO_ACTS = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "event_type": pl.String})


def looks(user: str, tea: int, cup: int) -> list[tuple[str, str, str]]:
    return [(user, "tea", "view")] * tea + [(user, "cup", "cart")] * cup


def acts(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=NO_ACTS.schema, orient="row")


def shop(liking: dict[str, float], users: int = 1_200, looks_a_user: int = 40) -> tuple[list, pl.DataFrame]:
    """Users of cohorts as large as each other; by cohort the share of looks that are at tea."""
    rng, rows, members = np.random.default_rng(3), [], []
    for number in range(users):
        cohort = sorted(liking)[number % len(liking)]
        tea = int(rng.binomial(looks_a_user, liking[cohort]))
        rows += looks(f"u{number}", tea, looks_a_user - tea)
        members.append((f"u{number}", cohort))
    return rows, pl.DataFrame(members, schema=["user_id", "cohort_id"], orient="row")


def guess(rows: list, members: pl.DataFrame, *visitors: tuple[str, int, int]) -> Guesses:
    seen = acts(*rows, *(row for visitor in visitors for row in looks(*visitor)))
    asked = pl.DataFrame({"user_id": [user for user, _, _ in visitors]}, schema={"user_id": pl.String})
    return guess_cohorts(acts_by_category(seen, ITEMS), members, asked, seed=1)


def probability(found: Guesses, user: str, cohort: str) -> float:
    """Of one of two cohorts."""
    row = found.visitors.row(by_predicate=pl.col("user_id") == user, named=True)
    likely = row["likely_cohort_probability"]
    return likely if row["likely_cohort_id"] == cohort else 1.0 - likely


def test_one_look_says_what_bayes_says():
    """Tea is 80 % of what c1 looks at, 20 % of what c2 does: one look at tea is 4 to 1 for c1."""
    found = guess(*shop({"c1": 0.8, "c2": 0.2}), ("v1", 1, 0), ("v2", 0, 1))
    assert probability(found, "v1", "c1") == pytest.approx(0.8, abs=0.03)
    assert probability(found, "v2", "c2") == pytest.approx(0.8, abs=0.03)
    told = found.evaluation
    # Held out, four of five are guessed; -0.8 ln 0.8 - 0.2 ln 0.2 = 0.500 is the surprise, ln 2 without.
    assert told.accuracy == pytest.approx(0.8, abs=0.05)
    assert told.log_loss == pytest.approx(0.500, abs=0.05)
    assert told.prior_log_loss == pytest.approx(np.log(2.0), abs=0.01)
    assert told.majority_share == pytest.approx(0.5, abs=0.06)
    assert told.calibration_error < 0.05
    assert 0.25 < told.user_count / 1_200 < 0.35


def test_more_looks_are_more_certain():
    """Three of three are 64 to 1, three of four 16 to 1, two of four 1 to 1."""
    visitors = [("three", 3, 0), ("most", 3, 1), ("half", 2, 2), ("one", 1, 0)]
    found = guess(*shop({"c1": 0.8, "c2": 0.2}, users=4_000), *visitors)
    sure = {user: probability(found, user, "c1") for user, _, _ in visitors}
    assert sure["three"] == pytest.approx(64 / 65, abs=0.04)
    assert sure["most"] == pytest.approx(16 / 17, abs=0.06)
    assert sure["half"] == pytest.approx(0.5, abs=0.06)
    assert sure["three"] > sure["one"] > sure["half"]


def test_the_larger_cohort_is_likelier_before_anything_is_seen():
    """c1 is two of three: a look at tea, 4 to 1 for it, makes 8 to 1 of 2 to 1, one at a cup 1 to 2."""
    rows, members = shop({"a": 0.8, "b": 0.8, "c": 0.2}, users=1_500)
    members = members.with_columns(
        cohort_id=pl.when(pl.col("cohort_id") == "c").then(pl.lit("c2")).otherwise(pl.lit("c1"))
    )
    found = guess(rows, members, ("v1", 1, 0), ("v2", 0, 1))
    assert probability(found, "v1", "c1") == pytest.approx(8 / 9, abs=0.04)
    assert probability(found, "v2", "c1") == pytest.approx(1 / 3, abs=0.05)


def test_where_looks_say_nothing_nothing_is_guessed():
    found = guess(*shop({"c1": 0.5, "c2": 0.5}), ("v1", 5, 0))
    assert found.reason == "so few acts tell no more of a user's cohort than the sizes of the cohorts do"
    assert found.visitors.is_empty()
    assert dict(found.visitors.schema) == SCHEMA
    assert found.evaluation.user_count > 100


def test_the_order_of_rows_does_not_matter_and_purchases_do_not_count():
    rows, members = shop({"c1": 0.8, "c2": 0.2}, users=600)
    visitors = (("v1", 2, 1), ("v2", 0, 4))
    found = guess(rows, members, *visitors)
    mixed = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    bought = [(user, "cup", "purchase") for user in members["user_id"]]
    shuffled = members.sample(fraction=1.0, shuffle=True, seed=4)
    again = guess([*mixed, *bought, ("v1", "odd", "view")], shuffled, *reversed(visitors))
    assert again.visitors.equals(found.visitors)
    assert again.evaluation == found.evaluation


@pytest.mark.parametrize(
    ("liking", "users", "visitors", "reason"),
    [
        ({"c1": 0.8, "c2": 0.2}, 1_200, [("v1", 0, 0)],
         "no user without an order has looked at what users who ordered look at"),
        ({"c1": 0.8}, 1_200, [("v1", 1, 0)], "there are no two cohorts, or no two categories, to tell apart"),
        ({"c1": 1.0, "c2": 1.0}, 1_200, [("v1", 1, 0)],
         "there are no two cohorts, or no two categories, to tell apart"),
        ({"c1": 0.8, "c2": 0.2}, 200, [("v1", 1, 0)],
         "too few users have ordered and looked at something: 200"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_learned_the_reason_is_told(liking, users, visitors, reason):
    found = guess(*shop(liking, users=users), *visitors)
    assert found.reason == reason
    assert found.evaluation is None
    assert found.visitors.is_empty()


def test_a_shop_without_acts_guesses_nothing():
    members = pl.DataFrame({"user_id": ["u1"], "cohort_id": ["c1"]})
    asked = pl.DataFrame({"user_id": ["v1"]})
    found = guess_cohorts(acts_by_category(NO_ACTS, ITEMS), members, asked, seed=1)
    assert found.reason.startswith("no user without an order")


def test_samples_are_as_long_as_asked_and_of_what_there_is():
    counts_NI = csr_array(np.array([[3, 0, 5], [1, 0, 0]]))
    drawn = _thin(counts_NI, np.array([2]), 500, np.random.default_rng(1)).toarray()
    first, second = drawn[:500], drawn[500:]
    assert (first.sum(axis=1) == 2).all()
    assert (second == [1, 0, 0]).all()  # all there is
    assert (first <= [3, 0, 5]).all()
    # Of two of eight acts 2 * 3 / 8 are of the first kind on average.
    assert first[:, 0].mean() == pytest.approx(0.75, abs=0.1)
