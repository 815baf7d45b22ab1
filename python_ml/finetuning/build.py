"""An adapter from a shop's own data, and the verdict on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from python_ml.config import EmbeddingConfig, FineTuningConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.errors import ModelError
from python_ml.finetuning.adapters import adapter_arrays, count_trainable
from python_ml.finetuning.judge import fit_probe, judge_ratings, judge_sessions, reciprocal_ranks
from python_ml.finetuning.reader import RatingReader
from python_ml.finetuning.train import Progress, Trained, train_on_ratings, train_on_sessions
from python_ml.finetuning.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuned:
    """An adapter and what is known of it.

    Args:
        arrays, settings: content of adapter_model.safetensors and of adapter_config.json.
        head: "weight" (D,) and "bias" (1,) of what reads ratings from its vectors; empty without ratings.
        verdict: frozen against adapted on held-out rows.
        training_rows: texts or pairs it learned from.
        trainable_parameters: values that were trained, the head of the objective not counted.
        losses: mean loss of each pass.
        seconds: of training, without what judging took.
    """

    arrays: dict[str, np.ndarray]
    settings: dict[str, Any]
    head: dict[str, np.ndarray]
    verdict: Verdict
    training_rows: int
    trainable_parameters: int
    losses: list[float]
    seconds: float


def fine_tune_on_ratings(
    train: tuple[Sequence[str], np.ndarray],
    held_out: tuple[Sequence[str], np.ndarray],
    embedding: EmbeddingConfig,
    config: FineTuningConfig,
    *,
    device: str,
    seed: int,
    clock: Callable[[], float],
    progress: Progress | None = None,
) -> FineTuned:
    """Teach the encoder from rated reviews, and judge it on reviews it never saw.

    A probe fitted on the frozen vectors of the training texts is what the frozen encoder is judged by. The
    head that is trained with the adapter starts from it; the adapted encoder is judged by that head.

    Args:
        train: texts, and boolean "is positive" of each.
        held_out: the same, newer or of other writers; no text may be in both.
        embedding: the encoder.
        config: how it learns.
        device: setting for `resolve_device`.
        seed: of everything random.
        clock: seconds that only grow; tells how long training took.

    Raises:
        ModelError: a text is in both, or one kind is missing in either.
    """
    _check_apart(train[0], held_out[0])
    for which, (_, labels) in (("training", train), ("held-out", held_out)):
        if len(np.unique(labels)) < 2:
            raise ModelError(
                f"all {len(labels)} {which} reviews are of one kind",
                where="the ratings",
                remedy="fine-tune on a longer history, or not at all",
            )
    labels = np.asarray(train[1], dtype=bool)

    encoder = Encoder.load(embedding.in_float32(), resolve_device(device))
    probe = fit_probe(encoder.unscaled().encode(train[0]), labels)
    frozen = RatingReader(encoder, *probe).score(held_out[0])

    def teach() -> Trained:
        return train_on_ratings(encoder, train[0], labels, probe, config, seed=seed, progress=progress)

    def score(adapted: Encoder, head: torch.nn.Linear) -> np.ndarray:
        return RatingReader(adapted, **_as_arrays(head)).score(held_out[0])

    def judge(frozen: np.ndarray, adapted: np.ndarray) -> Verdict:
        truth = np.asarray(held_out[1], dtype=bool)
        return judge_ratings(frozen, adapted, truth, resamples=config.resamples, seed=seed)

    return _fine_tune(encoder, len(train[0]), frozen, teach, score, judge, clock)


def fine_tune_on_sessions(
    train: tuple[Sequence[str], Sequence[str]],
    held_out: tuple[Sequence[str], Sequence[str]],
    embedding: EmbeddingConfig,
    config: FineTuningConfig,
    *,
    device: str,
    seed: int,
    clock: Callable[[], float],
    progress: Progress | None = None,
) -> FineTuned:
    """Teach the encoder which texts are bought together, and judge it by finding partners of newer sessions.

    Args:
        train: left and right texts of pairs from older sessions, see `draw_pairs`.
        held_out: the same from newer sessions; texts may be in both, pairs come as they come.
    """
    texts = list(dict.fromkeys([*train[0], *train[1], *held_out[0], *held_out[1]]))
    place = {text: index for index, text in enumerate(texts)}
    left, right = (np.array([place[text] for text in side]) for side in held_out)

    encoder = Encoder.load(embedding.in_float32(), resolve_device(device))

    def score(either: Encoder, _: torch.nn.Linear | None) -> np.ndarray:
        return reciprocal_ranks(either.encode(texts), left, right)

    def teach() -> Trained:
        return train_on_sessions(encoder, *train, config, seed=seed, progress=progress)

    def judge(frozen: np.ndarray, adapted: np.ndarray) -> Verdict:
        return judge_sessions(frozen, adapted, resamples=config.resamples, seed=seed)

    return _fine_tune(encoder, len(train[0]), score(encoder, None), teach, score, judge, clock)


def _fine_tune(
    encoder: Encoder,
    training_rows: int,
    frozen: np.ndarray,
    teach: Callable[[], Trained],
    score: Callable[[Encoder, torch.nn.Linear | None], np.ndarray],
    judge: Callable[[np.ndarray, np.ndarray], Verdict],
    clock: Callable[[], float],
) -> FineTuned:
    started = clock()
    trained = teach()
    seconds = clock() - started
    trainable = count_trainable(trained.model)
    arrays, settings = adapter_arrays(trained.model)
    adapted = score(encoder.with_model(trained.model.merge_and_unload()), trained.head)
    return FineTuned(
        arrays=arrays,
        settings=settings,
        head={} if trained.head is None else _as_arrays(trained.head),
        verdict=judge(frozen, adapted),
        training_rows=training_rows,
        trainable_parameters=trainable,
        losses=trained.losses,
        seconds=seconds,
    )


def _as_arrays(head: torch.nn.Linear) -> dict[str, np.ndarray]:
    return {
        "weight": head.weight.detach().cpu().numpy()[0].copy(),
        "bias": head.bias.detach().cpu().numpy().copy(),
    }


def _check_apart(train: Sequence[str], held_out: Sequence[str]) -> None:
    if shared := len(set(train) & set(held_out)):
        raise ModelError(
            f"{shared} texts are in training and held out",
            where="the split",
            remedy="split by distinct texts: a copy of a text that taught cannot judge",
        )
