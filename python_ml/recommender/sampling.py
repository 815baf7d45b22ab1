"""Which items stand in for everything a user did not buy."""

import numpy as np

# A little of every item, so that no negative's correction is unbounded and cold items are seen.
UNIFORM_SHARE = 0.1


class NegativeSampler:
    """Draws items by buyers ** power, mixed with a uniform share.

    Args:
        buyers: (n_items,) float64.
        power: 0 = uniform, 1 = by popularity.
        draws: draws with replacement; the sample holds the distinct items among them.
        generator: of the draws.
    """

    def __init__(self, buyers: np.ndarray, power: float, draws: int, generator: np.random.Generator) -> None:
        popular = np.maximum(buyers, 0.0) ** power if buyers.any() else np.ones_like(buyers)
        self.probability = (1.0 - UNIFORM_SHARE) * popular / popular.sum() + UNIFORM_SHARE / len(buyers)
        self._cumulative = np.cumsum(self.probability)
        self._draws = draws
        self._generator = generator

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw once.

        Returns:
            items (N,) int64, sorted and distinct, N <= draws; log inclusion probability (N,) float32,
            log(1 - (1 - q) ** draws).
        """
        point = self._generator.random(self._draws) * self._cumulative[-1]
        drawn = np.minimum(np.searchsorted(self._cumulative, point, side="right"), len(self.probability) - 1)
        items = np.unique(drawn)
        missed = self._draws * np.log1p(-np.minimum(self.probability[items], 1.0 - 1e-12))
        return items, np.log(-np.expm1(missed)).astype(np.float32)
