"""What a setting may be; a value outside raises SettingError and says what is allowed."""

from python_ml.errors import SettingError


def check_range(table: str, config: object, names: tuple[str, ...], low: float, high: float) -> None:
    """Raise SettingError unless low <= value <= high for each of the named fields."""
    for name in names:
        value = getattr(config, name)
        if not low <= value <= high:
            raise SettingError(
                f"{name} is {value}", where=f"settings, [{table}]", remedy=f"use {low:g} to {high:g}"
            )


def check_grid(
    table: str, config: object, names: tuple[str, ...], low: float, high: float = float("inf")
) -> None:
    """Raise SettingError unless each of the named fields holds values, all of them low to high."""
    allowed = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
    for name in names:
        values = getattr(config, name)
        if not values or min(values) < low or max(values) > high:
            raise SettingError(
                f"{name} is {values}",
                where=f"settings, [{table}]",
                remedy=f"give one or more values, each {allowed}",
            )


def check_names(
    table: str, config: object, name: str, values: tuple[str, ...], known: tuple[str, ...]
) -> None:
    """Raise SettingError unless there are values and all are known."""
    if not values or not set(values) <= set(known):
        raise SettingError(
            f"{name} is {getattr(config, name)!r}",
            where=f"settings, [{table}]",
            remedy=f"use {' or '.join(known)}",
        )
