"""The torch recommender: two towers for what is new to a user, a repeat network for what is not.

Both halves speak one language, how many times the user is expected to take to the item within one window, so
one ranking serves repeats and discoveries alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from torch import nn

from python_ml.recommender.data import Interactions, TextVectors, is_entry
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.judge import Explainer
from python_ml.recommender.loss import EXCLUDED
from python_ml.recommender.ranking import entries_of
from python_ml.recommender.repeat import (
    RepeatNetwork,
    RepeatSettings,
    fit_repeat_network,
    repeat_probabilities,
)
from python_ml.recommender.train import Judge, TrainHistory, TrainSettings, train_two_tower
from python_ml.recommender.two_tower import (
    TwoTower,
    all_history_vectors,
    all_item_vectors,
    all_user_vectors,
)

SMOOTHING = 0.5  # buyers added to every item, so that the logarithm of none exists


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoTowerSettings:
    """Settings of one torch recommender.

    Args:
        dimension: size of user and item vectors.
        min_buyers: items with fewer buyers have no vector of their own, only those of text and attributes.
        prior_window_days: buyers of this many last days are the popularity at recommending time.
        personal_weight: how much the towers count against popularity.
        train: of the towers.
        repeat: of the repeat network.
    """

    dimension: int
    min_buyers: int
    prior_window_days: int
    personal_weight: float
    train: TrainSettings
    repeat: RepeatSettings


@dataclass(frozen=True, slots=True)
class TwoTowerRecommender:
    """A fitted torch recommender.

    Args:
        tower: the trained towers.
        network: the trained repeat network.
        counts: (n_users, n_items) CSR float32, log(1 + purchases), what the user vectors are made of.
        user_vectors: (n_users, D) float32, zero without history.
        item_vectors: (n_items, D) float32.
        log_prior: (n_items,) float32 log share of users who bought the item lately.
        repeat: (n_users, n_items) CSR float32, probability of buying an owned item again.
        expected_new: (n_users,) float32 expected number of items new to the user in a window.
        personal_weight: see the settings.
        history: what the training made of it.
    """

    tower: TwoTower
    network: RepeatNetwork
    counts: sparse.csr_matrix
    user_vectors: torch.Tensor
    item_vectors: torch.Tensor
    log_prior: torch.Tensor
    repeat: sparse.csr_matrix
    expected_new: np.ndarray
    personal_weight: float
    history: TrainHistory

    @classmethod
    def fit(
        cls,
        past: Interactions,
        settings: TwoTowerSettings,
        *,
        now: float,
        texts: TextVectors,
        attributes: ItemAttributes | None = None,
        seed: int,
        device: torch.device,
        judge: Callable[["TwoTowerRecommender"], float] | None = None,
        judge_every: int = 1,
        patience: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> "TwoTowerRecommender":
        """Train both halves on what was bought before `now`.

        Args:
            past: purchases before `now`.
            settings: see there.
            now: days since 1970-01-01.
            texts: text vectors of the catalogue.
            attributes: of its items; None where nothing is known.
            seed: of every random choice.
            device: where to train and score.
            judge: metric to maximise, called every `judge_every` epochs with the model so far; after
                `patience` calls without a better value the training stops, and the best weights win.
            judge_every, patience: see `judge`.
            progress: called with (epochs done, epochs).
        """
        network = fit_repeat_network(past, now, settings.repeat, seed=seed, device=device)
        counts = _log_counts(past)
        tower = _new_tower(counts, texts, attributes, settings, seed).to(device)
        build = cls._assembly(tower, network, counts, past, settings, now)
        tower_judge = Judge(lambda _: judge(build(TrainHistory())), judge_every, patience) if judge else None
        record = train_two_tower(
            tower,
            counts,
            log_popularity(past),
            settings.train,
            seed=seed,
            judge=tower_judge,
            progress=progress,
        )
        return build(record)

    @classmethod
    def restore(
        cls,
        past: Interactions,
        settings: TwoTowerSettings,
        arrays: Mapping[str, np.ndarray],
        *,
        now: float,
        texts: TextVectors,
        attributes: ItemAttributes | None = None,
        device: torch.device,
    ) -> "TwoTowerRecommender":
        """The model that `fit` made of the same purchases, texts, attributes and settings, without training.

        Args:
            arrays: what `arrays` gave.
            past, settings, now, texts, attributes, device: as in `fit`.
        """
        network = RepeatNetwork(torch.Generator())
        counts = _log_counts(past)
        tower = _new_tower(counts, texts, attributes, settings, seed=0)
        for prefix, part in _networks(tower, network).items():
            part.load_state_dict(
                {name: torch.from_numpy(arrays[f"{prefix}.{name}"].copy()) for name in part.state_dict()}
            )
            part.to(device)
        return cls._assembly(tower, network, counts, past, settings, now)(TrainHistory())

    @classmethod
    def _assembly(
        cls,
        tower: TwoTower,
        network: RepeatNetwork,
        counts: sparse.csr_matrix,
        past: Interactions,
        settings: TwoTowerSettings,
        now: float,
    ) -> Callable[[TrainHistory], "TwoTowerRecommender"]:
        """What makes a recommender of the towers as they are at that moment."""
        device = tower.level.device
        repeat = repeat_probabilities(network, past, now, device)
        expected_new = expected_new_items(past, now, settings.repeat.window_days)
        lately = past.between(now - settings.prior_window_days, now)
        prior_now = torch.from_numpy(log_popularity(lately)).to(device)

        def build(record: TrainHistory) -> TwoTowerRecommender:
            return cls(
                tower=tower,
                network=network,
                counts=counts,
                user_vectors=all_user_vectors(tower, counts),
                item_vectors=all_item_vectors(tower),
                log_prior=prior_now,
                repeat=repeat,
                expected_new=expected_new,
                personal_weight=settings.personal_weight,
                history=record,
            )

        return build

    def with_weight(self, personal_weight: float) -> "TwoTowerRecommender":
        """The same model with another personal weight: no part of the training depends on it."""
        return replace(self, personal_weight=personal_weight)

    def score(self, users: np.ndarray, out: torch.Tensor | None = None) -> torch.Tensor:
        """What each user is expected to buy within one window.

        Args:
            users: (B,) int64.
            out: (at least B, n_items) float32 to write into, whose first rows are then what is returned.

        Returns:
            (B, n_items) float32 on the model's device: the probability of another purchase for owned items,
            the user's share of interest times the expected number of new items for all others.
        """
        device = self.item_vectors.device
        score = self.buffer(len(users)) if out is None else out[: len(users)]
        with torch.no_grad():
            torch.mm(self.user_vectors[torch.from_numpy(users).to(device)], self.item_vectors.T, out=score)
            score.mul_(self.personal_weight).add_(self.log_prior)
            owned = entries_of(self.repeat, users, device)
            score[owned] = -torch.inf
            # Softmax in place: a new block of this size costs more than the arithmetic.
            score.sub_(score.amax(dim=1, keepdim=True).clamp_(min=EXCLUDED)).exp_()
            total = score.sum(dim=1, keepdim=True).clamp_(min=1e-30)  # 0: the user owns the whole catalogue
            score.mul_(torch.from_numpy(self.expected_new[users]).to(device)[:, None] / total)
            score[owned] = torch.from_numpy(self.repeat[users].data).to(device)
        return score

    def buffer(self, users: int) -> torch.Tensor:
        """What `score` may write the scores of so many users into, block after block."""
        return self.item_vectors.new_empty(users, len(self.item_vectors))

    def explainer(self) -> Explainer:
        """Splits the towers' logits over the history.

        The user vector is a weighted sum over the history, so the split is exact, up to what all items share:
        the projection's bias and popularity.
        """
        part_ID = all_history_vectors(self.tower).cpu().numpy()
        item_ID = self.item_vectors.cpu().numpy()

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            row = self.counts[user]
            history = row.indices.astype(np.int64)
            scale = self.personal_weight * row.data / np.sqrt(np.maximum(np.sum(row.data**2), 1e-12))
            weight = (part_ID[history] @ item_ID[items].T) * scale[:, None]
            weight[history[:, None] == items[None, :]] = 0.0
            return history, weight

        return contributions

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights of both networks by name, for saving."""
        return {
            f"{prefix}.{name}": value.detach().cpu().numpy()
            for prefix, network in _networks(self.tower, self.network).items()
            for name, value in network.state_dict().items()
        }


def _networks(tower: TwoTower, network: RepeatNetwork) -> dict[str, nn.Module]:
    """Both networks by the prefix of their arrays."""
    return {"towers": tower, "repeat": network}


def _log_counts(past: Interactions) -> sparse.csr_matrix:
    """(n_users, n_items) CSR float32, log(1 + purchases)."""
    counts = past.matrix()
    counts.data = np.log1p(counts.data)
    return counts.astype(np.float32)


def _new_tower(
    counts: sparse.csr_matrix,
    texts: TextVectors,
    attributes: ItemAttributes | None,
    settings: TwoTowerSettings,
    seed: int,
) -> TwoTower:
    """Towers before any training, on the CPU."""
    has_own = np.bincount(counts.indices, minlength=counts.shape[1]) >= settings.min_buyers
    generator = torch.Generator().manual_seed(seed)
    return TwoTower(texts, has_own, settings.dimension, generator, attributes)


def log_popularity(interactions: Interactions) -> np.ndarray:
    """(n_items,) float32 log share of all users who bought the item."""
    return np.log((interactions.buyers() + SMOOTHING) / max(interactions.n_users, 1)).astype(np.float32)


def expected_new_items(past: Interactions, now: float, window_days: float) -> np.ndarray:
    """New items a user will take to in one window, by what happened in the last one.

    Returns:
        (n_users,) float32, half of the user's own number, half of everybody's mean. The mean counts one more
        than there were: with nothing expected, nothing new could be ranked.
    """
    cut = now - window_days
    lately = past.between(cut, now).pairs()
    is_new = ~is_entry(lately, past.before(cut).matrix())
    user = np.repeat(np.arange(past.n_users), np.diff(lately.indptr))
    new_items = np.bincount(user, is_new, minlength=past.n_users)
    known = max(len(np.unique(past.user)), 1)
    return (0.5 * new_items + 0.5 * (new_items.sum() + 1.0) / known).astype(np.float32)
