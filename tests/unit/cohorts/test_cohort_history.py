"""The log of who moved, what became of each cohort, and ids and names that go on from run to run."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.cohorts.build import build_cohorts
from python_ml.cohorts.history import (
    CHANGES_SCHEMA,
    LOG_SCHEMA,
    MEMBERS_SCHEMA,
    Before,
    changes_of_cohorts,
    match_before,
    nothing_before,
    read_before,
    read_beside,
    record,
    record_changes,
    replay,
)
from python_ml.cohorts.methods import METHOD_NO_ORDER, clustered_by
from python_ml.config import CohortConfig
from tests.unit.cohorts.shop import planted_shop

DAY = date(2024, 3, 1)
QUICK = CohortConfig(max_cohorts=4, resamples=2, bootstraps=2, restarts=3)
EMPTY_LOG = pl.DataFrame(schema=LOG_SCHEMA)


def members(**cohort_of: str) -> pl.DataFrame:
    return pl.DataFrame(list(cohort_of.items()), MEMBERS_SCHEMA, orient="row")


def grouped(**users_of: str) -> pl.DataFrame:
    """Members from the users of each cohort, a letter a user."""
    return members(**{user: cohort for cohort, users in users_of.items() for user in users})


def cohorts(*ids: str, method: str = clustered_by("k-means")) -> pl.DataFrame:
    return pl.DataFrame({"cohort_id": ids, "cohort_name": [f"Name {each}" for each in ids]}).with_columns(
        cohort_method=pl.lit(method)
    )


def before(*ids: str, last_number: int = 9, **users_of: str) -> Before:
    return Before(grouped(**users_of), cohorts(*ids), last_number)


def test_a_move_is_an_exit_and_an_entry():
    log = record(EMPTY_LOG, members(ann="c1", bob="c2"), DAY, [])
    later = DAY + timedelta(days=1)
    log = record(log, members(ann="c2", eve="c1"), later, [DAY])
    columns = ["user_id", "cohort_id", "membership_change"]
    assert log.filter(pl.col("changed_on") == later).select(columns).rows() == [
        ("ann", "c1", "exit"),
        ("ann", "c2", "enter"),
        ("bob", "c2", "exit"),
        ("eve", "c1", "enter"),
    ]  # fmt: skip
    assert replay(log, DAY).rows() == [("ann", "c1"), ("bob", "c2")]
    assert replay(log, later).rows() == [("ann", "c2"), ("eve", "c1")]
    assert replay(log, DAY - timedelta(days=1)).is_empty()


SNAPSHOT = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["c1", "c2", "c3"]))


@given(st.lists(st.tuples(st.integers(0, 5), SNAPSHOT), min_size=1, max_size=8))
def test_whatever_the_order_of_the_days_each_replays_to_its_last_record(snapshots):
    log, truth = EMPTY_LOG, {}
    for number, cohort_of in snapshots:
        day = DAY + timedelta(days=number)
        log, truth[day] = record(log, members(**cohort_of), day, truth), cohort_of
    for day, cohort_of in truth.items():
        assert dict(replay(log, day).rows()) == cohort_of
    # A user is never in two cohorts: entries and exits of a user and cohort take turns.
    assert log.select("user_id", "cohort_id", "changed_on").is_duplicated().any() is False
    for _, rows in log.sort("changed_on").group_by("user_id", "cohort_id", maintain_order=True):
        turns = rows["membership_change"].to_list()
        assert turns == (["enter", "exit"] * len(turns))[: len(turns)]


def test_the_group_that_shares_most_users_goes_on():
    earlier = before("c4", "c7", c4="abcdef", c7="ghij")
    labels = {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1, "f": 1, "g": 1, "h": 2, "i": 2, "j": 2, "new": 2}
    now = pl.DataFrame({"user_id": [*labels], "label": [*labels.values()]}).with_columns(
        cohort_method=pl.lit(clustered_by("k-means"))
    )
    # Group 0 shares 4 of 6 with c4, group 1 2 of 7, group 2 3 of 4 with c7; "new" was known nowhere.
    groups = now.select("label", "cohort_method").unique().sort("label")
    assert match_before(groups, now, earlier, 0.3) == [0, None, 1]
    assert match_before(groups, now, earlier, 0.7) == [None, None, 1]
    by_rule = groups.with_columns(cohort_method=pl.lit(METHOD_NO_ORDER))
    assert match_before(by_rule, now, earlier, 0.3) == [None, None, None]


def test_the_same_rule_is_the_same_cohort_whoever_is_in_it():
    """All who had not ordered have since; others have come."""
    earlier = Before(grouped(c1="ab", c2="cd"), pl.concat(
        [cohorts("c1"), cohorts("c2", method=METHOD_NO_ORDER)]), 2)  # fmt: skip
    now = pl.DataFrame({"user_id": [*"abcdxy"], "label": [0, 0, 0, 0, -1, -1]})
    methods = {0: clustered_by("k-means"), -1: METHOD_NO_ORDER}
    groups = pl.DataFrame({"label": [*methods], "cohort_method": [*methods.values()]})
    assert match_before(groups, now, earlier, 0.3) == [0, 1]


def test_what_became_of_each_cohort():
    earlier = before("c1", "c2", "c3", "c4", c1="abcdef", c2="gh", c3="ij", c4="kl")
    # c1 goes on without e and f, who make up c10; all of c2 went into c1; of c3 and c4 everybody went off.
    now = grouped(c1="abcdgh", c10="efx", c11="yz")
    found = changes_of_cohorts(cohorts("c10", "c1", "c11"), now, earlier, DAY)
    columns = ["cohort_id", "cohort_change", "other_cohort_id", "user_count", "common_user_count", "overlap"]
    assert found.select(columns).rows() == [
        ("c1", "kept", None, 6, 4, 4 / 8),
        ("c2", "merged", "c1", 0, 2, 2 / 6),
        ("c3", "vanished", None, 0, 0, None),
        ("c4", "vanished", None, 0, 0, None),
        ("c10", "split", "c1", 3, 2, 2 / 6),
        ("c11", "new", None, 2, 0, None),
    ]
    assert dict(found.schema) == CHANGES_SCHEMA


def told(day: date, *earlier: date, log: pl.DataFrame, changes: pl.DataFrame, **users_of: str):
    """Log and changes after a run that found these cohorts."""
    found = grouped(**users_of)
    log = record(log, found, day, earlier)
    return log, record_changes(changes, cohorts(*users_of), log, day)


def test_a_day_put_between_changes_what_became_of_cohorts_on_the_next():
    next_day, last = DAY + timedelta(days=1), DAY + timedelta(days=2)
    log, changes = told(DAY, log=EMPTY_LOG, changes=pl.DataFrame(schema=CHANGES_SCHEMA), c1="abcd")
    log, changes = told(last, DAY, log=log, changes=changes, c1="ab", c2="cd")
    columns = ["cohort_id", "cohort_change", "other_cohort_id", "common_user_count"]
    of_last = changes.filter(pl.col("changed_on") == last).select(columns)
    assert of_last.rows() == [("c1", "kept", None, 2), ("c2", "split", "c1", 2)]
    # Seen the day before already, c2 is no news; c3 was there on that day alone.
    log, changes = told(next_day, DAY, last, log=log, changes=changes, c1="a", c2="cd", c3="b")
    of_last = changes.filter(pl.col("changed_on") == last).select(columns)
    assert of_last.rows() == [("c1", "kept", None, 1), ("c2", "kept", None, 2), ("c3", "merged", "c1", 1)]
    assert changes["changed_on"].to_list() == [DAY, *[next_day] * 3, *[last] * 3]
    # Said again, a day replaces what was said of it.
    log, changes = told(next_day, DAY, next_day, last, log=log, changes=changes, c1="abcd")
    assert changes.filter(pl.col("changed_on") == next_day)["cohort_id"].to_list() == ["c1"]
    assert replay(log, last).equals(grouped(c1="ab", c2="cd"))


def test_a_day_told_again_is_told_against_the_day_before_it_not_against_itself():
    next_day = DAY + timedelta(days=1)
    log, changes = told(DAY, log=EMPTY_LOG, changes=pl.DataFrame(schema=CHANGES_SCHEMA), c1="abcd")
    first = told(next_day, DAY, log=log, changes=changes, c1="ab", c2="cd")
    again = told(next_day, DAY, next_day, log=first[0], changes=first[1], c1="ab", c2="cd")
    columns = ["cohort_id", "cohort_change", "other_cohort_id"]
    of_day = again[1].filter(pl.col("changed_on") == next_day).select(columns)
    assert of_day.rows() == [("c1", "kept", None), ("c2", "split", "c1")]
    assert again[0].equals(first[0])


def test_what_was_before_is_read_as_of_the_day():
    log = record(EMPTY_LOG, members(ann="c1", bob="c2"), DAY, [])
    log = record(log, members(ann="c3", bob="c3"), DAY + timedelta(days=9), [DAY])
    changes = pl.concat(
        changes_of_cohorts(cohorts(*users_of), grouped(**users_of), nothing_before(), day)
        for users_of, day in (({"c1": "a", "c2": "b"}, DAY), ({"c3": "ab"}, DAY + timedelta(days=9)))
    )
    found = read_before(log, changes, DAY + timedelta(days=5))
    assert found.cohorts["cohort_id"].to_list() == ["c1", "c2"]
    assert dict(found.members.rows()) == {"ann": "c1", "bob": "c2"}
    # Numbers of later days are taken as well: an id is never given twice.
    assert found.last_number == 3
    nothing = read_before(EMPTY_LOG, pl.DataFrame(schema=CHANGES_SCHEMA), DAY)
    assert (nothing.cohorts.height, nothing.members.height, nothing.last_number) == (0, 0, 0)


def test_before_the_first_day_the_cohorts_of_that_day_are_beside():
    log, changes = told(DAY, log=EMPTY_LOG, changes=pl.DataFrame(schema=CHANGES_SCHEMA), c1="ab", c2="cd")
    last = DAY + timedelta(days=9)
    log, changes = told(last, DAY, log=log, changes=changes, c1="abcd")
    earlier = read_beside(log, changes, DAY - timedelta(days=30))
    assert dict(earlier.members.rows()) == {"a": "c1", "b": "c1", "c": "c2", "d": "c2"}
    assert earlier.cohorts["cohort_name"].to_list() == ["Name c1", "Name c2"]
    for day in (DAY, DAY + timedelta(days=5), last):
        assert read_beside(log, changes, day).members.equals(read_before(log, changes, day).members)
    nothing = read_beside(EMPTY_LOG, pl.DataFrame(schema=CHANGES_SCHEMA), DAY)
    assert nothing.members.is_empty()


@pytest.fixture(scope="module")
def first():
    return build_cohorts(*planted_shop().tables(), QUICK, seed=7, day=DAY)


LATER = DAY + timedelta(days=30)


def recorded(first, of_users: pl.Series | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Log and changes after a first run, or as if it had put its users into these cohorts."""
    members = first.user_cohorts.select("user_id", "cohort_id")
    if of_users is not None:
        members = members.with_columns(of_users)
    log = record(EMPTY_LOG, members, DAY, [])
    found = first.user_cohorts.select("cohort_id", "cohort_name", "cohort_method").unique()
    return log, record_changes(pl.DataFrame(schema=CHANGES_SCHEMA), found, log, DAY)


def seen_again(first, seed: int, of_users: pl.Series | None = None, *, model=None, **changes):
    """A fit on a later day, with the cohorts of the first as they were recorded."""
    config = (
        QUICK
        if not changes
        else CohortConfig(**{"max_cohorts": 4, "resamples": 2, "bootstraps": 2} | changes)
    )
    shop = planted_shop(users_per_group=60, seed=seed)
    earlier = read_before(*recorded(first, of_users), DAY)
    return build_cohorts(
        *shop.tables(), config, seed=seed, day=LATER, fitted_with="other", before=earlier, model=model
    )


def changes_since(first, second) -> pl.DataFrame:
    log, changes = recorded(first)
    log = record(log, second.user_cohorts.select("user_id", "cohort_id"), LATER, [DAY])
    found = second.user_cohorts.select("cohort_id", "cohort_name", "cohort_method").unique()
    return record_changes(changes, found, log, LATER).filter(pl.col("changed_on") == LATER)


@pytest.mark.parametrize("keeps_model", [True, False])
def test_with_other_users_and_another_seed_ids_and_names_go_on(first, keeps_model):
    """Half of the users are new and the others behave a little otherwise; sizes, and so labels, change."""
    second = seen_again(first, seed=3, model=first.model if keeps_model else None)
    assert second.fit_reason == ("settings or code changed" if keeps_model else "no fit yet")
    both = first.user_cohorts.join(second.user_cohorts, on="user_id", suffix="_now")
    assert both.height == 121
    assert (both["cohort_id"] == both["cohort_id_now"]).mean() > 0.97
    names = both.select("cohort_id_now", "cohort_name", "cohort_name_now").filter(
        both["cohort_id"] == both["cohort_id_now"]
    )
    assert (names["cohort_name"] == names["cohort_name_now"]).all()
    assert changes_since(first, second)["cohort_change"].to_list() == ["kept"] * 4


def test_cohorts_that_share_too_few_users_are_new_and_so_are_their_numbers(first):
    """Recorded as if each user had been in a cohort drawn by lot: none shares half of its users with one."""
    drawn = first.user_cohorts["cohort_id"].sample(fraction=1.0, shuffle=True, seed=0)
    second = seen_again(first, seed=3, of_users=drawn, match_overlap=0.5)
    ids = second.user_cohorts.filter(pl.col("cohort_method") == clustered_by("k-means"))["cohort_id"].unique()
    assert sorted(ids.str.slice(1).cast(pl.Int64)) == [5, 6, 7]


def test_where_users_would_be_by_the_earlier_model_counts_not_where_they_were(first):
    """As in the test before, but with the model at hand the shuffled log does not matter."""
    drawn = first.user_cohorts["cohort_id"].sample(fraction=1.0, shuffle=True, seed=0)
    second = seen_again(first, seed=3, of_users=drawn, match_overlap=0.5, model=first.model)
    both = first.user_cohorts.join(second.user_cohorts, on="user_id", suffix="_now")
    assert (both["cohort_id"] == both["cohort_id_now"]).mean() > 0.97
