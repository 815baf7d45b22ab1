"""Texts become tokens: prefix, the model's limit, and windows over what is longer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Tokens:
    """N texts as W windows of token ids; W is N unless long texts have several.

    Args:
        windows: W lists of ids, each with the model's start and end marks.
        text_of: integer (W,), the text each window is of, in the order of the texts.
        text_count: N.
    """

    windows: list[list[int]]
    text_of: np.ndarray
    text_count: int

    @property
    def token_count(self) -> int:
        """All tokens, marks included."""
        return sum(map(len, self.windows))


def tokenise(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_tokens: int,
    window_overlap: int | None,
) -> Tokens:
    """Turn texts into tokens, without padding.

    Args:
        texts: any strings; an empty one has only the model's start and end marks.
        tokenizer: the model's own.
        max_tokens: tokens in a window at most, marks included.
        window_overlap: tokens that two windows of one text share; None cuts long texts to one window.
    """
    if not texts:
        return Tokens([], np.zeros(0, dtype=np.int64), 0)
    windows = window_overlap is not None
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_tokens,
        stride=window_overlap if windows else 0,
        return_overflowing_tokens=windows,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    text_of = encoded["overflow_to_sample_mapping"] if windows else range(len(texts))
    return Tokens(encoded["input_ids"], np.asarray(text_of, dtype=np.int64), len(texts))
