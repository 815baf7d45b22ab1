"""`ml.item_encoder_evaluations`: the encoder of item texts learns what is bought together, if that pays."""

import time
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    ITEM_ENCODER,
    StepResult,
    adapter_folder,
    fingerprint,
    generation,
    read_as_of,
    run_step,
)
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop
from dagster_defs.settings import Settings
from python_ml.errors import ContractError
from python_ml.finetuning.frames import SESSIONS, evaluation_frame, reason_not_to_pair
from python_ml.finetuning.pairs import draw_pairs, find_baskets, split_baskets
from python_ml.recommender.frames import judged_from

FEATURES = ["interactions", "item_texts"]


def build_item_encoder_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    spec = dg.AssetSpec(
        ["ml", ITEM_ENCODER],
        deps=[get_asset_key_for_model([dbt_features], name) for name in FEATURES],
        group_name="ml",
        kinds={"python", "torch"},
        description="One row: whether the encoder of item texts has learned what is bought together.",
    )

    @dg.multi_asset(name=ITEM_ENCODER, specs=[spec], pool=WRITER_POOL, retry_policy=RETRIES)
    def item_encoder(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [item_encoder]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings, as_of = shop.settings(), read_as_of(shop)
    interactions, item_texts = (shop.warehouse().read("features", name) for name in FEATURES)
    before = judged_from(interactions, as_of=as_of, window_days=settings.recommender.window_days)
    baskets = find_baskets(interactions, item_texts)
    taught, judges = split_baskets(baskets, settings.finetuning, before=before, seed=settings.seed)
    reason = reason_not_to_pair(baskets, taught, judges, settings.finetuning)
    version = fingerprint(
        settings.finetuning,
        code="finetuning",
        frames={},
        embedding=settings.embedding,
        seed=settings.seed,
        lesson=reason or generation(baskets.height, settings.finetuning.retrain_growth),
    )
    folder = adapter_folder(settings.paths, version)

    def compute() -> StepResult:
        if reason is not None:
            return _result(evaluation_frame(SESSIONS, settings.finetuning, {"verdict": reason}, None))
        from python_ml.finetuning.store import load_lesson  # torch: only when there is work

        lesson = load_lesson(folder)
        # A run for an earlier day must not use what was learned later.
        if lesson is None or lesson.as_of_date > as_of:
            _teach(context, settings, taught, judges, item_texts, folder, as_of)
            lesson = load_lesson(folder)
        context.log.info(lesson.verdict.sentence())
        return _result(evaluation_frame(SESSIONS, settings.finetuning, lesson.facts, lesson.verdict))

    current = _is_current(shop, version, folder) if reason is None else None
    yield from run_step(
        context, shop, version=version, tables=[ITEM_ENCODER], compute=compute, is_current=current
    )


def _is_current(shop: Shop, version: str, folder: Path) -> bool:
    """Whether this version has judged itself and what it learned is still there."""
    try:
        judged = shop.warehouse().read("ml", ITEM_ENCODER)
    except ContractError:
        return False  # no table yet
    return folder.is_dir() and judged.select("model_version", "as_of_date").rows() == [
        (version, read_as_of(shop))
    ]


def _teach(
    context: dg.AssetExecutionContext,
    settings: Settings,
    taught: pl.DataFrame,
    judges: pl.DataFrame,
    item_texts: pl.DataFrame,
    folder: Path,
    as_of: date,
) -> None:
    from python_ml.finetuning.build import fine_tune_on_sessions
    from python_ml.finetuning.store import save_lesson

    text_of = dict(item_texts.select("text_hash", "text").unique("text_hash").iter_rows())
    most = settings.finetuning.pairs_per_session
    pairs = [draw_pairs(part, pairs_per_session=most, seed=settings.seed) for part in (taught, judges)]
    tuned = fine_tune_on_sessions(
        *(
            tuple([text_of[text] for text in part[side]] for side in ("left_hash", "right_hash"))
            for part in pairs
        ),
        settings.embedding,
        settings.finetuning,
        device=settings.device,
        seed=settings.seed,
        clock=time.monotonic,
        progress=Progress(what="training steps", write=context.log.info),
    )
    texts = pl.concat([pairs[0]["left_hash"], pairs[0]["right_hash"]]).unique().sort()
    save_lesson(folder, tuned, texts, as_of)


def _result(evaluation: pl.DataFrame) -> StepResult:
    return StepResult(
        tables={ITEM_ENCODER: evaluation}, metadata={ITEM_ENCODER: {"verdict": evaluation["verdict"][0]}}
    )
