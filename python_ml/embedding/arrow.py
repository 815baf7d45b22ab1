"""Texts in Arrow batches become vectors in Arrow batches: what a warehouse or a Spark executor streams
through.

Memory holds one chunk of texts and its vectors, however many there are in all.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from python_ml.config import EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder, Progress
from python_ml.embedding.tokens import Tokens
from python_ml.errors import ContractError

SCHEMA = pa.schema(
    [
        pa.field("text_hash", pa.string(), nullable=False),
        pa.field("embedding_model", pa.string(), nullable=False),
        pa.field("dimension", pa.int32(), nullable=False),
        pa.field("embedding", pa.list_(pa.float32()), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class ArrowEmbedder:
    """Embeds batches of texts, each distinct one once in a chunk. Pickles: the model is loaded where it runs.

    In Spark: `texts.mapInArrow(ArrowEmbedder(config), "text_hash string, embedding_model string, dimension
    int, embedding array<float>")`.

    Args:
        config: the model, and how many texts a chunk holds.
        device: setting for `resolve_device`.
        progress: called with the number of distinct texts done so far, all chunks counted.
    """

    config: EmbeddingConfig
    device: str = "auto"
    progress: Callable[[int], None] | None = None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Embed texts as they come.

        Args:
            batches: columns text_hash and text (string, not null), others are ignored. A model is loaded when
                the first text comes.

        Yields:
            One batch of `SCHEMA` a chunk: a row for each distinct text_hash of it, in order of first sight.

        Raises:
            ContractError: a column is missing or null, or one text_hash stands for two texts of a chunk.
            DeviceError: the device is not there.
            ModelError: the model cannot be loaded.
        """
        device = resolve_device(self.device)
        chunks = _chunks(batches, self.config.texts_per_chunk)
        first = next(chunks, None)
        if first is None:
            return
        encoder = Encoder.load(self.config, device)
        # Tokenising is Rust's work on one core, done while the model computes the chunk before.
        with ThreadPoolExecutor(1) as ahead:
            waiting = ahead.submit(encoder.tokenise, first["text"].to_pylist())
            current, done = first, 0
            while current is not None:
                following = next(chunks, None)
                tokens = waiting.result()
                if following is not None:
                    waiting = ahead.submit(encoder.tokenise, following["text"].to_pylist())
                yield _embedded(current, tokens, encoder, self._count_from(done))
                done += current.num_rows
                current = following

    def _count_from(self, before: int) -> Progress:
        """Counts on over all chunks what the encoder counts in one."""

        def count(done: int, _: int) -> None:
            if self.progress is not None:
                self.progress(before + done)

        return count


def _embedded(chunk: pa.Table, tokens: Tokens, encoder: Encoder, progress: Progress) -> pa.RecordBatch:
    vectors_ND = encoder.encode_tokens(tokens, progress)
    rows = len(vectors_ND)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(vectors_ND.ravel()), encoder.dimension)
    columns = [
        chunk["text_hash"].combine_chunks(),
        pa.repeat(encoder.name, rows),
        pa.repeat(pa.scalar(encoder.dimension, pa.int32()), rows),
        vectors.cast(pa.list_(pa.float32())),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _chunks(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Tables of about this many rows: small batches are put together, large ones cut."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(_checked(batch))
        while sum(part.num_rows for part in held) >= rows:
            table = pa.Table.from_batches(held)
            yield _distinct_texts(table.slice(0, rows))
            held = table.slice(rows).to_batches()
    if sum(part.num_rows for part in held):
        yield _distinct_texts(pa.Table.from_batches(held))


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    if missing := [name for name in ("text_hash", "text") if name not in batch.schema.names]:
        raise ContractError(
            f"column {', '.join(missing)} is missing", where="the texts", remedy="rebuild the feature tables"
        )
    chosen = batch.select(["text_hash", "text"])
    if any(column.null_count for column in chosen.columns):
        raise ContractError(
            "text_hash or text is null", where="the texts", remedy="leave rows without a text out"
        )
    return chosen.cast(pa.schema([("text_hash", pa.string()), ("text", pa.string())]))


def _distinct_texts(texts: pa.Table) -> pa.Table:
    """One row a text, in order of first sight.

    Raises:
        ContractError: one text_hash stands for two texts.
    """
    distinct = (
        texts.select(["text_hash", "text"]).group_by(["text_hash", "text"], use_threads=False).aggregate([])
    )
    if distinct.num_rows > pc.count_distinct(distinct["text_hash"]).as_py():
        counts = distinct.group_by("text_hash").aggregate([("text", "count")])
        doubled = counts.filter(pc.greater(counts["text_count"], 1))["text_hash"][0]
        # Which texts is not said: customers may have written them.
        raise ContractError(
            f"text_hash {doubled} stands for more than one text",
            where="the texts, column text_hash",
            remedy="compute text_hash from text alone, after the last change to text",
        )
    return distinct
