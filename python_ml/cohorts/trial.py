"""What is kept of the candidates of a fit, to see what they were worth when users have bought since.

Shapes: N users, J candidates, M users of a sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from python_ml.cohorts.select import Candidate

# A share of variance is known to a hundredth on so many; labels of ten million would be a large file.
_SAMPLE_USERS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Into which group every candidate of a fit put a sample of users.

    Args:
        user_ids: M ids.
        candidates: method and number of cohorts of each of the J candidates.
        labels: int16 (J, M).
    """

    user_ids: list[str]
    candidates: list[tuple[str, int]]
    labels: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """What is no word, by name."""
        return {"trial_labels": self.labels}

    def facts(self) -> dict[str, Any]:
        """The words, by name."""
        return {"trial_users": self.user_ids, "trial_candidates": self.candidates}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> "Trial":
        """The inverse of `arrays` and `facts`, both of which may stand among others."""
        candidates = [(method, count) for method, count in facts["trial_candidates"]]
        return cls(facts["trial_users"], candidates, arrays["trial_labels"])


def keep_trial(
    user_ids: Sequence[str], points_NS: np.ndarray, candidates: Sequence[Candidate], seed: int
) -> Trial:
    """Put a sample of the users of a fit into the groups of all candidates that found some.

    Args:
        user_ids: N ids.
        points_NS: float64, where users are compared.
        candidates: of the fit.
        seed: of the sample.
    """
    found = [each for each in candidates if each.method is not None]
    rows = np.arange(len(user_ids))
    if len(rows) > _SAMPLE_USERS:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_SAMPLE_USERS])
    labels = [each.partition.assign(points_NS[rows])[0] for each in found]
    return Trial(
        user_ids=[user_ids[row] for row in rows],
        candidates=[(each.method, each.cohort_count) for each in found],
        labels=np.array(labels, dtype=np.int16).reshape(len(found), len(rows)),
    )
