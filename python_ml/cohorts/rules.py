"""A rule that a marketer can read for each cohort, or the statement that it has none.

A cohort is a piece of a space of many dimensions; a rule is a box with few sides around most of it. Small
decision trees propose boxes, the figures of users who were held out say what the chosen one is worth.

Shapes: N users, F features. The largest array is N x F float64.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.tree import DecisionTreeClassifier

from python_ml.cohorts.held_out import place
from python_ml.cohorts.inputs import behaviour_columns
from python_ml.cohorts.rule_words import Condition, Feature, round_bounds, say_rule, write_sql
from python_ml.config import CohortConfig
from python_ml.tables import check_columns, check_key

_HELD_OUT_SHARE = 0.3
# Of fewer members than this a recall of 0.6 could as well be one of 0.4.
_FEWEST_HELD_OUT = 20
# More users than this move a threshold by less than its two digits show.
_MOST_GROWN_ON = 20_000
# What the trees are grown with: users a leaf has at least, and what one of the cohort counts against one who
# is not: as much, three times as much, or so much that both sides weigh the same.
_LEAF_USERS = (10, 30)
_CLASS_WEIGHTS = (None, {False: 1.0, True: 3.0}, "balanced")
# Standard errors that a rule must keep from both limits on the users it was grown on, to keep them on others.
_SPARE_ERRORS = 2.0

_SCHEMA = {
    "cohort_id": pl.String,
    "rule_text": pl.String,
    "rule_sql": pl.String,
    "reason": pl.String,
    "condition_count": pl.Int32,
    "rule_precision": pl.Float64,
    "rule_recall": pl.Float64,
    "held_out_user_count": pl.Int64,
    "is_simple": pl.Boolean,
}

Rule = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class _Buyers:
    """Users who have ordered, by user_id.

    Args:
        features: F features.
        values: float64 (N, F), NaN where unknown.
        cohort_ids: N ids, None of a user without a cohort.
        is_grown_on: bool (N,), trees and rules are made from these.
        is_held_out: bool (N,), rules are judged by these, and by nothing else.
    """

    features: list[Feature]
    values: np.ndarray
    cohort_ids: np.ndarray
    is_grown_on: np.ndarray
    is_held_out: np.ndarray

    def selected(self, rule: Rule, among_N: np.ndarray) -> np.ndarray:
        """bool, one per user of `among_N`: whether every condition of the rule holds."""
        column = {feature: place for place, feature in enumerate(self.features)}
        parts = [condition.holds(self.values[among_N, column[condition.feature]]) for condition in rule]
        return np.logical_and.reduce(parts)


def find_rules(
    users: pl.DataFrame,
    departments: pl.DataFrame,
    assigned: pl.DataFrame,
    config: CohortConfig,
    *,
    seed: int,
) -> pl.DataFrame:
    """Find the rule of each cohort, and count on held-out users how well it tells them from all other buyers.

    Three users of ten, by a hash of the id, are held out: they neither grow a tree nor choose a rule nor
    round a number. From the others small trees are grown, one cohort against the rest, and each path from a
    root to any node, its numbers rounded, is a rule that may be chosen, see `_choose`. Nobody else is set
    aside to choose by: on the grocer's cohorts, over several splits, rules chosen so were no better, and
    those of small cohorts worse. The same tables and seed give the same rules, whatever the order of rows.

    Args:
        users: user_features, one row per user. Only those with an order count: a rule speaks of buyers.
        departments: user_department_features: user_id, department, sales_share (0..1).
        assigned: user_id, cohort_id of users who have ordered; a buyer who is not here is in no cohort.
        config: rule_precision, rule_recall, rule_conditions, min_support and min_profile_users are read.
        seed: decides between splits that are equally good.

    Returns:
        One row per cohort, by cohort_id: cohort_id, rule_text, rule_sql (a statement that selects user_id),
        reason, condition_count, rule_precision (share of the users it selects who are of the cohort) and
        rule_recall (share of the cohort it selects), both on held-out users, held_out_user_count (of the
        cohort), is_simple. Where no rule meets both limits, or the cohort has too few users, the reason says
        so, and what a rule has is null.

    Raises:
        ContractError: a column is missing, or a user occurs twice.
    """
    check_columns("user_features", users, ("user_id", "order_count"))
    check_columns("user_department_features", departments, ("user_id", "department", "sales_share"))
    check_key("user_features", users, "user_id")
    check_key("user_cohorts", assigned, "user_id")
    buyers = _line_up(users, departments, assigned, config.min_support)
    cohort_ids = assigned["cohort_id"].unique().sort().to_list()
    rows = [_find_rule(cohort_id, buyers, config, seed) for cohort_id in cohort_ids]
    return pl.DataFrame(rows, schema=_SCHEMA)


def _line_up(
    users: pl.DataFrame, departments: pl.DataFrame, assigned: pl.DataFrame, min_support: float
) -> _Buyers:
    buyers = (
        users.filter(pl.col("order_count") > 0)
        .sort("user_id")
        .join(assigned.select("user_id", "cohort_id"), on="user_id", how="left", maintain_order="left")
    )
    place_N = np.array([place(user_id) for user_id in buyers["user_id"]])
    is_held_out_N = place_N < _HELD_OUT_SHARE
    is_grown_on_N = ~is_held_out_N
    if is_grown_on_N.sum() > _MOST_GROWN_ON:
        is_grown_on_N &= place_N <= np.sort(place_N[is_grown_on_N])[_MOST_GROWN_ON - 1]
    columns = behaviour_columns(users)
    names = _common_departments(departments, buyers.filter(pl.Series(is_grown_on_N)), min_support)
    behaviour_NF = buyers.select(
        pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in columns
    ).to_numpy()
    return _Buyers(
        features=[
            *(Feature(name, is_whole=users.schema[name].is_integer()) for name in columns),
            *(Feature(name, is_department=True) for name in names),
        ],
        values=np.hstack([behaviour_NF, _department_shares(departments, buyers, names)]),
        cohort_ids=buyers["cohort_id"].to_numpy(),
        is_grown_on=is_grown_on_N,
        is_held_out=is_held_out_N,
    )


def _common_departments(departments: pl.DataFrame, buyers: pl.DataFrame, min_support: float) -> list[str]:
    """Departments that at least this share of some cohort's users buy from, sorted."""
    sizes = buyers.group_by("cohort_id").agg(pl.len().alias("users"))
    common = (
        departments.filter(pl.col("department").is_not_null(), pl.col("sales_share") > 0)
        .join(buyers.select("user_id", "cohort_id"), on="user_id")
        .group_by("cohort_id", "department")
        .agg(pl.col("user_id").n_unique().alias("buying"))
        .join(sizes, on="cohort_id")
        .filter(pl.col("buying") >= min_support * pl.col("users"))
    )
    return common["department"].unique().sort().to_list()


def _department_shares(departments: pl.DataFrame, buyers: pl.DataFrame, names: Sequence[str]) -> np.ndarray:
    """float64 (N, departments): share of spend, 0 without a row or where all was free."""
    shares_NG = np.zeros((len(buyers), len(names)))
    bought = (
        departments.filter(pl.col("department").is_in(names), pl.col("sales_share") > 0)
        .join(buyers.select("user_id").with_row_index("row"), on="user_id")
        .select("row", "department", "sales_share")
    )
    column = {name: place for place, name in enumerate(names)}
    columns = [column[name] for name in bought["department"]]
    np.maximum.at(shares_NG, (bought["row"].to_numpy(), columns), bought["sales_share"].to_numpy())
    return shares_NG


def _find_rule(cohort_id: str, buyers: _Buyers, config: CohortConfig, seed: int) -> dict[str, object]:
    """The row of one cohort."""
    is_member_N = buyers.cohort_ids == cohort_id
    held_out = int(is_member_N[buyers.is_held_out].sum())
    row = dict.fromkeys(_SCHEMA) | {
        "cohort_id": cohort_id,
        "held_out_user_count": held_out,
        "is_simple": False,
    }
    members = int(is_member_N.sum())
    if members < config.min_profile_users:
        said = f"too few users to be told of: the cohort has {members}"
        return row | {"reason": f"{said}, needs {config.min_profile_users}"}
    if held_out < _FEWEST_HELD_OUT:
        said = f"too few users to judge a rule by: {held_out} of the cohort were held out"
        return row | {"reason": f"{said}, needs {_FEWEST_HELD_OUT}"}
    rules = _propose(buyers, is_member_N, config.rule_conditions, seed)
    if not rules:
        return row | {"reason": "no condition tells its users from others"}
    rule = _choose(rules, buyers, is_member_N, config)
    precision, recall, _ = _measure(rule, buyers, is_member_N, buyers.is_held_out)
    if not (precision >= config.rule_precision and recall >= config.rule_recall):
        # Rounded down: a limit that was missed must not read as if it had been met.
        low_precision, low_recall = (math.floor(100 * value) / 100 for value in (precision, recall))
        plural = "" if config.rule_conditions == 1 else "s"
        return row | {
            "reason": f"no rule of up to {config.rule_conditions} condition{plural} has a precision of "
            f"{config.rule_precision:g} and a recall of {config.rule_recall:g}; the best has precision "
            f"{low_precision:.2f} and recall {low_recall:.2f}"
        }
    return row | {
        "rule_text": say_rule(rule),
        "rule_sql": write_sql(rule),
        "condition_count": len(rule),
        "rule_precision": precision,
        "rule_recall": recall,
        "is_simple": True,
    }


def _propose(buyers: _Buyers, is_member_N: np.ndarray, most_conditions: int, seed: int) -> list[Rule]:
    """Rules of at most so many conditions, each once, in the order they were found."""
    values_NF = buyers.values[buyers.is_grown_on]
    wanted_N = is_member_N[buyers.is_grown_on]
    found: dict[frozenset[Condition], Rule] = {}
    # Deeper than there are conditions: two steps of a path on one feature are one condition. Shallower
    # trees are the upper part of this one.
    depth = most_conditions + 2
    for leaf in _LEAF_USERS:
        for weight in _CLASS_WEIGHTS:
            tree = DecisionTreeClassifier(
                max_depth=depth, min_samples_leaf=leaf, class_weight=weight, random_state=seed
            )
            for rule in _paths(tree.fit(values_NF, wanted_N), buyers.features, most_conditions):
                found.setdefault(frozenset(rule), rule)
    return list(found.values())


def _paths(tree: DecisionTreeClassifier, features: list[Feature], most_conditions: int) -> Iterator[Rule]:
    """The path to every node as a rule with readable numbers; steps on one feature are one condition."""
    nodes = tree.tree_
    waiting: list[tuple[int, dict[int, tuple[float | None, float | None]]]] = [(0, {})]
    while waiting:
        node, bounds = waiting.pop()
        if len(bounds) > most_conditions:
            continue
        rule = tuple(round_bounds(features[column], *between) for column, between in bounds.items())
        if rule and None not in rule:
            yield rule
        if nodes.children_left[node] < 0:
            continue
        column, cut = int(nodes.feature[node]), float(nodes.threshold[node])
        # A cut below a node lies between the bounds that lead there: it only ever narrows them.
        above, up_to = bounds.get(column, (None, None))
        waiting.append((int(nodes.children_right[node]), bounds | {column: (cut, up_to)}))
        waiting.append((int(nodes.children_left[node]), bounds | {column: (above, cut)}))


def _choose(rules: list[Rule], buyers: _Buyers, is_member_N: np.ndarray, config: CohortConfig) -> Rule:
    """Of the rules that keep both limits with room to spare the shortest, of these the one with most room.

    Room is what precision or recall, whichever has less, is above its limit, in standard errors of a
    share that lies at the limit. Where no rule has enough of it, the one with most. By users who are not
    held out.
    """
    room = [_room(_measure(rule, buyers, is_member_N, buyers.is_grown_on), config) for rule in rules]
    enough = [place for place, value in enumerate(room) if value >= _SPARE_ERRORS]
    if not enough:
        return rules[max(range(len(rules)), key=room.__getitem__)]
    return rules[min(enough, key=lambda place: (len(rules[place]), -room[place]))]


def _room(measured: tuple[float, float, tuple[int, int]], config: CohortConfig) -> float:
    precision, recall, (selected, members) = measured
    return min(
        (value - limit) * math.sqrt(max(count, 1) / max(limit * (1.0 - limit), 1e-6))
        for value, limit, count in (
            (precision, config.rule_precision, selected),
            (recall, config.rule_recall, members),
        )
    )


def _measure(
    rule: Rule, buyers: _Buyers, is_member_N: np.ndarray, among_N: np.ndarray
) -> tuple[float, float, tuple[int, int]]:
    """Precision and recall among these users, 0 where nothing is selected; users it selects, and members."""
    selected_N, wanted_N = buyers.selected(rule, among_N), is_member_N[among_N]
    hits, selected, members = (int(part.sum()) for part in (selected_N & wanted_N, selected_N, wanted_N))
    return hits / max(selected, 1), hits / max(members, 1), (selected, members)
