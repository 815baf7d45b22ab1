"""The space users are clustered in: blocks of features, each with a stated share in every distance.

Shapes: N users, F columns of a block, P dimensions kept of it, S dimensions in all.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from python_ml.cohorts.buyers import BuyerArrays
from python_ml.cohorts.prepare import FittedFeatures, fit_features
from python_ml.config import CohortConfig

_BLOCKS = ("behaviour", "spend", "text", "interest")


@dataclass(frozen=True, slots=True)
class FittedBlock:
    """A block's projection, all float64.

    Args:
        mean: (F,), subtracted first.
        components: (P, F), directions kept.
        scale: one number; puts the block's total variance at weight squared.
    """

    mean: np.ndarray
    components: np.ndarray
    scale: float

    def project(self, values_NF: np.ndarray) -> np.ndarray:
        """Args: values_NF: float64. Returns: float64 (N, P)."""
        return (values_NF - self.mean) @ self.components.T * self.scale


@dataclass(frozen=True, slots=True)
class Space:
    """Where users are compared. Fitted once: later users are put into it, and change nothing in it.

    Args:
        features: the preparation of behaviour features.
        spend_scale: an amount of money; what is spent on a category bends beyond it.
        blocks: the projections, by name: behaviour, spend, text, interest.
    """

    features: FittedFeatures
    spend_scale: float
    blocks: dict[str, FittedBlock]

    def project(self, buyers: BuyerArrays) -> np.ndarray:
        """Put users into the space, float64 (N, S).

        Args:
            buyers: with the features and categories it was fitted on. In spend, tastes and interests, rows of
                NaN, of users of whom nothing is known, stand in the middle of the users it was fitted on.
        """
        parts = {
            "behaviour": self.features.standardise(buyers.values, buyers.orders),
            "spend": _fill(_bend(buyers.spend, self.spend_scale), self.blocks["spend"].mean),
            "text": _fill(buyers.tastes, self.blocks["text"].mean),
            "interest": _fill(buyers.interest_roots, self.blocks["interest"].mean),
        }
        return np.hstack([self.blocks[name].project(parts[name]) for name in _BLOCKS])

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything but the names of the features."""
        kept = {f"features.{name}": values for name, values in self.features.arrays().items()}
        kept["spend_scale"] = np.array([self.spend_scale])
        for name, block in self.blocks.items():
            kept[f"{name}.mean"] = block.mean
            kept[f"{name}.components"] = block.components
            kept[f"{name}.scale"] = np.array([block.scale])
        return kept

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], names: list[str]) -> "Space":
        """The inverse of `arrays`. Args: names: the F features as they come."""
        prefix = "features."
        features = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
        blocks = {
            name: FittedBlock(
                arrays[f"{name}.mean"], arrays[f"{name}.components"], float(arrays[f"{name}.scale"][0])
            )
            for name in _BLOCKS
        }
        return cls(FittedFeatures.from_arrays(features, names), float(arrays["spend_scale"][0]), blocks)


def fit_space(buyers: BuyerArrays, config: CohortConfig) -> Space:
    """Learn scales, directions and weights from users."""
    features = fit_features(buyers.values, buyers.orders, buyers.feature_names, config)
    spent = buyers.spend[buyers.spend > 0]
    spend_scale = float(np.median(spent)) if len(spent) else 1.0
    bent_NG = _bend(buyers.spend, spend_scale)
    # What the last 40 % of the variance of behaviour holds is single weekdays and hours: noise that k-means
    # would otherwise cut cohorts by.
    parts = {
        "behaviour": (features.standardise(buyers.values, buyers.orders), config.behaviour_variance, 1.0),
        "spend": (_fill_with_mean(bent_NG), config.behaviour_variance, config.spend_weight),
        "text": (_fill_with_mean(buyers.tastes), config.text_dimensions, config.text_weight),
        "interest": (
            _fill_with_mean(buyers.interest_roots),
            config.interest_variance,
            config.interest_weight,
        ),
    }
    return Space(
        features=features,
        spend_scale=spend_scale,
        blocks={
            name: fit_block(values, keep=keep, weight=weight)
            for name, (values, keep, weight) in parts.items()
        },
    )


def _bend(spend_NG: np.ndarray, scale: float) -> np.ndarray:
    """Logarithm of one and spend / scale: who spends twice as much is not twice as far from the others.

    Amounts, not shares of a user's spend: how much of a category is bought says more of what will be bought
    of it than how large a part it is.
    """
    return np.log1p(spend_NG / scale)


def _fill_with_mean(values_ND: np.ndarray) -> np.ndarray:
    is_known_N = ~np.isnan(values_ND).any(axis=1)
    if not is_known_N.any():
        return np.zeros_like(values_ND)
    return _fill(values_ND, values_ND[is_known_N].mean(axis=0))


def _fill(values_ND: np.ndarray, mean_D: np.ndarray) -> np.ndarray:
    """Rows with a NaN become the mean."""
    is_unknown_N = np.isnan(values_ND).any(axis=1, keepdims=True)
    return np.where(is_unknown_N, mean_D, values_ND)


def fit_block(values_NF: np.ndarray, *, keep: float | int, weight: float) -> FittedBlock:
    """Reduce a block and give it its weight.

    Args:
        values_NF: float64, no NaN.
        keep: int: dimensions kept (at most); float in (0, 1]: share of variance kept.
        weight: root mean square distance of a user from the centre within this block, whatever the number
            and scale of its columns: 384 embedding columns do not outvote 40 features.

    Returns:
        The fitted block; with P = 0 where the block is empty, constant or has weight 0.
    """
    count, width = values_NF.shape
    mean = values_NF.mean(axis=0) if count else np.zeros(width)
    centred = values_NF - mean
    varies = bool(count > 1 and width > 0 and np.abs(centred).max() > 1e-9 * (1.0 + np.abs(values_NF).max()))
    if weight == 0.0 or not varies:
        return FittedBlock(mean=mean, components=np.zeros((0, width)), scale=0.0)
    pca = PCA(svd_solver="covariance_eigh").fit(values_NF)
    size = _dimensions_to_keep(pca.explained_variance_ratio_, keep)
    # Laid out as it will be when it is read again: another layout is summed in another order.
    components = np.ascontiguousarray(pca.components_[:size])
    spread = np.square(centred @ components.T).sum(axis=1).mean()
    return FittedBlock(mean=mean, components=components, scale=weight / float(np.sqrt(spread)))


def _dimensions_to_keep(variance_ratio: np.ndarray, keep: float | int) -> int:
    if isinstance(keep, int):
        return min(keep, len(variance_ratio))
    return min(int(np.searchsorted(np.cumsum(variance_ratio), keep - 1e-12)) + 1, len(variance_ratio))
