"""Sentiment on published reviews, with the default settings: letters, embeddings and both.

`main` embeds the texts and takes an hour on two cores; `measure_all` takes the vectors from any function, for
example one that reads them from a file.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import expit
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, train_test_split

from benchmarks.published import multilingual_model, published_files
from benchmarks.results import Figure, record
from python_ml.config import EmbeddingConfig, SentimentConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.sentiment.calibrate import fit_calibration
from python_ml.sentiment.evaluate import measure
from python_ml.sentiment.ngram_scorer import NgramSetting, fit_ngrams
from python_ml.sentiment.polarity import Features, count_features, fit_polarity
from python_ml.sentiment.vector_scorer import fit_vectors

SEED, FOLDS = 0, 5
MULTILINGUAL, ENGLISH = "multilingual-e5-small", "all-MiniLM-L6-v2"
CATEGORY_NGRAMS, CATEGORY_DROPOUT = NgramSetting("tfidf", 10.0), 0.3
SHOWN = {
    "auc": "ROC-AUC",
    "average_precision_negative": "average precision of the negative class",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "expected_calibration_error": "expected calibration error",
}
ABOUT = (
    "Reviews as published, default settings everywhere. Chinese: zh_online_shopping_10_cats, random 80/20"
    " split, seed 0, labels as given, measured on the 20 %. The others: title and text, 5 stratified"
    " folds, seed 0, each measured by models fitted on the other four; mean of the folds, in brackets the"
    " smallest and largest. Women's Clothing: Recommended IND; Musical Instruments and Olist: at most 2"
    " against at least 4 stars. Grids, the weights of the blend and the calibration are chosen by cross-"
    " validation within the fitted part. Encoder: multilingual-e5-small with 'query: ' for Chinese and"
    " Portuguese, all-MiniLM-L6-v2 for English. Calibration error: 15 bins of equal width on P(positive)."
)

VectorsOf = Callable[[str, str, list[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Task:
    """Texts with an opinion.

    Args:
        name: short, of the data set.
        encoder: whose vectors are used.
        texts, is_positive: as many of each.
        category: of each text, or None.
        is_split: measured on a fifth, not by folds.
    """

    name: str
    encoder: str
    texts: list[str]
    is_positive: np.ndarray
    category: np.ndarray | None = None
    is_split: bool = False


def main() -> None:
    encode = vectors_with(multilingual_model())
    record("sentiment", ABOUT, measure_all(tasks(published_files()), encode))


def measure_all(found: list[Task], vectors_of: VectorsOf) -> list[Figure]:
    """Every figure.

    Args:
        found: from `tasks`.
        vectors_of: called with a task's name, its encoder and its texts; returns float32 (texts, dimension).
    """
    figures = []
    for task in found:
        vectors = vectors_of(task.name, task.encoder, task.texts)
        features = count_features(task.texts, vectors, SentimentConfig())
        figures += measure_sentiment(task, features)
        if task.category is not None:
            figures += measure_categories(task, features)
    return figures


def measure_sentiment(task: Task, features: Features) -> list[Figure]:
    """Each candidate on texts that nothing was fitted or tuned on."""
    everything = np.arange(len(task.texts))
    if task.is_split:
        splits = [train_test_split(everything, test_size=0.2, random_state=SEED)]
    else:
        splits = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(everything, task.is_positive)
    text_number = np.unique(np.array(task.texts, dtype=np.str_), return_inverse=True)[1]
    values: dict[tuple[str, str], list[float]] = {}
    for fitted, held in splits:
        fit = fit_polarity(
            features.take(fitted), task.is_positive[fitted], text_number[fitted], SentimentConfig(), seed=SEED
        )
        unseen = features.take(held)
        for candidate in fit.held_out:
            said = expit(replace(fit.model, ranking=(candidate,)).logit_of(unseen))
            for metric, value in measure(said, task.is_positive[held]).items():
                values.setdefault((metric, candidate), []).append(value)
    return [
        Figure(
            metric=f"{SHOWN[metric]}, {candidate}",
            case=task.name,
            value=float(np.mean(found)),
            lower=min(found) if len(found) > 1 else None,
            upper=max(found) if len(found) > 1 else None,
        )
        for (metric, candidate), found in values.items()
        if metric in SHOWN
    ]


def measure_categories(task: Task, features: Features) -> list[Figure]:
    """Which category a review is of: the same features and scorers, one category against the rest.

    The blend is fitted on a fifth of the training part, by scorers that did not see it; those that are
    measured have seen all of the training part.
    """
    fitted, held = train_test_split(np.arange(len(task.texts)), test_size=0.2, random_state=SEED)
    learned, blended = train_test_split(fitted, test_size=0.2, random_state=SEED)
    names = np.unique(task.category)
    scores: dict[str, list[np.ndarray]] = {"ngrams": [], "embedding": [], "blend": []}
    for name in names:
        is_it = task.category == name
        apart = _category_scores(features, is_it, learned, blended)
        unseen = _category_scores(features, is_it, fitted, held)
        for candidate, columns in (("ngrams", [0]), ("embedding", [1]), ("blend", [0, 1])):
            calibration = fit_calibration(apart[:, columns], is_it[blended])
            scores[candidate].append(calibration.logit(unseen[:, columns]))
    figures = []
    for candidate, columns in scores.items():
        said = names[np.argmax(np.stack(columns, axis=1), axis=1)]
        case = f"{task.name}, {len(names)} categories"
        right = float(np.mean(said == task.category[held]))
        macro = float(f1_score(task.category[held], said, average="macro"))
        figures.append(Figure(metric=f"accuracy, {candidate}", case=case, value=right))
        figures.append(Figure(metric=f"macro-F1, {candidate}", case=case, value=macro))
    return figures


def _category_scores(
    features: Features, is_it: np.ndarray, taught: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """(rows asked, 2): scores of letters and of vectors, learned from the rows taught."""
    config = SentimentConfig()
    train, test = features.take(taught), features.take(asked)
    letters = fit_ngrams(
        train.counts, is_it[taught], CATEGORY_NGRAMS, min_texts=config.ngram_min_texts, seed=SEED
    )
    network = fit_vectors(train.vectors, is_it[taught], CATEGORY_DROPOUT, config, seed=SEED)
    return np.stack([letters.score(test.counts), network.score(test.vectors)], axis=1)


def tasks(folder: Path) -> list[Task]:
    """The published files as tasks."""
    return [chinese(folder), clothing(folder), instruments(folder), olist(folder)]


def chinese(folder: Path) -> Task:
    frame = _read(folder / "zh_online_shopping_10_cats" / "online_shopping_10_cats.csv.gz")
    return Task(
        name="zh_online_shopping_10_cats",
        encoder=MULTILINGUAL,
        texts=frame["review"].fill_null("").to_list(),
        is_positive=frame["label"].to_numpy() == 1,
        category=frame["cat"].to_numpy().astype(np.str_),
        is_split=True,
    )


def clothing(folder: Path) -> Task:
    frame = _read(folder / "womens_clothing" / "Womens Clothing E-Commerce Reviews.csv.gz")
    frame = frame.filter(pl.col("Review Text").is_not_null())
    texts = _joined(frame, "Title", "Review Text")
    return Task("Women's Clothing", ENGLISH, texts, frame["Recommended IND"].to_numpy() == 1)


def instruments(folder: Path) -> Task:
    frame = _read(folder / "amazon_reviews" / "Musical_instruments_reviews.csv.gz")
    frame = frame.filter(pl.col("overall") != 3)
    texts = _joined(frame, "summary", "reviewText")
    return Task("Musical Instruments", ENGLISH, texts, frame["overall"].to_numpy() > 3)


def olist(folder: Path) -> Task:
    frame = _read(folder / "olist" / "olist_order_reviews_dataset.csv.gz")
    frame = frame.filter(pl.col("review_score") != 3)
    texts = pl.Series(_joined(frame, "review_comment_title", "review_comment_message"))
    frame = frame.with_columns(text=texts).filter(pl.col("text") != "")
    return Task("Olist", MULTILINGUAL, frame["text"].to_list(), frame["review_score"].to_numpy() > 3)


def _read(file: Path) -> pl.DataFrame:
    return pl.read_csv(gzip.decompress(file.read_bytes()), infer_schema_length=None)


def _joined(frame: pl.DataFrame, *columns: str) -> list[str]:
    parts = [pl.col(column).fill_null("") for column in columns]
    return frame.select(pl.concat_str(parts, separator="\n").str.strip_chars().alias("text"))[
        "text"
    ].to_list()


def vectors_with(multilingual: str) -> VectorsOf:
    """Vectors by the encoder of each task; `multilingual` is the folder or name of multilingual-e5-small."""
    settings = {MULTILINGUAL: (multilingual, "query: "), ENGLISH: (ENGLISH, "")}

    def vectors_of(_: str, encoder: str, texts: list[str]) -> np.ndarray:
        model, prefix = settings[encoder]
        loaded = Encoder.load(EmbeddingConfig(model=model, tokens_per_batch=4096), resolve_device("auto"))
        return loaded.encode([prefix + text for text in texts])

    return vectors_of
