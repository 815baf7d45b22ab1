"""Pseudonyms against the vectors of RFC 4231, in Python and in the SQL that the warehouse runs."""

import hashlib
import hmac
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.privacy.pseudonym import fingerprint, pads, pseudonym

ROOT = Path(__file__).resolve().parents[3]
# Test cases 1, 2, 5, 6 and 7: those whose data are text. The fifth is itself cut to 128 bits, as ours are.
VECTORS = [
    (b"\x0b" * 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
    (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c7"),
    (b"\x0c" * 20, "Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f",
    ),
    (
        b"\xaa" * 131,
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs"
        " to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944",
    ),
]


def in_sql(expression: str) -> str:
    """What `macros/pseudonym.sql` makes of an expression."""
    macros = jinja2.Environment(autoescape=False).from_string((ROOT / "macros" / "pseudonym.sql").read_text())
    return macros.module.duckdb__pseudonym(expression)


def session(key: bytes) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, pad in zip(("shoal_inner_pad", "shoal_outer_pad"), pads(key), strict=True):
        connection.execute(f"set variable {name} = ?", [pad])
    return connection


@pytest.mark.parametrize(("key", "raw_id", "expected"), VECTORS)
def test_vectors_in_python(key: bytes, raw_id: str, expected: str):
    assert pseudonym(key, raw_id) == expected


@pytest.mark.parametrize(("key", "raw_id", "expected"), VECTORS)
def test_vectors_in_sql(key: bytes, raw_id: str, expected: str):
    with session(key) as connection:
        assert connection.execute(f"select {in_sql('?')}", [raw_id]).fetchone() == (expected,)


@given(
    st.binary(min_size=1, max_size=200),
    st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")),
)
def test_sql_is_python(key: bytes, raw_id: str):
    with session(key) as connection:
        (hashed,) = connection.execute(f"select {in_sql('?')}", [raw_id]).fetchone()
    assert hashed == pseudonym(key, raw_id) == hmac.new(key, raw_id.encode(), hashlib.sha256).hexdigest()[:32]


def test_null_stays_null_and_numbers_are_hashed_as_text():
    with session(b"k" * 32) as connection:
        assert connection.execute(f"select {in_sql('null')}, {in_sql('42')}").fetchone() == (
            None,
            pseudonym(b"k" * 32, "42"),
        )


def test_without_the_key_a_view_fails_instead_of_giving_nulls():
    with session(b"k" * 32) as connection:
        connection.execute(f"create view hashed as select {in_sql('range')} as user_id from range(3)")
        assert len(connection.execute("select user_id from hashed").fetchall()) == 3
        for name in ("shoal_inner_pad", "shoal_outer_pad"):
            connection.execute(f"reset variable {name}")
        with pytest.raises(duckdb.InvalidInputException, match="works in dbt alone"):
            connection.execute("select user_id from hashed").fetchall()


def test_a_fingerprint_tells_keys_apart_and_gives_none_away():
    key = b"k" * 32
    assert fingerprint(key) == fingerprint(key) != fingerprint(b"l" * 32)
    assert fingerprint(key)[:32] != pseudonym(key, "fingerprint")
    assert key.decode() not in fingerprint(key)
