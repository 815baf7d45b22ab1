"""Settings: how reviews become topics."""

from dataclasses import dataclass

from python_ml.config.checks import check_grid, check_names, check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicConfig:
    """How reviews become topics.

    Args:
        method: "kmeans" or "hdbscan" over sentence vectors and words, or "lda" over words alone.
        min_reviews: fewer distinct texts are one topic, and no number of topics is tried.
        min_topics, max_topics: bounds of the numbers of topics that are tried; HDBSCAN finds its own number
            within them.
        density_shares: HDBSCAN: least size of a topic that is tried, in thousandths of the texts.
        score_tolerance: the most topics win whose score is at most this share below the best.
        select_reviews: distinct texts on which numbers of topics are compared.
        fit_reviews: distinct texts that the chosen number is fitted on; all others are assigned.
        drop_directions: strongest directions of the vectors that are left out: tone, not subject.
        dimensions: directions kept after them.
        concentration: weight of the vector against the words of a text.
        stop_word_languages: ISO 639-1 codes; none: the languages these texts are full of.
        min_word_reviews: a word counts if this many of the fitted texts have it; of few texts, one in 1,000.
        max_word_share: and at most this share of them.
        topic_word_count: words that describe a topic.
        min_lift: a word describes a topic whose texts have it this many times as often as all.
        representatives: reviews shown for a topic.
        outlier_fence: a text is an outlier if its cosine to the centre of its topic is more than this many
            interquartile ranges below the lower quartile of the topic's texts (Tukey's fence).
        match_similarity: a topic goes on from a previous one if their centres have this cosine, seen from the
            mean of all reviews.
        match_word_share: where centres cannot be compared: if this share of their words is the same.
    """

    method: str = "kmeans"
    min_reviews: int = 50
    min_topics: int = 4
    max_topics: int = 30
    density_shares: tuple[int, ...] = (3, 5, 10, 20, 30)
    score_tolerance: float = 0.1
    select_reviews: int = 16_000
    fit_reviews: int = 50_000
    drop_directions: int = 1
    dimensions: int = 80
    concentration: float = 20.0
    stop_word_languages: tuple[str, ...] = ()
    min_word_reviews: int = 10
    max_word_share: float = 0.3
    topic_word_count: int = 10
    min_lift: float = 2.0
    representatives: int = 5
    outlier_fence: float = 1.5
    match_similarity: float = 0.5
    match_word_share: float = 0.25

    def __post_init__(self) -> None:
        check_names("topics", self, "method", (self.method,), ("kmeans", "hdbscan", "lda"))
        check_range("topics", self, ("min_reviews",), 4, 1e9)
        check_range("topics", self, ("min_topics",), 2, 1000)
        check_range("topics", self, ("max_topics",), self.min_topics, 1000)
        check_grid("topics", self, ("density_shares",), 1)
        check_range("topics", self, ("select_reviews", "fit_reviews"), self.min_reviews, 1e9)
        check_range("topics", self, ("drop_directions",), 0, 100)
        check_range("topics", self, ("dimensions", "min_word_reviews", "topic_word_count"), 1, 10_000)
        check_range("topics", self, ("representatives",), 1, 1000)
        check_range("topics", self, ("concentration", "outlier_fence"), 0.0, 1e6)
        check_range("topics", self, ("score_tolerance", "max_word_share"), 0.0, 1.0)
        check_range("topics", self, ("match_similarity", "match_word_share"), 0.01, 1.0)
        check_range("topics", self, ("min_lift",), 1.0, 1e6)
