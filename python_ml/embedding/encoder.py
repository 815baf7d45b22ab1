"""A sentence encoder: texts in, vectors out.

Shapes: N texts, W windows of them, B windows of a batch, L tokens, D dimensions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from python_ml.config import EmbeddingConfig
from python_ml.device import inference_dtype
from python_ml.embedding.batching import pad_batch, plan_batches
from python_ml.embedding.bert import PackedBert
from python_ml.embedding.cores import on_all_cores
from python_ml.embedding.load import load_model
from python_ml.embedding.locate import embedding_model_name
from python_ml.embedding.pooling import POOLINGS, average_windows
from python_ml.embedding.tokens import Tokens, tokenise
from python_ml.embedding.vectors import to_unit_length

Progress = Callable[[int, int], None]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Beyond these a batch gains nothing more: on a processor it leaves the caches.
_TOKENS_PER_BATCH = {"cpu": 4096, "mps": 8192, "cuda": 32768}


@dataclass(frozen=True, slots=True)
class Encoder:
    """A loaded model. Make one with `Encoder.load`.

    Args:
        config: which model, and how its texts and vectors are treated.
        name: the key its vectors are kept under, see `embedding_model_name`.
        device: where it computes.
        dtype: what it computes in; vectors leave as float32 either way.
        max_tokens: longer texts are cut, or read in windows of this many.
        tokens_per_batch: see `plan_batches`.
        packed: the model's weights for `PackedBert`; None where the library's own pass is used.
    """

    config: EmbeddingConfig
    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    max_tokens: int
    tokens_per_batch: int
    packed: PackedBert | None

    @classmethod
    def load(cls, config: EmbeddingConfig, device: torch.device) -> "Encoder":
        """Load the model of a config onto a device.

        Args:
            config: which model, precision, batch size.
            device: from `resolve_device`.

        Raises:
            ModelError: the model cannot be loaded, or pools otherwise than the config says.
        """
        dtype = inference_dtype(device) if config.precision == "auto" else _DTYPES[config.precision]
        model, tokenizer = load_model(config, dtype)
        return cls(
            config=config,
            name=embedding_model_name(config),
            model=model.to(device),
            tokenizer=tokenizer,
            device=device,
            dtype=dtype,
            max_tokens=_longest_window(config, model, tokenizer),
            tokens_per_batch=config.tokens_per_batch or _TOKENS_PER_BATCH[device.type],
            packed=_packed(model, device),
        )

    def with_model(self, model: PreTrainedModel) -> "Encoder":
        """The same encoder with other weights, such as those of a fine-tuned model."""
        return replace(self, model=model, packed=_packed(model, self.device))

    def unscaled(self) -> "Encoder":
        """The same encoder, whose vectors keep the length they have."""
        return replace(self, config=replace(self.config, normalise=False))

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""
        return self.model.config.hidden_size

    def tokenise(self, texts: Sequence[str], *, as_query: bool = False) -> Tokens:
        """Tokens of each text, with the prefix its use asks for.

        Args:
            texts: any strings; an empty one has only the prefix and the model's start and end marks.
            as_query: whether the texts are looked for among others (`query_prefix`), not kept
                (`passage_prefix`).
        """
        prefix = self.config.query_prefix if as_query else self.config.passage_prefix
        return tokenise(
            [prefix + text for text in texts] if prefix else texts,
            self.tokenizer,
            max_tokens=self.max_tokens,
            window_overlap=self.config.window_overlap if self.config.long_texts == "windows" else None,
        )

    def encode(
        self, texts: Sequence[str], *, as_query: bool = False, progress: Progress | None = None
    ) -> np.ndarray:
        """Embed texts, each distinct one once.

        Args:
            texts: N strings.
            as_query: see `tokenise`.
            progress: called with (distinct texts done, distinct texts) after each batch.

        Returns:
            float32 (N, D) in the order of `texts`, of length 1 unless the config says otherwise.
        """
        place = {text: index for index, text in enumerate(dict.fromkeys(texts))}
        vectors_ND = self.encode_tokens(self.tokenise(list(place), as_query=as_query), progress)
        return vectors_ND[[place[text] for text in texts]]

    def encode_tokens(self, tokens: Tokens, progress: Progress | None = None) -> np.ndarray:
        """Embed texts that are already tokens, see `tokenise` and `encode`."""
        lengths_W = np.array([len(ids) for ids in tokens.windows], dtype=np.int64)
        vectors_WD = np.empty((len(lengths_W), self.dimension), dtype=np.float32)
        batches = plan_batches(lengths_W, self.tokens_per_batch)
        done = 0
        for batch, vectors_BD in self._run(batches, tokens.windows):
            vectors_WD[batch] = vectors_BD
            done += len(batch)
            if progress is not None:
                progress(tokens.text_count * done // len(lengths_W), tokens.text_count)
        vectors_ND = average_windows(vectors_WD, tokens.text_of, tokens.text_count)
        return to_unit_length(vectors_ND) if self.config.normalise else vectors_ND

    def _run(self, batches: list[np.ndarray], windows: list[list[int]]):
        if self.packed is not None:
            return on_all_cores(lambda batch: self._pool_packed([windows[index] for index in batch]), batches)
        return ((batch, self._pool_padded([windows[index] for index in batch])) for batch in batches)

    def _pool_packed(self, token_ids: list[list[int]]) -> np.ndarray:
        pool = POOLINGS[self.config.pooling]
        hidden = self.packed.last_hidden_states(token_ids)
        return torch.cat([pool(hidden_GLD) for hidden_GLD in hidden]).numpy()

    @torch.inference_mode()
    def _pool_padded(self, token_ids: list[list[int]]) -> np.ndarray:
        pad_id = self.tokenizer.pad_token_id
        ids_BL, mask_BL = pad_batch(token_ids, 0 if pad_id is None else pad_id)
        mask = torch.from_numpy(mask_BL).to(self.device)
        hidden_BLD = self.model(
            input_ids=torch.from_numpy(ids_BL).to(self.device), attention_mask=mask
        ).last_hidden_state
        return POOLINGS[self.config.pooling](hidden_BLD, mask).cpu().numpy()


def _packed(model: PreTrainedModel, device: torch.device) -> PackedBert | None:
    return PackedBert(model) if device.type == "cpu" and PackedBert.supports(model) else None


def _longest_window(
    config: EmbeddingConfig, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> int:
    """The setting, or the model's own limit where that is shorter: beyond it there are no positions."""
    positions = getattr(model.config, "max_position_embeddings", None) or config.max_tokens
    return min(config.max_tokens, positions, tokenizer.model_max_length)
