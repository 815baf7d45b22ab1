"""`ml.encoder_evaluations`, `ml.tuned_scores`: the encoder learns from the shop, and is used if that paid."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
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
from python_ml.errors import ContractError
from python_ml.finetuning.frames import RATINGS, evaluation_frame, reason_to_stay, split_rated_texts

if TYPE_CHECKING:
    from python_ml.finetuning.build import FineTuned

DESCRIPTIONS = {
    "encoder_evaluations": "One row per way the encoder may learn from the shop, and what became of it.",
    "tuned_scores": "One row per distinct text of a review: what the fine-tuned encoder says of it.",
}
SCORES_SCHEMA = {"text_hash": pl.String, "score": pl.Float64, "is_held_out": pl.Boolean}


def build_finetuning_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    deps = [get_asset_key_for_model([dbt_features], "review_texts")]
    specs = [
        dg.AssetSpec(["ml", name], deps=deps, group_name="ml", kinds={"python", "torch"}, description=text)
        for name, text in DESCRIPTIONS.items()
    ]

    @dg.multi_asset(name="finetuning", specs=specs, pool=WRITER_POOL, retry_policy=RETRIES)
    def finetuning(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [finetuning]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    texts = shop.warehouse().read("features", "review_texts")
    rated = split_rated_texts(texts, settings.finetuning, settings.sentiment, seed=settings.seed)
    reason = reason_to_stay(rated, settings.finetuning)
    # Not of the texts themselves: a few more of them are no cause to learn anew.
    version = fingerprint(
        settings.finetuning,
        code="finetuning",
        frames={},
        embedding=settings.embedding,
        opinions=(settings.sentiment.negative_rating, settings.sentiment.positive_rating),
        seed=settings.seed,
        lesson=reason or generation(rated.height, settings.finetuning.retrain_growth),
    )

    def compute() -> StepResult:
        if reason is not None:
            frame = evaluation_frame(RATINGS, settings.finetuning, {"verdict": reason}, None)
            return _result(frame, pl.DataFrame(schema=SCORES_SCHEMA))
        return _learn(context, shop, settings, texts, rated, version)

    current = _is_current(shop, texts, version) if reason is None else None
    yield from run_step(
        context, shop, version=version, tables=list(DESCRIPTIONS), compute=compute, is_current=current
    )


def _is_current(shop: Shop, texts: pl.DataFrame, version: str) -> bool:
    """Whether this version has judged itself and, if it is used, has read every text."""
    if not carries_version(shop, ["encoder_evaluations"], version, read_as_of(shop)):
        return False
    judged = shop.warehouse().read("ml", "encoder_evaluations")
    if not judged["is_used"].all():
        return True
    return texts.join(_known_scores(shop, version), on="text_hash", how="anti").is_empty()


def _known_scores(shop: Shop, version: str) -> pl.DataFrame:
    try:
        scores = shop.warehouse().read("ml", "tuned_scores")
    except ContractError:
        return pl.DataFrame(schema=SCORES_SCHEMA)  # no table yet
    return scores.filter(pl.col("model_version") == version).select(*SCORES_SCHEMA)


def _learn(
    context: dg.AssetExecutionContext,
    shop: Shop,
    settings: Settings,
    texts: pl.DataFrame,
    rated: pl.DataFrame,
    version: str,
) -> StepResult:
    folder = adapter_folder(settings.paths, version)
    lesson, is_new = taught_lesson(folder, read_as_of(shop), lambda: _teach(context, settings, rated))
    known = pl.DataFrame(schema=SCORES_SCHEMA) if is_new else _known_scores(shop, version)
    context.log.info(lesson.verdict.sentence())
    frame = evaluation_frame(RATINGS, settings.finetuning, lesson.facts, lesson.verdict)
    if not lesson.verdict.is_better:
        return _result(frame, pl.DataFrame(schema=SCORES_SCHEMA))
    new = texts.join(known, on="text_hash", how="anti").select("text_hash", "text").unique("text_hash")
    return _result(frame, pl.concat([known, _scores(context, settings, new, lesson.taught, folder)]))


def _teach(
    context: dg.AssetExecutionContext, settings: Settings, rated: pl.DataFrame
) -> tuple["FineTuned", pl.Series]:
    """What the encoder learned from ratings, and the texts it learned from."""
    from python_ml.finetuning.build import fine_tune_on_ratings

    taught, judges = (rated.filter(role) for role in ("is_taught", "is_judge"))
    tuned = fine_tune_on_ratings(
        (taught["text"].to_list(), taught["is_positive"].to_numpy()),
        (judges["text"].to_list(), judges["is_positive"].to_numpy()),
        settings.embedding,
        settings.finetuning,
        device=settings.device,
        seed=settings.seed,
        clock=time.monotonic,
        progress=Progress(what="training steps", write=context.log.info),
    )
    return tuned, taught["text_hash"]


def _scores(
    context: dg.AssetExecutionContext,
    settings: Settings,
    texts: pl.DataFrame,
    taught: pl.Series,
    folder: Path,
) -> pl.DataFrame:
    from python_ml.finetuning.store import load_reader

    reader = load_reader(folder, settings.embedding, settings.device)
    progress = Progress(what="texts read by the fine-tuned encoder", write=context.log.info)
    scores = reader.score(texts["text"].to_list(), progress)
    return texts.select(
        "text_hash",
        score=pl.Series(scores, dtype=pl.Float64),
        is_held_out=~pl.col("text_hash").is_in(taught.implode()),
    )


def _result(evaluation: pl.DataFrame, scores: pl.DataFrame) -> StepResult:
    verdict = {"verdict": evaluation["verdict"][0]}
    return StepResult(
        tables={"encoder_evaluations": evaluation, "tuned_scores": scores},
        metadata={"encoder_evaluations": verdict, "tuned_scores": verdict},
    )
