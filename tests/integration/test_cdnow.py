"""CDNOW, the classic of repeat buying: retention and RFM tables against pandas on the raw file.

Its views, in `tests/sources/cdnow`, follow docs/bring-your-own-shop.md for a file of fixed width that names
neither items nor orders. They are put into a copy of the project, of which it is no part.
"""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dagster_defs.registration import registered
from tests.shops import ROOT, TestShop, copy_of, hashed, real_files

pytestmark = pytest.mark.slow

DBT_FILES = ("models", "macros", "seeds", "tests/dbt", "profiles")
TABLES = ("acquisition_cohorts", "rfm_segments")
AFTER_THE_LAST_DAY = date(1998, 7, 1)
IN_OCTOBER = date(1997, 10, 15)
# Segments as the description of rfm_segments has them: R of 5, 4, 3, 2, 1 down, F of 1 to 5 across.
SEGMENTS = [
    ["Occasional", *["Potential loyalists"] * 2, *["Loyal"] * 2],
    ["Occasional", *["Potential loyalists"] * 2, *["Loyal"] * 2],
    [*["Needs attention"] * 3, *["Loyal"] * 2],
    [*["Fading"] * 3, *["At risk"] * 2],
    [*["Lapsed"] * 3, *["At risk"] * 2],
]


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """The whole file up to the two tables; the as-of date is the day after the last purchase."""
    files, folder = real_files("cdnow"), tmp_path_factory.mktemp("cdnow")
    shop = TestShop(data=files, var=folder / "var", source="cdnow", project=project_with_cdnow(folder))
    shop.dbt_tables("--select", *(f"+{table}" for table in TABLES), source="cdnow")
    return shop


@pytest.fixture(scope="module")
def cdnow_in_october(cdnow: TestShop, tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """The same as it was known in the middle of a month, eight months before the last purchase."""
    shop = copy_of(cdnow, tmp_path_factory.mktemp("october") / "var")
    of_the_date = [f"as_of_dates+,+{table}" for table in TABLES]
    shop.dbt_tables("--select", *of_the_date, source="cdnow", as_of_date=str(IN_OCTOBER))
    return shop


@pytest.fixture(scope="module")
def purchases(cdnow: TestShop) -> pd.DataFrame:
    """The lines of the raw file: user, day, cents."""
    lines = pd.read_csv(
        cdnow.data / "CDNOW_master.txt.gz", sep=r"\s+", names=["user", "day", "discs", "dollars"], dtype=str
    )
    return pd.DataFrame(
        {
            "user": lines["user"],
            "day": pd.to_datetime(lines["day"], format="%Y%m%d"),
            # 11.77 without its point.
            "cents": lines["dollars"].str.replace(".", "", regex=False).astype(int),
        }
    )


def project_with_cdnow(folder: Path) -> Path:
    """A copy of what dbt reads of the project, with one source more."""
    project = folder / "project"
    for name in DBT_FILES:
        shutil.copytree(ROOT / name, project / name)
    shutil.copytree(ROOT / "tests" / "sources" / "cdnow", project / "models" / "staging" / "cdnow")
    settings = (ROOT / "dbt_project.yml").read_text()
    where = {"currency": "USD", "time_zone": "America/New_York", "tables": ["items", "order_lines"]}
    (project / "dbt_project.yml").write_text(registered(settings, source="cdnow", **where))
    return project


def serving(shop: TestShop, table: str) -> pd.DataFrame:
    with shop.opened() as connection:
        return connection.sql(f"select * from serving.{table}").df()


def test_the_published_totals(cdnow: TestShop, purchases: pd.DataFrame):
    """23,570 customers who first bought in the first quarter of 1997 are Fader and Hardie's.

    The other numbers come of one count each over the file, with awk.
    """
    assert (len(purchases), purchases["user"].nunique()) == (69_659, 23_570)
    sql = (
        "select count(distinct cohort_month), sum(case when cohort_month_number = 0 then user_count end),"
        " sum(order_count), cast(sum(sales_amount) as varchar), min(as_of_date), max(as_of_date)"
        " from serving.acquisition_cohorts"
    )
    # 67,591 days on which a customer bought; 69,659 lines, of which some are of one day.
    assert cdnow.query(sql) == [(3, 23_570, 67_591, "2500315.63", AFTER_THE_LAST_DAY, AFTER_THE_LAST_DAY)]
    sql = "select cohort_month, user_count from serving.acquisition_cohorts where cohort_month_number = 0"
    assert dict(cdnow.query(sql)) == {
        date(1997, 1, 1): 7_846,
        date(1997, 2, 1): 8_476,
        date(1997, 3, 1): 7_248,
    }
    # 12,054 bought on one day alone.
    sql = (
        "select sum(user_count - repeat_user_count) from serving.acquisition_cohorts"
        " where cohort_month_number = datediff('month', cohort_month, date '1998-06-01')"
    )
    assert cdnow.query(sql) == [(12_054,)]
    sql = (
        "select count(*), cast(sum(cast(monetary_amount as decimal(18, 2))) as varchar)"
        " from serving.rfm_segments"
    )
    assert cdnow.query(sql) == [(23_570, "2500315.63")]


@pytest.mark.parametrize("as_of", [AFTER_THE_LAST_DAY, IN_OCTOBER])
def test_cohorts_are_those_of_pandas(as_of: date, purchases: pd.DataFrame, request: pytest.FixtureRequest):
    found = serving(shop_at(as_of, request), "acquisition_cohorts")
    expected = cohorts_by_pandas(purchases, as_of)
    # 18 + 17 + 16 months to June 1998; to September 1997, the last that was over in October, 9 + 8 + 7.
    assert len(expected) == {AFTER_THE_LAST_DAY: 51, IN_OCTOBER: 24}[as_of]
    key = ["cohort_month", "cohort_month_number"]
    found = found.drop(columns="as_of_date").sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(
        found[expected.columns], expected, check_dtype=False, rtol=1e-12, atol=0, obj="acquisition_cohorts"
    )


def cohorts_by_pandas(purchases: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """From a matrix of users by complete months, counted anew for every month."""
    month = purchases["day"].dt.to_period("M")
    known = purchases[month < pd.Period(as_of, "M")]
    month = known["day"].dt.to_period("M")
    days = pd.crosstab(known["user"], month, values=known["day"], aggfunc="nunique").fillna(0).astype(int)
    cents = pd.crosstab(known["user"], month, values=known["cents"], aggfunc="sum").fillna(0).astype(int)
    first = (days > 0).idxmax(axis="columns")
    rows = []
    for cohort in sorted(set(first)):
        is_in = first == cohort
        for number, column in enumerate(pd.period_range(cohort, days.columns[-1], freq="M")):
            active = int((days.loc[is_in, column] > 0).sum())
            repeating = int((days.loc[is_in, :column].sum(axis="columns") >= 2).sum())
            row = {
                "cohort_month": cohort.to_timestamp(),
                "cohort_month_number": number,
                "user_count": int(is_in.sum()),
                "active_user_count": active,
                "repeat_user_count": repeating,
                "retention_share": active / is_in.sum(),
                "repeat_share": repeating / is_in.sum(),
                "order_count": int(days.loc[is_in, column].sum()),
                "sales_amount": cents.loc[is_in, column].sum() / 100,
                "cumulative_mean_sales_amount": cents.loc[is_in, :column].to_numpy().mean(axis=0).sum() / 100,
            }
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize("as_of", [AFTER_THE_LAST_DAY, IN_OCTOBER])
def test_rfm_is_that_of_pandas(as_of: date, purchases: pd.DataFrame, request: pytest.FixtureRequest):
    found = serving(shop_at(as_of, request), "rfm_segments").set_index("user_id")
    expected = rfm_by_pandas(purchases[purchases["day"] < pd.Timestamp(as_of)], as_of)
    assert len(found) == len(expected) == 23_570
    pd.testing.assert_frame_equal(
        found.loc[expected.index, expected.columns],
        expected,
        check_dtype=False,
        check_names=False,
        rtol=1e-12,
    )


def rfm_by_pandas(known: pd.DataFrame, as_of: date) -> pd.DataFrame:
    users = known.groupby("user").agg(
        last=("day", "max"), order_count=("day", "nunique"), cents=("cents", "sum")
    )
    users.index = users.index.map(hashed)
    users["recency_days"] = (pd.Timestamp(as_of) - users["last"]).dt.days
    users["monetary_amount"] = users["cents"] / 100
    users["recency_score"] = fifths(-users["recency_days"])
    users["frequency_score"] = fifths(users["order_count"])
    users["monetary_score"] = fifths(users["cents"])
    return users.drop(columns=["last", "cents"])


def fifths(values: pd.Series) -> pd.Series:
    return np.ceil(values.rank(pct=True, method="max") * 5).astype(int)


def test_every_combination_of_scores_has_its_segment(cdnow: TestShop, cdnow_in_october: TestShop):
    scores = ["recency_score", "frequency_score", "monetary_score"]
    combinations = set()
    for shop in (cdnow, cdnow_in_october):
        found = serving(shop, "rfm_segments")[[*scores, "segment"]].drop_duplicates()
        combinations |= set(found.itertuples(index=False, name=None))
    assert combinations == {(r, f, m, segment_of(r, f, m)) for r, f, m, _ in combinations}
    assert {segment for *_, segment in combinations} >= {"Champions", "Loyal", "At risk", "Lapsed"}


def segment_of(recency: int, frequency: int, monetary: int) -> str:
    if min(recency, frequency, monetary) >= 4:
        return "Champions"
    return SEGMENTS[5 - recency][frequency - 1]


def test_customers_by_hand(cdnow: TestShop):
    """The first lines of the file.

    00002 bought twice on 12 January 1997, for 12.00 and 77.00: one order of 89.00, 354 days before 1998 and
    535 before July. 00003 bought on six days, last on 28 May 1998, 34 days before July, for
    20.76 + 20.76 + 19.54 + 57.45 + 20.96 + 16.99.
    """
    found = serving(cdnow, "rfm_segments").set_index("user_id")
    columns = ["recency_days", "order_count", "monetary_amount"]
    assert found.loc[hashed("00002"), columns].to_list() == [535, 1, 89.00]
    assert found.loc[hashed("00003"), columns].to_list() == [34, 6, 156.46]


def shop_at(as_of: date, request: pytest.FixtureRequest) -> TestShop:
    shops: Mapping[date, str] = {AFTER_THE_LAST_DAY: "cdnow", IN_OCTOBER: "cdnow_in_october"}
    return request.getfixturevalue(shops[as_of])
