"""How likely a user is to buy again, within one window, an item they have bought before.

A small network on how often, how lately and how regularly the pair occurred. It learns from the last windows
before the cut: features from before a window, labels from inside it.

Shapes: M pairs of user and owned item, F features. The largest array has M x F numbers of the users it learns
from for each past window, and of a block of pairs where it is applied.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy import sparse
from torch import nn
from torch.nn import functional

from python_ml.recommender.data import Interactions, is_entry

HALF_LIVES_DAYS = (14.0, 45.0, 180.0)
HIDDEN_UNITS = 32
PRIOR_BUYERS = 5.0  # an item's repeat share is drawn to the mean as if this many more users had bought it
BLOCK_PAIRS = 2**18
FEATURES = len(HALF_LIVES_DAYS) + 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatSettings:
    """How the repeat network is trained.

    Args:
        windows: number of past windows it learns from.
        window_days: length of a window, the horizon of the probability.
        users: of more users than this a sample teaches it.
        epochs: passes over all pairs.
        batch_pairs: pairs in a step.
        learning_rate: of Adam.
    """

    windows: int
    window_days: float
    users: int
    epochs: int
    batch_pairs: int
    learning_rate: float


class RepeatNetwork(nn.Module):
    """Logit of buying again, from standardised features; the scaler travels with the weights."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("mean_F", torch.zeros(FEATURES))
        self.register_buffer("deviation_F", torch.ones(FEATURES))
        self.inner = nn.Linear(FEATURES, HIDDEN_UNITS)
        self.outer = nn.Linear(HIDDEN_UNITS, 1)
        self.direct = nn.Linear(FEATURES, 1)
        with torch.no_grad():
            self.inner.weight.normal_(std=FEATURES**-0.5, generator=generator)
            self.inner.bias.zero_()
            self.outer.weight.zero_()
            self.outer.bias.zero_()
            # Untrained, the score is the decayed frequency.
            self.direct.weight.zero_()
            self.direct.weight[0, 1] = 1.0
            self.direct.bias.zero_()

    def forward(self, feature_MF: torch.Tensor) -> torch.Tensor:
        """(M,) logits."""
        scaled_MF = (feature_MF - self.mean_F) / self.deviation_F
        return (self.outer(functional.gelu(self.inner(scaled_MF))) + self.direct(scaled_MF)).squeeze(1)


@dataclass(frozen=True, slots=True)
class ItemHabits:
    """How items are bought again.

    Args:
        mean_count: (n_items,) float64, purchases of an item by each of its buyers.
        repeat_share: (n_items,) float64, share of its buyers with more than one purchase, drawn to the mean.
    """

    mean_count: np.ndarray
    repeat_share: np.ndarray

    @classmethod
    def of(cls, counts: sparse.csr_matrix) -> "ItemHabits":
        """Count them; `counts` is of `Interactions.matrix`."""
        repeated = counts.data > 1.0
        buyers = np.bincount(counts.indices, minlength=counts.shape[1])
        total = np.bincount(counts.indices, counts.data, minlength=counts.shape[1])
        repeaters = np.bincount(counts.indices, repeated, minlength=counts.shape[1])
        overall = repeated.mean() if len(repeated) else 0.0
        share = (repeaters + PRIOR_BUYERS * overall) / (buyers + PRIOR_BUYERS)
        return cls(total / np.maximum(buyers, 1), share)


def pair_features(
    past: Interactions, now: float, habits: ItemHabits | None = None
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """What is known at `now` of every pair of a user and an item they own.

    Args:
        past: purchases before `now`.
        now: days since 1970-01-01.
        habits: of the items among all users, where `past` is of some; None: of these.

    Returns:
        the pairs, (n_users, n_items) CSR, M entries; features (M, F) float32 in the order of its entries:
        log decayed counts by half-life, log count, log days since the last purchase, the same over the pair's
        mean gap, log mean count of the item, its share of users with more than one purchase, log of the
        user's shopping days in the last 28 and 91 days, and whether it was bought more than once.
    """
    counts = past.matrix()
    user = np.repeat(np.arange(past.n_users), np.diff(counts.indptr))
    first, last = _first_and_last(past, counts, user)
    since = now - last
    repeated = counts.data > 1.0
    gap = np.where(repeated, (last - first) / np.maximum(counts.data - 1.0, 1.0), since)
    habits = habits or ItemHabits.of(counts)
    decayed = [past.matrix(now=now, half_life_days=days).data for days in HALF_LIVES_DAYS]
    columns = [
        *(np.log1p(value) for value in decayed),
        np.log1p(counts.data),
        np.log1p(since),
        np.log1p(since / np.maximum(gap, 1.0)),
        np.log1p(habits.mean_count[counts.indices]),
        habits.repeat_share[counts.indices],
        *(np.log1p(_shopping_days(past, now, days))[user] for days in (28.0, 91.0)),
        repeated,
    ]
    feature_MF = np.empty((counts.nnz, FEATURES), np.float32)
    for number, column in enumerate(columns):
        feature_MF[:, number] = column
    return counts, feature_MF


def _first_and_last(past, counts, user) -> tuple[np.ndarray, np.ndarray]:
    # Rows are sorted by (user, item, day): a pair's first and last day stand at the ends of its run.
    key = past.user * past.n_items + past.item
    pair = user * past.n_items + counts.indices
    return past.day[np.searchsorted(key, pair)], past.day[np.searchsorted(key, pair, side="right") - 1]


def _shopping_days(past: Interactions, now: float, days: float) -> np.ndarray:
    recent = past.between(now - days, now)
    visits = np.unique(np.stack([recent.user, np.floor(recent.day).astype(np.int64)]), axis=1)
    return np.bincount(visits[0], minlength=past.n_users).astype(np.float64)


def fit_repeat_network(
    past: Interactions, now: float, settings: RepeatSettings, *, seed: int, device: torch.device
) -> RepeatNetwork:
    """Train on the last windows before `now`; without a pair to learn from, the untrained network.

    Args:
        past: purchases before `now`.
        now: days since 1970-01-01.
        settings: see there.
        seed: of the initial weights, the order of pairs, and who teaches it.
        device: where to train.
    """
    network = RepeatNetwork(torch.Generator().manual_seed(seed))
    feature_MF, label_M = _examples(past.of_sample(settings.users, seed), now, settings)
    if len(label_M):
        mean, deviation = feature_MF.mean(axis=0), feature_MF.std(axis=0)
        network.mean_F.copy_(torch.from_numpy(mean))
        network.deviation_F.copy_(torch.from_numpy(np.where(deviation > 1e-6, deviation, 1.0)))
    network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    feature_MF, label_M = torch.from_numpy(feature_MF), torch.from_numpy(label_M)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(settings.epochs if len(label_M) else 0):
        for batch in torch.randperm(len(label_M), generator=generator).split(settings.batch_pairs):
            optimizer.zero_grad(set_to_none=True)
            logit_M = network(feature_MF[batch].to(device))
            functional.binary_cross_entropy_with_logits(logit_M, label_M[batch].to(device)).backward()
            optimizer.step()
    return network


def _examples(past, now, settings) -> tuple[np.ndarray, np.ndarray]:
    features, labels = [np.empty((0, FEATURES), np.float32)], [np.empty(0, np.float32)]
    for window in range(1, settings.windows + 1):
        cut = now - window * settings.window_days
        before = past.before(cut)
        if len(before) == 0:
            break
        pairs, feature_MF = pair_features(before, cut)
        bought = past.between(cut, cut + settings.window_days).pairs()
        features.append(feature_MF)
        labels.append(is_entry(pairs, bought).astype(np.float32))
    return np.concatenate(features), np.concatenate(labels)


def repeat_probabilities(
    network: RepeatNetwork, past: Interactions, now: float, device: torch.device
) -> sparse.csr_matrix:
    """(n_users, n_items) CSR float32, probability that a user buys again what they own."""
    pairs = past.matrix()
    habits = ItemHabits.of(pairs)
    probability = np.empty(pairs.nnz, dtype=np.float32)
    starts = np.searchsorted(pairs.indptr, np.arange(0, pairs.nnz, BLOCK_PAIRS))
    for start, end in pairwise(np.unique([*starts, past.n_users])):
        _, feature_MF = pair_features(past.of_users(start, end), now, habits)
        with torch.no_grad():
            found = torch.sigmoid(network(torch.from_numpy(feature_MF).to(device)))
        probability[pairs.indptr[start] : pairs.indptr[end]] = found.cpu().numpy()
    return sparse.csr_matrix((probability, pairs.indices, pairs.indptr), shape=pairs.shape)
