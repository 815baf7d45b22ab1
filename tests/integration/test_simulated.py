"""The simulated shop through `dbt build`: nothing lost, built twice is built once, order does not matter."""

from pathlib import Path

import polars as pl
import pytest

from dagster_defs.simulate import write_shop
from python_ml.simulator.config import SimulatorConfig
from tests.scan import found_in
from tests.shops import TestShop, same_rows, same_when_it_grows, split_and_shuffled, two_parts

pytestmark = pytest.mark.slow

PERSONAL_COLUMNS = ("full_name", "email", "phone", "street")
CONFIG = SimulatorConfig(events=30_000, unreadable_share=0.003)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """A shop of 30,000 events after a `dbt build`."""
    folder = tmp_path_factory.mktemp("simulated")
    write_shop(CONFIG, folder / "files")
    shop = TestShop(data=folder / "files", var=folder / "var", source="simulated")
    built = shop.dbt_build(source="simulated")
    assert " ERROR=0 " in built.stdout
    return shop


def count(shop: TestShop, what: str) -> int:
    return shop.query(f"select count(*) from {what}")[0][0]


def raw(shop: TestShop, table: str) -> pl.DataFrame:
    return pl.read_parquet(shop.data / f"{table}.parquet")


def test_every_table_of_the_contract_is_filled(simulated: TestShop):
    entities = [file.stem.split("__")[1] for file in _views("shop")]
    assert len(entities) == 15
    assert [entity for entity in entities if not count(simulated, f"staging.stg_shop__{entity}")] == []


def test_staging_keeps_every_row_and_stores_none(simulated: TestShop):
    for entity, table in (
        ("order_lines", "order_lines"),
        ("orders", "orders"),
        ("events", "events/*"),
        ("reviews", "reviews"),
        ("support_messages", "support_messages"),
        ("promotions", "promotions"),
        ("inventory_levels", "stock_counts"),
        ("identities", "logins"),
    ):
        assert count(simulated, f"staging.stg_shop__{entity}") == raw(simulated, table).height, entity
    assert [table for table in simulated.tables("staging") if "simulated" in table] == []


@pytest.mark.parametrize("table", ["order_lines", "events", "reviews"])
def test_raw_rows_are_in_core_or_rejected(simulated: TestShop, table: str):
    rows = raw(simulated, "events/*" if table == "events" else table).height
    kept = {
        "order_lines": "(select 1 from core.order_lines union all select 1 from core.order_returns)",
        "events": "core.events where event_type not in ('purchase', 'return')",
        "reviews": "core.reviews",
    }[table]
    if table == "reviews" and kept not in simulated.tables("core"):
        pytest.skip("there is no core.reviews yet")
    rejected = count(simulated, f"core.rejected_rows where table_name = '{table}'")
    assert count(simulated, kept) + rejected == rows


def test_copies_are_numbered_as_the_truth_counts_them(simulated: TestShop):
    truth = raw(simulated, "truth/blemishes").filter(kind="repeated row")
    for table, _, copies in truth.iter_rows():
        assert count(simulated, f"staging.stg_shop__{table} where copy_number > 1") == copies, table
        assert count(simulated, f"staging.stg_shop__{table} where copy_number > 2") == 0


def test_unreadable_values_are_null(simulated: TestShop):
    """As many as the truth counts, told from the raw text and not from what the views made of it."""
    lines = raw(simulated, "order_lines")
    for raw_name, name in (("quantity", "quantity"), ("amount", "sales_amount"), ("booked_at", "ordered_at")):
        garbage = lines.filter(pl.col(raw_name).is_in(["two", "free", "n/a"])).height
        assert count(simulated, f"staging.stg_shop__order_lines where {name} is null") == garbage


def test_only_the_contacted_are_contacts(simulated: TestShop):
    assignments = raw(simulated, "campaign_assignments")
    assert assignments.filter(arm="holdout").height > 0
    treated = assignments.filter(arm="treated").select("campaign_id", "user_id")
    contacts = simulated.table("staging.stg_simulated__campaign_contacts")
    same_rows(contacts, treated, "campaign_contacts")


def test_amounts_are_those_of_the_raw_text(simulated: TestShop):
    lines = raw(simulated, "order_lines").filter(pl.col("amount") != "free")
    total = lines["amount"].str.replace(".", "", literal=True).cast(pl.Int64).sum()
    assert simulated.query(
        "select cast(sum(sales_amount) * 100 as bigint) from staging.stg_shop__order_lines"
    ) == [(total,)]


def test_no_personal_column_leaves_the_raw_file(simulated: TestShop):
    """No view names one, and no value of one is in any staged user."""
    for view in _views("simulated"):
        for name in PERSONAL_COLUMNS:
            assert name not in view.read_text(), f"{view.name} reads {name}"
    users = pl.read_csv(simulated.data / "users.csv", infer_schema=False)
    values = set(pl.concat([users[name] for name in PERSONAL_COLUMNS]))
    staged = simulated.table("staging.stg_shop__users").cast(pl.String)
    assert not values & set(pl.concat([staged[name] for name in staged.columns]).drop_nulls())


def test_nobody_is_found_in_what_the_build_leaves(simulated: TestShop):
    """Ids, addresses, numbers, and those that writers give away; names within texts are not masked."""
    users = pl.read_csv(simulated.data / "users.csv", infer_schema=False).drop_nulls("email").tail(12)
    given_away = raw(simulated, "truth/personal_data").filter(pl.col("kind") != "name")["value"]
    assert len(given_away) >= 3
    people = pl.concat([users[name] for name in ("user_id", "email", "phone", "street")])
    assert found_in(simulated, [*given_away, *people.drop_nulls()]) == []


def test_no_view_reads_the_truth():
    for file in _views("simulated", "*"):
        if file.suffix == ".sql":
            assert "truth" not in file.read_text()


def test_twice_is_once(simulated: TestShop):
    first = {table: simulated.table(table) for table in simulated.tables("core")}
    simulated.dbt_tables(source="simulated")
    for table, frame in first.items():
        same_rows(frame, simulated.table(table), table)


def test_a_delivery_at_a_time_in_any_order_is_all_at_once(simulated: TestShop, tmp_path: Path):
    """Events come by day, in files of other names; of all else, logins among it, a part is there first."""
    events = raw(simulated, "events/*")
    times = events["occurred_at"].fill_null(events["received_at"])
    early, late = two_parts(events.height, seed=2, times=times.to_list())
    first, rest = {"events/z.parquet": events[early]}, {"events/a.parquet": events[late]}
    users = (simulated.data / "users.csv").read_text()
    first["users.csv"], more = split_and_shuffled(users, seed=3)
    rest["users.csv"] = first["users.csv"] + more.partition("\n")[2]
    for file in simulated.data.glob("*.parquet"):
        frame = pl.read_parquet(file)
        some, others = two_parts(frame.height, seed=1)
        first[file.name], rest[file.name] = frame[some], frame[others + some]
    same_when_it_grows(simulated, tmp_path, first, rest)


def _views(source: str, pattern: str = "stg_*.sql") -> list[Path]:
    return sorted((Path(__file__).resolve().parents[2] / "models" / "staging" / source).glob(pattern))
