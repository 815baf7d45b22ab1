"""`ml.model_evaluations`, then `ml.recommendations` and `ml.similar_items` by the models that did best."""

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    StepResult,
    fingerprint,
    markdown_table,
    read_as_of,
    read_inputs,
    run_step,
    save_model,
)
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop

EVALUATED_ON = ["interactions", "item_features", "item_texts"]
RECOMMENDED_FROM = ["interactions", "user_features", "item_features", "item_texts"]


def build_recommender_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    features = {name: get_asset_key_for_model([dbt_features], name) for name in RECOMMENDED_FROM}
    written = [["ml", "text_embeddings"], ["ml", "user_cohorts"]]
    kinds = {"python", "torch"}
    evaluations = dg.AssetSpec(
        ["ml", "model_evaluations"],
        deps=[features[name] for name in EVALUATED_ON] + written,
        group_name="ml",
        kinds=kinds,
        description="One row per model, list, cohort, metric and cutoff: how well it foresaw the newest.",
    )
    recommendations = dg.AssetSpec(
        ["ml", "recommendations"],
        deps=[*features.values(), *written, evaluations.key],
        group_name="ml",
        kinds=kinds,
        description="One row per user, list and rank: what to show, and why.",
    )
    similar_items = dg.AssetSpec(
        ["ml", "similar_items"],
        deps=recommendations.deps,
        group_name="ml",
        kinds=kinds,
        description="One row per item and rank: the items most like it.",
    )
    common = {"pool": WRITER_POOL, "retry_policy": RETRIES}

    @dg.multi_asset(name="model_evaluations", specs=[evaluations], **common)
    def evaluate(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _evaluate(context, shop)

    @dg.multi_asset(name="recommendations", specs=[recommendations, similar_items], **common)
    def recommend(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _recommend(context, shop)

    return [evaluate, recommend]


def _evaluate(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    inputs = read_inputs(shop, EVALUATED_ON, written=["user_cohorts"])
    version = fingerprint(settings.recommender, code="recommender", frames=inputs, seed=settings.seed)

    def compute() -> StepResult:
        from dagster_defs.figures import as_metadata
        from python_ml.recommender.evaluate import evaluate_recommenders, headline

        result = evaluate_recommenders(
            **inputs,
            config=settings.recommender,
            as_of=read_as_of(shop),
            device=settings.device,
            seed=settings.seed,
            in_force=_champions_before(shop),
            progress=Progress(what="models evaluated", write=context.log.info),
        )
        shown = {name: as_metadata(figure) for name, figure in result.plots.items()}
        shown |= {"on the last window": markdown_table(headline(result.metrics)), "device": result.device}
        shown |= {"champions": markdown_table(_champions(result.metrics))}
        shown |= {"champions against the others": markdown_table(result.differences)}
        reasons = result.not_evaluated | result.left_out
        shown |= {f"{name}: not evaluated": reason for name, reason in reasons.items()}
        for name, reason in reasons.items():
            context.log.warning(f"{name}: not evaluated: {reason}")
        return StepResult(tables={"model_evaluations": result.metrics}, metadata={"model_evaluations": shown})

    yield from run_step(context, shop, version=version, tables=["model_evaluations"], compute=compute)


def _champions_before(shop: Shop) -> dict[str, str]:
    """Who wrote each list after the run before, if that was not for a later day."""
    columns = ["list_name", "model_name", "is_champion", "not_evaluated_reason", "as_of_date"]
    before = shop.warehouse().read("ml", "model_evaluations", columns=columns)
    # A list that could not be judged was written for want of another.
    known = before.filter(
        pl.col("as_of_date") <= read_as_of(shop), "is_champion", pl.col("not_evaluated_reason").is_null()
    )
    return dict(known.select("list_name", "model_name").unique().rows())


def _champions(metrics: pl.DataFrame) -> pl.DataFrame:
    return (
        metrics.filter("is_champion")
        .select("list_name", "model_name", "champion_reason")
        .unique()
        .sort("list_name")
    )


def _recommend(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    inputs = read_inputs(shop, RECOMMENDED_FROM, written=["user_cohorts", "model_evaluations"])
    version = fingerprint(settings.recommender, code="recommender", frames=inputs, seed=settings.seed)

    def compute() -> StepResult:
        from python_ml.recommender.recommend import recommend_items

        result = recommend_items(
            **inputs,
            config=settings.recommender,
            as_of=read_as_of(shop),
            device=settings.device,
            seed=settings.seed,
            progress=Progress(what="users served", write=context.log.info),
        )
        save_model(settings.paths, "recommender", version, result.weights)
        sources = result.recommendations.group_by("list_name", "candidate_source", "reason_code").len("rows")
        shown = {"sources and reasons": markdown_table(sources.sort("rows", descending=True))}
        return StepResult(
            tables={"recommendations": result.recommendations, "similar_items": result.similar_items},
            metadata={"recommendations": shown | {"device": result.device}},
        )

    tables = ["recommendations", "similar_items"]
    yield from run_step(context, shop, version=version, tables=tables, compute=compute)
