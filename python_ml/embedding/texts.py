"""The frame layer over the encoder: embed each distinct text once."""

from collections.abc import Set
from dataclasses import dataclass

import polars as pl

from python_ml.config import EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder, Progress
from python_ml.embedding.locate import embedding_model_name
from python_ml.errors import ContractError

SCHEMA = {
    "text_hash": pl.String,
    "embedding_model": pl.String,
    "dimension": pl.Int32,
    "embedding": pl.List(pl.Float32),
}


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """What one run embedded.

    Args:
        frame: text_hash, embedding_model, dimension, embedding; only texts that had none yet.
        device: where it ran, such as "cpu".
        dtype: what it computed in, such as "bfloat16"; "none" when there was nothing to embed.
        text_count: rows of `frame`.
        token_count: tokens encoded, padding not counted.
    """

    frame: pl.DataFrame
    device: str
    dtype: str
    text_count: int
    token_count: int


def embed_missing_texts(
    item_texts: pl.DataFrame,
    known_hashes: Set[str],
    config: EmbeddingConfig,
    *,
    device: str,
    progress: Progress | None = None,
) -> EmbeddedTexts:
    """Embed the texts that have no vector of this model yet; with none missing the model is not even loaded.

    Args:
        item_texts: columns text_hash and text (String, not null); any number of rows may share a text.
        known_hashes: text_hash values that already have a vector under `embedding_model_name(config)`.
        config: the model and how it is used.
        device: setting for `resolve_device`.
        progress: called with (texts done, texts to do).

    Returns:
        The new rows, ordered by text_hash, so that the same texts give the same rows in the same order.

    Raises:
        ContractError: a column is missing or null, or one text_hash stands for two texts.
        DeviceError: the device is not there.
        ModelError: the model cannot be loaded.
    """
    texts = _distinct_texts(item_texts).filter(~pl.col("text_hash").is_in(list(known_hashes)))
    resolved = resolve_device(device)
    name = embedding_model_name(config)
    if texts.is_empty():
        return EmbeddedTexts(pl.DataFrame(schema=SCHEMA), str(resolved), "none", 0, 0)
    encoder = Encoder.load(config, resolved)
    token_ids = encoder.tokenise(texts["text"].to_list())
    vectors_ND = encoder.encode_tokens(token_ids, progress)
    frame = pl.DataFrame(
        {"text_hash": texts["text_hash"], "embedding": vectors_ND},
        schema_overrides={"embedding": pl.Array(pl.Float32, encoder.dimension)},
    ).select(
        "text_hash",
        pl.lit(name).alias("embedding_model"),
        pl.lit(encoder.dimension, dtype=pl.Int32).alias("dimension"),
        pl.col("embedding").arr.to_list(),
    )
    return EmbeddedTexts(
        frame=frame,
        device=str(resolved),
        dtype=str(encoder.dtype).removeprefix("torch."),
        text_count=frame.height,
        token_count=sum(len(ids) for ids in token_ids),
    )


def _distinct_texts(item_texts: pl.DataFrame) -> pl.DataFrame:
    """One row per text, ordered by hash; refuses a hash that stands for two texts."""
    missing = [name for name in ("text_hash", "text") if name not in item_texts.columns]
    if missing:
        raise ContractError(
            f"column {', '.join(missing)} is missing", where="item_texts", remedy="rebuild the feature tables"
        )
    texts = item_texts.select("text_hash", "text").unique()
    if texts.null_count().sum_horizontal().item() > 0:
        raise ContractError(
            "text_hash or text is null", where="item_texts", remedy="give every item a text, if only its id"
        )
    doubled = texts.filter(pl.col("text_hash").is_duplicated()).sort("text_hash", "text")
    if not doubled.is_empty():
        first, second = doubled["text"].head(2).to_list()
        raise ContractError(
            f"text_hash {doubled['text_hash'][0]} stands for {first!r} and for {second!r}",
            where="item_texts.text_hash",
            remedy="compute text_hash from text alone, after the last change to text",
        )
    return texts.sort("text_hash")
