"""Sessions, bots and identities on a made-up web log, against plain readings of it; days added one by one."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.behaviour import FIRST_DAY, GAP, Contract, persons, random_log, visits
from tests.shops import TestShop, copy_of, same_rows

pytestmark = pytest.mark.slow

DAYS = 16
LOOK_BACK = 3
TABLES = (
    "events",
    "sessions",
    "orders",
    "order_lines",
    "order_returns",
    "identity_links",
    "users",
    "rejected_rows",
)


def build(shop: TestShop, *arguments: str, tested: bool = True, check: bool = True, **variables: object):
    """dbt's models of core, and their tests if asked, upon the staged tables as they are."""
    selected = ("--select", "path:models/core", "country_names")
    if not tested:
        return shop.dbt_tables(*selected, *arguments, check=check, **variables)
    only = ("--indirect-selection", "buildable")
    return shop.dbt_build(*selected, *only, *arguments, check=check, **variables)


def core(shop: TestShop) -> dict:
    return {table: shop.table(f"core.{table}") for table in TABLES}


@pytest.fixture(scope="module")
def log() -> Contract:
    return random_log(seed=20240301, days=DAYS)


@pytest.fixture(scope="module")
def whole(log: Contract, tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """All days at once."""
    folder = tmp_path_factory.mktemp("whole")
    shop = TestShop(data=folder, var=folder)
    log.write(shop)
    build(shop)
    return shop


def accepted(log: Contract) -> list[dict]:
    return [
        event
        for event in log.rows["events"]
        if event.get("copy_number", 1) == 1
        and event["event_type"] != "sneeze"
        and (event.get("user_id") or event.get("visitor_id"))
    ]


def person_of_events(log: Contract) -> dict[str, tuple[str, str]]:
    """Who did each accepted event: ("user", id) or, where nobody is known, ("visitor", id)."""
    links = [(row["visitor_id"], row["user_id"], row["linked_at"]) for row in log.rows["identities"]]
    links += [(row.get("visitor_id"), row.get("user_id"), row["occurred_at"]) for row in accepted(log)]
    links = [link for link in links if link[0] and link[1]]
    first_linked: dict[str, datetime] = {}
    users_of = defaultdict(set)
    for visitor, user, at in links:
        first_linked[user] = min(at, first_linked.get(user, at))
        users_of[visitor].add(user)
    person = persons([link[:2] for link in links], first_linked, max_users=3)
    found = {}
    for event in accepted(log):
        visitor, user = event.get("visitor_id"), event.get("user_id")
        behind = {person[each] for each in users_of[visitor]} if len(users_of[visitor]) <= 3 else set()
        if user is None and len(behind) == 1:
            (user,) = behind
        found[event["event_key"]] = ("user", person.get(user, user)) if user else ("visitor", visitor)
    return found


def read_visits(log: Contract) -> list[list[dict]]:
    """Accepted events of one person without a pause over the gap, in plain loops."""
    person, by_person = person_of_events(log), defaultdict(list)
    for event in accepted(log):
        by_person[person[event["event_key"]]].append(event)
    found = []
    for events in by_person.values():
        for times in visits([event["occurred_at"] for event in events]):
            found.append([event for event in events if times[0] <= event["occurred_at"] <= times[-1]])
    return found


def is_bot(visit: list[dict]) -> bool:
    times = [event["occurred_at"] for event in visit]
    seconds = (max(times) - min(times)).total_seconds()
    return len(visit) > 1000 or (len(visit) >= 60 and 60 * len(visit) > 60 * seconds)


def test_every_event_has_the_person_and_session_of_a_plain_reading(log: Contract, whole: TestShop):
    person = person_of_events(log)
    assert len({who for who in person.values() if who[0] == "visitor"}) > 2
    built = {
        row[0]: row[1:]
        for row in whole.query(
            "select event_key, person_id, user_id, session_id, is_bot"
            " from intermediate.int_events_sessionised"
        )
    }
    assert {key: row[0] for key, row in built.items()} == {key: " ".join(who) for key, who in person.items()}
    expected, got = set(), defaultdict(set)
    for visit in read_visits(log):
        cut = frozenset(event["event_key"] for event in visit if not event.get("session_id"))
        expected |= {cut} if cut else set()
        for event in visit:
            assert built[event["event_key"]][3] == is_bot(visit)
            if event.get("session_id"):
                assert built[event["event_key"]][2] == event["session_id"]
            else:
                got[built[event["event_key"]][2]].add(event["event_key"])
    assert {frozenset(keys) for keys in got.values()} == expected


def test_bots_are_rejected_and_nobody_else_as_one(log: Contract, whole: TestShop):
    bots = {event["event_key"] for visit in read_visits(log) if is_bot(visit) for event in visit}
    assert len(bots) == 90
    assert {
        key
        for (key,) in whole.query(
            "select payload ->> 'event_key' from core.rejected_rows where reason_code = 'bot'"
        )
    } == bots
    assert whole.query("select count(*) from core.events where visitor_id = 'v_bot'") == [(0,)]


def test_each_order_is_in_the_session_around_it(log: Contract, whole: TestShop):
    spans = defaultdict(list)
    sessions = dict(whole.query("select event_key, session_id from intermediate.int_events_sessionised"))
    person = person_of_events(log)
    for visit in read_visits(log):
        times = defaultdict(list)
        for event in visit:
            times[sessions[event["event_key"]]].append(event["occurred_at"])
        kind, who = person[visit[0]["event_key"]]
        if kind == "user":
            spans[who] += [(min(at), max(at), session) for session, at in times.items()]
    orders = whole.query("select order_id, user_id, ordered_at from core.orders")
    expected = {}
    for order_id, user, at in orders:
        near = [
            (start > at, max(start - at, at - end, timedelta(0)), FIRST_DAY - start, session)
            for start, end, session in spans[user]
            if start - GAP <= at <= end + GAP
        ]
        expected[order_id] = min(near)[3] if near else order_id
    got = dict(
        whole.query("select distinct order_id, session_id from core.events where event_type = 'purchase'")
    )
    assert got == expected
    alone = sum(order_id == session for order_id, session in expected.items())
    assert 5 < alone < len(expected) - 5


def test_engaged_seconds_are_the_capped_pauses(whole: TestShop):
    """With a window over every event, which the model avoids."""
    differing = whole.query(
        "with pauses as (select session_id, datediff('second', lag(occurred_at) over ("
        " partition by session_id order by occurred_at), occurred_at) as pause from core.events)"
        " select session_id, engaged_seconds, sum(least(pause, 300)) filter (pause is not null) from pauses"
        " join core.sessions using (session_id) group by all"
        " having engaged_seconds <> coalesce(sum(least(pause, 300)) filter (pause is not null), 0)"
    )
    assert differing == []


def test_users_of_one_person_share_one_id_everywhere(whole: TestShop):
    aliases = dict(whole.query("select user_id, person_user_id from intermediate.int_user_aliases"))
    assert aliases
    assert not set(aliases.values()) & set(aliases)
    tables = ("events", "order_lines", "order_returns", "orders", "sessions", "users")
    for table in (*tables, "campaign_contacts", "offer_redemptions"):
        users = {user for (user,) in whole.query(f"select distinct user_id from core.{table}")}
        assert not users & set(aliases), table
    for table in ("campaign_contacts", "offer_redemptions"):
        assert whole.query(f"select count(*) from core.{table}") == [(24,)], table
    raw = whole.query(
        "select sum(sales_amount) from core.int_order_lines_checked"
        " where reason_code is null and not is_return"
    )
    assert raw == whole.query("select sum(sales_amount) from core.order_lines")


@pytest.mark.parametrize("max_users", [1, 2, 3, 5])
def test_components_are_those_of_networkx(tmp_path: Path, max_users: int):
    """Two hundred random graphs of users and browsers in one table, from sparse to tangled."""
    chance = random.Random(max_users)
    shop = TestShop(data=tmp_path, var=tmp_path)
    contract = Contract()
    for graph in range(200):
        users, browsers = chance.randrange(1, 9), chance.randrange(1, 9)
        for _ in range(chance.randrange(1, 14)):
            contract.rows["identities"].append(
                {
                    "visitor_id": f"v{graph}-{chance.randrange(browsers)}",
                    "user_id": f"u{graph}-{chance.randrange(users)}",
                    "linked_at": FIRST_DAY + timedelta(minutes=chance.randrange(5)),
                }
            )
    contract.write(shop)
    shop.dbt_tables("--select", "+identity_links,path:models/core", identity_max_users=max_users)
    links = [(row["visitor_id"], row["user_id"]) for row in contract.rows["identities"]]
    first_linked: dict[str, datetime] = {}
    for row in contract.rows["identities"]:
        user = row["user_id"]
        first_linked[user] = min(row["linked_at"], first_linked.get(user, row["linked_at"]))
    built = shop.query("select distinct user_id, person_user_id from core.identity_links")
    assert len(built) == len({user for user, _ in built})
    assert dict(built) == persons(links, first_linked, max_users)


def stage_of(row: dict, key: str, ends: list[int]) -> int:
    """The delivery a row comes with: its day's, or, for one in three of the look-back's days, the next."""
    day = (row[key] - FIRST_DAY).days
    stage = next(number for number, end in enumerate(ends) if day < end)
    late = ends[stage] - LOOK_BACK <= day + 1 and stage < len(ends) - 1
    name = str(row.get("event_key") or row.get("order_id"))
    return stage + 1 if late and random.Random(name).random() < 0.3 else stage


def deliveries(log: Contract, ends: list[int]) -> list[Contract]:
    """The log as it stood after each delivery: late rows, and logins told long after."""
    found = [Contract() for _ in ends]
    for number, contract in enumerate(found):
        for table in ("items", "campaigns", "campaign_contacts", "offer_items", "offer_redemptions"):
            contract.rows[table] = log.rows[table]
        for table, key in (("events", "occurred_at"), ("order_lines", "ordered_at")):
            contract.rows[table] = [row for row in log.rows[table] if stage_of(row, key, ends) <= number]
        contract.rows["identities"] = [
            row
            for row in log.rows["identities"]
            if random.Random(str(row["linked_at"])).randrange(len(ends)) <= number
        ]
    return found


@pytest.fixture(scope="module")
def day_by_day(
    log: Contract, whole: TestShop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TestShop, list[dict], list[dict]]:
    """Core after each of three deliveries, as added to the warehouse and as built from nothing."""
    folder = tmp_path_factory.mktemp("day_by_day")
    shop = TestShop(data=folder, var=folder)
    added, rebuilt = [], []
    *first, last = deliveries(log, [8, 12, DAYS + 1])
    for contract in (*first, last):
        contract.write(shop)
        build(shop, tested=False)
        added.append(core(shop))
        if contract is not last:
            saved = shop.warehouse.read_bytes()
            build(shop, "--full-refresh", tested=False)
            rebuilt.append(core(shop))
            shop.warehouse.write_bytes(saved)
    assert last.rows == log.rows
    return shop, added, [*rebuilt, core(whole)]


def test_a_delivery_at_a_time_equals_all_at_once(day_by_day):
    _, added, rebuilt = day_by_day
    for number, (incremental, full) in enumerate(zip(added, rebuilt, strict=True)):
        for table in TABLES:
            same_rows(incremental[table], full[table], f"{table} after delivery {number + 1}")
    # Identities change between deliveries, or the test would show little: see random_log.
    merged = [set(tables["identity_links"].filter(is_merged=True)["user_id"]) for tables in added]
    assert merged == [{"u0", "u1"}, {"u0", "u1", "u3", "u4"}, {"u3", "u4"}]


def test_days_before_the_look_back_are_not_read_again(day_by_day, log: Contract, tmp_path: Path):
    """A mark on an old row stays, until other settings or a full refresh make every row anew."""
    original, *_ = day_by_day
    shop = copy_of(original, tmp_path / "copy")
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute(
            "update intermediate.int_events_sessionised set query = 'marked' where occurred_at < '2024-03-04'"
        )
    marked = "select count(*) from core.events where query = 'marked'"
    build(shop, tested=False)
    assert shop.query(marked)[0][0] > 100
    build(shop, tested=False, session_gap_minutes=20)
    assert shop.query(marked) == [(0,)]
    anew = TestShop(data=tmp_path, var=tmp_path / "anew")
    log.write(anew)
    build(anew, tested=False, session_gap_minutes=20)
    for table in TABLES:
        same_rows(shop.table(f"core.{table}"), anew.table(f"core.{table}"), table)


def test_a_row_later_than_the_look_back_is_told_not_missed(day_by_day, log: Contract, tmp_path: Path):
    original, *_ = day_by_day
    shop = copy_of(original, tmp_path / "copy")
    late = {"event_key": "late", "user_id": "u1", "event_type": "view", "occurred_at": FIRST_DAY}
    later = Contract(log.rows | {"events": [*log.rows["events"], late]})
    later.write(shop)
    done = build(shop, check=False)
    assert done.returncode != 0
    assert "assert_raw_rows_are_in_core_or_rejected" in done.stdout
    # A back-fill of that day takes it in, and all tests pass again.
    build(shop, backfill_from="2024-03-01", backfill_to="2024-03-01")
    assert shop.query("select count(*) from core.events where occurred_at = '2024-03-01'") == [(1,)]
    filled = core(shop)
    build(shop, "--full-refresh", tested=False)
    for table in TABLES:
        same_rows(filled[table], shop.table(f"core.{table}"), table)


def test_a_back_fill_reads_its_own_days_alone(day_by_day, log: Contract, tmp_path: Path):
    """Days 6 and 7 lose half their events, visits over both midnights included; other days' changes wait."""
    original, *_ = day_by_day
    shop = copy_of(original, tmp_path / "copy")
    first, last = FIRST_DAY + timedelta(days=6), FIRST_DAY + timedelta(days=8)
    kept = [
        event
        for event in log.rows["events"]
        if not first <= event["occurred_at"] < last or random.Random(event["event_key"]).random() < 0.5
    ]
    assert len(kept) < len(log.rows["events"]) - 100
    unread = {"event_key": "unread", "user_id": "u1", "event_type": "view", "occurred_at": last}
    Contract(log.rows | {"events": [*kept, unread]}).write(shop)
    build(shop, tested=False, backfill_from="2024-03-07", backfill_to="2024-03-08")
    filled = core(shop)
    Contract(log.rows | {"events": kept}).write(shop)
    build(shop, "--full-refresh", tested=False)
    for table in TABLES:
        same_rows(filled[table], shop.table(f"core.{table}"), table)
