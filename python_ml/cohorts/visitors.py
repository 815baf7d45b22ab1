"""Which cohort a user without an order would be of, going by the few things the user has looked at.

A classifier learns it from users who have ordered, of whom it is shown as little as is known of visitors: a
sample of their acts, as many as some visitor has. Learned from all their acts it would be sure of itself
where nobody can be. Users held out say how well it guesses; where it is no better than the sizes of the
cohorts are, nothing is guessed.

Shapes: N users who have ordered, V visitors, I categories, C cohorts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from python_ml.cohorts.held_out import place
from python_ml.sentiment.calibrate import expected_calibration_error

SCHEMA = {
    "user_id": pl.String,
    "likely_cohort_id": pl.String,
    "likely_cohort_probability": pl.Float64,
}
# Inverse strengths of the ridge penalty, and what an act says: each as much as any other, as where acts are
# independent, or the less the more there were before. What validates best is taken.
_STRENGTHS = (0.01, 0.1, 1.0, 10.0)
_READINGS: tuple[Callable[[csr_array], csr_array], ...] = (
    lambda counts_NI: counts_NI.astype(np.float64),
    lambda counts_NI: counts_NI.astype(np.float64).log1p(),
)
_HELD_OUT_SHARE = 0.3
_LEARNED_FROM = 0.5  # between the two are those it is validated on
_MOST_USERS = 20_000  # learned from, and held out: more teach nothing new
_SAMPLES_A_USER = 3
_LEAST_USERS = 100  # held out; of fewer, what is measured is chance
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good guesses are, of users held out, from a sample of their acts.

    Args:
        user_count: such users.
        accuracy: share of them guessed right.
        majority_share: share of them in the largest cohort: what guessing that one gets right.
        log_loss, prior_log_loss: mean -log of the probability of the true cohort, by the classifier and by
            sizes of the cohorts alone; nats.
        gain_error: standard error of the difference of the two, which are paired.
        calibration_error: expected calibration error of the probability of the guess.
    """

    user_count: int
    accuracy: float
    majority_share: float
    log_loss: float
    prior_log_loss: float
    gain_error: float
    calibration_error: float

    @property
    def is_better(self) -> bool:
        """Knows more than sizes say, beyond what chance explains (one-sided, 2.5 %)."""
        return self.prior_log_loss - self.log_loss > 1.96 * self.gain_error


@dataclass(frozen=True, slots=True)
class Guesses:
    """Visitors' cohorts.

    Args:
        visitors: `SCHEMA`, by user_id; empty where nothing can be guessed.
        evaluation: None where nothing was learned.
        reason: why nothing is guessed; None if something is.
    """

    visitors: pl.DataFrame
    evaluation: Evaluation | None
    reason: str | None


def guess_cohorts(acts: pl.DataFrame, assigned: pl.DataFrame, visitors: pl.DataFrame, seed: int) -> Guesses:
    """The likeliest cohort of each visitor who has looked at something of a known category.

    Args:
        acts: from `acts_by_category`, of all users.
        assigned: user_id, cohort_id of users in clustered cohorts.
        visitors: user_id of users without an order.
        seed: of the samples.
    """
    asked = acts.join(visitors.select("user_id"), on="user_id").sort("user_id", "category")
    known = acts.join(assigned.select("user_id", "cohort_id"), on="user_id").sort("user_id", "category")
    categories = known["category"].unique().sort()
    asked = asked.filter(pl.col("category").is_in(categories.implode()))
    users = known.select("user_id", "cohort_id").unique().sort("user_id")
    cohorts = users["cohort_id"].unique().sort().to_list()
    place_N = np.array([place(user_id) for user_id in users["user_id"]])
    if asked.is_empty():
        return _nothing("no user without an order has looked at what users who ordered look at")
    if len(cohorts) < 2 or len(categories) < 2:
        return _nothing("there are no two cohorts, or no two categories, to tell apart")
    label_of = {cohort: label for label, cohort in enumerate(cohorts)}
    label_N = np.array([label_of[cohort] for cohort in users["cohort_id"]])
    is_enough = (place_N < _HELD_OUT_SHARE).sum() >= _LEAST_USERS
    if not is_enough or len(np.unique(label_N[place_N >= _LEARNED_FROM])) < 2:
        return _nothing(f"too few users have ordered and looked at something: {len(users):,}")
    ids = asked["user_id"].unique().sort()
    asked_VI = _table(asked, ids, categories)
    with threadpool_limits(limits=1):  # the last bits of sums depend on how many threads there are
        probability_VC, evaluation = learn_and_guess(
            _table(known, users["user_id"], categories), label_N, place_N, asked_VI, seed
        )
    if not evaluation.is_better:
        said = "so few acts tell no more of a user's cohort than the sizes of the cohorts do"
        return Guesses(pl.DataFrame(schema=SCHEMA), evaluation, said)
    likely_V = probability_VC.argmax(axis=1)
    found = pl.DataFrame(
        {
            "user_id": ids,
            "likely_cohort_id": [cohorts[label] for label in likely_V],
            "likely_cohort_probability": probability_VC.max(axis=1),
        },
        schema=SCHEMA,
    )
    return Guesses(found, evaluation, None)


def learn_and_guess(
    counts_NI: csr_array, label_N: np.ndarray, place_N: np.ndarray, asked_VI: csr_array, seed: int
) -> tuple[np.ndarray, Evaluation]:
    """Learn from samples of users' acts, try it on users held out, and guess.

    Args:
        counts_NI: int64 acts of users who have ordered, at least one a user.
        label_N: their cohorts, 0, 1, ..., each at least once.
        place_N: float64 0..1, by which users are held out, validated on and learned from.
        asked_VI: int64 acts of visitors.
        seed: of the samples.

    Returns:
        Probability of each cohort, float64 (V, C); how good it is.
    """
    rng = np.random.default_rng(seed)
    lengths_V = np.sort(np.asarray(asked_VI.sum(axis=1)).ravel())
    count = int(label_N.max()) + 1

    def sample(low: float, high: float, samples: int) -> tuple[csr_array, np.ndarray]:
        rows = np.flatnonzero((low <= place_N) & (place_N < high))[:_MOST_USERS]
        return _thin(counts_NI[rows], lengths_V, samples, rng), np.repeat(label_N[rows], samples)

    held_out, its_label_N = sample(0.0, _HELD_OUT_SHARE, 1)
    validated, their_label_N = sample(_HELD_OUT_SHARE, _LEARNED_FROM, 1)
    learned = sample(_LEARNED_FROM, 1.0, _SAMPLES_A_USER)
    tried = [_fit(*learned, read, strength, count) for read in _READINGS for strength in _STRENGTHS]
    best = min(tried, key=lambda fit: _surprise(fit.probability(validated), their_label_N).mean())
    is_known_N = place_N >= _HELD_OUT_SHARE
    prior_C = np.bincount(label_N[is_known_N], minlength=count) / is_known_N.sum()
    evaluation = _evaluate(best.probability(held_out), its_label_N, prior_C)
    return best.probability(asked_VI), evaluation


def _table(acts: pl.DataFrame, users: pl.Series, categories: pl.Series) -> csr_array:
    """Counts as a table, int64 (users, categories)."""
    rows = pl.DataFrame({"user_id": users}).with_row_index("row")
    columns = pl.DataFrame({"category": categories}).with_row_index("column")
    cells = acts.join(rows, on="user_id").join(columns, on="category").sort("row", "column")
    place_of = (cells["row"].to_numpy(), cells["column"].to_numpy())
    return csr_array((cells["act_count"].to_numpy(), place_of), shape=(len(users), len(categories)))


def _thin(counts_NI: csr_array, lengths_V: np.ndarray, samples: int, rng: np.random.Generator) -> csr_array:
    """Some of each user's acts, drawn without putting back; (N * samples, I), a user's samples in a row.

    Args:
        counts_NI: at least one act a user.
        lengths_V: how many acts visitors have: each sample is as long as one of them, or all there is.
        samples: of each user.
        rng: decides.
    """
    data, indices, ends = [], [], [0]
    for start, end in zip(counts_NI.indptr[:-1], counts_NI.indptr[1:], strict=True):
        own = counts_NI.data[start:end]
        wanted = np.minimum(rng.choice(lengths_V, size=samples), own.sum())
        for length in wanted:
            drawn = rng.multivariate_hypergeometric(own, length)
            data.append(drawn[drawn > 0])
            indices.append(counts_NI.indices[start:end][drawn > 0])
            ends.append(ends[-1] + len(data[-1]))
    shape = (samples * counts_NI.shape[0], counts_NI.shape[1])
    return csr_array((np.concatenate(data), np.concatenate(indices), np.array(ends)), shape=shape)


@dataclass(frozen=True, slots=True)
class _Classifier:
    """Logistic regression on acts as they are read, of so many cohorts."""

    read: Callable[[csr_array], csr_array]
    fitted: LogisticRegression
    count: int

    def probability(self, counts_NI: csr_array) -> np.ndarray:
        """float64 (N, C); 0 of a cohort that nobody who was learned from is in."""
        table_NC = np.zeros((counts_NI.shape[0], self.count))
        table_NC[:, self.fitted.classes_] = self.fitted.predict_proba(self.read(counts_NI))
        return table_NC


def _fit(
    counts_NI: csr_array,
    label_N: np.ndarray,
    read: Callable[[csr_array], csr_array],
    strength: float,
    count: int,
) -> _Classifier:
    fitted = LogisticRegression(C=strength, max_iter=1_000).fit(read(counts_NI), label_N)
    return _Classifier(read, fitted, count)


def _surprise(probability_NC: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """-log of the probability of the true cohort, float64 (N,)."""
    return -np.log(np.maximum(probability_NC[np.arange(len(label_N)), label_N], _SMALLEST))


def _evaluate(probability_NC: np.ndarray, label_N: np.ndarray, prior_C: np.ndarray) -> Evaluation:
    is_right_N = probability_NC.argmax(axis=1) == label_N
    own_N = _surprise(probability_NC, label_N)
    prior_N = _surprise(np.broadcast_to(prior_C, probability_NC.shape), label_N)
    return Evaluation(
        user_count=len(label_N),
        accuracy=float(is_right_N.mean()),
        majority_share=float((label_N == prior_C.argmax()).mean()),
        log_loss=float(own_N.mean()),
        prior_log_loss=float(prior_N.mean()),
        gain_error=float((prior_N - own_N).std() / np.sqrt(len(label_N))),
        calibration_error=expected_calibration_error(probability_NC.max(axis=1), is_right_N),
    )


def _nothing(reason: str) -> Guesses:
    return Guesses(pl.DataFrame(schema=SCHEMA), None, reason)
