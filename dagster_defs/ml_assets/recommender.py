"""How models do and what diversity costs, then recommendations, similar items and audiences by the best."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    PartsResult,
    StepResult,
    checkpoint_folder,
    current_tables,
    fingerprint,
    load_model,
    markdown_table,
    nothing_to_do,
    read_as_of,
    read_inputs,
    remove_checkpoints,
    run_step,
    save_model,
)
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop
from dagster_defs.trackers import log_to_mlflow, write_curves
from python_ml.config import RecommenderConfig
from python_ml.extras import version_of

if TYPE_CHECKING:
    from python_ml.recommender.evaluate import EvaluationResult
    from python_ml.recommender.recommend import Recommender
    from python_ml.recommender.watch import Watch

ACTS = {"interactions": ["user_id", "item_id", "event_type", "weight", "interacted_at"]}
EVALUATED_ON = ["item_features", "item_texts"]
RECOMMENDED_FROM = ["user_features", "item_features", "item_texts"]
RULES = ["business_rules_in_force", "business_rule_items", "user_ages"]
AUDIENCES = ["audience_items_chosen", "contactable_users"]
SESSIONS = "anonymous_session_acts"


def build_recommender_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    features = {
        name: get_asset_key_for_model([dbt_features], name)
        for name in [*ACTS, *RECOMMENDED_FROM, *RULES, *AUDIENCES, SESSIONS]
    }
    written = [["ml", "text_embeddings"], ["ml", "user_cohorts"]]
    kinds = {"python", "torch"}
    evaluations = dg.AssetSpec(
        ["ml", "model_evaluations"],
        deps=[features[name] for name in [*ACTS, *EVALUATED_ON]] + written,
        group_name="ml",
        kinds=kinds,
        description="One row per model, list, cohort, metric and cutoff: how well it foresaw the newest.",
    )
    diversity = dg.AssetSpec(
        ["ml", "diversity_tradeoff"],
        deps=evaluations.deps,
        group_name="ml",
        kinds=kinds,
        description="One row per split, list and weight: what unlike items in a list cost; which is chosen.",
    )
    recommendations = dg.AssetSpec(
        ["ml", "recommendations"],
        deps=[
            *(features[name] for name in [*ACTS, *RECOMMENDED_FROM, *RULES]),
            *written,
            evaluations.key,
            diversity.key,
        ],
        group_name="ml",
        kinds=kinds,
        description="One row per user, list and rank: what to show, and why.",
    )
    similar_items = dg.AssetSpec(
        ["ml", "similar_items"],
        deps=[*(features[name] for name in [*ACTS, *RECOMMENDED_FROM]), *written, evaluations.key],
        group_name="ml",
        kinds=kinds,
        description="One row per item and rank: the items most like it.",
    )
    item_audiences = dg.AssetSpec(
        ["ml", "item_audiences"],
        deps=[
            *(features[name] for name in [*ACTS, *RECOMMENDED_FROM, *AUDIENCES]),
            *written,
            evaluations.key,
        ],
        group_name="ml",
        kinds=kinds,
        description="One row per item and rank: the users most likely to want it.",
    )
    session_recommendations = dg.AssetSpec(
        ["ml", "session_recommendations"],
        deps=[
            *(features[name] for name in [*ACTS, *RECOMMENDED_FROM, *RULES, SESSIONS]),
            *written,
            evaluations.key,
        ],
        group_name="ml",
        kinds=kinds,
        description="One row per session of a browser nobody is known behind and rank: what to show next.",
    )
    common = {"pool": WRITER_POOL, "retry_policy": RETRIES}

    @dg.multi_asset(name="model_evaluations", specs=[evaluations, diversity], **common)
    def evaluate(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _evaluate(context, shop)

    served = [recommendations, similar_items, item_audiences, session_recommendations]

    @dg.multi_asset(name="recommendations", specs=served, **common)
    def recommend(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _recommend(context, shop)

    return [evaluate, recommend]


def _evaluate(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    inputs = read_inputs(shop, EVALUATED_ON, compact=ACTS, written=["user_cohorts"])
    version = fingerprint(
        _of_models(settings.recommender),
        code="recommender",
        frames=inputs,
        seed=settings.seed,
        als=version_of("implicit"),  # installed, it competes
    )
    evaluated: list[EvaluationResult] = []

    def compute() -> StepResult:
        from dagster_defs.figures import as_metadata
        from python_ml.recommender.evaluate import cold_headline, evaluate_recommenders, headline
        from python_ml.recommender.report import trainings

        result = evaluate_recommenders(
            **inputs,
            config=settings.recommender,
            as_of=read_as_of(shop),
            device=settings.device,
            seed=settings.seed,
            in_force=_champions_before(shop),
            progress=Progress(what="models evaluated", write=context.log.info),
            checkpoints=checkpoint_folder(settings.paths, "model_evaluations", version, read_as_of(shop)),
            watch=_watch(context),
        )
        shown = {name: as_metadata(figure) for name, figure in result.plots.items()}
        shown |= {"on the last window": markdown_table(headline(result.metrics)), "device": result.device}
        shown |= {"people little was known of": markdown_table(cold_headline(result.metrics))}
        shown |= {"trained": markdown_table(trainings(result.history))}
        shown |= {"champions": markdown_table(_champions(result.metrics))}
        shown |= {"champions against the others": markdown_table(result.differences)}
        reasons = result.not_evaluated | result.left_out
        shown |= {f"{name}: not evaluated": reason for name, reason in reasons.items()}
        for name, reason in reasons.items():
            context.log.warning(f"{name}: not evaluated: {reason}")
        evaluated.append(result)
        return StepResult(
            tables={"model_evaluations": result.metrics, "diversity_tradeoff": result.diversity},
            metadata={"model_evaluations": shown, "diversity_tradeoff": _costs(result.diversity)},
        )

    tables = ["model_evaluations", "diversity_tradeoff"]
    yield from run_step(context, shop, version=version, tables=tables, compute=compute)
    remove_checkpoints(settings.paths, "model_evaluations")
    for result in evaluated:  # only now: what is written is not lost to a tracker that does not answer
        _tell_trackers(context, shop, result, version)


def _tell_trackers(
    context: dg.AssetExecutionContext, shop: Shop, result: "EvaluationResult", version: str
) -> None:
    settings, as_of = shop.settings(), read_as_of(shop)
    folder = settings.paths.tensorboard / f"{as_of}-{version}"
    if write_curves(folder, result.history):
        context.log.info(f"learning curves: tensorboard --logdir {settings.paths.tensorboard}")
    log_to_mlflow(
        settings.tracking_uri,
        result.metrics,
        experiment=f"shoal/{settings.paths.source}",
        version=version,
        as_of=as_of,
        warn=context.log.warning,
    )


def _of_models(config: RecommenderConfig) -> RecommenderConfig:
    """The settings without those that shape lists alone or share work out: changing them trains nothing."""
    return replace(
        config,
        exploration_slots=0,
        exploration_pool=1,
        audience_length=1,
        session_length=1,
        transformer_workers=1,
    )


def _costs(diversity: pl.DataFrame) -> dict[str, Any]:
    """What the UI shows of the weights that were tried."""
    chosen = diversity.filter("is_chosen", split_name="validation").sort("list_name")
    measured = diversity.filter(pl.col("ndcg").is_not_null()).drop("reason", "allowed_loss")
    reasons = {
        f"{name}: weight {weight:g}": reason
        for name, weight, reason in chosen.select("list_name", "diversity_weight", "reason").iter_rows()
    }
    return reasons | {"cost of diversity": markdown_table(measured)}


def _watch(context: dg.AssetExecutionContext) -> "Watch":
    from python_ml.recommender.watch import Watch

    return Watch(start=lambda what: Progress(what=what, write=context.log.info), tell=context.log.info)


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
    inputs = read_inputs(shop, RECOMMENDED_FROM, compact=ACTS, written=["user_cohorts", "model_evaluations"])
    rules = {name: shop.warehouse().read("features", name) for name in RULES}
    diversity = shop.warehouse().read("ml", "diversity_tradeoff")
    models = fingerprint(
        _of_models(settings.recommender), code="recommender", frames=inputs, seed=settings.seed
    )
    # Another rule or weight, or other places to draw, make other lists of the same models.
    shaped_by = rules | {"diversity_tradeoff": diversity}
    lists = fingerprint(settings.recommender, code="recommender", frames=shaped_by, models=models)
    asked = {name: shop.warehouse().read("features", name) for name in AUDIENCES}
    audiences = fingerprint(settings.recommender, code="recommender", frames=asked, models=models)
    acts = shop.warehouse().read("features", SESSIONS)
    shaped_by = rules | {SESSIONS: acts}
    sessions = fingerprint(settings.recommender, code="recommender", frames=shaped_by, models=models)
    current = current_tables(shop, {"recommendations": lists, "similar_items": models}, read_as_of(shop))

    @cache
    def recommender() -> "Recommender":
        from python_ml.recommender.recommend import Recommender

        return Recommender(
            **inputs,
            config=settings.recommender,
            diversity_tradeoff=diversity,
            as_of=read_as_of(shop),
            device=settings.device,
            seed=settings.seed,
            trained=load_model(settings.paths, "recommender", models),
            checkpoints=checkpoint_folder(settings.paths, "recommendations", models, read_as_of(shop)),
            watch=_watch(context),
        )

    def write_lists() -> PartsResult:
        from python_ml.recommender.read_rules import RuleTables

        tables = RuleTables(**rules)
        not_applied = tables.not_applied(settings.recommender.list_length)
        for name, reason in not_applied.items():
            context.log.warning(f"business rule {name} is not applied: {reason}")
        save_model(settings.paths, "recommender", models, recommender().weights())
        parts = recommender().lists(tables, Progress(what="users served", write=context.log.info))
        counts: list[pl.DataFrame] = []

        def counted() -> Iterator[pl.DataFrame]:
            for part in parts:
                counts.append(_counts(part))
                yield part

        return PartsResult(
            table="recommendations",
            parts=counted(),
            metadata=lambda: _shown(pl.concat(counts), recommender().device, not_applied),
        )

    def find_similar() -> StepResult:
        return StepResult(tables={"similar_items": recommender().similar_items()})

    def find_audiences() -> StepResult:
        for name, frame in asked.items():
            if frame.is_empty():
                return nothing_to_do(["item_audiences"], f"features.{name} is empty")
        progress = Progress(what="users asked about", write=context.log.info)
        return StepResult(tables={"item_audiences": recommender().item_audiences(**asked, progress=progress)})

    def find_for_sessions() -> StepResult:
        from python_ml.recommender.read_rules import RuleTables

        if acts.is_empty():
            return nothing_to_do(["session_recommendations"], f"features.{SESSIONS} is empty")
        written = recommender().session_lists(acts, RuleTables(**rules))
        return StepResult(tables={"session_recommendations": written})

    for table, version, compute in (
        ("recommendations", lists, write_lists),
        ("similar_items", models, find_similar),
    ):
        is_current = table in current
        yield from run_step(
            context, shop, version=version, tables=[table], compute=compute, is_current=is_current
        )
    # Not like the two: an empty table may be one that has been asked for nothing so far.
    yield from run_step(context, shop, version=audiences, tables=["item_audiences"], compute=find_audiences)
    yield from run_step(
        context, shop, version=sessions, tables=["session_recommendations"], compute=find_for_sessions
    )
    remove_checkpoints(settings.paths, "recommendations")


def _counts(lists: pl.DataFrame) -> pl.DataFrame:
    """What `_shown` needs of some of the lists."""
    return lists.group_by("list_name", "candidate_source", "reason_code", "rules_applied").len("rows")


def _shown(counts: pl.DataFrame, device: str, not_applied: dict[str, str]) -> dict[str, Any]:
    """What the UI shows of the lists."""
    rows = pl.col("rows").sum()
    sources = counts.group_by("list_name", "candidate_source", "reason_code").agg(rows)
    applied = counts.filter(pl.col("rules_applied") != "").with_columns(
        pl.col("rules_applied").str.split(",")
    )
    touched = applied.explode("rules_applied").group_by("list_name", "rules_applied").agg(rows)
    shown = {
        "sources and reasons": markdown_table(sources.sort("rows", descending=True)),
        "rules applied": markdown_table(touched.sort("list_name", "rules_applied")),
        "device": device,
    }
    return shown | {f"{rule}: not applied": reason for rule, reason in not_applied.items()}
