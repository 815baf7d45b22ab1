"""Cluster users who have ordered; no frames here.

Shapes: N users, S dimensions, C cohorts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from threadpoolctl import threadpool_limits

from python_ml.cohorts.buyers import BuyerArrays
from python_ml.cohorts.partition import Partition
from python_ml.cohorts.select import Candidate, choose_stable, try_candidates
from python_ml.cohorts.space import Space, fit_space
from python_ml.cohorts.trial import Trial, keep_trial
from python_ml.config import CohortConfig


@dataclass(frozen=True, slots=True)
class Clustering:
    """A fitted clustering.

    Args:
        space: where users were compared.
        candidates: every number of cohorts tried.
        chosen: the one taken.
        partition: what it found, the largest cohort first.
        trial: where the candidates put users, to be judged at a later fit.
    """

    space: Space
    candidates: list[Candidate]
    chosen: Candidate
    partition: Partition
    trial: Trial


@dataclass(frozen=True, slots=True)
class Placement:
    """Users among cohorts.

    Args:
        points: float64 (N, S), users in the clustered space.
        labels: integer (N,), row of the cohort.
        distances: float64 (N,), Euclidean distance to its centre.
    """

    points: np.ndarray
    labels: np.ndarray
    distances: np.ndarray


def cluster_buyers(
    buyers: BuyerArrays,
    config: CohortConfig,
    seed: int,
    device: str = "cpu",
    in_force: tuple[str, int] | None = None,
    usefulness: Mapping[tuple[str, int], float] = MappingProxyType({}),
) -> Clustering:
    """Find cohorts of users alike; method and number are chosen by `choose_stable`.

    Args:
        buyers: at least one.
        config: every setting but those of profiles and names.
        seed: of the fit and the samples.
        device: of the fit, see `fit_partition`.
        in_force: method and number of the fit before, see `choose_candidate`.
        usefulness: of the candidates of that fit, see `judge_trial`.
    """
    # One thread: the order of summation, and so the last bit of a number, depends on how many there are.
    with threadpool_limits(limits=1):
        space = fit_space(buyers, config)
        points_NS = space.project(buyers)
        tried = try_candidates(points_NS, config, seed, device, usefulness)
        candidates, chosen = choose_stable(points_NS, tried, config, seed, device, in_force)
        labels_N, _ = chosen.partition.assign(points_NS)
        trial = keep_trial(buyers.user_ids, points_NS, candidates, seed)
    centres_CS = chosen.partition.centres
    sizes_C = np.bincount(labels_N, minlength=len(centres_CS))
    # Equal sizes by the centre itself, which does not depend on how the method numbered it.
    order = sorted(range(len(sizes_C)), key=lambda label: (-sizes_C[label], tuple(centres_CS[label])))
    return Clustering(space, candidates, chosen, chosen.partition.take(order), trial)


def place_users(space: Space, partition: Partition, buyers: BuyerArrays) -> Placement:
    """Put users among cohorts, whenever those were found."""
    with threadpool_limits(limits=1):
        points_NS = space.project(buyers)
        return Placement(points_NS, *partition.assign(points_NS))
