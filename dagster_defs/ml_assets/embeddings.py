"""`ml.text_embeddings`: a vector for every distinct text, computed once, written as it comes."""

import time
from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl
import pyarrow as pa
from dagster_dbt import get_asset_key_for_model

from dagster_defs.contracts import ml_contracts
from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import UNCHANGED, fingerprint, read_as_of
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
        deps=[get_asset_key_for_model([dbt_features], name) for name in FEATURES],
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
    # The version is the encoder's: it does not change with the texts, so known vectors stay good.
    version = fingerprint(settings.embedding, code="embedding", frames={})
    drop_other_versions(warehouse, version)
    missing = warehouse.count_texts_without_vector(FEATURES, version)
    if missing:
        progress = Progress(what="texts embedded", write=context.log.info)
        shown = embed_missing(
            warehouse,
            settings.embedding,
            settings.device,
            version,
            as_of,
            lambda done: progress(done, missing),
        )
    else:
        context.log.info(f"{TABLE}: {UNCHANGED}")
        shown = {"work done": UNCHANGED}
    seconds = time.monotonic() - started
    rates = (
        {"texts embedded now": missing, "texts per second": round(missing / seconds, 1)} if missing else {}
    )
    common = {"model_version": version, "as_of_date": str(as_of), "seconds": round(seconds, 1)}
    rows = warehouse.row_counts().get(f"ml.{TABLE}", 0)
    return dg.MaterializeResult(
        metadata=common | shown | rates | {"dagster/row_count": rows}, data_version=dg.DataVersion(version)
    )


def drop_other_versions(warehouse: Warehouse, version: str) -> None:
    """Vectors of another encoder, or of another setting of it, are never mixed with this one's."""
    try:
        versions = set(warehouse.read("ml", TABLE, columns=["model_version"])["model_version"].unique())
    except ContractError:
        versions = None  # no table yet
    if versions is None or versions - {version}:
        warehouse.replace({TABLE: pl.DataFrame(schema=ml_contracts()[TABLE].columns)})


def embed_missing(
    warehouse: Warehouse, config: EmbeddingConfig, device: str, version: str, as_of: date, progress
) -> dict[str, str]:
    """Each chunk is written before the next is embedded: a run that is killed keeps what it wrote."""
    from python_ml.device import inference_dtype, resolve_device  # torch: only when there is work
    from python_ml.embedding.arrow import ArrowEmbedder

    chunks = _missing_chunks(warehouse, version, config.texts_per_chunk)
    for batch in ArrowEmbedder(config, device, progress)(chunks):
        frame = pl.from_arrow(pa.Table.from_batches([batch]))
        warehouse.append(TABLE, frame.with_columns(model_version=pl.lit(version), as_of_date=pl.lit(as_of)))
    resolved = resolve_device(device)
    automatic = config.precision == "auto"
    precision = str(inference_dtype(resolved)).removeprefix("torch.") if automatic else config.precision
    return {"device": str(resolved), "precision": precision}


def _missing_chunks(warehouse: Warehouse, version: str, rows: int) -> Iterator[pa.RecordBatch]:
    """One read a chunk, so that nobody holds the warehouse while vectors are computed."""
    after = ""
    while (chunk := warehouse.texts_without_vector(FEATURES, version, after=after, limit=rows)).num_rows:
        after = chunk["text_hash"][-1].as_py()
        yield from chunk.combine_chunks().to_batches()
