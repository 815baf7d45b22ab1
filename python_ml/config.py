"""Every knob of the Python steps, as frozen dataclasses.

Values come from the `[dev]` and `[full]` tables of `profiles/settings.toml`; an unknown key raises.
"""

from dataclasses import dataclass, replace

from python_ml.errors import SettingError

PRECISIONS = ("auto", "float32", "bfloat16")


def _check_range(table: str, config: object, names: tuple[str, ...], low: float, high: float) -> None:
    """Raise SettingError unless low <= value <= high for each of the named fields."""
    for name in names:
        value = getattr(config, name)
        if not low <= value <= high:
            raise SettingError(
                f"{name} is {value}", where=f"settings, [{table}]", remedy=f"use {low:g} to {high:g}"
            )


def _check_grid(table: str, config: object, names: tuple[str, ...], low: float) -> None:
    """Raise SettingError unless each of the named fields holds values, all of them low or more."""
    for name in names:
        values = getattr(config, name)
        if not values or min(values) < low:
            raise SettingError(
                f"{name} is {values}",
                where=f"settings, [{table}]",
                remedy=f"give one or more values, each {low:g} or more",
            )


def _check_names(
    table: str, config: object, name: str, values: tuple[str, ...], known: tuple[str, ...]
) -> None:
    """Raise SettingError unless there are values and all are known."""
    if not values or not set(values) <= set(known):
        raise SettingError(
            f"{name} is {getattr(config, name)!r}",
            where=f"settings, [{table}]",
            remedy=f"use {' or '.join(known)}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingConfig:
    """How texts become vectors. Prefixes, pooling and length belong to the model: see docs/encoders.md.

    Args:
        model: a bundled name ("all-MiniLM-L6-v2"), a Hugging Face id, or a local folder.
        revision: commit, tag or branch of a Hugging Face id; None is its default branch.
        adapter: folder of a LoRA or AdaLoRA adapter of this model, as `peft` saves it, worked into its
            weights; None is the model as it came.
        passage_prefix: put before every text that is kept, such as "query: " or "passage: " for E5.
        query_prefix: put before every text that is looked for among them.
        pooling: "mean" of the tokens' vectors, or "cls", the vector of the start mark.
        normalise: whether vectors are scaled to length 1.
        max_tokens: longest text, or window, in tokens (or the model's own limit, if shorter).
        long_texts: longer texts are read in overlapping "windows" whose vectors are averaged, or "cut".
        window_overlap: tokens that two windows of one text share.
        tokens_per_batch: texts x longest text of a batch stays under this. None is what suits the device.
        texts_per_chunk: texts read, embedded and written at once; bounds memory, and what a kill can lose.
        precision: "auto" is bfloat16 where the device computes it natively, else float32.
        download: whether a Hugging Face id that is not in the local cache may be downloaded.
    """

    model: str = "all-MiniLM-L6-v2"
    revision: str | None = None
    adapter: str | None = None
    passage_prefix: str = ""
    query_prefix: str = ""
    pooling: str = "mean"
    normalise: bool = True
    max_tokens: int = 256
    long_texts: str = "windows"
    window_overlap: int = 32
    tokens_per_batch: int | None = None
    texts_per_chunk: int = 16_384
    precision: str = "auto"
    download: bool = True

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise SettingError(
                "model is empty",
                where="settings, [embedding]",
                remedy='name a model, such as "all-MiniLM-L6-v2"',
            )
        _check_names("embedding", self, "precision", (self.precision,), PRECISIONS)
        _check_names("embedding", self, "pooling", (self.pooling,), ("mean", "cls"))
        _check_names("embedding", self, "long_texts", (self.long_texts,), ("windows", "cut"))
        # Two tokens are the model's own start and end marks; a window must go on beyond what it shares.
        _check_range("embedding", self, ("max_tokens",), 3, 1e6)
        _check_range("embedding", self, ("window_overlap",), 0, self.max_tokens - 3)
        _check_range("embedding", self, ("texts_per_chunk",), 1, 1e9)
        if self.tokens_per_batch is not None:
            _check_range("embedding", self, ("tokens_per_batch",), 1, 1e9)

    def in_float32(self) -> "EmbeddingConfig":
        """The same model at full precision: what training needs."""
        return replace(self, precision="float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortConfig:
    """How users become cohorts.

    Args:
        min_users: with fewer users who have ordered, no number of cohorts is tried.
        min_cohorts, max_cohorts: the numbers of cohorts that are tried.
        min_cohort_share: a clustering with a cohort below this share of users is not eligible.
        min_stability: nor one whose mean adjusted Rand index over resamples is below this.
        silhouette_tolerance: the most cohorts win whose silhouette is at most this far below the best.
        resamples: how many resamples stability is measured on.
        resample_share: share of users in each resample.
        restarts: starts of k-means, the best of which is kept.
        share_prior_orders: a share of few orders is noise; it is drawn towards the mean of all users as
            if it stood on this many more orders.
        skew_limit: non-negative features more skewed than this are put on a logarithmic scale.
        clip_sd: standardised values are cut to this many standard deviations.
        collinear_correlation: features correlated above this say one thing, and count once.
        behaviour_variance: share of variance kept of the behaviour and department features.
        text_dimensions: dimensions kept of the mean item embedding.
        department_weight, text_weight: weight of these blocks against 1 for behaviour.
        profile_top: departments and categories listed for each cohort.
        min_support: share of a cohort's users that must buy a department or category for it to be listed.
        name_min_sd: a name claims only what is at least this many standard deviations off the mean.
        name_min_lift: or a department whose share of spend is at least this many times that of all users,
        name_min_share: and at least this share of the cohort's own spend.
    """

    min_users: int = 30
    min_cohorts: int = 3
    max_cohorts: int = 12
    min_cohort_share: float = 0.02
    min_stability: float = 0.6
    silhouette_tolerance: float = 0.02
    resamples: int = 5
    resample_share: float = 0.8
    restarts: int = 10
    share_prior_orders: float = 10.0
    skew_limit: float = 1.0
    clip_sd: float = 3.0
    collinear_correlation: float = 0.7
    behaviour_variance: float = 0.6
    text_dimensions: int = 8
    department_weight: float = 0.7
    text_weight: float = 0.7
    profile_top: int = 10
    min_support: float = 0.1
    name_min_sd: float = 0.3
    name_min_lift: float = 1.25
    name_min_share: float = 0.02

    def __post_init__(self) -> None:
        _check_range("cohorts", self, ("min_users",), 1, 1e9)
        _check_range("cohorts", self, ("min_cohorts",), 2, 1000)
        _check_range("cohorts", self, ("max_cohorts",), self.min_cohorts, 1000)
        _check_range("cohorts", self, ("resamples", "restarts", "text_dimensions", "profile_top"), 1, 10_000)
        _check_range(
            "cohorts", self, ("min_cohort_share", "min_stability", "min_support", "name_min_share"), 0.0, 1.0
        )
        _check_range("cohorts", self, ("silhouette_tolerance", "collinear_correlation"), 0.0, 1.0)
        _check_range("cohorts", self, ("resample_share", "behaviour_variance"), 0.01, 1.0)
        _check_range("cohorts", self, ("share_prior_orders", "department_weight", "text_weight"), 0.0, 1e6)
        _check_range("cohorts", self, ("skew_limit", "clip_sd", "name_min_sd"), 0.0, 1e6)
        _check_range("cohorts", self, ("name_min_lift",), 1.0, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommenderConfig:
    """How interactions become recommendations. A tuple is a grid: its best value is chosen on validation.

    Args:
        window_days: length of the validation and of the test window, and the horizon of every probability; a
            history of less than four such windows is cut into shorter ones.
        min_judged_users: a list is judged where this many users have something to be found in each window.
        cutoffs: list lengths the metrics are reported at.
        list_length: recommendations for each user and list.
        similar_length: similar items for each item.
        block_users: users scored at once; bounds memory.
        popularity_window_days: how far back best-sellers are counted.
        frequency_half_life_days: personal frequency: a purchase this old counts half; 0 = all count alike.
        knn_weightings: item-kNN: "cosine", "bm25", or both.
        knn_neighbours: item-kNN: neighbours kept for an item.
        knn_min_buyers: item-kNN: items with fewer buyers have no neighbours.
        ease_l2: EASE: ridge penalties.
        ease_half_life_days: EASE: a purchase this old counts half; 0 = all count alike.
        ease_max_side: EASE: the users or the items with interactions, whichever are fewer; with more, it does
            not compete. 8,000 take 40 s and 1.5 GB for each of `ease_l2` on two cores, beside what is kept.
        ease_max_bytes: EASE: nor with more than this in the matrix it keeps, 4 x that side x items.
        dimension: towers: size of user and item vectors.
        min_buyers: towers: items with fewer buyers live off their text alone.
        prior_window_days: towers: how far back the popularity they add to is counted.
        personal_weights: towers: how much they count against popularity.
        blend_weights: blend of towers and EASE: weight of the towers.
        objective: towers: "sampled_softmax" or "binary_cross_entropy".
        epochs: towers: passes over the users, at most.
        judge_every: towers: passes between two looks at the validation window.
        patience: towers: looks without improvement after which training stops.
        batch_users, positives_per_user: towers: users in a step, and hidden items of each that count.
        hidden_share: towers: share of a user's items hidden and to be predicted from the rest.
        negatives: towers: draws of negatives in a step.
        negative_power: towers: negatives are drawn by popularity to this power.
        learning_rate, weight_decay: towers: of AdamW; only the items' own vectors decay.
        repeat_windows: repeat network: number of past windows it learns from.
        repeat_epochs, repeat_batch_pairs, repeat_learning_rate: repeat network: its training.
        best_seller_days: how far back the best-sellers of users without history are counted.
        min_cohort_buyers: cohorts with fewer buyers have no best-sellers of their own.
        similar_sold_days: only items sold within this many days are offered as similar.
    """

    window_days: int = 28
    min_judged_users: int = 20
    cutoffs: tuple[int, ...] = (5, 10, 20)
    list_length: int = 20
    similar_length: int = 10
    block_users: int = 64
    popularity_window_days: tuple[int, ...] = (28, 56, 91)
    frequency_half_life_days: tuple[float, ...] = (30.0, 60.0, 120.0)
    knn_weightings: tuple[str, ...] = ("cosine", "bm25")
    knn_neighbours: tuple[int, ...] = (100, 200)
    knn_min_buyers: int = 5
    ease_l2: tuple[float, ...] = (50.0, 200.0)
    ease_half_life_days: tuple[float, ...] = (0.0, 90.0)
    ease_max_side: int = 8_000
    ease_max_bytes: int = 2_000_000_000
    dimension: int = 64
    min_buyers: int = 5
    prior_window_days: int = 56
    personal_weights: tuple[float, ...] = (0.2, 0.35, 0.5)
    blend_weights: tuple[float, ...] = (0.3, 0.5, 0.7)
    objective: str = "sampled_softmax"
    epochs: int = 20
    judge_every: int = 5
    patience: int = 2
    batch_users: int = 128
    positives_per_user: int = 64
    hidden_share: float = 0.5
    negatives: int = 2048
    negative_power: float = 0.75
    learning_rate: float = 0.005
    weight_decay: float = 0.0
    repeat_windows: int = 3
    repeat_epochs: int = 2
    repeat_batch_pairs: int = 8192
    repeat_learning_rate: float = 0.006
    best_seller_days: int = 56
    min_cohort_buyers: int = 20
    similar_sold_days: int = 182

    def __post_init__(self) -> None:
        counts = ("window_days", "min_judged_users", "list_length", "similar_length", "block_users",
                  "knn_min_buyers", "ease_max_side", "dimension", "min_buyers", "prior_window_days",
                  "judge_every", "patience", "batch_users", "positives_per_user", "negatives",
                  "repeat_windows", "repeat_batch_pairs",
                  "best_seller_days", "min_cohort_buyers", "similar_sold_days")  # fmt: skip
        _check_range("recommender", self, counts, 1, 1e9)
        _check_range("recommender", self, ("ease_max_bytes",), 1, 1e15)
        _check_range("recommender", self, ("epochs", "repeat_epochs"), 0, 1e6)
        _check_range("recommender", self, ("hidden_share", "negative_power"), 0.0, 1.0)
        _check_range("recommender", self, ("learning_rate", "repeat_learning_rate"), 1e-9, 1.0)
        _check_range("recommender", self, ("weight_decay",), 0.0, 1e3)
        _check_grid("recommender", self, ("cutoffs", "popularity_window_days", "knn_neighbours"), 1)
        _check_grid("recommender", self, ("frequency_half_life_days", "ease_half_life_days"), 0)
        _check_grid("recommender", self, ("ease_l2",), 1e-9)
        _check_grid("recommender", self, ("personal_weights", "blend_weights"), 0)
        _check_names("recommender", self, "knn_weightings", self.knn_weightings, ("cosine", "bm25"))
        _check_names(
            "recommender", self, "objective", (self.objective,), ("sampled_softmax", "binary_cross_entropy")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuningConfig:
    """How the encoder learns from the shop.

    Args:
        objectives: what it learns from: "ratings", which helps sentiment, and "sessions", what is bought
            together, which is for item texts. None: it stays as it came, for without a GPU training takes a
            minute for every thousand texts and more.
        min_examples: with fewer rated texts, or orders of different texts, nothing is learned.
        max_examples: of more texts, or pairs of texts, a sample is learned from.
        pairs_per_session: of what was bought in one order, so many pairs are learned from at most.
        held_out_share: share of the texts or orders, the newest, that teach nothing and that it is judged on.
        retrain_growth: it learns anew when there are this many times the examples it learned from.
        method: "lora" or "adalora", which spends its rank where it helps most.
        rank: of the added matrices; with AdaLoRA the mean rank that is left at the end.
        alpha: what is added counts alpha / rank times.
        target_modules: names of the linear layers that get an adapter.
        top_layers: only the last so many layers of the model get one; below them nothing is computed
            backwards. None is all layers.
        epochs: passes over the examples.
        batch_texts: texts or pairs in a step; the more pairs, the more negatives.
        learning_rate: the highest, after a warm-up.
        resamples: bootstrap resamples behind the interval of what was gained.
    """

    objectives: tuple[str, ...] = ()
    min_examples: int = 1000
    max_examples: int = 50_000
    pairs_per_session: int = 4
    held_out_share: float = 0.2
    retrain_growth: float = 1.2
    method: str = "lora"
    rank: int = 16
    alpha: int = 32
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")
    top_layers: int | None = None
    epochs: int = 2
    batch_texts: int = 32
    learning_rate: float = 5e-4
    resamples: int = 1000

    def __post_init__(self) -> None:
        if self.objectives:
            _check_names("finetuning", self, "objectives", self.objectives, ("ratings", "sessions"))
        _check_range("finetuning", self, ("min_examples",), 20, 1e9)
        _check_range("finetuning", self, ("max_examples",), self.min_examples, 1e9)
        _check_range("finetuning", self, ("held_out_share",), 0.01, 0.9)
        _check_range("finetuning", self, ("retrain_growth",), 1.01, 1e6)
        _check_names("finetuning", self, "method", (self.method,), ("lora", "adalora"))
        _check_range(
            "finetuning", self, ("rank", "alpha", "epochs", "batch_texts", "pairs_per_session"), 1, 1e6
        )
        _check_range("finetuning", self, ("resamples",), 1, 1e6)
        if self.top_layers is not None:
            _check_range("finetuning", self, ("top_layers",), 1, 1e6)
        _check_range("finetuning", self, ("learning_rate",), 1e-9, 1.0)
        if not self.target_modules:
            raise SettingError(
                "target_modules is empty",
                where="settings, [finetuning]",
                remedy='name linear layers of the model, such as ["query", "value"]',
            )


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
        _check_range("sentiment", self, ("positive_rating",), 1.0, 5.0)
        _check_range("sentiment", self, ("negative_rating",), 1.0, self.positive_rating - 0.01)
        _check_range("sentiment", self, ("min_ratings", "min_class_ratings", "max_training_reviews"), 10, 1e9)
        _check_range("sentiment", self, ("min_calibration_ratings",), 1, 1e9)
        _check_range("sentiment", self, ("simulated_reviews", "tuning_reviews"), 100, 1e7)
        _check_range("sentiment", self, ("neutral_band",), 0.0, 0.99)
        _check_range("sentiment", self, ("ngram_characters", "ngram_words"), 1, 10)
        _check_range("sentiment", self, ("ngram_bits",), 8, 24)
        _check_range("sentiment", self, ("ngram_min_texts", "hidden_units", "epochs"), 1, 10_000)
        _check_range("sentiment", self, ("batch_size",), 2, 1e6)
        _check_names("sentiment", self, "ngram_weightings", self.ngram_weightings, ("tfidf", "bayes"))
        _check_grid("sentiment", self, ("ngram_costs",), 1e-6)
        _check_grid("sentiment", self, ("dropouts",), 0.0)
        if max(self.dropouts) > 0.95:
            raise SettingError(
                f"dropouts is {self.dropouts}", where="settings, [sentiment]", remedy="use 0.95 or less"
            )
        _check_range("sentiment", self, ("learning_rate",), 1e-9, 1.0)
        _check_range("sentiment", self, ("weight_decay",), 0.0, 1e3)
        _check_range("sentiment", self, ("folds",), 2, 50)
        _check_range("sentiment", self, ("language_characters", "max_evidence_characters"), 10, 1e6)
        _check_range("sentiment", self, ("max_encoded_clauses",), 0, 1e9)
        _check_range("sentiment", self, ("neighbour_similarity",), 0.0, 2.0)


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
        _check_names("topics", self, "method", (self.method,), ("kmeans", "hdbscan", "lda"))
        _check_range("topics", self, ("min_reviews",), 4, 1e9)
        _check_range("topics", self, ("min_topics",), 2, 1000)
        _check_range("topics", self, ("max_topics",), self.min_topics, 1000)
        _check_grid("topics", self, ("density_shares",), 1)
        _check_range("topics", self, ("select_reviews", "fit_reviews"), self.min_reviews, 1e9)
        _check_range("topics", self, ("drop_directions",), 0, 100)
        _check_range("topics", self, ("dimensions", "min_word_reviews", "topic_word_count"), 1, 10_000)
        _check_range("topics", self, ("representatives",), 1, 1000)
        _check_range("topics", self, ("concentration", "outlier_fence"), 0.0, 1e6)
        _check_range("topics", self, ("score_tolerance", "max_word_share"), 0.0, 1.0)
        _check_range("topics", self, ("match_similarity", "match_word_share"), 0.01, 1.0)
        _check_range("topics", self, ("min_lift",), 1.0, 1e6)
