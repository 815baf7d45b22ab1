"""One small shop for all tests: 16 buyers in four tastes, 14 items, 20 weeks."""

from datetime import date, datetime, timedelta

import numpy as np

AS_OF = date(2024, 6, 1)
BUYERS = [f"u{number:02d}" for number in range(16)]
NEWCOMERS = ["u90", "u91", "u92"]  # known, but without a purchase: of cohort c1, of the tiny c9, of none
ITEMS = [f"i{number:02d}" for number in range(14)]
NEVER_SOLD = "i12"
WITHOUT_TEXT = "i13"
NOT_RECOMMENDABLE = "i00"  # everybody's favourite, so that the rule has something to remove


def purchases() -> list[tuple[str, str, datetime]]:
    """User, item and time: every week a favourite and item i00, every other week something by chance."""
    generator = np.random.default_rng(1)
    rows = []
    for number, user in enumerate(BUYERS):
        for week in range(20):
            at = datetime(2024, 6, 1) - timedelta(days=7 * week + 1 + number % 5, hours=number)
            items = {0, 3 * (number % 4) + week % 3}
            if generator.random() < 0.5:
                items.add(int(generator.integers(12)))
            rows += [(user, ITEMS[item], at) for item in sorted(items)]
        rows.append((user, WITHOUT_TEXT, datetime(2024, 3, 1) + timedelta(hours=number)))
    return rows
