"""From reviews to opinions."""

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from safetensors.numpy import load, save
from scipy.special import expit

from python_ml.config import SentimentConfig
from python_ml.errors import ContractError, SettingError
from python_ml.sentiment.build import NO_OPINION_CONFIDENCE, NOTHING_TO_READ, SentimentResult, build_sentiment
from python_ml.sentiment.polarity import PolarityModel
from tests.unit.sentiment.shop import (
    NO_EMBEDDINGS,
    QUICK,
    embeddings,
    encode,
    rated_reviews,
    review_texts,
)

RATED = 300
BAD_TEXTS = (
    "not good",
    "不好",
    "一点都不好",
    "😡",
    "not good 不好 😡",
    "não gostei",
    "<p>Terrible &amp; <b>useless</b></p>",
    ":(",
    "not good, never again. " * 435,  # 10,005 characters
)
GOOD_TEXTS = (
    "good",
    "not bad at all",
    "很好",
    "😍",
    "very good 质量很好 👍",
    "muito bom",
    "很好 very good",
)
UNREADABLE = ("", None, "!!!", "... ,,, ???")


@cache
def built() -> tuple[pl.DataFrame, SentimentResult]:
    reviews = rated_reviews(RATED)
    result = build_sentiment(reviews, embeddings(reviews), config=QUICK, seed=0, encode=encode)
    return reviews, result


def build_by_letters(reviews: pl.DataFrame, **others) -> SentimentResult:
    return build_sentiment(reviews, NO_EMBEDDINGS, **({"config": QUICK, "seed": 0, "encode": None} | others))


@cache
def simulated() -> dict[str, dict]:
    """Opinions on single texts by a shop without ratings, by text."""
    texts = [*BAD_TEXTS, *GOOD_TEXTS, *UNREADABLE, "x" * 10_000]
    reviews = review_texts(texts, [None] * len(texts))
    config = SentimentConfig(ngram_bits=16, ngram_costs=(10.0,), ngram_weightings=("tfidf",))
    found = build_by_letters(reviews, config=config).review_sentiment
    return dict(zip(texts, found.rows(named=True), strict=True))


def test_one_row_per_review_in_their_order():
    reviews, result = built()
    assert result.review_sentiment["review_id"].to_list() == reviews["review_id"].to_list()
    assert result.review_sentiment.schema == {
        "review_id": pl.String,
        "language": pl.String,
        "polarity": pl.Float64,
        "sentiment_label": pl.String,
        "confidence": pl.Float64,
        "sentiment_method": pl.String,
    }


def test_label_confidence_and_polarity_agree():
    found = built()[1].review_sentiment
    band = QUICK.neutral_band
    assert found["polarity"].is_between(-1, 1).all()
    assert found.filter(sentiment_label="positive")["polarity"].min() >= band
    assert found.filter(sentiment_label="negative")["polarity"].max() <= -band
    assert (found.filter(sentiment_label="neutral")["polarity"].abs() < band).all()
    told = found.filter(pl.col("sentiment_label") != "neutral")
    # P(positive) = (1 + polarity) / 2, and of the likelier of two the probability is half or more.
    assert told["confidence"].to_list() == pytest.approx(((1 + told["polarity"].abs()) / 2).to_list())


def test_what_reads_well_is_positive_whatever_its_rating():
    reviews, result = built()
    told = result.review_sentiment.join(reviews, on="review_id").filter(pl.col("rating") != 3)
    reads_well = told["text"].str.contains("love|great|perfectly|happy|fast|很好|满意")
    assert ((told["polarity"] > 0) == reads_well).mean() > 0.97


def test_every_candidate_is_judged_on_all_rated_reviews_and_one_is_chosen():
    reviews, result = built()
    found = result.sentiment_evaluation
    assert set(found["candidate"]) == {"ngrams", "embedding", "blend"}
    assert found.filter("is_chosen")["candidate"].n_unique() == 1
    assert found["reviews"].unique().to_list() == [reviews.filter(pl.col("rating") != 3).height]
    losses = found.filter(metric_name="log_loss").sort("metric_value")
    assert losses["is_chosen"].to_list() == [True, False, False]
    # One rating in ten is the wrong way round, so no honest estimate is much above 0.9.
    assert found.filter(metric_name="accuracy")["metric_value"].max() < 0.95


def test_method_says_what_read_it_and_what_it_learned_from():
    result = built()[1]
    chosen = result.sentiment_evaluation.filter("is_chosen")["candidate"][0]
    assert result.review_sentiment["sentiment_method"].unique().to_list() == [f"{chosen} on own ratings"]


def tuned_scores(reviews: pl.DataFrame, *, held_out: int) -> pl.DataFrame:
    """Scores that know the stars, with some noise, of all texts; of the first few nothing was learned."""
    noise = np.random.default_rng(0).normal(size=reviews.height)
    texts = reviews.select("text_hash", score=pl.col("rating").fill_null(3.0) - 3.0 + noise)
    texts = texts.unique("text_hash", maintain_order=True)
    return texts.with_columns(is_held_out=pl.int_range(pl.len()) < held_out)


def test_a_tuned_encoder_competes_on_texts_that_did_not_teach_it():
    reviews = rated_reviews(RATED)
    scores = tuned_scores(reviews, held_out=150)
    arguments = {"config": QUICK, "seed": 0, "encode": encode, "tuned_scores": scores}
    result = build_sentiment(reviews, embeddings(reviews), **arguments)
    found = result.sentiment_evaluation
    assert set(found["candidate"]) == {"ngrams", "embedding", "blend", "tuned", "tuned blend"}
    opinions = reviews.filter(pl.col("rating") != 3).join(scores.filter("is_held_out"), on="text_hash")
    assert found["reviews"].unique().to_list() == [opinions.height]
    chosen = found.filter("is_chosen")["candidate"].unique().to_list()
    assert chosen == ["tuned blend"] or chosen == ["tuned"]
    assert result.review_sentiment["sentiment_method"].unique().to_list() == [f"{chosen[0]} on own ratings"]


def test_a_tuned_encoder_with_too_few_texts_to_judge_it_is_left_aside():
    reviews = rated_reviews(RATED)
    arguments = {"config": QUICK, "seed": 0, "encode": encode}
    few = build_sentiment(
        reviews, embeddings(reviews), tuned_scores=tuned_scores(reviews, held_out=3), **arguments
    )
    assert_frame_equal(few.review_sentiment, built()[1].review_sentiment)


def test_a_review_without_a_score_is_named():
    reviews = rated_reviews(RATED)
    scores = tuned_scores(reviews, held_out=150)[1:]
    with pytest.raises(ContractError, match="reviews have no score by the fine-tuned encoder"):
        build_by_letters(reviews, tuned_scores=scores)


def test_order_of_rows_does_not_matter():
    reviews, result = built()
    shuffled = reviews.sample(fraction=1, shuffle=True, seed=3)
    vectors = embeddings(reviews).sample(fraction=1, shuffle=True, seed=4)
    again = build_sentiment(shuffled, vectors, config=QUICK, seed=0, encode=encode)
    assert_frame_equal(again.review_sentiment, result.review_sentiment, check_exact=True)
    assert_frame_equal(again.review_aspects, result.review_aspects, check_exact=True)
    assert_frame_equal(again.sentiment_evaluation, result.sentiment_evaluation, check_exact=True)


def test_a_saved_model_reads_the_same():
    reviews, result = built()
    model = PolarityModel.from_arrays(load(save(result.model_arrays)))
    probability = expit(model.logit(reviews["text"].to_list(), encode(reviews["text"].to_list())))
    assert 2 * probability - 1 == pytest.approx(result.review_sentiment["polarity"].to_numpy())


def test_no_text_of_a_customer_is_in_the_model():
    assert all(array.dtype.kind in "fi" for array in built()[1].model_arrays.values())


def test_equal_texts_do_not_teach_their_own_answer():
    # Twenty texts of twenty reviews each, every text rated by chance: they teach nothing of each other.
    random = np.random.default_rng(1)
    texts = [f"unit {number // 20}" for number in range(400)]
    ratings = np.repeat(random.choice([1.0, 5.0], size=20), 20).tolist()
    found = build_by_letters(review_texts(texts, ratings)).sentiment_evaluation
    assert found.filter(metric_name="accuracy")["metric_value"][0] < 0.85


def test_aspects_have_a_clause_each():
    texts = ["Fast delivery, but poor quality", "the kettle: love it"]
    reviews = pl.concat(
        [
            rated_reviews(RATED),
            review_texts(texts, [None, None]).with_columns(review_id="x" + pl.col("review_id")),
        ]
    )
    found = build_by_letters(reviews).review_aspects.filter(pl.col("review_id").str.starts_with("x"))
    assert found.select("review_id", "aspect", "evidence").rows() == [
        ("xr00000", "delivery", "Fast delivery"),
        ("xr00000", "quality", "but poor quality"),
    ]
    assert found["polarity"].to_list()[0] > 0.5
    assert found["polarity"].to_list()[1] < -0.5


def test_the_plot_shows_what_is_judged():
    figure = built()[1].plots["reliability"]
    assert f"{RATED * 9 // 10} texts" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_without_ratings_bad_texts_read_badly(text: str):
    found = simulated()[text]
    assert found["sentiment_label"] == "negative"
    assert found["sentiment_method"] == "ngrams on simulated texts"


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_without_ratings_good_texts_read_well(text: str):
    assert simulated()[text]["sentiment_label"] == "positive"


@pytest.mark.parametrize("text", UNREADABLE)
def test_where_nothing_is_said_nothing_is_claimed(text: str | None):
    found = simulated()[text]
    assert (found["sentiment_label"], found["polarity"]) == ("neutral", 0.0)
    assert (found["confidence"], found["sentiment_method"]) == (NO_OPINION_CONFIDENCE, NOTHING_TO_READ)
    assert found["language"] is None


def test_a_rant_of_one_letter_is_survived():
    assert -1 <= simulated()["x" * 10_000]["polarity"] <= 1


def test_a_few_ratings_judge_a_model_that_learned_elsewhere():
    reviews = review_texts(["很好", "good", "nice"] * 2 + ["不好", "not good", "bad"], [5.0] * 6 + [1.0] * 3)
    found = build_by_letters(reviews).sentiment_evaluation
    assert found["reviews"].unique().to_list() == [9]
    assert found.filter(metric_name="accuracy")["metric_value"].to_list() == [1.0]
    assert build_by_letters(review_texts(["good"], [5.0])).sentiment_evaluation.is_empty()


def test_what_was_learned_elsewhere_is_calibrated_on_the_shops_own_stars():
    """Nine in ten customers are pleased whatever they write: what they write must count for less."""
    random = np.random.default_rng(0)
    texts = [f"The lamp is {'good' if number % 2 else 'bad'}, number {number}" for number in range(200)]
    ratings = [5.0 if random.random() < (0.95 if number % 2 else 0.85) else 1.0 for number in range(200)]
    reviews = review_texts(texts, ratings)
    as_learned = build_by_letters(review_texts(texts, [None] * 200)).review_sentiment
    result = build_by_letters(reviews, config=replace(QUICK, min_ratings=1000))
    found = result.review_sentiment
    assert found["sentiment_method"].unique().to_list() == [
        "ngrams on simulated texts, calibrated on own ratings"
    ]
    # Learned elsewhere, half are displeased; here 85 of 100 who write "bad" are pleased.
    assert as_learned["polarity"][::2].mean() < -0.5
    assert found["polarity"][::2].mean() == pytest.approx(2 * 0.85 - 1, abs=0.12)
    assert found["polarity"][1::2].mean() > found["polarity"][::2].mean()
    error = result.sentiment_evaluation.filter(metric_name="expected_calibration_error")
    assert error["metric_value"][0] < 0.05
    assert error["reviews"][0] == 200


def test_stars_that_contradict_the_texts_turn_nothing_round():
    texts = [f"The lamp is {'good' if number % 2 else 'bad'}, number {number}" for number in range(100)]
    reviews = review_texts(texts, [1.0 if number % 2 else 5.0 for number in range(100)])
    found = build_by_letters(reviews, config=replace(QUICK, min_ratings=1000)).review_sentiment
    assert found["sentiment_method"].unique().to_list() == ["ngrams on simulated texts"]
    assert found["polarity"][::2].mean() < found["polarity"][1::2].mean()


def test_texts_that_are_praised_and_blamed_alike_are_too_few_to_calibrate_on():
    """Twelve complaints, but each of a text that twice as many praise: no fold could hold a bad text."""
    texts = [f"The lamp, number {number % 12}" for number in range(36)]
    reviews = review_texts(texts, [5.0] * 24 + [1.0] * 12)
    found = build_by_letters(reviews).review_sentiment
    assert found["sentiment_method"].unique().to_list() == ["ngrams on simulated texts"]


def test_labelled_texts_come_before_simulated_ones():
    rated = rated_reviews(200).filter(pl.col("rating") != 3)
    labelled = rated.select("text", is_positive=pl.col("rating") > 3)
    turned = labelled.with_columns(~pl.col("is_positive"))
    reviews = review_texts(["The lamp: love it, great quality"], [None])
    for frame, sign in ((labelled, 1), (turned, -1)):
        found = build_by_letters(reviews, labelled=frame).review_sentiment
        assert np.sign(found["polarity"][0]) == sign
        assert found["sentiment_method"].to_list() == ["ngrams on labelled texts"]


def test_no_reviews_are_no_error():
    result = build_by_letters(review_texts([], []))
    assert result.review_sentiment.is_empty()
    assert result.review_aspects.is_empty()


def test_tables_that_break_the_contract_are_refused():
    reviews = rated_reviews(RATED)
    with pytest.raises(ContractError, match="column rating is missing"):
        build_by_letters(reviews.drop("rating"))
    one_less = embeddings(reviews).filter(pl.col("text_hash") != reviews["text_hash"][0])
    with pytest.raises(ContractError, match="1 of 300 reviews have no vector"):
        build_sentiment(reviews, one_less, config=QUICK, seed=0, encode=None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"neutral_band": 1.0},
        {"folds": 1},
        {"ngram_weightings": ("words",)},
        {"dropouts": ()},
        {"dropouts": (0.99,)},
        {"ngram_costs": (0.0,)},
        {"negative_rating": 4.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        SentimentConfig(**wrong)


def test_a_clause_without_a_word_of_the_lexicon_is_compared_to_seed_phrases():
    """The encoder here knows two things: whether a text is about a present, and all else."""

    def encode_presents(texts: list[str]) -> np.ndarray:
        is_present = ["gift" in text or "present" in text for text in texts]
        return np.array([[1, 0] if present else [0, 1] for present in is_present], dtype=np.float32)

    reviews = rated_reviews(RATED)
    texts = reviews["text"].to_list()
    texts[0] = "a lovely present, love it"
    reviews = review_texts(texts, reviews["rating"].to_list())
    vectors = embeddings(reviews).with_columns(
        embedding=pl.Series(encode_presents(embeddings(reviews)["text_hash"].to_list()))
    )
    # Of all seeds, one alone speaks of a gift: one about packaging.
    for similarity, aspects in ((0.9, [("packaging", "a lovely present")]), (1.1, [])):
        config = replace(QUICK, neighbour_similarity=similarity)
        found = build_sentiment(reviews, vectors, config=config, seed=0, encode=encode_presents)
        first = found.review_aspects.filter(review_id=reviews["review_id"][0], aspect="packaging")
        assert first.select("aspect", "evidence").rows() == aspects
