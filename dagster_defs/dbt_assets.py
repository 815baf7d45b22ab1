"""The dbt graph as assets, cut in two by Python: what Python reads, and what stands on what Python wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    dbt_assets,
)
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from dagster_defs.contracts import written_contracts
from dagster_defs.failures import RETRIES, errors_as_failures
from dagster_defs.raw_repair import folder_to_read
from dagster_defs.resources import Shop, point_dbt_at
from python_ml.errors import BuildError, SettingError

WRITER_POOL = "warehouse_writer"
STANDS_ON_PYTHON = "source:ml+"
ACQUISITION_COHORTS = dg.AssetKey(["serving", "acquisition_cohorts"])
# dagster-dbt's heading of what dbt said.
ERRORS_OF_DBT = "Errors parsed from dbt logs:"


class Translator(DagsterDbtTranslator):
    """Keys are [schema, table], groups are the folders under models/."""

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_group_name(self, dbt_resource_props: dict[str, Any]) -> str | None:
        return dbt_resource_props["fqn"][1]

    def get_asset_check_spec(self, asset_spec: dg.AssetSpec, **of_dbt: Any) -> dg.AssetCheckSpec | None:
        """dbt's tests on the tables Python wrote stop the serving tables and the copy, not the next step.

        Were they to block the next step as well, dbt would start once for every step, six seconds each
        time. What they test there, keys and nulls, was refused before it was written (`conform`).
        """
        check = super().get_asset_check_spec(asset_spec=asset_spec, **of_dbt)
        if check is not None and asset_spec.key.path[0] in written_contracts():
            return check._replace(blocking=False)
        return check


def load_manifest(file: Path) -> dict[str, Any]:
    """dbt's own description of the project, written by `dbt parse`.

    Args:
        file: where `prepare` had it written.

    Raises:
        SettingError: the project was never parsed.
    """
    if not file.exists():
        raise SettingError(
            "the dbt project has not been parsed yet",
            where=str(file),
            remedy="run `make setup`",
        )
    return json.loads(file.read_text(encoding="utf-8"))


def build_dbt_assets(manifest: dict[str, Any]) -> list[dg.AssetsDefinition]:
    """The two halves of the dbt graph."""
    common = {
        "manifest": manifest,
        "dagster_dbt_translator": Translator(),
        "pool": WRITER_POOL,
        "retry_policy": RETRIES,
    }

    @dbt_assets(**common, name="dbt_features", exclude=STANDS_ON_PYTHON)
    def dbt_features(context: dg.AssetExecutionContext, dbt: DbtCliResource, shop: Shop):
        with errors_as_failures():
            yield from _build(context, dbt, shop)

    @dbt_assets(**common, name="dbt_serving", select=STANDS_ON_PYTHON)
    def dbt_serving(context: dg.AssetExecutionContext, dbt: DbtCliResource, shop: Shop):
        with errors_as_failures():
            yield from _build(context, dbt, shop)

    return [dbt_features, dbt_serving]


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource, shop: Shop) -> Iterator[Any]:
    settings = shop.settings()
    point_dbt_at(settings, raw_files=folder_to_read(settings.data_folder, settings.paths))
    shop.warehouse().check_free()
    # Unit tests try the SQL on made-up rows: they are for whoever changes it, not for every day's data.
    arguments = ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(settings.dbt_vars())]
    if settings.full_refresh:
        arguments.append("--full-refresh")
    invocation = dbt.cli(arguments, context=context, raise_on_error=False)
    built = []
    for event in invocation.stream():
        if isinstance(event, dg.Output):
            built.append(context.asset_key_for_output(event.output_name))
        yield event
    raise_when_failed(invocation)
    yield from _observe_row_counts(built, shop)
    yield from _observe_retention(built, shop)


def _observe_row_counts(keys: list[dg.AssetKey], shop: Shop) -> Iterator[dg.AssetObservation]:
    """Row counts come after the command: while dbt writes, nobody else can open the file."""
    counts = shop.warehouse().row_counts()
    for key in keys:
        if (rows := counts.get(".".join(key.path))) is not None:
            yield dg.AssetObservation(key, metadata={"dagster/row_count": rows})


def _observe_retention(keys: list[dg.AssetKey], shop: Shop) -> Iterator[dg.AssetObservation]:
    """The triangle of acquisition cohorts as a picture, after the command as well."""
    if ACQUISITION_COHORTS not in keys:
        return
    acquisition = shop.warehouse().read(*ACQUISITION_COHORTS.path)
    if acquisition.is_empty():
        return
    from dagster_defs.figures import as_metadata  # matplotlib: only where there is something to draw
    from python_ml.cohorts.plots_over_time import plot_retention

    yield dg.AssetObservation(
        ACQUISITION_COHORTS, metadata={"retention": as_metadata(plot_retention(acquisition))}
    )


def raise_when_failed(invocation: DbtCliInvocation) -> None:
    """Turn dbt's failure into one message that names the models and tests that failed.

    Raises:
        BuildError: the command did not succeed.
    """
    invocation.wait()
    if invocation.is_successful():
        return
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except (FileNotFoundError, KeyError, DagsterDbtCliRuntimeError):
        results = []
    failed = [result for result in results if result["status"] in ("error", "fail", "runtime error")]
    named = "\n".join(f"  {_short(result['unique_id'])}: {_one_line(result['message'])}" for result in failed)
    if not named:  # dbt stopped before any model: what it said is all there is
        named = str(invocation.get_error()).partition(ERRORS_OF_DBT)[2].strip()
    raise BuildError(
        f"dbt could not finish{':' if named else '; its log says why'}\n{named}".rstrip(),
        where=str(invocation.target_path / "dbt.log"),
        remedy="mend the model, test or data named above and run again; the published copy is untouched",
    )


def _short(unique_id: str) -> str:
    """ "model.shoal.orders" is better known as "model orders"."""
    kind, _, name, *_ = unique_id.split(".")
    return f"{kind} {name}"


def _one_line(message: str | None) -> str:
    return " ".join((message or "no message").split())[:400]
