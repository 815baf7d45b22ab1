"""The simulator's raw tables: the same again, of the size asked for, adding up, with known blemishes."""

import dataclasses
import tracemalloc
from datetime import date, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from python_ml.errors import SettingError
from python_ml.simulator.catalogue import make_catalogue, make_choice
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.population import KIOSK, make_groups, visitor_ids
from python_ml.simulator.simulate import simulate
from tests.unit.simulator.simulated import clean_lines

Shop = dict[str, pl.DataFrame]


def bytes_of(config: SimulatorConfig) -> list[tuple]:
    def serialised(rows: pa.Table) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return sink.getvalue().to_pybytes()

    return [(piece.table, piece.part, serialised(piece.rows)) for piece in simulate(config)]


def test_same_seed_same_bytes():
    config = SimulatorConfig(events=6_000, seed=3, block_users=10)
    first = bytes_of(config)
    assert first == bytes_of(config)
    other = bytes_of(SimulatorConfig(events=6_000, seed=4, block_users=10))
    changed = {one[0] for one, two in zip(first, other, strict=False) if one != two}
    assert {"events", "users", "items", "truth/groups"} <= changed


def test_noise_draws_groups_together():
    """At 0.25 a quarter of every trait is the middle of its range, and a quarter of taste is everybody's."""
    apart, nearer, alike = (make_groups(SimulatorConfig(seed=3, group_noise=noise)) for noise in (0, 0.25, 1))
    # Coupon use lies between 0.1 and 0.9, growth between -0.5 and 0.9, the busiest hour between 8 and 22.
    for trait, low, high in (("coupon_use", 0.1, 0.9), ("growth", -0.5, 0.9), ("peak_hour", 8, 22)):
        quarter = (low + high) / 2 / 4
        ends = np.array([low, high]) * 3 / 4 + quarter
        assert np.sort(getattr(apart, trait))[[0, -1]] == pytest.approx([low, high])
        assert np.sort(getattr(nearer, trait))[[0, -1]] == pytest.approx(ends)
    everybody = (apart.taste * apart.share[:, None]).sum(axis=0)
    np.testing.assert_allclose(nearer.taste, 3 / 4 * apart.taste + 1 / 4 * everybody)
    assert alike.share.tolist() == apart.share.tolist()
    for trait in dataclasses.fields(alike):
        if trait.name != "share":
            values = getattr(alike, trait.name)
            np.testing.assert_allclose(values, np.broadcast_to(values[0], values.shape), err_msg=trait.name)


def test_as_many_events_as_asked_for(shop: Shop):
    assert shop["events"].height == pytest.approx(400_000, rel=0.05)
    assert (shop["users"].height, shop["items"].height) == (2_000, round(40 * 2_000**0.5))
    assert shop["events"]["occurred_at"].min().year == 2024


def test_memory_does_not_grow_with_the_events():
    """Four times the users, four times the blocks; the items and the block stay."""

    def peak(users: int) -> int:
        tracemalloc.start()
        for _ in simulate(SimulatorConfig(events=users * 200, users=users, items=360, block_users=50)):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(50)  # what is imported and cached at the first use
    assert peak(800) < 1.25 * peak(200)


def test_parts_are_months_of_receipt():
    for piece in simulate(SimulatorConfig(events=6_000, late_share=0.2)):
        if piece.table == "events":
            months = pl.from_arrow(piece.rows)["received_at"].dt.strftime("%Y-%m").unique().to_list()
            assert months == [piece.part]


def test_blemishes_are_those_counted(small_shop: Shop):
    counted = {(table, kind): rows for table, kind, rows in small_shop["truth/blemishes"].iter_rows()}
    for table, key in (("events", "event_id"), ("reviews", "review_id"), ("support_messages", "message_id")):
        rows = small_shop[table]
        repeated = rows.height - rows.n_unique()
        assert repeated == counted[table, "repeated row"] == rows.height - rows[key].n_unique()
    lines = small_shop["order_lines"].unique()
    assert small_shop["order_lines"].height - lines.height == counted["order_lines", "repeated row"] > 0
    spoilt = lines.filter(
        pl.any_horizontal(pl.col("quantity", "amount", "booked_at").is_in(["two", "free", "n/a"]))
    )
    assert spoilt.height == counted["order_lines", "unreadable value"] > 0
    events = small_shop["events"].unique()
    spoilt = events.filter(pl.col("occurred_at").is_null() | (pl.col("event_type") == "vi?w"))
    assert spoilt.height == counted["events", "unreadable value"] > 0
    late = events.filter(pl.col("received_at") - pl.col("occurred_at") > timedelta(days=1))
    assert late.height / events.height == pytest.approx(0.005, abs=0.002)


def test_amounts_add_up_to_the_list_price(small_shop: Shop):
    lines = clean_lines(small_shop).join(small_shop["items"].select("item_id", "list_price"), on="item_id")
    whole = lines["amount"] + lines["shelf_discount"] + lines["coupon_discount"]
    assert np.abs(whole - lines["list_price"] * lines["quantity"]).max() < 0.005
    assert lines.filter(pl.col("coupon_discount") > 0).height > 0


def test_orders_and_lines_agree(small_shop: Shop):
    orders, lines = small_shop["orders"], small_shop["order_lines"].filter(kind="sale")
    assert orders["order_id"].is_unique().all()
    assert set(lines["order_id"]) == set(orders["order_id"])
    returned = small_shop["order_lines"].filter(kind="return")
    kept = orders.filter(~pl.col("status").is_in(["cancelled", "test"]))
    assert set(returned["order_id"].str.strip_prefix("R")) <= set(kept["order_id"])
    assert 0 < orders["user_id"].null_count() < orders.height / 4


def test_orders_end_in_every_way(shop: Shop):
    orders = shop["orders"]
    assert set(orders["status"]) == {"delivered", "sent", "cancelled", "test"}
    assert orders.filter(status="test")["user_id"].is_null().all()
    assert (orders["status"] == "cancelled").mean() == pytest.approx(0.025, abs=0.005)
    assert (orders["delivered_at"].is_null() == (orders["status"] != "delivered")).all()


def test_visits_can_be_cut_at_half_an_hour(shop: Shop):
    """The platform gives no session; a browser's pauses of half an hour tell visits apart."""
    own = shop["truth/visitors"].filter(kind="own")
    pauses = (
        shop["events"]
        .drop_nulls("occurred_at")
        .join(own.select("visitor_id"), on="visitor_id")
        .sort("visitor_id", "occurred_at")
        .select((pl.col("occurred_at").diff().over("visitor_id") > timedelta(minutes=30)).fill_null(True))
    )
    # Visits on shared devices, about 3 %, are not among the own ones.
    assert pauses.to_series().sum() == pytest.approx(0.97 * shop["truth/users"]["visits"].sum(), rel=0.02)


def test_who_is_known_has_logged_in_before(shop: Shop):
    first = shop["logins"].group_by("visitor_id", "user_id").agg(pl.col("linked_at").min())
    known = shop["events"].drop_nulls(["user_id", "occurred_at"])
    joined = known.join(first, on=["visitor_id", "user_id"], how="left")
    assert joined["linked_at"].null_count() == 0
    early = joined.filter(pl.col("occurred_at") < pl.col("linked_at") - timedelta(seconds=10))
    assert early.height == 0
    shared = shop["truth/visitors"].filter(kind="shared")["visitor_id"]
    users = (
        shop["logins"].filter(pl.col("visitor_id").is_in(shared.implode())).group_by("visitor_id").n_unique()
    )
    assert users["user_id"].min() > 20
    share_known = known.height / shop["events"].height
    assert 0.5 < share_known < 0.85


def test_bots_are_faster_than_people(shop: Shop):
    bots = shop["truth/visitors"].filter(kind="bot")["visitor_id"]
    gaps = (
        shop["events"].unique("event_id").drop_nulls("occurred_at").sort("visitor_id", "occurred_at")
        .with_columns(pl.col("occurred_at").diff().over("visitor_id").dt.total_milliseconds().alias("gap"))
        .with_columns(pl.col("visitor_id").is_in(bots.implode()).alias("is_bot"))
        .group_by("is_bot").agg(pl.col("gap").median(), pl.len())
    )  # fmt: skip
    by_kind = {bot: (gap, rows) for bot, gap, rows in gaps.iter_rows()}
    assert by_kind[True][0] < 1_000 < 5_000 < by_kind[False][0]
    assert by_kind[True][1] / shop["events"].height == pytest.approx(0.008, rel=0.35)
    theirs = shop["events"].filter(pl.col("visitor_id").is_in(bots.implode()))
    assert theirs["user_id"].is_null().all()


def test_stock_adds_up(small_shop: Shop):
    stock = small_shop["stock_counts"].sort("item_id", "counted_on")
    assert stock["pieces"].min() >= 0
    assert stock["received_pieces"].min() >= 0
    went = stock.with_columns(
        (pl.col("pieces") + pl.col("received_pieces") - pl.col("pieces").shift(-1))
        .over("item_id")
        .alias("sold")
    ).drop_nulls("sold")
    # Lines with an unreadable value were sold too, and the last week has no next count.
    read = clean_lines(small_shop).filter(pl.col("week_start_date") < stock["counted_on"].max())
    sold = read.group_by("item_id", "week_start_date").agg(pl.col("quantity").sum())
    both = went.join(
        sold, left_on=["item_id", "counted_on"], right_on=["item_id", "week_start_date"], how="left"
    ).with_columns(pl.col("quantity").fill_null(0))
    assert (both["sold"] >= both["quantity"]).all()
    assert both["sold"].sum() - both["quantity"].sum() < 0.03 * both["sold"].sum()


def test_every_personal_value_is_listed_and_found(shop: Shop):
    texts = {
        table: dict(shop[table].select(key, "body").iter_rows())
        for table, key in (("reviews", "review_id"), ("support_messages", "message_id"))
    }
    listed = shop["truth/personal_data"]
    assert set(listed["kind"]) == {"email", "phone", "card", "name"}
    for table, row, column, _, value in listed.iter_rows():
        assert column == "body"
        assert value in texts[table][row]
    for table, bodies in texts.items():
        rows = set(listed.filter(table_name=table)["row_id"])
        suspicious = r"@example|\+1 202|138\d{8}|9999 0000|Regards|我叫"
        found = pl.DataFrame({"row": list(bodies), "body": list(bodies.values())}).filter(
            pl.col("body").str.contains(suspicious)
        )
        assert set(found["row"]) == rows


def test_user_and_guest_tables_keep_apart(small_shop: Shop):
    users = set(small_shop["users"]["user_id"])
    for table in ("events", "order_lines", "orders", "reviews", "support_messages", "logins"):
        assert set(small_shop[table]["user_id"].drop_nulls()) <= users, table
    guests = small_shop["truth/visitors"].filter(kind="guest").select("visitor_id")
    assert small_shop["events"].join(guests, on="visitor_id")["user_id"].is_null().all()
    assert small_shop["coupon_redemptions"].select("user_id", "campaign_id").is_unique().all()


def test_a_draw_never_leaves_its_item_type():
    config = SimulatorConfig(events=100_000)
    catalogue = make_catalogue(config)
    choice = make_choice(catalogue, make_groups(config).price_sensitivity)
    kinds, types, _ = choice.bought.shape
    kind, item_type = (grid.ravel() for grid in np.meshgrid(np.arange(kinds), np.arange(types)))
    for chance in (0.0, 0.5, np.nextafter(1.0, 0.0)):
        item = choice.draw(kind, item_type, np.full(len(kind), chance))
        assert (catalogue.item_type[item] == item_type).all()


def test_visitor_ids_are_all_different():
    numbers = np.concatenate([np.arange(20_000), KIOSK + np.arange(100), KIOSK * 2 + np.arange(100)])
    assert len(set(visitor_ids(numbers, seed=7).tolist())) == len(numbers)


@pytest.mark.parametrize(
    "setting",
    [
        {"events": 10},
        {"start_date": date(2024, 1, 2)},
        {"late_share": 1.5},
        {"groups": 1},
        {"items": 5},
        {"days": 50},
        {"campaigns": 40},
        {"group_noise": 1.1},
    ],
)
def test_a_setting_out_of_range_is_refused(setting: dict):
    with pytest.raises(SettingError, match=next(iter(setting))):
        SimulatorConfig(**setting)
