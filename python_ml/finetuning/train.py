"""Training of an adapter, by either objective.

Shapes: N examples, B of a batch, D dimensions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from peft import PeftModel
from torch.nn import functional

from python_ml.config import FineTuningConfig
from python_ml.device import inference_dtype
from python_ml.embedding.batching import pad_batch
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.pooling import POOLINGS
from python_ml.finetuning.adapters import add_adapter, orthogonality
from python_ml.finetuning.objectives import rating_loss, session_loss

Progress = Callable[[int, int], None]
WARM_UP_SHARE = 0.1
BATCHES_SORTED_TOGETHER = 50
ORTHOGONALITY_WEIGHT = 0.5  # of Zhang et al. 2023


@dataclass(slots=True)
class Trained:
    """A model with its adapter, the head that was trained with it if any, the mean loss of each pass."""

    model: PeftModel
    head: torch.nn.Linear | None = None
    losses: list[float] = field(default_factory=list)


class _Batches:
    """Token ids of the examples, and batches of them in a new order each pass."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.encoder = encoder
        # A long text is taught by its beginning: windows would repeat its label.
        self.ids = encoder.tokenizer(
            [encoder.config.passage_prefix + text for text in texts],
            truncation=True,
            max_length=encoder.max_tokens,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(ids) for ids in self.ids])

    def vectors(self, model: PeftModel, rows: np.ndarray) -> torch.Tensor:
        """float32 (B, D) with gradients."""
        pad_id = self.encoder.tokenizer.pad_token_id
        ids_BL, mask_BL = pad_batch([self.ids[row] for row in rows], 0 if pad_id is None else pad_id)
        device = self.encoder.device
        mask = torch.from_numpy(mask_BL).to(device)
        hidden = model(input_ids=torch.from_numpy(ids_BL).to(device), attention_mask=mask).last_hidden_state
        return POOLINGS[self.encoder.config.pooling](hidden, mask)


def train_on_ratings(
    encoder: Encoder,
    texts: Sequence[str],
    is_positive: np.ndarray,
    head: tuple[np.ndarray, np.ndarray],
    config: FineTuningConfig,
    *,
    seed: int,
    progress: Progress | None = None,
) -> Trained:
    """Teach the encoder what pleases and what does not, from what its frozen vectors know already.

    Args:
        encoder: loaded in float32; its model is changed in place.
        texts: N reviews.
        is_positive: boolean (N,).
        head: weight (D,) and bias (1,) that read opinions from the frozen vectors, see `fit_probe`.
        config: method, passes, batch size, learning rate.
        seed: of the order, of dropout and of first values.
        progress: called with (steps done, steps) after each.

    Source:
        Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution":
        first a linear probe, then fine-tuning from there.
    """
    batches = _Batches(encoder, texts)
    head = _as_layer(*head).to(encoder.device)
    labels_N = torch.from_numpy(np.asarray(is_positive, dtype=np.float32)).to(encoder.device)

    def loss(model: PeftModel, rows: np.ndarray) -> torch.Tensor:
        return rating_loss(head(batches.vectors(model, rows)).squeeze(1), labels_N[rows])

    trained = _train(encoder, batches.lengths, loss, head.parameters(), config, seed, progress)
    trained.head = head
    return trained


def _as_layer(weight_D: np.ndarray, bias: np.ndarray) -> torch.nn.Linear:
    layer = torch.nn.Linear(len(weight_D), 1)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight_D)[None])
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


def train_on_sessions(
    encoder: Encoder,
    left: Sequence[str],
    right: Sequence[str],
    config: FineTuningConfig,
    *,
    seed: int,
    progress: Progress | None = None,
) -> Trained:
    """Bring texts of items bought in one session together; `left` and `right` are N pairs. Else as above."""
    place = {text: index for index, text in enumerate(dict.fromkeys([*left, *right]))}
    batches = _Batches(encoder, list(place))
    left_N = np.array([place[text] for text in left])
    right_N = np.array([place[text] for text in right])

    def loss(model: PeftModel, rows: np.ndarray) -> torch.Tensor:
        sides = [
            functional.normalize(batches.vectors(model, side[rows]), dim=1) for side in (left_N, right_N)
        ]
        ids = [torch.from_numpy(side[rows]).to(encoder.device) for side in (left_N, right_N)]
        return session_loss(*sides, *ids)

    lengths = batches.lengths
    longer_N = np.maximum(lengths[left_N], lengths[right_N])
    return _train(encoder, longer_N, loss, (), config, seed, progress)


def _train(
    encoder: Encoder,
    lengths: np.ndarray,
    loss: Callable[[PeftModel, np.ndarray], torch.Tensor],
    head_parameters: Iterable[torch.nn.Parameter],
    config: FineTuningConfig,
    seed: int,
    progress: Progress | None,
) -> Trained:
    """Train adapter and head on batches of rows whose loss `loss` tells."""
    steps_a_pass = -(-len(lengths) // config.batch_texts)
    steps = steps_a_pass * config.epochs
    trained = Trained(add_adapter(encoder.model, config, steps, seed))
    # Dropout stays off: so few values are trained that it costs more (a slower attention) than it saves.
    trained.model.eval()
    parameters = [value for value in trained.model.parameters() if value.requires_grad] + [*head_parameters]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    randomness = np.random.default_rng(seed)
    is_quick = inference_dtype(encoder.device) is torch.bfloat16
    with _attention_to_learn_with(encoder):
        for step, rows in enumerate(_rows(lengths, config, randomness)):
            # Products in the type the device is quick in; weights, sums and steps stay in float32.
            with torch.autocast(encoder.device.type, torch.bfloat16, enabled=is_quick):
                value = loss(trained.model, rows)
            taught = value
            if config.method == "adalora":
                taught = value + ORTHOGONALITY_WEIGHT * orthogonality(trained.model)
            taught.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            if config.method == "adalora":
                trained.model.base_model.update_and_allocate(step + 1)
            optimiser.zero_grad()
            _count(trained.losses, float(value.detach()), step, steps_a_pass)
            if progress is not None:
                progress(step + 1, steps)
    return trained


@contextmanager
def _attention_to_learn_with(encoder: Encoder) -> Iterator[None]:
    """On a processor the fused attention is quick forwards only: the plain one learns 1.3 times as fast."""
    kind = encoder.model.config._attn_implementation
    encoder.model.set_attn_implementation("eager" if encoder.device.type == "cpu" else kind)
    try:
        yield
    finally:
        encoder.model.set_attn_implementation(kind)


def _rows(
    lengths_N: np.ndarray, config: FineTuningConfig, randomness: np.random.Generator
) -> Iterator[np.ndarray]:
    """Every example once a pass, in batches of like length (little padding) that come in random order."""
    size = config.batch_texts
    for _ in range(config.epochs):
        order = randomness.permutation(len(lengths_N))
        batches = []
        for start in range(0, len(order), size * BATCHES_SORTED_TOGETHER):
            some = order[start : start + size * BATCHES_SORTED_TOGETHER]
            some = some[np.argsort(lengths_N[some], kind="stable")]
            batches += np.split(some, list(range(size, len(some), size)))
        yield from (batches[place] for place in randomness.permutation(len(batches)))


def _rate(step: int, steps: int) -> float:
    """Up in a straight line, then down in one."""
    warm_up = max(round(steps * WARM_UP_SHARE), 1)
    return min((step + 1) / warm_up, (steps - step) / max(steps - warm_up, 1), 1.0)


def _count(losses: list[float], value: float, step: int, steps_a_pass: int) -> None:
    """Keep the running mean of each pass."""
    place = step % steps_a_pass
    if place == 0:
        losses.append(0.0)
    losses[-1] += (value - losses[-1]) / (place + 1)
