"""A made-up web shop, written straight into the tables of the shop contract, and a plain reading of its log.

dbt then builds `core` upon those tables, so that no raw files and no source are needed.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

import duckdb
import networkx as nx
import polars as pl
import yaml

from tests.shops import ROOT, TestShop

CONTRACT = ROOT / "models" / "staging" / "shop" / "_shop__models.yml"
FIRST_DAY = datetime(2024, 3, 1)
GAP = timedelta(minutes=30)


@dataclass
class Contract:
    """Rows of the contract's tables; columns that a row does not name take the contract's default."""

    rows: dict[str, list[dict]] = field(default_factory=lambda: defaultdict(list))

    def write(self, shop: TestShop) -> None:
        """Replace the staged tables of the shop's warehouse by these rows."""
        shop.folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(shop.warehouse) as connection:
            connection.execute("create schema if not exists staging")
            for model in yaml.safe_load(CONTRACT.read_text())["models"]:
                entity = model["name"].removeprefix("stg_shop__")
                names = [column["name"] for column in model["columns"]]
                types = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
                connection.execute(f"create or replace table staging.{model['name']} ({types})")
                defaults = {column["name"]: _default(column) for column in model["columns"]}
                if self.rows[entity]:
                    frame = pl.DataFrame(
                        [defaults | row for row in self.rows[entity]], infer_schema_length=None
                    )
                    connection.register("frame", frame.select(names))
                    connection.execute(f"insert into staging.{model['name']} select * from frame")


def _default(column: dict) -> object:
    given = column.get("config", {}).get("meta", {}).get("default")
    return {"true": True, "false": False}.get(given, given.strip("'") if isinstance(given, str) else given)


def random_log(seed: int, *, days: int) -> Contract:
    """A shop of 24 users and 30 browsers over some days, every kind of trouble included.

    Browsers 0 to 23 are each of one user, who logs in at times; 24 to 26 and 28 are of two users each, see
    _user_of; 27 is a library's; on 29 nobody logs in. Some events name a session, some are sent twice, one
    browser is a bot's.
    """
    chance = random.Random(seed)
    shop = Contract()
    shop.rows["items"] = [{"item_id": f"item{number}", "title": f"Item {number}"} for number in range(12)]
    for visit in range(40 * days):
        at = FIRST_DAY + timedelta(seconds=chance.randrange(days * 86400))
        visitor = chance.randrange(30)
        user = _user_of(visitor, (at - FIRST_DAY) / timedelta(days=days), chance)
        logged_in_from = chance.choice([0, 0, 2, 99])
        session = f"tab{visit}" if chance.random() < 0.2 else None
        channel, device = chance.choice(["mail", "search", None]), chance.choice(["mobile", "desktop"])
        for step in range(chance.randrange(1, 8)):
            at += timedelta(seconds=chance.choice([0, 5, 40, 290, 300, 301, 1500, 1800, 1801, 2600]))
            event = {
                "event_key": f"e{visit}-{step}",
                "user_id": user if step >= logged_in_from else None,
                "visitor_id": f"v{visitor}" if chance.random() < 0.9 or step < logged_in_from else None,
                "item_id": f"item{chance.randrange(12)}" if chance.random() < 0.9 else None,
                "session_id": session,
                "channel": channel,
                "device": device,
                "event_type": chance.choice(["view", "view", "view", "search", "cart", "wishlist", "sneeze"]),
                "occurred_at": at,
            }
            shop.rows["events"].append(event)
            if chance.random() < 0.03:
                shop.rows["events"].append(event | {"copy_number": 2})
        if user and chance.random() < 0.15:
            shop.rows["identities"].append({"visitor_id": f"v{visitor}", "user_id": user, "linked_at": at})
        if user and chance.random() < 0.3:
            _order(
                shop,
                f"o{visit}",
                user,
                at + timedelta(seconds=chance.choice([-900, 0, 60, 1800, 1801])),
                chance,
            )
    for number in range(90):  # two views a second, over midnight
        moment = FIRST_DAY + timedelta(days=days // 2, seconds=number / 2 - 20)
        shop.rows["events"].append(
            {"event_key": f"bot{number}", "visitor_id": "v_bot", "event_type": "view", "occurred_at": moment}
        )
    shop.rows["identities"].append({"visitor_id": "v0", "user_id": None, "linked_at": FIRST_DAY})
    _campaign(shop, FIRST_DAY.date())
    return shop


def _user_of(visitor: int, progress: float, chance: random.Random) -> str | None:
    """u0 and u1 are one person until u2 and u9 come along; u3 and u4 become one in between."""
    users = {24: [0, 1], 25: [3, 4], 26: [1, 2], 27: [12, 13, 14, 15, 16, 17], 28: [2, 9], 29: []}
    since = {25: 0.5, 26: 0.75, 28: 0.75}
    known = users.get(visitor, [visitor]) if progress >= since.get(visitor, 0) else []
    return f"u{chance.choice(known)}" if known else None


def _order(shop: Contract, order_id: str, user: str, at: datetime, chance: random.Random) -> None:
    for number in range(chance.randrange(1, 4)):
        shop.rows["order_lines"].append(
            {
                "order_id": order_id,
                "line_number": number + 1,
                "user_id": user,
                "item_id": f"item{chance.randrange(13)}",
                "quantity": chance.randrange(0, 4),
                "sales_amount": f"{chance.randrange(100, 900) / 100:.2f}",
                "loyalty_discount_amount": 0,
                "coupon_discount_amount": 0,
                "coupon_match_discount_amount": 0,
                "ordered_at": at,
            }
        )


def _campaign(shop: Contract, day: date) -> None:
    """Every account gets the letter and redeems it, whoever is behind it."""
    offer = {"campaign_id": "spring", "coupon_code": "half"}
    shop.rows["campaigns"].append({"campaign_id": "spring", "start_date": day, "end_date": day})
    shop.rows["offer_items"].append(offer | {"item_id": "item1"})
    for number in range(24):
        shop.rows["campaign_contacts"].append({"campaign_id": "spring", "user_id": f"u{number}"})
        shop.rows["offer_redemptions"].append(offer | {"user_id": f"u{number}", "redeemed_date": day})


def persons(
    links: list[tuple[str, str]], first_linked: dict[str, datetime], max_users: int
) -> dict[str, str]:
    """Each linked user's person, by the connected components that networkx finds."""
    users_of = defaultdict(set)
    for visitor, user in links:
        users_of[visitor].add(user)
    graph = nx.Graph()
    graph.add_nodes_from(("user", user) for _, user in links)
    for visitor, users in users_of.items():
        if len(users) <= max_users:
            graph.add_edges_from((("visitor", visitor), ("user", user)) for user in users)
    person = {}
    for component in nx.connected_components(graph):
        users = sorted(name for kind, name in component if kind == "user")
        merged = len(users) <= max_users
        known_by = min(users, key=lambda user: (first_linked[user], user))
        person |= {user: known_by if merged else user for user in users}
    return person


def visits(times: list[datetime]) -> list[list[datetime]]:
    """Times cut where the pause is longer than the gap."""
    times = sorted(times)
    cut = [[times[0]]]
    for before, after in pairwise(times):
        if after - before > GAP:
            cut.append([])
        cut[-1].append(after)
    return cut
