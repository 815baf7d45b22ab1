"""What is true of the simulated shop can be found in its raw files, within what chance allows."""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, spearmanr
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tests.unit.simulator.simulated import clean_lines, clean_views, shop_of

Shop = dict[str, pl.DataFrame]


def test_price_elasticity_of_every_category(shop: Shop):
    """Poisson regression of pieces on the log price, each item with its own level and looks as exposure."""
    looked = clean_views(shop).group_by("item_id", "week_start_date").len("looks")
    sold = (
        clean_lines(shop).group_by("item_id", "week_start_date").agg(pl.col("quantity").sum().alias("pieces"))
    )
    calm = shop["truth/items"].filter(pl.col("brand") != shop["truth/crisis"]["brand"][0])
    cells = (
        looked.join(sold, on=["item_id", "week_start_date"], how="left")
        .join(shop["truth/prices"], on=["item_id", "week_start_date"])
        .join(calm.select("item_id", "category"), on="item_id")
        .with_columns(
            pl.col("pieces").fill_null(0),
            (pl.col("price") / pl.col("list_price")).log().alias("log_price"),
        )
    )
    truth = dict(shop["truth/categories"].iter_rows())
    deviations = []
    for (category,), rows in cells.group_by("category", maintain_order=False):
        estimate, error = _poisson_slope(rows)
        assert error < 0.5
        deviations.append((estimate - truth[category]) / error)
    assert len(deviations) == 12
    # Pieces beyond the first make counts a little wider than Poisson, hence the factor.
    assert np.square(deviations).sum() / 1.3 < chi2.ppf(0.999, 12)
    assert abs(np.mean(deviations)) < 1.2


def _poisson_slope(rows: pl.DataFrame) -> tuple[float, float]:
    """Slope and standard error; the items' levels are profiled out."""
    item = rows["item_id"].rank("dense").to_numpy() - 1
    looks, pieces, log_price = (rows[name].to_numpy() for name in ("looks", "pieces", "log_price"))
    bought = np.bincount(item, pieces)

    def expected(slope: float) -> np.ndarray:
        weight = looks * np.exp(slope * log_price)
        return weight * (bought / np.bincount(item, weight))[item]

    slope = brentq(lambda slope: ((pieces - expected(slope)) * log_price).sum(), -8, 5)
    mean = expected(slope)
    centre = np.bincount(item, mean * log_price) / np.maximum(np.bincount(item, mean), 1e-12)
    return slope, ((mean * (log_price - centre[item]) ** 2).sum()) ** -0.5


@pytest.fixture(scope="module")
def outcomes(shop: Shop) -> pl.DataFrame:
    """Every eligible user and campaign: true probabilities, arm, group and whether they bought."""
    bought = (
        clean_lines(shop)
        .join(shop["truth/campaigns"], how="cross")
        .filter(pl.col("booked_at").cast(pl.Date).is_between("start_date", "end_date"))
        .select("campaign_id", "user_id", pl.lit(1.0).alias("bought"))
        .unique()
    )
    return (
        shop["truth/uplift"]
        .join(bought, on=["campaign_id", "user_id"], how="left")
        .join(shop["truth/users"].select("user_id", "group"), on="user_id")
        .with_columns(pl.col("bought").fill_null(0.0))
    )


def test_true_probabilities_are_those_of_the_shop(outcomes: pl.DataFrame):
    """In both arms as many bought as the truth says, within four standard deviations."""
    for arm, column in ((True, "probability_if_treated"), (False, "probability_if_held_out")):
        rows = outcomes.filter(is_treated=arm)
        expected = rows[column].to_numpy()
        spread = np.sqrt((expected * (1 - expected)).sum())
        assert abs(rows["bought"].sum() - expected.sum()) < 4 * spread
        assert spread / expected.sum() < 0.05


def test_campaign_effect_by_difference_in_means(outcomes: pl.DataFrame):
    """Of each group and overall; the coin is fair, so means may be compared."""
    deviations = []
    for _, rows in [("all", outcomes), *outcomes.group_by("group", maintain_order=False)]:
        treated, held_out = (rows.filter(is_treated=arm)["bought"] for arm in (True, False))
        found = treated.mean() - held_out.mean()
        error = np.sqrt(treated.var() / len(treated) + held_out.var() / len(held_out))
        deviations.append((found - rows["uplift"].mean()) / error)
    assert abs(deviations[0]) < 3
    assert np.square(deviations[1:]).sum() < chi2.ppf(0.999, len(deviations) - 1)
    by_group = outcomes.group_by("group").agg(pl.col("uplift").mean())["uplift"]
    assert by_group.min() < 0 < 0.05 < by_group.max()


def test_contacts_are_a_fair_coin(shop: Shop, outcomes: pl.DataFrame):
    assert abs(outcomes["is_treated"].mean() - 0.5) < 4 * 0.5 / len(outcomes) ** 0.5
    consent = shop["users"].filter(marketing_consent="no")["user_id"]
    assert len(consent) > 0
    assert not set(consent) & set(outcomes["user_id"])
    arms = shop["campaign_assignments"].select("campaign_id", "user_id", pl.col("arm") == "treated")
    assert arms.rows() == outcomes.select("campaign_id", "user_id", "is_treated").rows()


def test_groups_lie_far_apart(shop: Shop):
    """k-means on the shares of categories looked at finds them again."""
    looks = (
        clean_views(shop)
        .drop_nulls("user_id")
        .join(shop["truth/items"].select("item_id", "category"), on="item_id")
        .pivot("category", index="user_id", values="event_id", aggregate_function="len")
        .fill_null(0)
        .join(shop["truth/users"].select("user_id", "group"), on="user_id")
        .sort("user_id")
    )
    counts = looks.drop("user_id", "group").to_numpy()
    enough = counts.sum(axis=1) >= 30
    shares = counts[enough] / counts[enough].sum(axis=1, keepdims=True)
    found = KMeans(6, n_init=10, random_state=0).fit_predict(np.sqrt(shares))
    assert adjusted_rand_score(looks["group"].to_numpy()[enough], found) > 0.7


def test_groups_grow_and_come_at_their_hours(shop: Shop):
    views = (
        clean_views(shop)
        .drop_nulls("user_id")
        .join(shop["truth/users"].select("user_id", "group"), on="user_id")
    )
    quarter = views["occurred_at"].dt.quarter()
    growth, hours = [], []
    for group in range(6):
        mine = views["group"] == group
        growth.append((mine & (quarter == 4)).sum() / (mine & (quarter == 1)).sum())
        angle = (views.filter(mine)["occurred_at"].dt.hour().to_numpy() + 8.5) / 24 * 2 * np.pi
        hours.append(np.angle(np.exp(1j * angle).mean()) / (2 * np.pi) * 24 % 24)
    assert spearmanr(growth, shop["truth/groups"]["yearly_growth"]).statistic > 0.9
    apart = (np.array(hours) - shop["truth/groups"]["peak_hour"].to_numpy() + 12) % 24 - 12
    assert np.abs(apart).max() < 0.7


def test_bought_together_means_near(shop: Shop):
    """Pairs on one order share their item type far more often than chance, and have near vectors."""
    items = shop["truth/items"].select("item_id", "item_type", "vector")
    lines = clean_lines(shop).select("order_id", "item_id").join(items, on="item_id")
    pairs = lines.join(lines, on="order_id", suffix="_2").filter(pl.col("item_id") < pl.col("item_id_2"))
    share = (pairs["item_type"] == pairs["item_type_2"]).mean()
    by_type = lines["item_type"].value_counts()["count"].to_numpy() / len(lines)
    assert share > 8 * np.square(by_type).sum()
    together = (
        pairs["vector"].list.to_array(16).to_numpy() * pairs["vector_2"].list.to_array(16).to_numpy()
    ).sum(1)
    everything = lines["vector"].list.to_array(16).to_numpy().mean(axis=0)
    assert together.mean() > everything @ everything + 0.3


def test_similar_items_are_looked_at_by_the_same_users(shop: Shop):
    """Of the nearest items by looks in common, many are the true nearest ones."""
    items = shop["truth/items"]["item_id"]
    place = pl.DataFrame({"item_id": items, "place": np.arange(len(items))})
    looks = clean_views(shop).drop_nulls("user_id").join(place, on="item_id")
    user = looks["user_id"].rank("dense").to_numpy() - 1
    matrix = np.zeros((user.max() + 1, len(items)), np.float32)
    matrix[user, looks["place"].to_numpy()] = 1
    common = (matrix.T @ matrix) / np.sqrt(np.outer(matrix.sum(0), matrix.sum(0)) + 1e-9)
    np.fill_diagonal(common, 0)
    popular = np.argsort(-matrix.sum(axis=0))[:200]
    near = common.argmax(axis=1)[popular]
    truth = shop["truth/similar_items"].group_by("item_id").agg("similar_item_id")
    similar = {item: set(others) for item, others in truth.iter_rows()}
    hits = np.mean(
        [items[int(other)] in similar[items[int(item)]] for item, other in zip(popular, near, strict=True)]
    )
    assert hits > 20 * 10 / len(items)


def test_ratings_follow_the_sentiment_but_are_not_it(shop: Shop):
    reviews = shop["reviews"].unique().join(shop["truth/reviews"], on="review_id", validate="1:1")
    rated = reviews.drop_nulls("stars").with_columns(pl.col("stars").cast(pl.Float64))
    assert 0.6 < np.corrcoef(rated["stars"], rated["score"])[0, 1] < 0.95
    means = rated.group_by("sentiment").agg(pl.col("stars").mean()).sort("stars")["sentiment"].to_list()
    assert means == ["negative", "neutral", "positive"]
    shares = dict(reviews["sentiment"].value_counts(normalize=True).iter_rows())
    assert 0.55 < shares["positive"] < 0.8
    assert 0.1 < shares["negative"] < 0.35


def test_texts_say_what_is_true_of_them(shop: Shop):
    reviews = shop["reviews"].unique().join(shop["truth/reviews"], on="review_id", suffix="_true")
    chinese = reviews["body"].str.contains(r"\p{Han}{3}")
    is_chinese = reviews["language_true"] == "zh"
    assert (chinese == is_chinese).filter(~reviews["is_mixed"]).all()
    assert 0.3 < is_chinese.mean() < 0.5
    soon = "物流很快|比预计提前到了|第二天就收到了|(?i)fast delivery|arrived earlier|shipping was quick"
    assert set(reviews.filter(reviews["body"].str.contains(soon))["delivery_sentiment"]) == {1}
    assert set(
        reviews.filter(reviews["body"].str.contains("poor quality|质量太差"))["quality_sentiment"]
    ) == {-1}
    negated = reviews.filter(reviews["body"].str.contains("no complaints about the quality|质量并不好"))
    assert negated["has_negation"].all()
    assert set(negated["quality_sentiment"]) == {1, -1}
    for flag, low, high in (("has_negation", 0.2, 0.6), ("has_emoji", 0.15, 0.3), ("is_mixed", 0.03, 0.09)):
        assert low < reviews[flag].mean() < high
    assert (reviews["body"].str.contains("[😡👎😞💔😍👍🎉😊]") == reviews["has_emoji"]).all()


@pytest.fixture(scope="module")
def crisis_shop() -> Shop:
    """A brand's crisis needs many of its orders to be seen."""
    return shop_of(events=400_000, seed=11, items=360)


def test_the_crisis_shows(crisis_shop: Shop):
    shop = crisis_shop
    (brand, first, last, demand, _) = shop["truth/crisis"].row(0)
    mine = shop["truth/items"].filter(brand=brand).select("item_id")
    views = clean_views(shop).join(mine, on="item_id")
    lines = clean_lines(shop).join(mine, on="item_id")

    def in_crisis(column: pl.Series) -> pl.Series:
        return column.cast(pl.Date).is_between(first, last)

    inside, outside = (
        lines.filter(where(in_crisis(lines["booked_at"]))).height
        / views.filter(where(in_crisis(views["occurred_at"]))).height
        for where in (lambda days: days, lambda days: ~days)
    )
    assert inside / outside == pytest.approx(demand, rel=0.35)

    reviews = (
        shop["reviews"]
        .unique()
        .join(shop["truth/reviews"], on="review_id")
        .join(mine, on="item_id")
        .with_columns(pl.col("written_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False))
        .drop_nulls("written_at")
    )
    days = in_crisis(reviews["written_at"])
    assert (reviews.filter(days)["quality_sentiment"] < 0).mean() > 0.75
    assert (reviews.filter(~days & ~reviews["in_crisis"])["quality_sentiment"] < 0).mean() < 0.3

    orders = lines.filter(in_crisis(lines["booked_at"]))["order_id"].unique()
    messages = shop["truth/support_messages"].filter(intent="defective_item", is_from_user=True)
    assert messages["order_id"].is_in(orders.implode()).sum() / len(orders) > 0.2
    assert len(messages) / shop["orders"].height < 0.03
