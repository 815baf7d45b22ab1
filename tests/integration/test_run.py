"""`make run` on real files: everything arrives, the second time nothing is computed."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.shops import NOT_OF_GROCER, TestShop, copy_of, kill, same_rows

pytestmark = pytest.mark.slow
UNCHANGED = "unchanged: same data, settings and code as the last run"


@pytest.fixture(scope="module")
def run_again(
    built_shop: TestShop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TestShop, subprocess.CompletedProcess]:
    """The same shop after a second run, and what that run said."""
    shop = copy_of(built_shop, tmp_path_factory.mktemp("again") / "var")
    done = shop.run()
    assert done.returncode == 0, done.stderr[-4000:]
    return shop, done


def test_every_serving_table_has_rows_and_is_published(built_shop: TestShop):
    served = built_shop.tables("serving")
    without = {f"serving.{name}" for name in NOT_OF_GROCER}
    assert without <= set(served)
    for table in without:
        assert built_shop.query(f"select count(*) from {table}", file=built_shop.published) == [(0,)], table
    served = [table for table in served if table not in without]
    assert len(served) >= 8
    for table in served:
        (rows,) = built_shop.query(f"select count(*) from {table}")[0]
        (copied,) = built_shop.query(f"select count(*) from {table}", file=built_shop.published)[0]
        assert rows == copied > 0, table


def test_every_user_has_two_full_lists(built_shop: TestShop):
    lists = built_shop.query(
        "select users.user_id, list_name, count(*), min(rank), max(rank), count(distinct item_id)"
        " from core.users left join serving.recommendations using (user_id) group by all"
    )
    users = {row[0] for row in lists}
    assert len(lists) == 2 * len(users) == 80
    assert {row[1:] for row in lists} == {("for_you", 20, 1, 20, 20), ("discover", 20, 1, 20, 20)}


def test_discoveries_are_new_and_reasons_are_the_user_s_own(built_shop: TestShop):
    assert built_shop.query(
        "select count(*) from serving.recommendations join features.interactions using (user_id, item_id)"
        " where list_name = 'discover'"
    ) == [(0,)]
    assert built_shop.query(
        "select count(*) from serving.recommendations as r where reason_item_id is not null and not exists ("
        "select 1 from features.interactions as i"
        " where i.user_id = r.user_id and i.item_id = r.reason_item_id)"
    ) == [(0,)]


def test_second_run_computes_nothing_and_changes_nothing(built_shop: TestShop, run_again):
    shop, done = run_again
    for step in ("text_embeddings", "user_cohorts", "model_evaluations", "recommendations"):
        assert any(step in line and UNCHANGED in line for line in done.stderr.splitlines()), step
    for schema in ("core", "features", "ml", "serving"):
        for table in built_shop.tables(schema):
            same_rows(built_shop.table(table), shop.table(table), table)


def test_summary_names_cohorts_items_and_what_to_open(built_shop: TestShop, run_again):
    _, done = run_again
    for (name,) in built_shop.query("select cohort_name from serving.cohorts"):
        assert name in done.stdout
    assert "published.duckdb" in done.stdout
    assert "make dev" in done.stdout


def test_a_killed_run_leaves_no_orphan_that_holds_the_warehouse(built_shop: TestShop, tmp_path: Path):
    shop = copy_of(built_shop, tmp_path / "var")
    process = shop.start(SHOAL_AS_OF_DATE="2017-12-01")
    for line in process.stderr:
        if "core." in line:
            break  # dbt is writing now
    kill(process)
    time.sleep(3)
    assert shop.query("select count(*) > 0 from core.users") == [(True,)]


def test_plain_dbt_builds_before_and_after_python(empty_shop: TestShop, built_shop: TestShop, tmp_path: Path):
    fresh = empty_shop.dbt("build")
    assert "PASS=" in fresh.stdout
    assert " ERROR=0 " in fresh.stdout
    assert "WARN " in fresh.stdout, "an ml table that is empty must say so"
    assert empty_shop.query("select count(*) from serving.recommendations") == [(0,)]
    # Unit tests look at rows of their own, not at the shop: they have passed above.
    after = copy_of(built_shop, tmp_path / "after").dbt_build()
    assert " WARN=0 ERROR=0 " in after.stdout, [line for line in after.stdout.splitlines() if "WARN" in line]
