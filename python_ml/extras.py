"""Packages that Shoal can do without: what is left out where they are not installed."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def version_of(package: str) -> str | None:
    """The installed version of a package, None where it is not installed; nothing is imported."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
