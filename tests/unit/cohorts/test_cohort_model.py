"""Cohorts found once hold for later days, until there is a reason to look for them anew."""

import dataclasses
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from python_ml.cohorts import trial
from python_ml.cohorts.build import CohortResult, build_cohorts
from python_ml.cohorts.model import CohortModel, model_in_force
from python_ml.config import CohortConfig
from tests.unit.cohorts.shop import planted_shop

DAY = date(2024, 3, 1)
QUICK = CohortConfig(max_cohorts=4, resamples=2, bootstraps=2, restarts=3)


@pytest.fixture(scope="module")
def shop():
    return planted_shop()


@pytest.fixture(scope="module")
def first(shop):
    return build_cohorts(*shop.tables(), QUICK, seed=7, day=DAY, fitted_with="a")


def later(shop, model, *, days: int = 1, config: CohortConfig = QUICK, fitted_with: str = "a", seed: int = 7):
    day = DAY + timedelta(days=days)
    return build_cohorts(*shop.tables(), config, seed=seed, day=day, fitted_with=fitted_with, model=model)


def test_later_users_change_no_centre_and_one_user_is_placed_as_all_are(shop, first):
    """Nothing is learned from who is placed: alone, among all, or beside others makes no difference."""
    alone = later(shop.only_users(["u001"]), first.model)
    assert alone.model is first.model
    assert alone.fit_reason is None
    (_, cohort, _, _, distance, *_) = alone.user_cohorts.row(0)
    (_, cohort_among_all, _, _, distance_among_all, *_) = first.user_cohorts.row(
        by_predicate=pl.col("user_id") == "u001"
    )
    assert (cohort, distance) == (cohort_among_all, pytest.approx(distance_among_all))


def test_a_user_who_changes_moves_and_the_others_stay(shop, first):
    """User u001 hunts discounts; now its whole row, its departments and its lines are those of u000."""

    def as_u000(table: pl.DataFrame) -> pl.DataFrame:
        copied = table.filter(pl.col("user_id") == "u000").with_columns(user_id=pl.lit("u001"))
        return pl.concat([table.filter(pl.col("user_id") != "u001"), copied])

    names = ("user_features", "user_department_features", "interactions")
    changed = dataclasses.replace(shop, **{name: as_u000(getattr(shop, name)) for name in names})
    now = dict(later(changed, first.model).user_cohorts.select("user_id", "cohort_id").rows())
    then = dict(first.user_cohorts.select("user_id", "cohort_id").rows())
    assert {user for user in then if then[user] != now[user]} == {"u001"}
    assert now["u001"] == then["u000"]


def test_saved_and_read_again_it_places_every_user_alike(shop, first):
    read = CohortModel.from_arrays(first.model.arrays())
    again = later(shop, read)
    assert again.model is read
    assert again.user_cohorts.drop("cohort_name").equals(first.user_cohorts.drop("cohort_name"))
    assert again.cohort_selection.equals(first.cohort_selection)
    assert read.arrays().keys() == first.model.arrays().keys()


def test_categories_and_features_that_come_later_do_not_count(shop, first):
    """Everybody buys of a new category, so that it pushes one the model knows out of those bought most."""
    new = shop.item_features.head(1).with_columns(item_id=pl.lit("new"), category=pl.lit("A NEW ONE"))
    bought = shop.interactions.unique("user_id").with_columns(item_id=pl.lit("new"))
    grown = dataclasses.replace(
        shop,
        user_features=shop.user_features.with_columns(latest_fad=pl.lit(3.0)),
        interactions=pl.concat([shop.interactions, bought]),
        item_features=pl.concat([shop.item_features, new]),
    )
    known = len(first.model.spend_categories)
    again = later(grown, first.model, config=dataclasses.replace(QUICK, spend_categories=known))
    assert again.model is first.model
    assert again.user_cohorts["cohort_id"].equals(first.user_cohorts["cohort_id"])
    # A new fit compares by those bought most, and no longer by what was pushed out.
    anew = later(grown, first.model, config=dataclasses.replace(QUICK, spend_categories=known), days=92)
    assert len(anew.model.spend_categories) == known
    assert "A NEW ONE" in anew.model.spend_categories


def test_users_who_bought_nothing_with_a_text_stand_in_the_middle_of_those_it_was_fitted_on(shop, first):
    lines = shop.interactions.with_columns(
        item_id=pl.when(pl.col("user_id") == "u001").then(pl.lit("no text")).otherwise("item_id")
    )
    placed = later(dataclasses.replace(shop, interactions=lines), first.model)
    assert placed.user_cohorts["distance_to_centre"].is_finite().sum() == 120


def test_users_who_looked_at_nothing_stand_in_the_middle_and_new_categories_do_not_count(shop):
    """u001 is the only one who ever looks at what is sold later."""
    looks = shop.interactions.filter(pl.col("user_id") != "u001").with_columns(event_type=pl.lit("view"))
    seen = dataclasses.replace(shop, interactions=pl.concat([shop.interactions, looks]))
    fitted = build_cohorts(*seen.tables(), QUICK, seed=7, day=DAY, fitted_with="a")
    new = shop.item_features.head(1).with_columns(item_id=pl.lit("new"), category=pl.lit("A NEW ONE"))
    act = looks.head(1).with_columns(user_id=pl.lit("u002"), item_id=pl.lit("new"))
    grown = dataclasses.replace(
        seen,
        interactions=pl.concat([seen.interactions, act]),
        item_features=pl.concat([shop.item_features, new]),
    )
    again = later(grown, fitted.model)
    assert again.model is fitted.model
    assert again.user_cohorts["cohort_id"].equals(fitted.user_cohorts["cohort_id"])
    assert again.user_cohorts["distance_to_centre"].is_finite().sum() == 120
    assert later(shop, fitted.model).fit_reason == "what users look at is weighed in or left out now"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"days": 90}, None),
        ({"days": 91}, "the last fit is 91 days old"),
        ({"days": 30, "config": dataclasses.replace(QUICK, refit_days=30)}, "the last fit is 30 days old"),
        ({"fitted_with": "b"}, "settings or code changed"),
        ({"config": dataclasses.replace(QUICK, text_weight=0.0)}, "texts are weighed in or left out now"),
        ({"config": dataclasses.replace(QUICK, refit_growth=1.0)},
         "120 users have ordered, 120 at the last fit"),
    ],
)  # fmt: skip
def test_when_cohorts_are_looked_for_anew(shop, first, change, reason):
    found = later(shop, first.model, **change)
    assert found.fit_reason == reason
    assert (found.model is first.model) == (reason is None)
    assert found.cohort_selection["fitted_on"].unique().to_list() == [found.model.fitted_on]


def test_the_number_of_cohorts_stays_unless_something_else_is_asked_for(shop):
    """Anything goes here, so four would win; the fit before, under the same settings and code, has three."""
    anything = dataclasses.replace(
        QUICK, min_stability=0.0, min_cohort_share=0.0, min_profile_users=1, silhouette_tolerance=1.0
    )
    three = later(shop, None, config=dataclasses.replace(anything, max_cohorts=3)).model
    assert len(later(shop, three, days=92, config=anything).model.partition) == 3
    assert len(later(shop, three, days=92, config=anything, fitted_with="b").model.partition) == 4
    assert len(later(shop, None, days=92, config=anything).model.partition) == 4


def test_at_the_next_fit_it_is_known_what_each_number_of_cohorts_was_worth(shop, first):
    """Planted groups go by number % 3: they tell all of a spend that does too, and nothing of another."""
    told = first.cohort_selection["usefulness"]
    assert told.null_count() == len(told)
    since = DAY + timedelta(days=3)
    number = pl.col("user_id").str.slice(1).cast(pl.Int64)

    def fitted_after(spends: pl.Expr, days: int = 91) -> CohortResult:
        bought = shop.interactions.unique("user_id").with_columns(
            item_id=pl.lit("i0"),
            sales_amount=spends.cast(pl.Float64),
            interacted_at=pl.lit(since).cast(pl.Datetime),
        )
        grown = dataclasses.replace(shop, interactions=pl.concat([shop.interactions, bought.sort("user_id")]))
        config = dataclasses.replace(QUICK, refit_days=days)
        kept = later(shop, None, config=config, days=0).model
        return later(grown, CohortModel.from_arrays(kept.arrays()), config=config, days=days)

    useful = fitted_after(1 + number % 3)
    # Three groups of 40 who spend 1, 2 and 3: all is explained.
    assert useful.cohort_selection.filter(cohort_count=3)["usefulness"].item() == pytest.approx(1.0)
    assert [axes.get_ylabel() for axes in useful.plots["selection"].axes][2:] == ["said of later spend"]
    useless = fitted_after(1 + number // 60).cohort_selection
    assert useless.filter("is_chosen")["fitted_on"].item() == DAY
    refused = useless.filter(pl.col("fitted_on") > DAY, pl.col("cohort_count") > 1)
    assert (refused["usefulness"] <= 0.0).any()
    assert not refused.filter(pl.col("usefulness") <= 0.0)["is_eligible"].any()
    # Before those days are over nothing is known.
    early = fitted_after(1 + number % 3, days=90).cohort_selection
    assert early["usefulness"].null_count() == early.height


def test_a_sample_of_users_is_kept_for_that(shop, monkeypatch):
    monkeypatch.setattr(trial, "_SAMPLE_USERS", 50)
    kept = later(shop, None).model.trial
    assert len(kept.user_ids) == len(set(kept.user_ids)) == 50
    assert kept.user_ids == sorted(kept.user_ids)
    assert kept.candidates == [("k-means", 3), ("k-means", 4)]
    assert kept.labels.shape == (2, 50)
    number_of = [int(user[1:]) % 3 for user in kept.user_ids]
    assert adjusted_rand_score(number_of, kept.labels[0]) == 1.0


def test_another_method_is_kept_and_places_users_as_it_did(shop):
    mixture = dataclasses.replace(QUICK, methods=("Gaussian mixture",))
    fitted = later(shop, None, config=mixture)
    assert fitted.model.method == "Gaussian mixture"
    again = later(shop, CohortModel.from_arrays(fitted.model.arrays()), config=mixture, days=2)
    assert again.fit_reason is None
    assert again.user_cohorts.equals(fitted.user_cohorts)
    assert again.user_cohorts["cohort_method"].unique().sort().to_list() == [
        "Gaussian mixture on behaviour, spend, texts and looks", "rule: no order yet",
    ]  # fmt: skip


def test_another_encoder_or_a_lost_feature_makes_the_model_useless(shop, first):
    vectors = shop.text_embeddings.with_columns(embedding_model=pl.lit("other#1"))
    found = later(dataclasses.replace(shop, text_embeddings=vectors), first.model)
    assert found.fit_reason == "texts are read by another encoder"
    without = dataclasses.replace(shop, user_features=shop.user_features.drop("recency_days"))
    assert later(without, first.model).fit_reason == "users no longer have the feature recency_days"


def test_drift_is_told_against_the_users_of_the_fit(shop, first):
    """Forty days later nobody has come back: recency has moved, and with it users to other cohorts."""
    assert first.cohort_drift["is_drifted"].any() is False
    assert set(first.cohort_drift["subject_type"]) == {"feature", "cohort"}
    gone = dataclasses.replace(
        shop, user_features=shop.user_features.with_columns(pl.col("recency_days") + 40)
    )
    found = later(gone, first.model, days=40).cohort_drift
    assert "recency_days" in found.filter("is_drifted")["subject_name"].to_list()
    assert found.filter(subject_name="discount_share")["is_drifted"].item() is False
    cohorts = found.filter(subject_type="cohort")["subject_name"]
    assert cohorts.to_list() == first.model.cohort_ids


def test_each_clustered_cohort_has_a_rule_or_a_reason(shop, first):
    assert first.cohort_rules["cohort_id"].to_list() == sorted(first.model.cohort_ids)
    assert (first.cohort_rules["rule_text"].is_null() == first.cohort_rules["reason"].is_not_null()).all()
    alone = later(shop, None, config=dataclasses.replace(QUICK, min_users=1000))
    assert alone.cohort_rules.is_empty()
    assert alone.cohort_drift.is_empty()


def test_a_fit_that_is_not_stable_leaves_the_earlier_cohorts(shop, first):
    strict = dataclasses.replace(QUICK, min_stability=1.0, min_cohorts=4)
    refused = later(shop, first.model, days=100, config=strict)
    assert refused.model is first.model
    assert refused.fit_reason == "the last fit is 100 days old"
    assert refused.user_cohorts["cohort_id"].equals(first.user_cohorts["cohort_id"])
    told = refused.cohort_selection.select("cohort_count", "is_chosen", "fitted_on").rows()
    new = DAY + timedelta(days=100)
    assert told == [(3, True, DAY), (1, False, new), (4, False, new)]
    # Without an earlier fit there is one cohort, and nothing to keep: the next run tries again.
    alone = later(shop, None, config=strict)
    assert alone.model is None
    assert alone.user_cohorts["cohort_name"].unique().sort().to_list() == ["All buyers", "Not yet buying"]


def test_the_model_in_force_is_the_last_one_before_the_day(first):
    def fitted(days: int, number: int) -> dict[str, np.ndarray]:
        on = DAY + timedelta(days=days)
        return dataclasses.replace(first.model, fitted_on=on, user_count=number).arrays()

    kept = [fitted(9, 1), fitted(5, 2), fitted(0, 3), fitted(5, 4), {"centres": np.zeros((2, 2))}]
    found = [model_in_force(kept, DAY + timedelta(days=days)) for days in (-1, 0, 4, 5, 8, 9, 99)]
    assert [model and model.user_count for model in found] == [None, 3, 3, 2, 2, 1, 1]
