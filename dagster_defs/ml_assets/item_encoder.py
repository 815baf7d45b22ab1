"""`ml.item_encoder_evaluations`: the encoder of item texts learns what is bought together, if that pays."""

import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    ITEM_ENCODER,
    StepResult,
    adapter_folder,
    carries_version,
    fingerprint,
    generation,
    read_as_of,
    run_step,
    taught_lesson,
)
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop
from dagster_defs.settings import Settings
from python_ml.finetuning.frames import NOT_ASKED, SESSIONS, evaluation_frame, reason_not_to_pair
from python_ml.finetuning.pairs import draw_pairs, find_baskets, split_baskets
from python_ml.recommender.frames import judged_from

if TYPE_CHECKING:
    from python_ml.finetuning.build import FineTuned

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
    is_wanted = SESSIONS in settings.finetuning.objectives
    orders = _read_orders(shop, settings, as_of) if is_wanted else None
    reason = NOT_ASKED
    if orders is not None:
        reason = reason_not_to_pair(orders.all, orders.taught, orders.judges, settings.finetuning)
    version = fingerprint(
        settings.finetuning,
        code="finetuning",
        frames={},
        embedding=settings.embedding,
        seed=settings.seed,
        lesson=reason or generation(orders.all.height, settings.finetuning.retrain_growth),
    )
    folder = adapter_folder(settings.paths, version)

    def compute() -> StepResult:
        if reason is not None:
            return _result(evaluation_frame(SESSIONS, settings.finetuning, {"verdict": reason}, None))
        lesson, _ = taught_lesson(folder, as_of, lambda: _teach(context, settings, orders))
        context.log.info(lesson.verdict.sentence())
        return _result(evaluation_frame(SESSIONS, settings.finetuning, lesson.facts, lesson.verdict))

    # What was learned may have been deleted since.
    is_current = folder.is_dir() and carries_version(shop, [ITEM_ENCODER], version, as_of)
    yield from run_step(
        context,
        shop,
        version=version,
        tables=[ITEM_ENCODER],
        compute=compute,
        is_current=is_current if reason is None else None,
    )


@dataclass(frozen=True, slots=True)
class _Orders:
    """Orders of different texts: all, those that teach, those that judge; and the text of each hash."""

    all: pl.DataFrame
    taught: pl.DataFrame
    judges: pl.DataFrame
    texts: dict[str, str]


def _read_orders(shop: Shop, settings: Settings, as_of: date) -> _Orders:
    interactions, item_texts = (shop.warehouse().read("features", name) for name in FEATURES)
    before = judged_from(interactions, as_of=as_of, window_days=settings.recommender.window_days)
    baskets = find_baskets(interactions, item_texts)
    taught, judges = split_baskets(baskets, settings.finetuning, before=before, seed=settings.seed)
    texts = dict(item_texts.select("text_hash", "text").unique("text_hash").iter_rows())
    return _Orders(baskets, taught, judges, texts)


def _teach(
    context: dg.AssetExecutionContext, settings: Settings, orders: _Orders
) -> tuple["FineTuned", pl.Series]:
    """What the encoder learned from orders, and the texts it learned from."""
    from python_ml.finetuning.build import fine_tune_on_sessions

    most = settings.finetuning.pairs_per_session
    pairs = [
        draw_pairs(part, pairs_per_session=most, seed=settings.seed)
        for part in (orders.taught, orders.judges)
    ]
    tuned = fine_tune_on_sessions(
        *(
            tuple([orders.texts[text] for text in part[side]] for side in ("left_hash", "right_hash"))
            for part in pairs
        ),
        settings.embedding,
        settings.finetuning,
        device=settings.device,
        seed=settings.seed,
        clock=time.monotonic,
        progress=Progress(what="training steps", write=context.log.info),
    )
    return tuned, pl.concat([pairs[0]["left_hash"], pairs[0]["right_hash"]]).unique().sort()


def _result(evaluation: pl.DataFrame) -> StepResult:
    return StepResult(
        tables={ITEM_ENCODER: evaluation}, metadata={ITEM_ENCODER: {"verdict": evaluation["verdict"][0]}}
    )
