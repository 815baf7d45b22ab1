"""What customers write, in the warehouse: real reviews, made-up opinions, counts worked out in Python."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dagster_defs.warehouse import Warehouse
from tests.shops import OPINIONS, TestShop, copy_of, real_files

pytestmark = pytest.mark.slow

SOURCE = "amazon_reviews"
AS_OF = date(2014, 7, 16)  # a Wednesday, among the reviews
STAMP = {"model_version": "v1", "as_of_date": AS_OF}
LABELS = ("negative", "neutral", "positive")
STEPS = ["review_sentiment", "review_aspects", "sentiment_evaluation", "review_topics", "topic_profiles"]


def made_up(texts: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """An opinion and a topic for each text, by the text's place in the order of ids."""
    ids = texts["review_id"].sort()
    place = pl.int_range(len(ids), eager=True)
    sentiment = pl.DataFrame({"review_id": ids, "polarity": (place % 5 - 2) / 2}).with_columns(
        language=pl.lit("en"),
        sentiment_label=pl.Series([LABELS[1 + (n % 5 > 2) - (n % 5 < 2)] for n in place]),
        confidence=pl.lit(0.5),
        sentiment_method=pl.lit("made up"),
    )
    aspects = pl.DataFrame(
        {"review_id": ids.gather_every(3), "polarity": (place.gather_every(3) % 5 - 2) / 2}
    )
    topics = pl.DataFrame({"review_id": ids, "topic_id": [("t1", "t2", "outlier")[n % 3] for n in place]})
    sizes = topics.group_by("topic_id").len("review_count").sort("topic_id")
    frames = {
        "review_sentiment": sentiment,
        "review_aspects": aspects.with_columns(aspect=pl.lit("price"), evidence=pl.lit("so dear")),
        "sentiment_evaluation": pl.DataFrame(
            {
                "candidate": ["made up"],
                "metric_name": ["accuracy"],
                "metric_value": [0.5],
                "reviews": [9],
                "is_chosen": [True],
            }
        ),
        "review_topics": topics.with_columns(topic_probability=pl.lit(0.5)),
        "topic_profiles": sizes.with_columns(
            topic_name=pl.concat_str(pl.lit("Topic "), "topic_id"),
            topic_method=pl.lit("made up"),
            review_share=pl.col("review_count") / len(ids),
            topic_words=pl.lit("words"),
            representative_review_ids=pl.lit(ids[0]),
            is_outlier=pl.col("topic_id") == "outlier",
        ),
    }
    return {
        name: frame.with_columns(**{key: pl.lit(value) for key, value in STAMP.items()})
        for name, frame in frames.items()
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TestShop:
    """Built before any step has run, then again after both of them."""
    shop = TestShop(data=real_files(SOURCE), var=tmp_path_factory.mktemp(SOURCE), source=SOURCE)
    variables = {"source": SOURCE, "as_of_date": AS_OF.isoformat()}
    before = shop.dbt_build(**variables)
    assert " ERROR=0 " in before.stdout
    for step in STEPS:
        assert f"Warning in test ml_{step}_has_rows" in before.stdout, "nobody says that the step has not run"
    assert shop.query("select count(*) from serving.review_sentiment") == [(0,)]
    assert shop.query("select sum(text_review_count), min(mean_polarity) from serving.item_reputation") == [
        (0, -1)
    ]
    Warehouse(path=shop.warehouse).replace(made_up(shop.table("features.review_texts")))
    after = shop.dbt_build("--select", *[f"source:ml.{step}+" for step in STEPS], **variables)
    assert " WARN=0 ERROR=0 " in after.stdout
    return shop


def test_every_text_before_the_as_of_date_is_read_once(shop: TestShop):
    (accepted,) = shop.query(
        f"select count(*) from core.reviews where reviewed_at < '{AS_OF}'"
        " and (title is not null or body is not null)"
    )[0]
    later = shop.query(f"select count(*) from core.reviews where reviewed_at >= '{AS_OF}'")[0][0]
    assert accepted > 10_000
    assert later > 1_000
    for table in ("features.review_texts", "serving.review_sentiment"):
        assert shop.query(f"select count(*), count(distinct review_id) from {table}") == [
            (accepted, accepted)
        ]
    assert shop.query("select sum(review_count) from serving.topic_sizes") == [(accepted,)]


def test_nothing_is_from_the_future(shop: TestShop):
    newest = {
        "features.review_texts": "reviewed_at",
        "serving.review_sentiment": "reviewed_at",
        "serving.review_aspects": "reviewed_at",
        "serving.item_reputation": "week_start_date",
        "serving.item_opinions": "last_reviewed_date",
        "serving.user_opinions": "last_reviewed_date",
        "serving.topic_sizes": "review_month",
    }
    for table, column in newest.items():
        assert shop.query(
            f"select max({column}) < '{AS_OF}', min(as_of_date), max(as_of_date) from {table}"
        ) == [(True, AS_OF, AS_OF)], table


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def less(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def test_weeks_are_those_python_counts(shop: TestShop):
    """Thousands of weeks of items: reviews, stars, polarity, the four weeks before, and all so far."""
    polarity = dict(shop.query("select review_id, polarity from ml.review_sentiment"))
    weeks: dict[tuple[str, date], list[tuple]] = defaultdict(list)
    for review, item, rating, at in shop.query(
        "select review_id, item_id, rating, reviewed_at from core.reviews"
    ):
        if at < datetime(AS_OF.year, AS_OF.month, AS_OF.day):
            stars = None if rating is None else float(rating)
            opinion = polarity.get(review, None if stars is None else (stars - 3) / 2)
            weeks[item, at.date() - timedelta(days=at.weekday())].append((stars, opinion))

    def means(item: str, mondays: list[date]) -> tuple[float | None, float | None]:
        rows = [row for monday in mondays for row in weeks.get((item, monday), [])]
        return tuple(mean([row[place] for row in rows if row[place] is not None]) for place in (0, 1))

    found = shop.table("serving.item_reputation")
    assert found.height == len(weeks) > 5_000
    so_far: dict[str, list[float]] = defaultdict(list)
    for row in found.sort("week_start_date").iter_rows(named=True):
        item, monday = row["item_id"], row["week_start_date"]
        assert monday.weekday() == 0
        now, before = means(item, [monday]), means(item, [monday - timedelta(weeks=n) for n in (1, 2, 3, 4)])
        so_far[item] += [stars for stars, _ in weeks[item, monday]]
        assert row["review_count"] == len(weeks[item, monday])
        assert row["is_week_complete"] == (monday + timedelta(days=7) <= AS_OF)
        expected = [*now, less(now[0], before[0]), less(now[1], before[1]), mean(so_far[item])]
        columns = ["mean_rating", "mean_polarity", "rating_trend", "polarity_trend", "cumulative_mean_rating"]
        assert [row[name] for name in columns] == pytest.approx(expected, abs=1e-9), row
    assert found["polarity_trend"].drop_nulls().len() > 1_000
    assert not found["is_week_complete"].all()


def test_shares_and_polarities_stay_in_their_range(shop: TestShop):
    for table in OPINIONS:
        frame = shop.table(f"serving.{table}")
        for name in frame.columns:
            if name.endswith("_share"):
                assert frame[name].drop_nulls().is_between(0, 1).all(), f"{table}.{name}"
            elif name.endswith("polarity"):
                assert frame[name].drop_nulls().is_between(-1, 1).all(), f"{table}.{name}"


def test_an_outlier_is_no_topic_of_an_item_or_a_user(shop: TestShop):
    names = {"Topic t1", "Topic t2", None}
    assert set(shop.table("serving.item_opinions")["main_topic"]) == names
    assert set(shop.table("serving.user_opinions")["main_topic"]) == names
    listed = shop.table("serving.item_reputation")["top_topics"].drop_nulls().str.split(", ").explode()
    assert set(listed) == names - {None}


def test_a_new_text_is_a_warning_until_the_steps_have_run_again(shop: TestShop, tmp_path: Path):
    """A later date has more texts: what was read is still served, and dbt says what is missing."""
    later = copy_of(shop, tmp_path / "var")
    changed = ["as_of_dates", "review_texts", "review_sentiment", "topic_sizes"]
    arguments = ["--select", *changed, "assert_review_texts_are_read_once", "--indirect-selection", "empty"]
    built = later.dbt_build(*arguments, source=SOURCE, as_of_date="2015-01-01")
    assert " WARN=1 ERROR=0 " in built.stdout
    assert "Warning in test assert_review_texts_are_read_once" in built.stdout
    (texts, served) = later.query(
        "select (select count(*) from features.review_texts), (select count(*) from serving.review_sentiment)"
    )[0]
    assert texts > served > 10_000


def test_cohorts_hold_the_opinions_python_counts(shop: TestShop, tmp_path: Path):
    """Made-up cohorts of all users, of which one has nineteen: too few to say anything of."""
    grouped = copy_of(shop, tmp_path / "var")
    users = sorted(user for (user,) in shop.query("select user_id from features.user_features"))
    cohort_of = {user: "c3" if place < 19 else f"c{1 + place % 2}" for place, user in enumerate(users)}
    frame = pl.DataFrame({"user_id": users, "cohort_id": list(cohort_of.values())}).with_columns(
        cohort_name=pl.concat_str(pl.lit("Cohort "), "cohort_id"),
        cohort_method=pl.lit("made up"),
        distance_to_centre=pl.lit(1.0),
        likely_cohort_id=pl.lit(None, pl.String),
        likely_cohort_probability=pl.lit(None, pl.Float64),
        **{key: pl.lit(value) for key, value in STAMP.items()},
    )
    Warehouse(path=grouped.warehouse).replace({"user_cohorts": frame})
    arguments = ["--select", "user_cohorts", "cohorts", "cohort_opinions", "--indirect-selection", "cautious"]
    built = grouped.dbt_build(*arguments, source=SOURCE, as_of_date=AS_OF.isoformat())
    assert " ERROR=0 " in built.stdout

    author = dict(shop.query(f"select review_id, user_id from core.reviews where reviewed_at < '{AS_OF}'"))
    writers, holders = defaultdict(set), defaultdict(set)
    for user in author.values():
        writers[cohort_of[user]].add(user)
    for review, polarity in shop.query("select review_id, polarity from ml.review_aspects"):
        if polarity:
            kind = "praise" if polarity > 0 else "complaint"
            holders[cohort_of[author[review]], kind, "price"].add(author[review])
    for review, topic in shop.query("select review_id, topic_id from ml.review_topics"):
        if topic != "outlier":
            holders[cohort_of[author[review]], "topic", f"Topic {topic}"].add(author[review])
    expected = {
        key: (len(writers[key[0]]), len(held), pytest.approx(len(held) / len(writers[key[0]])))
        for key, held in holders.items()
        if len(held) >= 20
    }
    columns = ["cohort_id", "opinion_type", "opinion_name", "writer_count", "user_count", "cohort_share"]
    found = grouped.table("serving.cohort_opinions").select(columns)
    assert {row[:3]: row[3:] for row in found.rows()} == expected
    # Praise, complaint and two topics of either cohort.
    assert len(expected) == 8
