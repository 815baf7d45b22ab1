"""What is worth telling of a cohort: the strongest rows of its profile, one of those that say one thing."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from python_ml.cohorts.traits import VAGUE_GROUPS
from python_ml.config import DescribeConfig

# Told of every cohort, in this order.
ALWAYS = ("order_count", "monetary_amount")
# Features that say one thing, so that one of them is told. A feature that is not here stands for itself.
_SUBJECTS = {
    "orders": (
        *("order_count", "order_count_28d", "order_count_91d", "line_count", "distinct_item_count"),
        # High for everybody with few lines, as the days between orders are for everybody with few orders.
        *("variety_ratio", "repeat_line_share", "mean_interpurchase_days", "median_interpurchase_days"),
        "stddev_interpurchase_days",
    ),
    "spend": ("monetary_amount", "sales_28d_amount", "sales_91d_amount"),
    "order size": ("mean_order_amount", "mean_order_lines", "mean_order_units"),
    "range": ("distinct_category_count", "distinct_department_count"),
    "coupons": ("coupon_order_share", "coupon_discount_share", "offer_redemption_count"),
    "discounts": ("discount_share", "discount_line_share", "promoted_line_share"),
    "weekday": tuple(
        f"{day}_order_share"
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ),
    "time of day": tuple(f"{hours}_order_share" for hours in ("morning", "afternoon", "evening", "night")),
}
_SUBJECT_OF = {name: subject for subject, names in _SUBJECTS.items() for name in names}
# Its number says nothing to a reader.
_UNTOLD = ("department_entropy",)
# Shares of spend this near to each other, here and of all, are one thing under two names.
_SAME_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Told:
    """One row of a profile.

    Args:
        name: attribute_name.
        label: attribute_label, in any script.
        value: of the cohort, in the attribute's own unit; a share is 0..1.
        usual: the same of all who have ordered, None where unknown.
        lift: value / usual, None where unknown.
    """

    name: str
    label: str
    value: float
    usual: float | None = None
    lift: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that finds a cohort's users: its words, and how many of whom it selects are theirs (0..1), and
    how many of theirs it selects; None where unknown."""

    text: str
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """What is told of one cohort.

    Args:
        cohort_name: its name.
        user_count: users in it, user_share of all users.
        sales_share: their share of sales, None if nobody spent anything.
        always: `ALWAYS`, those that are known.
        behaviour: other features, the furthest from the mean first.
        groups: departments and categories more is spent on than usual, those that make most difference first.
        attributes: places, channels and others that are truer of it than of all.
        rule: None if it has none.
    """

    cohort_name: str
    user_count: int
    user_share: float
    sales_share: float | None
    always: tuple[Told, ...]
    behaviour: tuple[Told, ...]
    groups: tuple[Told, ...]
    attributes: tuple[Told, ...]
    rule: Rule | None


def choose_facts(
    rows: Iterable[Mapping[str, Any]], rule: Mapping[str, Any] | None, config: DescribeConfig
) -> CohortFacts:
    """What to tell of a cohort; the order of its rows does not count.

    Args:
        rows: of cohort_profiles, of this cohort, one at least.
        rule: its row of cohort_rules, None if it has none.
        config: how many, and how strong.
    """
    rows = list(rows)
    features = [
        row for row in rows if row["attribute_type"] == "feature" and row["attribute_name"] not in _UNTOLD
    ]
    always, behaviour = _choose_features(features, config)
    return CohortFacts(
        cohort_name=rows[0]["cohort_name"],
        user_count=rows[0]["user_count"],
        user_share=rows[0]["user_share"],
        sales_share=_known(rows[0]["sales_share"]),
        always=always,
        behaviour=behaviour,
        groups=_choose_groups(rows, config),
        attributes=_choose_attributes(rows, config),
        rule=_read_rule(rule),
    )


def _choose_features(
    rows: list[Mapping[str, Any]], config: DescribeConfig
) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
    told = {row["attribute_name"]: _tell(row) for row in rows if _known(row["cohort_value"]) is not None}
    always = tuple(told[name] for name in ALWAYS if name in told)
    said = {_SUBJECT_OF[fact.name] for fact in always}
    strong = []
    for row in rows:
        z_score = _known(row["z_score"])
        if row["attribute_name"] in told and z_score is not None and abs(z_score) >= config.min_sd:
            strong.append((-abs(z_score), row["attribute_name"]))
    behaviour = []
    for _, name in sorted(strong):
        subject = _SUBJECT_OF.get(name, name)
        if subject not in said:
            said.add(subject)
            behaviour.append(told[name])
    return always, tuple(behaviour[: config.behaviour_count])


def _choose_groups(rows: list[Mapping[str, Any]], config: DescribeConfig) -> tuple[Told, ...]:
    """Ranked as those a name is made of: by share x log(lift), a group's part in the divergence of spend."""
    strong = []
    for order, kind in enumerate(("department", "category")):
        for fact in _strong(rows, (kind,), config):
            is_plain = not VAGUE_GROUPS.intersection(
                [fact.label.lower(), *re.split(r"\W+", fact.label.lower())]
            )
            if is_plain and fact.lift is not None:
                strong.append((-fact.value * math.log(fact.lift), order, fact.name, fact))
    chosen: list[Told] = []
    for *_, fact in sorted(strong, key=lambda entry: entry[:3]):
        if not any(_is_one_thing(fact, other) for other in chosen):
            chosen.append(fact)
    return tuple(chosen[: config.group_count])


def _choose_attributes(rows: list[Mapping[str, Any]], config: DescribeConfig) -> tuple[Told, ...]:
    """One of each column, the truest of the cohort first; what says the same of the same users once."""
    strong = [
        fact for fact in _strong(rows, ("location", "channel", "attribute"), config) if fact.lift is not None
    ]
    chosen: list[Told] = []
    said = set()
    for fact in sorted(strong, key=lambda fact: (-fact.value * math.log(fact.lift), fact.name)):
        column = fact.name.partition("=")[0]
        if column not in said and not any(_is_one_thing(fact, other) for other in chosen):
            said.add(column)
            chosen.append(fact)
    return tuple(chosen[: config.attribute_count])


def _strong(rows: list[Mapping[str, Any]], kinds: tuple[str, ...], config: DescribeConfig) -> Iterable[Told]:
    for row in rows:
        lift, value = _known(row["lift"]), _known(row["cohort_value"])
        is_known = lift is not None and value is not None and row["attribute_type"] in kinds
        if is_known and lift >= config.min_lift and value >= config.min_share:
            yield _tell(row)


def _is_one_thing(fact: Told, other: Told) -> bool:
    """A department and its only category; a household of 1 and a household of one adult without kids."""
    if fact.label.casefold() == other.label.casefold():
        return True
    near = (
        math.isclose(one, two, rel_tol=_SAME_SHARE)
        for one, two in ((fact.value, other.value), (fact.lift, other.lift))
    )
    return all(near)


def _tell(row: Mapping[str, Any]) -> Told:
    return Told(
        name=row["attribute_name"],
        label=row["attribute_label"],
        value=row["cohort_value"],
        usual=_known(row["population_value"]),
        lift=_known(row["lift"]),
    )


def _read_rule(rule: Mapping[str, Any] | None) -> Rule | None:
    if rule is None or rule["rule_text"] is None:
        return None
    return Rule(rule["rule_text"], _known(rule["rule_precision"]), _known(rule["rule_recall"]))


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
