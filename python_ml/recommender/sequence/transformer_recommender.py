"""The causal transformer as a recommender of a shop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.judge import Explainer
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.train_sequence import (
    SequenceTrainSettings,
    TrainProgress,
    train_in_processes,
    train_transformer,
    untrained,
)
from python_ml.recommender.sequence.transformer import NextItemTransformer
from python_ml.recommender.watch import UNWATCHED, Watch

PREFIX = "transformer."


@dataclass(frozen=True, slots=True)
class TransformerRecommender:
    """A trained transformer and the histories it is asked about.

    Args:
        histories: of all users, looks and purchases alike.
        model: trained on the same.
        progress: what the training made of it.
    """

    histories: Sequences
    model: NextItemTransformer
    progress: TrainProgress

    @classmethod
    def fit(
        cls,
        histories: Sequences,
        settings: SequenceTrainSettings,
        *,
        seed: int,
        device: torch.device,
        attributes: ItemAttributes | None = None,
        judge: Callable[["TransformerRecommender"], float] | None = None,
        checkpoint: Path | None = None,
        watch: Watch = UNWATCHED,
        workers: int = 1,
    ) -> "TransformerRecommender":
        """Train on everything users bought or looked at.

        Args:
            histories: of all users, as of `histories_of`.
            settings: of network and training.
            seed: of every random choice.
            device: where to train and score.
            attributes: of the items; None where nothing is known.
            judge: metric to maximise, called after every epoch with the model so far; without one all epochs
                are trained. For several workers it can be pickled.
            checkpoint, watch: of `train_transformer`.
            workers: processes that train it; 1 = this one.
        """
        train = train_transformer if workers == 1 else partial(train_in_processes, workers=workers)
        trained = train(
            histories,
            settings,
            seed=seed,
            device=device,
            attributes=attributes,
            judge=partial(_judge_network, judge, histories) if judge else None,
            checkpoint=checkpoint,
            watch=watch,
        )
        return cls(histories, *trained)

    @classmethod
    def restore(
        cls,
        histories: Sequences,
        settings: SequenceTrainSettings,
        arrays: Mapping[str, np.ndarray],
        *,
        device: torch.device,
        attributes: ItemAttributes | None = None,
    ) -> "TransformerRecommender":
        """The model that `fit` made of the same histories and settings, without training.

        Args:
            histories, settings, device, attributes: as in `fit`.
            arrays: what `arrays` gave; others beside them do not matter.
        """
        network = untrained(histories, settings, 0, device, attributes)
        weights = {name: torch.from_numpy(arrays[PREFIX + name].copy()) for name in network.state_dict()}
        network.load_state_dict(weights)
        return cls(histories, NextItemTransformer(network.eval()), TrainProgress())

    def score(self, users: np.ndarray) -> torch.Tensor:
        """(B, n_items) float32 logits of what each user takes next."""
        return self.model.score(self.histories.take(users))

    def explainer(self) -> Explainer:
        """What the score of an item loses when an item is taken out of the history.

        Nothing is read off the attention, which does not tell what a score rests on (Jain and Wallace,
        "Attention is not explanation", 2019).
        """

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            whole = self.histories.take(np.array([user])).tail(self.model.network.settings.length)
            history = np.unique(whole.item)
            both = _with_each_left_out(whole, history)
            score = self.model.score(both)[:, torch.from_numpy(items)].cpu().numpy()
            weight = score[0] - score[1:]
            weight[history[:, None] == items[None, :]] = 0.0
            return history, weight

        return contributions

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights by name, for saving."""
        weights = self.model.network.state_dict().items()
        return {f"{PREFIX}{name}": value.cpu().numpy() for name, value in weights}


def _judge_network(
    judge: Callable[[TransformerRecommender], float], histories: Sequences, model: NextItemTransformer
) -> float:
    return judge(TransformerRecommender(histories, model, TrainProgress()))


def _with_each_left_out(whole: Sequences, items: np.ndarray) -> Sequences:
    """One history, and then the same without each of some items, wherever it stands."""
    kept = np.concatenate([np.ones((1, len(whole.item)), bool), items[:, None] != whole.item])
    offset = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
    place = np.nonzero(kept)[1]
    return Sequences(whole.item[place], whole.day[place], offset, whole.n_items, whole.has_days)
