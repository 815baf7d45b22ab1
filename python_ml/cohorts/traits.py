"""The words a cohort's name is made of, and what must be true for each to be said.

Only features whose meaning is plain in one word stand here. `variety_ratio`, for one, is left out: it is high
for everybody with few lines, and would call them explorers.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trait:
    """One claim.

    Args:
        family: a name has one trait a family at most ("Morning" and "Evening" are one family).
        word: how the name says it.
        sign: +1: every feature must be above the mean, -1: below.
        features: what must be so. Features that are not in the data are passed over.
        appeal: how telling the word is to a marketer; ranks a trait together with its distance from the mean.
    """

    family: str
    word: str
    sign: int
    features: tuple[str, ...]
    appeal: float


# Said by the noun: "regulars" instead of "shoppers".
REGULAR = Trait("frequency", "regulars", 1, ("order_count",), 1.0)

TRAITS = (
    Trait("spend", "Big-spending", 1, ("monetary_amount",), 1.0),
    Trait("spend", "Light-spending", -1, ("monetary_amount",), 1.0),
    REGULAR,
    Trait("frequency", "Occasional", -1, ("order_count",), 1.0),
    Trait("basket", "Big-basket", 1, ("mean_order_lines", "mean_order_units"), 1.0),
    Trait("basket", "Small-basket", -1, ("mean_order_lines", "mean_order_units"), 1.0),
    Trait("status", "Lapsing", 1, ("recency_days",), 1.2),
    Trait("status", "New", -1, ("tenure_days",), 1.2),
    Trait("rhythm", "Steady", -1, ("stddev_interpurchase_days",), 0.7),
    Trait("coupons", "Coupon-keen", 1, ("coupon_order_share", "coupon_discount_share"), 1.2),
    Trait("deals", "Deal-seeking", 1, ("discount_share", "promoted_line_share"), 1.2),
    Trait("deals", "Full-price", -1, ("discount_share", "discount_line_share"), 1.2),
    Trait("brand", "Own-brand", 1, ("private_brand_share",), 0.3),
    Trait("brand", "Name-brand", -1, ("private_brand_share",), 0.5),
    Trait("range", "Whole-store", 1, ("distinct_department_count", "department_entropy"), 0.7),
    Trait("range", "Few-aisle", -1, ("distinct_department_count", "department_entropy"), 0.7),
    Trait("week", "Weekend", 1, ("saturday_order_share", "sunday_order_share"), 1.0),
    Trait("week", "Weekday", -1, ("saturday_order_share", "sunday_order_share"), 1.0),
    Trait("week", "Monday", 1, ("monday_order_share",), 0.5),
    Trait("week", "Tuesday", 1, ("tuesday_order_share",), 0.5),
    Trait("week", "Wednesday", 1, ("wednesday_order_share",), 0.5),
    Trait("week", "Thursday", 1, ("thursday_order_share",), 0.5),
    Trait("week", "Friday", 1, ("friday_order_share",), 0.5),
    Trait("hours", "Morning", 1, ("morning_order_share",), 0.7),
    Trait("hours", "Afternoon", 1, ("afternoon_order_share",), 0.7),
    Trait("hours", "Evening", 1, ("evening_order_share",), 0.7),
    Trait("hours", "Late-night", 1, ("night_order_share",), 0.7),
    Trait("stores", "Many-store", 1, ("store_count",), 0.5),
    Trait("stores", "One-store", -1, ("store_count",), 0.5),
)

# Said of nobody: such a department tells what the shop could not classify.
VAGUE_GROUPS = frozenset(
    {"miscellaneous", "misc", "other", "others", "unknown", "none", "n/a", "na", "general"}
)
