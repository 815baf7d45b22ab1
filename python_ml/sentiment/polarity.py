"""The polarity model: candidates fitted, calibrated and judged on unseen texts, the best one chosen.

Shapes: N texts, D dimensions of an embedding, C columns of n-gram counts.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from python_ml.config import SentimentConfig
from python_ml.errors import ModelError
from python_ml.sentiment.calibrate import Calibration, cross_calibrate, fit_calibration, log_loss
from python_ml.sentiment.ngram_scorer import NgramScorer, NgramSetting, fit_ngrams
from python_ml.sentiment.ngrams import count_ngrams
from python_ml.sentiment.vector_scorer import VectorScorer, fit_vectors

NGRAMS, EMBEDDING, BLEND = "ngrams", "embedding", "blend"
TUNED, TUNED_BLEND = "tuned", "tuned blend"
PARTS = {
    NGRAMS: (NGRAMS,),
    EMBEDDING: (EMBEDDING,),
    BLEND: (NGRAMS, EMBEDDING),
    TUNED: (TUNED,),
    TUNED_BLEND: (NGRAMS, EMBEDDING, TUNED),
}
_BLOCK_TEXTS = 20_000  # scored at a time: bounds memory

Progress = Callable[[str], None]


def parts_known(vectors: np.ndarray | None, tuned: np.ndarray | None) -> set[str]:
    """Names of the scores that texts have, with or without embeddings and scores by a tuned encoder."""
    known = {NGRAMS: True, EMBEDDING: vectors is not None, TUNED: tuned is not None}
    return {name for name, is_known in known.items() if is_known}


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of N texts.

    Args:
        counts: (N, C), from `count_ngrams`.
        vectors: float32 (N, D), embeddings; None where there are none.
        tuned: float64 (N,), scores by a fine-tuned encoder, NaN where it learned from the text; None where
            there is no such encoder.
    """

    counts: sparse.csr_matrix
    vectors: np.ndarray | None
    tuned: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Features":
        """The same of some texts."""
        vectors, tuned = (None if part is None else part[rows] for part in (self.vectors, self.tuned))
        return Features(self.counts[rows], vectors, tuned)

    @property
    def parts(self) -> set[str]:
        """See `parts_known`."""
        return parts_known(self.vectors, self.tuned)


@dataclass(frozen=True, slots=True)
class PolarityModel:
    """A fitted model. Make one with `fit_polarity` or `from_arrays`.

    Args:
        scorers: by name, "ngrams" and, where there were embeddings, "embedding".
        calibrations: by candidate, what turns the scores of its `PARTS` into a probability.
        ranking: candidates, the best first; the first that has all its parts reads a text.
        base_logit: log odds of a positive text among those it learned from.
        characters, words, bits: how n-grams are counted.
    """

    scorers: dict[str, NgramScorer | VectorScorer]
    calibrations: dict[str, Calibration]
    ranking: tuple[str, ...]
    base_logit: float
    characters: int
    words: int
    bits: int

    def candidate(self, parts: Collection[str]) -> str:
        """Which candidate reads a text of which these parts are known, see `Features.parts`."""
        return next(name for name in self.ranking if set(PARTS[name]) <= set(parts))

    def logit(
        self, texts: Sequence[str], vectors: np.ndarray | None, tuned: np.ndarray | None = None
    ) -> np.ndarray:
        """float64 (N,): calibrated log odds that each text is positive.

        Args:
            texts: N strings.
            vectors: their embeddings by the model that was learned with; None to read the letters alone.
            tuned: their scores by the fine-tuned encoder that was learned with, or None.
        """
        blocks = []
        for start in range(0, len(texts), _BLOCK_TEXTS):
            rows = slice(start, start + _BLOCK_TEXTS)
            known = [None if part is None else part[rows] for part in (vectors, tuned)]
            blocks.append(self.logit_of(Features(self._count(texts[rows]), *known)))
        return np.concatenate(blocks) if blocks else np.empty(0)

    def logit_of(self, features: Features) -> np.ndarray:
        """As `logit`, of what is already counted."""
        name = self.candidate(features.parts)
        scores = [_score(self.scorers.get(part), features) for part in PARTS[name]]
        return self.calibrations[name].logit(np.stack(scores, axis=1))

    def _count(self, texts: Sequence[str]) -> sparse.csr_matrix:
        return count_ngrams(texts, characters=self.characters, words=self.words, buckets=2**self.bits)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, as arrays that safetensors can hold."""
        facts = [self.characters, self.words, self.bits]
        ranks = [list(PARTS).index(name) for name in self.ranking]
        arrays = {
            "facts": np.array(facts, dtype=np.int64),
            "ranking": np.array(ranks, dtype=np.int64),
            "base_logit": np.array([self.base_logit]),
        }
        for name, scorer in self.scorers.items():
            arrays |= {f"scorer.{name}.{key}": value for key, value in scorer.arrays().items()}
        for name, fitted in self.calibrations.items():
            arrays[f"calibration.{name}.weight"] = fitted.weights
            arrays[f"calibration.{name}.intercept"] = fitted.intercept
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "PolarityModel":
        """The model that gave these arrays."""
        kinds = {NGRAMS: NgramScorer, EMBEDDING: VectorScorer}
        scorers = {
            name: kind.from_arrays(_under(arrays, f"scorer.{name}."))
            for name, kind in kinds.items()
            if _under(arrays, f"scorer.{name}.")
        }
        calibrations = {
            name: Calibration(found["weight"], found["intercept"])
            for name in PARTS
            if (found := _under(arrays, f"calibration.{name}."))
        }
        characters, words, bits = (int(value) for value in arrays["facts"])
        ranking = tuple(list(PARTS)[place] for place in arrays["ranking"])
        base_logit = float(arrays["base_logit"][0])
        return cls(scorers, calibrations, ranking, base_logit, characters, words, bits)


@dataclass(frozen=True, slots=True)
class Settings:
    """One point of each scorer's grid.

    Args:
        ngrams: of the scorer of n-grams.
        dropout: of the network on embeddings.
    """

    ngrams: NgramSetting
    dropout: float


@dataclass(frozen=True, slots=True)
class PolarityFit:
    """A model and how it did.

    Args:
        model: fitted on all texts.
        held_out: by candidate, float64 (N,): P(positive), by a model and calibration fitted without the
            text; NaN, for every candidate, where a fine-tuned encoder learned from the text.
        settings: what was chosen of the grids.
    """

    model: PolarityModel
    held_out: dict[str, np.ndarray]
    settings: Settings


def count_features(
    texts: Sequence[str],
    vectors: np.ndarray | None,
    config: SentimentConfig,
    tuned: np.ndarray | None = None,
) -> Features:
    """What `fit_polarity` learns from.

    Args:
        texts: N strings.
        vectors: their embeddings, or None.
        config: how n-grams are counted.
        tuned: see `Features`.
    """
    counts = count_ngrams(
        texts, characters=config.ngram_characters, words=config.ngram_words, buckets=2**config.ngram_bits
    )
    return Features(counts, vectors, tuned)


def fit_polarity(
    features: Features,
    is_positive_N: np.ndarray,
    group_N: np.ndarray,
    config: SentimentConfig,
    *,
    seed: int,
    progress: Progress | None = None,
) -> PolarityFit:
    """Fit all candidates, judge each on folds it was not fitted on, choose the one of least log loss.

    Every text is scored by scorers fitted on the other folds; these scores fit the calibrations, and the
    published scorers are fitted once more on all texts. Equal texts lie in one fold. With scores of a
    fine-tuned encoder all candidates are calibrated and compared on the texts it did not learn from.

    Args:
        features: of N texts, from `count_features`.
        is_positive_N: bool.
        group_N: integer; texts of one group are never on both sides of a split.
        config: how.
        seed: of folds, solvers and networks.
        progress: called with a line on each step.

    Raises:
        ModelError: one kind of text has fewer groups than there are folds.
    """
    say = progress or (lambda _: None)
    fold_N = grouped_folds(is_positive_N, group_N, config.folds, seed)
    settings = _tune(features, is_positive_N, fold_N, config, seed)
    say(f"chosen: {settings}")
    names = [NGRAMS] if features.vectors is None else [NGRAMS, EMBEDDING]
    scores = {name: np.empty(len(is_positive_N)) for name in names}
    for fold in range(config.folds):
        inside = fold_N == fold
        held = features.take(np.flatnonzero(inside))
        scorers = _fit_scorers(features, is_positive_N, np.flatnonzero(~inside), settings, config, seed)
        for name in names:
            scores[name][inside] = _score(scorers[name], held)
        say(f"fold {fold + 1} of {config.folds} scored")
    if features.tuned is not None:
        scores[TUNED] = features.tuned
    judged = np.flatnonzero(np.isfinite(scores.get(TUNED, scores[NGRAMS])))
    calibrations, held_out, losses = _calibrate(scores, is_positive_N, fold_N, judged)
    share = float(np.mean(is_positive_N))
    model = PolarityModel(
        scorers=_fit_scorers(features, is_positive_N, np.arange(len(fold_N)), settings, config, seed),
        calibrations=calibrations,
        ranking=tuple(sorted(losses, key=losses.__getitem__)),
        base_logit=float(np.log(share / (1 - share))),
        characters=config.ngram_characters,
        words=config.ngram_words,
        bits=config.ngram_bits,
    )
    return PolarityFit(model, held_out, settings)


def _calibrate(
    scores: Mapping[str, np.ndarray], is_positive_N: np.ndarray, fold_N: np.ndarray, judged: np.ndarray
) -> tuple[dict[str, Calibration], dict[str, np.ndarray], dict[str, float]]:
    """Calibration, held-out probability and log loss, on these rows, of candidates whose parts are known."""
    calibrations, held_out, losses = {}, {}, {}
    for name, parts in PARTS.items():
        if set(parts) <= set(scores):
            stacked = np.stack([scores[part][judged] for part in parts], axis=1)
            calibrations[name] = fit_calibration(stacked, is_positive_N[judged])
            held_out[name] = np.full(len(is_positive_N), np.nan)
            found = cross_calibrate(stacked, is_positive_N[judged], fold_N[judged])
            held_out[name][judged] = found
            losses[name] = log_loss(found, is_positive_N[judged])
    return calibrations, held_out, losses


def grouped_folds(is_positive_N: np.ndarray, group_N: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """int64 (N,): the fold of each text; a group lies in one fold, positives are spread evenly.

    Args:
        is_positive_N: bool.
        group_N: integer.
        folds: how many.
        seed: of the shuffle.

    Raises:
        ModelError: one kind has fewer groups than folds.
    """
    is_positive_group, number_N = opinions_of_groups(is_positive_N, group_N)
    rarest = min(int(is_positive_group.sum()), int((~is_positive_group).sum()))
    if rarest < folds:
        raise ModelError(
            f"{rarest} distinct texts of the rarer opinion, {folds} folds",
            where="rated texts",
            remedy="raise min_class_ratings, or lower folds, in [sentiment]",
        )
    fold_of_group = np.empty(len(is_positive_group), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, held) in enumerate(splitter.split(is_positive_group, is_positive_group)):
        fold_of_group[held] = fold
    return fold_of_group[number_N]


def opinions_of_groups(is_positive_N: np.ndarray, group_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool (groups,), whether half of a group or more are positive; integer (N,), the group of each text."""
    _, number_N = np.unique(group_N, return_inverse=True)
    return np.bincount(number_N, weights=is_positive_N) * 2 >= np.bincount(number_N), number_N


def _tune(
    features: Features, is_positive_N: np.ndarray, fold_N: np.ndarray, config: SentimentConfig, seed: int
) -> Settings:
    """The settings that rank best on the first fold, fitted on the others; on a sample of a large shop."""
    rows = np.arange(len(fold_N))
    if len(rows) > config.tuning_reviews:
        rows = np.sort(np.random.default_rng(seed).choice(rows, config.tuning_reviews, replace=False))
    fitted, held = rows[fold_N[rows] != 0], rows[fold_N[rows] == 0]
    grid, dropouts = NgramSetting.grid(config), config.dropouts
    if len(set(is_positive_N[held])) < 2 or len(set(is_positive_N[fitted])) < 2:
        return Settings(grid[0], dropouts[0])
    taken, unseen = features.take(fitted), features.take(held)
    wanted, unseen_wanted = is_positive_N[fitted], is_positive_N[held]

    def rank_ngrams(setting: NgramSetting) -> float:
        scorer = fit_ngrams(taken.counts, wanted, setting, min_texts=config.ngram_min_texts, seed=seed)
        return roc_auc_score(unseen_wanted, scorer.score(unseen.counts))

    def rank_vectors(dropout: float) -> float:
        scorer = fit_vectors(taken.vectors, wanted, dropout, config, seed=seed)
        return roc_auc_score(unseen_wanted, scorer.score(unseen.vectors))

    ngrams = max(grid, key=rank_ngrams) if len(grid) > 1 else grid[0]
    has_choice = features.vectors is not None and len(dropouts) > 1
    return Settings(ngrams, max(dropouts, key=rank_vectors) if has_choice else dropouts[0])


def _fit_scorers(
    features: Features,
    is_positive_N: np.ndarray,
    rows: np.ndarray,
    settings: Settings,
    config: SentimentConfig,
    seed: int,
) -> dict[str, NgramScorer | VectorScorer]:
    """One scorer of each kind, side by side: each uses one core and its own random numbers."""
    taken, wanted = features.take(rows), is_positive_N[rows]
    with ThreadPoolExecutor(max_workers=2) as pool:
        ngrams = pool.submit(
            fit_ngrams, taken.counts, wanted, settings.ngrams, min_texts=config.ngram_min_texts, seed=seed
        )
        if taken.vectors is None:
            return {NGRAMS: ngrams.result()}
        vectors = pool.submit(fit_vectors, taken.vectors, wanted, settings.dropout, config, seed=seed)
        return {NGRAMS: ngrams.result(), EMBEDDING: vectors.result()}


def _score(scorer: NgramScorer | VectorScorer | None, features: Features) -> np.ndarray:
    """Without a scorer, what the fine-tuned encoder has said."""
    if scorer is None:
        return features.tuned
    return scorer.score(features.counts if isinstance(scorer, NgramScorer) else features.vectors)


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
