"""A rule as a person reads it, as a warehouse reads it, as it is counted: three times the same conditions.

A rule is a conjunction of conditions on features.user_features and features.user_department_features. Of what
is unknown no condition holds, in all three.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from sqlglot import exp

from python_ml.cohorts.labels import feature_label, group_label

# Labels that stand after "30 % of": "orders with a coupon", "lines on discount".
_COUNTED_SHARES = ("share of orders", "share of lines")


@dataclass(frozen=True, slots=True)
class Feature:
    """What a condition speaks of.

    Args:
        name: a column of user_features, or a department.
        is_department: the value is the department's share of the user's spend, 0..1, 0 without any.
        is_whole: the values are whole numbers.
    """

    name: str
    is_department: bool = False
    is_whole: bool = False

    @property
    def is_share(self) -> bool:
        """A number between 0 and 1 that is said in per cent."""
        return self.is_department or self.name.endswith("_share")


@dataclass(frozen=True, slots=True)
class Condition:
    """low <= feature <= high, in the feature's own unit; one of the two may be None, which asks nothing."""

    feature: Feature
    low: float | None = None
    high: float | None = None

    def holds(self, values_N: np.ndarray) -> np.ndarray:
        """Args: values_N: float64, NaN where unknown. Returns: bool (N,), False where unknown."""
        above_N = ~np.isnan(values_N) if self.low is None else values_N >= self.low
        return above_N if self.high is None else above_N & (values_N <= self.high)


def round_bounds(feature: Feature, above: float | None, up_to: float | None) -> Condition | None:
    """The condition above < feature <= up_to in numbers that can be read.

    Two significant digits, and whole numbers for what is whole: there, below 100, nothing is lost, as "above
    3.5" and "at least 4" are the same. Both bounds belong to the condition.

    Args:
        feature: of the condition.
        above, up_to: the bounds as a tree has them, None where there is none.

    Returns:
        None where no number is left between the two.
    """
    if feature.is_whole:
        low = None if above is None else _round(np.floor(above) + 1.0, 0)
        high = None if up_to is None else _round(np.floor(up_to), 0)
    else:
        low, high = (None if bound is None else _round(bound, None) for bound in (above, up_to))
    if low is not None and high is not None and low > high:
        return None
    return Condition(feature, low, high)


def say_rule(conditions: Sequence[Condition]) -> str:
    """The rule in plain English: "Buyers with at least 4 orders in the last 91 days and ..."."""
    said = [_say(condition) for condition in conditions]
    listed = " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))
    return f"Buyers with {listed}"


def write_sql(conditions: Sequence[Condition]) -> str:
    """The rule as one ANSI statement that gives the user_id of everybody it selects.

    Names that are plain stay without quotes, so that each warehouse finds them in the case it keeps them in.
    """
    clauses = [clause for condition in conditions for clause in _clauses(condition)]
    is_of_buyers = any(
        not condition.feature.is_department
        and condition.feature.name == "order_count"
        and (condition.low or 0.0) > 0.0
        for condition in conditions
    )
    if not is_of_buyers:
        clauses.insert(0, exp.GT(this=_column("order_count"), expression=_number(0.0)))
    return exp.select(_column("user_id")).from_(_table("user_features")).where(*clauses).sql()


def _round(value: float, digits: int | None) -> float:
    """To two significant digits, and with digits=0 no shorter than to whole numbers below 100."""
    if digits == 0 and abs(value) < 100.0:
        return float(value)
    return float(f"{value:.1e}") + 0.0  # never -0.0


def _say(condition: Condition) -> str:
    feature = condition.feature
    scale = 2 if feature.is_share else 0
    low, high = (
        None if bound is None else _digits(bound, scale) for bound in (condition.low, condition.high)
    )
    unit = " %" if feature.is_share else ""
    if high is None:
        amount, last = f"at least {low}{unit}", condition.low
    elif low is None:
        amount, last = f"at most {high}{unit}", condition.high
    else:
        amount, last = f"between {low} and {high}{unit}", condition.high
    if feature.is_department:
        return f"{amount} of spend on {group_label(feature.name)}"
    label = feature_label(feature.name)
    if feature.is_share and label.startswith(_COUNTED_SHARES):
        return f"{amount} of {label.removeprefix('share of ')}"
    if feature.is_whole:
        return f"{amount} {_singular(label) if last == 1.0 else label}"
    return f"{label} of {amount}" if "between" not in amount else f"{label} {amount}"


def _singular(label: str) -> str:
    """ "order lines" as "order line": the first plural of a label loses its ending."""
    return re.sub(r"ies\b|(?<=[^s])s\b", lambda ending: "y" if ending[0] == "ies" else "", label, count=1)


def _digits(value: float, scale: int = 0) -> str:
    """The number in full, moved by that many places: 0.065 and 2 are "6.5", 1900 is "1,900"."""
    moved = Decimal(repr(value)).scaleb(scale).normalize()
    return f"{moved:,f}"


def _clauses(condition: Condition) -> list[exp.Expression]:
    feature, low, high = condition.feature, condition.low, condition.high
    if not feature.is_department:
        return [_compare(_column(feature.name), low, high)]
    clauses: list[exp.Expression] = []
    # Who has not bought of a department has no row: a share of 0, which is below any limit.
    if low is not None and low > 0.0:
        clauses.append(_users_with_share(feature.name, _compare(_column("sales_share"), low, high)))
    elif high is not None:
        more = exp.GT(this=_column("sales_share"), expression=_number(high))
        clauses.append(exp.Not(this=_users_with_share(feature.name, more)))
    return clauses


def _users_with_share(department: str, share: exp.Expression) -> exp.Expression:
    is_named = exp.EQ(this=_column("department"), expression=exp.Literal.string(department))
    rows = exp.select(_column("user_id")).from_(_table("user_department_features")).where(is_named, share)
    return _column("user_id").isin(query=rows)


def _compare(column: exp.Expression, low: float | None, high: float | None) -> exp.Expression:
    if high is None:
        return exp.GTE(this=column, expression=_number(low))
    if low is None:
        return exp.LTE(this=column, expression=_number(high))
    return exp.Between(this=column, low=_number(low), high=_number(high))


def _number(value: float) -> exp.Expression:
    digits = f"{Decimal(repr(abs(value))).normalize():f}"
    number = exp.Literal.number(digits)
    return exp.Neg(this=number) if value < 0.0 else number


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name))


def _table(name: str) -> exp.Table:
    return exp.table_(exp.to_identifier(name))
