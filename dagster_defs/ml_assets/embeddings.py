"""`ml.text_embeddings`: a vector for every distinct text, computed once, written as it comes.

Items and reviews share an encoder, unless that of items has learned what is bought together.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from functools import partial

import dagster as dg
import polars as pl
import pyarrow as pa
from dagster_dbt import get_asset_key_for_model

from dagster_defs.contracts import ml_contracts
from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import ITEM_ENCODER, UNCHANGED, encoder_of, encoder_version, read_as_of
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop
from dagster_defs.warehouse import Warehouse
from python_ml.config import EmbeddingConfig
from python_ml.errors import ContractError

FEATURES = ["item_texts", "review_texts"]
TABLE = "text_embeddings"


def build_embedding_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    spec = dg.AssetSpec(
        ["ml", TABLE],
        deps=[*(get_asset_key_for_model([dbt_features], name) for name in FEATURES), ["ml", ITEM_ENCODER]],
        group_name="ml",
        kinds={"python", "torch"},
        description="One row per distinct text and encoder: the vector a BERT-family model gives it.",
    )

    @dg.multi_asset(name=TABLE, specs=[spec], pool=WRITER_POOL, retry_policy=RETRIES)
    def text_embeddings(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield _embed(context, shop)

    return [text_embeddings]


def _embed(context: dg.AssetExecutionContext, shop: Shop) -> dg.MaterializeResult:
    started = time.monotonic()
    settings, warehouse, as_of = shop.settings(), shop.warehouse(), read_as_of(shop)
    tables_of: dict[EmbeddingConfig, list[str]] = {}
    for texts in FEATURES:
        tables_of.setdefault(encoder_of(shop, texts), []).append(texts)
    version_of = {encoder: encoder_version(encoder) for encoder in tables_of}
    drop_other_versions(warehouse, version_of.values())
    missing = {
        encoder: warehouse.count_texts_without_vector(tables, version_of[encoder])
        for encoder, tables in tables_of.items()
    }
    shown, total, before = {"work done": UNCHANGED}, sum(missing.values()), 0
    progress = Progress(what="texts embedded", write=context.log.info)
    for encoder, tables in tables_of.items():
        if missing[encoder]:
            count = partial(_count, progress, before, total)
            shown = embed_missing(
                warehouse, tables, encoder, settings.device, version_of[encoder], as_of, count
            )
            before += missing[encoder]
    if not total:
        context.log.info(f"{TABLE}: {UNCHANGED}")
    seconds = time.monotonic() - started
    rates = {"texts embedded now": total, "texts per second": round(total / seconds, 1)} if total else {}
    version = ", ".join(version_of.values())
    common = {"model_version": version, "as_of_date": str(as_of), "seconds": round(seconds, 1)}
    rows = warehouse.row_counts().get(f"ml.{TABLE}", 0)
    return dg.MaterializeResult(
        metadata=common | shown | rates | {"dagster/row_count": rows}, data_version=dg.DataVersion(version)
    )


def _count(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def drop_other_versions(warehouse: Warehouse, versions: Collection[str]) -> None:
    """Vectors of another encoder, or of another setting of it, are never mixed with those of today's."""
    try:
        found = set(warehouse.read_distinct("ml", TABLE, columns=["model_version"])["model_version"])
    except ContractError:
        warehouse.replace({TABLE: pl.DataFrame(schema=ml_contracts()[TABLE].columns)})
        return
    if found - set(versions):
        warehouse.keep_versions(TABLE, versions)


def embed_missing(
    warehouse: Warehouse,
    tables: Sequence[str],
    config: EmbeddingConfig,
    device: str,
    version: str,
    as_of: date,
    progress: Callable[[int], None],
) -> dict[str, str]:
    """Each chunk is written before the next is embedded: a run that is killed keeps what it wrote."""
    from python_ml.device import inference_dtype, resolve_device  # torch: only when there is work
    from python_ml.embedding.arrow import ArrowEmbedder

    chunks = _missing_chunks(warehouse, tables, version, config.texts_per_chunk)
    for batch in ArrowEmbedder(config, device, progress)(chunks):
        frame = pl.from_arrow(pa.Table.from_batches([batch]))
        warehouse.append(TABLE, frame.with_columns(model_version=pl.lit(version), as_of_date=pl.lit(as_of)))
    resolved = resolve_device(device)
    automatic = config.precision == "auto"
    precision = str(inference_dtype(resolved)).removeprefix("torch.") if automatic else config.precision
    return {"device": str(resolved), "precision": precision}


def _missing_chunks(
    warehouse: Warehouse, tables: Sequence[str], version: str, rows: int
) -> Iterator[pa.RecordBatch]:
    """One read a chunk, so that nobody holds the warehouse while vectors are computed."""
    after = ""
    while (chunk := warehouse.texts_without_vector(tables, version, after=after, limit=rows)).num_rows:
        after = chunk["text_hash"][-1].as_py()
        yield from chunk.combine_chunks().to_batches()
