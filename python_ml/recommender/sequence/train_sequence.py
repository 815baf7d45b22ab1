"""Training of the transformer: predict what came after every position, keep the averaged weights that are
judged best.

All that is random in an epoch, order, negatives and dropout, is drawn from the seed and the epoch's number:
a training that is interrupted goes on from its checkpoint and ends, on a CPU, with the weights it would have
had.

Several processes may train together (`workers`): `train_transformer` is called in each of them with the
same histories, settings and seed. Every step is that of one process but for the order of sums: batches and
negatives are the same, each process works out the gradient of its part of the users, and the parts add up.
Dropout alone is drawn by each process for itself: with dropout the weights are as good, not the same.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.errors import ModelError
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.sampling import NegativeSampler
from python_ml.recommender.sequence.checkpoint import read_checkpoint, write_checkpoint
from python_ml.recommender.sequence.next_item_loss import (
    Pairs,
    calibrated_cross_entropy,
    calibration,
    full_softmax,
    future_pairs,
    pair_weight,
    sampled_softmax,
)
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.transformer import (
    Ensemble,
    NextItemTransformer,
    PackedBatch,
    SequenceTransformer,
    TransformerSettings,
)
from python_ml.recommender.sequence.workers import Workers, in_processes
from python_ml.recommender.watch import UNWATCHED, Watch

OBJECTIVES = ("softmax", "cross_entropy")
BATCHES_SORTED_TOGETHER = 50
BETAS = (0.9, 0.98)
# Steps between two checkpoints, at least: in a small shop an epoch takes less time than writing one.
CHECKPOINT_STEPS = 100

Drawn = tuple[np.ndarray, np.ndarray]  # of `NegativeSampler.sample`


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceTrainSettings:
    """How the transformer is trained. What `RecommenderConfig` sets has no default here.

    Args:
        network: its size.
        members: networks that are trained together, on the same steps but from other first weights; each
            learns as if it were alone, and the mean of their logits is judged.
        epochs: passes over the users, at most.
        patience: epochs without a better judgement after which training stops, where there is a judge.
        batch_users: users in a step.
        negatives: draws of the sampler in a step.
        learning_rate: of AdamW, reached after `warm_up_steps`.
        objective: "softmax" (over the whole catalogue where that is no larger than the sample), or
            "cross_entropy", binary, calibrated.
        negative_power: popularity exponent of the sampler; 0 = uniform.
        correction: share of the sample's log inclusion probability that is taken from its logits; 1 estimates
            the softmax over the catalogue.
        calibration: strength of the calibration of "cross_entropy"; 0 = none.
        horizon: how many of the items after a position it is asked for.
        horizon_power: an item d places ahead weighs d ** -horizon_power.
        warm_up_steps: steps of linear growth.
        weight_decay: decoupled, of matrices alone.
        averaging: weight that the average of the weights keeps in a step, in [0, 1); 0 = no average.
    """

    network: TransformerSettings
    members: int
    epochs: int
    patience: int
    batch_users: int
    negatives: int
    learning_rate: float
    objective: str = "softmax"
    negative_power: float = 0.0
    correction: float = 0.0
    calibration: float = 0.75
    horizon: int = 3
    horizon_power: float = 1.0
    warm_up_steps: int = 100
    weight_decay: float = 0.0
    averaging: float = 0.998

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective {self.objective!r}: use one of {', '.join(OBJECTIVES)}")

    @classmethod
    def of(cls, config: RecommenderConfig) -> "SequenceTrainSettings":
        """As the shop has set it, before it is known when to stop."""
        return cls(
            network=TransformerSettings(
                dimension=config.transformer_dimension,
                heads=config.transformer_heads,
                blocks=config.transformer_blocks,
                length=config.transformer_length,
                dropout=config.transformer_dropout,
            ),
            members=config.transformer_members,
            epochs=config.transformer_epochs,
            patience=config.transformer_patience,
            batch_users=config.transformer_batch_users,
            negatives=config.transformer_negatives,
            learning_rate=config.transformer_learning_rate,
        )


@dataclass(slots=True)
class TrainProgress:
    """Training loss of every epoch so far, and the judgement, where there is a judge: higher is better."""

    loss: list[float] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) that was judged best, the earliest of equals; without a judge the latest."""
        return int(np.argmax(self.quality)) + 1 if self.quality else len(self.loss)

    def is_over(self, settings: SequenceTrainSettings) -> bool:
        """Whether patience or epochs are used up."""
        done = len(self.loss)
        return done >= settings.epochs or done - self.best_epoch >= settings.patience

    def line(self, settings: SequenceTrainSettings) -> str:
        """What became of the latest epoch, for a log."""
        epoch = len(self.loss)
        line = f"transformer: epoch {epoch} of {settings.epochs}: loss {self.loss[-1]:.4f}"
        if self.quality:
            line += (
                f", judged {self.quality[-1]:.5f}; best {max(self.quality):.5f} in epoch {self.best_epoch}"
            )
        return line


def train_transformer(
    train: Sequences,
    settings: SequenceTrainSettings,
    *,
    seed: int,
    device: torch.device,
    attributes: ItemAttributes | None = None,
    judge: Callable[[NextItemTransformer], float] | None = None,
    checkpoint: Path | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[NextItemTransformer, TrainProgress]:
    """Train until the judge sees no more improvement, and end with the averaged weights it liked most.

    Args:
        train: histories to learn from.
        settings: see there.
        seed: of all that is random.
        device: to train on.
        attributes: of the items; None where nothing is known.
        judge: called after every epoch with the averaged weights as a model; without one all epochs are
            trained, and the last weights returned.
        checkpoint: file from which training goes on, and that is rewritten after an epoch once there were
            CHECKPOINT_STEPS steps, and at the end. A file that is cut short, or of other histories,
            attributes, settings (more epochs, another patience will do) or another seed is not used, but
            written over. That the judge is the same is for the caller to see to.
        watch: who is told of the steps and of what became of each epoch.

    Where several processes train together, judge, checkpoint and watch are those of the first, and all
    return the same.

    Raises:
        ModelError: the processes were given different histories, attributes, settings or seeds.
    """
    workers = Workers.here()
    if not workers.is_first:
        judge, checkpoint, watch = None, None, UNWATCHED
    state = _State.start(train, settings, seed, device, attributes)
    _check_same(state.fingerprint, workers)
    if workers.tell(bool(checkpoint and checkpoint.exists())):
        watch.tell(state.resume(checkpoint, settings, workers))
    histories = train.tail(settings.network.length + 1)
    histories = histories.take(np.flatnonzero(histories.size > 1))
    count_steps = watch.start(f"steps of the transformer{', which may stop earlier' if judge else ''}")
    steps = _Steps(state, histories, train.count(), settings, device, count_steps, workers)
    progress, saved = state.progress, state.step
    while len(histories) and not progress.is_over(settings):
        epoch = len(progress.loss) + 1
        progress.loss.append(steps.epoch(np.random.SeedSequence([seed, epoch])))
        quality = workers.tell(judge(state.model()) if judge else None)
        if quality is not None:
            progress.quality.append(quality)
        if progress.best_epoch == epoch:
            state.best = {name: value.clone() for name, value in state.average.items()}
        watch.tell(progress.line(settings))
        if checkpoint and (state.step - saved >= CHECKPOINT_STEPS or progress.is_over(settings)):
            state.save(checkpoint)
            saved = state.step
    state.average = state.best
    return state.model(), progress


def train_in_processes(
    train: Sequences,
    settings: SequenceTrainSettings,
    *,
    workers: int,
    seed: int,
    device: torch.device,
    attributes: ItemAttributes | None = None,
    judge: Callable[[NextItemTransformer], float] | None = None,
    checkpoint: Path | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[NextItemTransformer, TrainProgress]:
    """`train_transformer` in several processes of this machine, which this one waits for.

    Args:
        workers: how many, at least 2; a CUDA device for each.
        judge: can be pickled.
        device: "cpu" or "cuda"; the first process judges, and the model is returned, on the first of them.

    The other arguments are those of `train_transformer`.

    Raises:
        DeviceError: there are too few devices.
        ModelError: one of the processes failed.
    """
    with TemporaryDirectory() as folder:
        result = Path(folder) / "trained.safetensors"
        given = {"train": train, "settings": settings, "seed": seed, "attributes": attributes}
        given |= {"judge": judge, "checkpoint": checkpoint, "result": result}
        in_processes(_train_into, workers, device, watch, given)
        parts, facts = read_checkpoint(result)
    network = untrained(train, settings, seed, device, attributes)
    network.load_state_dict(parts["network"])
    return NextItemTransformer(network.eval()), TrainProgress(facts["loss"], facts["quality"])


def _train_into(*, train: Sequences, settings: SequenceTrainSettings, result: Path, **others: Any) -> None:
    model, progress = train_transformer(train, settings, **others)
    if Workers.here().is_first:
        facts = {"loss": progress.loss, "quality": progress.quality}
        write_checkpoint(result, {"network": model.network.state_dict()}, facts)


def _check_same(fingerprint: str, workers: Workers) -> None:
    if workers.tell(fingerprint) != fingerprint:
        raise ModelError(
            "it was given other histories, attributes, settings or another seed than the first process",
            where=f"training of the transformer, process {workers.rank} of {workers.count}",
            remedy="start all processes with the same arguments and the same file",
        )


def untrained(
    train: Sequences,
    settings: SequenceTrainSettings,
    seed: int,
    device: torch.device,
    attributes: ItemAttributes | None,
) -> Ensemble:
    """The networks that `train_transformer` begins with; its arguments."""
    network = Ensemble(
        train.n_items,
        settings.network,
        members=settings.members,
        has_days=train.has_days,
        attributes=attributes,
        generator=torch.Generator().manual_seed(seed),
    )
    return network.to(device)


@dataclass(slots=True)
class _State:
    """All that changes in training."""

    network: Ensemble
    optimizer: torch.optim.AdamW
    average: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    progress: TrainProgress
    judge: Ensemble
    fingerprint: str
    step: int = 0

    @classmethod
    def start(
        cls,
        train: Sequences,
        settings: SequenceTrainSettings,
        seed: int,
        device: torch.device,
        attributes: ItemAttributes | None,
    ) -> "_State":
        network, judged = (untrained(train, settings, seed, device, attributes) for _ in range(2))
        matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
        vectors = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": settings.weight_decay},
                {"params": vectors, "weight_decay": 0},
            ],
            lr=settings.learning_rate,
            betas=BETAS,
        )
        average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        fingerprint = _fingerprint(train, settings, seed, attributes)
        return cls(network, optimizer, average, average, TrainProgress(), judged, fingerprint)

    def model(self) -> NextItemTransformer:
        """The averaged weights as a model."""
        self.judge.load_state_dict(self.average)
        return NextItemTransformer(self.judge.eval())

    def save(self, file: Path) -> None:
        parts = {"network": self.network.state_dict(), "average": self.average, "best": self.best}
        for index, values in self.optimizer.state_dict()["state"].items():
            parts[f"optimizer.{index}"] = values
        facts = {
            "fingerprint": self.fingerprint,
            "step": self.step,
            "loss": self.progress.loss,
            "quality": self.progress.quality,
        }
        write_checkpoint(file, parts, facts)

    def resume(self, file: Path | None, settings: SequenceTrainSettings, workers: Workers) -> str:
        """Go on from the first process's checkpoint, if it is one of this training; says what was done."""
        parts, facts, refused = workers.tell(self._read(file, settings) if workers.is_first else None)
        if refused:
            return refused
        self._take(parts, facts)
        done = len(self.progress.loss)
        if self.progress.is_over(settings):
            return f"transformer: had been trained, for {done} epochs"
        return f"transformer: goes on from epoch {done + 1} of {settings.epochs}"

    def _read(self, file: Path, settings: SequenceTrainSettings) -> tuple[dict, dict, str]:
        """Parts and facts of a checkpoint, or why it is not used."""
        try:
            parts, facts = read_checkpoint(file)
        except ModelError as error:
            return {}, {}, f"transformer: starts anew, {file.name}: {error.what}"
        # Who was trained for longer than asked for has no weights of the epochs before.
        if facts.get("fingerprint") != self.fingerprint or len(facts["loss"]) > settings.epochs:
            return {}, {}, f"transformer: starts anew, {file.name} is of another training"
        return parts, facts, ""

    def _take(self, parts: dict[str, dict[str, torch.Tensor]], facts: dict[str, Any]) -> None:
        self.network.load_state_dict(parts["network"])
        device = next(self.network.parameters()).device
        self.average, self.best = (
            {name: value.to(device) for name, value in parts[key].items()} for key in ("average", "best")
        )
        state = {
            int(name.removeprefix("optimizer.")): values
            for name, values in parts.items()
            if name.startswith("optimizer.")
        }
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.step = facts["step"]
        self.progress = TrainProgress(facts["loss"], facts["quality"])


def _fingerprint(
    train: Sequences, settings: SequenceTrainSettings, seed: int, attributes: ItemAttributes | None
) -> str:
    """What a training must share with the one it goes on from."""
    shared = replace(settings, epochs=1, patience=1)
    digest = hashlib.sha256(repr((shared, seed, train.n_items, train.has_days)).encode())
    known = [] if attributes is None else [attributes.of_item]
    for part in (train.item, train.day, train.offset, *known):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


class _Steps:
    """What the steps of one training share."""

    def __init__(
        self,
        state: _State,
        histories: Sequences,
        count: np.ndarray,
        settings: SequenceTrainSettings,
        device: torch.device,
        count_steps: Callable[[int, int], None],
        workers: Workers,
    ) -> None:
        self.state, self.histories, self.count = state, histories, count
        self.settings, self.device, self.count_steps = settings, device, count_steps
        self.workers = workers
        self.at_most = settings.epochs * -(-len(histories) // settings.batch_users)

    def epoch(self, seed: np.random.SeedSequence) -> float:
        """One pass over the users; returns the mean loss of its steps."""
        generator = np.random.default_rng(seed)
        settings = self.settings
        sampler = NegativeSampler(self.count, settings.negative_power, settings.negatives, generator)
        losses = []
        cuda = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda):
            # Each process drops for itself: its users are others.
            torch.manual_seed((int(generator.integers(2**63)) + self.workers.rank) % 2**63)
            self.state.network.train()
            self.count_steps(self.state.step, self.at_most)
            for users in batches_by_size(self.histories.size, settings.batch_users, generator):
                losses.append(self._step(self.histories.take(users), sampler))
                self.count_steps(self.state.step, self.at_most)
        return float(np.mean(losses))

    def _step(self, histories: Sequences, sampler: NegativeSampler) -> float:
        state, settings = self.state, self.settings
        drawn = None if self._is_full else sampler.sample()
        state.step += 1
        for group in state.optimizer.param_groups:
            group["lr"] = settings.learning_rate * min(state.step / max(settings.warm_up_steps, 1), 1.0)
        state.optimizer.zero_grad(set_to_none=True)
        loss = self.workers.add_up(state.network.parameters(), self._part_loss(histories, drawn))
        state.optimizer.step()
        # Early on the average follows closely: what it started from means nothing.
        kept = min(settings.averaging, (1 + state.step) / (10 + state.step)) if settings.averaging else 0.0
        with torch.no_grad():
            for name, value in state.network.state_dict().items():
                state.average[name].lerp_(value, 1.0 - kept)
        return loss.item()

    @property
    def _is_full(self) -> bool:
        """Whether the loss is over the whole catalogue."""
        return self.settings.objective == "softmax" and len(self.count) <= self.settings.negatives

    def _part_loss(self, histories: Sequences, drawn: Drawn | None) -> torch.Tensor:
        """What this process's users add to the networks' mean loss in a step, and to their gradients."""
        share, total = 1.0, torch.zeros((), device=self.device)
        if self.workers.count > 1:
            part = histories.take(self.workers.part(np.arange(len(histories))))
            if len(part) == 0:
                return total
            weight, whole = (
                pair_weight(each, self.settings.horizon, self.settings.horizon_power)
                for each in (part, histories)
            )
            # A loss is a mean by weight: parts count by what they hold of it.
            histories, share = part, weight / whole
        batch = PackedBatch.of(histories.without_last(1), self.device)
        pairs = future_pairs(histories, self.settings.horizon, self.settings.horizon_power, self.device)
        for network in self.state.network.members:
            loss = self._loss(network, batch, pairs, drawn) * share
            loss.backward()
            total += loss.detach()
        return total / self.settings.members

    def _loss(
        self, network: SequenceTransformer, batch: PackedBatch, pairs: Pairs, drawn: Drawn | None
    ) -> torch.Tensor:
        settings = self.settings
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            hidden_TD = network(batch)
            if drawn is None:
                return full_softmax(hidden_TD, network.item.all(), pairs)
            negative, log_inclusion = (torch.from_numpy(part).to(self.device) for part in drawn)
            given = hidden_TD, network.item(pairs.item), network.item(negative), pairs, negative
            if settings.objective == "softmax":
                return sampled_softmax(*given, log_inclusion * settings.correction)
            rate = min(len(negative) / len(self.count), 1.0)
            return calibrated_cross_entropy(*given, target_power=calibration(rate, settings.calibration))


def batches_by_size(size: np.ndarray, batch: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Users in random batches of similar sizes, so that little is laid out for nothing.

    Args:
        size: (U,) int64, items of each user.
        batch: users in a batch.
        generator: of the order.

    Yields:
        (B,) int64, every user once.
    """
    order = generator.permutation(len(size))
    batches = []
    for start in range(0, len(order), batch * BATCHES_SORTED_TOGETHER):
        together = order[start : start + batch * BATCHES_SORTED_TOGETHER]
        together = together[np.argsort(size[together], kind="stable")]
        batches += [together[first : first + batch] for first in range(0, len(together), batch)]
    for index in generator.permutation(len(batches)):
        yield batches[index]
