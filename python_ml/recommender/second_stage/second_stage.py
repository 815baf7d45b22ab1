"""The second stage as a recommender: the other models suggest, a network that saw a past window ranks.

What is no candidate stands below all that are, in the order of the best of the other models, so that a list
can always be filled.

Shapes: B users of a block, M candidates, P models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Explainer, Scorer
from python_ml.recommender.ranking import mask_items
from python_ml.recommender.second_stage.candidates import Candidates, suggest
from python_ml.recommender.second_stage.features import Knowledge, entry_places
from python_ml.recommender.second_stage.ranker import Lesson, Ranker, RankerSettings
from python_ml.recommender.split import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStageSettings:
    """Settings of one second stage.

    Args:
        parts: settings of the models that suggest, by name; the two-tower recommender is one of them.
        leader: the one of them that did best by itself: it ranks what is no candidate.
        is_new_only: whether candidates are new to the user, as `discover` asks for.
        depth: how many items each model suggests to a user.
        window_days: length of the window whose purchases are learned from, the horizon of the probability.
        users: users that are learned from, at most; drawn by the seed.
        ranker: how the ranking network is trained.
    """

    parts: Mapping[str, Any]
    leader: str
    is_new_only: bool
    depth: int
    window_days: float
    users: int
    ranker: RankerSettings


def cannot_learn(interactions: Interactions, windows: Windows, config: RecommenderConfig) -> str | None:
    """Why there is no second stage for these interactions, or None.

    Args:
        interactions: all before the as-of date.
        windows: how they are cut, into at least two windows.
        config: for `second_stage_min_users` and `second_stage_max_scores`.
    """
    users, items = len(np.unique(interactions.user)), len(np.unique(interactions.item))
    if users * items > config.second_stage_max_scores:
        return (
            f"{users:,} users by {items:,} items, which every model would score once more;"
            f" at most {config.second_stage_max_scores:,} scores (second_stage_max_scores)"
        )
    end = windows.splits[0].cut
    start = end - windows.days
    known = np.unique(interactions.before(start).user)
    buyers = np.intersect1d(known, interactions.between(start, end).purchases().user)
    if len(buyers) < config.second_stage_min_users:
        return (
            f"{len(buyers):,} users known before the window it would learn from bought in it;"
            f" needs {config.second_stage_min_users:,} (second_stage_min_users)"
        )
    return None


@dataclass(frozen=True, slots=True)
class SecondStage:
    """A fitted second stage.

    Args:
        models: by name, fitted on everything before the cut.
        knowledge: of the same moment.
        ranker: learned from an earlier window.
        settings: see there.
    """

    models: Mapping[str, Scorer]
    knowledge: Knowledge
    ranker: Ranker
    settings: SecondStageSettings

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32; of candidates the probability of a purchase within one window.

        Everything else keeps its sign and its order by the leader, scaled to lie below every candidate.
        """
        scores = {name: model.score(users) for name, model in self.models.items()}
        result = scores[self.settings.leader].clone()
        if self.settings.is_new_only:
            for score in scores.values():
                mask_items(score, self.knowledge.owned, users)
        candidates = Candidates.of(list(scores.values()), np.arange(len(users)), self.settings.depth)
        probability = self.ranker.probability(self.knowledge.features(candidates.of_users(users)))
        return put_on_top(result, candidates, probability)

    def explainer(self) -> Explainer:
        """That of the leader, or of the towers where the leader has none: the network splits over no history.

        It says which item of the history brought the suggestion up, not why the ranking moved it.
        """
        leader = self.models[self.settings.leader]
        return (leader if hasattr(leader, "explainer") else self.models["two_tower"]).explainer()


def put_on_top(scores: torch.Tensor, candidates: Candidates, probability: np.ndarray) -> torch.Tensor:
    """Give candidates their probability and push everything else below the lowest of them, in place.

    A positive factor keeps the order and, unlike a shift, the relative precision of what is far behind.

    Args:
        scores: (B, n_items) float32.
        candidates: their users are rows of `scores`.
        probability: (M,) float32, above 0.
    """
    row = torch.from_numpy(candidates.user).to(scores.device)
    item = torch.from_numpy(candidates.item).to(scores.device)
    value = torch.from_numpy(probability).to(scores.device)
    lowest = torch.ones(len(scores), device=scores.device).scatter_reduce(0, row, value, "amin")
    scores[row, item] = -torch.inf
    best = scores.amax(dim=1)
    factor = torch.where(best > 0, 0.5 * lowest / best, torch.ones_like(best))
    scores.mul_(factor[:, None])
    scores[row, item] = value
    return scores


def draw_lesson(
    models: Sequence[Scorer],
    knowledge: Knowledge,
    past: Interactions,
    window: Interactions,
    settings: SecondStageSettings,
    *,
    seed: int,
    block_users: int,
) -> Lesson:
    """What users were suggested at a cut, and what they bought in the window after it.

    Those who bought nothing are among them: the probability is that of all users.

    Args:
        models: of the settings' parts, fitted on `past`.
        knowledge: of `past`.
        past: interactions before the cut.
        window: interactions of the window after it, for the labels alone.
        settings: see there.
        seed: of the draw of users.
        block_users: users scored at once.
    """
    users = np.unique(past.user)
    if len(users) > settings.users:
        users = np.sort(np.random.default_rng(seed).choice(users, settings.users, replace=False))
    owned = past.pairs() if settings.is_new_only else None
    candidates = suggest(models, users, owned, depth=settings.depth, block_users=block_users)
    is_bought = entry_places(window.pairs(), candidates.user, candidates.item) >= 0
    return Lesson(candidates.user, knowledge.features(candidates), is_bought.astype(np.float32))
