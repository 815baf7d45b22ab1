"""Topics of the published Chinese shop reviews, without labels, against their ten categories."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import normalized_mutual_info_score

from benchmarks.published import multilingual_model, published_files
from benchmarks.results import Figure, record
from python_ml.config import EmbeddingConfig, TopicConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.topics.build import TopicResult, build_topics

SOURCE = "zh_online_shopping_10_cats/online_shopping_10_cats.csv.gz"
PREFIX = "query: "  # what multilingual-e5 was trained with
BASELINE_TEXTS, BASELINE_DIMENSIONS, CATEGORIES = 12_000, 100, 10
METHODS = ("kmeans", "hdbscan", "lda")
ABOUT = (
    "All reviews of zh_online_shopping_10_cats, vectors of multilingual-e5-small, the default TopicConfig but"
    " for the method, seed 0. Normalised mutual information (arithmetic) of topics with the ten categories,"
    " which no method sees; outliers count as a topic. Baseline: 1- to 3-gram TF-IDF of characters, 100"
    " dimensions by SVD, k-means told that there are ten, on 12,000 reviews (seed 0). SHOP_TEST_DATA names"
    " the folder of the published files, SHOP_TEST_MODEL that of the encoder."
)


def main() -> None:
    table = read_reviews(published_files() / SOURCE)
    vectors = encode(table["text"].to_list(), multilingual_model())
    figures, words = measure(table, vectors)
    record("topics", f"{ABOUT}\n\n{words}", figures)


def read_reviews(path: Path) -> pl.DataFrame:
    """review_id, category, text, text_hash, one row per published review, in its order."""
    table = pl.read_csv(gzip.decompress(path.read_bytes())).select(
        pl.int_range(pl.len()).cast(pl.String).alias("review_id"),
        pl.col("cat").alias("category"),
        pl.col("review").fill_null("").alias("text"),
    )
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in table["text"]]
    return table.with_columns(pl.Series("text_hash", hashes))


def encode(texts: list[str], model: str) -> np.ndarray:
    """Vectors float32 (N, D); half an hour on two cores."""
    encoder = Encoder.load(EmbeddingConfig(model=model), resolve_device("auto"))
    return encoder.encode([PREFIX + text for text in texts])


def measure(table: pl.DataFrame, vectors: np.ndarray) -> tuple[list[Figure], str]:
    """Every figure, and the words of the default method's topics, from vectors however they were made.

    Args:
        table: from `read_reviews`.
        vectors: float (N, D), one for each row.
    """
    embeddings = pl.DataFrame(
        {
            "text_hash": table["text_hash"],
            "embedding_model": "multilingual-e5-small",
            "embedding": pl.Series(vectors, dtype=pl.Array(pl.Float32, vectors.shape[1])),
        }
    ).unique("text_hash", maintain_order=True)
    figures, words = [], {}
    for method in METHODS:
        config = TopicConfig(method=method)
        result = build_topics(table, embeddings, previous=None, config=config, seed=0)
        figures += _figures(table, result, method)
        words[method] = words_of(result)
        print(words[method], flush=True)
    texts = table["text"].sample(BASELINE_TEXTS, seed=0), table["category"].sample(BASELINE_TEXTS, seed=0)
    agreement = normalized_mutual_info_score(texts[1].to_list(), baseline(texts[0].to_list()))
    figures.append(Figure(metric="NMI with categories", case="baseline", value=agreement))
    return figures, words[TopicConfig().method]


def _figures(table: pl.DataFrame, result: TopicResult, case: str) -> list[Figure]:
    topics = table.join(result.review_topics, on="review_id", maintain_order="left")["topic_id"]
    agreement = normalized_mutual_info_score(table["category"].to_list(), topics.to_list())
    profiles = result.topic_profiles
    return [
        Figure(metric="NMI with categories", case=case, value=agreement),
        Figure(metric="topics", case=case, value=profiles.filter(~pl.col("is_outlier")).height),
        Figure(
            metric="share of outliers", case=case, value=profiles.filter("is_outlier")["review_share"].sum()
        ),
    ]


def words_of(result: TopicResult) -> str:
    """The size and words of each topic, for a reader to judge."""
    return "\n".join(
        f"- {row['topic_id']}, {row['review_count']:,} reviews: {row['topic_words']}"
        for row in result.topic_profiles.iter_rows(named=True)
        if not row["is_outlier"]
    )


def baseline(texts: list[str]) -> np.ndarray:
    """What one tries first: k-means on reduced TF-IDF of characters, told the number of categories."""
    counts = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=3, sublinear_tf=True)
    points = TruncatedSVD(BASELINE_DIMENSIONS, random_state=0).fit_transform(counts.fit_transform(texts))
    return KMeans(CATEGORIES, n_init=10, random_state=0).fit_predict(points)
