"""The network that ranks candidates, and what it learns from: what became of candidates in a past window.

It is trained list by list: a softmax over each user's candidates. NDCG@10 of `discover` on 953 households of
the demo grocer that were held out, in the window before validation: the blend 0.0439, this 0.0505, the same
network with the log loss of every candidate 0.0480, gradient boosting with it (scikit-learn) 0.0501 in three
times the time, and its trees are no arrays to keep. For `for_you`: the blend 0.4339, this 0.4418, log loss
0.4368; boosting was not measured.

Shapes: M candidates of R users (rows), F features.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HIDDEN_UNITS = 32
WARM_UP_SHARE = 0.1
LEAST_SHARE = 1e-12  # so that what lies below a candidate has room
BLOCK_PAIRS = 2**17


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerSettings:
    """How the ranking network is trained.

    Args:
        epochs: passes over the users.
        batch_users: users in a step.
        learning_rate: highest learning rate of AdamW.
        weight_decay: its decoupled decay.
    """

    epochs: int
    batch_users: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """Candidates of one moment and what happened to them in the window after it.

    Args:
        user: (M,) int64, sorted.
        features: (M, F) float32, of before the window.
        label: (M,) float32, 1 where the user bought the item in the window.
    """

    user: np.ndarray
    features: np.ndarray
    label: np.ndarray

    @classmethod
    def concatenate(cls, lessons: Sequence["Lesson"]) -> "Lesson":
        """One lesson of several, in which a user of two of them is two users."""
        users, first = [], 0
        for lesson in lessons:
            users.append(lesson.user + first)
            first += lesson.user.max(initial=-1) + 1
        features, labels = ([getattr(each, name) for each in lessons] for name in ("features", "label"))
        return cls(np.concatenate(users), np.concatenate(features), np.concatenate(labels))


class RankingNetwork(nn.Module):
    """A logit for each candidate, from standardised features; the scaler travels with the weights."""

    def __init__(self, features: int, leader: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("mean_F", torch.zeros(features))
        self.register_buffer("deviation_F", torch.ones(features))
        self.inner = nn.Linear(features, HIDDEN_UNITS)
        self.middle = nn.Linear(HIDDEN_UNITS, HIDDEN_UNITS)
        self.outer = nn.Linear(HIDDEN_UNITS, 1)
        self.direct = nn.Linear(features, 1)
        with torch.no_grad():
            for layer in (self.inner, self.middle):
                layer.weight.normal_(std=layer.in_features**-0.5, generator=generator)
                layer.bias.zero_()
            for layer in (self.outer, self.direct):
                layer.weight.zero_()
                layer.bias.zero_()
            self.direct.weight[0, leader] = 1.0

    def forward(self, feature_MF: torch.Tensor) -> torch.Tensor:
        """(M,) logits."""
        scaled_MF = (feature_MF - self.mean_F) / self.deviation_F
        hidden = functional.gelu(self.middle(functional.gelu(self.inner(scaled_MF))))
        return (self.outer(hidden) + self.direct(scaled_MF)).squeeze(1)


@dataclass(frozen=True, slots=True)
class Ranker:
    """A trained ranking network.

    Args:
        network: on the device it was trained on.
    """

    network: RankingNetwork

    @classmethod
    def fit(
        cls, lesson: Lesson, settings: RankerSettings, *, leader: int, seed: int, device: torch.device
    ) -> "Ranker":
        """Train by what users bought among their candidates; with nothing bought, the leader's order stays.

        Args:
            lesson: see there.
            settings: see there.
            leader: the feature an untrained network ranks by.
            seed: of the initial weights and the order of users.
            device: where to train.
        """
        network = RankingNetwork(lesson.features.shape[1], leader, torch.Generator().manual_seed(seed))
        if not lesson.label.any():
            return cls(network.to(device))
        mean, deviation = lesson.features.mean(axis=0), lesson.features.std(axis=0)
        network.mean_F.copy_(torch.from_numpy(mean))
        network.deviation_F.copy_(torch.from_numpy(np.where(deviation > 1e-6, deviation, 1.0)))
        network.to(device)
        batches = list(_batches(lesson, settings, np.random.default_rng(seed)))
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, settings.learning_rate, total_steps=len(batches) + 1, pct_start=WARM_UP_SHARE
        )
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            row = np.cumsum(np.diff(lesson.user[batch], prepend=lesson.user[batch[0]]) != 0)
            parts = (lesson.features[batch], lesson.label[batch], row)
            feature_MF, label_M, row_M = (torch.from_numpy(part).to(device) for part in parts)
            list_loss(network(feature_MF), label_M, row_M).backward()
            optimizer.step()
            schedule.step()
        return cls(network)

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], device: torch.device) -> "Ranker":
        """The ranker whose `arrays` these are."""
        network = RankingNetwork(len(arrays["mean_F"]), 0, torch.Generator())
        network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
        return cls(network.to(device))

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights by name, for saving."""
        return {name: value.detach().cpu().numpy() for name, value in self.network.state_dict().items()}

    def shares(self, feature_MF: np.ndarray, row: np.ndarray) -> np.ndarray:
        """(M,) float32 above 0: what each candidate is expected to take of what its row's user will buy.

        Args:
            feature_MF: of the candidates.
            row: (M,) int64, candidates of one user have one number.
        """
        device = self.network.mean_F.device
        with torch.no_grad():
            blocks = torch.from_numpy(feature_MF).split(BLOCK_PAIRS)
            logit_M = torch.cat([self.network(block.to(device)) for block in blocks])
            share_M = log_shares(logit_M, torch.from_numpy(row).to(device)).exp_()
        return share_M.clamp_(min=LEAST_SHARE).cpu().numpy()


def log_shares(logit_M: torch.Tensor, row_M: torch.Tensor) -> torch.Tensor:
    """(M,) log softmax of the logits over each row.

    Args:
        logit_M: any.
        row_M: int64 from 0.
    """
    rows = int(row_M.max()) + 1 if len(row_M) else 0
    best = torch.full((rows,), -torch.inf, device=logit_M.device)
    best = best.scatter_reduce(0, row_M, logit_M.detach(), "amax")
    from_best = logit_M - best[row_M]
    total = torch.zeros_like(best).index_add(0, row_M, from_best.exp())
    return from_best - total.log()[row_M]


def list_loss(logit_M: torch.Tensor, label_M: torch.Tensor, row_M: torch.Tensor) -> torch.Tensor:
    """Minus the log softmax of what was bought, over each row; n things bought weigh as much as sqrt(n).

    Args:
        logit_M: of candidates.
        label_M: 1 where bought, else 0; at least one.
        row_M: int64 from 0, the row of each candidate.

    Source: ListNet's top-one loss (Cao et al., "Learning to rank: from pairwise approach to listwise
        approach", 2007), with the root between a mean over purchases and one over users.
    """
    bought_R = torch.zeros(int(row_M.max()) + 1, device=logit_M.device).index_add(0, row_M, label_M)
    weight_M = label_M / bought_R.clamp(min=1.0).sqrt()[row_M]
    return -(weight_M * log_shares(logit_M, row_M)).sum() / weight_M.sum()


def _batches(
    lesson: Lesson, settings: RankerSettings, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """The candidates of each step, of whole users who bought some of theirs."""
    start = np.flatnonzero(np.diff(lesson.user, prepend=-1))
    end = np.append(start[1:], len(lesson.user))
    has_bought = np.add.reduceat(lesson.label, start) > 0
    start, end = start[has_bought], end[has_bought]
    for _ in range(settings.epochs):
        order = generator.permutation(len(start))
        for first in range(0, len(start), settings.batch_users):
            users = order[first : first + settings.batch_users]
            yield np.concatenate([np.arange(start[each], end[each]) for each in users])
