"""The network that ranks candidates, and what it learns from: what became of candidates in a past window.

Shapes: M candidates of N users, F features.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HIDDEN_UNITS = 32
WARM_UP_SHARE = 0.1
LEAST_PROBABILITY = 1e-12  # so that what lies below a candidate has room
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


class RankingNetwork(nn.Module):
    """Logit of a purchase within the window, from standardised features; the scaler travels along."""

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
        """Train by the log loss of every candidate; where nothing was bought, the leader's order stays.

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
        generator = np.random.default_rng(seed)
        for batch, optimizer in _steps(network, lesson, settings, generator):
            optimizer.zero_grad(set_to_none=True)
            feature_MF = torch.from_numpy(lesson.features[batch]).to(device)
            label_M = torch.from_numpy(lesson.label[batch]).to(device)
            functional.binary_cross_entropy_with_logits(network(feature_MF), label_M).backward()
            optimizer.step()
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

    def probability(self, feature_MF: np.ndarray) -> np.ndarray:
        """(M,) float32 in (0, 1), of a purchase within one window."""
        device = self.network.mean_F.device
        with torch.no_grad():
            blocks = torch.from_numpy(feature_MF).split(BLOCK_PAIRS)
            parts = [torch.sigmoid(self.network(block.to(device))).cpu() for block in blocks]
        return torch.cat(parts).clamp_(min=LEAST_PROBABILITY).numpy()


def _steps(
    network: nn.Module, lesson: Lesson, settings: RankerSettings, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, torch.optim.Optimizer]]:
    """The candidates of each step, whole users together, and the optimizer at its learning rate."""
    start = np.flatnonzero(np.diff(lesson.user, prepend=-1))
    end = np.append(start[1:], len(lesson.user))
    batches = -(-len(start) // settings.batch_users)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.epochs * batches + 1, pct_start=WARM_UP_SHARE
    )
    for _ in range(settings.epochs):
        order = generator.permutation(len(start))
        for first in range(0, len(start), settings.batch_users):
            users = order[first : first + settings.batch_users]
            yield np.concatenate([np.arange(start[each], end[each]) for each in users]), optimizer
            schedule.step()
