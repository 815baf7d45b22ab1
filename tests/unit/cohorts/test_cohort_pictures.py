"""What pictures of cohorts show, read back from the figures, against numbers worked by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.figure import Figure

from python_ml.cohorts.history import CHANGES_SCHEMA, LOG_SCHEMA, MEMBERS_SCHEMA, record, record_changes
from python_ml.cohorts.moves import Moves, count_moves, largest_moves
from python_ml.cohorts.plots_of_profiles import plot_radar
from python_ml.cohorts.plots_over_time import plot_migrations, plot_retention
from python_ml.drawing import readable_labels, wrap_label

FIRST, SECOND, THIRD = date(2024, 3, 1), date(2024, 3, 8), date(2024, 3, 15)
NAMES = {"c1": "Big spenders", "c2": "Lapsing shoppers", "c3": "Newcomers", "c10": "Weekend shoppers"}
EMPTY_LOG, EMPTY_CHANGES = pl.DataFrame(schema=LOG_SCHEMA), pl.DataFrame(schema=CHANGES_SCHEMA)


def words_of(figure: Figure) -> str:
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def cells_of(figure: Figure) -> dict[tuple[int, int], str]:
    """Text by row and column."""
    (axes,) = figure.axes
    return {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axes.texts
    }


def rows_and_columns(figure: Figure) -> tuple[list[str], list[str]]:
    (axes,) = figure.axes
    return tuple([tick.get_text() for tick in each.get_ticklabels()] for each in (axes.yaxis, axes.xaxis))


# ------------------------------------------------------------------------------------------- radar


def profiles(z_by_feature: dict[str, list[float | None]], users: list[int]) -> pl.DataFrame:
    """Profiles of cohorts c1, c2 ... with so many users; z_score by feature, a number a cohort."""
    rows = [
        (f"c{place + 1}", f"Cohort {place + 1}", "feature", feature, users[place], z)
        for feature, z_scores in z_by_feature.items()
        for place, z in enumerate(z_scores)
    ]
    columns = ["cohort_id", "cohort_name", "attribute_type", "attribute_name", "user_count", "z_score"]
    return pl.DataFrame(rows, columns, orient="row")


def corners_of(figure: Figure) -> list[tuple[str, list[float], list[str]]]:
    """Of each radar: title, radii from the top clockwise, labels."""
    return [
        (
            axes.get_title().replace("\n", " "),
            axes.lines[1].get_ydata().tolist()[:-1],
            [text.get_text().replace("\n", " ") for text in axes.texts],
        )
        for axes in figure.axes
    ]


def test_a_radar_has_a_corner_a_feature_at_the_clipped_z_score_and_the_largest_cohort_first():
    """With two cohorts no feature is left out; corners are in the order of the columns' names."""
    figure = plot_radar(
        profiles(
            {
                "order_count": [-0.5, 1.5],
                "recency_days": [2.5, -3.0],
                "coupon_order_share": [0.25, -0.75],
                "tenure_days": [0.5, -0.5],
            },
            users=[30, 1200],
        )
    )
    labels = ["share of orders with a coupon", "orders", "days since last order", "days since first order"]
    assert corners_of(figure) == [
        ("Cohort 2 (1,200)", [-0.75, 1.5, -2.0, -0.5], labels),
        ("Cohort 1 (30)", [0.25, -0.5, 2.0, 0.5], labels),
    ]
    for axes in figure.axes:
        ring = axes.lines[0].get_ydata()
        assert len(ring) > 90
        assert not ring.any()
        assert len(axes.patches) == 1
        first, last = (axes.lines[1].get_xydata()[place] for place in (0, -1))
        assert first.tolist() == last.tolist(), "closed"


def test_of_features_that_say_the_same_the_one_with_more_spread_is_drawn():
    """`b` is half of `a`, `c` is `a` turned round: both are correlated with it by 1 or -1. `d`, `e` are not:
    a and d are orthogonal around their means of 0, and so are a and e, d and e.
    """
    z = {
        "a": [1.0, 1.0, -1.0, -1.0],
        "b": [0.5, 0.5, -0.5, -0.5],
        "c": [-0.9, -0.9, 0.9, 0.9],
        "d": [0.4, -0.4, 0.4, -0.4],
        "e": [0.3, -0.3, -0.3, 0.3],
    }
    assert corners_of(plot_radar(profiles(z, users=[4, 3, 2, 1])))[0] == (
        "Cohort 1 (4)",
        [1.0, 0.4, 0.3],
        ["a", "d", "e"],
    )


def test_a_radar_keeps_three_corners_where_all_features_say_the_same():
    z = {name: [size, size, -size, -size] for name, size in (("a", 0.1), ("b", 0.4), ("c", 0.3), ("d", 0.2))}
    assert corners_of(plot_radar(profiles(z, users=[4, 3, 2, 1])))[0][2] == ["b", "c", "d"]


def test_the_eight_features_of_most_spread_and_twelve_largest_cohorts_are_drawn():
    """Feature f0 is furthest from all customers in one cohort, f9 least: f8 and f9 are left out. A feature in
    which one cohort alone differs is correlated with another such by -1 / 12, far from 0.95.
    """
    z = {
        f"f{place}": [(2.0 - 0.1 * place) * (cohort == place) for cohort in range(13)] for place in range(10)
    }
    figure = plot_radar(profiles(z, users=list(range(101, 114))))
    assert figure.get_suptitle().startswith("The 12 largest of 13 cohorts")
    radars = corners_of(figure)
    assert [title for title, _, _ in radars] == [
        f"Cohort {place} ({100 + place})" for place in range(13, 1, -1)
    ]
    assert radars[0][2] == [f"f{place}" for place in range(8)]
    assert radars[-1][1] == pytest.approx([0, 1.9, 0, 0, 0, 0, 0, 0])  # cohort 2: f1 alone, 2.0 - 0.1


def test_a_feature_that_is_not_known_of_a_cohort_leaves_a_gap():
    z = {"a": [1.0, -1.0], "b": [None, 0.5], "c": [0.5, -0.5]}
    whole, gap = plot_radar(profiles(z, users=[10, 20])).axes
    np.testing.assert_array_equal(gap.lines[1].get_ydata(), [1.0, np.nan, 0.5, 1.0])
    assert (len(whole.patches), len(gap.patches)) == (1, 0)


@pytest.mark.parametrize(
    "few",
    [
        profiles({}, users=[]),
        profiles({"a": [0.0], "b": [0.0], "c": [0.0]}, users=[5]),
        profiles({"a": [1.0, -1.0], "b": [1.0, -1.0]}, users=[5, 5]),
    ],
    ids=["nobody", "one cohort", "two features"],
)
def test_too_little_for_a_radar_is_said(few):
    few = few.cast({"user_count": pl.Int64, "z_score": pl.Float64})
    figure = plot_radar(few.cast({name: pl.String for name in few.columns[:4]}))
    assert words_of(figure) == "no cohorts that differ in three features: nothing to draw a radar of"


# ------------------------------------------------------------------------------------------- moves


def histories(
    *days: tuple[date, dict[str, str]], names: dict[str, str] = NAMES
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Log and changes, recorded day by day; each day has the users of each cohort, a letter a user."""
    log, changes = EMPTY_LOG, EMPTY_CHANGES
    for day, users_of in days:
        rows = [(user, cohort_id) for cohort_id, users in users_of.items() for user in users]
        members = pl.DataFrame(rows, MEMBERS_SCHEMA, orient="row")
        cohorts = pl.DataFrame(
            [(each, names[each], "clustered") for each in users_of],
            ["cohort_id", "cohort_name", "cohort_method"],
            orient="row",
        )
        log = record(log, members, day, changes["changed_on"].unique())
        changes = record_changes(changes, cohorts, log, day)
    return log, changes


# From c1: a, b, c stay, d and e go to c2, f leaves. From c2: g stays, h goes to c1. c3 is no more: i and j go
# to c10, which is new. k and l were not there.
WEEK = [
    (FIRST, {"c1": "abcdef", "c2": "gh", "c3": "ij"}),
    (SECOND, {"c1": "abchk", "c2": "gde", "c10": "ijl"}),
]


def test_cells_of_the_matrix_are_users_by_cohort_before_and_now():
    figure = plot_migrations(count_moves(*histories(*WEEK), SECOND))
    assert rows_and_columns(figure) == (
        ["Big spenders", "Lapsing shoppers", "Newcomers", "not there yet"],
        ["Big spenders", "Lapsing shoppers", "Weekend shoppers", "gone"],
    )
    assert cells_of(figure) == {
        (0, 0): "3", (0, 1): "2", (0, 3): "1",
        (1, 0): "1", (1, 1): "1",
        (2, 2): "2",
        (3, 0): "1", (3, 2): "1",
    }  # fmt: skip
    (axes,) = figure.axes
    # Known both days: a to e, g to j. Of these d, e, h, i, j moved.
    assert axes.get_title(loc="left").endswith("5 of 9 customers seen both days changed cohort")
    assert (axes.get_ylabel(), axes.get_xlabel()) == (
        "cohort on 2024-03-01",
        "cohort on 2024-03-08 (grey: stayed)",
    )


def test_those_who_stayed_are_grey_and_do_not_count_for_colour():
    """Three stayed, at most two moved together: two is the full colour. An empty cell has none."""
    (axes,) = plot_migrations(count_moves(*histories(*WEEK), SECOND)).axes
    stayed, moved = (image.get_array() for image in axes.images)
    nothing = True  # masked
    np.testing.assert_array_equal(
        np.ma.getmaskarray(stayed)[:2], [[False, True, True, True], [True, False, True, True]]
    )
    assert np.ma.getmaskarray(stayed)[2:].all(), "(c3, c10) is on no diagonal: those two moved"
    assert np.ma.getmaskarray(moved)[0].tolist() == [nothing, False, nothing, False]
    assert (axes.images[1].norm.vmin, axes.images[1].norm.vmax) == (0, 2)


def test_the_largest_moves_are_between_cohorts_and_come_first():
    """c3 had two users, both moved: 2 / 2. c1 had six: 2 / 6; c2 two: 1 / 2. New users and those gone are no
    moves.
    """
    moves = count_moves(*histories(*WEEK), SECOND)
    expected = [
        ("Big spenders", "Lapsing shoppers", 2, 2 / 6),
        ("Newcomers", "Weekend shoppers", 2, 2 / 2),
        ("Lapsing shoppers", "Big spenders", 1, 1 / 2),
    ]
    assert largest_moves(moves, 10).rows() == expected
    assert largest_moves(moves, 2).rows() == expected[:2]


def test_moves_are_those_since_the_last_day_before():
    """On the third day a comes back to where it was; the second day, asked for again, is as it was."""
    days = [(FIRST, {"c1": "a", "c2": "b"}), (SECOND, {"c2": "ab"}), (THIRD, {"c1": "a", "c2": "b"})]
    log, changes = histories(*days)
    assert count_moves(log, changes, THIRD).users.rows() == [("c2", "c1", 1), ("c2", "c2", 1)]
    second = count_moves(log, changes, SECOND)
    assert (second.before, second.users.rows()) == (FIRST, [("c1", "c2", 1), ("c2", "c2", 1)])


def test_a_day_on_which_nobody_moved_is_one_of_the_two():
    log, changes = histories((FIRST, {"c1": "a"}), (SECOND, {"c2": "a"}), (THIRD, {"c2": "a"}))
    moves = count_moves(log, changes, THIRD)
    assert (moves.before, moves.users.rows()) == (SECOND, [("c2", "c2", 1)])
    figure = plot_migrations(moves)
    assert cells_of(figure) == {(0, 0): "1"}
    assert "0 of 1 customers" in figure.axes[0].get_title(loc="left")
    assert largest_moves(moves, 10).is_empty()


def test_a_cohort_has_the_name_it_had_on_each_day():
    log, changes = histories((FIRST, {"c1": "a"}))
    cohorts = changes.select("cohort_id", pl.lit("Loyal").alias("cohort_name"), "cohort_method")
    changes = record_changes(changes, cohorts, log, SECOND)
    assert rows_and_columns(plot_migrations(count_moves(log, changes, SECOND))) == (
        ["Big spenders"],
        ["Loyal"],
    )


def test_a_first_run_says_so():
    log, changes = histories((FIRST, {"c1": "ab", "c2": "c"}))
    moves = count_moves(log, changes, FIRST)
    assert words_of(plot_migrations(moves)) == "first run: no cohorts were recorded before 2024-03-01"
    assert largest_moves(moves, 10).is_empty()


def test_no_user_on_either_day():
    assert words_of(plot_migrations(count_moves(EMPTY_LOG, EMPTY_CHANGES, FIRST))).startswith("first run")
    nobody = Moves(FIRST, SECOND, {}, {}, count_moves(EMPTY_LOG, EMPTY_CHANGES, SECOND).users)
    assert words_of(plot_migrations(nobody)) == "no customers on 2024-03-01, nor on 2024-03-08"


@given(st.lists(st.tuples(st.sampled_from([None, *NAMES]), st.sampled_from([None, *NAMES])), min_size=1))
def test_rows_add_up_to_who_was_there_and_columns_to_who_is(places):
    """Each user has a cohort before and a cohort now, or none."""
    sides = [
        {
            cohort_id: [f"u{user}" for user, pair in enumerate(places) if pair[side] == cohort_id]
            for cohort_id in NAMES
        }
        for side in (0, 1)
    ]
    was, now = ({cohort_id: users for cohort_id, users in side.items() if users} for side in sides)
    pairs = count_moves(*histories((FIRST, was), (SECOND, now)), SECOND).users.rows()
    for side, members in ((0, was), (1, now)):
        counted = {cohort_id: sum(row[2] for row in pairs if row[side] == cohort_id) for cohort_id in members}
        assert counted == {cohort_id: len(users) for cohort_id, users in members.items()}
    assert all(users > 0 and (before or after) for before, after, users in pairs)


# ------------------------------------------------------------------------------------------- retention


def acquisition(*cohorts: tuple[date, int, list[float]]) -> pl.DataFrame:
    rows = [
        (month, number, users, share)
        for month, users, shares in cohorts
        for number, share in enumerate(shares)
    ]
    schema = {
        "cohort_month": pl.Date,
        "cohort_month_number": pl.Int32,
        "user_count": pl.Int64,
        "retention_share": pl.Float64,
    }
    return pl.DataFrame(rows, schema, orient="row")


def test_cells_of_the_triangle_are_percent_by_month_and_months_since():
    triangle = acquisition(
        (date(2024, 2, 1), 80, [1.0, 0.105]),
        (date(2024, 1, 1), 1200, [1.0, 1 / 3, 0.0456]),
        (date(2024, 3, 1), 7, [1.0]),
    )
    figure = plot_retention(triangle.sample(fraction=1.0, shuffle=True, seed=1))
    months = ["2024-01  (1,200)", "2024-02  (80)", "2024-03  (7)"]
    assert rows_and_columns(figure) == (months, ["0", "1", "2"])
    assert cells_of(figure) == {
        (0, 0): "100", (0, 1): "33", (0, 2): "4.6",
        (1, 0): "100", (1, 1): "10",
        (2, 0): "100",
    }  # fmt: skip
    colours = figure.axes[0].images[0].get_array()
    assert np.ma.getmaskarray(colours).tolist() == [
        [True, False, False],
        [True, False, True],
        [True, True, True],
    ]
    assert colours[0, 1] == pytest.approx(100 / 3)


def test_months_in_which_nobody_came_back_are_zeros():
    figure = plot_retention(acquisition((date(2024, 1, 1), 5, [1.0, 0.0, 0.0])))
    assert cells_of(figure) == {(0, 0): "100", (0, 1): "0", (0, 2): "0"}


def test_the_newest_24_months_are_drawn():
    """Of 30 months from January 2022 the newest is June 2024; 23 before it is July 2022."""
    months = [date(2022 + place // 12, place % 12 + 1, 1) for place in range(30)]
    cohorts = [(month, 10, [1.0] + [0.2] * (29 - place)) for place, month in enumerate(months)]
    rows, columns = rows_and_columns(plot_retention(acquisition(*cohorts)))
    assert (rows[0], rows[-1], len(rows)) == ("2022-07  (10)", "2024-06  (10)", 24)
    assert columns == [str(number) for number in range(24)]


def test_months_without_new_customers_count_as_months():
    """January 2022 is 24 months before January 2024: one too many, though nobody came in between."""
    old, new = (date(2022, 1, 1), 3, [1.0] + [0.5] * 24), (date(2024, 1, 1), 4, [1.0])
    february = (date(2022, 2, 1), 5, [1.0] + [0.5] * 23)
    assert rows_and_columns(plot_retention(acquisition(old, february, new)))[0] == [
        "2022-02  (5)",
        "2024-01  (4)",
    ]


@pytest.mark.parametrize("young", [[], [(date(2024, 1, 1), 3, [1.0])]], ids=["empty", "one month"])
def test_nothing_to_come_back_in_yet_is_said(young):
    assert words_of(plot_retention(acquisition(*young))) == "no month after a first purchase is complete yet"


# ------------------------------------------------------------------------------------------- letters


def test_an_id_stands_for_a_name_that_no_font_can_draw(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    assert readable_labels(["Regulars", "生鲜 regulars"], ["c1", "c2"]) == (
        ["Regulars", "c2"],
        ["DejaVu Sans"],
    )


def test_a_font_with_chinese_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [font_manager.FontEntry(name="SimHei")])
    labels, fonts = readable_labels(["生鲜 regulars"], ["c2"])
    assert (labels, fonts) == (["生鲜 regulars"], ["DejaVu Sans", "SimHei"])
    assert readable_labels(["Regulars"], ["c1"])[1] == ["DejaVu Sans"]


def test_a_line_of_wide_letters_has_fewer():
    assert wrap_label("Late-night regulars", 12) == "Late-night\nregulars"
    assert wrap_label("爱用优惠券的周末顾客", 12) == "爱用优惠券的周末\n顾客"  # 12 * 2 / 3 = 8
