"""Chinese shop reviews as published (zh_online_shopping_10_cats), with no encoder at hand."""

import gzip
import hashlib

import polars as pl
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import normalized_mutual_info_score

from python_ml.config import TopicConfig
from python_ml.topics.build import build_topics
from python_ml.topics.words import stop_words
from tests.shops import TEST_DATA

FILE = TEST_DATA / "zh_online_shopping_10_cats/online_shopping_10_cats.csv.gz" if TEST_DATA else None
REVIEWS = 4_000
# What tells the category in a word or two, as a reader would say it.
KNOWN = {"酒店": "酒店", "水果": "苹果", "书籍": "书", "洗发水": "洗发水", "衣服": "裤子"}


@pytest.mark.skipif(
    FILE is None or not FILE.exists(), reason="zh_online_shopping_10_cats: see SHOP_TEST_DATA"
)
def test_topics_of_chinese_reviews_are_their_categories():
    table = pl.read_csv(gzip.decompress(FILE.read_bytes())).drop_nulls("review")
    table = table.unique("review", maintain_order=True).sample(REVIEWS, seed=0)
    texts = table["review"].to_list()
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    # Stand-ins for sentence vectors: characters, one to two together.
    counts = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=5, sublinear_tf=True).fit_transform(
        texts
    )
    vectors = TruncatedSVD(64, random_state=0).fit_transform(counts).astype("float32")
    reviews = pl.DataFrame({"review_id": hashes, "text": texts, "text_hash": hashes})
    embeddings = pl.DataFrame(
        {"text_hash": hashes, "embedding_model": "characters", "embedding": pl.Series(vectors)}
    )
    config = TopicConfig(min_topics=10, max_topics=10, fit_reviews=REVIEWS)
    found = build_topics(reviews, embeddings, previous=None, config=config, seed=0)
    topics = reviews.join(found.review_topics, on="review_id", maintain_order="left")["topic_id"]
    assert normalized_mutual_info_score(table["cat"].to_list(), topics.to_list()) > 0.5
    words = [row.split(", ") for row in found.topic_profiles["topic_words"]]
    assert not {word for own in words for word in own} & stop_words(["zh", "en"])
    for category, word in KNOWN.items():
        # The topic that most reviews of the category are in has the category's own word among its first.
        own = topics.filter(table["cat"] == category).mode()[0]
        place = found.topic_profiles["topic_id"].to_list().index(own)
        assert word in words[place], (category, words[place])
