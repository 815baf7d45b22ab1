"""`ml.review_sentiment`, `ml.review_aspects`, `ml.sentiment_evaluation`: how those who write reviews feel."""

from collections.abc import Callable
from functools import cache

import dagster as dg
import numpy as np
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.reviews import NO_TEXTS, named_by_hash, read_reviews
from dagster_defs.ml_assets.step import (
    StepResult,
    fingerprint,
    markdown_table,
    nothing_to_do,
    run_step,
    save_model,
)
from dagster_defs.resources import Shop
from dagster_defs.settings import Settings
from python_ml.sentiment.labelled import read_labelled_texts

DESCRIPTIONS = {
    "review_sentiment": "One row per review with a text: polarity, label, and how sure that is.",
    "review_aspects": "One row per review and aspect it speaks of: price, quality, delivery and so on.",
    "sentiment_evaluation": "One row per candidate and metric: how well it read reviews it had not seen.",
}


def build_sentiment_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    deps = [
        get_asset_key_for_model([dbt_features], "review_texts"),
        ["ml", "text_embeddings"],
        ["ml", "tuned_scores"],
    ]
    specs = [
        dg.AssetSpec(
            ["ml", name], deps=deps, group_name="ml", kinds={"python", "scikitlearn"}, description=text
        )
        for name, text in DESCRIPTIONS.items()
    ]

    @dg.multi_asset(name="sentiment", specs=specs, pool=WRITER_POOL, retry_policy=RETRIES)
    def sentiment(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [sentiment]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    inputs = read_reviews(shop)
    tuned = shop.warehouse().read("ml", "tuned_scores", columns=["text_hash", "score", "is_held_out"])
    file = settings.sentiment.labelled_texts
    others = {"tuned_scores": tuned, "labelled": None if file is None else read_labelled_texts(file)}
    frames = named_by_hash(inputs) | {name: frame for name, frame in others.items() if frame is not None}
    version = fingerprint(settings.sentiment, code="sentiment", frames=frames, seed=settings.seed)

    def compute() -> StepResult:
        if inputs["review_texts"].is_empty():
            return nothing_to_do(list(DESCRIPTIONS), NO_TEXTS)
        from dagster_defs.figures import as_metadata
        from python_ml.sentiment.build import build_sentiment

        result = build_sentiment(
            **inputs,
            **others,
            config=settings.sentiment,
            seed=settings.seed,
            encode=_encode(settings),
            progress=context.log.info,
        )
        save_model(settings.paths, "sentiment", version, result.model_arrays)
        labels = result.review_sentiment.group_by("sentiment_label", "sentiment_method").len("reviews")
        plots = {name: as_metadata(figure) for name, figure in result.plots.items()}
        return StepResult(
            tables={name: getattr(result, name) for name in DESCRIPTIONS},
            metadata={
                "review_sentiment": {"labels": markdown_table(labels.sort("reviews", descending=True))},
                "sentiment_evaluation": plots
                | {"on reviews held out": markdown_table(result.sentiment_evaluation)},
            },
        )

    yield from run_step(context, shop, version=version, tables=list(DESCRIPTIONS), compute=compute)


def _encode(settings: Settings) -> Callable[[list[str]], np.ndarray]:
    """Vectors of texts that are in no table; the model is loaded when the first are asked for."""

    @cache
    def encoder():
        from python_ml.device import resolve_device
        from python_ml.embedding.encoder import Encoder

        return Encoder.load(settings.embedding, resolve_device(settings.device))

    return lambda texts: encoder().encode(texts)
