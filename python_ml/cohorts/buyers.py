"""Users who have ordered, as arrays; no frames here.

Shapes: N users, F behaviour features, G and I categories, D embedding dimensions.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class BuyerArrays:
    """Users with at least one order, sorted by user_id.

    Args:
        user_ids: N ids.
        feature_names: F names.
        values: float64 (N, F), NaN where unknown.
        orders: float64 (N,).
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
    spend_categories: list[str]
    spend: np.ndarray
    tastes: np.ndarray
    interest_categories: list[str]
    interest_roots: np.ndarray
