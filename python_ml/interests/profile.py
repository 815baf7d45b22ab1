"""What an interest is about: the categories that say most of it.

Shapes: N users, V categories, K interests.
"""

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from python_ml.cohorts.labels import group_label
from python_ml.config import InterestConfig

ROWS_SCHEMA = {
    "interest": pl.Int64,
    "category_rank": pl.Int64,
    "category": pl.String,
    "category_label": pl.String,
    "probability": pl.Float64,
    "lift": pl.Float64,
    "relevance": pl.Float64,
    "category_user_count": pl.Int64,
}


def measure_relevance(
    probabilities_KV: np.ndarray, popularity_V: np.ndarray, weight: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lift and relevance of each category in each interest, float64 (K, V) both.

    Lift is the probability of the category in the interest / in all purchases; relevance is
    weight x log(probability) + (1 - weight) x log(lift).

    Args:
        probabilities_KV: above 0.
        popularity_V: above 0.
        weight: 0..1.

    Source: Sievert and Shirley, LDAvis: A method for visualizing and interpreting topics, 2014, equation 1.
    """
    lift_KV = probabilities_KV / popularity_V
    return lift_KV, weight * np.log(probabilities_KV) + (1.0 - weight) * np.log(lift_KV)


def list_categories(
    probabilities_KV: np.ndarray,
    popularity_V: np.ndarray,
    categories: list[str],
    has_NK: np.ndarray,
    orders_NV: csr_array,
    config: InterestConfig,
) -> pl.DataFrame:
    """The categories of the highest relevance in each interest.

    Args:
        probabilities_KV: of each interest.
        popularity_V: shares of all purchases.
        categories: V names, sorted.
        has_NK: boolean, which users have the interest.
        orders_NV: what these users bought.
        config: relevance_weight, profile_top, min_profile_users: a category is listed if so many of those who
            have the interest bought it.

    Returns:
        `ROWS_SCHEMA`, by number of the interest and rank; none of an interest of too few users.
    """
    lift_KV, relevance_KV = measure_relevance(probabilities_KV, popularity_V, config.relevance_weight)
    bought_KV = has_NK.T.astype(np.float64) @ orders_NV.astype(bool).astype(np.float64)
    rows = []
    for interest, relevance_V in enumerate(relevance_KV):
        told = np.flatnonzero(bought_KV[interest] >= config.min_profile_users)
        # Stable: of equal categories the first by name.
        order = told[np.argsort(-relevance_V[told], kind="stable")][: config.profile_top]
        for rank, column in enumerate(order.tolist(), start=1):
            measures = (values[interest, column] for values in (probabilities_KV, lift_KV, relevance_KV))
            name = categories[column]
            rows.append(
                (interest, rank, name, group_label(name), *measures, int(bought_KV[interest, column]))
            )
    return pl.DataFrame(rows, ROWS_SCHEMA, orient="row")
