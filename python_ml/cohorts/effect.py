"""How far two groups are apart, in standard deviations; no frames here."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moments:
    """What must be known of the values of a group.

    Args:
        count: values.
        mean: of them, 0 of none.
        squares: sum of squared deviations from that mean.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Moments") -> "Moments":
        """Both groups as one.

        Source: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
        variances, 1979.
        """
        count = self.count + other.count
        if not count:
            return self
        shift = other.mean - self.mean
        return Moments(
            count,
            self.mean + shift * other.count / count,
            self.squares + other.squares + shift**2 * self.count * other.count / count,
        )


def cohens_d(group: Moments, rest: Moments) -> float | None:
    """Difference of two means in pooled standard deviations; None without a value on both sides, or variance.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, 2.5.
    """
    freedom = group.count + rest.count - 2
    if not group.count or not rest.count or not freedom:
        return None
    deviation = math.sqrt((group.squares + rest.squares) / freedom)
    if not varies(deviation, max(abs(group.mean), abs(rest.mean))):
        return None
    return (group.mean - rest.mean) / deviation


def varies(deviation: float, mean: float) -> bool:
    """Whether a standard deviation is more than what rounding leaves of values that are all the same.

    Args:
        deviation: of them.
        mean: of them.
    """
    return deviation > 1e-9 * (1.0 + abs(mean))
