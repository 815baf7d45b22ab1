"""Users who have ordered, as arrays; no frames here.

Shapes: N users, F behaviour features, G and I categories, D embedding dimensions.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class BuyerArrays:
    """Users with at least one order, sorted by user_id.

    Args:
        user_ids: N ids.
        feature_names: F names.
        values: float64 (N, F), NaN where unknown.
        orders: float64 (N,).
        common_categories: those of the next that most users bought, which a fit compares users by; the others
            are of an earlier fit.
        spend_categories: G names, sorted.
        spend: float64 (N, G), what the user spent on each, in the shop's currency; rows of NaN of a user who
            bought nothing of a known category.
        tastes: float64 (N, D), spend-weighted mean embedding of what the user bought, NaN of a user who
            bought nothing that has one.
        interest_categories: I names, sorted, of what users looked at; none where the shop logs no such acts.
        interest_roots: float64 (N, I), square root of each category's share of the user's acts that are no
            purchase: looks, clicks, carts, wishes. Rows of NaN of a user without one.
    """

    user_ids: list[str]
    feature_names: list[str]
    values: np.ndarray
    orders: np.ndarray
    common_categories: list[str]
    spend_categories: list[str]
    spend: np.ndarray
    tastes: np.ndarray
    interest_categories: list[str]
    interest_roots: np.ndarray

    def to_fit_on(self) -> "BuyerArrays":
        """The same without the categories of an earlier fit, which would else go on for ever."""
        columns = [self.spend_categories.index(name) for name in self.common_categories]
        return replace(self, spend_categories=self.common_categories, spend=self.spend[:, columns])
