"""`ml.user_interests` and what belongs to it: what each user buys, as a mixture of a few themes."""

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import (
    StepResult,
    fingerprint,
    load_models,
    markdown_table,
    read_as_of,
    run_step,
    save_model,
)
from dagster_defs.progress import Progress
from dagster_defs.resources import Shop

if TYPE_CHECKING:
    from python_ml.interests.build import InterestResult

# What is read of the feature tables: other columns of items change without a purchase.
FEATURES = {
    "interactions": ["user_id", "item_id", "order_id", "event_type", "interacted_at"],
    "item_features": ["item_id", "category"],
}
DESCRIPTIONS = {
    "user_interests": "One row per user who has ordered and interest: the interest's share of the user.",
    "interest_profiles": "One row per interest and category that says most of it.",
    "interest_selection": "One row per number of interests tried: how well it foretold later purchases.",
}


def build_interest_assets(dbt_features: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    deps = [get_asset_key_for_model([dbt_features], name) for name in FEATURES]
    specs = [
        dg.AssetSpec(
            ["ml", name], deps=deps, group_name="ml", kinds={"python", "scikitlearn"}, description=text
        )
        for name, text in DESCRIPTIONS.items()
    ]

    @dg.multi_asset(name="interests", specs=specs, pool=WRITER_POOL, retry_policy=RETRIES)
    def interests(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [interests]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings, warehouse = shop.settings(), shop.warehouse()
    inputs = {name: warehouse.read("features", name, columns=columns) for name, columns in FEATURES.items()}
    version = fingerprint(settings.interests, code="interests", frames=inputs, seed=settings.seed)

    def compute() -> StepResult:
        from dagster_defs.figures import as_metadata
        from python_ml.interests.build import build_interests
        from python_ml.interests.model import read_kept

        # What was before is no cause to run again: it lends its interests while they hold, or ids and names.
        day = read_as_of(shop)
        result = build_interests(
            **inputs,
            kept=read_kept(load_models(settings.paths, "interests"), day),
            config=settings.interests,
            seed=settings.seed,
            day=day,
            fitted_with=fingerprint(settings.interests, code="interests", frames={}, seed=settings.seed),
            progress=Progress(what="numbers of interests tried", write=context.log.info),
        )
        if result.model is not None:
            save_model(settings.paths, "interests", version, result.model.arrays())
        context.log.info(describe_choice(result, day))
        plots = {name: as_metadata(figure) for name, figure in result.plots.items()}
        return StepResult(
            tables={name: getattr(result, name) for name in DESCRIPTIONS},
            metadata={
                "interest_profiles": {name: plots[name] for name in plots if name != "selection"}
                | {"interests": markdown_table(show_interests(result.interest_profiles))},
                "interest_selection": {
                    "selection": plots["selection"],
                    "choice": describe_choice(result, day),
                    "candidates": markdown_table(result.interest_selection),
                },
            },
        )

    yield from run_step(context, shop, version=version, tables=list(DESCRIPTIONS), compute=compute)


def show_interests(profiles: pl.DataFrame) -> pl.DataFrame:
    """A row per interest, the largest first, with its categories in one cell."""
    return (
        profiles.group_by("interest_id", "interest_name", "user_share", maintain_order=True)
        .agg(pl.col("category_label").str.join(", ").alias("categories"))
        .sort("user_share", descending=True, maintain_order=True)
    )


def describe_choice(result: "InterestResult", day: date) -> str:
    """How many interests there are and since when, or why there are none."""
    selection = result.interest_selection
    chosen = selection.filter("is_chosen")
    if result.is_held:
        return f"{chosen['interest_count'].item()} interests, as chosen on {chosen['selected_on'].item()}"
    if chosen.is_empty():
        reasons = selection["reason"].drop_nulls()
        return f"no interests on {day}: {reasons.last() if len(reasons) else 'one is as good as more'}"
    number, perplexity = chosen.select("interest_count", "perplexity").row(0)
    popularity = selection.filter(interest_count=0)["perplexity"].item()
    return f"{number} interests chosen: perplexity {perplexity:.1f}, {popularity:.1f} by popularity"
