"""The second stage as a recommender: the best of the other models suggests, a network ranks what it suggests.

The network knows what all models say of each suggestion, and has seen what became of such in a past window.
What is no candidate stands below all that are, in the leading model's order: a list can always be filled.

Shapes: B users of a block, M candidates, P models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.blend import Blend
from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Explainer, Scorer
from python_ml.recommender.ranking import mask_items
from python_ml.recommender.second_stage.candidates import Candidates
from python_ml.recommender.second_stage.features import Knowledge, entry_places
from python_ml.recommender.second_stage.ranker import Lesson, Ranker, RankerSettings
from python_ml.recommender.split import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStageSettings:
    """Settings of one second stage.

    Args:
        parts: settings of the models that are heard, by name; the two-tower recommender is one of them.
        leader: the one of them that did best by itself: it suggests, and ranks what is no candidate.
        is_new_only: whether candidates are new to the user, as `discover` asks for.
        depth: how many items are suggested to a user.
        windows: past windows that are learned from; one alone teaches its season. For `for_you` of the demo
            grocer, what November taught ranked December no better than the blend did (-0.004 to 0.000 of
            NDCG@10); with October as well +0.003 (95 % interval -0.001 to 0.006).
        window_days: length of a window, the horizon of the shares.
        users: users that are learned from in a window, at most; drawn by the seed.
        ranker: how the ranking network is trained.
    """

    parts: Mapping[str, Any]
    leader: str
    is_new_only: bool
    depth: int
    windows: int
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
        """(B, n_items) float32; of a candidate its share of what the user is expected to buy of them.

        Everything else keeps its sign and its order by the leader, scaled to lie below every candidate.
        """
        scores = score_all(self.models, users)
        candidates = suggest(scores, users, self.knowledge, self.settings)
        features = self.knowledge.features(candidates.of_users(users))
        shares = self.ranker.shares(features, candidates.user)
        return put_on_top(scores[self.settings.leader], candidates, shares)

    def explainer(self) -> Explainer:
        """That of the leader, or of the towers where the leader has none: the network splits over no history.

        It says which item of the history brought the suggestion up, not why the ranking moved it.
        """
        leader = self.models[self.settings.leader]
        return (leader if hasattr(leader, "explainer") else self.models["two_tower"]).explainer()


def score_all(models: Mapping[str, Scorer], users: np.ndarray) -> dict[str, torch.Tensor]:
    """(B, n_items) float32 scores of some users by model; the blend is mixed of what its parts said."""
    scores = {name: model.score(users) for name, model in models.items() if not isinstance(model, Blend)}
    blends = {name: model for name, model in models.items() if isinstance(model, Blend)}
    for name, blend in blends.items():
        parts = (scores[part].clone() for part in ("two_tower", "ease"))
        scores[name] = blend.mix(*parts, users)
    return scores


def suggest(
    scores: Mapping[str, torch.Tensor], users: np.ndarray, knowledge: Knowledge, settings: SecondStageSettings
) -> Candidates:
    """Candidates whose users are rows of the scores.

    Args:
        scores: (B, n_items) float32 by model.
        users: (B,) int64.
        knowledge: for what they bought.
        settings: whether that is left out, who leads, and how much is suggested.
    """
    wished = scores[settings.leader]
    if settings.is_new_only:
        wished = wished.clone()
        mask_items(wished, knowledge.bought, users)
    return Candidates.of(wished, list(scores.values()), settings.depth)


def put_on_top(scores: torch.Tensor, candidates: Candidates, shares: np.ndarray) -> torch.Tensor:
    """Give candidates their shares and push everything else below the lowest of them, in place.

    A positive factor keeps the order and, unlike a shift, the relative precision of what is far behind.

    Args:
        scores: (B, n_items) float32.
        candidates: their users are rows of `scores`.
        shares: (M,) float32, above 0.
    """
    row = torch.from_numpy(candidates.user).to(scores.device)
    item = torch.from_numpy(candidates.item).to(scores.device)
    value = torch.from_numpy(shares).to(scores.device)
    lowest = torch.ones(len(scores), device=scores.device).scatter_reduce(0, row, value, "amin")
    scores[row, item] = -torch.inf
    best = scores.amax(dim=1)
    factor = torch.where(best > 0, 0.5 * lowest / best, torch.ones_like(best))
    scores.mul_(factor[:, None])
    scores[row, item] = value
    return scores


def draw_lesson(
    models: Mapping[str, Scorer],
    knowledge: Knowledge,
    past: Interactions,
    window: Interactions,
    settings: SecondStageSettings,
    *,
    seed: int,
    block_users: int,
) -> Lesson:
    """What users were suggested at a cut, and what they bought in the window after it.

    Args:
        models: the settings' parts by name, fitted on `past`.
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
    parts = []
    for start in range(0, max(len(users), 1), block_users):
        block = users[start : start + block_users]
        found = suggest(score_all(models, block), block, knowledge, settings)
        parts.append(found.of_users(block))
    candidates = Candidates.concatenate(parts)
    is_bought = entry_places(window.pairs(), candidates.user, candidates.item) >= 0
    return Lesson(candidates.user, knowledge.features(candidates), is_bought.astype(np.float32))
