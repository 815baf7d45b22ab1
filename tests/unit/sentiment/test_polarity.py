"""Folds, scorers and the choice between them."""

import dataclasses
import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy import sparse

from python_ml.config import SentimentConfig
from python_ml.errors import ModelError
from python_ml.sentiment import polarity
from python_ml.sentiment.evaluate import measure
from python_ml.sentiment.ngram_scorer import NgramScorer, NgramSetting, fit_ngrams
from python_ml.sentiment.polarity import Features, count_features, fit_polarity, grouped_folds
from python_ml.sentiment.vector_scorer import VectorScorer, fit_vectors
from tests.unit.sentiment.shop import QUICK

DATA = Path(os.environ["SHOP_TEST_DATA"]) if os.environ.get("SHOP_TEST_DATA") else None


def test_groups_stay_together_and_opinions_are_spread():
    groups = np.repeat(np.arange(60), 3)
    is_positive = groups % 3 > 0
    folds = grouped_folds(is_positive, groups, 4, seed=0)
    assert all(len(set(folds[groups == group])) == 1 for group in range(60))
    # 60 groups in 4 folds, a third of them bad: 15 groups, 5 of them bad, of 3 texts each.
    assert np.bincount(folds).tolist() == [45] * 4
    assert np.bincount(folds[~is_positive]).tolist() == [15] * 4


def test_too_few_texts_of_one_kind_are_refused():
    with pytest.raises(ModelError, match="1 distinct texts of the rarer opinion, 3 folds"):
        grouped_folds(np.arange(9) > 0, np.arange(9), 3, seed=0)


def test_weights_of_ngrams_by_hand():
    # Two texts, two n-grams of characters and two of words (four buckets).
    counts = sparse.csr_matrix(np.array([[1, 1, 4, 0], [0, 0, 0, 1]], dtype=np.float32))
    scorer = NgramScorer(
        rarity=np.array([3, 4, 2, 2], dtype=np.float32),
        weight=np.array([1, 10, 100, 1000], dtype=np.float32),
        intercept=np.array([0.5], dtype=np.float32),
    )
    # Characters (3, 4) have length 5; one n-gram of words has itself, whatever its count.
    assert scorer.score(counts) == pytest.approx([3 / 5 * 1 + 4 / 5 * 10 + 100 + 0.5, 1000 + 0.5])


def test_bayes_weighs_by_how_much_likelier_an_ngram_is_among_good_texts():
    texts = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0]], dtype=np.float32)
    is_positive = np.array([True, True, False, False])
    scorer = fit_ngrams(
        sparse.csr_matrix(texts), is_positive, NgramSetting("bayes", 1.0), min_texts=1, seed=0
    )
    # The third is in all texts: (2 + 1) / (2 + 1), whose logarithm is 0.
    assert scorer.weight[2] == 0
    assert scorer.weight[0] > 0 > scorer.weight[1]


def test_rare_ngrams_say_nothing():
    texts = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]], dtype=np.float32)
    setting = NgramSetting("tfidf", 1.0)
    scorer = fit_ngrams(
        sparse.csr_matrix(texts), np.array([True, True, False, False]), setting, min_texts=2, seed=0
    )
    assert scorer.rarity[1] == scorer.weight[1] == 0
    # ln((1 + 4) / (1 + 2)) + 1
    assert scorer.rarity[0] == pytest.approx(np.log(5 / 3) + 1)


def test_the_network_by_hand():
    network = VectorScorer(
        mean=np.array([1.0, 0.0]),
        scale=np.array([2.0, 1.0]),
        hidden=np.array([[1.0, 0.0], [0.0, 1.0]]),
        hidden_bias=np.array([0.0, 0.5]),
        output=np.array([3.0, 5.0]),
        output_bias=np.array([-1.0]),
    )
    # Hidden: (5 - 1) / 2 = 2 and max(-2 + 0.5, 0) = 0.
    assert network.score(np.array([[5.0, -2.0]])) == pytest.approx([3 * 2 + 5 * 0 - 1])


def test_the_network_learns_what_a_line_cannot_tell():
    random = np.random.default_rng(0)
    points = random.normal(size=(2000, 2)).astype(np.float32)
    is_positive = points[:, 0] * points[:, 1] > 0
    config = SentimentConfig(hidden_units=64, epochs=15, batch_size=50, learning_rate=0.01)
    state = torch.get_rng_state()
    network = fit_vectors(points[:1000], is_positive[:1000], 0.0, config, seed=1)
    assert np.mean((network.score(points[1000:]) > 0) == is_positive[1000:]) > 0.9
    again = fit_vectors(points[:1000], is_positive[:1000], 0.0, config, seed=1)
    assert np.array_equal(network.hidden, again.hidden)
    # What others draw is not disturbed.
    assert torch.equal(torch.get_rng_state(), state)


def test_the_better_part_is_not_thrown_away():
    """Letters are noise, vectors tell: the choice has to follow the vectors."""
    random = np.random.default_rng(0)
    is_positive = random.random(400) < 0.5
    texts = [" ".join(random.choice(list("abcdefgh"), 5)) for _ in range(400)]
    vectors = random.normal(size=(400, 4)).astype(np.float32)
    vectors[:, 0] += np.where(is_positive, 2, -2)
    fit = fit_polarity(count_features(texts, vectors, QUICK), is_positive, np.arange(400), QUICK, seed=0)
    assert fit.model.ranking[0] != "ngrams"
    assert measure(fit.held_out["embedding"], is_positive)["accuracy"] > 0.9
    assert measure(fit.held_out["ngrams"], is_positive)["accuracy"] < 0.65
    assert measure(fit.held_out["blend"], is_positive)["accuracy"] > 0.9


def test_a_tuned_encoder_is_judged_on_texts_it_did_not_learn_from():
    """Where it learned it knows everything, elsewhere nothing: it must not be chosen for what it learned."""
    random = np.random.default_rng(0)
    is_positive = random.random(400) < 0.5
    texts = [" ".join(random.choice(list("abcdefgh"), 5)) for _ in range(400)]
    vectors = random.normal(size=(400, 4)).astype(np.float32)
    vectors[:, 0] += np.where(is_positive, 2, -2)
    learned = np.arange(400) < 200
    tuned = np.where(learned, np.nan, random.normal(size=400))
    fit = fit_polarity(
        count_features(texts, vectors, QUICK, tuned), is_positive, np.arange(400), QUICK, seed=0
    )
    assert list(fit.held_out) == ["ngrams", "embedding", "blend", "tuned", "tuned blend"]
    for found in fit.held_out.values():
        assert np.array_equal(np.isnan(found), learned)
    assert fit.model.ranking.index("tuned") > fit.model.ranking.index("embedding")
    assert measure(fit.held_out["tuned"][~learned], is_positive[~learned])["auc"] < 0.6


def test_a_tuned_encoder_that_knows_more_reads_texts_that_have_its_score():
    random = np.random.default_rng(0)
    is_positive = random.random(400) < 0.5
    texts = [" ".join(random.choice(list("abcdefgh"), 5)) for _ in range(400)]
    vectors = random.normal(size=(400, 4)).astype(np.float32)
    tuned = np.where(is_positive, 1.0, -1.0) + random.normal(size=400) / 2
    fit = fit_polarity(
        count_features(texts, vectors, QUICK, tuned), is_positive, np.arange(400), QUICK, seed=0
    )
    model = type(fit.model).from_arrays(fit.model.arrays())
    assert model.candidate({"ngrams", "embedding", "tuned"}) in ("tuned", "tuned blend")
    assert model.candidate({"ngrams", "embedding"}) in ("ngrams", "embedding", "blend")
    assert model.candidate({"ngrams"}) == "ngrams"
    assert np.mean((model.logit(texts, vectors, tuned) > 0) == is_positive) > 0.95
    assert np.mean((model.logit(texts, vectors) > 0) == is_positive) < 0.9


def test_blocks_of_texts_are_read_as_all_at_once(monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(0)
    is_positive = random.random(100) < 0.5
    texts = [f"{'good' if good else 'bad'} {number}" for number, good in enumerate(is_positive)]
    vectors = random.normal(size=(100, 4)).astype(np.float32)
    vectors[:, 0] += np.where(is_positive, 2, -2)
    model = fit_polarity(
        count_features(texts, vectors, QUICK), is_positive, np.arange(100), QUICK, seed=0
    ).model
    model = dataclasses.replace(model, ranking=("blend", "ngrams"))
    at_once = model.logit(texts, vectors)
    monkeypatch.setattr(polarity, "_BLOCK_TEXTS", 30)
    assert model.logit(texts, vectors) == pytest.approx(at_once)


def test_without_vectors_letters_are_read():
    random = np.random.default_rng(0)
    is_positive = random.random(100) < 0.5
    texts = [f"{'good' if good else 'bad'} {number}" for number, good in enumerate(is_positive)]
    features = count_features(texts, None, QUICK)
    fit = fit_polarity(features, is_positive, np.arange(100), QUICK, seed=0)
    assert list(fit.held_out) == ["ngrams"]
    assert fit.model.logit_of(Features(features.counts, None)) == pytest.approx(fit.model.logit(texts, None))


@pytest.mark.skipif(DATA is None, reason="needs the published files: SHOP_TEST_DATA")
def test_letters_alone_on_published_portuguese_reviews():
    file = DATA / "olist" / "olist_order_reviews_dataset.csv.gz"
    frame = pl.read_csv(gzip.decompress(file.read_bytes()), infer_schema_length=None)
    frame = frame.filter(pl.col("review_comment_message").is_not_null(), pl.col("review_score") != 3)
    frame = frame.sample(3000, seed=0)
    is_positive = frame["review_score"].to_numpy() > 3
    config = SentimentConfig(ngram_weightings=("bayes",), ngram_costs=(1.0,), ngram_bits=18, folds=3)
    features = count_features(frame["review_comment_message"].to_list(), None, config)
    _, group = np.unique(frame["review_comment_message"].to_numpy().astype(np.str_), return_inverse=True)
    fit = fit_polarity(features, is_positive, group, config, seed=0)
    found = measure(fit.held_out["ngrams"], is_positive)
    # Of all of them, with title, in five folds: 0.975. Two thirds of 3,000 teach a little less.
    assert found["auc"] > 0.955
    assert found["expected_calibration_error"] < 0.03
