"""Cluster users who have ordered; no frames here.

Shapes: N users, S dimensions, C cohorts.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from python_ml.cohorts.prepare import FittedFeatures, fit_features
from python_ml.cohorts.select import Candidate, assign, choose_candidate, try_candidates
from python_ml.cohorts.space import FittedBlock, fit_block
from python_ml.config import CohortConfig


@dataclass(frozen=True, slots=True)
class Clustering:
    """A fitted clustering.

    Args:
        features: the preparation of behaviour features.
        blocks: the projections, by name: behaviour, departments, text.
        candidates: every number of cohorts tried.
        chosen: the one taken.
        points: float64 (N, S), users in the clustered space.
        labels: integer (N,), 0 for the largest cohort, 1 for the next ...
        distances: float64 (N,), Euclidean distance to the own centre.
        centres: float64 (C, S), in the order of labels.
    """

    features: FittedFeatures
    blocks: dict[str, FittedBlock]
    candidates: list[Candidate]
    chosen: Candidate
    points: np.ndarray
    labels: np.ndarray
    distances: np.ndarray
    centres: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything needed to place a later user: keep it with the model."""
        kept = {
            f"features.{name}": np.asarray(getattr(self.features, name))
            for name in (
                "columns",
                "prior_mean",
                "prior_orders",
                "fill",
                "log_scale",
                "mean",
                "deviation",
                "weight",
            )
        }
        kept["features.clip_sd"] = np.array([self.features.clip_sd])
        for name, block in self.blocks.items():
            kept[f"{name}.mean"] = block.mean
            kept[f"{name}.components"] = np.ascontiguousarray(block.components)
            kept[f"{name}.scale"] = np.array([block.scale])
        kept["centres"] = self.centres
        return kept


def cluster_buyers(
    values_NF: np.ndarray,
    orders_N: np.ndarray,
    feature_names: list[str],
    roots_NG: np.ndarray,
    tastes_ND: np.ndarray,
    config: CohortConfig,
    seed: int,
) -> Clustering:
    """Prepare, weigh, try every number of cohorts, choose, assign.

    Args:
        values_NF: float64 behaviour features, NaN where unknown; at least one user.
        orders_N: float64, orders of each user.
        feature_names: F names.
        roots_NG: float64, roots of department shares.
        tastes_ND: float64, mean item embeddings.
        config: every setting but those of profiles and names.
        seed: of k-means and resamples.
    """
    # One thread: the order of summation, and so the last bit of a number, depends on how many there are.
    with threadpool_limits(limits=1):
        features = fit_features(values_NF, orders_N, feature_names, config)
        blocks, points_NS = _project(features.standardise(values_NF, orders_N), roots_NG, tastes_ND, config)
        candidates = try_candidates(points_NS, config, seed)
        chosen = choose_candidate(candidates, config.silhouette_tolerance)
        labels_N, distances_N = assign(points_NS, chosen.centres)
    sizes_C = np.bincount(labels_N, minlength=len(chosen.centres))
    # Largest first; equal sizes by the centre itself, which does not depend on how k-means numbered it.
    order = sorted(range(len(sizes_C)), key=lambda label: (-sizes_C[label], tuple(chosen.centres[label])))
    place_C = np.argsort(order)
    return Clustering(
        features=features,
        blocks=blocks,
        candidates=candidates,
        chosen=chosen,
        points=points_NS,
        labels=place_C[labels_N],
        distances=distances_N,
        centres=chosen.centres[order],
    )


def _project(
    z_NK: np.ndarray, roots_NG: np.ndarray, tastes_ND: np.ndarray, config: CohortConfig
) -> tuple[dict[str, FittedBlock], np.ndarray]:
    """Reduce and weigh the three blocks, and lay them side by side."""
    # What the last 40 % of the variance of behaviour holds is single weekdays and hours: noise that k-means
    # would otherwise cut cohorts by.
    parts = {
        "behaviour": (z_NK, config.behaviour_variance, 1.0),
        "departments": (roots_NG, config.behaviour_variance, config.department_weight),
        "text": (tastes_ND, config.text_dimensions, config.text_weight),
    }
    blocks = {
        name: fit_block(values, keep=keep, weight=weight) for name, (values, keep, weight) in parts.items()
    }
    return blocks, np.hstack([blocks[name].project(parts[name][0]) for name in parts])
