"""`ml.text_embeddings`: a vector for every distinct text, computed once."""

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.contracts import ml_contracts
from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import StepResult, fingerprint, run_step
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop
from python_ml.errors import ContractError

COLUMNS = ["text_hash", "embedding_model", "dimension", "embedding"]


def build_embedding_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    spec = dg.AssetSpec(
        ["ml", "text_embeddings"],
        deps=[get_asset_key_for_model([dbt_features], "item_texts")],
        group_name="ml",
        kinds={"python", "torch"},
        description="One row per distinct text and encoder: the vector a BERT-family model gives it.",
    )

    @dg.multi_asset(name="text_embeddings", specs=[spec], pool=WRITER_POOL, retry_policy=RETRIES)
    def text_embeddings(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _embed(context, shop)

    return [text_embeddings]


def _embed(context: dg.AssetExecutionContext, shop: Shop):
    config = shop.settings().embedding
    # The version is the encoder's: it does not change with the texts, so known vectors stay good.
    version = fingerprint(config, code="embedding", frames={})
    texts = shop.warehouse().read("features", "item_texts")
    known = _known_vectors(shop, version)
    is_current = texts["text_hash"].is_in(known["text_hash"].implode()).all()

    def compute() -> StepResult:
        from python_ml.embedding.texts import embed_missing_texts  # loads torch: only when there is work

        progress = Progress(what="texts embedded", write=context.log.info)
        embedded = embed_missing_texts(
            texts, set(known["text_hash"]), config, device=shop.settings().device, progress=progress
        )
        everything = pl.concat(
            [known.select(COLUMNS), embedded.frame.select(COLUMNS)], how="vertical_relaxed"
        )
        shown = {
            "texts embedded now": embedded.text_count,
            "tokens": embedded.token_count,
            "texts kept": known.height,
            "device": embedded.device,
            "precision": embedded.dtype,
        }
        return StepResult(tables={"text_embeddings": everything}, metadata={"text_embeddings": shown})

    yield from run_step(
        context, shop, version=version, tables=["text_embeddings"], compute=compute, is_current=is_current
    )


def _known_vectors(shop: Shop, version: str) -> pl.DataFrame:
    """Vectors made earlier by this very encoder; another version's are never mixed with them."""
    try:
        vectors = shop.warehouse().read("ml", "text_embeddings")
    except ContractError:
        return pl.DataFrame(schema=ml_contracts()["text_embeddings"].columns)
    return vectors.filter(pl.col("model_version") == version)
