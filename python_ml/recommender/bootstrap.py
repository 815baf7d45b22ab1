"""Intervals of means over users, by drawing the users again and again.

Shapes: R resamples, M metrics, U users.
"""

import numpy as np

RESAMPLES = 1000
_DRAWN_TOGETHER = 100


class Bootstrap:
    """Percentile intervals; whatever is asked of as many users is asked of the same resamples.

    Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.

    Args:
        seed: draws the users.
        resamples: R.
    """

    def __init__(self, seed: int, resamples: int = RESAMPLES) -> None:
        self._seed = seed
        self._resamples = resamples
        self._drawn: dict[int, np.ndarray] = {}

    def intervals(self, values_MU: np.ndarray) -> np.ndarray:
        """Means over users and their 95 % intervals.

        Args:
            values_MU: nan where a metric is not defined for a user.

        Returns:
            (M, 3) float64: mean, 2.5 % and 97.5 % percentiles of the resampled means; nan where a metric is
            not defined for anybody. Of one user all three are the same.
        """
        known_MU = ~np.isnan(values_MU)
        value_MU = np.where(known_MU, values_MU, 0.0)
        mean_MR = self._sums(value_MU)
        with np.errstate(invalid="ignore"):
            mean_MR /= len(known_MU.T) if known_MU.all() else self._sums(known_MU.astype(np.float64))
            mean_M = value_MU.sum(axis=1) / known_MU.sum(axis=1)
        # Rarely nobody is drawn of those a metric is defined for: such a resample says nothing.
        is_said = known_MU.any(axis=1)
        low_high = np.full((2, len(values_MU)), np.nan)
        low_high[:, is_said] = np.nanpercentile(mean_MR[is_said], [2.5, 97.5], axis=1)
        return np.column_stack([mean_M, *low_high])

    def difference(self, one_U: np.ndarray, other_U: np.ndarray) -> tuple[float, float, float]:
        """Mean of one - other on the same users, and its 95 % interval."""
        mean, low, high = self.intervals((one_U - other_U)[None])[0]
        return float(mean), float(low), float(high)

    def _sums(self, value_MU: np.ndarray) -> np.ndarray:
        """(M, R) sums over each resample."""
        drawn_RU = self._draw(value_MU.shape[1])
        blocks = range(0, len(drawn_RU), _DRAWN_TOGETHER)
        parts = [
            value_MU @ drawn_RU[start : start + _DRAWN_TOGETHER].T.astype(np.float64) for start in blocks
        ]
        return np.concatenate(parts, axis=1)

    def _draw(self, users: int) -> np.ndarray:
        """(R, U) uint8, how often each user is drawn. Kept: all metrics, models and cutoffs ask for it."""
        if users not in self._drawn:
            generator, share = np.random.default_rng(self._seed), np.full(users, 1 / users)
            drawn = np.empty((self._resamples, users), np.uint8)
            for row in drawn:  # one after the other: all at once they would be of 64 bits
                row[:] = generator.multinomial(users, share)
            self._drawn[users] = drawn
        return self._drawn[users]
