"""Shops with too little history: the whole road to its end, and a summary that claims nothing."""

import gzip
from datetime import datetime
from pathlib import Path

import pytest

from tests.shops import (
    NOT_OF_GROCER,
    TEST_DATA,
    TestShop,
    cut_to_days,
)

pytestmark = pytest.mark.slow
UNCHANGED = "unchanged: same data, settings and code as the last run"


@pytest.fixture(scope="module")
def one_week(small_files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TestShop, str]:
    """Forty real households, one week of June, as after a shop's first week; and what the run said."""
    folder = tmp_path_factory.mktemp("one_week")
    files = cut_to_days(small_files, folder / "files", datetime(2017, 6, 5), days=7)
    shop = TestShop(data=files, var=folder / "var")
    done = shop.run()
    assert done.returncode == 0, done.stderr[-4000:]
    return shop, " ".join(done.stdout.split())


def test_a_week_is_published_whole(one_week):
    shop, said = one_week
    rows = {table: shop.query(f"select count(*) from {table}")[0][0] for table in shop.tables("serving")}
    copied = {
        table: shop.query(f"select count(*) from {table}", file=shop.published)[0][0]
        for table in shop.tables("serving", file=shop.published)
    }
    assert rows == copied
    # June was not over: nobody can be followed from month to month yet. And no two items were in five orders.
    without = (
        *NOT_OF_GROCER,
        "acquisition_cohorts",
        "bought_together",
    )
    expected = {f"serving.{name}" for name in without}
    assert {table for table, count in rows.items() if not count} == expected
    assert "serving.topic_sizes, serving.user_opinions are empty: the shop has no reviews" in said
    assert "serving.acquisition_cohorts is empty: no month with an order of a known user is complete" in said
    assert "serving.bought_together is empty: no two items are often enough in one order" in said


def test_a_week_is_not_evaluated_and_says_so(one_week):
    shop, said = one_week
    rows = shop.query(
        "select list_name, model_name, metric_value, window_days, is_champion, not_evaluated_reason"
        " from serving.recommender_evaluation order by 1"
    )
    assert [row[:5] for row in rows] == [
        ("discover", "counting", None, None, True),
        ("for_you", "counting", None, None, True),
    ]
    for row in rows:
        assert row[5].startswith("history of 7 days; ")
        assert row[5].endswith("needs 20")
        assert f"not evaluated: {row[5]}" in said
    assert "ndcg@10" not in said


def test_a_week_s_lists_are_counted_and_full(one_week):
    shop, _ = one_week
    lists = shop.query(
        "select count(*), min(places), max(places) from (select count(*) as places"
        " from serving.recommendations group by user_id, list_name)"
    )
    (users,) = shop.query("select count(*) from features.user_features")[0]
    assert lists == [(2 * users, 20, 20)]
    sources = shop.query("select distinct candidate_source from serving.recommendations order by 1")
    assert set(sources) <= {("counting",), ("best_sellers",), ("cohort_best_sellers",)}
    reasons = {reason for (reason,) in shop.query("select distinct reason_code from serving.recommendations")}
    assert {"bought_before", "because_you_bought", "popular_overall"} <= reasons


def test_a_week_again_computes_nothing(one_week):
    shop, _ = one_week
    done = shop.run()
    assert done.returncode == 0, done.stderr[-4000:]
    for step in ("text_embeddings", "user_cohorts", "model_evaluations", "recommendations"):
        assert any(step in line and UNCHANGED in line for line in done.stderr.splitlines()), step


def test_ten_days_of_another_source(tmp_path: Path):
    """The British gift shop, its first ten days: windows of two days."""
    folder = TEST_DATA / "online_retail" if TEST_DATA else None
    if folder is None or not folder.is_dir():
        pytest.skip("needs the published files of online_retail: SHOP_TEST_DATA/online_retail")
    (packed,) = folder.glob("*.csv.gz")
    header, *lines = gzip.decompress(packed.read_bytes()).decode().splitlines()
    days = tuple(f"2010-12-{day:02d} " for day in range(1, 11))
    kept = [line for line in lines if any(day in line for day in days)]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "ten_days.csv").write_text("\n".join([header, *kept]) + "\n")
    shop = TestShop(data=tmp_path / "files", var=tmp_path / "var", source="online_retail")
    done = shop.run()
    assert done.returncode == 0, done.stderr[-4000:]
    windows = shop.query(
        "select distinct list_name, window_days from serving.recommender_evaluation"
        " where not_evaluated_reason is null"  # the transformer does not compete without a GPU
    )
    assert sorted(windows) == [("discover", 2.0), ("for_you", 2.0)]
    assert "On the last 2 days" in " ".join(done.stdout.split())
