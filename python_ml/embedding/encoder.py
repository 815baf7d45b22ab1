"""A sentence encoder: texts in, unit-length vectors out.

Shapes: N texts, B texts of a batch, L tokens, D dimensions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from python_ml.config import EmbeddingConfig
from python_ml.device import inference_dtype
from python_ml.embedding.batching import pad_batch, plan_batches
from python_ml.embedding.load import load_model
from python_ml.embedding.locate import embedding_model_name
from python_ml.embedding.pooling import mean_pool, to_unit_length

Progress = Callable[[int, int], None]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Encoder:
    """A loaded model. Make one with `Encoder.load`.

    Args:
        name: the key its vectors are kept under, see `embedding_model_name`.
        device: where it computes.
        dtype: what it computes in; vectors leave as float32 either way.
        max_tokens: longer texts are cut to this.
        tokens_per_batch: see `plan_batches`.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    max_tokens: int
    tokens_per_batch: int

    @classmethod
    def load(cls, config: EmbeddingConfig, device: torch.device) -> "Encoder":
        """Load the model of a config onto a device.

        Args:
            config: which model, precision, batch size.
            device: from `resolve_device`.

        Raises:
            ModelError: the model cannot be loaded.
        """
        dtype = inference_dtype(device) if config.precision == "auto" else _DTYPES[config.precision]
        model, tokenizer = load_model(config, dtype)
        return cls(
            name=embedding_model_name(config),
            model=model.to(device),
            tokenizer=tokenizer,
            device=device,
            dtype=dtype,
            max_tokens=_longest_text(config, model, tokenizer),
            tokens_per_batch=config.tokens_per_batch,
        )

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""
        return self.model.config.hidden_size

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut to `max_tokens`, without padding.

        Args:
            texts: any strings; an empty one has only the model's start and end marks.
        """
        if not texts:
            return []
        encoded = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_tokens,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return encoded["input_ids"]

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> np.ndarray:
        """Embed texts.

        Args:
            texts: N strings.
            progress: called with (texts done, N) after each batch.

        Returns:
            float32 (N, D) in the order of `texts`, each row of length 1.
        """
        return self.encode_tokens(self.tokenise(texts), progress)

    @torch.inference_mode()
    def encode_tokens(self, token_ids: list[list[int]], progress: Progress | None = None) -> np.ndarray:
        """Embed texts that are already tokens, see `tokenise` and `encode`."""
        lengths = np.array([len(ids) for ids in token_ids], dtype=np.int64)
        vectors_ND = np.empty((len(token_ids), self.dimension), dtype=np.float32)
        done = 0
        for batch in plan_batches(lengths, self.tokens_per_batch):
            vectors_ND[batch] = self._encode_batch([token_ids[index] for index in batch])
            done += len(batch)
            if progress is not None:
                progress(done, len(token_ids))
        return vectors_ND

    def _encode_batch(self, token_ids: list[list[int]]) -> np.ndarray:
        pad_id = self.tokenizer.pad_token_id
        ids_BL, mask_BL = pad_batch(token_ids, 0 if pad_id is None else pad_id)
        mask = torch.from_numpy(mask_BL).to(self.device)
        hidden = self.model(
            input_ids=torch.from_numpy(ids_BL).to(self.device), attention_mask=mask
        ).last_hidden_state
        return to_unit_length(mean_pool(hidden, mask)).cpu().numpy()


def _longest_text(config: EmbeddingConfig, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The setting, or the model's own limit where that is shorter: beyond it there are no positions."""
    positions = getattr(model.config, "max_position_embeddings", None) or config.max_tokens
    return min(config.max_tokens, positions, tokenizer.model_max_length)
