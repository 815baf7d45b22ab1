"""Twenty readers on the published copy while runs are killed and one comes to its end: no error anywhere."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.shops import NOT_OF_GROCER, TestShop, copy_of, kill, same_rows

pytestmark = pytest.mark.slow
REST_SECONDS = 10


class Reader(threading.Thread):
    """Opens the published copy again and again and reads every serving table to its last row."""

    def __init__(self, file: Path, stop: threading.Event) -> None:
        super().__init__()
        self.file, self.stop = file, stop
        self.errors: list[str] = []
        self.passes = 0

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self._read_everything()
                self.passes += 1
            except duckdb.Error as error:
                self.errors.append(str(error))
            # Without a rest twenty readers take both cores, and the run goes on for ten minutes.
            self.stop.wait(REST_SECONDS)

    def _read_everything(self) -> None:
        with duckdb.connect(self.file, read_only=True) as connection:
            tables = connection.sql(
                "select table_schema, table_name from information_schema.tables"
                " where table_schema = 'serving'"
            ).fetchall()
            if not tables:
                self.errors.append("no table")
            for schema, table in tables:
                if (
                    connection.sql(f"select * from {schema}.{table}").to_arrow_table().num_rows == 0
                    and table not in NOT_OF_GROCER
                ):
                    self.errors.append(f"{table} is empty")


@contextmanager
def twenty_readers(file: Path) -> Iterator[list[Reader]]:
    stop = threading.Event()
    readers = [Reader(file, stop) for _ in range(20)]
    try:
        for reader in readers:
            reader.start()
            time.sleep(REST_SECONDS / len(readers))  # at every moment somebody reads
        yield readers
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_readers_see_a_whole_copy_through_kills_and_a_run(built_shop: TestShop, tmp_path: Path):
    """`kill -9` at random moments: readers always have a whole copy, the next run completes.

    The long version, ten kills on the whole grocer, is `make bench NAME=kills`.
    """
    shop = copy_of(built_shop, tmp_path / "var")
    for ml_model in (shop.folder / "models").rglob("*.safetensors"):
        ml_model.unlink()
    moments = random.Random(20171201)
    before = {table: shop.table(table, file=shop.published) for table in shop.tables("serving")}
    with twenty_readers(shop.published) as readers:
        for attempt in range(3):
            process = shop.start(SHOAL_AS_OF_DATE="2017-12-01")
            time.sleep(moments.uniform(2, 30))
            kill(process)
            for table, frame in before.items():
                same_rows(frame, shop.table(table, file=shop.published), f"{table} after kill {attempt + 1}")
        done = shop.run(SHOAL_AS_OF_DATE="2017-12-01")
        assert done.returncode == 0, done.stderr[-4000:]
        time.sleep(REST_SECONDS + 2)  # everybody has read the new copy
    assert [error for reader in readers for error in reader.errors] == []
    assert min(reader.passes for reader in readers) > 4
    assert shop.query(
        "select distinct as_of_date::varchar from serving.user_cohorts", file=shop.published
    ) == [("2017-12-01",)]
    assert not list(shop.folder.glob("*.partial*"))
