"""The feature tables of business rules to the rules of each list, as arrays."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from python_ml.errors import ContractError
from python_ml.recommender.data import Interactions
from python_ml.recommender.frames import Inputs, number
from python_ml.recommender.rules import Boost, Cap, Hidden, Pin, Recent, Rules
from python_ml.tables import check_columns, check_key

_NEEDED = {
    "business_rules_in_force": ("rule_id", "rule_type", "list_name", "not_applied_reason", "amount", "days"),
    "business_rule_items": ("rule_id", "item_id", "group_name"),
    "user_ages": ("user_id", "at_least_age"),
}
HIDING = ("exclude", "in_stock", "margin_floor")


@dataclass(frozen=True, slots=True)
class RuleTables:
    """The feature tables that say what the rules are.

    Args:
        business_rules_in_force, business_rule_items, user_ages: the feature tables of these names; the order
            of rows does not matter.
    """

    business_rules_in_force: pl.DataFrame
    business_rule_items: pl.DataFrame
    user_ages: pl.DataFrame

    def not_applied(self, list_length: int) -> dict[str, str]:
        """By rule that is in force and shapes no list, why not.

        Args:
            list_length: places of a list.
        """
        rules = self.business_rules_in_force.sort("rule_id")
        told = rules.filter(pl.col("not_applied_reason").is_not_null())
        too_far = rules.filter(
            pl.col("not_applied_reason").is_null(), pl.col("amount") > list_length, rule_type="pin"
        )
        past_end = {
            rule: f"place {place:.0f} is past the end of a list of {list_length}"
            for rule, place in too_far.select("rule_id", "amount").iter_rows()
        }
        return dict(told.select("rule_id", "not_applied_reason").iter_rows()) | past_end


def read_rules(tables: RuleTables, inputs: Inputs, list_name: str, *, now: float) -> Rules:
    """The rules of one list that can be applied.

    Args:
        tables: see there.
        inputs: users, items and interactions as arrays.
        list_name: "for_you" or "discover".
        now: days since 1970-01-01; bought_within counts back from it.

    Raises:
        ContractError: a column is missing, an id is unknown or occurs twice, a rule's type is unknown, or two
            rules pin one item or one place.
    """
    for name, needed in _NEEDED.items():
        check_columns(name, getattr(tables, name), needed)
    check_key("business_rules_in_force", tables.business_rules_in_force, "rule_id")
    rows = tables.business_rules_in_force.filter(
        pl.col("not_applied_reason").is_null(),
        pl.col("list_name").is_null() | (pl.col("list_name") == list_name),
    ).sort("rule_id")
    compiled = _Compiler(tables, inputs, now)
    for rule, row in enumerate(rows.iter_rows(named=True)):
        compiled.add(rule, row)
    _check_pins(compiled.pins, rows["rule_id"].to_list())
    return Rules(
        rule_ids=tuple(rows["rule_id"]),
        hidden=tuple(compiled.hidden),
        recent=tuple(compiled.recent),
        boosts=tuple(compiled.boosts),
        pins=tuple(compiled.pins),
        caps=tuple(compiled.caps),
    )


class _Compiler:
    """Turns rows of rules into arrays, one by one."""

    def __init__(self, tables: RuleTables, inputs: Inputs, now: float) -> None:
        self.inputs = inputs
        self.now = now
        self.hidden: list[Hidden] = []
        self.recent: list[Recent] = []
        self.boosts: list[Boost] = []
        self.pins: list[Pin] = []
        self.caps: list[Cap] = []
        self._items = tables.business_rule_items.sort("rule_id", "item_id")
        known = tables.user_ages.filter(pl.col("user_id").is_in(inputs.user_ids.implode()))
        check_key("user_ages", known, "user_id")
        self._age = np.full(len(inputs.user_ids), -1, dtype=np.int64)  # -1 is younger than any limit
        self._age[number(known["user_id"], inputs.user_ids, "user_ages.user_id")] = known["at_least_age"]

    def add(self, rule: int, row: dict) -> None:
        """Add the rule of one row of `business_rules_in_force`."""
        named = self._items.filter(rule_id=row["rule_id"])
        items = number(named["item_id"], self.inputs.item_ids, "business_rule_items.item_id")
        is_named = np.zeros(len(self.inputs.item_ids), dtype=bool)
        is_named[items] = True
        kind, amount = row["rule_type"], row["amount"]
        if kind in HIDING or (kind == "freshness" and amount is None):
            self.hidden.append(Hidden(rule, is_named))
        elif kind == "minimum_age":
            self.hidden.append(Hidden(rule, is_named, but_for=self._age >= amount))
        elif kind == "bought_within":
            since = self.now - row["days"]
            self.recent.append(Recent(rule, _pairs_since(self.inputs.interactions, since, is_named)))
        elif kind in ("boost", "freshness"):
            self.boosts.append(Boost(rule, is_named, amount))
        elif kind == "pin":
            self.pins += [Pin(rule, int(item), int(amount)) for item in items]
        elif kind == "cap":
            group = np.full(len(is_named), -1, dtype=np.int64)
            group[items] = named["group_name"].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() - 1
            self.caps.append(Cap(rule, group, int(amount)))
        else:
            raise ContractError(
                f"rule {row['rule_id']!r} has the unknown type {kind!r}",
                where="business_rules_in_force.rule_type",
                remedy="use one of the types in docs/business-rules.md",
            )


def _pairs_since(interactions: Interactions, since: float, is_named: np.ndarray) -> sparse.csr_matrix:
    """(n_users, I) CSR, 1 where the user bought one of the items on or after a day."""
    pairs = interactions.between(since, np.inf).pairs()
    pairs.data *= is_named[pairs.indices]
    pairs.eliminate_zeros()
    return pairs


def _check_pins(pins: list[Pin], rule_ids: list[str]) -> None:
    for wanted in ("item", "place"):
        seen: dict[int, Pin] = {}
        for pin in pins:
            other = seen.setdefault(getattr(pin, wanted), pin)
            if other is not pin:
                raise ContractError(
                    f"rules {rule_ids[other.rule]!r} and {rule_ids[pin.rule]!r} pin one {wanted}",
                    where="business_rules_in_force",
                    remedy="build the feature tables again: they leave one of the two out",
                )
