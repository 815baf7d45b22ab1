"""How many cohorts: try each number, measure, and choose by a rule written down beforehand.

Shapes: N users, S dimensions of the space they are clustered in, C cohorts. The largest arrays are N x S and
N x C numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from python_ml.config import CohortConfig

# Silhouette compares every pair; beyond this many users a sample of them is measured.
_SILHOUETTE_USERS = 5_000
_BLOCK_USERS = 4_096
# Of fewer, a processor finds centres in a moment, and the device would wait for its instructions.
_DEVICE_USERS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One number of cohorts, tried.

    Args:
        cohort_count: C.
        silhouette: mean silhouette, -1..1; NaN where it is not defined (one cohort).
        stability_ari: mean adjusted Rand index between this clustering and one fitted on a resample.
        smallest_cohort_share: of users, 0..1.
        inertia: sum of squared distances to the centres.
        bootstrap_ari: mean adjusted Rand index between this clustering and those fitted on bootstraps; None
            of a number that was not about to be chosen.
        reason: why it is not eligible, or, of one cohort, why it stands in; None if it is eligible.
        centres: float64 (C, S).
    """

    cohort_count: int
    silhouette: float
    stability_ari: float
    smallest_cohort_share: float
    inertia: float
    reason: str | None
    centres: np.ndarray
    bootstrap_ari: float | None = None

    @property
    def is_eligible(self) -> bool:
        """Meets all limits of the config."""
        return self.reason is None


def try_candidates(
    points_NS: np.ndarray, config: CohortConfig, seed: int, device: str = "cpu"
) -> list[Candidate]:
    """Cluster with every number of cohorts the data allows.

    Args:
        points_NS: float64, at least one user.
        config: limits, resamples, restarts.
        seed: makes every start and resample repeatable.
        device: that finds centres of many users, see `fit_centres`.

    Returns:
        One candidate per number, ascending. If there are too few users or too few who differ it is one cohort
        of all users, and its reason says why.
    """
    if len(points_NS) < config.min_users:
        return [_one_cohort(points_NS, f"{len(points_NS):,} users have ordered; needs {config.min_users:,}")]
    distinct = len(np.unique(points_NS, axis=0))
    # Silhouette needs fewer cohorts than users; a cohort per distinct user explains nothing either.
    counts = range(config.min_cohorts, min(config.max_cohorts, distinct - 1) + 1)
    if not counts:
        said = "behave alike" if distinct == 1 else f"behave in {distinct} ways"
        return [_one_cohort(points_NS, f"all users {said}; needs {config.min_cohorts + 1} ways")]
    return [_try_count(points_NS, count, config, seed, device) for count in counts]


def choose_stable(
    points_NS: np.ndarray,
    candidates: Sequence[Candidate],
    config: CohortConfig,
    seed: int,
    device: str = "cpu",
) -> tuple[list[Candidate], Candidate]:
    """Choose the number of cohorts, and put the choice to a harder test than all were put to.

    Where the preferred one does not come back in bootstraps of the users, it is the next one's turn. With
    none left one cohort of all users stands in: an unstable clustering would be made up.

    Args:
        points_NS: float64, at least one user.
        candidates: from `try_candidates`.
        config: min_stability, bootstraps, restarts, silhouette_tolerance.
        seed: of bootstraps and starts.
        device: as in `try_candidates`.

    Returns:
        All candidates, with what the test said; the chosen one.
    """
    tried = list(candidates)
    while any(candidate.is_eligible for candidate in tried):
        preferred = choose_candidate(tried, config.silhouette_tolerance)
        tested = _test_on_bootstraps(points_NS, preferred, config, seed, device)
        tried[tried.index(preferred)] = tested
        if tested.is_eligible:
            return tried, tested
    if tried[0].cohort_count > 1:
        reason = f"no number of cohorts from {tried[0].cohort_count} to {tried[-1].cohort_count} is eligible"
        tried.insert(0, _one_cohort(points_NS, reason))
    return tried, tried[0]


def choose_candidate(candidates: Sequence[Candidate], silhouette_tolerance: float) -> Candidate:
    """Choose the number of cohorts.

    Among the eligible (stable under resampling, no cohort too small to act on), the *most* cohorts whose
    silhouette is within a tolerance of the best eligible one. The highest silhouette alone nearly always
    picks the fewest cohorts, "large and small customers", which tells a marketer nothing an RFM table does
    not; the most cohorts alone would cut a continuum ever finer. The tolerance says how much separation may
    be given up for detail, and stability keeps the detail honest: a group that does not come back in another
    sample of the same users is not reported. Shoppers are a continuum, so expect low silhouettes (about 0.1):
    cohorts are useful cuts through it, not islands.

    Args:
        candidates: from `try_candidates`, at least one eligible.
        silhouette_tolerance: in silhouette, 0..1. Not a share of the best: a share is generous exactly where
            groups are well apart, and would split planted groups (0.78) for a clearly worse 0.63.
    """
    eligible = [candidate for candidate in candidates if candidate.is_eligible]
    best = max(candidate.silhouette for candidate in eligible)
    return max(
        (candidate for candidate in eligible if candidate.silhouette >= best - silhouette_tolerance),
        key=lambda candidate: candidate.cohort_count,
    )


def assign(points_NS: np.ndarray, centres_CS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centre of each user.

    Args:
        points_NS, centres_CS: float64.

    Returns:
        Position of the centre, integer (N,), the first on a tie; Euclidean distance to it, float64 (N,).
    """
    # By blocks: differences of all users to all centres would be N x C x S numbers.
    squared_NC = np.concatenate(
        [
            np.square(points_NS[start : start + _BLOCK_USERS, None, :] - centres_CS).sum(axis=2)
            for start in range(0, max(len(points_NS), 1), _BLOCK_USERS)
        ]
    )
    nearest_N = squared_NC.argmin(axis=1)
    return nearest_N, np.sqrt(squared_NC[np.arange(len(points_NS)), nearest_N])


def fit_centres(
    points_NS: np.ndarray, count: int, restarts: int, seed: int, device: str
) -> tuple[np.ndarray, float]:
    """Centres, float64 (C, S), and inertia of k-means, the best of some starts.

    scikit-learn's is the faster one on processors; on a CUDA device, of many users, it is `kmeans`.
    """
    if device.startswith("cuda") and len(points_NS) >= _DEVICE_USERS:
        import torch  # only when there is work for it

        from python_ml.cohorts.kmeans import fit_kmeans

        fit = fit_kmeans(points_NS, count, device=torch.device(device), seed=seed, restarts=restarts)
        return fit.centres, fit.inertia
    fitted = KMeans(count, n_init=restarts, random_state=seed).fit(points_NS)
    return fitted.cluster_centers_, float(fitted.inertia_)


def _try_count(points_NS: np.ndarray, count: int, config: CohortConfig, seed: int, device: str) -> Candidate:
    centres_CS, inertia = fit_centres(points_NS, count, config.restarts, seed, device)
    labels_N, _ = assign(points_NS, centres_CS)
    share = np.bincount(labels_N, minlength=count).min() / len(points_NS)
    stability = _measure_stability(points_NS, labels_N, count, config, seed, device)
    return Candidate(
        cohort_count=count,
        silhouette=_measure_silhouette(points_NS, labels_N, seed),
        stability_ari=stability,
        smallest_cohort_share=float(share),
        inertia=inertia,
        reason=_why_not(float(share), stability, config),
        centres=centres_CS,
    )


def _measure_silhouette(points_NS: np.ndarray, labels_N: np.ndarray, seed: int) -> float:
    """Mean silhouette of all users or a sample; NaN where the sample has met one cohort only."""
    sample = np.arange(len(points_NS))
    if len(sample) > _SILHOUETTE_USERS:
        sample = np.random.RandomState(seed).permutation(len(points_NS))[:_SILHOUETTE_USERS]
    if len(np.unique(labels_N[sample])) < 2:
        return float("nan")
    return float(silhouette_score(points_NS[sample], labels_N[sample]))


def _measure_stability(
    points_NS: np.ndarray, labels_N: np.ndarray, count: int, config: CohortConfig, seed: int, device: str
) -> float:
    """Mean agreement with clusterings of part of the users, from other starts, applied to all users."""
    size = max(round(len(points_NS) * config.resample_share), count)
    generators = [np.random.default_rng([seed, count, resample]) for resample in range(config.resamples)]
    samples = ((each, each.choice(len(points_NS), size=size, replace=False)) for each in generators)
    return _measure_agreement(points_NS, labels_N, count, samples, config.restarts, device)


def _test_on_bootstraps(
    points_NS: np.ndarray, candidate: Candidate, config: CohortConfig, seed: int, device: str
) -> Candidate:
    """The same with its bootstrap_ari, and a reason if that is too low.

    Source: Hennig: Cluster-wise assessment of cluster stability, 2007 (bootstraps of the users; here the
    adjusted Rand index, Hubert and Arabie 1985, judges the clustering as a whole).
    """
    size, count = len(points_NS), candidate.cohort_count
    generators = [np.random.default_rng([seed, count, number, 1]) for number in range(config.bootstraps)]
    samples = ((each, each.integers(size, size=size)) for each in generators)
    labels_N, _ = assign(points_NS, candidate.centres)
    agreement = _measure_agreement(points_NS, labels_N, count, samples, config.restarts, device)
    is_stable = agreement >= config.min_stability
    reason = (
        f"stability over {config.bootstraps} bootstraps is {agreement:.2f}, needs {config.min_stability:.2f}"
    )
    return replace(candidate, bootstrap_ari=agreement, reason=None if is_stable else reason)


def _measure_agreement(
    points_NS: np.ndarray,
    labels_N: np.ndarray,
    count: int,
    samples: Iterable[tuple[np.random.Generator, np.ndarray]],
    restarts: int,
    device: str,
) -> float:
    """Mean adjusted Rand index with clusterings of samples, each from its own start, applied to all users."""
    scores = []
    for generator, sample in samples:
        start = int(generator.integers(2**31))
        other_CS, _ = fit_centres(points_NS[sample], count, restarts, start, device)
        scores.append(adjusted_rand_score(labels_N, assign(points_NS, other_CS)[0]))
    return float(np.mean(scores))


def _why_not(share: float, stability: float, config: CohortConfig) -> str | None:
    reasons = []
    if not share >= config.min_cohort_share:
        reasons.append(f"smallest cohort has {share:.1%} of users, needs {config.min_cohort_share:.1%}")
    if not stability >= config.min_stability:
        reasons.append(f"stability is {stability:.2f}, needs {config.min_stability:.2f}")
    return "; ".join(reasons) or None


def _one_cohort(points_NS: np.ndarray, reason: str) -> Candidate:
    centre = points_NS.mean(axis=0, keepdims=True)
    inertia = float(np.square(points_NS - centre).sum())
    return Candidate(
        cohort_count=1,
        silhouette=float("nan"),
        stability_ari=1.0,
        smallest_cohort_share=1.0,
        inertia=inertia,
        reason=reason,
        centres=centre,
    )
