"""Who was in which cohort when, and what became of each cohort. Days are as-of dates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from python_ml.cohorts.methods import RULES
from python_ml.identity import match_groups

LOG_SCHEMA = {
    "user_id": pl.String,
    "cohort_id": pl.String,
    "membership_change": pl.String,  # enter or exit
    "changed_on": pl.Date,
}
CHANGES_SCHEMA = {
    "cohort_id": pl.String,
    "cohort_name": pl.String,
    "cohort_method": pl.String,
    "cohort_change": pl.String,  # kept, new, split, merged or vanished
    "other_cohort_id": pl.String,
    "user_count": pl.Int64,
    "common_user_count": pl.Int64,
    "overlap": pl.Float64,
    "changed_on": pl.Date,
}
MEMBERS_SCHEMA = {"user_id": pl.String, "cohort_id": pl.String}
_ONE_DAY = timedelta(days=1)
_MOST = 0.5  # a cohort comes from, or goes into, another if this share of its known users does


@dataclass(frozen=True, slots=True)
class Before:
    """Cohorts as they were before a run.

    Args:
        members: user_id, cohort_id; one row per user.
        cohorts: cohort_id, cohort_name, cohort_method of those that had members.
        last_number: the highest number an id ever had.
    """

    members: pl.DataFrame
    cohorts: pl.DataFrame
    last_number: int


def nothing_before() -> Before:
    """Before the first run."""
    cohorts = {name: CHANGES_SCHEMA[name] for name in ("cohort_id", "cohort_name", "cohort_method")}
    return Before(pl.DataFrame(schema=MEMBERS_SCHEMA), pl.DataFrame(schema=cohorts), 0)


def replay(log: pl.DataFrame, day: date) -> pl.DataFrame:
    """Who is in which cohort at the end of a day: user_id, cohort_id, by user_id.

    Args:
        log: `LOG_SCHEMA`, in any order; at most one entry to and one exit from a cohort a user and day.
        day: later changes do not count.
    """
    known = log.filter(pl.col("changed_on") <= day)
    balance = pl.when(pl.col("membership_change") == "enter").then(1).otherwise(-1).sum()
    inside = (
        known.group_by("user_id", "cohort_id").agg(balance.alias("balance")).filter(pl.col("balance") > 0)
    )
    return inside.select("user_id", "cohort_id").sort("user_id")


def record(log: pl.DataFrame, members: pl.DataFrame, day: date, known_days: Iterable[date]) -> pl.DataFrame:
    """The log with a day's members; what it said of that day before is replaced.

    A day may lie before others that are known: what changed on the next one is then worked out anew, so that
    every other known day replays to what it was.

    Args:
        log: `LOG_SCHEMA`.
        members: user_id, cohort_id; one row per user.
        day: the day they are members.
        known_days: days that were recorded before, those on which nobody moved included.
    """
    earlier = log.filter(pl.col("changed_on") < day)
    parts = [earlier, _difference(replay(earlier, day), members, day)]
    following = min((known for known in known_days if known > day), default=None)
    if following is not None:
        parts.append(_difference(members, replay(log, following), following))
        parts.append(log.filter(pl.col("changed_on") > following))
    return pl.concat([part.select(*LOG_SCHEMA) for part in parts]).sort(
        "changed_on", "user_id", "membership_change", descending=[False, False, True]
    )


def read_before(log: pl.DataFrame, changes: pl.DataFrame, day: date) -> Before:
    """The cohorts as they were last seen, on that very day or before.

    Args:
        log: `LOG_SCHEMA`.
        changes: `CHANGES_SCHEMA`.
        day: later days do not count.
    """
    members = replay(log, day)
    ids = pl.concat([log["cohort_id"], changes["cohort_id"]]).unique().str.slice(1).cast(pl.Int64)
    named = (
        changes.filter(pl.col("changed_on") <= day)
        .sort("changed_on")
        .unique("cohort_id", keep="last", maintain_order=True)
    )
    cohorts = named.join(members, on="cohort_id", how="semi").sort("cohort_id")
    return Before(members, cohorts.select("cohort_id", "cohort_name", "cohort_method"), int(ids.max() or 0))


def read_beside(log: pl.DataFrame, changes: pl.DataFrame, day: date) -> Before:
    """As `read_before`; where nothing was seen before, the cohorts of the first day after.

    A history filled in from its start, when the shop has run already, so leads to the cohorts that are there.
    """
    known = changes["changed_on"]
    if known.is_empty() or known.min() <= day:
        return read_before(log, changes, day)
    return read_before(log, changes, known.min())


def match_before(
    groups: pl.DataFrame, now: pl.DataFrame, before: Before, min_overlap: float
) -> list[int | None]:
    """The cohort, as a row of `before.cohorts`, that each group goes on from; None for a new group.

    Two clustered groups are as alike as the users they share: intersection / union, of the users known both
    times. Groups by the same rule are the same, whoever is in them; one by rule and one by clustering never.

    Args:
        groups: label, cohort_method; one row per group.
        now: user_id, label; one row per user.
        before: from `read_before`.
        min_overlap: less alike groups are not the same.
    """
    flows = _Flows.between(before.members, now.select("user_id", cohort_id=pl.col("label").cast(pl.String)))
    similarity_KP = np.zeros((groups.height, before.cohorts.height))
    for row, (label, method) in enumerate(groups.select("label", "cohort_method").rows()):
        for column, (cohort_id, _, previous_method) in enumerate(before.cohorts.rows()):
            if method in RULES or previous_method in RULES:
                similarity_KP[row, column] = float(method == previous_method)
            else:
                _, overlap = flows.common_and_overlap(now=str(label), before=cohort_id)
                similarity_KP[row, column] = overlap or 0.0
    return match_groups(similarity_KP, min_overlap)


def changes_of_cohorts(
    cohorts: pl.DataFrame, members: pl.DataFrame, before: Before, day: date
) -> pl.DataFrame:
    """What became of each cohort: kept, new, split off another, merged into another, vanished.

    A new cohort is split off one that goes on if it got at least half of its known users from there; a
    cohort that is no more is merged into another if at least half of its known users are there.

    Args:
        cohorts: cohort_id, cohort_name, cohort_method; one row per cohort.
        members: user_id, cohort_id; one row per user.
        before: from `read_before`.
        day: of the change.

    Returns:
        `CHANGES_SCHEMA`, by number. user_count is of this day, 0 for a cohort that is no more; overlap is
        common_user_count / all users of the two, of those known both times.
    """
    sizes = dict(members.group_by("cohort_id").len().rows())
    flows = _Flows.between(before.members, members)
    goes_on, known = set(before.cohorts["cohort_id"]), set(cohorts["cohort_id"])
    rows = []
    for cohort_id, name, method in cohorts.rows():
        change, other = "kept", None
        if cohort_id not in goes_on:
            other = flows.main_source(cohort_id, among=known)
            change = "split" if other else "new"
        facts = flows.common_and_overlap(now=cohort_id, before=other or cohort_id)
        rows.append((cohort_id, name, method, change, other, sizes[cohort_id], *facts, day))
    for cohort_id, name, method in before.cohorts.rows():
        if cohort_id not in known:
            other = flows.main_target(cohort_id)
            facts = flows.common_and_overlap(now=other or cohort_id, before=cohort_id)
            rows.append((cohort_id, name, method, "merged" if other else "vanished", other, 0, *facts, day))
    number = pl.col("cohort_id").str.slice(1).cast(pl.Int64)
    return pl.DataFrame(rows, CHANGES_SCHEMA, orient="row").sort(number)


@dataclass(frozen=True, slots=True)
class _Flows:
    """How many of the users known both times are in each cohort, were in each, and went from one to another.

    Args:
        now, before: users by cohort.
        common: users by (cohort now, cohort before).
    """

    now: dict[str, int]
    before: dict[str, int]
    common: dict[tuple[str, str], int]

    @classmethod
    def between(cls, before: pl.DataFrame, now: pl.DataFrame) -> "_Flows":
        """Args: before, now: user_id, cohort_id; one row per user."""
        shared = now.join(before.rename({"cohort_id": "cohort_before"}), on="user_id")
        flows = shared.group_by("cohort_id", "cohort_before").len()
        return cls(
            now=dict(shared.group_by("cohort_id").len().rows()),
            before=dict(shared.group_by("cohort_before").len().rows()),
            common={(cohort, source): users for cohort, source, users in flows.rows()},
        )

    def main_source(self, cohort_id: str, among: set[str]) -> str | None:
        """Where at least half of a cohort's users came from, if that cohort is one of these."""
        return next(
            (
                source
                for (cohort, source), users in sorted(self.common.items())
                if cohort == cohort_id and source in among and users >= _MOST * self.now[cohort]
            ),
            None,
        )

    def main_target(self, cohort_id: str) -> str | None:
        """Where at least half of a cohort's users went."""
        return next(
            (
                cohort
                for (cohort, source), users in sorted(self.common.items())
                if source == cohort_id and users >= _MOST * self.before[source]
            ),
            None,
        )

    def common_and_overlap(self, *, now: str, before: str) -> tuple[int, float | None]:
        """Users in both, and their share of the users in either; None of two that nobody known was in."""
        common = self.common.get((now, before), 0)
        union = self.now.get(now, 0) + self.before.get(before, 0) - common
        return common, common / union if union else None


def record_changes(
    changes: pl.DataFrame, cohorts: pl.DataFrame, log: pl.DataFrame, day: date
) -> pl.DataFrame:
    """The changes of all days, with this day's in place of what was said of it before.

    What became of each cohort on this day and on the next known one is worked out anew, each against the last
    day before it.

    Args:
        changes: `CHANGES_SCHEMA`.
        cohorts: cohort_id, cohort_name, cohort_method; one row per cohort of this day.
        log: with this day in it, from `record`.
        day: this day.
    """
    earlier = changes.filter(pl.col("changed_on") < day)
    later = changes.filter(pl.col("changed_on") > day)
    today = changes_of_cohorts(cohorts, replay(log, day), read_before(log, earlier, day - _ONE_DAY), day)
    parts = [earlier, today]
    if later.height:
        following = later["changed_on"].min()
        then = later.filter(pl.col("changed_on") == following, pl.col("user_count") > 0)
        now = Before(replay(log, day), cohorts, 0)
        parts.append(changes_of_cohorts(then.select(cohorts.columns), replay(log, following), now, following))
        parts.append(later.filter(pl.col("changed_on") > following))
    return pl.concat([part.select(*CHANGES_SCHEMA) for part in parts])


def _difference(before: pl.DataFrame, after: pl.DataFrame, day: date) -> pl.DataFrame:
    """Exits and entries that lead from one to the other."""
    keys = ["user_id", "cohort_id"]
    stamp = {"changed_on": pl.lit(day, pl.Date)}
    left = before.select(keys).join(after, on=keys, how="anti")
    entered = after.select(keys).join(before, on=keys, how="anti")
    return pl.concat(
        [
            left.with_columns(membership_change=pl.lit("exit"), **stamp),
            entered.with_columns(membership_change=pl.lit("enter"), **stamp),
        ]
    )
