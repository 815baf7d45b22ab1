"""`ml.cohort_descriptions`: each cohort in plain words, by a template or by a local language model."""

from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from dagster_defs.dbt_assets import WRITER_POOL
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.ml_assets.step import StepResult, fingerprint, markdown_table, run_step
from dagster_defs.resources import Shop
from dagster_defs.settings import Settings
from python_ml.describe.build import NAME_COLUMNS, PROFILE_COLUMNS, RULE_COLUMNS, describe_cohorts
from python_ml.describe.locate import language_model_name

if TYPE_CHECKING:
    from python_ml.describe.build import Writer

TABLE = "cohort_descriptions"
INPUTS = {"cohort_profiles": PROFILE_COLUMNS, "cohort_rules": RULE_COLUMNS, "user_cohorts": NAME_COLUMNS}


def build_description_assets() -> list[dg.AssetsDefinition]:
    spec = dg.AssetSpec(
        ["ml", TABLE],
        deps=[["ml", name] for name in INPUTS],
        group_name="ml",
        kinds={"python"},
        description="One row per cohort with a profile: what sets it apart, in plain words.",
    )

    @dg.multi_asset(name=TABLE, specs=[spec], pool=WRITER_POOL, retry_policy=RETRIES)
    def cohort_descriptions(context: dg.AssetExecutionContext, shop: Shop):
        with errors_as_failures():
            yield from _build(context, shop)

    return [cohort_descriptions]


def _build(context: dg.AssetExecutionContext, shop: Shop):
    settings = shop.settings()
    profiles, rules, users = (
        shop.warehouse().read("ml", name, columns=columns) for name, columns in INPUTS.items()
    )
    names = users.unique()
    model = settings.describe.model
    language_model = None if model is None else language_model_name(model)
    version = fingerprint(
        settings.describe,
        code="describe",
        frames={"cohort_profiles": profiles, "cohort_rules": rules, "cohort_names": names},
        language_model=language_model,
    )

    def compute() -> StepResult:
        has_work = language_model is not None and not profiles.is_empty()
        writer = _load_writer(settings, language_model) if has_work else None
        described = describe_cohorts(profiles, rules, names, settings.describe, writer)
        shown = names.join(described, on="cohort_id").sort("cohort_id")
        refused = shown.filter(pl.col("refused_text_reason").is_not_null())
        return StepResult(
            tables={TABLE: described},
            metadata={
                TABLE: {
                    "language model": language_model or "none",
                    "descriptions": markdown_table(
                        shown.select("cohort_name", "description_source", "description")
                    ),
                    "refused texts": markdown_table(refused.select("cohort_name", "refused_text_reason")),
                }
            },
        )

    yield from run_step(context, shop, version=version, tables=[TABLE], compute=compute)


def _load_writer(settings: Settings, name: str) -> "Writer":
    from python_ml.describe.build import Writer
    from python_ml.describe.language_model import LanguageModel  # torch: only where a model is asked for
    from python_ml.device import resolve_device

    config = settings.describe
    model = LanguageModel.load(
        config.model, resolve_device(settings.device), max_new_tokens=config.max_new_tokens
    )
    return Writer(name, model.write)
