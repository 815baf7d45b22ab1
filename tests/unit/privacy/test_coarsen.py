"""Coordinates: as coarse as the setting says, and never exact."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[3]


def coarsened(degrees: str, decimals: object) -> float:
    def refuse(message: str) -> None:
        raise ValueError(message)

    environment = jinja2.Environment(autoescape=False)
    environment.globals |= {
        "var": {"coordinate_decimals": decimals}.__getitem__,
        "exceptions": SimpleNamespace(raise_compiler_error=refuse),
    }
    macros = environment.from_string((ROOT / "macros" / "coarsen.sql").read_text())
    with duckdb.connect() as connection:
        return connection.sql(f"select {macros.module.coarsen(degrees)}").fetchone()[0]


@pytest.mark.parametrize(
    ("degrees", "decimals", "expected"),
    [
        ("48.85837", 0, 49.0),
        ("48.85837", 1, 48.9),
        ("48.85837", 2, 48.86),
        ("-46.63333", 1, -46.6),
        ("'2.37941'", 3, 2.379),
        ("null", 1, None),
    ],
)
def test_rounded_to_the_setting(degrees: str, decimals: int, expected: float | None):
    assert coarsened(degrees, decimals) == expected


@pytest.mark.parametrize("decimals", [-1, 4, 6, "exact", None])
def test_exact_coordinates_are_refused(decimals: object):
    with pytest.raises(ValueError, match=f"coordinate_decimals is {decimals}"):
        coarsened("48.85837", decimals)
