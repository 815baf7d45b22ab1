"""Fingerprints change with data, settings and code, and with nothing else."""

import random
from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from dagster_defs.ml_assets import step
from dagster_defs.ml_assets.step import carries_version, current_tables, fingerprint, markdown_table
from python_ml.config import EmbeddingConfig

AS_OF = date(2018, 1, 1)
FRAME = pl.DataFrame({"user_id": ["a", "b", "c"], "monetary_amount": [1.0, 2.5, None]})


def version(frame: pl.DataFrame = FRAME, config: EmbeddingConfig | None = None, seed: int = 0) -> str:
    return fingerprint(config or EmbeddingConfig(), code="embedding", frames={"users": frame}, seed=seed)


@given(
    st.lists(st.tuples(st.text(), st.integers(-(2**63), 2**63 - 1)), max_size=20),
    st.randoms(use_true_random=False),
)
def test_row_order_does_not_count(rows: list[tuple[str, int]], randomness: random.Random):
    shuffled = rows.copy()
    randomness.shuffle(shuffled)
    schema = {"key": pl.String, "value": pl.Int64}
    assert version(pl.DataFrame(rows, schema, orient="row")) == version(
        pl.DataFrame(shuffled, schema, orient="row")
    )


def test_last_bits_of_a_sum_do_not_count():
    assert version(FRAME.with_columns(pl.col("monetary_amount") * (1 + 2e-16))) == version()


def test_long_frames_are_hashed_in_parts_and_categories_by_their_strings(monkeypatch):
    _, _, expected = step._frame_hash(FRAME)
    monkeypatch.setattr(step, "ROWS_HASHED_TOGETHER", 2)
    assert step._frame_hash(FRAME)[2] == expected
    rows, schema, found = step._frame_hash(FRAME.cast({pl.String: pl.Categorical}))
    assert (rows, schema[0], found) == (3, "user_id Categorical", expected)
    assert step._frame_hash(FRAME.clear())[0] == 0


def test_every_cause_counts():
    changed = FRAME.with_columns(pl.col("monetary_amount") * 1.001)
    versions = {
        version(),
        version(changed),
        version(FRAME.head(2)),
        version(pl.concat([FRAME, FRAME.tail(1)])),
        version(FRAME.rename({"user_id": "visitor_id"})),
        version(config=EmbeddingConfig(max_tokens=64)),
        version(seed=1),
        fingerprint(EmbeddingConfig(), code="cohorts", frames={"users": FRAME}, seed=0),
    }
    assert len(versions) == 8


def test_markdown_table():
    table = markdown_table(pl.DataFrame({"model": ["ease"], "ndcg": [0.04752]}))
    assert table.value == "| model | ndcg |\n| --- | --- |\n| ease | 0.0475 |"


class StubShop:
    """A shop whose tables of schema `ml` are given."""

    def __init__(self, **tables: pl.DataFrame) -> None:
        self.tables = tables

    def warehouse(self):
        return self

    def read_distinct(self, _schema: str, table: str, *, columns: list[str]) -> pl.DataFrame:
        return self.tables[table].select(columns).unique()


def stamped(*versions: str) -> pl.DataFrame:
    rows = [(version, AS_OF) for version in versions]
    return pl.DataFrame(rows, schema={"model_version": pl.String, "as_of_date": pl.Date}, orient="row")


def test_an_empty_table_of_a_step_is_current_beside_a_filled_one():
    def is_current(**tables: pl.DataFrame) -> bool:
        return carries_version(StubShop(**tables), list(tables), "v1", AS_OF)

    assert is_current(recommendations=stamped("v1", "v1"), similar_items=stamped())
    assert not is_current(recommendations=stamped("v1"), similar_items=stamped("v0"))
    assert not is_current(recommendations=stamped(), similar_items=stamped())


def test_tables_of_one_step_may_have_versions_of_their_own():
    """A business rule makes other lists, and leaves the items' neighbours as they are."""
    versions = {"recommendations": "lists", "similar_items": "models"}

    def current(**tables: pl.DataFrame) -> set[str]:
        return current_tables(StubShop(**tables), versions, AS_OF)

    assert current(recommendations=stamped("lists"), similar_items=stamped("models")) == set(versions)
    assert current(recommendations=stamped("old"), similar_items=stamped("models")) == {"similar_items"}
    assert current(recommendations=stamped("lists", "old"), similar_items=stamped("old")) == set()
    # Where nobody bought anything there are no lists, and that is known by the table beside it.
    assert current(recommendations=stamped(), similar_items=stamped("models")) == set(versions)
    assert current(recommendations=stamped(), similar_items=stamped()) == set()
