"""How a sentence about "they" tells each behaviour feature, and the words by which it is known again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """Args: text: {} is the number. topic: words (a regular expression) that a sentence on it must have."""

    text: str
    topic: str


_SPEND = r"spen[dt]"
_DAYS = "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"

PHRASES = {
    "order_count": Phrase("place {} orders", "order"),
    "monetary_amount": Phrase("spend {} in total", _SPEND),
    "recency_days": Phrase("ordered last {} days ago", r"\bdays\b"),
    "tenure_days": Phrase("placed their earliest order {} days ago", r"\bdays\b"),
    "mean_order_amount": Phrase("spend {} an order", _SPEND),
    "mean_order_lines": Phrase("have {} lines in an order", r"\blines?\b"),
    "mean_order_units": Phrase("buy {} units an order", r"\bunits?\b"),
    "mean_unit_price": Phrase("pay {} a unit", r"\bunits?\b"),
    "distinct_category_count": Phrase("buy from {} categories", "categor"),
    "distinct_department_count": Phrase("buy from {} departments", "department"),
    "store_count": Phrase("visit {} stores", r"\bstores?\b"),
    "discount_line_share": Phrase("buy {} of their lines on discount", "discount"),
    "discount_share": Phrase("get {} off the list price", r"\boff\b|discount"),
    "promoted_line_share": Phrase("buy {} of their lines on promotion", "promot"),
    "coupon_order_share": Phrase("use a coupon in {} of their orders", "coupon"),
    "coupon_discount_share": Phrase("get {} of their discounts by coupon", "coupon"),
    "offer_redemption_count": Phrase("redeem {} offers", "offer"),
    "campaign_contact_count": Phrase("are contacted by {} campaigns", "campaign"),
    "private_brand_share": Phrase("spend {} of their money on own brands", "brand"),
    "morning_order_share": Phrase("place {} of their orders in the morning", "morning"),
    "afternoon_order_share": Phrase("place {} of their orders in the afternoon", "afternoon"),
    "evening_order_share": Phrase("place {} of their orders in the evening", "evening"),
    "night_order_share": Phrase("place {} of their orders at night", "night"),
    **{
        f"{day.lower()}_order_share": Phrase(f"place {{}} of their orders on {day}s", day.lower())
        for day in _DAYS
    },
}
