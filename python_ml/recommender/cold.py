"""How lists do for people of whom little was known: who only looked before the cut, and who was not there.

Who had looked has a list of each list's model like anybody known, so they are a part of its users. Who was
not there before gets best-sellers: no cohort has them, for cohorts are of what users did. Nothing of the
window enters the lists: they are made of what was sold before the cut.
"""

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.best_sellers import BestSellers
from python_ml.recommender.judge import Ranked
from python_ml.recommender.popularity import Popularity, PopularitySettings
from python_ml.recommender.ranking import top_k
from python_ml.recommender.split import SplitData

LOOKED_ONLY = ("looked_only", "Had looked and bought nothing")
NEWCOMERS = ("newcomers", "Not known before")
SHOWN = "best_sellers"  # to newcomers


def had_only_looked(data: SplitData, users: np.ndarray) -> np.ndarray:
    """(U,) bool: which of the known users had bought nothing before the cut."""
    return np.diff(data.owned.indptr)[users] == 0


def rank_newcomers(
    data: SplitData, popularity: PopularitySettings | None, config: RecommenderConfig, depth: int
) -> dict[str, Ranked]:
    """The lists of buyers who were not known before the cut, one list for all of them.

    Args:
        data: the split.
        popularity: settings that validation chose for users who are known, to compare with; None leaves
            them out.
        config: for the window of the best-sellers, and the fewest users who are measured.
        depth: length of the lists.

    Returns:
        by name of what made them: `SHOWN`, what the shop shows, and "popularity"; empty where fewer
        newcomers bought something than `min_judged_users`.
    """
    if len(data.newcomers) < config.min_judged_users:
        return {}
    sellers = BestSellers.of_shop(data.past, now=data.cut, window_days=config.best_seller_days)
    scores = {SHOWN: torch.from_numpy(sellers.scores())[None]}
    if popularity is not None:
        scores["popularity"] = Popularity.fit(data.past, popularity, now=data.cut).score(data.newcomers[:1])
    truth = data.truth[data.newcomers]
    return {
        name: Ranked.of(data.newcomers, np.repeat(top_k(score, depth)[0], len(data.newcomers), axis=0), truth)
        for name, score in scores.items()
    }
