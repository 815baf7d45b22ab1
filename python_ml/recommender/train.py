"""Training of the two towers: hide half of what a user bought, and predict it from the other half.

Tried and lost on the validation weeks: predicting each month's purchases from those before it. A user's
unbought best-sellers are negatives of every month, so the better the towers fitted, the more they avoided
exactly the items `discover` is about. Hiding at random has no such drift.

Shapes: B users, P hidden (positive) pairs, N sampled negatives, C candidates (both), D dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import sparse

from python_ml.recommender.loss import OBJECTIVES
from python_ml.recommender.sampling import NegativeSampler
from python_ml.recommender.two_tower import HistoryBatch, TwoTower

WARM_UP_STEPS = 50
LAST_RATE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How the towers are trained.

    Args:
        objective: a name in `loss.OBJECTIVES`.
        epochs: passes over the users, which the learning rate's decay is spread over.
        epoch_users: where there are more users than this, a pass is over so many of them, others each time.
        stop_after: pass after which training ends, at most `epochs`.
        batch_users: users in a step.
        positives_per_user: hidden items of a user that count in a step, at most.
        hidden_share: share of a user's items that is hidden.
        negatives: draws of the negative sampler in a step.
        negative_power: popularity exponent of the sampler.
        learning_rate: highest learning rate of Adam.
        weight_decay: decoupled decay of the items' own vectors.
    """

    objective: str
    epochs: int
    epoch_users: int
    stop_after: int
    batch_users: int
    positives_per_user: int
    hidden_share: float
    negatives: int
    negative_power: float
    learning_rate: float
    weight_decay: float


@dataclass(slots=True)
class TrainHistory:
    """Training loss of every epoch, and what the judge said after those it was asked about."""

    loss: list[float] = field(default_factory=list)
    judged: dict[int, float] = field(default_factory=dict)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) the judge liked most, the earliest of equals; the last one without a judge."""
        if not self.judged:
            return len(self.loss)
        return max(self.judged, key=lambda epoch: (self.judged[epoch], -epoch))


@dataclass(frozen=True, slots=True)
class Judge:
    """Early stopping.

    Args:
        metric: called with the towers, returns what is to be maximised.
        every: epochs between two calls.
        patience: calls without improvement after which training stops.
    """

    metric: Callable[[TwoTower], float]
    every: int
    patience: int


def train_two_tower(
    tower: TwoTower,
    history: sparse.csr_matrix,
    log_prior: np.ndarray,
    settings: TrainSettings,
    *,
    seed: int,
    judge: Judge | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainHistory:
    """Train in place; with a judge, end with the weights it liked most.

    Args:
        tower: on the device to train on.
        history: (n_users, n_items) CSR float32, weight of every item a user bought.
        log_prior: (n_items,) float32 log popularity, added to every logit.
        settings: see there.
        seed: of hiding, sampling and order.
        judge: decides when to stop.
        progress: called with (epochs done, epochs).
    """
    generator = np.random.default_rng(seed)
    steps = _Steps(tower, history, log_prior, settings, generator)
    users = np.flatnonzero(np.diff(history.indptr) > 1)
    users_a_pass = min(len(users), settings.epoch_users)
    batches = -(-users_a_pass // settings.batch_users)
    optimizer = _optimizer(tower, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _decay(settings.epochs * max(batches, 1)))
    record, best_weights = TrainHistory(), None
    for epoch in range(1, settings.stop_after + 1) if batches else ():
        losses = []
        for batch in np.array_split(generator.permutation(users)[:users_a_pass], batches):
            optimizer.zero_grad(set_to_none=True)
            loss = steps.loss(np.sort(batch))
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        record.loss.append(float(np.mean(losses)))
        if progress:
            progress(epoch, settings.stop_after)
        if judge and (epoch % judge.every == 0 or epoch == settings.stop_after):
            record.judged[epoch] = judge.metric(tower)
            if record.best_epoch == epoch:
                best_weights = {name: value.clone() for name, value in tower.state_dict().items()}
            elif sum(later > record.best_epoch for later in record.judged) >= judge.patience:
                break
    if best_weights is not None:
        tower.load_state_dict(best_weights)
    return record


class _Steps:
    """What the steps of one training share."""

    def __init__(self, tower, history, log_prior, settings, generator) -> None:
        self.tower = tower
        self.history = history
        self.settings = settings
        self.generator = generator
        self.device = tower.level.device
        self.log_prior = torch.from_numpy(log_prior).to(self.device)
        buyers = np.bincount(history.indices, minlength=history.shape[1]).astype(np.float64)
        self.sampler = NegativeSampler(buyers, settings.negative_power, settings.negatives, generator)
        self.objective = OBJECTIVES[settings.objective]
        self.place = np.full(history.shape[1], -1)

    def loss(self, users: np.ndarray) -> torch.Tensor:
        """Hide, sample, score: the loss of one batch of users."""
        rows = self.history[users]
        shown, user_P, item_P = hide(rows, self.settings, self.generator)
        negative_N, log_inclusion_N = self.sampler.sample()
        item_C, place = np.unique(np.concatenate([negative_N, item_P]), return_inverse=True)
        logit_BC = self._logits(shown, item_C)
        place = self._tensor(place)
        user_P_ = self._tensor(user_P)
        pairs_per_user = np.bincount(user_P, minlength=len(users))
        return self.objective(
            logit_BC[user_P_, place[len(negative_N) :]],
            logit_BC[:, place[: len(negative_N)]],
            user_P_,
            self._tensor((1.0 / pairs_per_user[user_P]).astype(np.float32)),
            self._tensor(log_inclusion_N),
            self._excluded(rows, negative_N),
        )

    def _logits(self, shown: sparse.csr_matrix, item_C: np.ndarray) -> torch.Tensor:
        item_C = self._tensor(item_C)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            user_BD = self.tower.user_vectors(HistoryBatch.of(shown, self.device))
            logit_BC = user_BD @ self.tower.item_vectors(item_C).T
        return logit_BC.float() + self.log_prior[item_C] + self.tower.level

    def _excluded(self, rows: sparse.csr_matrix, negative_N: np.ndarray) -> torch.Tensor:
        self.place[negative_N] = np.arange(len(negative_N))
        column = self.place[rows.indices]
        self.place[negative_N] = -1
        row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        excluded = torch.zeros((rows.shape[0], len(negative_N)), dtype=torch.bool)
        excluded[torch.from_numpy(row[column >= 0]), torch.from_numpy(column[column >= 0])] = True
        return excluded.to(self.device)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)


def hide(
    rows: sparse.csr_matrix, settings: TrainSettings, generator: np.random.Generator
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Split every user's items at random into what is shown and what is to be found.

    Args:
        rows: (B, n_items) CSR, at least two items in every row.
        settings: share to hide and number of hidden items that count.
        generator: of the split.

    Returns:
        shown rows (B, n_items); user (P,) and item (P,) int64 of the hidden pairs that count. Every row
        hides and shows at least one item.
    """
    size = np.diff(rows.indptr)
    row = np.repeat(np.arange(len(size)), size)
    # Shuffle inside each row: the first part of it is hidden.
    order = np.argsort(row + generator.random(rows.nnz))
    rank = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], size)
    hidden_count = np.clip(np.round(size * settings.hidden_share).astype(np.int64), 1, size - 1)
    hidden = order[rank < hidden_count[row]]
    counted = order[rank < np.minimum(hidden_count, settings.positives_per_user)[row]]
    keep = np.ones(rows.nnz, dtype=bool)
    keep[hidden] = False
    shown = sparse.csr_matrix((rows.data[keep], (row[keep], rows.indices[keep])), shape=rows.shape)
    return shown, row[counted].astype(np.int64), rows.indices[counted].astype(np.int64)


def _optimizer(tower: TwoTower, settings: TrainSettings) -> torch.optim.Optimizer:
    own = [tower.item_own.weight, tower.history_own.weight]
    shared = [*tower.item_projection.parameters(), *tower.user_projection.parameters(), tower.level]
    shared += tower.of_attributes()
    return torch.optim.AdamW(
        [{"params": shared, "weight_decay": 0.0}, {"params": own, "weight_decay": settings.weight_decay}],
        lr=settings.learning_rate,
        fused=True,
    )


def _decay(steps: int) -> Callable[[int], float]:
    warm_up = min(WARM_UP_STEPS, max(steps // 10, 1))
    return lambda step: min((step + 1) / warm_up, max(LAST_RATE, 1.0 - step / steps))
