"""A shop of 100 million interactions, 10 million users and a million items through the recommender.

`SCALE_USERS=100000 make bench NAME=recommender_scale` tries it on a shop of a hundredth of everything.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

import duckdb
import polars as pl
import torch

from benchmarks.results import Figure, record
from dagster_defs.ml_assets.recommender import ACTS, RECOMMENDED_FROM
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.progress import Progress
from dagster_defs.warehouse import Warehouse
from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.recommender.feasibility import look_at_history
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.models import Settings, grid
from python_ml.recommender.publish import USERS_A_PART, Publisher
from python_ml.recommender.rules import NO_RULES
from python_ml.recommender.split import day_of
from python_ml.recommender.watch import Watch
from python_ml.recommender.workshop import Workshop

USERS = 10_000_000
ACTS_A_USER, USERS_AN_ITEM = 10, 10
AS_OF = date(2026, 1, 1)
EPOCH_USERS = 20_000
PARTS = {"two_tower": 1, "sequential_knn": None}  # whose lists are made: of so many parts, of everybody
ABOUT = (
    "Interactions drawn by hash: a fifth purchases, the rest looks, over two years, few people with many;"
    " seven of ten of an item from the person's own group of a thousand, and few items with many. Then, in"
    " one process: the tables read from the warehouse as the step reads them; ids numbered, rows sorted; the"
    " validation and the test window cut; each model fitted, of the towers one epoch over a sample of"
    f" {EPOCH_USERS:,} users; and lists of 20 with reasons written to the warehouse, by the sequential kNN"
    f" for everybody, by the towers for {PARTS['two_tower'] * USERS_A_PART:,} users. Hours for all users are"
    " what one list of everybody takes at that rate. Memory is the largest of the process up to the end of"
    " the phase. The bare product is that of user and item vectors of 64 float32 numbers, without looking for"
    " the best."
)
SHOP = """
create schema features;
create schema ml;
create table features.interactions as
with drawn as (
    select
        hash(i, 'person') / 2e64 as person_draw,
        hash(i, 'own group') / 2e64 < 0.7 as is_of_own_group,
        hash(i, 'item') / 2e64 as item_draw,
        hash(i, 'purchase') / 2e64 < 0.2 as is_purchase,
        timestamp '2026-01-01' - to_seconds(1 + hash(i, 'moment') % (730 * 86400)) as interacted_at
    from range($acts) as t (i)
),

acts as (
    select
        *,
        floor(power(person_draw, 2) * $users)::bigint as person,
        floor(power(item_draw, 3) * $items / if(is_of_own_group, 1000, 1))::bigint as item
    from drawn
)

select
    printf('u%016x', hash(person)) as user_id,
    printf('i%08d', if(is_of_own_group, person % 1000 + 1000 * item, item)) as item_id,
    if(is_purchase, 'purchase', 'view') as event_type,
    if(is_purchase, 1.0, 0.1)::double as weight,
    interacted_at
from acts;
create table features.user_features as
select printf('u%016x', hash(i::bigint)) as user_id from range($users) as t (i);
create table features.item_features as
select printf('i%08d', i) as item_id, true as is_recommendable, 'category ' || i % 100 as category
from range($items) as t (i);
create table features.item_texts (item_id varchar, text_hash varchar);
create table ml.text_embeddings (text_hash varchar, embedding_model varchar, embedding float []);
create table ml.user_cohorts as
select user_id, 'c' || hash(user_id) % 8 as cohort_id, cohort_id as cohort_name
from features.user_features
""".replace("2e64", str(2.0**64))


@dataclass(slots=True)
class Phases:
    """Seconds of each phase, and the memory that the process held at most by its end."""

    figures: list[Figure] = field(default_factory=list)

    @contextmanager
    def time(self, case: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.add("seconds", case, time.monotonic() - started)
        self.add("peak memory, GiB", case, peak / 2**30)

    def add(self, metric: str, case: str, value: float) -> None:
        self.figures.append(Figure(metric=metric, case=case, value=value))
        print(f"  {case}: {metric} {value:,.1f}", flush=True)


def main() -> None:
    users = int(os.environ.get("SCALE_USERS", USERS))
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as folder:
        path, found = Path(folder) / "warehouse.duckdb", Path(folder) / "figures.json"
        write_shop(path, users)
        command = [sys.executable, "-m", "benchmarks.recommender_scale", str(path), str(found)]
        # A process of its own: what writing the shop took is no memory of the recommender.
        subprocess.run(command, cwd=PROJECT_ROOT, check=True)
        figures = [Figure(**figure) for figure in json.loads(found.read_text())]
    record("recommender_scale", ABOUT, figures)


def write_shop(path: Path, users: int) -> None:
    """The tables that the step reads.

    Args:
        path: of a DuckDB file that is not there yet.
        users: a tenth as many items, ten times as many interactions.
    """
    size = {"users": users, "items": users // USERS_AN_ITEM, "acts": users * ACTS_A_USER}
    with duckdb.connect(path) as connection:
        for statement in SHOP.split(";"):
            named = {name: value for name, value in size.items() if f"${name}" in statement}
            connection.execute(statement, named)


def child(path: Path) -> list[Figure]:
    """Every phase on the tables of a warehouse."""
    phases, warehouse, device = Phases(), Warehouse(path=path), resolve_device("auto")
    config = RecommenderConfig(epochs=1, epoch_users=EPOCH_USERS)
    with phases.time("tables read"):
        tables = {name: warehouse.read("features", name) for name in RECOMMENDED_FROM}
        tables |= {name: warehouse.read("ml", name) for name in ("text_embeddings", "user_cohorts")}
        for name, columns in ACTS.items():
            tables[name] = warehouse.read_compact("features", name, columns=columns)
    with phases.time("ids numbered, rows sorted"):
        inputs = read_inputs(tables, as_of=AS_OF)
        tables.clear()
    for what, values in (("users", inputs.user_ids), ("items", inputs.item_ids)):
        phases.add("number", what, len(values))
    phases.add("number", "interactions", len(inputs.interactions))
    with phases.time("windows cut"):
        windows = look_at_history(inputs.interactions, AS_OF, config, device, seed=0).windows
    say = Watch(start=lambda what: Progress(what=what, write=lambda line: print(line, flush=True)))
    workshop = Workshop(
        inputs.interactions,
        day_of(AS_OF),
        inputs.texts,
        inputs.attributes,
        config,
        seed=0,
        device=device,
        watch=say,
    )
    with phases.time("histories laid out, best-sellers counted"):
        publisher = Publisher(
            inputs, workshop, config, {"for_you": NO_RULES}, {"for_you": 0.0}, as_of=AS_OF, list_count=1
        )
    for name in PARTS:
        settings = grid(name, config, windows.days)[0]
        with phases.time(f"{name} fitted"):
            workshop.fit(settings)
        _serve(phases, warehouse, publisher, name, settings)
    _multiply(phases, len(inputs.item_ids), len(inputs.user_ids), config.block_users)
    return phases.figures


def _serve(phases: Phases, warehouse: Warehouse, publisher: Publisher, name: str, settings: Settings) -> None:
    """Lists of everybody, or of the users whose ids come first: they are hashes, so these are a sample."""
    users, started = len(publisher.inputs.user_ids), time.monotonic()
    parts = -(-users // USERS_A_PART) if PARTS[name] is None else PARTS[name]
    asked = min(parts * USERS_A_PART, users)
    with phases.time(f"{name}: lists"):
        lists = islice(publisher.publish("for_you", name, settings), parts)
        rows = warehouse.replace_in_parts("recommendations", _stamped(lists, parts))
    phases.add("number", f"{name}: rows of lists", rows)
    _rate(phases, f"{name}: lists", asked / (time.monotonic() - started), users)


def _stamped(lists: Iterator[pl.DataFrame], parts: int) -> Iterator[pl.DataFrame]:
    say = Progress(what="parts of lists", write=lambda line: print(line, flush=True), every_seconds=60)
    say(0, parts)
    for done, part in enumerate(lists, start=1):
        say(done, parts)
        yield part.with_columns(model_version=pl.lit("benchmark"), as_of_date=pl.lit(AS_OF))


def _multiply(phases: Phases, items: int, users: int, block: int) -> None:
    generator = torch.Generator().manual_seed(0)
    item_ID, user_BD = (torch.randn((count, 64), generator=generator) for count in (items, block))
    scores, repeats = torch.empty((block, items)), 20
    started = time.monotonic()
    for _ in range(repeats):
        torch.mm(user_BD, item_ID.T, out=scores)
    _rate(phases, "the bare product", repeats * block / (time.monotonic() - started), users)


def _rate(phases: Phases, case: str, rate: float, users: int) -> None:
    phases.add("users per second", case, rate)
    phases.add("hours for all users", case, users / rate / 3600)


if __name__ == "__main__":
    measured = [asdict(figure) for figure in child(Path(sys.argv[1]))]
    Path(sys.argv[2]).write_text(json.dumps(measured), encoding="utf-8")
