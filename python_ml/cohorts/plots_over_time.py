"""Pictures of who stays and who moves.

Every function returns a Figure; who calls it decides where it is drawn.
"""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from python_ml.cohorts.moves import Moves
from python_ml.drawing import draw_words, readable_labels, wrap_label

NOT_THERE_YET = "not there yet"
GONE = "gone"
_MONTHS = 24


def plot_migrations(moves: Moves) -> Figure:
    """Users by cohort before (row) and cohort now (column), those who stayed in grey.

    Cohorts that go on come first in both directions, so that those who stayed are on a diagonal.

    Args:
        moves: of a day, from `count_moves`.
    """
    if moves.before is None:
        return draw_words(f"first run: no cohorts were recorded before {moves.day}")
    grid, rows, columns = _move_grid(moves)
    if not grid.size:
        return draw_words(f"no customers on {moves.before}, nor on {moves.day}")
    figure = Figure(figsize=(4.2 + 0.62 * len(columns), 3.2 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    stayed = _stayed(rows, columns)
    seen_twice = grid[[row is not None for row in rows]][:, [column is not None for column in columns]].sum()
    moved = seen_twice - grid[stayed].sum()
    axes.set_title(
        f"Moves between cohorts from {moves.before} to {moves.day}\n"
        f"{moved:,} of {seen_twice:,} customers seen both days changed cohort",
        loc="left",
        fontsize=10,
    )
    coloured = np.where(stayed | (grid == 0), np.nan, grid)
    # Roots, or one large move (a shop's new users) would leave all others white.
    norm = PowerNorm(0.5, vmin=0, vmax=max(1, np.nanmax(coloured, initial=0)))
    axes.imshow(np.where(stayed, 0.12, np.nan), cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.imshow(coloured, cmap="Oranges", norm=norm, aspect="auto")
    for (row, column), users in np.ndenumerate(grid):
        if users:
            tone = "0.45" if stayed[row, column] else "white" if norm(users) > 0.7 else "black"
            axes.text(column, row, f"{users:,}", ha="center", va="center", fontsize=7, color=tone)
    _name_cohorts(axes, moves, rows, columns)
    axes.set_ylabel(f"cohort on {moves.before}")
    axes.set_xlabel(f"cohort on {moves.day} (grey: stayed)")
    return figure


def _move_grid(moves: Moves) -> tuple[np.ndarray, list[str | None], list[str | None]]:
    """Users by row and column; the cohort of each row and of each column, None of users not there."""
    rows, columns = (
        sorted(moves.users[side].unique(), key=lambda each: _place(each, moves.users[other]))
        for side, other in (("cohort_before", "cohort_now"), ("cohort_now", "cohort_before"))
    )
    grid = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for before, now, users in moves.users.rows():
        grid[rows.index(before), columns.index(now)] = users
    return grid, rows, columns


def _place(cohort_id: str | None, other_side: pl.Series) -> tuple[bool, bool, int]:
    """By number; cohorts there on one day alone behind the others, users not there last."""
    if cohort_id is None:
        return True, True, 0
    return False, cohort_id not in other_side, int(cohort_id[1:])


def _stayed(rows: list[str | None], columns: list[str | None]) -> np.ndarray:
    return np.array([[row == column and row is not None for column in columns] for row in rows])


def _name_cohorts(axes: Axes, moves: Moves, rows: list[str | None], columns: list[str | None]) -> None:
    slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    for axis, cohort_ids, names, nowhere, turned in (
        (axes.xaxis, columns, moves.names_now, GONE, slant),
        (axes.yaxis, rows, moves.names_before, NOT_THERE_YET, {}),
    ):
        ids = [cohort_id or nowhere for cohort_id in cohort_ids]
        labels, fonts = readable_labels([names.get(each, each) for each in ids], ids)
        wrapped = [wrap_label(label, 32) for label in labels]
        axis.set_ticks(range(len(ids)), wrapped, fontsize=8, fontfamily=fonts, **turned)


def plot_retention(acquisition: pl.DataFrame) -> Figure:
    """Triangle: which share of those who first bought in a month (row) ordered so many months later (column).

    Args:
        acquisition: `serving.acquisition_cohorts`; the newest months are drawn.
    """
    months = _newest_months(acquisition)
    width = 0 if months.is_empty() else months["cohort_month_number"].max() + 1
    if width < 2:
        return draw_words("no month after a first purchase is complete yet")
    sizes = months.filter(pl.col("cohort_month_number") == 0).sort("cohort_month")
    inches = 2.6 + 0.42 * max(width, 5), 1.8 + 0.27 * max(len(sizes), 4)
    figure = Figure(figsize=inches, layout="constrained")
    axes = figure.subplots()
    axes.set_title("Customers who came back, % of those who first bought in a month", loc="left", fontsize=10)
    place = {month: row for row, month in enumerate(sizes["cohort_month"])}
    grid = np.full((len(place), width), np.nan)
    cells = months.select("cohort_month", "cohort_month_number", "retention_share")
    for month, number, share in cells.rows():
        grid[place[month], number] = 100 * share
    later = grid.copy()
    later[:, 0] = np.nan  # always 100
    # A month of a few customers must not take all colours for itself.
    limit = np.nanquantile(later, 0.95) or 1.0
    axes.imshow(later, cmap="Blues", vmin=0, vmax=limit, aspect="auto")
    for (row, column), percent in np.ndenumerate(grid):
        if np.isfinite(percent):
            tone = "0.6" if column == 0 else "white" if percent > 0.65 * limit else "black"
            words = f"{percent:.1f}" if 0 < percent < 9.95 else f"{percent:.0f}"
            axes.text(column, row, words, ha="center", va="center", fontsize=7, color=tone)
    counts = sizes.select("cohort_month", "user_count").rows()
    labels = [f"{month:%Y-%m}  ({users:,})" for month, users in counts]
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylabel("month of first purchase (customers)")
    axes.set_xticks(range(width))
    axes.set_xlabel("months since")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _newest_months(acquisition: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("cohort_month").max().dt.offset_by(f"-{_MONTHS - 1}mo")
    return acquisition.filter(pl.col("cohort_month") >= first)
