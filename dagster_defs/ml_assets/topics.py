"""`ml.review_topics`, `ml.topic_profiles`: what customers write about."""

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.reviews import NO_TEXTS, named_by_hash, read_reviews
from dagster_defs.ml_assets.step import (
    StepResult,
    fingerprint,
    load_newest_model,
    markdown_table,
    nothing_to_do,
    run_step,
    save_model,
)
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop

DESCRIPTIONS = {
    "review_topics": "One row per review with a text: the topic it belongs to, or that it fits none.",
    "topic_profiles": "One row per topic: name, words, examples and size.",
}


def build_topic_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    deps = [get_asset_key_for_model([dbt_features], "review_texts"), ["ml", "text_embeddings"]]
    specs = [
        dg.AssetSpec(
            ["ml", name], deps=deps, group_name="ml", kinds={"python", "scikitlearn"}, description=text
        )
        for name, text in DESCRIPTIONS.items()
    ]

    @dg.multi_asset(name="topics", specs=specs, pool=WRITER_POOL, retry_policy=RETRIES)
    def topics(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [topics]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    inputs = read_reviews(shop)
    # The run before is no cause to run again: it lends its ids to topics that are still there.
    version = fingerprint(settings.topics, code="topics", frames=named_by_hash(inputs), seed=settings.seed)

    def compute() -> StepResult:
        if inputs["review_texts"].is_empty():
            return nothing_to_do(list(DESCRIPTIONS), NO_TEXTS)
        from dagster_defs.figures import as_metadata
        from python_ml.topics.build import build_topics
        from python_ml.topics.model import TopicModel

        arrays = load_newest_model(settings.paths, "topics")
        result = build_topics(
            **inputs,
            previous=None if arrays is None else TopicModel.from_arrays(arrays),
            config=settings.topics,
            seed=settings.seed,
            progress=Progress(what="numbers of topics tried", write=context.log.info),
        )
        save_model(settings.paths, "topics", version, result.model.arrays())
        plots = {name: as_metadata(figure) for name, figure in result.plots.items()}
        shown = result.topic_profiles.sort("review_count", descending=True).select(
            "topic_id", "topic_name", "review_count", pl.col("topic_words").alias("words")
        )
        return StepResult(
            tables={name: getattr(result, name) for name in DESCRIPTIONS},
            metadata={"topic_profiles": plots | {"topics": markdown_table(shown)}},
        )

    yield from run_step(context, shop, version=version, tables=list(DESCRIPTIONS), compute=compute)
