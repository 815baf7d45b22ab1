"""What is known of the users of a cohort, by hand on twenty users; and nothing of too few of them."""

import polars as pl
import pytest

from python_ml.cohorts.profile import profile_attributes

# Ten of c1 and eight of c2 have ordered; the two of c3 have not.
USERS = pl.DataFrame(
    {
        "user_id": [f"u{number:02d}" for number in range(20)],
        "cohort_id": ["c1"] * 10 + ["c2"] * 8 + ["c3"] * 2,
        "order_count": [1] * 18 + [0] * 2,
    }
)
COLUMNS = ["country", "region", "acquisition_channel", "age_band", "shoe_size"]


def attributes(**known: list[str | None]) -> pl.DataFrame:
    """user_attributes: of each column the values of the first users, and nothing else."""
    filled = {name: known.get(name, []) + [None] * (20 - len(known.get(name, []))) for name in COLUMNS}
    text = dict.fromkeys(COLUMNS, pl.String)
    return pl.DataFrame({"user_id": USERS["user_id"]} | filled, schema_overrides=text)


def profile(frame: pl.DataFrame, **changes: object) -> pl.DataFrame:
    limits = {"min_support": 0.0, "min_users": 1, "top": 9}
    return profile_attributes(frame, USERS, **(limits | changes))


def row(frame: pl.DataFrame, cohort_id: str, name: str) -> dict[str, object]:
    return frame.row(
        by_predicate=(pl.col("cohort_id") == cohort_id) & (pl.col("attribute_name") == name), named=True
    )


# Of c1 four are 45-54, one is younger, of five nothing is known; of c2 two are 45-54 and three younger; of
# those who have not ordered one is 45-54.
AGES = ["45-54"] * 4 + ["25-34"] + [None] * 5 + ["45-54"] * 2 + ["25-34"] * 3 + [None] * 3 + ["45-54", None]


def test_shares_are_of_users_of_whom_it_is_known():
    found = row(profile(attributes(age_band=AGES)), "c1", "age_band=45-54")
    assert (found["attribute_type"], found["attribute_label"]) == ("attribute", "age 45-54")
    assert found["cohort_value"] == 4 / 5
    # Of all who have ordered: 4 + 2 of 5 + 5.
    assert found["population_value"] == 6 / 10
    assert found["lift"] == pytest.approx((4 / 5) / (6 / 10))
    assert [found[name] for name in ("cohort_median", "z_score", "effect_size")] == [None] * 3


def test_users_without_an_order_are_compared_with_those_who_have():
    found = row(profile(attributes(age_band=AGES)), "c3", "age_band=45-54")
    assert (found["cohort_value"], found["population_value"]) == (1.0, 6 / 10)


def test_what_nobody_has_who_has_ordered_has_no_lift():
    last = [None] * 18 + ["mail", "mail"]
    nobody_known = row(profile(attributes(acquisition_channel=last)), "c3", "acquisition_channel=mail")
    assert (nobody_known["population_value"], nobody_known["lift"]) == (None, None)
    others = ["search"] * 18 + ["mail", "mail"]
    found = row(profile(attributes(acquisition_channel=others)), "c3", "acquisition_channel=mail")
    assert (found["cohort_value"], found["lift"]) == (1.0, None)


def test_types_and_labels():
    """A region is named with its country: the north of one is not the north of another."""
    found = profile(
        attributes(
            country=["SG", "MY", None],
            region=["North", "North", "North"],
            acquisition_channel=["mail"],
            shoe_size=["9 {}"],
        )
    )
    said = found.select("attribute_type", "attribute_name", "attribute_label").unique().rows()
    assert sorted(said) == [
        ("attribute", "shoe_size=9 {}", "shoe size 9 {}"),
        ("channel", "acquisition_channel=mail", "won through mail"),
        ("location", "country=MY", "in MY"),
        ("location", "country=SG", "in SG"),
        ("location", "region=North", "in North"),
        ("location", "region=North, MY", "in North, MY"),
        ("location", "region=North, SG", "in North, SG"),
    ]
    assert row(found, "c1", "region=North, MY")["cohort_value"] == 1 / 3


def test_each_type_is_ranked_by_lift_and_cut_by_itself():
    channels = ["mail"] * 6 + ["search"] * 4 + ["mail"] * 2 + ["search"] * 6
    found = profile(attributes(age_band=AGES, acquisition_channel=channels), top=1)
    # c1: mail 6 / 10 against 8 / 18, search 4 / 10; 45-54 4 / 5 against 6 / 10, 25-34 1 / 5.
    # c2: mail 2 / 8, search 6 / 8; 45-54 2 / 5, 25-34 3 / 5.
    assert sorted(found.filter(pl.col("cohort_id") != "c3").select("cohort_id", "attribute_name").rows()) == [
        ("c1", "acquisition_channel=mail"),
        ("c1", "age_band=45-54"),
        ("c2", "acquisition_channel=search"),
        ("c2", "age_band=25-34"),
    ]
    assert found["attribute_rank"].unique().to_list() == [1]


def test_what_few_have_is_not_listed():
    """One in five of c1 of whom it is known is younger, and that is one user."""
    frame = attributes(age_band=AGES)

    def of_c1(**limits: object) -> set[str]:
        return set(profile(frame, **limits).filter(pl.col("cohort_id") == "c1")["attribute_name"])

    both = {"age_band=45-54", "age_band=25-34"}
    assert of_c1(min_support=1 / 5) == both
    assert of_c1(min_support=0.21) == {"age_band=45-54"}
    assert of_c1(min_users=1) == both
    assert of_c1(min_users=2) == of_c1(min_users=4) == {"age_band=45-54"}
    assert of_c1(min_users=5) == set()
    # What is not listed still counts among those of whom it is known.
    assert row(profile(frame, min_users=2), "c1", "age_band=45-54")["cohort_value"] == 4 / 5


def test_a_source_that_knows_nothing_has_no_rows():
    nothing = profile(attributes())
    assert nothing.is_empty()
    assert nothing.schema == profile(attributes(age_band=AGES)).schema
    assert profile(attributes().clear()).is_empty()


def test_ids_dates_and_users_of_no_cohort_are_left_out():
    frame = attributes(age_band=AGES)
    more = frame.with_columns(household_id=pl.lit("h"), as_of_date=pl.date(2024, 3, 1))
    stranger = frame.head(1).with_columns(user_id=pl.lit("stranger"))
    assert profile(more).equals(profile(frame))
    assert profile(pl.concat([frame, stranger])).equals(profile(frame))


def test_the_order_of_rows_does_not_matter():
    frame = attributes(age_band=AGES, country=["SG", "MY"] * 10)
    limits = {"min_support": 0.0, "min_users": 1, "top": 3}
    shuffled = (table.sample(fraction=1.0, shuffle=True, seed=4) for table in (frame, USERS))
    assert profile_attributes(*shuffled, **limits).equals(profile_attributes(frame, USERS, **limits))
