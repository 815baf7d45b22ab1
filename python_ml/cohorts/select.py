"""How many cohorts, by which method: try each, measure, and choose by a rule written down beforehand.

Shapes: N users, S dimensions of the space they are clustered in, C cohorts. The largest arrays are N x S and
N x C numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from python_ml.cohorts.partition import Partition, fit_partition, round_partition
from python_ml.config import CohortConfig
from python_ml.config.cohorts import FINDS_THE_NUMBER

# Silhouette compares every pair; beyond this many users a sample of them is measured.
_SILHOUETTE_USERS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One number of cohorts, tried by one method.

    Args:
        method: by which they were found; None of one cohort, which is no finding.
        cohort_count: C.
        silhouette: mean silhouette, -1..1; NaN where it is not defined (one cohort).
        davies_bouldin: mean over cohorts of how wide it and the one most like it are against the distance of
            their centres (Davies and Bouldin 1979); the lower, the better apart. NaN of one cohort. It is
            shown, not chosen by: like the silhouette it favours few round cohorts.
        stability_ari: mean adjusted Rand index between this clustering and one fitted on a resample.
        smallest_cohort_share, largest_cohort_share: of users, 0..1; the smallest of those that are clustered.
        inertia: sum of squared distances to the centres.
        bootstrap_ari: mean adjusted Rand index between this clustering and those fitted on bootstraps; None
            of a number that was not about to be chosen.
        usefulness: how much as many cohorts by that method, found at the last fit, explained of what users
            spent since, beyond groups drawn by lot, see `beyond_chance`; None where that is not known.
        reason: why it is not eligible, or, of one cohort, why it stands in; None if it is eligible.
        partition: what was found.
    """

    method: str | None
    cohort_count: int
    silhouette: float
    davies_bouldin: float
    stability_ari: float
    smallest_cohort_share: float
    largest_cohort_share: float
    inertia: float
    reason: str | None
    partition: Partition
    bootstrap_ari: float | None = None
    usefulness: float | None = None

    @property
    def is_eligible(self) -> bool:
        """Meets all limits of the config."""
        return self.reason is None


def try_candidates(
    points_NS: np.ndarray,
    config: CohortConfig,
    seed: int,
    device: str = "cpu",
    usefulness: Mapping[tuple[str, int], float] = MappingProxyType({}),
) -> list[Candidate]:
    """Cluster by every method of the config with every number of cohorts the data allows.

    Args:
        points_NS: float64, at least one user.
        config: methods, limits, resamples, restarts.
        seed: makes every start and resample repeatable.
        device: see `fit_partition`.
        usefulness: of candidates of the last fit, by method and number of cohorts.

    Returns:
        One candidate per method and number, numbers ascending. If there are too few users or too few who
        differ it is one cohort of all users, and its reason says why.
    """
    if len(points_NS) < config.min_users:
        return [_one_cohort(points_NS, f"{len(points_NS):,} users have ordered; needs {config.min_users:,}")]
    distinct = len(np.unique(points_NS, axis=0))
    # Silhouette needs fewer cohorts than users; a cohort per distinct user explains nothing either.
    counts = range(config.min_cohorts, min(config.max_cohorts, distinct - 1) + 1)
    if not counts:
        said = "behave alike" if distinct == 1 else f"behave in {distinct} ways"
        return [_one_cohort(points_NS, f"all users {said}; needs {config.min_cohorts + 1} ways")]
    return [
        _try_count(points_NS, method, count, config, seed, device, usefulness)
        for method in config.methods
        for count in (counts if method != FINDS_THE_NUMBER else counts[:1])
    ]


def choose_stable(
    points_NS: np.ndarray,
    candidates: Sequence[Candidate],
    config: CohortConfig,
    seed: int,
    device: str = "cpu",
    in_force: tuple[str, int] | None = None,
) -> tuple[list[Candidate], Candidate]:
    """Choose method and number of cohorts, and put the choice to a harder test than all were put to.

    Where the preferred one does not come back in bootstraps of the users, it is the next one's turn. With
    none left one cohort of all users stands in: an unstable clustering would be made up.

    Args:
        points_NS: float64, at least one user.
        candidates: from `try_candidates`.
        config: min_stability, bootstraps, restarts, silhouette_tolerance, usefulness_gain.
        seed: of bootstraps and starts.
        device: as in `try_candidates`.
        in_force: as in `choose_candidate`.

    Returns:
        All candidates, with what the test said; the chosen one.
    """
    tried = list(candidates)
    while any(candidate.is_eligible for candidate in tried):
        preferred = choose_candidate(tried, config, in_force)
        tested = _test_on_bootstraps(points_NS, preferred, config, seed, device)
        tried[tried.index(preferred)] = tested
        if tested.is_eligible:
            return tried, tested
    if tried[0].method is not None:
        counts = [candidate.cohort_count for candidate in tried]
        reason = f"no number of cohorts from {min(counts)} to {max(counts)} is eligible"
        tried.insert(0, _one_cohort(points_NS, reason))
    return tried, tried[0]


def choose_candidate(
    candidates: Sequence[Candidate], config: CohortConfig, in_force: tuple[str, int] | None = None
) -> Candidate:
    """Choose method and number of cohorts.

    Among the eligible (stable under resampling, no cohort too small to act on), the *most useful* whose
    silhouette is within a tolerance of the best eligible one: whose like said most, at the last fit, of what
    users would buy. As long as that is not known of all of them, the *most* cohorts. The highest silhouette
    alone nearly always picks the fewest cohorts, "large and small customers", which tells a marketer nothing
    an RFM table does not; the most cohorts alone would cut a continuum ever finer. The tolerance says how
    much separation may be given up for detail, and stability keeps the detail honest: a group that does not
    come back in another sample of the same users is not reported. Shoppers are a continuum, so expect low
    silhouettes (about 0.1): cohorts are useful cuts through it, not islands.

    The method and number in force stay while they are within the tolerance, and as useful as the best but
    for usefulness_gain: several numbers are as good as each other on a continuum, and to go from one to
    another at every fit would tell people that customers have changed when chance has.

    Args:
        candidates: from `try_candidates`, at least one eligible.
        config: usefulness_gain; silhouette_tolerance, which is not a share of the best: a share is generous
            exactly where groups are well apart, and would split planted groups (0.78) for a clearly worse
            0.63.
        in_force: method and number of cohorts of the fit before; None if there was none like this one.
    """
    eligible = [candidate for candidate in candidates if candidate.is_eligible]
    best = max(candidate.silhouette for candidate in eligible)
    good = [each for each in eligible if each.silhouette >= best - config.silhouette_tolerance]
    is_judged = all(each.usefulness is not None for each in good)
    most_useful = max(each.usefulness for each in good) if is_judged else 0.0
    for candidate in good:
        falls_behind = is_judged and candidate.usefulness < most_useful - config.usefulness_gain
        if (candidate.method, candidate.cohort_count) == in_force and not falls_behind:
            return candidate
    return max(good, key=lambda each: (is_judged and each.usefulness, each.cohort_count, each.silhouette))


def _try_count(
    points_NS: np.ndarray,
    method: str,
    count: int,
    config: CohortConfig,
    seed: int,
    device: str,
    usefulness: Mapping[tuple[str, int], float],
) -> Candidate:
    partition = fit_partition(
        points_NS, method, count, config.restarts, seed, device, _least_share(len(points_NS), config)
    )
    labels_N, distances_N = partition.assign(points_NS)
    shares_C = np.bincount(labels_N, minlength=len(partition)) / len(points_NS)
    # How far groups lie apart says nothing of those who are in none.
    is_in_one = labels_N != (-1 if partition.unclustered is None else partition.unclustered)
    found = Candidate(
        method=method,
        cohort_count=len(partition),
        silhouette=_measure_silhouette(points_NS[is_in_one], labels_N[is_in_one], seed),
        davies_bouldin=_measure_davies_bouldin(points_NS[is_in_one], labels_N[is_in_one]),
        stability_ari=float("nan"),
        smallest_cohort_share=_smallest(shares_C, partition.unclustered),
        largest_cohort_share=float(shares_C.max()),
        inertia=float(np.square(distances_N).sum()),
        reason=None,
        partition=partition,
        usefulness=usefulness.get((method, len(partition))),
    )
    stability = _measure_stability(points_NS, labels_N, found, config, seed, device)
    found = replace(found, stability_ari=stability)
    return replace(found, reason=_why_not(found, len(points_NS), config))


def _smallest(shares_C: np.ndarray, unclustered: int | None) -> float:
    clustered = [share for row, share in enumerate(shares_C) if row != unclustered]
    return float(min(clustered, default=0.0))


def _least_share(users: int, config: CohortConfig) -> float:
    """Of users in a cohort: one of which nothing could be told, for it has too few, is not worth finding."""
    return max(config.min_cohort_share, config.min_profile_users / users)


def _measure_silhouette(points_NS: np.ndarray, labels_N: np.ndarray, seed: int) -> float:
    """Mean silhouette of all users or a sample; NaN where the sample has met one cohort only."""
    sample = np.arange(len(points_NS))
    if len(sample) > _SILHOUETTE_USERS:
        sample = np.random.RandomState(seed).permutation(len(points_NS))[:_SILHOUETTE_USERS]
    if len(np.unique(labels_N[sample])) < 2:
        return float("nan")
    return float(silhouette_score(points_NS[sample], labels_N[sample]))


def _measure_davies_bouldin(points_NS: np.ndarray, labels_N: np.ndarray) -> float:
    is_one = len(np.unique(labels_N)) < 2
    return float("nan") if is_one else float(davies_bouldin_score(points_NS, labels_N))


def _measure_stability(
    points_NS: np.ndarray,
    labels_N: np.ndarray,
    candidate: Candidate,
    config: CohortConfig,
    seed: int,
    device: str,
) -> float:
    """Mean agreement with clusterings of part of the users, from other starts, applied to all users."""
    count = candidate.cohort_count
    size = max(round(len(points_NS) * config.resample_share), count)
    generators = [np.random.default_rng([seed, count, resample]) for resample in range(config.resamples)]
    samples = ((each, each.choice(len(points_NS), size=size, replace=False)) for each in generators)
    return _measure_agreement(points_NS, labels_N, candidate, samples, config, device)


def _test_on_bootstraps(
    points_NS: np.ndarray, candidate: Candidate, config: CohortConfig, seed: int, device: str
) -> Candidate:
    """The same with its bootstrap_ari, and a reason if that is too low.

    Source: Hennig: Cluster-wise assessment of cluster stability, 2007 (bootstraps of the users; here the
    adjusted Rand index, Hubert and Arabie 1985, judges the clustering as a whole).
    """
    size, count = len(points_NS), candidate.cohort_count
    generators = [np.random.default_rng([seed, count, number, 1]) for number in range(config.bootstraps)]
    drawn = ((each, each.integers(size, size=size)) for each in generators)
    # A user drawn twice would be a dense spot: there each counts once, as in clusterboot, his program.
    is_by_density = candidate.method == FINDS_THE_NUMBER
    samples = ((each, np.unique(sample) if is_by_density else sample) for each, sample in drawn)
    labels_N, _ = candidate.partition.assign(points_NS)
    agreement = _measure_agreement(points_NS, labels_N, candidate, samples, config, device)
    is_stable = agreement >= config.min_stability
    reason = (
        f"stability over {config.bootstraps} bootstraps is {agreement:.2f}, needs {config.min_stability:.2f}"
    )
    return replace(candidate, bootstrap_ari=agreement, reason=None if is_stable else reason)


def _measure_agreement(
    points_NS: np.ndarray,
    labels_N: np.ndarray,
    candidate: Candidate,
    samples: Iterable[tuple[np.random.Generator, np.ndarray]],
    config: CohortConfig,
    device: str,
) -> float:
    """Mean adjusted Rand index with clusterings of samples, each from its own start, applied to all users."""
    least, scores = _least_share(len(points_NS), config), []
    for generator, sample in samples:
        start = int(generator.integers(2**31))
        other = fit_partition(
            points_NS[sample],
            candidate.method,
            candidate.cohort_count,
            config.restarts,
            start,
            device,
            least,
        )
        scores.append(adjusted_rand_score(labels_N, other.assign(points_NS)[0]))
    return float(np.mean(scores))


def _why_not(found: Candidate, users: int, config: CohortConfig) -> str | None:
    reasons = []
    least, most = _least_share(users, config), config.max_cohort_share
    if not config.min_cohorts <= found.cohort_count <= config.max_cohorts:
        asked = f"{config.min_cohorts} to {config.max_cohorts}"
        reasons.append(f"finds {found.cohort_count} cohorts, those in none included; asked for are {asked}")
    if not found.smallest_cohort_share >= least:
        reasons.append(f"smallest cohort has {found.smallest_cohort_share:.1%} of users, needs {least:.1%}")
    if not found.largest_cohort_share <= most:
        reasons.append(f"largest cohort has {found.largest_cohort_share:.1%} of users, at most {most:.1%}")
    if not found.stability_ari >= config.min_stability:
        reasons.append(f"stability is {found.stability_ari:.2f}, needs {config.min_stability:.2f}")
    if found.usefulness is not None and not found.usefulness > 0.0:
        reasons.append("at the last fit such cohorts said no more of later spend than groups drawn by lot")
    return "; ".join(reasons) or None


def _one_cohort(points_NS: np.ndarray, reason: str) -> Candidate:
    centre = points_NS.mean(axis=0, keepdims=True)
    return Candidate(
        method=None,
        cohort_count=1,
        silhouette=float("nan"),
        davies_bouldin=float("nan"),
        stability_ari=1.0,
        smallest_cohort_share=1.0,
        largest_cohort_share=1.0,
        inertia=float(np.square(points_NS - centre).sum()),
        reason=reason,
        partition=round_partition(centre),
    )
