"""Who moved between cohorts from one recorded day to the next."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from python_ml.cohorts.history import replay


@dataclass(frozen=True, slots=True)
class Moves:
    """Users by the cohort they were in and the one they are in.

    Args:
        before: the day before, None if the shop had no cohorts yet.
        day: the day.
        names_before, names_now: of the cohorts that had users on each of the days, by id.
        users: cohort_before (null for users not there yet), cohort_now (null for users who are gone),
            user_count (Int64); one row per pair that has users.
    """

    before: date | None
    day: date
    names_before: dict[str, str]
    names_now: dict[str, str]
    users: pl.DataFrame


def count_moves(log: pl.DataFrame, changes: pl.DataFrame, day: date) -> Moves:
    """Compare a recorded day with the last one recorded before it.

    Args:
        log: `LOG_SCHEMA`.
        changes: `CHANGES_SCHEMA`; its days are those that were recorded, also if nobody moved.
        day: later days do not count.
    """
    earlier = changes.filter(pl.col("changed_on") < day)["changed_on"]
    before = earlier.max()
    was = replay(log, before or date.min)
    pairs = (
        was.rename({"cohort_id": "cohort_before"})
        .join(replay(log, day).rename({"cohort_id": "cohort_now"}), on="user_id", how="full", coalesce=True)
        .group_by("cohort_before", "cohort_now")
        .agg(pl.len().cast(pl.Int64).alias("user_count"))
        .sort(_number("cohort_before"), _number("cohort_now"), nulls_last=True)
    )
    return Moves(before, day, _names(changes, before or date.min), _names(changes, day), pairs)


def largest_moves(moves: Moves, most: int) -> pl.DataFrame:
    """Moves from one cohort to another: from, to, users, share of the cohort before; the largest first."""
    sizes = pl.col("user_count").sum().over("cohort_before")
    return (
        moves.users.filter(pl.col("cohort_before").is_not_null())
        .with_columns(share=pl.col("user_count") / sizes)
        .filter(pl.col("cohort_before") != pl.col("cohort_now"))
        .sort("user_count", descending=True, maintain_order=True)
        .head(most)
        .select(
            pl.col("cohort_before").replace(moves.names_before).alias("from"),
            pl.col("cohort_now").replace(moves.names_now).alias("to"),
            pl.col("user_count").alias("users"),
            pl.col("share").alias("share of the cohort before"),
        )
    )


def _names(changes: pl.DataFrame, day: date) -> dict[str, str]:
    there = changes.filter(pl.col("changed_on") == day, pl.col("user_count") > 0)
    return dict(there.sort(_number("cohort_id")).select("cohort_id", "cohort_name").rows())


def _number(column: str) -> pl.Expr:
    return pl.col(column).str.slice(1).cast(pl.Int64)
