from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from sklearn.metrics import adjusted_rand_score

from python_ml.config import TopicConfig
from python_ml.errors import ContractError, SettingError
from python_ml.topics.build import METHOD_ONE, build_topics
from python_ml.topics.match import OUTLIER
from python_ml.topics.model import TopicModel
from python_ml.topics.words import stop_words
from tests.unit.topics.reviews import DIMENSIONS, THINGS, frames, make_reviews

CONFIG = TopicConfig(min_topics=2, max_topics=6, drop_directions=0)


def build(reviews, embeddings, *, previous=None, config=CONFIG, seed=0):
    return build_topics(reviews, embeddings, previous=previous, config=config, seed=seed)


@pytest.fixture(scope="module")
def shop():
    return make_reviews(60)


@pytest.fixture(scope="module")
def result(shop):
    return build(*shop)


def things_of(reviews: pl.DataFrame) -> list[str]:
    return reviews["review_id"].str.split("-").list.first().to_list()


@pytest.mark.parametrize("method", ["kmeans", "hdbscan", "lda"])
def test_planted_topics_are_found_with_their_number(shop, method):
    found = build(*shop, config=replace(CONFIG, method=method, density_shares=(50, 100))).review_topics
    kept = found.filter(pl.col("topic_id") != OUTLIER)
    assert kept.height > 0.9 * found.height
    assert adjusted_rand_score(things_of(kept), kept["topic_id"].to_list()) > 0.95


def test_topics_are_described_by_their_own_words(result):
    for row in result.topic_profiles.filter(~pl.col("is_outlier")).iter_rows(named=True):
        words = row["topic_words"].split(", ")
        thing = next(thing for thing, own in THINGS.items() if words[0] in own)
        assert set(words) <= set(THINGS[thing])
        assert row["topic_name"] == " / ".join(words[:3])
        shown = row["representative_review_ids"].split(", ")
        assert {review_id.split("-")[0] for review_id in shown} == {thing}
        assert len(shown) == CONFIG.representatives
    assert not set(", ".join(result.topic_profiles["topic_words"]).split(", ")) & stop_words(["en"])


def test_profiles_count_every_review_once(shop, result):
    profiles = result.topic_profiles
    assert profiles["review_count"].sum() == shop[0].height
    assert profiles["review_share"].sum() == pytest.approx(1)
    counted = result.review_topics.group_by("topic_id").len("review_count").sort("topic_id")
    assert (
        profiles.select("topic_id", "review_count")
        .sort("topic_id")
        .cast({"review_count": pl.UInt32})
        .equals(counted.cast({"review_count": pl.UInt32}))
    )
    assert result.review_topics["topic_probability"].is_between(0, 1).all()
    assert set(result.plots) == {"sizes", "map", "selection"}


def test_order_of_rows_does_not_matter(shop, result):
    reviews, embeddings = (table.sample(fraction=1.0, shuffle=True, seed=3) for table in shop)
    again = build(reviews, embeddings)
    assert again.review_topics.equals(result.review_topics)
    assert again.topic_profiles.equals(result.topic_profiles)


def test_same_data_same_ids_after_a_save(shop, result):
    kept = TopicModel.from_arrays(load(save(result.model.arrays())))
    again = build(*shop, previous=kept, seed=5)  # another start numbers its topics otherwise
    assert again.review_topics.select("review_id", "topic_id").equals(
        result.review_topics.select("review_id", "topic_id")
    )


def test_a_topic_that_goes_takes_its_id_with_it():
    everything = make_reviews(40)
    before = build(*everything)
    hotel = before.review_topics.filter(pl.col("review_id").str.starts_with("hotel"))["topic_id"].mode()[0]
    after = build(*make_reviews(40, seed=1, things=("fruit", "phone")), previous=before.model)
    assert hotel not in after.model.topic_ids
    last = build(*make_reviews(40, seed=2), previous=after.model)
    # Hotels are back, two runs later: a new topic, under a number that none ever had.
    new = set(last.model.topic_ids) - set(after.model.topic_ids)
    assert new
    assert not new & set(before.model.topic_ids)
    kept = set(before.model.topic_ids) & set(last.model.topic_ids)
    assert len(kept) == 2


def test_another_encoder_is_matched_by_words(shop, result):
    reviews, embeddings = shop
    turned = np.random.default_rng(0).permutation(DIMENSIONS)
    vectors = np.stack(embeddings["embedding"].to_numpy())[:, turned]
    other = embeddings.with_columns(
        pl.lit("other").alias("embedding_model"),
        pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, DIMENSIONS)),
    )
    again = build(reviews, other, previous=result.model)
    assert adjusted_rand_score(
        again.review_topics["topic_id"].to_list(), result.review_topics["topic_id"].to_list()
    ) == pytest.approx(1, abs=0.02)
    assert set(again.model.topic_ids) == set(result.model.topic_ids)


def test_equal_texts_have_equal_topics_and_are_shown_once(shop):
    reviews, embeddings = shop
    text, key = reviews.select("text", "text_hash").row(0)
    copies = pl.DataFrame({"review_id": [f"copy-{i}" for i in range(30)], "text": text, "text_hash": key})
    found = build(pl.concat([reviews, copies]), embeddings)
    joined = found.review_topics.join(pl.concat([reviews, copies]), on="review_id")
    assert joined.group_by("text_hash").agg(pl.col("topic_id").n_unique())["topic_id"].max() == 1
    hash_of = dict(pl.concat([reviews, copies]).select("review_id", "text_hash").iter_rows())
    for shown in found.topic_profiles["representative_review_ids"]:
        hashes = [hash_of[review_id] for review_id in shown.split(", ") if review_id]
        assert len(set(hashes)) == len(hashes)


def test_a_text_without_words_is_an_outlier_and_one_far_from_all_too():
    reviews, embeddings = make_reviews(60)
    odd = np.zeros((2, DIMENSIONS))
    odd[0, 2] = 1.0  # where hotels are, but nothing is said
    odd[1, 9] = 1.0  # where nobody is
    more = frames([("silent", "!!! 100"), ("odd", "zebra")], odd)
    found = build(pl.concat([reviews, more[0]]), pl.concat([embeddings, more[1]]))
    topics = dict(found.review_topics.select("review_id", "topic_id").iter_rows())
    assert topics["silent"] == topics["odd"] == OUTLIER
    row = found.topic_profiles.row(-1, named=True)
    assert (row["topic_id"], row["is_outlier"], row["topic_words"]) == (OUTLIER, True, "")
    assert found.review_topics.filter(pl.col("topic_id") == OUTLIER)["topic_probability"].max() == 0


def test_too_few_reviews_are_one_topic():
    few = make_reviews(3)
    found = build(*few)
    assert found.topic_profiles["topic_id"].to_list() == ["t1"]
    assert found.topic_profiles["topic_method"].to_list() == [METHOD_ONE]
    assert build(*few, previous=found.model).model.topic_ids == ["t1"]


def test_reviews_that_are_all_alike_are_one_topic():
    rows = [(f"r{i}", f"good apple {'very ' * i}") for i in range(80)]
    found = build(*frames(rows, np.ones((80, DIMENSIONS))))
    assert found.topic_profiles["topic_id"].to_list() == ["t1"]


def test_no_reviews_give_empty_tables_with_their_columns(result):
    reviews, embeddings = make_reviews(1)
    for config in (CONFIG, replace(CONFIG, method="lda")):
        found = build(reviews.clear(), embeddings.clear(), config=config, previous=result.model)
        assert found.review_topics.schema == result.review_topics.schema
        assert found.topic_profiles.schema == result.topic_profiles.schema
        assert found.review_topics.is_empty()
        assert found.topic_profiles.is_empty()
        assert found.model.last_number == result.model.last_number


def test_lda_needs_no_vectors(shop):
    found = build(shop[0], shop[1].clear(), config=replace(CONFIG, method="lda"))
    assert found.model.embedding_model is None
    assert found.topic_profiles.height >= 2


def test_tables_that_break_the_contract_are_refused(shop):
    reviews, embeddings = shop
    with pytest.raises(ContractError, match="text_hash is missing"):
        build(reviews.drop("text_hash"), embeddings)
    one_less = embeddings.filter(pl.col("text_hash") != reviews["text_hash"][0])
    with pytest.raises(ContractError, match="1 of 240 reviews have no vector"):
        build(reviews, one_less)


@pytest.mark.parametrize(
    "wrong",
    [{"method": "bert"}, {"min_topics": 1}, {"max_topics": 2}, {"match_similarity": 0.0}, {"min_lift": 0.5}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError):
        TopicConfig(**wrong)


def test_every_setting_reaches_something():
    """A changed setting changes what is found: else it would be there for show."""
    base = replace(CONFIG, min_reviews=20, select_reviews=80, fit_reviews=120)
    reviews, embeddings = make_reviews(50)
    changed = {
        "method": "lda",
        "min_reviews": 1_000_000,
        "min_topics": 5,
        "max_topics": 2,
        "score_tolerance": 1.0,
        "select_reviews": 20,
        "fit_reviews": 24,
        "drop_directions": 3,
        "dimensions": 1,
        "concentration": 0.0,
        "stop_word_languages": ("zh",),
        "min_word_reviews": 2,  # the least it is ever; nothing changes here, see test_counted_are_words...
        "max_word_share": 0.02,
        "topic_word_count": 2,
        "min_lift": 4.5,
        "representatives": 2,
        "outlier_fence": 0.0,
        "match_similarity": 1.0,
        "match_word_share": 1.0,
        "density_shares": (50,),
    }
    assert set(changed) == {field.name for field in fields(TopicConfig)}
    # What needs another method or a previous run has a test of its own.
    elsewhere = {"min_word_reviews", "match_similarity", "match_word_share", "density_shares"}
    first = build(reviews, embeddings, config=base)
    for name in changed.keys() - elsewhere:
        raised = {"select_reviews": 1_000_000, "fit_reviews": 1_000_000} if name == "min_reviews" else {}
        other = build(reviews, embeddings, config=replace(base, **{name: changed[name]}, **raised))
        same = other.review_topics.equals(first.review_topics)
        assert not (same and other.topic_profiles.equals(first.topic_profiles)), name


@hypothesis_settings(max_examples=8)
@given(st.integers(0, 1000), st.lists(st.sampled_from(sorted(THINGS)), min_size=1, max_size=4, unique=True))
def test_no_id_is_used_again_and_no_review_is_lost(seed, things):
    first = build(*make_reviews(15, seed=0))
    reviews, embeddings = make_reviews(15, seed=seed, things=tuple(things))
    then = build(reviews, embeddings, previous=first.model, seed=seed)
    assert then.review_topics["review_id"].to_list() == sorted(reviews["review_id"].to_list())
    assert len(set(then.model.topic_ids)) == len(then.model.topic_ids)
    fresh = set(then.model.topic_ids) - set(first.model.topic_ids)
    assert all(int(topic_id[1:]) > first.model.last_number for topic_id in fresh)
    assert then.model.last_number == first.model.last_number + len(fresh)
