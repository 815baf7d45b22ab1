"""The measures behind the checks: what passes, and what a person must look at."""

import polars as pl
import pytest

from dagster_defs.checks import judge_champions, judge_exploration, judge_lists, judge_vectors

MEASURED = {"split_name": "test", "metric_name": "ndcg", "cutoff": 10, "cohort_id": "all"}
SCHEMA = {
    "model_name": pl.String,
    "list_name": pl.String,
    "is_champion": pl.Boolean,
    "metric_value": pl.Float64,
    "upper_95": pl.Float64,
    "not_evaluated_reason": pl.String,
}


def evaluations(*rows: tuple) -> pl.DataFrame:
    """model, list, whether champion, NDCG@10, upper end, why not."""
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return frame.with_columns(**{name: pl.lit(value) for name, value in MEASURED.items()})


def popularity(list_name: str) -> tuple:
    return "popularity", list_name, False, 0.2, 0.3, None


def unjudged(list_name: str, reason: str | None = "history of 3 hours; needs 4 hours") -> tuple:
    return "counting", list_name, True, None, None, reason


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        # The champion's mean lies below popularity, its interval does not.
        ([popularity("for_you"), ("ease", "for_you", True, 0.15, 0.25, None), unjudged("discover")], True),
        ([popularity("for_you"), ("ease", "for_you", True, 0.15, 0.19, None), unjudged("discover")], False),
        ([unjudged("for_you"), unjudged("discover")], True),
        # A model that did not compete is nobody's champion.
        (
            [
                popularity("for_you"),
                ("item_knn", "for_you", True, 0.25, 0.3, None),
                ("ease", "for_you", False, None, None, "too large"),
                unjudged("discover"),
            ],
            True,
        ),
        # Without a value and without a reason.
        ([unjudged("for_you", reason=None), unjudged("discover")], False),
        ([unjudged("for_you")], False),
        ([unjudged("for_you"), unjudged("for_you"), unjudged("discover")], False),
        ([], False),
    ],
)
def test_a_list_is_measured_or_says_why_not(rows: list[tuple], passed: bool):
    result = judge_champions(evaluations(*rows))
    assert result.passed == passed
    if passed:
        assert result.metadata["discover: not evaluated"].value == "history of 3 hours; needs 4 hours"


USERS = pl.DataFrame({"user_id": ["a", "b"]})
ITEMS = pl.DataFrame({"item_id": ["tea", "mug", "fuel"], "is_recommendable": [True, True, False]})
# a has bought all that may be recommended, b has only looked at it.
ACTS = pl.DataFrame(
    {
        "user_id": ["a", "a", "b", "b"],
        "item_id": ["tea", "mug", "tea", "mug"],
        "event_type": ["purchase", "purchase", "view", "view"],
    }
)


def ranks(*lists: tuple[str, str, int]) -> pl.DataFrame:
    rows = [(user, name, rank) for user, name, length in lists for rank in range(1, length + 1)]
    return pl.DataFrame(
        rows, schema={"user_id": pl.String, "list_name": pl.String, "rank": pl.Int32}, orient="row"
    )


def test_who_owns_all_that_may_be_recommended_has_nothing_to_discover():
    whole = [("a", "for_you", 2), ("b", "for_you", 2), ("b", "discover", 2)]
    assert judge_lists(users=USERS, items=ITEMS, interactions=ACTS, ranks=ranks(*whole)).passed
    for missing in whole:
        rest = ranks(*(part for part in whole if part != missing))
        result = judge_lists(users=USERS, items=ITEMS, interactions=ACTS, ranks=rest)
        assert not result.passed
        assert result.metadata["missing"].value == 1


def test_a_gap_in_a_list_is_seen():
    lists = ranks(("a", "for_you", 2), ("b", "for_you", 3), ("b", "discover", 2))
    holed = lists.filter(~((pl.col("user_id") == "b") & (pl.col("rank") == 2)))
    result = judge_lists(users=USERS, items=ITEMS, interactions=ACTS, ranks=holed)
    assert not result.passed
    assert result.metadata["with gaps"].value == 1


def test_without_anything_to_count_or_to_offer_no_list_is_missed():
    assert judge_lists(users=USERS, items=ITEMS, interactions=ACTS.clear(), ranks=ranks()).passed
    hidden = ITEMS.with_columns(is_recommendable=pl.lit(False))
    assert judge_lists(users=USERS, items=hidden, interactions=ACTS, ranks=ranks()).passed
    assert not judge_lists(users=USERS, items=ITEMS, interactions=ACTS, ranks=ranks()).passed


@pytest.mark.parametrize(
    ("vectors", "off_at_unit_length", "off"),
    [
        ([[0.6, 0.8], [1.0, 0.0]], 0, 0),
        ([[0.6, 0.8], [3.0, 4.0]], 1, 0),
        ([[0.6, float("nan")], [float("inf"), 0.0]], 2, 2),
        ([[1.0], [0.6, 0.8, 0.0], None], 3, 3),
    ],
)
def test_vectors_that_are_off_are_counted_over_batches(vectors, off_at_unit_length: int, off: int):
    schema = {"dimension": pl.Int32, "embedding": pl.List(pl.Float32)}
    batches = [pl.DataFrame([(2, vector)], schema, orient="row") for vector in vectors]
    for unit_length, expected in ((True, off_at_unit_length), (False, off)):
        found = judge_vectors(iter(batches), unit_length=unit_length)
        assert found.metadata["off"].value == expected
        assert found.metadata["vectors"].value == len(vectors)
        assert found.passed == (expected == 0)


def test_no_vector_at_all_is_off():
    assert not judge_vectors(iter([]), unit_length=True).passed


DRAWN = pl.DataFrame(
    {
        "user_id": ["a", "a", "a", "b"],
        "list_name": "for_you",
        "is_exploration": [False, True, True, True],
        "propensity": [1.0, 0.25, 0.25, 0.5],
    }
)


@pytest.mark.parametrize(
    ("slots", "pool", "passed"), [(2, 4, True), (3, 5, True), (1, 4, False), (2, 3, False), (0, 4, False)]
)
def test_places_are_drawn_as_the_settings_say(slots, pool, passed):
    """User a has two places drawn from four; fewer, or from fewer, is where a catalogue ends."""
    assert judge_exploration(DRAWN, slots=slots, pool=pool).passed == passed


def test_nothing_drawn_is_what_no_slots_mean():
    assert judge_exploration(DRAWN.filter(~pl.col("is_exploration")), slots=0, pool=30).passed
    assert judge_exploration(DRAWN.clear(), slots=0, pool=30).passed
