"""Twenty readers on the published copy while a whole run on the real files writes: no error anywhere."""

import threading
import time
from pathlib import Path

import duckdb
import pytest

from tests.shops import TestShop

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
        with duckdb.connect(self.file, read_only=True, config={"threads": 1}) as connection:
            tables = connection.sql(
                "select table_schema, table_name from information_schema.tables"
                " where table_schema = 'serving'"
            ).fetchall()
            assert tables
            for schema, table in tables:
                assert connection.sql(f"select * from {schema}.{table}").to_arrow_table().num_rows > 0


def test_readers_never_block_and_are_never_blocked(real_shop: TestShop, built_shop: TestShop):
    real_shop.folder.mkdir(parents=True)
    real_shop.published.write_bytes(
        built_shop.published.read_bytes()
    )  # something to read from the first second
    stop = threading.Event()
    readers = [Reader(real_shop.published, stop) for _ in range(20)]
    for reader in readers:
        reader.start()
        time.sleep(REST_SECONDS / len(readers))  # at every moment of the run somebody reads
    try:
        done = real_shop.run()
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert done.returncode == 0, done.stderr[-4000:]
    assert [error for reader in readers for error in reader.errors] == []
    assert min(reader.passes for reader in readers) > 2
    published = real_shop.query("select count(*) from core.users", file=real_shop.published)
    assert published == [(2469,)], "the copy was swapped under the readers"
    _check_the_grocer(real_shop)


def _check_the_grocer(shop: TestShop) -> None:
    """The same run also shows that the real files arrive whole: the publisher's own numbers."""
    assert shop.query(
        "select (select count(*) from core.order_lines) +"
        " (select count(*) from core.rejected_rows where table_name = 'order_lines')"
    ) == [(1_469_307,)]
    assert shop.query("select count(*) from core.items") == [(92_331,)]
