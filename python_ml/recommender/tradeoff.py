"""What it costs to keep the items of a list unlike each other: weights tried on the champions' own lists.

The weight of a list is chosen on the validation window, like every setting; what it costs on the test window
is told and decides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from python_ml.config import RecommenderConfig
from python_ml.recommender import metrics
from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.choose import CRITERION_CUTOFF, Comparison
from python_ml.recommender.data import TextVectors
from python_ml.recommender.diversify import alike, blocks, candidate_count, marginal_order, relevance
from python_ml.recommender.judge import Ranked

OFF = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One weight on the lists of one champion and split.

    Args:
        weight: see `Diversity`.
        ndcg: mean over users, at the cutoff champions are chosen by.
        diversity: mean over the users of whose items two have a text; nan where there are none.
        loss: mean NDCG at weight 0 less that at this weight, on the same users.
        low, high: 95 % bootstrap interval of the loss.
        users: how many were measured.
        changed: of how many the NDCG is another than at weight 0.
    """

    weight: float
    ndcg: float
    diversity: float
    loss: float
    low: float
    high: float
    users: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """What was tried on one list, and chosen.

    Args:
        list_name: "for_you" or "discover".
        model_name: the champion.
        weight: the chosen one.
        allowed: the loss of validation NDCG that was allowed.
        reason: why this weight.
        tried: by split, the weights in rising order.
    """

    list_name: str
    model_name: str
    weight: float
    allowed: float
    reason: str
    tried: dict[str, list[Tried]]


def weigh_diversity(
    comparison: Comparison, texts: TextVectors, category: np.ndarray, config: RecommenderConfig, *, seed: int
) -> list[Tradeoff]:
    """Try every weight on each judged list, and choose one.

    Args:
        comparison: champions and their lists, with scores.
        texts, category: what tells items apart, see `Diversity`.
        config: weights, allowed cost, number of candidates.
        seed: of the bootstrap.
    """
    found = []
    for list_name, model_name in comparison.champions.items():
        tried = {
            split: list(_try_weights(by_model[model_name][list_name], texts, category, config, seed))
            for split, by_model in comparison.ranked.items()
        }
        weight, allowed, reason = choose_weight(tried["validation"], config)
        found.append(
            Tradeoff(
                list_name=list_name,
                model_name=model_name,
                weight=weight,
                allowed=allowed,
                reason=reason,
                tried=tried,
            )
        )
    return found


def choose_weight(tried: list[Tried], config: RecommenderConfig) -> tuple[float, float, str]:
    """The largest weight that costs no more than it may, nor does any smaller one; else the smallest set.

    Weights are tested in rising order, each only if the one before has passed: so the chance that a weight
    which costs too much is taken is that of one test, however many there are. A weight passes where the upper
    end of the 95 % interval of its loss is at most the allowed share of the NDCG without it, and enough users
    are touched: where it changes next to nobody, resamples of them all say the same, and rule out nothing.

    Args:
        tried: of the validation window, in rising order, weight 0 first.
        config: the weights to choose from, the allowed share and how many users are enough.

    Returns:
        weight; allowed loss of NDCG; why.

    Source: Westfall and Krishen, "Optimally weighted, fixed sequence and gatekeeper multiple testing
        procedures", 2001, for tests in a fixed order.
    """
    smallest, *larger = sorted(set(config.diversity_weights))
    base = tried[0].ndcg
    allowed = config.max_diversity_cost * base
    metric = f"ndcg@{CRITERION_CUTOFF}"
    if not larger:
        return smallest, allowed, "the only weight that is set"
    if base <= 0.0:
        return smallest, allowed, f"{metric} is 0 on the validation window, which can tell no cost"
    chosen = smallest
    for each in tried:
        if each.weight not in larger:
            continue
        if each.changed < config.min_judged_users:
            why = f"{each.weight:g} changes {metric} of {each.changed:,} users of the validation window"
            return chosen, allowed, f"{why}; its cost can be told of {config.min_judged_users:,}"
        if each.high > allowed:
            why = f"{each.weight:g} may cost {_share(each.high, base)} of {metric} on the validation window"
            return chosen, allowed, f"{why}, more than {config.max_diversity_cost:.2%} (max_diversity_cost)"
        chosen = each.weight
    return chosen, allowed, f"the largest that is set, and costs {_share(tried[-1].high, base)} at most"


def _share(loss: float, base: float) -> str:
    return f"{loss / base:.2%}"


def _try_weights(
    ranked: Ranked, texts: TextVectors, category: np.ndarray, config: RecommenderConfig, seed: int
) -> Iterator[Tried]:
    weights = sorted({OFF, *config.diversity_weights})
    order = _orders(ranked, weights, texts, category, candidate_count(config))
    at_zero, bootstrap = _shown(ranked, order[0]), Bootstrap(seed)
    for weight, places in zip(weights, order, strict=True):
        shown = _shown(ranked, places)
        before, after = (lists.per_user("ndcg", CRITERION_CUTOFF) for lists in (at_zero, shown))
        difference = bootstrap.difference(before, after)
        diversity = metrics.diversity(shown.items, texts.vectors, texts.of_item)
        known = diversity[~np.isnan(diversity)]
        yield Tried(
            weight=weight,
            ndcg=shown.ndcg(CRITERION_CUTOFF),
            diversity=float(known.mean()) if len(known) else np.nan,
            loss=difference[0],
            low=difference[1],
            high=difference[2],
            users=len(shown.users),
            changed=int((before != after).sum()),
        )


def _orders(
    ranked: Ranked, weights: list[float], texts: TextVectors, category: np.ndarray, count: int
) -> np.ndarray:
    """(W, U, cutoff) int64 places of the list as it was ranked, by weight; -1 where nothing is left."""
    items, scores = ranked.items[:, :count], ranked.scores[:, :count]
    order = np.full((len(weights), len(items), CRITERION_CUTOFF), -1, dtype=np.int64)
    for rows in blocks(len(items)):
        likeness = alike(items[rows], texts, category)
        value = relevance(items[rows], scores[rows])
        for number, weight in enumerate(weights):
            order[number, rows] = marginal_order(value, likeness, weight, CRITERION_CUTOFF)
    return order


def _shown(ranked: Ranked, order: np.ndarray) -> Ranked:
    """The lists in another order."""
    items, hits = (np.take_along_axis(part, order, axis=1) for part in (ranked.items, ranked.hits))
    return Ranked(ranked.users, np.where(order >= 0, items, -1), hits & (order >= 0), ranked.truth_size)
