"""All that is measured of the lists of a model, per user and over users.

Shapes: U users of the lists, K length of a list.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from python_ml.recommender import metrics
from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.data import TextVectors
from python_ml.recommender.judge import Ranked
from python_ml.recommender.split import SplitData

PER_USER = (*metrics.PER_USER, "cold_item_recall", "novelty", "diversity", "miscalibration")
OVER_USERS = ("coverage", "popularity_lift")
Measured = tuple[float, float, float]


class Measures:
    """Knows the items of one split, and what its users had bought.

    Args:
        data: the split.
        texts: of the items.
        category: (n_items,) int64, -1 = none.
        bootstrap: says how sure a mean over users is.
    """

    def __init__(
        self, data: SplitData, texts: TextVectors, category: np.ndarray, bootstrap: Bootstrap
    ) -> None:
        self.bootstrap = bootstrap
        self.texts = texts
        self.category = category
        self.buyers = data.past.buyers()
        self.is_cold = self.buyers == 0
        self.cold_truth = np.asarray(data.truth @ self.is_cold.astype(np.float64)).ravel()
        self.information = metrics.self_information(self.buyers, int((np.diff(data.owned.indptr) > 0).sum()))
        self.taste = data.owned @ _members(category)
        owned = np.diff(data.owned.indptr)
        self.owned_popularity = np.divide(
            data.owned @ self.buyers, owned, out=np.full(len(owned), np.nan), where=owned > 0
        )

    def per_user(self, ranked: Ranked, cutoff: int) -> dict[str, np.ndarray]:
        """`PER_USER`, (U,) float64 each; nan where it is not defined for a user."""
        items, users = ranked.items[:, :cutoff], ranked.users
        return {name: ranked.per_user(name, cutoff) for name in metrics.PER_USER} | {
            "cold_item_recall": metrics.cold_recall(
                items, ranked.hits[:, :cutoff], self.is_cold, self.cold_truth[users]
            ),
            "novelty": metrics.novelty(items, self.information),
            "diversity": metrics.diversity(items, self.texts.vectors, self.texts.of_item),
            "miscalibration": metrics.miscalibration(items, self.category, self.taste[users]),
        }

    def summarise(
        self, ranked: Ranked, values: dict[str, np.ndarray], rows: np.ndarray, cutoff: int
    ) -> Iterator[tuple[str, Measured, int]]:
        """Each metric over some of the users: its name, mean and interval, and of how many users.

        One that is defined for none of them is left out; of one user there is no interval.

        Args:
            values: from `per_user`, at the same cutoff.
            rows: which of the users.
        """
        value_MU = np.stack([each[rows] for each in values.values()])
        users_M = (~np.isnan(value_MU)).sum(axis=1)
        for name, users, measured in zip(values, users_M, self.bootstrap.intervals(value_MU), strict=True):
            if users:
                yield name, tuple(measured) if users > 1 else (measured[0], np.nan, np.nan), int(users)
        items = ranked.items[rows, :cutoff]
        yield "coverage", (metrics.coverage(items, self.buyers), np.nan, np.nan), len(rows)
        lift = metrics.popularity_lift(
            metrics.mean_popularity(items, self.buyers), self.owned_popularity[ranked.users[rows]]
        )
        if not np.isnan(lift):
            yield "popularity_lift", (lift, np.nan, np.nan), len(rows)


def _members(category: np.ndarray) -> sparse.csr_matrix:
    """(n_items, number of categories), 1 where an item is of a category."""
    items = np.flatnonzero(category >= 0)
    shape = (len(category), int(category.max(initial=-1)) + 1)
    return sparse.csr_matrix((np.ones(len(items)), (items, category[items])), shape=shape)
