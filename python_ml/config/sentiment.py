"""Settings: how reviews become opinions."""

from dataclasses import dataclass

from python_ml.config.checks import check_grid, check_names, check_range
from python_ml.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentConfig:
    """How what customers write becomes opinions. A tuple is a grid: its best value is chosen on validation.

    Args:
        negative_rating, positive_rating: ratings at most and at least this are examples; those between teach
            nothing.
        min_ratings, min_class_ratings: with fewer rated texts, in all or of either kind, simulated texts are
            learned from.
        min_calibration_ratings: what simulated texts have taught is calibrated on the shop's own ratings, if
            there are at least this many distinct texts of either kind.
        max_training_reviews: of more rated texts a sample is learned from.
        labelled_texts: a CSV or Parquet file with columns text and is_positive, learned from instead of
            simulated texts where ratings are too few; None for none.
        simulated_reviews: how many texts are simulated where they are needed.
        neutral_band: a polarity nearer to 0 than this is neutral.
        ngram_characters, ngram_words: the longest n-grams.
        ngram_bits: n-grams of each kind are counted in 2 to the power of this many buckets.
        ngram_min_texts: n-grams of fewer texts say nothing.
        ngram_weightings: "tfidf", or "bayes" for its product with naive Bayes' log odds.
        ngram_costs: C of the logistic regression on them.
        hidden_units, dropouts, epochs, batch_size, learning_rate, weight_decay: of the network on embeddings.
        folds: parts of the cross-validation that candidates are judged and calibrated by.
        tuning_reviews: how many texts grids are searched on.
        languages: ISO 639-1 codes that are told apart; fewer are told apart better.
        language_characters: a language is told from this many first characters.
        max_encoded_clauses: how many distinct clauses are embedded, those with a word of the lexicon first.
        neighbour_similarity: a clause without a word of the lexicon is about the aspect of the nearest seed
            phrase, if their centred cosine is at least this; above 1 for never.
        max_evidence_characters: longer clauses are cut.
    """

    negative_rating: float = 2.0
    positive_rating: float = 4.0
    min_ratings: int = 300
    min_class_ratings: int = 50
    min_calibration_ratings: int = 10
    max_training_reviews: int = 100_000
    labelled_texts: str | None = None
    simulated_reviews: int = 4000
    neutral_band: float = 0.2
    ngram_characters: int = 5
    ngram_words: int = 2
    ngram_bits: int = 20
    ngram_min_texts: int = 2
    ngram_weightings: tuple[str, ...] = ("tfidf", "bayes")
    ngram_costs: tuple[float, ...] = (1.0, 3.0, 10.0)
    hidden_units: int = 512
    dropouts: tuple[float, ...] = (0.3, 0.6)
    epochs: int = 15
    batch_size: int = 256
    learning_rate: float = 0.003
    weight_decay: float = 0.1
    folds: int = 5
    tuning_reviews: int = 20_000
    languages: tuple[str, ...] = (
        "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl",
        "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
    )  # fmt: skip
    language_characters: int = 300
    max_encoded_clauses: int = 50_000
    neighbour_similarity: float = 0.55
    max_evidence_characters: int = 300

    def __post_init__(self) -> None:
        check_range("sentiment", self, ("positive_rating",), 1.0, 5.0)
        check_range("sentiment", self, ("negative_rating",), 1.0, self.positive_rating - 0.01)
        check_range("sentiment", self, ("min_ratings", "min_class_ratings", "max_training_reviews"), 10, 1e9)
        check_range("sentiment", self, ("min_calibration_ratings",), 1, 1e9)
        check_range("sentiment", self, ("simulated_reviews", "tuning_reviews"), 100, 1e7)
        check_range("sentiment", self, ("neutral_band",), 0.0, 0.99)
        check_range("sentiment", self, ("ngram_characters", "ngram_words"), 1, 10)
        check_range("sentiment", self, ("ngram_bits",), 8, 24)
        check_range("sentiment", self, ("ngram_min_texts", "hidden_units", "epochs"), 1, 10_000)
        check_range("sentiment", self, ("batch_size",), 2, 1e6)
        check_names("sentiment", self, "ngram_weightings", self.ngram_weightings, ("tfidf", "bayes"))
        check_grid("sentiment", self, ("ngram_costs",), 1e-6)
        check_grid("sentiment", self, ("dropouts",), 0.0)
        if max(self.dropouts) > 0.95:
            raise SettingError(
                f"dropouts is {self.dropouts}", where="settings, [sentiment]", remedy="use 0.95 or less"
            )
        check_range("sentiment", self, ("learning_rate",), 1e-9, 1.0)
        check_range("sentiment", self, ("weight_decay",), 0.0, 1e3)
        check_range("sentiment", self, ("folds",), 2, 50)
        check_range("sentiment", self, ("language_characters", "max_evidence_characters"), 10, 1e6)
        check_range("sentiment", self, ("max_encoded_clauses",), 0, 1e9)
        check_range("sentiment", self, ("neighbour_similarity",), 0.0, 2.0)
